//! Draws a figure as SVG, with plotters: the only file that names it.

use std::fmt::Display;
use std::ops::Range;

use plotters::chart::ChartContext;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::layout::{Entry, SAMPLE, TEXT, WIDTH, escape, fitted, legend, place, printable, text_width, ticks_that_fit};
use super::palette::{Paint, dress, style_sheet};
use crate::figure::{Axis, Drawing, Panel, Point, Series, Shape};

/// Units a pixel: plotters rounds to whole units, and so to quarters of a pixel.
const UNIT: i32 = 4;
const PANEL_HEIGHT: i32 = 340;
const LEGEND_ROW: i32 = 24;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The figure as a document of its own, that may be put into a page as it is. The same drawing gives the same bytes.
/// Errors where an axis has no extent or a limit that is not finite.
pub fn render(drawing: &Drawing) -> Result<String, String> {
    for axis in [&drawing.x, &drawing.y] {
        let (start, end) = (place(axis, axis.range.0), place(axis, axis.range.1));
        if !(start.is_finite() && end.is_finite() && start < end) {
            return Err(format!(
                "figure {:?}: the axis {:?} has no extent: {:?}",
                drawing.name, axis.label, axis.range
            ));
        }
    }
    let columns = columns(&drawing.panels);
    let rows = drawing.panels.len().div_ceil(columns).max(1);
    let legend = legend(drawing);
    let plots = PANEL_HEIGHT * rows as i32;
    let height = plots + LEGEND_ROW * legend.len() as i32 + 8;
    let mut drawn = String::new();
    {
        let size = ((WIDTH * UNIT) as u32, (height * UNIT) as u32);
        let root = SVGBackend::with_string(&mut drawn, size).into_drawing_area();
        let (upper, lower) = root.split_vertically(plots * UNIT);
        for (panel, area) in drawing.panels.iter().zip(upper.split_evenly((rows, columns))) {
            draw_panel(drawing, panel, &root, &area, WIDTH / columns as i32).map_err(failed(drawing))?;
        }
        for (row, entries) in legend.iter().enumerate() {
            draw_legend(entries, row as i32, &lower).map_err(failed(drawing))?;
        }
        root.present().map_err(failed(drawing))?;
    }
    let content = drawn.split_once('\n').map_or("", |(_, content)| content).replace(" opacity=\"1\"", "");
    Ok(head(drawing, height) + &dress(&content, UNIT))
}

/// Two, unless a title would lose its end, which is what tells variants apart.
fn columns(panels: &[Panel]) -> usize {
    let whole = |panel: &Panel| fitted(&panel.title, WIDTH / 2 - 20) == printable(&panel.title);
    if panels.iter().all(whole) { panels.len().clamp(1, 2) } else { 1 }
}

fn failed<E: Display>(drawing: &Drawing) -> impl Fn(E) -> String {
    move |e| format!("figure {:?}: {e}", drawing.name)
}

/// The root element with what plotters leaves out: a name and a description for who cannot see, and colours.
fn head(drawing: &Drawing, height: i32) -> String {
    let name: String = drawing.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let (title, description) = (escape(&drawing.title), escape(&drawing.alternative));
    let (width, tall) = (WIDTH * UNIT, height * UNIT);
    // Drawn a quarter larger than it was laid out for, where there is room.
    let (shown_width, shown_height) = (WIDTH * 5 / 4, height * 5 / 4);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"{name}-figure\" viewBox=\"0 0 {width} {tall}\" \
         width=\"{shown_width}\" height=\"{shown_height}\" style=\"max-width:100%;height:auto\" role=\"img\" \
         aria-labelledby=\"{name}-title {name}-desc\">\n\
         <title id=\"{name}-title\">{title}</title>\n<desc id=\"{name}-desc\">{description}</desc>\n{}\
         <rect class=\"paper\" width=\"{width}\" height=\"{tall}\" fill=\"none\"/>\n",
        style_sheet(&format!("{name}-figure"))
    )
}

fn colour(paint: Paint) -> RGBColor {
    let (red, green, blue) = paint.token();
    RGBColor(red, green, blue)
}

fn stroke(paint: Paint, width: f64) -> ShapeStyle {
    colour(paint).stroke_width((width * f64::from(UNIT)).round() as u32)
}

fn font() -> TextStyle<'static> {
    // plotters writes a font's size divided by 1.24.
    ("system-ui, sans-serif", f64::from(TEXT * UNIT) * 1.24).into_font().color(&colour(Paint::Ink))
}

type DrawResult = Result<(), DrawingAreaErrorKind<std::io::Error>>;

fn draw_panel(drawing: &Drawing, panel: &Panel, root: &Area, area: &Area, width: i32) -> DrawResult {
    let (x, y) = (&drawing.x, &drawing.y);
    let y_label_width = y.ticks.iter().map(|(_, label)| text_width(label)).max().unwrap_or(0) + 34;
    let plot_width = width - y_label_width - 34;
    let shown_x = ticks_that_fit(x, plot_width);
    let x_ticks = shown_x.iter().map(|(at, _)| *at).collect();
    let y_ticks = y.ticks.iter().map(|(at, _)| *at).collect();
    // Above the margin, into which the uppermost label of the y axis reaches.
    let title = fitted(&panel.title, width - 20);
    let titled = if title.is_empty() { None } else { Some(area.titled(&title, font())?) };
    let mut builder = ChartBuilder::on(titled.as_ref().unwrap_or(area));
    builder.margin(10 * UNIT).margin_right(24 * UNIT).x_label_area_size(50 * UNIT);
    builder.y_label_area_size(y_label_width * UNIT);
    let mut chart = builder.build_cartesian_2d(Ruler { axis: x, ticks: x_ticks }, Ruler { axis: y, ticks: y_ticks })?;
    let label = |axis: &Axis, at: f64| {
        let tick = axis.ticks.iter().find(|(value, _)| *value == at);
        tick.map_or_else(String::new, |(_, label)| printable(label))
    };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(stroke(Paint::Grid, 1.0))
        .axis_style(stroke(Paint::Ink, 1.0))
        .set_all_tick_mark_size(5 * UNIT)
        .label_style(font())
        .axis_desc_style(font())
        .x_desc(fitted(&x.label, plot_width + 24))
        .y_desc(fitted(&y.label, PANEL_HEIGHT - 60))
        .x_label_formatter(&|at| label(x, *at))
        .y_label_formatter(&|at| label(y, *at))
        .draw()?;
    for series in &panel.series {
        draw_series(drawing, series, root, &chart)?;
    }
    Ok(())
}

/// An axis as plotters wants one: where a value lies in pixels, and which values have a tick.
struct Ruler<'a> {
    axis: &'a Axis,
    ticks: Vec<f64>,
}

impl Ranged for Ruler<'_> {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (first, last): (i32, i32)) -> i32 {
        let (start, end) = (place(self.axis, self.axis.range.0), place(self.axis, self.axis.range.1));
        let fraction = (place(self.axis, *value) - start) / (end - start);
        first + (fraction * f64::from(last - first)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.axis.range.0..self.axis.range.1
    }
}

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Ruler<'a>, Ruler<'a>>>;

/// Draws in pixels, so that a legend's samples and a series' marks are made by the same hands.
fn draw_series(drawing: &Drawing, series: &Series, root: &Area, chart: &Chart) -> DrawResult {
    let at = |x: f64, y: f64| chart.backend_coord(&(x, y));
    let line = |points: Vec<(i32, i32)>| root.draw(&PathElement::new(points, stroke(Paint::Line(series.style), 2.2)));
    match &series.shape {
        Shape::Curve(points) => line(points.iter().map(|(x, y)| at(*x, *y)).collect()),
        Shape::Baseline { y, low, high } => {
            let (start, end) = drawing.x.range;
            if low < high {
                let band = colour(Paint::Mark(series.style)).mix(0.14).filled();
                root.draw(&Rectangle::new([at(start, *high), at(end, *low)], band))?;
            }
            line(vec![at(start, *y), at(end, *y)])
        }
        Shape::Points(points) => {
            line(points.iter().map(|point| at(point.x, point.y)).collect())?;
            for Point { x, y, low, high } in points {
                if low < high {
                    bar(at(*x, *high), at(*x, *low), series.style, root)?;
                }
                marker(at(*x, *y), series.style, root)?;
            }
            Ok(())
        }
    }
}

fn bar(top: (i32, i32), bottom: (i32, i32), style: usize, area: &Area) -> DrawResult {
    let cap = 4 * UNIT;
    let paint = stroke(Paint::Mark(style), 1.4);
    area.draw(&PathElement::new(vec![top, bottom], paint))?;
    for (x, y) in [top, bottom] {
        area.draw(&PathElement::new(vec![(x - cap, y), (x + cap, y)], paint))?;
    }
    Ok(())
}

fn marker((x, y): (i32, i32), style: usize, area: &Area) -> DrawResult {
    let r = 5 * UNIT;
    let fill = colour(Paint::Mark(style)).filled();
    let polygon = |corners: &[(i32, i32)]| {
        area.draw(&Polygon::new(corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect::<Vec<_>>(), fill))
    };
    match style % 5 {
        0 => polygon(&[(0, -r - UNIT), (r + UNIT, 0), (0, r + UNIT), (-r - UNIT, 0)]),
        1 => area.draw(&Circle::new((x, y), r, fill)),
        2 => polygon(&[(-r, -r), (r, -r), (r, r), (-r, r)]),
        3 => polygon(&[(0, -r), (r, r), (-r, r)]),
        _ => polygon(&[(0, r), (r, -r), (-r, -r)]),
    }
}

fn draw_legend(entries: &[Entry], row: i32, area: &Area) -> DrawResult {
    let y = (LEGEND_ROW * row + LEGEND_ROW / 2) * UNIT;
    for entry in entries {
        let (start, end) = (entry.left * UNIT, (entry.left + SAMPLE - 8) * UNIT);
        let style = entry.series.style;
        area.draw(&PathElement::new(vec![(start, y), (end, y)], stroke(Paint::Line(style), 2.2)))?;
        if matches!(entry.series.shape, Shape::Points(_)) {
            marker(((start + end) / 2, y), style, area)?;
        }
        let text = font().pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&Text::new(entry.label.clone(), ((entry.left + SAMPLE) * UNIT, y), text))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::{drawings, study};

    /// Walks the tags of an XML document; panics where one is not closed in turn, quoted, or escaped.
    fn assert_well_formed(xml: &str) {
        assert!(!xml.chars().any(|c| c.is_control() && c != '\n'), "a control character");
        let mut open: Vec<&str> = Vec::new();
        let mut rest = xml;
        while let Some(start) = rest.find('<') {
            assert_text(&rest[..start]);
            let end = start + rest[start..].find('>').expect("a tag ends");
            let tag = &rest[start + 1..end];
            rest = &rest[end + 1..];
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name));
                continue;
            }
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            assert!(name.chars().all(|c| c.is_ascii_alphabetic()), "{tag}");
            assert_attributes(attributes.trim_end_matches('/'));
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
        assert_eq!(open, Vec::<&str>::new());
        assert_eq!(rest.trim(), "");
    }

    fn assert_attributes(attributes: &str) {
        let mut names = Vec::new();
        let mut parts = attributes.split('"');
        while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
            assert!(name.trim().ends_with('=') && !name.trim().contains(' '), "{attributes}");
            assert!(!names.contains(&name.trim()), "{name} twice in {attributes}");
            names.push(name.trim());
            assert_text(value);
        }
    }

    fn assert_text(text: &str) {
        assert!(!text.contains('>'), "{text}");
        for after in text.split('&').skip(1) {
            let known = ["amp;", "lt;", "gt;", "quot;", "apos;"];
            assert!(known.iter().any(|entity| after.starts_with(entity)), "{text}");
        }
    }

    #[test]
    fn every_figure_is_well_formed_and_the_same_drawing_gives_the_same_bytes() {
        let drawn = drawings(&study());
        assert_eq!(drawn.len(), 5);
        for drawing in drawn {
            let svg = render(&drawing).unwrap();
            assert_well_formed(&svg);
            assert_eq!(svg, render(&drawing.clone()).unwrap());
            assert!(svg.contains("role=\"img\"") && svg.contains(&format!("<title id=\"{}-title\">", drawing.name)));
        }
    }

    #[test]
    fn a_title_too_long_for_half_the_width_has_all_of_it() {
        let panel = |title: &str| Panel { title: title.into(), series: Vec::new() };
        let (short, long) = (panel("width=0.5"), panel("width=0.5 learning_rate=1.2e-3"));
        assert_eq!(columns(&[short.clone(), short.clone()]), 2);
        assert_eq!(columns(&[short.clone(), long.clone()]), 1);
        assert_eq!((columns(&[short]), columns(&[])), (1, 1));
        assert_eq!(fitted(&long.title, WIDTH - 20), long.title);
    }

    #[test]
    fn hostile_names_stay_text() {
        let hostile = "<&\"'>]]>\u{1b}\u{0}fill=\"#000000\" opacity=\"1\"";
        let mut study = study();
        for pipeline in &mut study.header.pipelines {
            pipeline.name = format!("{}{hostile}", pipeline.name);
        }
        for row in &mut study.rows {
            row.pipeline = format!("{}{hostile}", row.pipeline);
            row.variant = hostile.into();
        }
        for mut drawing in drawings(&study) {
            drawing.title = hostile.into();
            drawing.panels.push(drawing.panels[0].clone());
            let svg = render(&drawing).unwrap();
            assert_well_formed(&svg);
            assert!(svg.contains("fill=&quot;#000000&quot; opacity=&quot;1&quot;"), "{}", drawing.name);
        }
    }

    #[test]
    fn no_colour_is_left_that_dark_pages_cannot_change() {
        for drawing in drawings(&study()) {
            let svg = render(&drawing).unwrap();
            assert!(!svg.contains("=\"#"), "{}", drawing.name);
        }
    }

    #[test]
    fn an_axis_without_extent_is_an_error_not_a_panic() {
        let mut drawing = drawings(&study()).remove(0);
        drawing.y.range = (95.0, 95.0);
        assert!(render(&drawing).unwrap_err().contains("no extent"));
        drawing.y.range = (0.0, f64::NAN);
        assert!(render(&drawing).is_err());
    }
}

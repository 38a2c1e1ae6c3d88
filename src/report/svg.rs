//! Draws a figure as SVG, with plotters: the only file that names it.

use std::fmt::Display;
use std::ops::Range;

use plotters::chart::ChartContext;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::grid::{AXIS, Grid, TITLE_LINE, title_width};
use super::layout::{Entry, SAMPLE, TEXT, escape, fitted, legend, place, printable, ticks_that_fit};
use super::palette::{Paint, dress, style_sheet};
use crate::figure::{Axis, Drawing, Panel, Point, Series, Shape};

/// Units a pixel: plotters rounds to whole units, and so to quarters of a pixel.
const UNIT: i32 = 4;
const LEGEND_ROW: i32 = 24;
/// Of marks.
const FORMS: usize = 5;

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
    let grid = Grid::of(drawing);
    let legend = legend(drawing, grid.width);
    let height = grid.height() + LEGEND_ROW * legend.len() as i32 + 8;
    let mut drawn = String::new();
    {
        let size = ((grid.width * UNIT) as u32, (height * UNIT) as u32);
        let root = SVGBackend::with_string(&mut drawn, size).into_drawing_area();
        for (number, panel) in drawing.panels.iter().enumerate() {
            draw_panel(drawing, panel, &root, &grid, number).map_err(failed(drawing))?;
        }
        if grid.columns > 1 {
            draw_x_label(drawing, &root, &grid).map_err(failed(drawing))?;
        }
        let (_, lower) = root.split_vertically(grid.height() * UNIT);
        for (row, entries) in legend.iter().enumerate() {
            draw_legend(entries, row as i32, &lower).map_err(failed(drawing))?;
        }
        root.present().map_err(failed(drawing))?;
    }
    let content = drawn.split_once('\n').map_or("", |(_, content)| content).replace(" opacity=\"1\"", "");
    Ok(head(drawing, (grid.width, height)) + &dress(&content, UNIT))
}

/// Whether it is wider than a phone shows with letters that can be read.
pub(super) fn is_wide(drawing: &Drawing) -> bool {
    Grid::of(drawing).columns > 1
}

fn failed<E: Display>(drawing: &Drawing) -> impl Fn(E) -> String {
    move |e| format!("figure {:?}: {e}", drawing.name)
}

/// The root element with what plotters leaves out: a name and a description for who cannot see, and colours.
fn head(drawing: &Drawing, (width, height): (i32, i32)) -> String {
    let name: String = drawing.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let (title, description) = (escape(&drawing.title), escape(&drawing.alternative));
    // Drawn a quarter larger than it was laid out for, where there is room.
    let (shown_width, shown_height) = (width * 5 / 4, height * 5 / 4);
    let (width, tall) = (width * UNIT, height * UNIT);
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

fn draw_panel(drawing: &Drawing, panel: &Panel, root: &Area, grid: &Grid, number: usize) -> DrawResult {
    let (x, y) = (&drawing.x, &drawing.y);
    let (left, top) = grid.corner(number);
    let (plot_width, plot_height) = grid.plot;
    let shown_x = ticks_that_fit(x, plot_width);
    let x_ticks = shown_x.iter().map(|(at, _)| *at).collect();
    let y_ticks = y.ticks.iter().map(|(at, _)| *at).collect();
    for (above, line) in panel.title.lines().rev().enumerate() {
        // Above the margin, into which the uppermost label of the y axis reaches.
        let middle = ((left + plot_width / 2) * UNIT, (top - TEXT - above as i32 * TITLE_LINE) * UNIT);
        let line = fitted(line, title_width(grid.columns));
        root.draw(&Text::new(line, middle, font().pos(Pos::new(HPos::Center, VPos::Center))))?;
    }
    let labels = if grid.says_y(number) { grid.labels } else { 0 };
    let axis = if grid.says_x(number) { AXIS } else { 0 };
    let corner = ((left - labels) * UNIT, top * UNIT);
    let area = root.clone().shrink(corner, ((labels + plot_width) * UNIT, (plot_height + axis) * UNIT));
    let mut builder = ChartBuilder::on(&area);
    builder.x_label_area_size(axis * UNIT).y_label_area_size(labels * UNIT);
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
        .x_desc(if grid.columns == 1 { fitted(&x.label, plot_width + 24) } else { String::new() })
        .y_desc(fitted(&y.label, plot_height + 10))
        .x_label_formatter(&|at| label(x, *at))
        .y_label_formatter(&|at| label(y, *at))
        .draw()?;
    // An axis that says nothing has its line all the same.
    let (right, bottom) = (left + plot_width, top + plot_height);
    let line = |from: (i32, i32), to: (i32, i32)| {
        let scaled = [from, to].map(|(x, y)| (x * UNIT, y * UNIT));
        root.draw(&PathElement::new(scaled, stroke(Paint::Ink, 1.0)))
    };
    if labels == 0 {
        line((left, top), (left, bottom))?;
    }
    if axis == 0 {
        line((left, bottom), (right, bottom))?;
    }
    for series in &panel.series {
        draw_series(drawing, series, root, &chart)?;
    }
    Ok(())
}

/// What the x axes of all columns are, once.
fn draw_x_label(drawing: &Drawing, root: &Area, grid: &Grid) -> DrawResult {
    let (start, end) = (grid.corner(0).0, grid.corner(grid.columns - 1).0 + grid.plot.0);
    let middle = ((start + end) / 2 * UNIT, (grid.height() - TEXT) * UNIT);
    let text = fitted(&drawing.x.label, end - start);
    root.draw(&Text::new(text, middle, font().pos(Pos::new(HPos::Center, VPos::Center))))
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
                root.draw(&Rectangle::new([at(start, *high), at(end, *low)], band(series.style)))?;
            }
            line(vec![at(start, *y), at(end, *y)])
        }
        Shape::Band(points) => {
            let upper = points.iter().map(|(x, _, high)| at(*x, *high));
            let lower = points.iter().rev().map(|(x, low, _)| at(*x, *low));
            root.draw(&Polygon::new(upper.chain(lower).collect::<Vec<_>>(), band(series.style)))
        }
        Shape::Across(points) => points.iter().try_for_each(|Point { x, y, low, high }| {
            if low < high {
                bar(at(*low, *y), at(*high, *y), (0, 4), series.style, root)?;
            }
            marker(at(*x, *y), series.style, root)
        }),
        Shape::Points(points) | Shape::Dots(points) => {
            if matches!(series.shape, Shape::Points(_)) {
                line(points.iter().map(|point| at(point.x, point.y)).collect())?;
            }
            for Point { x, y, low, high } in points {
                if low < high {
                    bar(at(*x, *high), at(*x, *low), (4, 0), series.style, root)?;
                }
                marker(at(*x, *y), series.style, root)?;
            }
            Ok(())
        }
    }
}

fn band(style: usize) -> ShapeStyle {
    colour(Paint::Mark(style)).mix(0.14).filled()
}

/// A bar between two ends, whose caps reach so far to either side.
fn bar(start: (i32, i32), end: (i32, i32), cap: (i32, i32), style: usize, area: &Area) -> DrawResult {
    let (right, down) = (cap.0 * UNIT, cap.1 * UNIT);
    let paint = stroke(Paint::Mark(style), 1.4);
    area.draw(&PathElement::new(vec![start, end], paint))?;
    for (x, y) in [start, end] {
        area.draw(&PathElement::new(vec![(x - right, y - down), (x + right, y + down)], paint))?;
    }
    Ok(())
}

/// Five forms, filled and then open, so that ten series can be told apart in black and white.
fn marker(middle: (i32, i32), style: usize, area: &Area) -> DrawResult {
    let fill = |paint: Paint| colour(paint).filled();
    form(middle, (style, 5 * UNIT), fill(Paint::Mark(style)), area)?;
    match style / FORMS % 2 {
        0 => Ok(()),
        _ => form(middle, (style, 5 * UNIT / 2), fill(Paint::Paper), area),
    }
}

/// A mark's form so far around its middle.
fn form((x, y): (i32, i32), (style, r): (usize, i32), fill: ShapeStyle, area: &Area) -> DrawResult {
    let polygon = |corners: &[(i32, i32)]| {
        area.draw(&Polygon::new(corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect::<Vec<_>>(), fill))
    };
    match style % FORMS {
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
        let shape = &entry.series.shape;
        if matches!(shape, Shape::Band(_)) || matches!(shape, Shape::Baseline { low, high, .. } if low < high) {
            let half = 6 * UNIT;
            area.draw(&Rectangle::new([(start, y - half), (end, y + half)], band(style)))?;
        }
        if !matches!(shape, Shape::Band(_) | Shape::Dots(_) | Shape::Across(_)) {
            area.draw(&PathElement::new(vec![(start, y), (end, y)], stroke(Paint::Line(style), 2.2)))?;
        }
        if matches!(shape, Shape::Points(_) | Shape::Dots(_) | Shape::Across(_)) {
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
    use crate::figure::fixture::{drawings, everything, study};
    use crate::registry::{Kind, Registry};

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
        let drawn = drawings(&everything());
        assert_eq!(drawn.len(), Registry::builtin().abouts(Kind::Figure).len());
        for drawing in drawn {
            let svg = render(&drawing).unwrap();
            assert_well_formed(&svg);
            assert_eq!(svg, render(&drawing.clone()).unwrap());
            assert!(svg.contains("role=\"img\"") && svg.contains(&format!("<title id=\"{}-title\">", drawing.name)));
        }
    }

    #[test]
    fn hostile_names_stay_text() {
        let hostile = "<&\"'>]]>\u{1b}\u{0}fill=\"#000000\" opacity=\"1\"";
        let mut study = everything();
        for pipeline in &mut study.header.pipelines {
            pipeline.name = format!("{}{hostile}", pipeline.name);
        }
        for row in study.rows.iter_mut().chain(&mut study.analyses) {
            row.pipeline = format!("{}{hostile}", row.pipeline);
            row.variant += hostile;
        }
        study.header.variants.iter_mut().for_each(|variant| variant.name += hostile);
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
        for drawing in drawings(&everything()) {
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

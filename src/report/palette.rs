//! Colours of figures, light and dark. While a figure is drawn a colour is a number; `dress` then makes it a CSS
//! variable, so that one SVG is right on a white page and on a dark one, inlined or alone.

/// Okabe–Ito, those of most contrast first, each for light and for dark paper; some are darkened or lightened for it, and so
/// that no two look alike to protans and deutans (a distance of 14 in CIE L*a*b* or more).
const SERIES: [(&str, &str); 8] = [
    ("#1a1a1a", "#f0f0f0"),
    ("#0072b2", "#4aa8e0"),
    ("#c04a00", "#f08030"),
    ("#009e73", "#20bf93"),
    ("#b85c97", "#dc95c0"),
    ("#c78500", "#f0b030"),
    ("#3a93c4", "#86cdf2"),
    ("#4d4600", "#f0e442"),
];
const INK: (&str, &str) = ("#1a1a1a", "#e8e8e8");
const GRID: (&str, &str) = ("#dedede", "#3a3d42");
const PAPER: (&str, &str) = ("#ffffff", "#16181c");

/// Dashes in pixels: eight series differ in dash alone.
const DASHES: [&[i32]; 8] =
    [&[], &[10, 5], &[3, 4], &[10, 4, 3, 4], &[18, 6], &[10, 4, 3, 4, 3, 4], &[2, 8], &[18, 4, 6, 4]];
/// Colours and dashes together; after them styles repeat.
const STYLES: usize = SERIES.len() * DASHES.len();

/// What a stroke or a fill is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Ink,
    Grid,
    Paper,
    /// The line of a series, dashed.
    Line(usize),
    /// Marker, bar or band of a series, never dashed.
    Mark(usize),
}

impl Paint {
    /// A colour that stands for this paint until `dress` replaces it.
    pub fn token(self) -> (u8, u8, u8) {
        match self {
            Paint::Ink => (0, 0, 0),
            Paint::Grid => (0, 1, 0),
            Paint::Paper => (0, 2, 0),
            Paint::Line(style) => (1, 0, (style % STYLES) as u8),
            Paint::Mark(style) => (1, 1, (style % STYLES) as u8),
        }
    }

    fn of(token: &str) -> Option<Paint> {
        let part = |at: usize| u8::from_str_radix(token.get(at..at + 2)?, 16).ok();
        match (part(0)?, part(2)?, usize::from(part(4)?)) {
            (0, 0, _) => Some(Paint::Ink),
            (0, 1, _) => Some(Paint::Grid),
            (0, 2, _) => Some(Paint::Paper),
            (1, 0, style) => Some(Paint::Line(style)),
            (1, 1, style) => Some(Paint::Mark(style)),
            _ => None,
        }
    }

    /// The attributes that `property`, "stroke" or "fill", becomes; `unit` is a pixel in the units of the drawing.
    fn attributes(self, property: &str, unit: i32) -> String {
        let (variable, light) = match self {
            Paint::Ink => ("ink".into(), INK.0),
            Paint::Grid => ("grid".into(), GRID.0),
            Paint::Paper => ("paper".into(), PAPER.0),
            Paint::Line(style) | Paint::Mark(style) => {
                (format!("c{}", style % SERIES.len()), SERIES[style % SERIES.len()].0)
            }
        };
        let dash = match self {
            Paint::Line(style) if property == "stroke" => DASHES[(style + style / SERIES.len()) % DASHES.len()],
            _ => &[],
        };
        let style = format!("style=\"{property}:var(--{variable},{light})\"");
        match dash {
            [] => style,
            dash => {
                let dash: Vec<String> = dash.iter().map(|length| (length * unit).to_string()).collect();
                format!("{style} stroke-dasharray=\"{}\"", dash.join(" "))
            }
        }
    }
}

/// Replaces every token of a drawn SVG. Text cannot be mistaken for one: its quotes are escaped.
pub(super) fn dress(drawn: &str, unit: i32) -> String {
    let mut dressed = String::with_capacity(drawn.len() * 2);
    let mut rest = drawn;
    while let Some(at) = rest.find("=\"#") {
        let (before, after) = (&rest[..at], &rest[at + 3..]);
        let token = after.get(..6).and_then(Paint::of);
        let property = ["stroke", "fill"].into_iter().find(|property| before.ends_with(property));
        match (token, property) {
            (Some(paint), Some(property)) => {
                dressed.push_str(&before[..before.len() - property.len()]);
                dressed.push_str(&paint.attributes(property, unit));
                rest = &after[7..];
            }
            _ => {
                dressed.push_str(&rest[..at + 3]);
                rest = after;
            }
        }
    }
    dressed + rest
}

/// The style sheet of one figure. Alone it paints its paper; inlined, where it is not the root, the page's shows.
pub(super) fn style_sheet(id: &str) -> String {
    let variables = |pick: fn(&(&'static str, &'static str)) -> &'static str| {
        let named = [("ink", &INK), ("grid", &GRID), ("paper", &PAPER)];
        let named = named.into_iter().map(|(name, colour)| format!("--{name}:{}", pick(colour)));
        let series = SERIES.iter().enumerate().map(|(i, colour)| format!("--c{i}:{}", pick(colour)));
        named.chain(series).collect::<Vec<_>>().join(";")
    };
    let (light, dark) = (variables(|colour| colour.0), variables(|colour| colour.1));
    format!(
        "<style>#{id}{{{light}}}\n\
         @media screen and (prefers-color-scheme:dark){{#{id}{{{dark}}}}}\n\
         #{id} .paper{{fill:none}}\n#{id}:root .paper{{fill:var(--paper)}}</style>\n"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_colour_becomes_a_variable_with_a_fallback() {
        let dressed = dress(r##"<line stroke="#000000" x1="1"/><circle fill="#010102"/>"##, 4);
        let expected = concat!(
            r##"<line style="stroke:var(--ink,#1a1a1a)" x1="1"/>"##,
            r##"<circle style="fill:var(--c2,#c04a00)"/>"##
        );
        assert_eq!(dressed, expected);
    }

    #[test]
    fn only_lines_of_series_are_dashed() {
        let dressed = dress(r##"<polyline stroke="#010001"/><polyline stroke="#010101"/>"##, 4);
        assert_eq!(dressed.matches("stroke-dasharray=\"40 20\"").count(), 1);
    }

    #[test]
    fn eight_styles_differ_in_colour_and_in_dash_and_all_in_one_of_them() {
        let look = |style| Paint::Line(style).attributes("stroke", 1);
        let dash = |style| look(style).split_once("stroke-dasharray").map(|(_, dash)| dash.to_string());
        assert_eq!((0..STYLES).map(look).collect::<BTreeSet<_>>().len(), STYLES);
        assert_eq!((0..8).map(dash).collect::<BTreeSet<_>>().len(), 8);
    }
}

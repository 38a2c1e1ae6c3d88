//! Lines that no eye tells apart become one: a network of twenty layers that are pruned alike has three lines, not twenty.

use super::{Panel, Point, Series, Shape};

/// Points of an axis of 100 that lines may differ by and be one.
const NEAR: f64 = 0.5;

/// Names that a label has before it counts.
const NAMED: usize = 2;

/// Names that the sentence has before it counts.
const LISTED: usize = 6;

/// The panels with one line for all that are near one another wherever they stand in the same panel, and a sentence that says
/// for which the first of them stands, "" where the labels say it.
pub(super) fn bundled(panels: Vec<Panel>) -> (Vec<Panel>, String) {
    let mut bundles: Vec<Vec<String>> = Vec::new();
    for label in labels(&panels) {
        match bundles.iter_mut().find(|bundle| bundle.iter().all(|other| near(&panels, &label, other))) {
            Some(bundle) => bundle.push(label),
            None => bundles.push(vec![label]),
        }
    }
    let told: Vec<String> = bundles.iter().filter(|bundle| bundle.len() > NAMED).map(|bundle| told(bundle)).collect();
    let told = match told.is_empty() {
        true => String::new(),
        false => format!("What differs by less than half a percentage point is one line: {}. ", told.join("; ")),
    };
    (panels.into_iter().map(|panel| of_bundles(panel, &bundles)).collect(), told)
}

/// For which others the first stands.
fn told(bundle: &[String]) -> String {
    let (first, more) = (&bundle[0], &bundle[1..]);
    match more {
        [second, .., last] if more.len() > LISTED => {
            format!("{first} stands for {} more, {second} to {last}", more.len())
        }
        _ => format!("{first} stands for {}", more.join(", ")),
    }
}

/// Of each bundle the first line that the panel has.
fn of_bundles(panel: Panel, bundles: &[Vec<String>]) -> Panel {
    let first = |(style, bundle): (usize, &Vec<String>)| {
        let series = panel.series.iter().find(|series| bundle.contains(&series.label))?;
        Some(Series { label: named(bundle), style, shape: series.shape.clone() })
    };
    let series = bundles.iter().enumerate().filter_map(first).collect();
    Panel { title: panel.title, series }
}

fn named(bundle: &[String]) -> String {
    match bundle.len().saturating_sub(NAMED) {
        0 => bundle.join(", "),
        _ => format!("{} and {} more", bundle[0], bundle.len() - 1),
    }
}

/// Every label once, in the order in which they are met.
fn labels(panels: &[Panel]) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for series in panels.iter().flat_map(|panel| &panel.series) {
        if !labels.contains(&series.label) {
            labels.push(series.label.clone());
        }
    }
    labels
}

/// Whether two are near one another in every panel that has both, of which there is one.
fn near(panels: &[Panel], a: &str, b: &str) -> bool {
    let points = |panel: &Panel, label: &str| {
        panel.series.iter().find(|series| series.label == label).and_then(|series| match &series.shape {
            Shape::Points(points) => Some(points.clone()),
            _ => None,
        })
    };
    let mut both = panels.iter().filter_map(|panel| Some((points(panel, a)?, points(panel, b)?))).peekable();
    both.peek().is_some() && both.all(|(a, b)| lie_together(&a, &b))
}

fn lie_together(a: &[Point], b: &[Point]) -> bool {
    let together = |(a, b): (&Point, &Point)| {
        a.x == b.x && [(a.y, b.y), (a.low, b.low), (a.high, b.high)].iter().all(|(a, b)| (a - b).abs() < NEAR)
    };
    a.len() == b.len() && a.iter().zip(b).all(together)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(series: &[(&str, [f64; 2])]) -> Panel {
        let point = |(x, y): (f64, f64)| Point { x, y, low: y, high: y };
        let line = |(label, y): &(&str, [f64; 2])| Series {
            label: label.to_string(),
            style: 0,
            shape: Shape::Points([100.0, 50.0].into_iter().zip(*y).map(point).collect()),
        };
        Panel { title: String::new(), series: series.iter().map(line).collect() }
    }

    fn drawn(panel: &Panel) -> Vec<(&str, usize)> {
        panel.series.iter().map(|series| (series.label.as_str(), series.style)).collect()
    }

    #[test]
    fn lines_that_lie_together_everywhere_are_one_in_the_first_ones_name() {
        let first = panel(&[("a", [100.0, 40.0]), ("b", [100.0, 40.4]), ("out", [100.0, 80.0]), ("c", [100.0, 40.1])]);
        let second = panel(&[("out", [100.0, 60.0]), ("b", [100.0, 30.0])]);
        let (panels, told) = bundled(vec![first, second]);
        assert_eq!(told, "What differs by less than half a percentage point is one line: a stands for b, c. ");
        for panel in &panels {
            assert_eq!(drawn(panel), [("a and 2 more", 0), ("out", 1)]);
        }
    }

    #[test]
    fn lines_that_part_in_one_panel_stay_two() {
        let panels = vec![
            panel(&[("a", [100.0, 40.0]), ("b", [100.0, 40.0])]),
            panel(&[("a", [100.0, 40.0]), ("b", [100.0, 50.0])]),
        ];
        let (panels, told) = bundled(panels);
        assert_eq!(told, "");
        assert_eq!(drawn(&panels[0]), [("a", 0), ("b", 1)]);
    }

    #[test]
    fn of_many_the_sentence_says_how_many_and_from_which_to_which() {
        let names: Vec<String> = (1..=9).map(|i| format!("conv{i}")).collect();
        let lines: Vec<(&str, [f64; 2])> = names.iter().map(|name| (name.as_str(), [100.0, 20.0])).collect();
        let (_, told) = bundled(vec![panel(&lines)]);
        assert!(told.ends_with("one line: conv1 stands for 8 more, conv2 to conv9. "), "{told}");
    }

    #[test]
    fn two_are_named_both() {
        let (panels, _) = bundled(vec![panel(&[("fc1", [100.0, 8.0]), ("fc2", [100.0, 8.2])])]);
        assert_eq!(drawn(&panels[0]), [("fc1, fc2", 0)]);
    }
}

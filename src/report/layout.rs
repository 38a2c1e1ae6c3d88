//! Where words and ticks of a figure go, before anything is drawn. Lengths are in pixels.

use crate::figure::{Axis, Drawing, Scale, Series};

/// Line and marker of a legend's entry, with the space to its text.
pub(super) const SAMPLE: i32 = 42;
pub(super) const TEXT: i32 = 16;
/// Mean width of a sans-serif letter at `TEXT`.
const LETTER: f64 = 8.8;

pub(super) fn escape(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    printable(&escaped.replace('"', "&quot;").replace('\'', "&apos;"))
}

/// XML has no way to write a control character, not even escaped.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { '\u{fffd}' } else { c }).collect()
}

/// At most as much of a text as `width` pixels hold.
pub(super) fn fitted(text: &str, width: i32) -> String {
    let most = (f64::from(width) / LETTER) as usize;
    let text = printable(text);
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

pub(super) fn text_width(text: &str) -> i32 {
    (text.chars().count() as f64 * LETTER).ceil() as i32
}

/// Where a value lies on an axis that rises from left to right.
pub(super) fn place(axis: &Axis, value: f64) -> f64 {
    match axis.scale {
        Scale::Linear => value,
        Scale::LogFalling => -value.ln(),
        Scale::LogRising => value.ln(),
    }
}

/// Every tick, or every second, third, … one, so that none of `width` pixels touches another.
pub(super) fn ticks_that_fit(axis: &Axis, width: i32) -> Vec<&(f64, String)> {
    let extent = place(axis, axis.range.1) - place(axis, axis.range.0);
    let pixel = |tick: &(f64, String)| (place(axis, tick.0) - place(axis, axis.range.0)) / extent * f64::from(width);
    let fit = |ticks: &[&(f64, String)]| {
        ticks.windows(2).all(|pair| {
            let room = f64::from(text_width(&pair[0].1) + text_width(&pair[1].1)) / 2.0 + LETTER;
            pixel(pair[1]) - pixel(pair[0]) >= room
        })
    };
    let every = |n: usize| axis.ticks.iter().step_by(n).collect::<Vec<_>>();
    (1..axis.ticks.len()).map(every).find(|ticks| fit(ticks)).unwrap_or_else(|| every(axis.ticks.len().max(1)))
}

/// An entry of the legend, and where it starts in its row, in pixels.
pub(super) struct Entry<'a> {
    pub series: &'a Series,
    pub label: String,
    pub left: i32,
}

/// The series of all panels, each once, in rows that fit the figure's width.
pub(super) fn legend(drawing: &Drawing, room: i32) -> Vec<Vec<Entry<'_>>> {
    let mut rows: Vec<Vec<Entry>> = Vec::new();
    let mut left = room;
    for series in drawing.panels.iter().flat_map(|panel| &panel.series) {
        let mut entries = rows.iter().flatten();
        if entries.any(|entry| entry.series.label == series.label && entry.series.style == series.style) {
            continue;
        }
        let label = fitted(&series.label, room - SAMPLE - 40);
        let width = SAMPLE + text_width(&label) + 24;
        if left + width > room {
            left = 20;
            rows.push(Vec::new());
        }
        if let Some(row) = rows.last_mut() {
            row.push(Entry { series, label, left });
        }
        left += width;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_would_touch_are_thinned_evenly() {
        let ticks: Vec<_> = (0..10).map(|i| 100.0 * 0.8f64.powi(i)).map(|at| (at, format!("{at:.1}"))).collect();
        let axis = Axis { label: String::new(), scale: Scale::LogFalling, range: (100.0, 13.0), ticks };
        let shown = |width| ticks_that_fit(&axis, width).iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>();
        assert_eq!(shown(1000).len(), 10);
        assert_eq!(shown(250), ["100.0", "64.0", "41.0", "26.2", "16.8"]);
    }
}

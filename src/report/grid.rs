//! Where a figure's panels stand. Lengths are in pixels.

use super::layout::{fitted, printable, text_width};
use crate::figure::{Drawing, Panel, Series, Shape};

/// Room for what an x axis says.
pub(super) const AXIS: i32 = 50;
const MARGIN: i32 = 10;
/// Between columns: half of a tick's label lies there from either side.
const GAP: i32 = 36;
/// Right of the last column.
const RIGHT: i32 = 24;
/// Of a title each line, and below them.
pub(super) const TITLE_LINE: i32 = 18;
const TITLE_GAP: i32 = 6;
/// Height of a plot that has the width for itself.
const PLOT: i32 = 270;
/// Height of any: what most y axes are called fits along it.
const LEAST: i32 = 195;
/// Of a row of markers, the room between it and the next, and of each of its series.
const ROW: usize = 10;
const MARKER: usize = 12;
/// Rows from which on each has its x axis in words: the last one's is too far away.
const TALL: usize = 5;

/// Rows and columns of plots of one size: axes are the same in all, so that only the first of a row and the last of a
/// column say what they are.
pub(super) struct Grid {
    panels: usize,
    pub columns: usize,
    /// Of the whole figure.
    pub width: i32,
    /// Left of the first column's plots: ticks and the label of the y axis.
    pub labels: i32,
    /// Height of the title that has most lines.
    title: i32,
    pub plot: (i32, i32),
    every_row_says_x: bool,
}

impl Grid {
    pub fn of(drawing: &Drawing) -> Grid {
        let panels = drawing.panels.len().max(1);
        let columns = columns(drawing);
        let width = width(columns);
        let labels = drawing.y.ticks.iter().map(|(_, label)| text_width(label)).max().unwrap_or(0) + 34;
        let labels = labels.min(width * 2 / 5);
        let plot_width = (width - MARGIN - labels - RIGHT + GAP) / columns as i32 - GAP;
        let height = if columns == 1 { PLOT } else { (plot_width * 3 / 4).clamp(LEAST, PLOT) };
        let height = height.max(rows_height(drawing));
        let lines = drawing.panels.iter().map(|panel| panel.title.lines().count()).max().unwrap_or(0) as i32;
        let title = if lines == 0 { 0 } else { lines * TITLE_LINE + TITLE_GAP };
        let every_row_says_x = panels.div_ceil(columns) >= TALL;
        Grid { panels, columns, width, labels, title, plot: (plot_width, height), every_row_says_x }
    }

    /// The upper left corner of a plot.
    pub fn corner(&self, panel: usize) -> (i32, i32) {
        let (row, column) = ((panel / self.columns) as i32, (panel % self.columns) as i32);
        let x = MARGIN + self.labels + column * (self.plot.0 + GAP);
        (x, row * self.row_height() + MARGIN + self.title)
    }

    fn row_height(&self) -> i32 {
        MARGIN + self.title + self.plot.1 + if self.every_row_says_x { AXIS } else { 0 }
    }

    /// Of all rows, what the last one's x axis says included.
    pub fn height(&self) -> i32 {
        let rows = self.panels.div_ceil(self.columns) as i32;
        rows * self.row_height() + MARGIN + if self.every_row_says_x { 0 } else { AXIS }
    }

    pub fn says_x(&self, panel: usize) -> bool {
        self.every_row_says_x || panel + self.columns >= self.panels
    }

    pub fn says_y(&self, panel: usize) -> bool {
        panel.is_multiple_of(self.columns)
    }
}

/// As many as the figure asks for, or two; fewer where a title would lose its end, which is what tells variants apart.
fn columns(drawing: &Drawing) -> usize {
    let wanted = drawing.columns.unwrap_or(2).clamp(1, drawing.panels.len().max(1));
    let whole = |columns: usize| {
        let room = title_width(columns);
        move |panel: &Panel| panel.title.lines().all(|line| fitted(line, room) == printable(line))
    };
    (2..=wanted).rev().find(|columns| drawing.panels.iter().all(whole(*columns))).unwrap_or(1)
}

/// What markers that stand in rows need: each row the room of all its series.
fn rows_height(drawing: &Drawing) -> i32 {
    let is_row = |series: &&Series| matches!(series.shape, Shape::Across(_));
    let series = drawing.panels.iter().map(|panel| panel.series.iter().filter(is_row).count()).max().unwrap_or(0);
    let rows = if series == 0 { 0 } else { drawing.y.ticks.len() };
    (rows * (ROW + MARKER * series)) as i32
}

/// Of a panel among so many in a row.
pub(super) fn title_width(columns: usize) -> i32 {
    width(columns) / columns as i32 - 20
}

/// Of a figure with so many columns: a page shows all figures as wide, so that what is wider has smaller letters.
fn width(columns: usize) -> i32 {
    match columns {
        0..=2 => 560,
        columns => 220 * columns as i32 + 120,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::{drawings, study};

    fn grid(titles: &[&str], columns: Option<usize>) -> Grid {
        let panel = |title: &&str| Panel { title: title.to_string(), series: Vec::new() };
        Grid::of(&Drawing { panels: titles.iter().map(panel).collect(), columns, ..drawings(&study()).remove(0) })
    }

    #[test]
    fn a_title_too_long_for_half_the_width_has_all_of_it() {
        let (short, long) = ("width=0.5", "width=0.5 learning_rate=1.2e-3");
        assert_eq!(grid(&[short, short], None).columns, 2);
        assert_eq!(grid(&[short, long], None).columns, 1);
        assert_eq!((grid(&[short], None).columns, grid(&[], None).columns), (1, 1));
        assert_eq!(fitted(long, title_width(1)), long);
    }

    #[test]
    fn a_title_of_two_lines_has_room_for_both() {
        let (one, two) = (grid(&["a", "b"], None), grid(&["a", "b\nc"], None));
        assert_eq!((two.columns, two.corner(0).1 - one.corner(0).1), (2, TITLE_LINE));
    }

    #[test]
    fn five_panels_in_rows_of_three_say_x_where_nothing_is_below_and_y_on_the_left() {
        let grid = grid(&["a", "b", "c", "d", "e"], Some(3));
        assert_eq!([0, 1, 2, 3, 4].map(|panel| grid.says_x(panel)), [false, false, true, true, true]);
        assert_eq!([0, 1, 2, 3, 4].map(|panel| grid.says_y(panel)), [true, false, false, true, false]);
        assert_eq!(grid.corner(0).0, grid.corner(3).0);
        assert!(grid.corner(2).0 + grid.plot.0 + RIGHT <= grid.width && grid.corner(4).1 + grid.plot.1 < grid.height());
    }

    #[test]
    fn of_many_rows_each_says_x() {
        assert!((0..10).all(|panel| grid(&["a"; 10], None).says_x(panel)));
        assert!(!grid(&["a"; 8], None).says_x(0));
    }
}

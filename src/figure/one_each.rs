//! Pipelines of one ticket each: over weights remaining they would stand on top of each other, so each has a row.

use indexmap::IndexSet;

use super::{Drawing, Point, Series, Shape, axis};
use crate::units::percent;

/// The drawing as it is; where every series is one point at the same place, and there is no horizontal line, with a row a
/// pipeline, as long as there are several.
pub(super) fn in_rows(drawing: Drawing, value_name: &str) -> Drawing {
    let Some(place) = only_place(&drawing) else { return drawing };
    let all = drawing.panels.iter().flat_map(|panel| &panel.series);
    let names: IndexSet<String> = all.map(|series| series.label.clone()).collect();
    if names.len() < 2 {
        return drawing;
    }
    let row = |series: &Series| {
        let below = names.get_index_of(&series.label).unwrap_or(0);
        let y = (names.len() - 1 - below) as f64;
        points(series).iter().map(move |point| Point { x: point.y, y, ..*point }).collect::<Vec<_>>()
    };
    let mut panels = drawing.panels.clone();
    for panel in &mut panels {
        let shape = Shape::Across(panel.series.iter().flat_map(row).collect());
        panel.series = vec![Series { label: value_name.into(), style: 0, shape }];
    }
    let caption = format!("{} All of them keep {}.", drawing.caption, percent(place / 100.0));
    let y = axis::rows("pipeline", &names.into_iter().collect::<Vec<_>>());
    Drawing { caption, panels, x: drawing.y, y, ..drawing }
}

/// Where all points are, if that is one place.
fn only_place(drawing: &Drawing) -> Option<f64> {
    let all = || drawing.panels.iter().flat_map(|panel| &panel.series);
    let place = points(all().next()?).first()?.x;
    all().all(|series| points(series).len() == 1 && points(series)[0].x == place).then_some(place)
}

fn points(series: &Series) -> &[Point] {
    match &series.shape {
        Shape::Points(points) => points,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use crate::figure::edge_popup::EdgePopup;
    use crate::figure::fixture::{row, scored, study};
    use crate::figure::{Drawing, Figure, Shape};
    use crate::record::Study;

    fn rates(kept: [usize; 2]) -> Drawing {
        let mut study = study();
        let popup = study.header.pipelines[4].clone();
        study.header.pipelines =
            ["slow", "fast"].map(|name| crate::record::PipelineFacts { name: name.into(), ..popup.clone() }).into();
        let rows = vec![scored(row("slow", 0, 0, kept[0]), 0.5, 100), scored(row("fast", 0, 0, kept[1]), 0.75, 100)];
        EdgePopup {}.draw(&Study { rows, ..study }).unwrap()
    }

    #[test]
    fn pipelines_that_all_keep_the_same_have_a_row_each_in_their_order() {
        let drawing = rates([512, 512]);
        let Shape::Across(points) = &drawing.panels[0].series[0].shape else { panic!("rows") };
        assert_eq!(points.iter().map(|point| (point.x, point.y)).collect::<Vec<_>>(), [(50.0, 1.0), (75.0, 0.0)]);
        let ticks: Vec<_> = drawing.y.ticks.iter().map(|(at, name)| (*at, name.as_str())).collect();
        assert_eq!(ticks, [(0.0, "fast"), (1.0, "slow")]);
        assert!(drawing.caption.ends_with("All of them keep 50%."), "{}", drawing.caption);
    }

    #[test]
    fn where_they_keep_different_shares_the_axis_is_the_share() {
        assert!(matches!(rates([512, 256]).panels[0].series[0].shape, Shape::Points(_)));
    }
}

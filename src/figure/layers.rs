use indexmap::IndexSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bundled::bundled;
use super::points::{Group, groups, ladders, variants};
use super::tally::Tally;
use super::{Drawing, Figure, Panel, Point, Series, Shape, Table, axis, panels};
use crate::record::{PipelineFacts, Row, Study};
use crate::registry::Plugin;
use crate::units::percent;

/// Weights remaining of each prunable tensor over those of the whole network: which layers a method thins out.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Layers {}

impl Plugin for Layers {
    const NAME: &'static str = "layers";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Weights remaining of each prunable tensor over weights remaining of the network";
}

impl Figure for Layers {
    fn draw(&self, study: &Study) -> Option<Drawing> {
        let mut drawn = Drawn::default();
        let (variants, tensors) = (variants(study), tensors(study));
        // Of each ladder its series in each variant.
        let of = |(_, pipeline): &(usize, &PipelineFacts)| {
            let series = |variant: &&str| drawn.series(study, variant, &pipeline.name, &tensors);
            (pipeline.name.clone(), variants.iter().map(series).collect::<Vec<_>>())
        };
        let columns = alike(ladders(study).iter().map(of).collect());
        let (mut panels, mut words) = (Vec::new(), Vec::new());
        for (row, variant) in variants.iter().enumerate() {
            for (pipelines, series) in columns.iter().filter(|(_, series)| !series[row].is_empty()) {
                let parts = [(variants.len() > 1, *variant), (columns.len() > 1, pipelines)];
                let title: Vec<&str> = parts.into_iter().filter(|(told, _)| *told).map(|(_, part)| part).collect();
                words.push(in_words(&title.join(", "), &series[row]));
                panels.push(Panel { title: title.join("\n"), series: series[row].clone() });
            }
        }
        if panels.is_empty() {
            return None;
        }
        let (panels, together) = bundled(panels);
        let header = ["variant", "pipeline", "tensor", "weights remaining", "n", "mean", "min", "max"];
        let skip = usize::from(variants.len() == 1);
        let rows = drawn.rows.into_iter().map(|row| row.into_iter().skip(skip).collect()).collect();
        Some(Drawing {
            name: Self::NAME.into(),
            title: "Weights remaining by layer".into(),
            caption: format!(
                "Weights remaining of each prunable tensor over those of the whole network (logarithmic, falling). {together}{}{}",
                drawn.tally.bars(),
                drawn.tally.absent()
            ),
            alternative: format!("Weights remaining of each tensor over those of the network. {}", words.join(" ")),
            columns: match columns.len() {
                1 => panels::columns(study, panels.len()),
                several => panels::of_each_variant(several),
            },
            panels,
            x: axis::falling("weights remaining (%)", &drawn.x, &drawn.levels),
            y: axis::linear("tensor's weights (%)", &drawn.y, (0.0, 100.0)),
            table: Table { columns: header.into_iter().skip(skip).map(String::from).collect(), rows },
        })
    }
}

#[derive(Default)]
struct Drawn {
    tally: Tally,
    x: Vec<f64>,
    y: Vec<f64>,
    /// Where the first ladder's points are.
    levels: Vec<f64>,
    /// Table rows, the variant first.
    rows: Vec<Vec<String>>,
}

impl Drawn {
    /// A series a tensor, in a style that it has in every panel.
    fn series(&mut self, study: &Study, variant: &str, pipeline: &str, tensors: &IndexSet<&str>) -> Vec<Series> {
        let groups = groups(study, variant, pipeline);
        let mut series = Vec::new();
        for (style, tensor) in tensors.iter().enumerate() {
            let points = self.points([variant, pipeline, tensor], &groups);
            if !points.is_empty() {
                series.push(Series { label: tensor.to_string(), style, shape: Shape::Points(points) });
            }
        }
        if self.levels.is_empty() {
            self.levels = self.x.clone();
        }
        series
    }

    fn points(&mut self, names: [&str; 3], groups: &[Group]) -> Vec<Point> {
        let remaining = |row: &Row| remaining(row, names[2]);
        let mut points = Vec::new();
        // A variant's model may have no such tensor.
        for group in groups.iter().filter(|group| group.rows.iter().any(|row| remaining(row).is_some())) {
            let Some(summary) = self.tally.summary(&group.rows, &remaining) else { continue };
            let mut cells = names.map(String::from).to_vec();
            cells.extend([percent(group.weights_remaining), summary.n.to_string()]);
            cells.extend([summary.mean, summary.low, summary.high].map(|value| format!("{value:.2}%")));
            self.rows.push(cells);
            // A logarithmic axis has no place for a network without weights; the table has.
            if group.weights_remaining > 0.0 {
                points.push(summary.at(group.weights_remaining * 100.0));
                self.y.extend([summary.low, summary.high]);
            }
        }
        self.x.extend(points.iter().map(|point| point.x));
        points
    }
}

/// A ladder, or several, with the series of each variant.
type Column = (String, Vec<Vec<Series>>);

/// Ladders whose tickets have the same weights by layer in every variant, as one that tunes another's, are drawn once.
fn alike(ladders: Vec<Column>) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for (name, series) in ladders {
        match columns.iter_mut().find(|(_, known)| *known == series) {
            Some((names, _)) => *names += &format!(", {name}"),
            None => columns.push((name, series)),
        }
    }
    columns
}

/// Where a panel ends: "imp at 1%: from 0.6% (fc1.weight) to 15.6% (output.weight)."
fn in_words(title: &str, series: &[Series]) -> String {
    let last = |series: &Series| match &series.shape {
        Shape::Points(points) => points.last().map(|point| (series.label.clone(), *point)),
        _ => None,
    };
    let mut ends: Vec<(String, Point)> = series.iter().filter_map(last).collect();
    ends.sort_by(|(_, a), (_, b)| a.y.total_cmp(&b.y));
    let say = |(tensor, point): &(String, Point)| format!("{:.1}% ({tensor})", point.y);
    let title = if title.is_empty() { "Network".into() } else { title.to_string() };
    match &ends[..] {
        [] => String::new(),
        [only] => format!("{title} at {}: {}.", percent(only.1.x / 100.0), say(only)),
        [least, .., most] => {
            format!("{title} at {}: from {} to {}.", percent(least.1.x / 100.0), say(least), say(most))
        }
    }
}

/// The names of all prunable tensors, in graph order, of one variant after the other.
fn tensors(study: &Study) -> IndexSet<&str> {
    let records = study.rows.iter().filter_map(|row| row.record.as_ref());
    records.flat_map(|record| &record.layers).map(|layer| layer.name.as_str()).collect()
}

/// Weights remaining of one tensor, in %.
fn remaining(row: &Row, tensor: &str) -> Option<f64> {
    let layer = row.record.as_ref()?.layers.iter().find(|layer| layer.name == tensor && layer.prunable > 0)?;
    Some(layer.kept as f64 / layer.prunable as f64 * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::{row, scored, study};
    use crate::record::LayerCount;

    #[test]
    fn a_tensor_has_its_own_weights_remaining_at_each_level() {
        let count =
            |name: &str, kept, prunable| LayerCount { name: name.into(), kind: "linear".into(), kept, prunable };
        let rows = [(0, 1024, 256), (1, 448, 64)].map(|(level, kept, output)| {
            let mut row = scored(row("imp", 0, level, kept), 0.5, 100);
            let layers = vec![count("fc1.weight", kept - output, 768), count("fc2.weight", output, 256)];
            row.record.as_mut().unwrap().layers = layers;
            row
        });
        let drawing = Layers {}.draw(&Study { rows: rows.into(), ..study() }).unwrap();
        assert_eq!(drawing.panels[0].series.len(), 2);
        assert_eq!(drawing.table.rows[1], ["imp", "fc1.weight", "43.8%", "1", "50.00%", "50.00%", "50.00%"]);
        assert_eq!(drawing.table.rows[3], ["imp", "fc2.weight", "43.8%", "1", "25.00%", "25.00%", "25.00%"]);
        assert!(drawing.caption.contains("One replicate, so no bars."), "{}", drawing.caption);
    }

    /// The study with its pipeline `imp` twice, the second time under this name and with `change`.
    fn two_ladders(name: &str, change: impl Fn(&mut Row)) -> Study {
        let mut study = study();
        let imp = study.header.pipelines[1].clone();
        study.header.pipelines.push(crate::record::PipelineFacts { name: name.into(), ..imp });
        let own: Vec<Row> = study.rows.iter().filter(|row| row.pipeline == "imp").cloned().collect();
        study.rows.extend(own.into_iter().map(|mut row| {
            row.pipeline = name.into();
            change(&mut row);
            row
        }));
        study
    }

    #[test]
    fn every_ladder_has_a_panel_with_its_tensors() {
        let study = two_ladders("other", |row| row.record.as_mut().unwrap().layers[0].kept /= 2);
        let drawing = Layers {}.draw(&study).unwrap();
        let titles: Vec<_> = drawing.panels.iter().map(|panel| panel.title.as_str()).collect();
        assert_eq!((titles, drawing.columns), (vec!["imp", "other"], Some(4)));
        for panel in &drawing.panels {
            let series: Vec<_> = panel.series.iter().map(|s| (s.label.as_str(), s.style)).collect();
            assert_eq!(series, [("fc1.weight", 0), ("fc2.weight", 1)]);
        }
        assert!(drawing.alternative.contains(" imp at 13.4%: from "), "{}", drawing.alternative);
    }

    #[test]
    fn ladders_of_the_same_weights_share_a_panel() {
        let drawing = Layers {}.draw(&two_ladders("tuned", |_| ())).unwrap();
        assert_eq!((drawing.panels.len(), drawing.panels[0].title.as_str()), (1, ""));
        assert!(drawing.table.rows.iter().any(|row| row[0] == "tuned"));
    }

    #[test]
    fn a_tensor_has_one_style_in_all_models() {
        let mut study = two_ladders("other", |row| {
            let layers = &mut row.record.as_mut().unwrap().layers;
            layers.swap(0, 1);
            layers[0].name = "conv1.weight".into();
        });
        study.rows.retain(|row| row.replicate == 0);
        let drawing = Layers {}.draw(&study).unwrap();
        let styles = |panel: usize| -> Vec<_> {
            drawing.panels[panel].series.iter().map(|s| (s.label.clone(), s.style)).collect()
        };
        assert_eq!(styles(0), [("fc1.weight".to_string(), 0), ("fc2.weight".to_string(), 1)]);
        assert_eq!(styles(1), [("fc1.weight".to_string(), 0), ("conv1.weight".to_string(), 2)]);
    }
}

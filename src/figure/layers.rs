use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::points::{Group, groups, ladders, mask_learners, variants};
use super::tally::Tally;
use super::{Drawing, Figure, Panel, Point, Series, Shape, Table, axis, panels};
use crate::record::{Row, Study};
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
        let panels: Vec<Panel> = variants(study)
            .into_iter()
            .map(|variant| Panel { title: variant.into(), series: series(study, variant, &mut drawn) })
            .collect();
        if drawn.x.is_empty() {
            return None;
        }
        let several_variants = panels.len() > 1;
        let columns = ["variant", "pipeline", "tensor", "weights remaining", "n", "mean", "min", "max"];
        let skip = usize::from(!several_variants);
        let rows = drawn.rows.into_iter().map(|row| row.into_iter().skip(skip).collect()).collect();
        Some(Drawing {
            name: Self::NAME.into(),
            title: "Weights remaining by layer".into(),
            caption: format!(
                "Weights remaining of each prunable tensor over those of the whole network (logarithmic, falling). {}{}",
                drawn.tally.bars(),
                drawn.tally.absent()
            ),
            alternative: format!(
                "Weights remaining of each tensor over those of the network. {}",
                drawn.words.join(" ")
            ),
            columns: panels::columns(study, panels.len()),
            panels,
            x: axis::falling("weights remaining (%)", &drawn.x, &drawn.levels),
            y: axis::linear("tensor's weights remaining (%)", &drawn.y, (0.0, 100.0)),
            table: Table { columns: columns.into_iter().skip(skip).map(String::from).collect(), rows },
        })
    }
}

#[derive(Default)]
struct Drawn {
    tally: Tally,
    x: Vec<f64>,
    y: Vec<f64>,
    /// Where the ladders' points are.
    levels: Vec<f64>,
    words: Vec<String>,
    /// Table rows, the variant first.
    rows: Vec<Vec<String>>,
}

/// A series a tensor: of each ladder, and of the middle one of the first edge-popup's subnetworks.
fn series(study: &Study, variant: &str, drawn: &mut Drawn) -> Vec<Series> {
    let mut series = Vec::new();
    if !variant.is_empty() {
        drawn.words.push(format!("{variant}:"));
    }
    let ladders = ladders(study);
    for (_, pipeline) in &ladders {
        let groups = groups(study, variant, &pipeline.name);
        let several = ladders.len() > 1;
        add(variant, &pipeline.name, &groups, several, &mut series, drawn);
        if drawn.levels.is_empty() {
            drawn.levels = drawn.x.clone();
        }
    }
    if let Some((_, pipeline)) = mask_learners(study).first().filter(|_| !ladders.is_empty()) {
        let groups = groups(study, variant, &pipeline.name);
        let middle = groups.len() / 2;
        add(variant, &pipeline.name, groups.get(middle..=middle).unwrap_or(&[]), true, &mut series, drawn);
    }
    series
}

fn add(
    variant: &str,
    pipeline: &str,
    groups: &[Group],
    name_pipeline: bool,
    series: &mut Vec<Series>,
    drawn: &mut Drawn,
) {
    for tensor in tensors(groups) {
        let mut points = Vec::new();
        for group in groups {
            let Some(summary) = drawn.tally.summary(&group.rows, &|row| remaining(row, &tensor)) else { continue };
            let mut cells = [variant, pipeline, &tensor].map(String::from).to_vec();
            cells.extend([percent(group.weights_remaining), summary.n.to_string()]);
            cells.extend([summary.mean, summary.low, summary.high].map(|value| format!("{value:.2}%")));
            drawn.rows.push(cells);
            drawn.y.extend([summary.low, summary.high]);
            // A logarithmic axis has no place for a network without weights.
            if group.weights_remaining > 0.0 {
                points.push(summary.at(group.weights_remaining * 100.0));
            }
        }
        drawn.x.extend(points.iter().map(|point| point.x));
        let Some(last) = points.last() else { continue };
        let label = if name_pipeline { format!("{pipeline}: {tensor}") } else { tensor };
        let say = |point: &Point| format!("{:.1}% at {}", point.y, percent(point.x / 100.0));
        let from = points.first().filter(|first| *first != last).map(|first| format!("from {} to ", say(first)));
        drawn.words.push(format!("{label}: {}{}.", from.unwrap_or_default(), say(last)));
        series.push(Series { label, style: series.len(), shape: Shape::Points(points) });
    }
}

/// The names of the prunable tensors, in graph order.
fn tensors(groups: &[Group]) -> Vec<String> {
    let record = groups.iter().flat_map(|group| &group.rows).find_map(|row| row.record.as_ref());
    record.map_or_else(Vec::new, |record| record.layers.iter().map(|layer| layer.name.clone()).collect())
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

    #[test]
    fn a_subnetwork_of_random_weights_is_named_apart() {
        let drawing = Layers {}.draw(&study()).unwrap();
        let labels: Vec<_> = drawing.panels[0].series.iter().map(|s| s.label.as_str()).collect();
        assert_eq!(labels, ["fc1.weight", "fc2.weight", "edge-popup: fc1.weight", "edge-popup: fc2.weight"]);
    }
}

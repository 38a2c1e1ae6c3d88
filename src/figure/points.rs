//! From rows to points: which tickets stand at one place of a figure, and what their replicates have in common.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use indexmap::IndexSet;

use crate::figure::{Point, Shape};
use crate::record::{PipelineFacts, Row, Study};
use crate::units::percent;

/// The tickets of one pipeline with the same weights remaining, at the same level: its replicates and their draws.
pub(crate) struct Group<'a> {
    pub level: u32,
    /// Which of those that nothing else tells apart: 0 is the first.
    pub branch: u32,
    /// Fraction of the prunable weights.
    pub weights_remaining: f64,
    pub rows: Vec<&'a Row>,
}

/// A pipeline's tickets in one variant, from the most weights to the fewest.
pub(crate) fn groups<'a>(study: &'a Study, variant: &str, pipeline: &str) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<_, Vec<&Row>> = BTreeMap::new();
    for row in study.rows.iter().filter(|row| row.variant == variant && row.pipeline == pipeline) {
        groups.entry((Reverse(row.kept_weights), row.level, row.branch)).or_default().push(row);
    }
    let group = |((_, level, branch), rows): (_, Vec<&'a Row>)| Group {
        level,
        branch,
        weights_remaining: rows.first().map_or(0.0, |row| row.weights_remaining()),
        rows,
    };
    groups.into_iter().map(group).collect()
}

/// The share of weights that tickets keep; where they differ, from the least to the greatest.
pub(crate) fn share<'a>(tickets: impl IntoIterator<Item = &'a Group<'a>>) -> Option<String> {
    let shares: Vec<f64> = tickets.into_iter().map(|ticket| ticket.weights_remaining).collect();
    let [least, most] = [f64::min, f64::max].map(|extreme| shares.iter().copied().reduce(extreme).map(percent));
    let (least, most) = (least?, most?);
    Some(if least == most { least } else { format!("{least} to {most}") })
}

/// The variants in the order of the plan; one, named "", without a sweep.
pub(crate) fn variants(study: &Study) -> Vec<&str> {
    variants_of(&study.rows)
}

/// The same of some rows only, as of those of analyses.
pub(crate) fn variants_of(rows: &[Row]) -> Vec<&str> {
    let variants: IndexSet<&str> = rows.iter().map(|row| row.variant.as_str()).collect();
    variants.into_iter().collect()
}

/// The pipelines that learn weights and prune some, with their place in the spec, which is their style.
pub(crate) fn ladders(study: &Study) -> Vec<(usize, &PipelineFacts)> {
    let prunes = |pipeline: &PipelineFacts| {
        let groups = variants(study).into_iter().map(|variant| groups(study, variant, &pipeline.name));
        groups.into_iter().any(|groups| groups.len() > 1 || groups.iter().any(|group| group.level > 0))
    };
    weight_learners(study).filter(|(_, p)| p.each.is_none() && prunes(p)).collect()
}

/// Ladders and the controls that fork from tickets.
pub(crate) fn ladders_and_controls(study: &Study) -> Vec<(usize, &PipelineFacts)> {
    let ladders: Vec<usize> = ladders(study).iter().map(|(style, _)| *style).collect();
    weight_learners(study).filter(|(style, p)| p.each.is_some() || ladders.contains(style)).collect()
}

fn weight_learners(study: &Study) -> impl Iterator<Item = (usize, &PipelineFacts)> {
    study.header.pipelines.iter().enumerate().filter(|(_, pipeline)| pipeline.learns == "weights")
}

/// The pipelines that learn a mask.
pub(crate) fn mask_learners(study: &Study) -> Vec<(usize, &PipelineFacts)> {
    study.header.pipelines.iter().enumerate().filter(|(_, pipeline)| pipeline.learns == "mask").collect()
}

/// The dense network of one variant, to which the others are compared.
pub(crate) struct Dense<'a> {
    pub label: String,
    pub style: usize,
    pub rows: Vec<&'a Row>,
}

/// The pipeline named "dense", else the first that uses "dense", else level 0 of the first that learns weights and has it.
pub(crate) fn dense<'a>(study: &'a Study, variant: &str) -> Option<Dense<'a>> {
    let pipelines = &study.header.pipelines;
    let named = pipelines.iter().position(|p| p.name == "dense").or(pipelines.iter().position(|p| p.uses == "dense"));
    let (style, label) = match named {
        Some(style) => (style, pipelines[style].name.clone()),
        None => {
            // A pipeline that prunes in its only training has no level 0.
            let is_dense = |name: &str| study.rows.iter().any(|row| row.pipeline == name && row.level == 0);
            let (style, first) = weight_learners(study).find(|(_, p)| p.each.is_none() && is_dense(&p.name))?;
            (style, format!("{} at 100%", first.name))
        }
    };
    let belongs = |row: &&Row| row.variant == variant && row.pipeline == pipelines[style].name && row.level == 0;
    Some(Dense { label, style, rows: study.rows.iter().filter(belongs).collect() })
}

/// The networks of one variant that keep all their weights: every pipeline that learns weights and prunes none; where there
/// is none, the dense network as `dense` finds it.
pub(crate) fn baselines<'a>(study: &'a Study, variant: &str) -> Vec<Dense<'a>> {
    let ladders: Vec<usize> = ladders(study).iter().map(|(style, _)| *style).collect();
    let whole = |(style, pipeline): (usize, &PipelineFacts)| {
        let of_it = |row: &&Row| row.variant == variant && row.pipeline == pipeline.name;
        let rows: Vec<&Row> = study.rows.iter().filter(of_it).collect();
        let prunes_none = rows.iter().all(|row| row.kept_weights == row.prunable_weights);
        let is_one = !rows.is_empty() && prunes_none && pipeline.each.is_none() && !ladders.contains(&style);
        is_one.then(|| Dense { label: pipeline.name.clone(), style, rows })
    };
    let all: Vec<Dense> = weight_learners(study).filter_map(whole).collect();
    if all.is_empty() { dense(study, variant).into_iter().collect() } else { all }
}

/// What the replicates of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    /// Replicates, not draws.
    pub n: usize,
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// A value a replicate, or a pair of them that an analysis compared, its draws averaged; rows without a finite one are left
/// out.
pub(crate) fn by_replicate(rows: &[&Row], value: &dyn Fn(&Row) -> Option<f64>) -> Vec<(u32, f64)> {
    let mut replicates: BTreeMap<(u32, Option<u32>), Vec<f64>> = BTreeMap::new();
    for row in rows {
        if let Some(value) = value(row).filter(|value| value.is_finite()) {
            replicates.entry((row.replicate, row.other_replicate)).or_default().push(value);
        }
    }
    replicates.into_iter().map(|((replicate, _), draws)| (replicate, mean(&draws))).collect()
}

/// The mean over replicates, a replicate's draws averaged first, with the least and the greatest replicate; `None`
/// where no row has a value.
pub(crate) fn summarise(rows: &[&Row], value: &dyn Fn(&Row) -> Option<f64>) -> Option<Summary> {
    let values: Vec<f64> = by_replicate(rows, value).into_iter().map(|(_, value)| value).collect();
    let low = values.iter().copied().reduce(f64::min)?;
    let high = values.iter().copied().reduce(f64::max)?;
    Some(Summary { n: values.len(), mean: mean(&values), low, high })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

impl Summary {
    pub fn at(self, x: f64) -> Point {
        Point { x, y: self.mean, low: self.low, high: self.high }
    }

    pub fn baseline(self) -> Shape {
        Shape::Baseline { y: self.mean, low: self.low, high: self.high }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::{row, scored, study};

    fn accuracy(row: &Row) -> Option<f64> {
        row.scores().map(|scores| scores.test_accuracy)
    }

    #[test]
    fn draws_are_averaged_within_their_replicate_before_replicates_are() {
        // Replicate 0 draws 0.25 and 0.75, replicate 1 draws 1 once: (0.5 + 1) ÷ 2, not 2 ÷ 3; bars 0.5 to 1, n 2.
        let rows = [(0, 0, 0.25), (0, 1, 0.75), (1, 0, 1.0)].map(|(replicate, draw, accuracy)| Row {
            draw,
            ..scored(row("control", replicate, 1, 512), accuracy, 100)
        });
        let summary = summarise(&rows.iter().collect::<Vec<_>>(), &accuracy);
        assert_eq!(summary, Some(Summary { n: 2, mean: 0.75, low: 0.5, high: 1.0 }));
    }

    #[test]
    fn branches_that_keep_equally_many_weights_are_not_averaged() {
        let rows = [(0, 0.25), (1, 0.75)].map(|(branch, accuracy)| {
            let row = Row { branch, ..row("imp", 0, 1, 512) };
            scored(row, accuracy, 100)
        });
        let study = Study { rows: rows.into(), ..study() };
        let means: Vec<_> = groups(&study, "", "imp")
            .iter()
            .map(|group| (group.branch, summarise(&group.rows, &accuracy).unwrap().mean))
            .collect();
        assert_eq!(means, [(0, 0.25), (1, 0.75)]);
    }

    #[test]
    fn rows_without_a_finite_score_are_in_no_mean() {
        let rows = [
            scored(row("imp", 0, 1, 512), 0.5, 100),
            row("imp", 1, 1, 512),
            scored(row("imp", 2, 1, 512), f64::NAN, 100),
        ];
        let summary = summarise(&rows.iter().collect::<Vec<_>>(), &accuracy);
        assert_eq!(summary, Some(Summary { n: 1, mean: 0.5, low: 0.5, high: 0.5 }));
        assert_eq!(summarise(&[&rows[1]], &accuracy), None);
    }

    #[test]
    fn dense_is_found_by_name_then_by_what_it_uses_then_as_level_0() {
        let mut study = study();
        assert_eq!(dense(&study, "").unwrap().label, "dense");
        for row in study.rows.iter_mut().filter(|row| row.pipeline == "dense") {
            row.pipeline = "whole".into();
        }
        study.header.pipelines[0].name = "whole".into();
        let found = dense(&study, "").unwrap();
        assert_eq!((found.label.as_str(), found.rows.len()), ("whole", 3));
        study.header.pipelines.remove(0);
        let found = dense(&study, "").unwrap();
        assert_eq!((found.label.as_str(), found.rows.len()), ("imp at 100%", 3));
    }

    #[test]
    fn every_pipeline_that_prunes_nothing_is_a_baseline_and_without_any_level_0_is() {
        let mut study = study();
        let labels = |study: &Study| baselines(study, "").into_iter().map(|b| (b.label, b.style)).collect::<Vec<_>>();
        assert_eq!(labels(&study), [("dense".to_string(), 0)]);
        study.header.pipelines.push(PipelineFacts { name: "sgd".into(), ..study.header.pipelines[0].clone() });
        assert_eq!(labels(&study).len(), 1);
        study.rows.push(scored(row("sgd", 0, 0, 1024), 0.9, 100));
        assert_eq!(labels(&study), [("dense".to_string(), 0), ("sgd".to_string(), 5)]);
        study.rows.retain(|row| row.pipeline == "imp");
        study.header.pipelines.retain(|pipeline| pipeline.name == "imp");
        assert_eq!(labels(&study), [("imp at 100%".to_string(), 0)]);
    }

    #[test]
    fn a_pipeline_of_one_level_is_no_ladder() {
        let study = study();
        let names = |found: Vec<(usize, &PipelineFacts)>| -> Vec<(usize, String)> {
            found.into_iter().map(|(style, p)| (style, p.name.clone())).collect()
        };
        assert_eq!(names(ladders(&study)), [(1, "imp".into())]);
        assert_eq!(
            names(ladders_and_controls(&study)),
            [(1, "imp".into()), (2, "reinitialise".into()), (3, "random-sparse".into())]
        );
        assert_eq!(names(mask_learners(&study)), [(4, "edge-popup".into())]);
    }
}

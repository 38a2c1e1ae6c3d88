//! Where a chain of stages stands, and where controls begin.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::budget::{KEPT, LIMIT};
use super::{Gate, PlannedTicket, identity};
use crate::model::{Model, UnitGroup};
use crate::record::EarlyStop;
use crate::registry::Registry;
use crate::spec::node::Error;
use crate::spec::{Diagnostics, Fork, PipelineSpec, Variant, When};
use crate::stage::{Ahead, Foreseen, UnitsAhead};

/// The pipelines with each control after the pipeline that it forks from.
pub fn order(variant: &Variant) -> Result<Vec<&PipelineSpec>, Diagnostics> {
    let mut ordered: Vec<&PipelineSpec> = Vec::new();
    let mut left: Vec<&PipelineSpec> = variant.pipelines.values().collect();
    while !left.is_empty() {
        let names: HashSet<&str> = ordered.iter().map(|pipeline| pipeline.name.as_str()).collect();
        let known = |fork: &Fork| fork.needs().all(|(name, _)| names.contains(name.as_str()));
        let ready = |p: &&PipelineSpec| p.fork.as_ref().is_none_or(known);
        let (now, later): (Vec<_>, Vec<_>) = left.into_iter().partition(ready);
        if now.is_empty() {
            let mut problems = Diagnostics::default();
            for (pipeline, fork) in later.iter().filter_map(|p| Some((p, p.fork.as_ref()?))) {
                problems.push(Error::new(&fork.origin, format!("`{}` forks from itself", pipeline.name)));
            }
            return Err(problems);
        }
        ordered.extend(now);
        left = later;
    }
    Ok(ordered)
}

/// Where a chain of stages stands.
#[derive(Clone)]
pub struct Cursor<'a> {
    pub ahead: Ahead<'a>,
    pub replicate: u32,
    pub draw: u32,
    pub root: Arc<Value>,
    /// The same as JSON.
    pub root_text: Arc<str>,
    /// The last step, once there is one.
    pub at: Option<usize>,
    pub first_training: Option<usize>,
    /// The first evaluated step: level 0 of stop rules.
    pub dense: Option<usize>,
    /// The last evaluated step.
    pub evaluated: Option<usize>,
    pub gates: Vec<Gate>,
    /// The step whose ticket the next stage may compare with.
    pub other: Option<usize>,
}

impl<'a> Cursor<'a> {
    pub fn beginning(
        variant: &Variant,
        registry: &'a Registry,
        model: &Model,
        replicate: u32,
        device: &str,
    ) -> Cursor<'a> {
        let layer =
            |(param, kind): (&crate::model::Param, _)| Foreseen { kind, prunable: param.len(), kept: param.len() };
        let ahead = Ahead {
            registry,
            begun: false,
            level: 0,
            position: 0,
            iterations: 0,
            trained: None,
            per_epoch: 1,
            evaluated: false,
            measures: false,
            beside: false,
            compares: false,
            rewinds_to: None,
            redrawn: false,
            origin: 0,
            learns: None,
            layers: model.prunable().map(layer).collect(),
            divided: false,
            about: false,
            units: units(model),
            examples: variant.dataset.training_examples() as u64,
            validation: variant.dataset.validation as u64,
            early_stop: EarlyStop::default(),
            images: variant.dataset.used_shape(),
        };
        let root = Arc::new(identity::root(variant, replicate, device));
        let root_text = root.to_string().into();
        Cursor {
            ahead,
            replicate,
            draw: 0,
            root,
            root_text,
            at: None,
            first_training: None,
            dense: None,
            evaluated: None,
            gates: Vec::new(),
            other: None,
        }
    }
}

/// The units of a model that can go, by their tensors' numbers among the prunable ones.
fn units(model: &Model) -> Option<Vec<UnitsAhead>> {
    // What stands for a model that is wrong has a weight and no layer.
    if model.nodes.is_empty() && !model.params.is_empty() {
        return None;
    }
    let prunable = |number: usize| model.params[..number].iter().filter(|param| param.kind.is_some()).count();
    let of = |units: UnitGroup| UnitsAhead {
        made: prunable(units.made),
        read: prunable(units.read),
        count: units.count,
        left: units.count,
    };
    Some(model.unit_groups().into_iter().map(of).collect())
}

/// What came of a pipeline in one replicate.
#[derive(Default)]
pub struct Walked<'a> {
    pub tickets: Vec<PlannedTicket>,
    /// Where its tickets were measured.
    pub analyses: Vec<PlannedTicket>,
    /// Where each ticket of level 1 or more stood before its training: where controls fork.
    pub points: Vec<Cursor<'a>>,
    /// Where each ticket stood when it was evaluated: where analyses fork.
    pub trained: Vec<Cursor<'a>>,
    /// Why chains of stages ended early.
    pub problems: Diagnostics,
}

/// The places from which a control forks: the levels that it asks for, each as often as it is drawn.
pub fn forks<'a>(fork: &Fork, of: &Walked<'a>) -> Result<Vec<Cursor<'a>>, Error> {
    let points = match fork.when {
        When::Untrained => &of.points,
        When::Trained => &of.trained,
    };
    let levels: BTreeSet<u32> = points.iter().map(|point| point.ahead.level).collect();
    if levels.is_empty() && fork.when == When::Trained {
        let error = Error::new(&fork.origin, format!("{:?} has no ticket to fork from", fork.each)).absent("a level");
        return Err(error.help("fork from a pipeline that trains or evaluates, such as \"dense\" or \"imp\""));
    }
    if levels.is_empty() && of.trained.iter().any(|ticket| ticket.ahead.level > 0) {
        let message =
            format!("{:?} prunes while it trains: no ticket of level 1 or more waits for its training", fork.each);
        let error = Error::new(&fork.origin, message).absent("a level");
        return Err(error.help("fork from what was trained: `when = \"trained\"`"));
    }
    if levels.is_empty() {
        let message = format!("{:?} has no ticket of level 1 or more to fork from", fork.each);
        let error = Error::new(&fork.origin, message).absent("a level");
        return Err(error.help("controls fork from a pipeline that prunes, such as \"imp\""));
    }
    for level in fork.at.iter().flatten() {
        if !levels.contains(level) {
            let (first, last) = (levels.first().unwrap_or(level), levels.last().unwrap_or(level));
            let error = Error::new(&fork.at_origin, format!("{:?} has no level {level} to fork from", fork.each));
            return Err(error.absent("a level").help(match first == last {
                true => format!("it has level {first} only"),
                false => format!("it has levels {first} to {last}"),
            }));
        }
    }
    let layers = points.first().map_or(0, |point| point.ahead.layers.len());
    let forks = points.len().saturating_mul(fork.times as usize);
    if forks > LIMIT || forks.saturating_mul(layers) > KEPT {
        return Err(Error::new(&fork.origin, format!("{forks} forks are too many")).help("draw each fork fewer times"));
    }
    let wanted = |point: &&Cursor<'a>| fork.at.as_ref().is_none_or(|at| at.contains(&point.ahead.level));
    let drawn = |point: &Cursor<'a>| {
        let point = point.clone();
        // An analysis of a control's repeated draws is of each.
        let again = fork.when == When::Trained && fork.times == 1;
        (0..fork.times).map(move |draw| Cursor { draw: if again { point.draw } else { draw }, ..point.clone() })
    };
    Ok(points.iter().filter(wanted).flat_map(drawn).collect())
}

//! Which pipelines have left a step that the plan still has for others: by what is recorded of it, and of what followed it.

use std::collections::{HashMap, HashSet};

use crate::plan::Plan;
use crate::record::Record;

/// What of a record says where its experiment's pipelines went.
pub struct Passage {
    step: String,
    parent: Option<String>,
    /// `None` in a record of before they were written down.
    pipelines: Option<Vec<String>>,
}

/// The recorded steps of an experiment by their ids, and those of which nobody knows whose they are.
#[derive(Default)]
pub struct History(HashMap<String, Passage>);

impl Passage {
    /// `None` of another experiment's step.
    pub fn of(record: &Record, experiment: &str) -> Option<Passage> {
        let provenance = &record.provenance;
        let pipelines = provenance.experiment.is_some().then(|| provenance.pipelines.clone());
        let ours = provenance.experiment.as_deref().is_none_or(|of| of == experiment);
        ours.then(|| Passage { step: record.step.clone(), parent: record.parent.clone(), pipelines })
    }
}

impl FromIterator<Passage> for History {
    fn from_iter<T: IntoIterator<Item = Passage>>(passages: T) -> History {
        History(passages.into_iter().map(|passage| (passage.step.clone(), passage)).collect())
    }
}

impl History {
    /// Which pipelines have left these steps of the plan.
    pub fn left<'a>(&'a self, plan: &'a Plan, planned: &HashMap<&str, usize>, steps: &[usize]) -> Left<'a> {
        let mut went: HashMap<usize, Went<'_>> = steps.iter().map(|step| (*step, Went::default())).collect();
        for passage in self.0.values() {
            let forgotten = passage.pipelines.is_none() && !planned.contains_key(passage.step.as_str());
            let mut at = Some(passage);
            while let Some(here) = at {
                if let Some(went) = planned.get(here.step.as_str()).and_then(|step| went.get_mut(step)) {
                    went.pipelines.extend(passage.pipelines.iter().flatten().map(String::as_str));
                    went.forgotten |= forgotten;
                }
                at = here.parent.as_ref().and_then(|parent| self.0.get(parent));
            }
        }
        Left { now: plan.pipelines(), went }
    }
}

/// The pipelines that went through a step once.
#[derive(Default)]
struct Went<'a> {
    pipelines: HashSet<&'a str>,
    /// Whether something followed it that the plan no longer has, and of which no record says whose it was.
    forgotten: bool,
}

pub struct Left<'a> {
    /// Of each step of the plan, the pipelines that have it now.
    now: Vec<Vec<&'a str>>,
    went: HashMap<usize, Went<'a>>,
}

impl Left<'_> {
    /// Whether a pipeline of the step `new` went through `still` once, and does no more.
    pub fn by(&self, still: usize, new: usize) -> bool {
        let Some(went) = self.went.get(&still) else { return false };
        let gone = |name: &&&str| !self.now[still].contains(name);
        self.now[new].iter().filter(gone).any(|name| went.forgotten || went.pipelines.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;

    use super::*;
    use crate::plan::Step;
    use crate::registry::Use;

    /// Steps 0 → 1, of these pipelines, and a second step after 0.
    fn plan(first: &str, second: &str) -> Plan {
        let stage = Arc::new(Use { name: "prune".into(), config: Value::Null, version: 1 });
        let step = |(number, parent, pipeline): (usize, Option<usize>, &str)| Step {
            id: number.to_string(),
            stage: stage.clone(),
            root: Arc::default(),
            parent,
            other: None,
            variant: 0,
            pipeline: pipeline.into(),
            replicate: 0,
            level: 0,
            draw: 0,
            position: 0,
            iterations: 0,
            rewinds: None,
            snapshots: Default::default(),
            gates: Vec::new(),
            layers: Vec::new(),
            divided: false,
            about: false,
        };
        let steps = [(0, None, first), (1, Some(0), first), (2, Some(0), second)].map(step);
        Plan { variants: Vec::new(), steps: steps.into(), tickets: Vec::new(), analyses: Vec::new() }
    }

    fn passage(step: &str, parent: &str, pipelines: Option<&[&str]>) -> Passage {
        let pipelines = pipelines.map(|names| names.iter().map(|name| name.to_string()).collect());
        Passage { step: step.into(), parent: Some(parent.into()), pipelines }
    }

    /// Whether step 2's pipeline has left step 1, by what is recorded.
    fn has_left(plan: &Plan, recorded: Vec<Passage>) -> bool {
        let planned = plan.steps.iter().enumerate().map(|(number, step)| (step.id.as_str(), number)).collect();
        History::from_iter(recorded).left(plan, &planned, &[1]).by(1, 2)
    }

    #[test]
    fn a_pipeline_has_left_a_step_that_it_or_what_followed_was_recorded_for() {
        let (two, one) = (plan("one", "two"), plan("one", "one"));
        let of = |plan, step: &[&str], follower: Option<&[&str]>| {
            let follower = follower.map(|names| passage("gone", "1", Some(names)));
            has_left(plan, [passage("1", "0", Some(step))].into_iter().chain(follower).collect())
        };
        assert!(of(&two, &["one", "two"], None) && of(&two, &["one"], Some(&["two"])));
        assert!(!of(&two, &["one"], None) && !of(&two, &["one"], Some(&["one"])));
        assert!(!of(&one, &["one"], Some(&["one"])));
    }

    #[test]
    fn of_records_that_say_no_pipeline_those_count_that_the_plan_has_no_more() {
        let plan = plan("one", "two");
        assert!(!has_left(&plan, vec![passage("1", "0", None)]));
        assert!(has_left(&plan, vec![passage("1", "0", None), passage("gone", "1", None)]));
    }

    #[test]
    fn what_another_experiment_recorded_says_nothing_of_this_one() {
        let of = |experiment: Option<&str>| Record {
            step: "1".into(),
            stage: "prune".into(),
            parent: None,
            layers: Vec::new(),
            fingerprint: None,
            training: None,
            scores: None,
            measured: Vec::new(),
            seconds: 0.0,
            provenance: crate::record::Provenance { experiment: experiment.map(String::from), ..Default::default() },
        };
        let known = |experiment| Passage::of(&of(experiment), "this").map(|passage| passage.pipelines.is_some());
        assert_eq!([Some("this"), Some("other"), None].map(known), [Some(true), None, Some(false)]);
    }
}

//! How it is trained: a pipeline's stages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::Heading;
use crate::registry::{Registry, Use};
use crate::spec::{TIMES, node, schema};
use crate::units::Rate;

#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, description = "a pipeline: one method of the comparison")]
pub struct PipelineSpec {
    #[schemars(skip)]
    pub name: String,
    /// The pipeline it uses, "" where it is written out in the experiment.
    #[schemars(skip)]
    pub uses: String,
    /// A line for `list`.
    #[schemars(default)]
    pub summary: String,
    /// The paper and section.
    #[schemars(default)]
    pub source: String,
    /// Of a control: which tickets it begins from.
    pub fork: Option<Fork>,
    /// What is done to a ticket, in order.
    #[schemars(rename = "stage", schema_with = "schema::stage_list")]
    pub stages: Vec<StageSpec>,
    /// Where it was written, for errors that only the plan can find.
    #[schemars(skip)]
    pub origin: node::Origin,
}

/// A control forks from tickets of another pipeline before their training; an analysis may do so after it.
#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Fork {
    /// The pipeline whose tickets are forked.
    pub each: String,
    /// Levels to fork from; all where absent. Level 0 is there for `when = "trained"` only.
    #[schemars(length(min = 1))]
    pub at: Option<Vec<u32>>,
    /// Where the levels were written, or `each` where they were not.
    #[schemars(skip)]
    pub at_origin: node::Origin,
    /// "untrained": as a ticket was before its training; "trained": as it was evaluated, with its final weights.
    #[schemars(default)]
    pub when: When,
    /// Another pipeline, whose ticket of the nearest weights remaining, of the same replicate, is compared with; or the
    /// same as `each`, whose tickets of the same level in earlier replicates are.
    pub with: Option<String>,
    /// Where that was written, or `each` where it was not.
    #[schemars(skip)]
    pub with_origin: node::Origin,
    /// How many times each fork is drawn.
    #[schemars(default = "one", range(min = 1, max = TIMES))]
    pub times: u32,
    #[schemars(skip)]
    pub origin: node::Origin,
    /// `each`, `at`, `when`, `with` and `times` as they were written.
    #[schemars(skip)]
    pub written: node::Node,
}

impl PipelineSpec {
    /// What its analyses measure.
    pub fn headings(&self, registry: &Registry) -> Vec<Heading> {
        headings(&self.stages, registry)
    }
}

fn headings(stages: &[StageSpec], registry: &Registry) -> Vec<Heading> {
    let of = |stage: &StageSpec| match stage {
        StageSpec::One(used, _) => registry.stages.measures(used).to_vec(),
        StageSpec::Repeat { stages, .. } => headings(stages, registry),
        StageSpec::Branch(branches) => branches.iter().flat_map(|stages| headings(stages, registry)).collect(),
    };
    stages.iter().flat_map(of).collect()
}

impl Fork {
    /// The pipelines that it needs, each with where it is named.
    pub fn needs(&self) -> impl Iterator<Item = (&String, &node::Origin)> {
        std::iter::once((&self.each, &self.origin)).chain(self.with.as_ref().map(|with| (with, &self.with_origin)))
    }
}

/// How a ticket is when a pipeline forks from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum When {
    #[default]
    Untrained,
    Trained,
}

#[derive(Clone, Debug, PartialEq)]
pub enum StageSpec {
    One(Use, Written),
    /// Stages repeated up to `times`, or until a stop rule holds, whichever comes first.
    Repeat {
        times: u32,
        until: Stop,
        stages: Vec<StageSpec>,
        /// `times` and `until` as they were written.
        written: node::Node,
    },
    /// Independent branches from the same ticket, as `foreach` makes them of a list.
    Branch(Vec<Vec<StageSpec>>),
}

/// Where a stage was written, and its configuration with what `[training]` and its user add.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    pub origin: node::Origin,
    pub config: node::Node,
}

/// Ends a repeat, whichever holds first.
#[derive(Clone, Copy, Debug, Default, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
pub struct Stop {
    /// After the first level whose weights remaining are at or below this.
    pub weights_remaining: Option<Rate>,
    /// After the first level whose validation accuracy at early stop is more than this below level 0's, in absolute
    /// points ÷ 100.
    #[schemars(range(min = 0, max = 1))]
    pub accuracy_drop: Option<f64>,
}

fn one() -> u32 {
    1
}

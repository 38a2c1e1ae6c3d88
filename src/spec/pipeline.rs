//! `[pipeline.NAME]`: a shipped or local pipeline with its parameters, or one written out, → stages.

use super::changes::StageChanges;
use super::diagnostic::Diagnostics;
use super::fields::{Fields, without_use};
use super::node::{Node, Origin};
use super::overlay::open;
use super::schema::of;
use super::shipped::{Declared, Library};
use super::template::{Scope, check_names, check_used, parameters};
use super::training::Training;
use super::{Fork, ModelSpec, PipelineSpec, TIMES, When};
use crate::registry::Registry;

pub struct Pipelines<'a> {
    pub registry: &'a Registry,
    pub library: &'a Library<'a>,
    pub training: Training<'a>,
    /// The model, for stages that draw weights and name no initialiser.
    pub model: Option<&'a ModelSpec>,
    /// What an experiment changes of the stages of the pipeline that it uses.
    pub changes: &'a StageChanges<'a>,
    /// Where the experiment asks for the pipeline that is read.
    pub user: &'a Origin,
}

impl Pipelines<'_> {
    pub fn read(&self, name: &str, key: &Origin, node: &Node, diagnostics: &mut Diagnostics) -> Option<PipelineSpec> {
        let what = format!("[pipeline.{name}]");
        let mut fields = Fields::using(node, what, diagnostics)?;
        let Some(used) = fields.node("use") else {
            return Pipelines { user: key, ..*self }.written_out(name, key, node, fields, diagnostics);
        };
        let changes = StageChanges::of(fields.node("stage"), used, diagnostics);
        let changing = Pipelines { changes: &changes, user: &used.origin, ..*self };
        let (uses, declared) = self.library.find(Declared::Pipeline, used, diagnostics)?;
        let label = format!("`{name}` uses it here");
        diagnostics.used_by(&declared.origin.source, &used.origin, &label, |diagnostics| {
            let mut body = Fields::of(&declared, format!("the pipeline `{uses}`"), diagnostics)?;
            let declared_parameters = body.node("parameters");
            check_used(declared_parameters, &body.rest(), diagnostics);
            let parameters = parameters(declared_parameters, diagnostics);
            check_names(&parameters, declared_parameters, &["use", "stage"], diagnostics);
            let scope = Scope::bind(&parameters, &fields.rest(), used, &["use", "stage"], diagnostics);
            scope.reading(diagnostics, |scope, diagnostics| {
                let fork = body.node("fork").and_then(|node| scope.fill(node, diagnostics));
                let fork = fork.and_then(|node| {
                    let mut fields = Fields::of(&node, "`fork`", diagnostics)?.documented(of::<Fork>);
                    let fork = fork_of(&mut fields, diagnostics);
                    fields.finish(diagnostics);
                    fork
                });
                let spec = changing.body(PipelineSpec { fork, ..start(name, uses, key) }, body, scope, diagnostics);
                changes.finish(diagnostics);
                spec
            })
        })
    }

    fn written_out(
        &self,
        name: &str,
        key: &Origin,
        node: &Node,
        mut fields: Fields<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<PipelineSpec> {
        if !fields.has("stage") {
            diagnostics.push(without_use(node, &format!("[pipeline.{name}]"), &["use", "stage"], "imp"));
            return None;
        }
        let fork = FORK.iter().any(|key| fields.has(key));
        let fork = if fork { fork_of(&mut fields, diagnostics) } else { None };
        let spec = PipelineSpec { fork, ..start(name, String::new(), key) };
        Scope::empty().reading(diagnostics, |scope, diagnostics| self.body(spec, fields, scope, diagnostics))
    }

    /// What a pipeline file and a written-out pipeline have in common.
    fn body(
        &self,
        spec: PipelineSpec,
        mut fields: Fields<'_>,
        scope: &Scope,
        diagnostics: &mut Diagnostics,
    ) -> Option<PipelineSpec> {
        let summary = fields.read("summary", diagnostics).unwrap_or_default();
        let source = fields.read("source", diagnostics).unwrap_or_default();
        let stages = fields.need_node("stage");
        let stages = stages.map(|node| self.stages(node, scope, diagnostics)).unwrap_or_default();
        fields.finish(diagnostics);
        Some(PipelineSpec { summary, source, stages, ..spec })
    }
}

fn start(name: &str, uses: String, key: &Origin) -> PipelineSpec {
    PipelineSpec {
        name: name.to_string(),
        uses,
        summary: String::new(),
        source: String::new(),
        fork: None,
        stages: Vec::new(),
        origin: key.clone(),
    }
}

/// What a fork may say.
const FORK: [&str; 5] = ["each", "at", "when", "with", "times"];

fn fork_of(fields: &mut Fields<'_>, diagnostics: &mut Diagnostics) -> Option<Fork> {
    let each = fields.need_node("each");
    let origin = each.map(|node| node.origin.clone());
    let each = fields.read("each", diagnostics);
    let with_origin = fields.node("with").map(|node| node.origin.clone());
    let with = fields.read("with", diagnostics);
    let at_origin = fields.node("at").map(|node| node.origin.clone());
    let when = fields.read("when", diagnostics).unwrap_or_default();
    let (least, rule) = match when {
        When::Untrained => (1, "a list of levels, each 1 or more"),
        When::Trained => (0, "a list of levels"),
    };
    let levels = |levels: &Vec<u32>| !levels.is_empty() && levels.iter().all(|level| *level >= least);
    let at = fields.read_if("at", rule, levels, diagnostics);
    let rule = format!("from 1 to {TIMES}");
    let times = fields.read_if("times", &rule, |times| (1..=TIMES).contains(times), diagnostics).unwrap_or(1);
    let origin = origin?;
    let entry = |key| Some((String::from(key), (origin.clone(), fields.node(key)?.clone())));
    let written = open(FORK.into_iter().filter_map(entry).collect(), &origin);
    let at_origin = at_origin.unwrap_or_else(|| origin.clone());
    let with_origin = with_origin.unwrap_or_else(|| origin.clone());
    Some(Fork { each: each?, at, at_origin, when, with, with_origin, times, origin, written })
}

//! What a report says of an experiment before any result: taken from the spec and the plan.

use super::{Plan, PlannedVariant};
use crate::model::Model;
use crate::record::{DatasetFacts, Header, LayerFacts, ModelFacts, PipelineFacts, PredictionFacts, VariantFacts};
use crate::registry::Use;
use crate::spec::{DatasetSpec, Form, PipelineSpec, PredictionSpec, Spec, StageSpec, Variant};

/// The report's header; of a sweep, data, model and pipelines are the first variant's. `command` is how to rerun the
/// experiment.
pub fn header(spec: &Spec, plan: &Plan, command: &str) -> Header {
    let first = &spec.variants[0];
    let learns = |name: &str| plan.tickets.iter().find(|t| t.pipeline == name).map_or("", |t| t.learns);
    Header {
        experiment: spec.name.clone(),
        title: spec.title.clone(),
        question: spec.question.clone(),
        seed: first.seed,
        replicates: spec.replicates,
        dataset: dataset(&first.dataset),
        model: model(first, &plan.variants[0].model),
        pipelines: first.pipelines.values().map(|p| pipeline(p, learns(&p.name))).collect(),
        variants: variants(spec, plan),
        matching: -spec.matching,
        predictions: spec.predictions.iter().map(prediction).collect(),
        command: command.to_string(),
    }
}

/// What sets each variant apart; nothing where there is no sweep.
fn variants(spec: &Spec, plan: &Plan) -> Vec<VariantFacts> {
    let facts = |(variant, planned): (&Variant, &PlannedVariant)| VariantFacts {
        name: variant.name.clone(),
        settings: variant.settings.iter().map(|set| (set.field.clone(), set.value.clone())).collect(),
        parameters: planned.model.parameters(),
        prunable: planned.model.prunable().map(|(param, _)| param.len()).sum(),
    };
    let swept = spec.variants.iter().zip(&plan.variants).filter(|(variant, _)| !variant.name.is_empty());
    swept.map(facts).collect()
}

fn prediction(spec: &PredictionSpec) -> PredictionFacts {
    PredictionFacts { claim: spec.claim.clone(), expect: spec.expect.to_string() }
}

fn dataset(spec: &DatasetSpec) -> DatasetFacts {
    DatasetFacts {
        name: spec.name.clone(),
        summary: spec.summary.clone(),
        licence: spec.licence.clone(),
        citation: spec.citation.clone(),
        classes: spec.classes,
        train: spec.train - spec.validation,
        validation: spec.validation,
        test: spec.test,
        normalisation: normalisation(spec),
        files: spec.files.iter().map(|file| (file.name.clone(), file.sha256.clone())).collect(),
    }
}

fn normalisation(spec: &DatasetSpec) -> String {
    let list = |values: &[f32]| values.iter().map(f32::to_string).collect::<Vec<_>>().join(", ");
    let (mean, std) = (&spec.normalise.mean, &spec.normalise.std);
    match mean.iter().all(|m| *m == 0.0) && std.iter().all(|s| *s == 1.0) {
        true => "pixel ÷ 255".into(),
        false => format!("(pixel ÷ 255 − {}) ÷ {}", list(mean), list(std)),
    }
}

fn model(variant: &Variant, model: &Model) -> ModelFacts {
    let mut params = model.params.iter();
    let layers = model.walk().zip(variant.model.walk()).map(|(node, written)| {
        let own: Vec<_> = params.by_ref().take(node.own_params()).collect();
        LayerFacts {
            name: written.name.clone(),
            layer: match &written.form {
                Form::One(used) => words(used),
                Form::Residual { shortcut, .. } if shortcut.is_empty() => "residual (its layers + its input)".into(),
                Form::Residual { .. } => "residual (its layers + its shortcut)".into(),
            },
            output: node.output().dims(),
            parameters: own.iter().filter(|p| p.role.is_trained()).map(|p| p.len()).sum(),
            prunable: own.iter().filter(|p| p.kind.is_some()).map(|p| p.len()).sum(),
        }
    });
    ModelFacts {
        name: variant.model.name.clone(),
        summary: variant.model.summary.clone(),
        parameters: model.parameters(),
        prunable: model.prunable().map(|(p, _)| p.len()).sum(),
        layers: layers.collect(),
    }
}

fn pipeline(spec: &PipelineSpec, learns: &str) -> PipelineFacts {
    PipelineFacts {
        name: spec.name.clone(),
        uses: spec.uses.clone(),
        summary: spec.summary.clone(),
        source: spec.source.clone(),
        each: spec.fork.as_ref().map(|fork| fork.each.clone()),
        learns: learns.to_string(),
        stages: spec.stages.iter().flat_map(stage).collect(),
    }
}

/// A stage in words: "prune (criterion magnitude, rate 0.2, scope layer)".
fn stage(stage: &StageSpec) -> Vec<String> {
    match stage {
        StageSpec::One(used, _) => vec![words(used)],
        StageSpec::Repeat { times, until, stages, .. } => {
            let inner: Vec<String> = stages.iter().flat_map(self::stage).collect();
            let mut rules = vec![format!("{times} times")];
            rules.extend(until.weights_remaining.map(|bound| format!("until {bound} of the weights remain")));
            rules
                .extend(until.accuracy_drop.map(|drop| format!("until validation accuracy drops by more than {drop}")));
            vec![format!("repeat {}: {}", rules.join(" or "), inner.join("; "))]
        }
        StageSpec::Branch(branches) => {
            let inner: Vec<String> =
                branches.iter().map(|b| b.iter().flat_map(self::stage).collect::<Vec<_>>().join("; ")).collect();
            vec![format!("independently of each other: {}", alternatives(&inner))]
        }
    }
}

/// "keep 0.1 | 0.5 of it" of "keep 0.1 of it" and "keep 0.5 of it": what all have in common is said once.
fn alternatives(all: &[String]) -> String {
    let split: Vec<Vec<&str>> = all.iter().map(|text| words_and_gaps(text)).collect();
    let Some(first) = split.first() else { return String::new() };
    let shortest = split.iter().map(Vec::len).min().unwrap_or(0);
    let before = (0..shortest).take_while(|i| split.iter().all(|words| words[*i] == first[*i])).count();
    let from_end = |words: &[&str], i: usize| words[words.len() - i].to_string();
    let same_end = |i: &usize| split.iter().all(|words| from_end(words, *i) == from_end(first, *i));
    let after = (1..=shortest - before).take_while(same_end).count();
    let middles: Vec<String> = split.iter().map(|words| words[before..words.len() - after].concat()).collect();
    format!("{}{}{}", first[..before].concat(), middles.join(" | "), first[first.len() - after..].concat())
}

/// "keep", " ", "0.1", ", ".
fn words_and_gaps(text: &str) -> Vec<&str> {
    let gap = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')');
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| gap(c) != gap(first)).unwrap_or(rest.len());
        parts.push(&rest[..end]);
        rest = &rest[end..];
    }
    parts
}

/// A plugin with its configuration, in words.
fn words(used: &Use) -> String {
    let entries: Vec<String> = match used.config.as_object() {
        Some(config) => config
            .iter()
            .filter(|(_, v)| !is_empty(v))
            .map(|(k, v)| format!("{} {}", k.replace('_', " "), value(v)))
            .collect(),
        None => Vec::new(),
    };
    match entries.is_empty() {
        true => used.name.clone(),
        false => format!("{} ({})", used.name, entries.join(", ")),
    }
}

fn is_empty(value: &serde_json::Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

fn value(value: &serde_json::Value) -> String {
    match (value, serde_json::from_value::<Use>(value.clone())) {
        (_, Ok(used)) => words(&used),
        (serde_json::Value::String(text), _) => text.clone(),
        (serde_json::Value::Object(table), _) => {
            table.iter().map(|(k, v)| format!("{k} {}", self::value(v))).collect::<Vec<_>>().join(" ")
        }
        (other, _) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_say_what_they_share_once() {
        let told = |all: &[&str]| alternatives(&all.iter().map(|text| text.to_string()).collect::<Vec<_>>());
        assert_eq!(told(&["train (keep 0.1, adam)", "train (keep 0.5, adam)"]), "train (keep 0.1 | 0.5, adam)");
        assert_eq!(told(&["prune; train"]), "prune; train");
        assert_eq!(told(&["a", "b"]), "a | b");
        assert_eq!(told(&[]), "");
    }
}

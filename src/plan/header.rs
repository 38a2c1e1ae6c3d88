//! What a report says of an experiment before any result: taken from the spec and the plan.

use super::Plan;
use super::alternatives::alternatives;
use super::recipe::recipe;
use super::variants::{described, other_datasets, other_models, variants};
use crate::model::Model;
use crate::record::{DatasetFacts, Header, LayerFacts, ModelFacts, PipelineFacts, PredictionFacts};
use crate::registry::Use;
use crate::spec::{DatasetSpec, Form, PipelineSpec, PredictionSpec, Spec, StageSpec, Variant};

/// The report's header; of a sweep, data and model are the first variant's. `command` is how to rerun the experiment.
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
        pipelines: first.pipelines.keys().map(|name| described(spec, name, learns(name))).collect(),
        variants: variants(spec, plan),
        other_datasets: other_datasets(spec),
        other_models: other_models(spec, plan),
        matching: -spec.matching,
        predictions: spec.predictions.iter().map(prediction).collect(),
        about: spec.about.clone(),
        command: command.to_string(),
    }
}

fn prediction(spec: &PredictionSpec) -> PredictionFacts {
    PredictionFacts { claim: spec.claim.clone(), expect: spec.expect.to_string() }
}

pub(super) fn dataset(spec: &DatasetSpec) -> DatasetFacts {
    let files = spec.files.iter().map(|file| (file.name.clone(), file.hash()));
    DatasetFacts {
        name: spec.name.clone(),
        summary: spec.summary.clone(),
        licence: spec.licence.clone(),
        citation: spec.citation.clone(),
        classes: spec.used_classes(),
        train: spec.training_examples(),
        validation: spec.validation,
        test: spec.used_test(),
        normalisation: normalisation(spec),
        recipe: recipe(spec),
        files: files.chain(spec.content.iter().map(|content| (format!("{}/", spec.folder), content.clone()))).collect(),
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

pub(super) fn model(variant: &Variant, model: &Model) -> ModelFacts {
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

pub(super) fn pipeline(spec: &PipelineSpec, learns: &str) -> PipelineFacts {
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
        (serde_json::Value::Array(items), _) => items.iter().map(self::value).collect::<Vec<_>>().join(" and "),
        (other, _) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_of_plugins_is_told_in_words() {
        let crop = json!({ "use": "crop", "config": { "padding": 4 }, "version": 1 });
        let flip = json!({ "use": "flip", "config": { "probability": 0.5 }, "version": 1 });
        let config = json!({ "augment": [crop, flip], "at": ["15ep", "23ep"], "best_of": [1, 10] });
        let used = Use { name: "train".into(), config, version: 1 };
        let said = "train (augment crop (padding 4) and flip (probability 0.5), at 15ep and 23ep, best of 1 and 10)";
        assert_eq!(words(&used), said);
    }
}

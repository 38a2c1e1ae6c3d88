//! What a report says of a sweep's variants: what sets them apart, and what they have otherwise than the first.

use super::alternatives::alternatives;
use super::header::{dataset, model, pipeline};
use super::{Plan, PlannedVariant};
use crate::record::{DatasetFacts, ModelFacts, Other, PipelineFacts, VariantFacts};
use crate::spec::{Spec, Variant};

/// What sets each variant apart; nothing where there is no sweep.
pub fn variants(spec: &Spec, plan: &Plan) -> Vec<VariantFacts> {
    let facts = |(variant, planned): (&Variant, &PlannedVariant)| VariantFacts {
        name: variant.name.clone(),
        settings: variant.settings.iter().map(|set| (set.field.clone(), set.value.clone())).collect(),
        parameters: planned.model.parameters(),
        prunable: planned.model.prunable().map(|(param, _)| param.len()).sum(),
    };
    let swept = spec.variants.iter().zip(&plan.variants).filter(|(variant, _)| !variant.name.is_empty());
    swept.map(facts).collect()
}

pub fn other_datasets(spec: &Spec) -> Vec<Other<DatasetFacts>> {
    others(spec.variants.iter().map(|variant| (variant.name.as_str(), dataset(&variant.dataset))))
}

/// Of layers that the first variant's model has just so, under the same name, nothing is said again.
pub fn other_models(spec: &Spec, plan: &Plan) -> Vec<Other<ModelFacts>> {
    let models = spec.variants.iter().zip(&plan.variants);
    let models = models.map(|(variant, planned)| (variant.name.as_str(), model(variant, &planned.model)));
    let mut others = others(models);
    if let (Some(first), Some(planned)) = (spec.variants.first(), plan.variants.first()) {
        let first = model(first, &planned.model);
        others.iter_mut().for_each(|other| other.facts.layers.retain(|layer| !first.layers.contains(layer)));
    }
    others
}

/// What is not as the first one's, each once, with the variants that have it.
fn others<'a, T: PartialEq>(mut all: impl Iterator<Item = (&'a str, T)>) -> Vec<Other<T>> {
    let Some((_, first)) = all.next() else { return Vec::new() };
    let mut others: Vec<Other<T>> = Vec::new();
    for (name, facts) in all.filter(|(_, facts)| *facts != first) {
        match others.iter_mut().find(|other| other.facts == facts) {
            Some(other) => other.variants.push(name.to_string()),
            None => others.push(Other { variants: vec![name.to_string()], facts }),
        }
    }
    others
}

/// A pipeline in words, with those of every variant where they differ.
pub fn described(spec: &Spec, name: &str, learns: &str) -> PipelineFacts {
    let mut all: Vec<PipelineFacts> = Vec::new();
    for facts in spec.variants.iter().filter_map(|variant| variant.pipelines.get(name)).map(|p| pipeline(p, learns)) {
        if !all.contains(&facts) {
            all.push(facts);
        }
    }
    let one = |of: &dyn Fn(&PipelineFacts) -> String| {
        let mut texts: Vec<String> = Vec::new();
        for text in all.iter().map(of) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        alternatives(&texts)
    };
    let length = |facts: &PipelineFacts| facts.stages.len();
    let stages = match all.first().map(length) {
        Some(stages) if all.iter().all(|facts| length(facts) == stages) => {
            (0..stages).map(|stage| one(&|facts| facts.stages[stage].clone())).collect()
        }
        _ => vec![one(&|facts| facts.stages.join("; "))],
    };
    let each: Vec<Option<String>> = all.iter().map(|facts| facts.each.clone()).collect();
    PipelineFacts {
        name: name.to_string(),
        uses: one(&|facts| facts.uses.clone()),
        summary: one(&|facts| facts.summary.clone()),
        source: one(&|facts| facts.source.clone()),
        each: each.iter().any(Option::is_some).then(|| one(&|facts| facts.each.clone().unwrap_or_default())),
        learns: learns.to_string(),
        stages,
    }
}

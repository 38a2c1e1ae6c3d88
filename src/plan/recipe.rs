//! What an experiment takes of its data otherwise than declared, in words.

use crate::spec::{DatasetSpec, NoiseKind};
use crate::units::percent;

/// Sentences for the report; none where the data are taken as declared.
pub(super) fn recipe(spec: &DatasetSpec) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(subset) = &spec.subset {
        let classes = subset.classes.as_ref().map_or(String::new(), |classes| {
            let names: Vec<String> = classes.iter().map(usize::to_string).collect();
            format!(" of classes {}, numbered anew in this order,", names.join(", "))
        });
        let (train, test) = (spec.used_train(), spec.used_test());
        let drawn = "drawn by class, the same in all replicates";
        said.push(format!(
            "A subset:{classes} {train} examples of the training and {test} of the test split, {drawn}."
        ));
    }
    if let Some(side) = spec.average {
        let [_, height, width] = spec.used_shape();
        said.push(format!("Images are averaged over blocks of {side} × {side} pixels, to {height} × {width}."));
    }
    if let Some(noise) = spec.label_noise.as_ref().filter(|noise| !noise.fraction.is_zero()) {
        let replaced = noise.fraction.of(spec.training_examples());
        let by = match noise.kind {
            NoiseKind::Uniform => format!(
                "by classes drawn uniformly, so that about 1 in {} of these keeps its own by chance",
                spec.used_classes()
            ),
            NoiseKind::Permuted => "by each other's, permuted at random, so that classes keep their counts".into(),
        };
        let share = percent(f64::from(noise.fraction));
        said.push(format!(
            "The labels of {replaced} training examples ({share}) are replaced {by}; the same in all replicates. Training \
             accuracy is on these labels; those of validation and test examples are true."
        ));
    }
    said
}

//! What an experiment takes of a data set otherwise than its files hold it, and the counts that follow.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DatasetSpec;
use crate::units::Rate;

/// Some of a data set's examples, drawn by class with the seed alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subset {
    /// The classes that stay, in the order of their new numbers, from 0; it needs `train` and `test`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub classes: Option<Vec<usize>>,
    /// Examples of the training split that stay, before validation examples are taken from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub train: Option<usize>,
    /// Examples of the test split that stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub test: Option<usize>,
}

/// Labels of training examples that are replaced at random (Zhang et al. 2017, §2.1): never of validation nor test.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelNoise {
    /// The part of the training examples, validation taken off, whose labels are replaced.
    pub fraction: Rate,
    #[serde(default)]
    pub kind: NoiseKind,
}

/// What the labels are replaced by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoiseKind {
    /// Any class, each as likely as the other: by chance 1 in so many as there are keeps its own.
    #[default]
    Uniform,
    /// Each other's labels: classes keep their counts.
    Permuted,
}

/// What is learned is said without reading any data.
impl DatasetSpec {
    pub fn used_classes(&self) -> usize {
        let kept = self.subset.as_ref().and_then(|subset| subset.classes.as_ref());
        kept.map_or(self.classes, Vec::len)
    }

    /// Channels, height and width of images as a network sees them.
    pub fn used_shape(&self) -> [usize; 3] {
        let side = self.average.unwrap_or(1).max(1);
        let [channels, height, width] = self.shape;
        [channels, height / side, width / side]
    }

    /// Examples of the training split that are used, validation examples among them.
    pub fn used_train(&self) -> usize {
        self.subset.as_ref().and_then(|subset| subset.train).unwrap_or(self.train)
    }

    pub fn used_test(&self) -> usize {
        self.subset.as_ref().and_then(|subset| subset.test).unwrap_or(self.test)
    }

    /// Examples that are trained on, validation examples taken off.
    pub fn training_examples(&self) -> usize {
        self.used_train().saturating_sub(self.validation)
    }

    /// A declaration of its own of what this uses.
    pub fn plain(&self) -> DatasetSpec {
        DatasetSpec {
            classes: self.used_classes(),
            shape: self.used_shape(),
            train: self.used_train(),
            test: self.used_test(),
            subset: None,
            average: None,
            label_noise: None,
            ..self.clone()
        }
    }
}

//! Cross-entropy of softmax, on the host: its value, its gradient, and how many examples are right.

use serde::{Deserialize, Serialize};

/// What a batch of logits says about its labels.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Tally {
    pub examples: usize,
    /// Sum over examples of `−log softmax(logits)[label]`, natural logarithm.
    pub loss: f64,
    /// Examples whose largest logit is their label's; the first of equal logits counts.
    pub correct: usize,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.examples += other.examples;
        self.loss += other.loss;
        self.correct += other.correct;
    }

    pub fn mean_loss(&self) -> f64 {
        self.loss / self.examples as f64
    }

    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.examples as f64
    }
}

/// Tallies `[batch, classes]` logits, row-major.
pub fn tally(logits: &[f32], labels: &[u16], classes: usize) -> Tally {
    each_row(logits, labels, classes, |_, _| ())
}

/// Tallies, and gives the gradient of the mean loss with respect to the logits: (softmax − target) ÷ batch.
///
/// A target is 1 for the label and 0 otherwise; smoothed, (1 − smoothing) × that + smoothing ÷ classes, as in PyTorch. The
/// loss is then the cross-entropy with the smoothed target.
pub fn tally_with_gradient(logits: &[f32], labels: &[u16], classes: usize, smoothing: f64) -> (Tally, Vec<f32>) {
    let mut gradient = Vec::with_capacity(logits.len());
    let batch = labels.len() as f64;
    let mut tally = each_row(logits, labels, classes, |softmax, label| {
        let target = |class| f64::from(u8::from(class == label)) * (1.0 - smoothing) + smoothing / classes as f64;
        let entry = |(class, p): (usize, &f64)| ((p - target(class)) / batch) as f32;
        gradient.extend(softmax.iter().enumerate().map(entry));
    });
    if smoothing > 0.0 {
        let mean = |row: &[f32]| row.iter().map(|logit| f64::from(*logit)).sum::<f64>() / classes as f64;
        let above = |(row, label): (&[f32], &u16)| f64::from(row[usize::from(*label)]) - mean(row);
        tally.loss += smoothing * logits.chunks_exact(classes).zip(labels).map(above).sum::<f64>();
    }
    (tally, gradient)
}

/// Exponentials and logarithms come from the `libm` crate: the system's differ in the last bit.
fn each_row(logits: &[f32], labels: &[u16], classes: usize, mut row: impl FnMut(&[f64], usize)) -> Tally {
    let mut tally = Tally { examples: labels.len(), ..Tally::default() };
    let mut softmax = vec![0.0; classes];
    for (logits, label) in logits.chunks_exact(classes).zip(labels) {
        let label = usize::from(*label);
        let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        softmax.iter_mut().zip(logits).for_each(|(p, z)| *p = libm::exp(f64::from(z - max)));
        let sum: f64 = softmax.iter().sum();
        softmax.iter_mut().for_each(|p| *p /= sum);
        tally.loss += libm::log(sum) - f64::from(logits[label] - max);
        let first_max = logits.iter().position(|z| *z == max);
        tally.correct += usize::from(first_max == Some(label));
        row(&softmax, label);
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_logits_lose_the_logarithm_of_the_number_of_classes() {
        let (tally, gradient) = tally_with_gradient(&[2.0, 2.0, 2.0, 2.0], &[3], 4, 0.0);
        assert!((tally.loss - 4f64.ln()).abs() < 1e-12);
        assert_eq!(tally.correct, 0, "the first of equal logits is the answer");
        assert_eq!(gradient, [0.25, 0.25, 0.25, -0.75]);
    }

    #[test]
    fn two_examples_worked_by_hand() {
        // softmax(ln 3, 0) = (3/4, 1/4); labels 0 and 1: losses ln 4/3 and ln 4.
        let z = 3f32.ln();
        let (tally, gradient) = tally_with_gradient(&[z, 0.0, z, 0.0], &[0, 1], 2, 0.0);
        assert!((tally.loss - ((4.0f64 / 3.0).ln() + 4f64.ln())).abs() < 1e-6);
        assert_eq!(tally.correct, 1);
        for (g, by_hand) in gradient.iter().zip([-0.125, 0.125, 0.375, -0.375]) {
            assert!((g - by_hand).abs() < 1e-7, "{gradient:?}");
        }
    }

    #[test]
    fn a_smoothed_label_worked_by_hand() {
        // softmax(ln 3, 0) = (3/4, 1/4), label 1, smoothing 0.2: target (0.1, 0.9), loss 0.1 · ln 4/3 + 0.9 · ln 4.
        let (tally, gradient) = tally_with_gradient(&[3f32.ln(), 0.0], &[1], 2, 0.2);
        assert!((tally.loss - (0.1 * (4.0f64 / 3.0).ln() + 0.9 * 4f64.ln())).abs() < 1e-6, "{}", tally.loss);
        assert_eq!(tally.correct, 0);
        for (g, by_hand) in gradient.iter().zip([0.65, -0.65]) {
            assert!((g - by_hand).abs() < 1e-7, "{gradient:?}");
        }
    }

    #[test]
    fn a_nan_logit_is_a_nan_loss() {
        assert!(tally(&[f32::NAN, 1.0], &[1], 2).loss.is_nan());
    }

    #[test]
    fn huge_logits_do_not_overflow() {
        let tally = tally(&[1e30, -1e30], &[0], 2);
        assert_eq!((tally.loss, tally.correct), (0.0, 1));
    }
}

//! What a forward pass costs, in multiply-adds.

use super::{Model, Node, Param};
use crate::layer::Shape;

impl Model {
    /// Of each prunable tensor, in graph order, how often a forward pass of one example multiplies by each of its
    /// weights: once, or, of a convolution, once at every place of its window, those over padding included.
    pub fn uses(&self) -> Vec<u64> {
        let mut params = self.params.iter();
        let of = |node: &Node| {
            let prunable = params.by_ref().take(node.own_params()).filter(|param: &&Param| param.kind.is_some());
            let places = match node.output() {
                Shape::Image([_, height, width]) => (height * width) as u64,
                Shape::Flat(_) => 1,
            };
            vec![places; prunable.count()]
        };
        self.walk().flat_map(of).collect()
    }

    /// Multiply-adds of a forward pass of one example over this many weights of each prunable tensor. Those of weights
    /// alone: not of biases, normalisation, activations and pools.
    pub fn multiply_adds(&self, kept: impl IntoIterator<Item = usize>) -> u64 {
        self.uses().into_iter().zip(kept).map(|(uses, kept)| uses.saturating_mul(kept as u64)).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Part, Residual};
    use super::*;
    use crate::layer::{Conv, GlobalAveragePool, Layer, Linear};

    fn part(name: &str, layer: impl Layer + 'static) -> Part {
        Part::Layer { name: name.into(), plugin: String::new(), layer: Arc::new(layer) }
    }

    fn conv(config: &str) -> Conv {
        serde_json::from_str(config).unwrap()
    }

    #[test]
    fn multiply_adds_worked_by_hand() {
        // 2 × 4 × 4 → conv to 3 × 2 × 2 (stride 2) → a block of 3 → 3 with a shortcut of kernel 1 → 3 → 10.
        let half = conv(r#"{ "channels": 3, "stride": 2 }"#);
        let body = vec![part("b.a", conv(r#"{ "channels": 3 }"#))];
        let shortcut = vec![part("b.s", conv(r#"{ "channels": 3, "kernel": 1, "bias": false }"#))];
        let parts = vec![
            part("a", half),
            Part::Residual { name: "b".into(), body, shortcut },
            part("pool", GlobalAveragePool {}),
            part("out", Linear { units: 10, width: 1.0, bias: true }),
        ];
        let model = Model::infer(Shape::Image([2, 4, 4]), parts).unwrap_or_else(|e| panic!("{e:?}"));
        assert!(matches!(&model.nodes[1], Node::Residual(Residual { body, .. }) if body.len() == 1));
        assert_eq!(model.uses(), [4, 4, 4, 1]);
        let all: Vec<usize> = model.prunable().map(|(param, _)| param.len()).collect();
        assert_eq!(all, [54, 81, 9, 30]);
        assert_eq!(model.multiply_adds(all), 4 * 54 + 4 * 81 + 4 * 9 + 30);
        assert_eq!(model.multiply_adds([1, 0, 2, 3]), 4 + 8 + 3);
    }
}

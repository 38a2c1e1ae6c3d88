//! Layers over the weights alone that a mask keeps: what a linear or a convolution layer becomes where few are kept.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::{Activation, Layer, ParamSpec, Pass, Shape};
use crate::device;
use crate::kernel::conv::Conv;
use crate::kernel::sparse::conv::SparseConv;
use crate::kernel::sparse::linear::SparseLinear;
use crate::kernel::sparse::ops::{ConvStep, LinearStep};
use crate::mask::Mask;
use crate::refusal::Refusal;

/// A linear layer's kept weights.
pub struct FewLinear {
    layer: Arc<SparseLinear>,
    units: usize,
}

impl FewLinear {
    pub fn new(inputs: usize, units: usize, mask: &Mask) -> FewLinear {
        FewLinear { layer: Arc::new(SparseLinear::new(inputs, units, mask.indices())), units }
    }
}

impl Layer for FewLinear {
    fn infer(&self, _: Shape) -> Result<(Shape, Vec<ParamSpec>), Refusal> {
        Err(Refusal::new("a sparse layer stands for one whose shapes are known"))
    }

    fn fuses_relu(&self) -> bool {
        true
    }

    fn forward(&self, input: Activation, params: &[Tensor<1>], pass: &mut Pass<'_>) -> Activation {
        let (Activation::Flat(x), [values, bias @ ..]) = (input, params) else {
            unreachable!("it stands for a layer that takes features")
        };
        let [batch, _] = x.dims();
        let op = LinearStep::new(self.layer.clone(), batch, self.units, pass.relu);
        let bias = bias.first().cloned().unwrap_or_else(|| device::nothing(&x.device()));
        Activation::Flat(device::apply(op, x, values.clone(), bias))
    }
}

/// A convolution's kept weights.
pub struct FewConv {
    layer: Arc<SparseConv>,
    conv: Conv,
}

impl FewConv {
    /// The batch of `conv` does not matter.
    pub fn new(conv: Conv, mask: &Mask) -> FewConv {
        FewConv { layer: Arc::new(SparseConv::new(conv, mask.indices())), conv }
    }
}

impl Layer for FewConv {
    fn infer(&self, _: Shape) -> Result<(Shape, Vec<ParamSpec>), Refusal> {
        Err(Refusal::new("a sparse layer stands for one whose shapes are known"))
    }

    fn fuses_relu(&self) -> bool {
        true
    }

    fn forward(&self, input: Activation, params: &[Tensor<1>], pass: &mut Pass<'_>) -> Activation {
        let (Activation::Image(x), [values, bias @ ..]) = (input, params) else {
            unreachable!("it stands for a layer that takes images")
        };
        let [batch, ..] = x.dims();
        let op = ConvStep { layer: self.layer.clone(), conv: Conv { batch, ..self.conv }, relu: pass.relu };
        let bias = bias.first().cloned().unwrap_or_else(|| device::nothing(&x.device()));
        Activation::Image(device::apply(op, x, values.clone(), bias))
    }
}

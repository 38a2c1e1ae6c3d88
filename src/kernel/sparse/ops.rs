//! The sparse layers as operations of a training graph.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::conv::SparseConv;
use super::linear::{SparseLinear, Transposed};
use crate::kernel::conv::Conv;
use crate::kernel::{INPUTS, Incoming, Op, Reads};

/// x, values and bias, or nothing for it, to y, with a ReLU where one follows at once.
pub struct LinearStep {
    pub layer: Arc<SparseLinear>,
    pub batch: usize,
    pub units: usize,
    pub relu: bool,
    /// x as the step forward has transposed it, for the step back.
    transposed: Mutex<Option<Transposed>>,
}

impl LinearStep {
    pub fn new(layer: Arc<SparseLinear>, batch: usize, units: usize, relu: bool) -> LinearStep {
        LinearStep { layer, batch, units, relu, transposed: Mutex::new(None) }
    }
}

impl fmt::Debug for LinearStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sparse linear layer of {} weights", self.layer.kept())
    }
}

impl Op for LinearStep {
    fn shape(&self) -> Vec<usize> {
        vec![self.batch, self.units]
    }

    fn reads(&self) -> Reads {
        Reads { x: true, y: self.relu }
    }

    fn forward(&self, [x, values, bias]: [&[f32]; INPUTS], y: &mut [f32]) {
        let mut kept = None;
        let bias = (!bias.is_empty()).then_some(bias);
        self.layer.forward(x, values, bias, self.relu, y, Some(&mut kept));
        *self.transposed.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }

    fn backward(
        &self,
        [x, values, _]: [&[f32]; INPUTS],
        y: &[f32],
        dy: &mut dyn Incoming,
        [dx, dvalues, dbias]: [Option<&mut [f32]>; INPUTS],
    ) {
        let kept = self.transposed.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.layer.backward(x, values, self.relu.then_some(y), dy.read(), dx, dvalues, dbias, kept.as_ref());
    }
}

/// x, values and bias, or nothing for it, to y, with a ReLU where one follows at once.
pub struct ConvStep {
    pub layer: Arc<SparseConv>,
    pub conv: Conv,
    pub relu: bool,
}

impl fmt::Debug for ConvStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sparse {:?} of {} weights", self.conv, self.layer.kept())
    }
}

impl Op for ConvStep {
    fn shape(&self) -> Vec<usize> {
        vec![self.conv.batch, self.conv.outputs, self.conv.output_height(), self.conv.output_width()]
    }

    fn reads(&self) -> Reads {
        Reads { x: true, y: self.relu }
    }

    fn forward(&self, [x, values, bias]: [&[f32]; INPUTS], y: &mut [f32]) {
        self.layer.forward(x, values, (!bias.is_empty()).then_some(bias), self.relu, y);
    }

    fn backward(
        &self,
        [x, values, _]: [&[f32]; INPUTS],
        y: &[f32],
        dy: &mut dyn Incoming,
        [dx, dvalues, dbias]: [Option<&mut [f32]>; INPUTS],
    ) {
        self.layer.backward(x, values, self.relu.then_some(y), dy.read(), dx, dvalues, dbias);
    }
}

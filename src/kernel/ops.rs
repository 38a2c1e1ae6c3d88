//! The kernels as operations of a training graph.

use std::sync::OnceLock;

use super::batch_norm::{BatchNorm, Gradients, Moments, Settings};
use super::conv::{self, Conv};
use super::pool::Pool;
use super::{INPUTS, Incoming, Op, Reads, relu};

/// x, weight and bias, or nothing for it, to y, with a ReLU where one follows at once.
#[derive(Clone, Copy, Debug)]
pub struct Convolve {
    pub conv: Conv,
    pub relu: bool,
}

impl Op for Convolve {
    fn shape(&self) -> Vec<usize> {
        let Conv { batch, outputs, .. } = self.conv;
        vec![batch, outputs, self.conv.output_height(), self.conv.output_width()]
    }

    fn reads(&self) -> Reads {
        Reads { x: true, y: self.relu }
    }

    fn forward(&self, [x, weight, bias]: [&[f32]; INPUTS], y: &mut [f32]) {
        conv::forward(&self.conv, x, weight, (!bias.is_empty()).then_some(bias), self.relu, y);
    }

    fn backward(
        &self,
        [x, weight, _]: [&[f32]; INPUTS],
        y: &[f32],
        dy: &mut dyn Incoming,
        [dx, dweight, dbias]: [Option<&mut [f32]>; INPUTS],
    ) {
        conv::backward(&self.conv, x, weight, self.relu.then_some(y), dy.write(), dx, dweight, dbias);
    }
}

/// What a pool makes of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    Maximum,
    Average,
}

/// x to y, a value for each window.
#[derive(Clone, Copy, Debug)]
pub struct Summarise {
    pub pool: Pool,
    /// Channels of an image: the pool's planes are those of every image in turn.
    pub channels: usize,
    pub summary: Summary,
}

impl Op for Summarise {
    fn shape(&self) -> Vec<usize> {
        let batch = self.pool.planes / self.channels;
        vec![batch, self.channels, self.pool.output_height(), self.pool.output_width()]
    }

    fn reads(&self) -> Reads {
        Reads { x: self.summary == Summary::Maximum, y: false }
    }

    fn forward(&self, [x, ..]: [&[f32]; INPUTS], y: &mut [f32]) {
        match self.summary {
            Summary::Maximum => self.pool.maximum(x, y),
            Summary::Average => self.pool.average(x, y),
        }
    }

    fn backward(
        &self,
        [x, ..]: [&[f32]; INPUTS],
        _: &[f32],
        dy: &mut dyn Incoming,
        [dx, ..]: [Option<&mut [f32]>; INPUTS],
    ) {
        match (dx, self.summary) {
            (Some(dx), Summary::Maximum) => self.pool.maximum_gradient(x, dy.read(), dx),
            (Some(dx), Summary::Average) => self.pool.average_gradient(dy.read(), dx),
            (None, _) => {}
        }
    }
}

/// a and b to a + b, or, where `b` is nothing, a as it is; then a ReLU where one follows at once.
#[derive(Clone, Debug)]
pub struct Add {
    pub shape: Vec<usize>,
    pub relu: bool,
}

impl Op for Add {
    fn shape(&self) -> Vec<usize> {
        self.shape.clone()
    }

    fn reads(&self) -> Reads {
        Reads { x: false, y: self.relu }
    }

    fn forward(&self, [a, b, _]: [&[f32]; INPUTS], y: &mut [f32]) {
        match (b.is_empty(), self.relu) {
            (true, true) => relu::relu(a, y),
            (true, false) => y.copy_from_slice(a),
            (false, relu) => relu::add_relu(a, b, relu, y),
        }
    }

    fn backward(&self, _: [&[f32]; INPUTS], y: &[f32], dy: &mut dyn Incoming, _: [Option<&mut [f32]>; INPUTS]) {
        if self.relu {
            relu::gate(y, dy.write());
        }
    }

    fn passes_on(&self) -> bool {
        true
    }
}

/// x, scale and shift, or nothing for both, to y: by the batch's own moments, which it leaves in `moments`.
#[derive(Debug)]
pub struct Normalise {
    pub norm: BatchNorm,
    /// As x.
    pub shape: Vec<usize>,
    pub epsilon: f64,
    pub relu: bool,
    /// Mean and biased variance of each channel, once `forward` has run, or those to normalise by from the start: then
    /// there is no way back.
    pub moments: OnceLock<[Vec<f32>; 2]>,
}

impl Normalise {
    fn settings<'a>(&self, scale: &'a [f32], shift: &'a [f32]) -> Settings<'a> {
        let given = |values: &'a [f32]| (!values.is_empty()).then_some(values);
        Settings { gamma: given(scale), beta: given(shift), epsilon: self.epsilon, relu: self.relu }
    }
}

impl Op for Normalise {
    fn shape(&self) -> Vec<usize> {
        self.shape.clone()
    }

    fn reads(&self) -> Reads {
        Reads { x: true, y: false }
    }

    fn forward(&self, [x, scale, shift]: [&[f32]; INPUTS], y: &mut [f32]) {
        let settings = self.settings(scale, shift);
        match self.moments.get() {
            Some([mean, variance]) => self.norm.evaluate(x, settings, Moments { mean, variance }, y),
            None => {
                let mut moments = [vec![0.0; self.norm.channels], vec![0.0; self.norm.channels]];
                let [mean, variance] = &mut moments;
                self.norm.forward(x, settings, y, mean, variance);
                let _ = self.moments.set(moments);
            }
        }
    }

    fn backward(
        &self,
        [x, scale, shift]: [&[f32]; INPUTS],
        _: &[f32],
        dy: &mut dyn Incoming,
        [dx, dscale, dshift]: [Option<&mut [f32]>; INPUTS],
    ) {
        let [mean, variance] = self.moments.get().expect("a step forward before the step back");
        // The kernel computes all three in one sweep; what nobody asked for goes nowhere.
        let (mut scrap, mut scraps) = (Vec::new(), [vec![0.0; self.norm.channels], vec![0.0; self.norm.channels]]);
        let [gamma, beta] = &mut scraps;
        let gradients = Gradients {
            x: dx.unwrap_or_else(|| {
                scrap = vec![0.0; x.len()];
                &mut scrap
            }),
            gamma: dscale.unwrap_or(gamma),
            beta: dshift.unwrap_or(beta),
        };
        self.norm.backward(x, self.settings(scale, shift), Moments { mean, variance }, dy.read(), gradients);
    }
}

//! Gradients that are computed after the way back, from what it left.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use burn::backend::tensor::FloatTensor;

use super::Host;
use crate::kernel::gradient::Gradient;
use crate::kernel::{Later, Op};

/// A kernel at work in a graph.
#[derive(Clone)]
pub struct Job {
    pub op: Arc<dyn Op>,
    /// Who is to have the second input's gradient, and how it is computed.
    pub late: Option<(Arc<dyn Later>, Late)>,
}

/// The gradient with respect to a kernel's second input: there when the way back has come through the kernel.
#[derive(Clone, Default)]
pub struct Late(Arc<OnceLock<Box<dyn Gradient + Send>>>);

impl Late {
    /// The gradient, a piece at a time.
    pub fn get(&self) -> Option<&dyn Gradient> {
        self.0.get().map(|gradient| &**gradient as &dyn Gradient)
    }

    pub(super) fn put(&self, gradient: impl Gradient + Send + 'static) {
        // A graph goes back once.
        let _ = self.0.set(Box::new(gradient));
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.op.fmt(f)
    }
}

/// What a gradient follows from. The second input is not here: its values may change meanwhile.
pub struct Following<B: Host> {
    op: Arc<dyn Later>,
    from: Option<(FloatTensor<B>, FloatTensor<B>)>,
}

impl<B: Host> Following<B> {
    /// The first input, and what the way back has left of the output's gradient.
    pub fn new(op: Arc<dyn Later>, x: FloatTensor<B>, dy: FloatTensor<B>) -> Self {
        Following { op, from: Some((x, dy)) }
    }
}

impl<B: Host> Gradient for Following<B> {
    fn piece(&self) -> usize {
        self.op.piece()
    }

    fn of<'a>(&'a self, piece: Range<usize>, _: &[f32], room: &'a mut [f32]) -> &'a [f32] {
        if let Some((x, dy)) = &self.from {
            self.op.piece_of_gradient(B::read(x), B::read(dy), piece.start, room);
        }
        room
    }
}

impl<B: Host> Drop for Following<B> {
    fn drop(&mut self) {
        if let Some((x, dy)) = self.from.take() {
            B::spent(x);
            B::spent(dy);
        }
    }
}

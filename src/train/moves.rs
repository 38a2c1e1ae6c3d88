//! How a training moves: its learner and its optimizer, in the host's memory or where tensors rest elsewhere.

use std::borrow::Borrow;

use burn::tensor::{Device, Tensor, TensorData};
use indexmap::IndexMap;

use super::Bench;
use super::checkpoint::Lazy;
use crate::device::{self, Late};
use crate::kernel::gradient::{Gradient, Whole};
use crate::learn::{Ground, Learner};
use crate::mask::Mask;
use crate::optimizer::Stepper;
use crate::stage::Training;
use crate::ticket::Ticket;
use crate::values::{Array, Place, Restored, Standing, Values};

/// A gradient that a training pass has found.
pub(super) enum Found {
    /// Of the graph.
    Whole(Box<Tensor<1>>),
    /// That follows from what the graph left, where kernels work.
    Late(Late),
}

/// What a checkpoint keeps of a learner or an optimizer, its arrays yet to be fetched or read already.
pub(super) struct Held<A> {
    pub arrays: Vec<A>,
    pub counts: Vec<u64>,
}

/// Learner and optimizer of one training. Tensors are numbered as in the model, and no graph follows them.
pub(super) trait Moves {
    /// Whether a tensor moves and so needs a gradient, tensor by tensor.
    fn moves(&self) -> Vec<bool>;

    /// A tensor's values after a step. Where nobody else holds them, they are changed where they are.
    fn step(&mut self, tensor: usize, values: Tensor<1>, gradient: Found, rate: f64) -> Tensor<1>;

    /// `Learner::turn`, after the steps of the iteration that was the last of so many.
    fn turn(&mut self, iteration: u64, values: &mut [Tensor<1>]) -> Result<(), String>;

    /// `Learner::settled`.
    fn settled(&self, iteration: u64) -> bool;

    /// `Learner::beneath`, on the host.
    fn beneath(&self, tensor: usize) -> Result<Option<Vec<f32>>, String>;

    /// `Learner::masks`.
    fn masks(&self) -> Result<IndexMap<String, Mask>, String>;

    /// `Learner::violations`.
    fn violations(&self, tensor: usize, values: &Tensor<1>) -> Result<usize, String>;

    /// Learner and optimizer as a checkpoint keeps them; `None` where one of them cannot be taken up again.
    fn standing(&self) -> Option<[Held<Lazy<'_>>; 2]>;

    /// Goes on from what `standing` and `masks` gave once. An error leaves neither as it was.
    fn resume(
        &mut self,
        learner: Held<Vec<f32>>,
        optimizer: Held<Vec<f32>>,
        masks: &IndexMap<String, Mask>,
    ) -> Result<(), String>;
}

/// Begins a training from a ticket, whose arrays become what the graph computes with.
pub(super) fn moves(
    bench: &Bench<'_>,
    training: &Training,
    ticket: &mut Ticket,
    ground: &Ground<'_>,
) -> Result<Box<dyn Moves>, String> {
    let (learn, optimizer) = (&training.learn, &training.optimizer);
    if bench.compute.hosted {
        let learner = learn.start(ticket, ground)?;
        let stepper = optimizer.start(&learner.lengths());
        return Ok(Box::new(Moving { learner, stepper, place: () }));
    }
    let place = Place(bench.compute.plain.clone());
    let learner = learn.start_elsewhere(ticket, ground, &place)?;
    let stepper = optimizer.start_elsewhere(&learner.lengths(), &place)?;
    Ok(Box::new(Moving { learner, stepper, place }))
}

struct Moving<V: Values + ?Sized> {
    learner: Box<dyn Learner<V>>,
    stepper: Box<dyn Stepper<V>>,
    place: V::Place,
}

impl<V: Seen + ?Sized> Moves for Moving<V> {
    fn moves(&self) -> Vec<bool> {
        self.learner.lengths().iter().map(|length| *length > 0).collect()
    }

    fn step(&mut self, tensor: usize, values: Tensor<1>, gradient: Found, rate: f64) -> Tensor<1> {
        V::change(values, gradient, &mut |values, gradient| {
            self.learner.step(tensor, values, gradient, &mut *self.stepper, rate);
        })
    }

    fn turn(&mut self, iteration: u64, values: &mut [Tensor<1>]) -> Result<(), String> {
        let changed = self.learner.turn(iteration, &|tensor| V::seen(&values[tensor]))?;
        for (tensor, now) in changed {
            values[tensor] = V::tensor(now, &values[tensor].device());
        }
        Ok(())
    }

    fn settled(&self, iteration: u64) -> bool {
        self.learner.settled(iteration)
    }

    fn beneath(&self, tensor: usize) -> Result<Option<Vec<f32>>, String> {
        self.learner.beneath(tensor).map(V::to_host).transpose()
    }

    fn masks(&self) -> Result<IndexMap<String, Mask>, String> {
        self.learner.masks()
    }

    fn violations(&self, tensor: usize, values: &Tensor<1>) -> Result<usize, String> {
        self.learner.violations(tensor, V::seen(values)?.borrow())
    }

    fn standing(&self) -> Option<[Held<Lazy<'_>>; 2]> {
        Some([held(self.learner.standing()?), held(self.stepper.standing()?)])
    }

    fn resume(
        &mut self,
        learner: Held<Vec<f32>>,
        optimizer: Held<Vec<f32>>,
        masks: &IndexMap<String, Mask>,
    ) -> Result<(), String> {
        let learner = restored(self.learner.standing(), learner, &self.place)?;
        let optimizer = restored(self.stepper.standing(), optimizer, &self.place)?;
        self.learner.resume(learner, masks)?;
        self.stepper.resume(optimizer)
    }
}

fn held<V: Values + ?Sized>(standing: Standing<'_, V>) -> Held<Lazy<'_>> {
    let lazy = |array| Lazy { len: V::count(array), fetch: Box::new(|| array.to_host()) };
    Held { arrays: standing.arrays.into_iter().map(lazy).collect(), counts: standing.counts }
}

/// What was read, where values rest, if it is as much as there is now.
fn restored<V: Values + ?Sized>(
    now: Option<Standing<'_, V>>,
    held: Held<Vec<f32>>,
    place: &V::Place,
) -> Result<Restored<V>, String> {
    let now = now.ok_or("learner or optimizer cannot go on from a checkpoint")?;
    let lengths = now.arrays.iter().map(|array| array.count());
    if !lengths.eq(held.arrays.iter().map(Vec::len)) || now.counts.len() != held.counts.len() {
        return Err("learner or optimizer has another state".into());
    }
    Ok(Restored { arrays: held.arrays.into_iter().map(|values| V::at(values, place)).collect(), counts: held.counts })
}

/// How a learner sees tensors.
trait Seen: Values {
    fn seen(values: &Tensor<1>) -> Result<Self::Owned, String>;

    fn tensor(values: Self::Owned, device: &Device) -> Tensor<1>;

    fn change(values: Tensor<1>, gradient: Found, how: &mut dyn FnMut(&mut Self, Self::Gradient<'_>)) -> Tensor<1>;
}

impl Seen for [f32] {
    fn seen(values: &Tensor<1>) -> Result<Vec<f32>, String> {
        device::fetched(values.clone())
    }

    fn tensor(values: Vec<f32>, device: &Device) -> Tensor<1> {
        let len = values.len();
        Tensor::from_data(TensorData::new(values, [len]), device)
    }

    fn change(values: Tensor<1>, gradient: Found, how: &mut dyn FnMut(&mut [f32], &dyn Gradient)) -> Tensor<1> {
        match gradient {
            Found::Whole(whole) => device::change(values, *whole, &mut |values, whole| how(values, &Whole(whole))),
            Found::Late(late) => {
                let nothing = device::nothing(&values.device());
                let gradient = late.get().expect("the way back has been gone");
                device::change(values, nothing, &mut |values, _| how(values, gradient))
            }
        }
    }
}

impl Seen for Array {
    fn seen(values: &Tensor<1>) -> Result<Array, String> {
        Ok(Array(values.clone()))
    }

    fn tensor(values: Array, _: &Device) -> Tensor<1> {
        values.0
    }

    fn change(values: Tensor<1>, gradient: Found, how: &mut dyn FnMut(&mut Array, &Array)) -> Tensor<1> {
        let Found::Whole(gradient) = gradient else { unreachable!("kernels work in the host's memory alone") };
        let mut values = Array(values);
        how(&mut values, &Array(*gradient));
        values.0
    }
}

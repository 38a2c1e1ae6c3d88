//! Each layer by our kernels against burn's own operations: values, gradients and running statistics.

use burn::tensor::{Device, Tensor, TensorData, activation};
use proptest::prelude::*;
use serde_json::{Value, json};
use tombola::device::{self, Compute};
use tombola::kernel::gradient::collect;
use tombola::layer::{Activation, Layer, Pass, Shape};
use tombola::mask::Mask;
use tombola::registry::{Registry, Use};
use tombola::seed::{Purpose, Seeds, Stream};

/// The devices that kernels work on, of those that are built in.
fn devices() -> impl Iterator<Item = (&'static str, Compute)> {
    let names = ["cpu", "libtorch"].into_iter();
    names.filter_map(|name| Some((name, device::open(name).ok()?))).filter(|(_, compute)| device::hosts(&compute.plain))
}

fn stream(name: &str) -> Stream {
    Seeds { seed: 1, replicate: Some(0) }.stream(Purpose::Noise, name)
}

fn normal(name: &str, len: usize) -> Vec<f32> {
    let mut stream = stream(name);
    (0..len).map(|_| stream.normal() as f32).collect()
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

fn leaf(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let len = values.len();
    Tensor::from_data(TensorData::new(values, [len]), device).require_grad()
}

/// Output, gradients of input and parameters for a random slope, and the buffers that a training pass leaves.
#[derive(Debug)]
struct Found(Vec<Vec<f32>>);

/// A pass to be made.
#[derive(Clone, Copy)]
struct Asked<'a> {
    device: &'a Device,
    shape: Shape,
    batch: usize,
    relu: bool,
    training: bool,
    /// Whether inputs and slopes are their magnitudes, as parameters always are: then every sum is of magnitudes.
    magnitudes: bool,
}

fn pass(layer: &dyn Layer, asked: Asked<'_>, kernels: bool) -> Found {
    let Asked { device, shape, batch, relu, training, magnitudes } = asked;
    let (_, specs) = layer.infer(shape).unwrap();
    let drawn = |name: &str, len: usize| -> Vec<f32> {
        normal(name, len).into_iter().map(|v| if magnitudes { v.abs() } else { v }).collect()
    };
    let x = leaf(drawn("x", batch * shape.len()), device);
    // Variances are above 0, and scales not far from 1.
    let draw = |spec: &tombola::layer::ParamSpec| {
        let start = spec.role.start().unwrap_or(0.0);
        normal(spec.name, spec.shape.iter().product()).into_iter().map(|v| start + 0.2 * v.abs()).collect()
    };
    let params: Vec<Tensor<1>> = specs.iter().map(|spec| leaf(draw(spec), device)).collect();
    let input = match shape {
        Shape::Flat(n) => Activation::Flat(x.clone().reshape([batch, n])),
        Shape::Image([c, h, w]) => Activation::Image(x.clone().reshape([batch, c, h, w])),
    };
    let noise = || stream("dropout");
    let noise = training.then_some(&noise as &dyn Fn() -> Stream);
    let fused = kernels && relu && layer.fuses_relu();
    let mut pass = Pass { noise, kernels, relu: fused, ..Pass::default() };
    let output = match layer.forward(input, &params, &mut pass) {
        Activation::Flat(y) => y.flatten::<1>(0, 1),
        Activation::Image(y) => y.flatten::<1>(0, 3),
    };
    let output = if relu && !fused { activation::relu(output) } else { output };
    let slope = drawn("slope", output.dims()[0]);
    let slope = Tensor::<1>::from_data(TensorData::new(slope, output.dims()), device);
    let mut found = vec![host(output.clone().inner())];
    found.extend(pass.buffers.into_iter().map(|(_, buffer)| host(buffer)));
    if training {
        let mut gradients = (output * slope).sum().backward();
        found.extend(x.grad_remove(&mut gradients).map(host));
        for (i, param) in params.iter().enumerate() {
            let late = pass.late.iter().find(|(param, _)| *param == i);
            let late = late.map(|(_, late)| collect(late.get().unwrap(), &host(param.clone().inner())));
            found.push(late.or(param.grad_remove(&mut gradients).map(host)).unwrap_or_default());
        }
    }
    Found(found)
}

fn built(name: &str, config: Value) -> std::sync::Arc<dyn Layer> {
    Registry::builtin().layers.build(&Use { name: name.into(), config, version: 1 }).unwrap()
}

/// Where parameters' gradients begin, after the output, two buffers and the input's gradient.
const PARAMETERS: usize = 4;

/// Every number of one is near that of the other, for the size of the numbers beside it; where `summed` is given, what is
/// summed for parameters by its magnitudes, too.
fn assert_agree(ours: &Found, burns: &Found, summed: f32, what: &str) {
    assert_eq!(ours.0.len(), burns.0.len(), "{what}");
    for (array, (a, b)) in ours.0.iter().zip(&burns.0).enumerate() {
        assert_eq!(a.len(), b.len(), "{what}, array {array}");
        let size = b.iter().fold(1e-3f32, |size, x| size.max(x.abs()));
        let of_sums = if array >= PARAMETERS { 2e-6 * summed } else { 0.0 };
        for (place, (a, b)) in a.iter().zip(b).enumerate() {
            let near = (2e-5 * size).max(of_sums);
            assert!((a - b).abs() <= near, "{what}, array {array} at {place}: {a}, burn says {b}");
        }
    }
}

/// Every number of one is near that of the other, for what was summed to it: a sum that cancels keeps the last bits of
/// its terms.
fn assert_sums_agree(ours: &Found, burns: &Found, magnitudes: &Found, what: &str) {
    for (array, ((a, b), m)) in ours.0.iter().zip(&burns.0).zip(&magnitudes.0).enumerate() {
        assert!(a.len() == b.len() && a.len() == m.len(), "{what}, array {array}");
        for (place, ((a, b), m)) in a.iter().zip(b).zip(m).enumerate() {
            assert!((a - b).abs() <= 2e-6 * m, "{what}, array {array} at {place}: {a}, burn says {b}, of {m}");
        }
    }
}

fn agree(name: &str, config: Value, shape: Shape, batch: usize, relu: bool) {
    let layer = built(name, config.clone());
    for ((place, compute), training) in devices().flat_map(|found| [(found.clone(), true), (found, false)]) {
        let asked = Asked { device: &compute.tracked, shape, batch, relu, training, magnitudes: false };
        let [ours, burns] = [true, false].map(|kernels| pass(&*layer, asked, kernels));
        let what = format!("{name} {config} on {batch} × {shape}, relu {relu}, training {training}, {place}");
        assert_eq!(ours.0.len(), burns.0.len(), "{what}");
        match name {
            "linear" | "conv" => {
                let magnitudes = pass(&*layer, Asked { magnitudes: true, ..asked }, false);
                assert_sums_agree(&ours, &burns, &magnitudes, &what);
            }
            // What a channel's scale and shift are differentiated from: slopes, times what is of size 1.
            "batch-norm" if config["affine"] == json!(true) => {
                let channels = match shape {
                    Shape::Image([channels, ..]) | Shape::Flat(channels) => channels,
                };
                let slopes: f32 = normal("slope", batch * shape.len()).into_iter().map(f32::abs).sum();
                assert_agree(&ours, &burns, slopes / channels as f32, &what);
            }
            _ => assert_agree(&ours, &burns, 0.0, &what),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_convolution_is_burns(
        batch in 1usize..9, inputs in 1usize..20, channels in 1usize..40, height in 3usize..18, width in 3usize..18,
        kernel in 1usize..6, stride in 1usize..4, padding in 0usize..3, bias in any::<bool>(), relu in any::<bool>(),
    ) {
        prop_assume!(padding < kernel && kernel <= height.min(width) + 2 * padding);
        let config = json!({
            "channels": channels, "kernel": kernel, "stride": stride, "padding": padding, "bias": bias
        });
        agree("conv", config, Shape::Image([inputs, height, width]), batch, relu);
    }

    #[test]
    fn a_linear_layer_is_burns(
        batch in 1usize..70, inputs in 1usize..80, units in 1usize..80, bias in any::<bool>(), relu in any::<bool>(),
    ) {
        agree("linear", json!({ "units": units, "bias": bias }), Shape::Flat(inputs), batch, relu);
    }

    #[test]
    fn a_pool_is_burns(
        batch in 1usize..5, channels in 1usize..5, height in 4usize..12, width in 4usize..12, window in 1usize..4,
        stride in 1usize..4, name in prop_oneof![Just("max-pool"), Just("average-pool")], relu in any::<bool>(),
    ) {
        let config = json!({ "window": window, "stride": stride });
        agree(name, config, Shape::Image([channels, height, width]), batch, relu);
    }

    #[test]
    fn batch_normalisation_is_burns(
        batch in 2usize..9, channels in 1usize..9, side in 1usize..9, affine in any::<bool>(), relu in any::<bool>(),
        image in any::<bool>(),
    ) {
        let shape = if image { Shape::Image([channels, side, side + 1]) } else { Shape::Flat(channels) };
        agree("batch-norm", json!({ "affine": affine }), shape, batch.max(4), relu);
    }
}

#[test]
fn the_remaining_layers_are_burns() {
    agree("global-average-pool", json!({}), Shape::Image([5, 8, 8]), 3, false);
    agree("global-average-pool", json!({}), Shape::Image([5, 4, 8]), 3, false);
    agree("relu", json!({}), Shape::Image([2, 3, 3]), 3, false);
    agree("relu", json!({}), Shape::Flat(30), 3, false);
    agree("flatten", json!({}), Shape::Image([2, 3, 3]), 3, false);
    // Of so many weights that their gradient comes in several pieces.
    agree("linear", json!({ "units": 100 }), Shape::Flat(784), 7, true);
    agree(
        "conv",
        json!({ "channels": 3, "kernel": 11, "stride": 4, "padding": 2 }),
        Shape::Image([2, 30, 30]),
        2,
        true,
    );
}

#[test]
fn a_nan_is_not_swallowed_by_a_relu_or_a_pool() {
    let layers = ["relu", "max-pool", "average-pool"];
    for ((place, compute), name) in devices().flat_map(|found| layers.map(|name| (found.clone(), name))) {
        let mut values = vec![1.0; 16];
        values[5] = f32::NAN;
        let x = Tensor::<4>::from_data(TensorData::new(values, [1, 1, 4, 4]), &compute.plain);
        let mut pass = Pass { kernels: true, ..Pass::default() };
        let Activation::Image(y) = built(name, json!({})).forward(Activation::Image(x), &[], &mut pass) else {
            panic!()
        };
        assert!(host(y).iter().any(|y| y.is_nan()), "{name}, {place}");
    }
}

fn agrees_when_sparse(name: &str, config: Value, shape: Shape, batch: usize, kept: f64, relu: bool) {
    devices().for_each(|found| agrees_on(found, name, config.clone(), (shape, batch), kept, relu));
}

/// A layer over kept weights alone against the dense layer whose other weights are 0: values, and the gradients of
/// input, kept weights and bias.
fn agrees_on(
    (place, compute): (&str, Compute),
    name: &str,
    config: Value,
    (shape, batch): (Shape, usize),
    kept: f64,
    relu: bool,
) {
    let dense = built(name, config.clone());
    let (_, specs) = dense.infer(shape).unwrap();
    let len = specs[0].shape.iter().product();
    let mut draw = stream("mask");
    let bits: Vec<bool> = (0..len).map(|_| draw.uniform() < kept).collect();
    let mask = Mask::from_fn(len, |i| bits[i]);
    let Some(sparse) = dense.sparse(shape, &mask) else { return assert!(mask.density() > 0.3, "{}", mask.density()) };
    let mut whole = normal("weight", len);
    mask.apply(&mut whole);
    let values: Vec<f32> = mask.indices().map(|i| whole[i]).collect();
    let device = compute.tracked;
    let found = [(&dense, whole), (&sparse, values)].map(|(layer, weight)| {
        let x = leaf(normal("x", batch * shape.len()), &device);
        let input = match shape {
            Shape::Flat(n) => Activation::Flat(x.clone().reshape([batch, n])),
            Shape::Image([c, h, w]) => Activation::Image(x.clone().reshape([batch, c, h, w])),
        };
        let bias = specs.get(1).map(|spec| leaf(normal("bias", spec.shape[0]), &device));
        let params: Vec<Tensor<1>> = std::iter::once(leaf(weight, &device)).chain(bias).collect();
        let mut pass = Pass { kernels: true, relu, ..Pass::default() };
        let output = match layer.forward(input, &params, &mut pass) {
            Activation::Flat(y) => y.flatten::<1>(0, 1),
            Activation::Image(y) => y.flatten::<1>(0, 3),
        };
        let slope = Tensor::<1>::from_data(TensorData::new(normal("slope", output.dims()[0]), output.dims()), &device);
        let mut gradients = (output.clone() * slope).sum().backward();
        let mut found = vec![host(output.inner())];
        found.extend(std::iter::once(&x).chain(&params).map(|leaf| host(leaf.grad_remove(&mut gradients).unwrap())));
        Found(found)
    });
    let [mut dense, sparse] = found;
    dense.0[2] = mask.indices().map(|i| dense.0[2][i]).collect();
    let what = format!("sparse {name} {config} on {batch} × {shape}, {kept} kept, relu {relu}, {place}");
    assert_agree(&sparse, &dense, 0.0, &what);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_sparse_linear_layer_is_the_dense_one_masked(
        batch in 1usize..70, inputs in 1usize..80, units in 1usize..80, bias in any::<bool>(), relu in any::<bool>(),
        kept in 0.0..0.3f64,
    ) {
        agrees_when_sparse("linear", json!({ "units": units, "bias": bias }), Shape::Flat(inputs), batch, kept, relu);
    }

    #[test]
    fn a_sparse_convolution_is_the_dense_one_masked(
        batch in 1usize..9, inputs in 1usize..12, channels in 1usize..20, side in 3usize..18, kernel in 1usize..6,
        stride in 1usize..4, padding in 0usize..3, bias in any::<bool>(), relu in any::<bool>(), kept in 0.0..0.3f64,
    ) {
        prop_assume!(padding < kernel && kernel <= side + 2 * padding);
        let config = json!({
            "channels": channels, "kernel": kernel, "stride": stride, "padding": padding, "bias": bias
        });
        agrees_when_sparse("conv", config, Shape::Image([inputs, side, side]), batch, kept, relu);
    }
}

#[test]
fn sparse_convolutions_of_the_papers_shapes_are_the_dense_ones_masked() {
    for side in [4, 8, 16, 32] {
        agrees_when_sparse("conv", json!({ "channels": 16 }), Shape::Image([8, side, side]), 5, 0.1, true);
    }
}

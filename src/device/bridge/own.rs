//! Operations where kernels are not: a library's own where it has them, and burn's composition elsewhere.

use burn::tensor::Tensor;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

/// How a convolution's window moves.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub stride: usize,
    pub padding: usize,
}

/// Convolves `[batch, inputs, height, width]` with a weight of `[channels, inputs, kernel, kernel]`.
pub fn convolve(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, window: Window) -> Tensor<4> {
    #[cfg(feature = "libtorch")]
    if super::libtorch::holds(&x.device()) {
        let bias = bias.unwrap_or_else(|| super::nothing(&x.device()));
        return super::libtorch::convolve(x, weight, bias, window);
    }
    burns(x, weight, bias, window)
}

fn burns(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, Window { stride, padding }: Window) -> Tensor<4> {
    conv2d(x, weight, bias, ConvOptions::new([stride; 2], [padding; 2], [1; 2], 1))
}

/// The k-th smallest of values that no graph follows, counted from 1, where a library finds it by itself.
pub fn kth_smallest(values: &Tensor<1>, k: usize) -> Option<Tensor<1>> {
    #[cfg(feature = "libtorch")]
    if super::libtorch::holds(&values.device()) {
        return super::libtorch::kth_smallest(values.clone(), k);
    }
    let _ = (values, k);
    None
}

#[cfg(all(test, feature = "libtorch"))]
mod tests {
    use burn::tensor::{Distribution, Tensor};

    use super::*;
    use crate::device::open;

    /// Values and the gradients of input, weight and bias for a slope.
    fn found(
        convolve: fn(Tensor<4>, Tensor<4>, Option<Tensor<1>>, Window) -> Tensor<4>,
        [x, weight]: [&Tensor<4>; 2],
        bias: Option<&Tensor<1>>,
        window: Window,
    ) -> Vec<Vec<f32>> {
        let leaf = |t: &Tensor<4>| t.clone().autodiff().require_grad();
        let (x, weight, bias) = (leaf(x), leaf(weight), bias.map(|bias| bias.clone().autodiff().require_grad()));
        let y = convolve(x.clone(), weight.clone(), bias.clone(), window);
        let values: Vec<f32> = y.clone().inner().into_data().try_into_vec().unwrap();
        // A gradient that differs from place to place.
        let mut gradients = (y.clone().sin() * y).sum().backward();
        let mut all = vec![values];
        all.extend(
            [x, weight].map(|leaf| leaf.grad_remove(&mut gradients).unwrap().into_data().try_into_vec().unwrap()),
        );
        all.extend(bias.map(|leaf| leaf.grad_remove(&mut gradients).unwrap().into_data().try_into_vec().unwrap()));
        all
    }

    #[test]
    fn libtorchs_own_convolution_has_burns_values_and_gradients() {
        let device = open("libtorch").unwrap().plain;
        for (kernel, stride, padding, with_bias) in
            [(3, 1, 1, true), (3, 2, 1, false), (1, 2, 0, true), (5, 3, 2, true)]
        {
            let draw = |dims: [usize; 4]| Tensor::<4>::random(dims, Distribution::Uniform(-1.0, 1.0), &device);
            let (x, weight) = (draw([3, 4, 9, 8]), draw([5, 4, kernel, kernel]));
            let bias = with_bias.then(|| draw([5, 1, 1, 1]).reshape([5]));
            let window = Window { stride, padding };
            let [own, burns] = [convolve, burns].map(|convolve| found(convolve, [&x, &weight], bias.as_ref(), window));
            assert_eq!(own.len(), burns.len());
            for (own, burns) in own.iter().zip(&burns) {
                assert_eq!(own.len(), burns.len());
                let size = burns.iter().fold(1f32, |size, b| size.max(b.abs()));
                assert!(own.iter().zip(burns).all(|(a, b)| (a - b).abs() < 1e-5 * size), "{kernel} {stride} {padding}");
            }
        }
    }

    #[test]
    fn what_needs_no_gradient_gets_none_and_nothing_is_written_over() {
        let device = open("libtorch").unwrap().tracked;
        let window = Window { stride: 1, padding: 0 };
        let x = Tensor::<4>::ones([1, 1, 2, 2], &device);
        let weight = Tensor::<4>::ones([1, 1, 1, 1], &device).require_grad();
        let y = convolve(x.clone(), weight.clone(), None, window);
        // burn changes values in place that nobody else holds: the graph does.
        let changed = x.clone().mul_scalar(10.0).add(y.mul_scalar(3.0));
        let mut gradients = changed.sum().backward();
        let gradient: Vec<f32> = weight.grad_remove(&mut gradients).unwrap().into_data().try_into_vec().unwrap();
        assert_eq!(gradient, [12.0]);
        assert!(x.grad(&gradients).is_none());
    }

    #[test]
    fn where_nothing_needs_a_gradient_there_are_the_values_alone() {
        for device in [open("libtorch").unwrap().plain, open("libtorch").unwrap().tracked] {
            let (x, weight) = (Tensor::<4>::ones([2, 1, 2, 2], &device), Tensor::<4>::ones([1, 1, 2, 2], &device));
            let y = convolve(x, weight, None, Window { stride: 1, padding: 0 });
            let values: Vec<f32> = y.into_data().try_into_vec().unwrap();
            assert_eq!(values, [4.0, 4.0]);
        }
    }
}

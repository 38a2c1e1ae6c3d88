//! burn's own backend in Rust, on the CPU.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{Device, Shape, TensorData};

use super::Host;
use crate::device::pool;

pub fn cpu() -> Device {
    Device::flex()
}

impl Host for Flex {
    fn contiguous(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
    }

    fn read(tensor: &FloatTensor<Self>) -> &[f32] {
        tensor.as_slice().expect("kernels are given contiguous f32")
    }

    fn write(tensor: &mut FloatTensor<Self>) -> &mut [f32] {
        let (start, end) = tensor.layout().contiguous_offsets().expect("kernels are given contiguous f32");
        &mut tensor.storage_mut()[start..end]
    }

    fn fresh(shape: &[usize], _: &FloatTensor<Self>) -> FloatTensor<Self> {
        let values = pool::take(shape.iter().product());
        FloatTensor::<Self>::from_data(TensorData::new(values, Shape::from(shape.to_vec())))
    }

    fn spent(tensor: FloatTensor<Self>) {
        if tensor.can_mut()
            && let Ok(values) = tensor.into_data().try_into_vec()
        {
            pool::give(values);
        }
    }
}

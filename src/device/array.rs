//! Flat arrays on a device, for those who compute with whole arrays and know nothing of tensors.

use std::ops::{Add, Div, Mul, Sub};

use burn::tensor::{Bool, Device, Tensor, TensorData};

use super::{bridge, select};

/// Where arrays rest.
#[derive(Clone, Debug)]
pub struct Place(pub Device);

/// A flat array of f32, which no graph follows. A copy shares the values until one of both is changed.
#[derive(Clone, Debug)]
pub struct Array(pub Tensor<1>);

/// Which values of an array are 0.
#[derive(Clone, Debug)]
pub struct Masked(Tensor<1, Bool>);

impl Array {
    pub fn at(values: Vec<f32>, place: &Place) -> Array {
        let len = values.len();
        Array(Tensor::from_data(TensorData::new(values, [len]), &place.0))
    }

    pub fn zeros(len: usize, place: &Place) -> Array {
        Array(Tensor::zeros([len], &place.0))
    }

    pub fn len(&self) -> usize {
        self.0.dims()[0]
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values, on the host.
    pub fn host(&self) -> Result<Vec<f32>, String> {
        bridge::fetched(self.0.clone())
    }

    pub fn sqrt(self) -> Array {
        Array(self.0.sqrt())
    }

    /// −1, 0 or 1, as the value is below 0, 0, or above.
    pub fn sign(self) -> Array {
        Array(self.0.sign())
    }

    /// +0 where masked, whatever the value is.
    pub fn keep(self, masked: &Masked) -> Array {
        Array(self.0.mask_fill(masked.0.clone(), 0.0))
    }

    /// How many values differ from another's; NaN is like NaN.
    pub fn differing(&self, other: &Array) -> Result<usize, String> {
        let [a, b] = [self, other].map(|array| array.0.clone());
        let nans = a.clone().is_nan().bool_and(b.clone().is_nan());
        let count = bridge::fetched(a.not_equal(b).bool_and(nans.bool_not()).int().sum().float())?;
        Ok(count[0] as usize)
    }
}

impl Masked {
    /// Where `masked` is true.
    pub fn at(masked: &[bool], place: &Place) -> Masked {
        Masked(Tensor::from_data(TensorData::new(masked.to_vec(), [masked.len()]), &place.0))
    }

    /// The `dropped` values of smallest magnitude, the first of equal ones first.
    pub fn smallest(values: &Array, dropped: usize) -> Masked {
        Masked(select::smallest(values.0.clone(), dropped))
    }

    pub fn host(&self) -> Result<Vec<bool>, String> {
        Ok(bridge::fetched(self.0.clone().float())?.into_iter().map(|masked| masked != 0.0).collect())
    }
}

impl Add for Array {
    type Output = Array;
    fn add(self, other: Array) -> Array {
        Array(self.0 + other.0)
    }
}

impl Sub for Array {
    type Output = Array;
    fn sub(self, other: Array) -> Array {
        Array(self.0 - other.0)
    }
}

impl Mul for Array {
    type Output = Array;
    fn mul(self, other: Array) -> Array {
        Array(self.0 * other.0)
    }
}

impl Div for Array {
    type Output = Array;
    fn div(self, other: Array) -> Array {
        Array(self.0 / other.0)
    }
}

impl Mul<f32> for Array {
    type Output = Array;
    fn mul(self, factor: f32) -> Array {
        Array(self.0 * factor)
    }
}

impl Add<f32> for Array {
    type Output = Array;
    fn add(self, term: f32) -> Array {
        Array(self.0 + term)
    }
}

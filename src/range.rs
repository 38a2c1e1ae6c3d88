//! Numbers that only make sense within a range are refused where they are read, as serde's `deserialize_with`.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::units::{Length, Rate};

/// Finite and above 0.
pub fn positive<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    number(from, |x| x > 0.0, "must be above 0")
}

/// Finite and at least 0.
pub fn not_negative<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    number(from, |x| x >= 0.0, "must not be below 0")
}

/// At least 0 and below 1, as a moving average's weight is.
pub fn below_one<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    number(from, |x| (0.0..1.0).contains(&x), "must be at least 0 and below 1")
}

/// From 0 to 1.
pub fn fraction<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    number(from, |x| (0.0..=1.0).contains(&x), "must lie between 0 and 1")
}

/// From 0 to 1, or none.
pub fn optional_fraction<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(from)? {
        Some(x) if !(0.0..=1.0).contains(&x) => {
            Err(D::Error::custom(format!("{x} is out of range: it must lie between 0 and 1")))
        }
        x => Ok(x),
    }
}

/// A rate that is not 0, or none.
pub fn rate_above_zero<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Rate>, D::Error> {
    match Option::<Rate>::deserialize(from)? {
        Some(rate) if rate.is_zero() => Err(D::Error::custom("0 is out of range: it must be above 0")),
        rate => Ok(rate),
    }
}

/// A rate that is not 0.
pub fn above_zero<'de, D: Deserializer<'de>>(from: D) -> Result<Rate, D::Error> {
    match Rate::deserialize(from)? {
        rate if rate.is_zero() => Err(D::Error::custom("0 is out of range: it must be above 0")),
        rate => Ok(rate),
    }
}

/// A rate below 1.
pub fn rate_below_one<'de, D: Deserializer<'de>>(from: D) -> Result<Rate, D::Error> {
    match Rate::deserialize(from)? {
        rate if f64::from(rate) < 1.0 => Ok(rate),
        rate => Err(D::Error::custom(format!("{rate} is out of range: it must be below 1"))),
    }
}

/// A count of 1 or more.
pub fn at_least_one<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    match usize::deserialize(from)? {
        0 => Err(D::Error::custom("0 is out of range: it must be at least 1")),
        n => Ok(n),
    }
}

/// A count of 2 or more.
pub fn at_least_two<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    match usize::deserialize(from)? {
        n @ 0..2 => Err(D::Error::custom(format!("{n} is out of range: it must be at least 2"))),
        n => Ok(n),
    }
}

/// As `at_least_one`, or none.
pub fn some_at_least_one<'de, D: Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    match Option::<usize>::deserialize(from)? {
        Some(0) => Err(D::Error::custom("0 is out of range: it must be at least 1")),
        n => Ok(n),
    }
}

/// From 0, below 1, or none.
pub fn some_below_one<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    below_one(from).map(Some)
}

/// A length of 1 or more.
pub fn some_length<'de, D: Deserializer<'de>>(from: D) -> Result<Length, D::Error> {
    match Length::deserialize(from)? {
        Length::Epochs(0) | Length::Iterations(0) => {
            Err(D::Error::custom("a length of 0 is out of range: it must be at least \"1it\""))
        }
        length => Ok(length),
    }
}

/// What JSON Schemas say of `some_length`.
pub const SOME_LENGTH: &str = "^[0_]*[1-9][0-9_]*(ep|it)$";

fn number<'de, D: Deserializer<'de>>(from: D, fits: fn(f64) -> bool, rule: &str) -> Result<f64, D::Error> {
    match f64::deserialize(from)? {
        x if x.is_finite() && fits(x) => Ok(x),
        x => Err(D::Error::custom(format!("{x} is out of range: it {rule}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, F64Deserializer};

    fn f64(x: f64) -> F64Deserializer<Error> {
        x.into_deserializer()
    }

    #[test]
    fn a_number_out_of_range_is_refused_with_the_rule() {
        assert_eq!(positive(f64(0.1)), Ok(0.1));
        assert_eq!(positive(f64(0.0)).unwrap_err().to_string(), "0 is out of range: it must be above 0");
        assert!(positive(f64(f64::NAN)).is_err() && positive(f64(f64::INFINITY)).is_err());
        assert_eq!(not_negative(f64(0.0)), Ok(0.0));
        assert!(not_negative(f64(-1.0)).is_err());
        assert_eq!(below_one(f64(0.0)), Ok(0.0));
        assert!(below_one(f64(1.0)).is_err());
        assert_eq!(fraction(f64(1.0)), Ok(1.0));
        assert!(fraction(f64(1.1)).is_err());
    }

    #[test]
    fn scaling_a_fan_by_zero_is_refused() {
        assert!(rate_above_zero(serde_json::json!(0.0)).is_err());
        assert_eq!(rate_above_zero(serde_json::json!(null)).unwrap(), None);
        assert_eq!(rate_above_zero(serde_json::json!(0.3)).unwrap(), Rate::try_from(0.3).ok());
    }
}

//! Quantities with units: training lengths ("40ep", "500it") and exact decimal rates.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A length of training or a position within it, in epochs or iterations.
///
/// An epoch is one pass over the training split. Its last batch may be smaller than the others, and an
/// epoch of n examples has ⌈n ÷ batch size⌉ iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "String")]
pub enum Length {
    Epochs(u64),
    Iterations(u64),
}

/// Sums of lengths over a whole plan stay within their type.
const LONGEST: u64 = 1_000_000_000;

impl Length {
    /// What JSON Schemas say of it.
    pub const PATTERN: &str = "^[0-9_]+(ep|it)$";

    /// The length in iterations, given how many an epoch has; `u64::MAX` where it would overflow.
    pub fn iterations(self, per_epoch: u64) -> u64 {
        match self {
            Length::Epochs(n) => n.saturating_mul(per_epoch),
            Length::Iterations(n) => n,
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Length::Epochs(n) => write!(f, "{n}ep"),
            Length::Iterations(n) => write!(f, "{n}it"),
        }
    }
}

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit = text.len().saturating_sub(2);
        let (number, make): (_, fn(u64) -> Length) = match text.get(unit..) {
            Some("ep") => (&text[..unit], Length::Epochs),
            Some("it") => (&text[..unit], Length::Iterations),
            _ => return Err(format!("{text:?} is not a length: write epochs as \"40ep\" or iterations as \"500it\"")),
        };
        let digits = number.replace('_', "");
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            let whole = "write a whole number before the unit, as \"40ep\" or \"500it\"";
            return Err(format!("{text:?} is not a length: {whole}"));
        }
        match digits.parse() {
            Ok(n) if n <= LONGEST => Ok(make(n)),
            _ => Err(format!("{text:?} is longer than anyone trains: it must be at most {LONGEST}")),
        }
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Length, D::Error> {
        deserializer.deserialize_str(LengthVisitor)
    }
}

struct LengthVisitor;

impl Visitor<'_> for LengthVisitor {
    type Value = Length;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a length such as \"40ep\" or \"500it\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Length, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Length, E> {
        Err(E::custom(format!("{number} has no unit: write \"{number}it\" for iterations, \"{number}ep\" for epochs")))
    }
}

impl From<Length> for String {
    fn from(length: Length) -> String {
        length.to_string()
    }
}

impl JsonSchema for Length {
    fn schema_name() -> Cow<'static, str> {
        "Length".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": Length::PATTERN })
    }
}

/// An exact decimal fraction between 0 and 1, as it was written: 0.2 is two tenths, not the nearest binary float.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Rate {
    /// The fraction is `numerator ÷ 10^decimals`.
    numerator: u64,
    decimals: u32,
}

impl Rate {
    pub const ZERO: Rate = Rate { numerator: 0, decimals: 0 };
    pub const TENTH: Rate = Rate { numerator: 1, decimals: 1 };

    /// rate × n, rounded half up.
    pub fn of(self, n: usize) -> usize {
        let (product, scale) = self.scaled(n);
        ((product + scale / 2) / scale) as usize
    }

    /// n − ⌊(1 − rate) × n⌋: how many of n an edge-popup layer keeps (Ramanujan et al. 2020, their `GetSubnet`).
    pub fn kept_of(self, n: usize) -> usize {
        let (product, scale) = self.scaled(n);
        n - ((scale * n as u128 - product) / scale) as usize
    }

    /// Whether `kept` of n is this fraction or less.
    pub fn reaches(self, kept: usize, n: usize) -> bool {
        let (product, scale) = self.scaled(n);
        kept as u128 * scale <= product
    }

    pub fn is_zero(self) -> bool {
        self.numerator == 0
    }

    fn scaled(self, n: usize) -> (u128, u128) {
        (u128::from(self.numerator) * n as u128, 10u128.pow(self.decimals))
    }
}

impl PartialEq for Rate {
    fn eq(&self, other: &Self) -> bool {
        f64::from(*self) == f64::from(*other)
    }
}

impl TryFrom<f64> for Rate {
    type Error = String;

    /// The shortest decimal that reads back as the same float is what a person wrote, up to 17 digits.
    fn try_from(value: f64) -> Result<Self, String> {
        if !(0.0..=1.0).contains(&value) {
            return Err(format!("{value} is not a rate: it must lie between 0 and 1"));
        }
        // Of -0.
        let value = value.abs();
        let text = format!("{value}");
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let too_fine = || format!("{value} has too many decimals: write at most 18");
        if fraction.len() > 18 {
            return Err(too_fine());
        }
        let numerator = format!("{whole}{fraction}").parse().map_err(|_| too_fine())?;
        Ok(Rate { numerator, decimals: fraction.len() as u32 })
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> f64 {
        rate.numerator as f64 / 10f64.powi(rate.decimals as i32)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(*self))
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": 1 })
    }
}

/// A fraction of weights in %, as papers print it: 0.1352 → "13.5%", 1 → "100%".
pub fn percent(fraction: f64) -> String {
    let text = format!("{:.1}", fraction * 100.0);
    format!("{}%", text.strip_suffix(".0").unwrap_or(&text))
}

/// Bytes as people read them: 1_234_567_890 → "1.2 GB".
pub fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000)];
    match UNITS.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn minus_zero_is_zero() {
        assert!(Rate::try_from(-0.0).unwrap().is_zero());
    }

    #[test]
    fn a_rate_is_the_decimal_as_written() {
        let rate = Rate::try_from(0.2).unwrap();
        assert_eq!(rate.of(235_200), 47_040);
        // 0.15 × 10 = 1.5 rounds half up; the float 0.15 is a little below and would round down.
        assert_eq!(Rate::try_from(0.15).unwrap().of(10), 2);
        assert_eq!(Rate::try_from(1.0).unwrap().of(7), 7);
        assert_eq!(Rate::ZERO.of(7), 0);
    }

    #[test]
    fn edge_popup_keeps_n_minus_floor_of_the_rest() {
        assert_eq!(Rate::try_from(0.5).unwrap().kept_of(5), 3);
        assert_eq!(Rate::try_from(0.3).unwrap().kept_of(10), 3);
        assert_eq!(Rate::try_from(1.0).unwrap().kept_of(9), 9);
    }

    #[test]
    fn a_length_without_unit_is_refused_with_the_remedy() {
        let error = "500".parse::<Length>().unwrap_err();
        assert!(error.contains("\"500it\""), "{error}");
        assert!("-3ep".parse::<Length>().is_err());
        assert!("é".parse::<Length>().is_err());
    }

    #[test]
    fn a_length_beyond_all_training_is_refused() {
        assert!("1000000000it".parse::<Length>().is_ok());
        assert!("1000000001it".parse::<Length>().is_err() && "18446744073709551616ep".parse::<Length>().is_err());
    }

    proptest! {
        #[test]
        fn lengths_read_back_as_written(n in 0..=LONGEST, epochs in any::<bool>()) {
            let length = if epochs { Length::Epochs(n) } else { Length::Iterations(n) };
            prop_assert_eq!(length.to_string().parse::<Length>(), Ok(length));
        }

        #[test]
        fn rates_outside_zero_to_one_are_refused(value in prop_oneof![-1e9..-1e-9, 1.0000001..1e9]) {
            prop_assert!(Rate::try_from(value).is_err());
        }
    }
}

//! Rewinding: survivors get back the values that they had earlier in training.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Ahead, Failure, Outcome, Stage, Work};
use crate::refusal::Refusal;
use crate::registry::Plugin;
use crate::ticket::Ticket;
use crate::units::Length;

/// (θ, m) → (θk, m): weights, biases and buffers at position k of the pipeline's first training. The next training
/// goes on from k in schedule and data order, with a fresh optimizer, to the same total length.
///
/// Rewinding the learning rate only is (θ, m) → (θ, m): weights stay as they are, and the next training goes on from k.
#[derive(Clone, Debug, Serialize)]
pub struct Rewind {
    /// The rewind point; "0it" is initialisation.
    pub to: Length,
    /// What goes back, where weights do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<Only>,
}

/// What is rewound without the weights.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Only {
    /// The position in schedule and data order (Renda et al. 2020, §3).
    LearningRate,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Table {
    /// The rewind point; "0it" is initialisation.
    to: Length,
    /// What goes back where weights do not: "learning-rate", with the position in schedule and data order.
    #[serde(default)]
    only: Option<Only>,
}

/// By hand: a rewind may be written as its point alone, `rewind = "0it"`.
impl<'de> Deserialize<'de> for Rewind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RewindVisitor)
    }
}

struct RewindVisitor;

impl<'de> Visitor<'de> for RewindVisitor {
    type Value = Rewind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a position: \"0it\", \"500it\" or \"2ep\"")
    }

    fn visit_str<E: de::Error>(self, point: &str) -> Result<Rewind, E> {
        point.parse().map(|to| Rewind { to, only: None }).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Rewind, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(map)).map(|Table { to, only }| Rewind { to, only })
    }
}

impl JsonSchema for Rewind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rewind".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Table::json_schema(generator);
        schema.insert("type".into(), serde_json::json!(["object", "string"]));
        schema.insert("pattern".into(), Length::PATTERN.into());
        schema
    }
}

impl Plugin for Rewind {
    const NAME: &'static str = "rewind";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Restores the weights of an earlier position";
    const SOURCE: &'static str = "Frankle & Carbin 2019, §2; Frankle et al. 2020, §2; Renda et al. 2020";
    const EXAMPLE: &'static str = r#"to = "500it""#;
}

impl Stage for Rewind {
    fn foresee(&self, ahead: &mut Ahead<'_>) -> Result<(), Refusal> {
        ahead.require_ticket(Self::NAME)?;
        let Some(trained) = ahead.trained else {
            let refusal =
                Refusal::new("`rewind` restores weights of the pipeline's first training, and there was none");
            return Err(refusal.help("put a `train` before it"));
        };
        if ahead.redrawn && self.only.is_none() {
            let refusal = Refusal::new("`rewind` would restore weights from before they were drawn anew");
            return Err(
                refusal.help("fork from a pipeline that keeps its first weights, such as \"imp\" or \"shuffle\"")
            );
        }
        let k = self.to.iterations(ahead.per_epoch);
        if k > trained {
            let message = format!("rewinding to {} goes past the end of the first training, {trained}it", self.to);
            return Err(Refusal::of("to", message).help(format!("rewind to \"0it\" … \"{trained}it\"")));
        }
        ahead.position = k;
        if self.only.is_none() {
            ahead.origin = k;
            ahead.rewinds_to = Some(k);
        }
        Ok(())
    }

    fn apply(&self, work: &Work<'_>, ticket: Ticket) -> Result<Outcome, Failure> {
        if self.only.is_some() {
            return Ok(ticket.into());
        }
        let earlier = work.rewound.clone().ok_or_else(|| format!("the weights at {} are not there", self.to))?;
        let mut rewound = Ticket { arrays: earlier.arrays, masks: ticket.masks };
        rewound.apply_masks();
        Ok(rewound.into())
    }
}

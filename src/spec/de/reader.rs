//! A node as serde reads it.

use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use super::fault::Fault;
use crate::nearest::{did_you_mean, nearest};
use crate::spec::node::{Node, Origin, Value};

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value {
            Value::Boolean(value) => visitor.visit_bool(*value),
            Value::Integer(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Table(entries) => visitor.visit_map(Pairs { rest: entries.iter(), next: None }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    /// A list is no table whose keys were left out.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.value {
            Value::List(_) => Err(Fault::new(format!("expected a table, found {}", self.sort()))),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        match self.table().map(|entries| entries.first()) {
            Some(None) => visitor.visit_unit(),
            Some(Some((key, (origin, _)))) => {
                let fault: Fault = serde::de::Error::unknown_field(key, &[]);
                Err(fault.at(origin).below(Some(key)))
            }
            None => Err(Fault::new(format!("expected an empty table, found {}", self.sort()))),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let choice = self.table().filter(|entries| entries.len() == 1).and_then(|entries| entries.first());
        match (&self.value, choice) {
            (Value::String(name), _) => visitor.visit_enum(name.as_str().into_deserializer()),
            // One that has something to say besides its name, or was meant to be one.
            (_, Some((name, (key, content)))) if nearest(name, names.to_vec()).is_some() => {
                visitor.visit_enum(Choice { name, key, content })
            }
            _ => {
                let fault = Fault::new(format!("expected a name in quotes, found {}", self.sort()));
                Err(fault.hint(did_you_mean("", "valid values", names.to_vec())))
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit seq tuple tuple_struct
        map identifier ignored_any
    }
}

struct Items<'de>(std::slice::Iter<'de, Node>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(node) = self.0.next() else { return Ok(None) };
        seed.deserialize(node).map(Some).map_err(|fault| fault.at(&node.origin).below(None))
    }
}

struct Pairs<'de> {
    rest: indexmap::map::Iter<'de, String, (Origin, Node)>,
    next: Option<(&'de str, &'de Node)>,
}

impl<'de> MapAccess<'de> for Pairs<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, (origin, node))) = self.rest.next() else { return Ok(None) };
        self.next = Some((key, node));
        let reader: StringDeserializer<Fault> = key.clone().into_deserializer();
        seed.deserialize(reader).map(Some).map_err(|fault| fault.at(origin).below(Some(key)))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let Some((key, node)) = self.next.take() else {
            return Err(Fault::new("a value was asked for before its key"));
        };
        seed.deserialize(node).map_err(|fault| fault.at(&node.origin).below(Some(key)))
    }
}

/// `{ variant = content }`.
#[derive(Clone, Copy)]
struct Choice<'de> {
    name: &'de str,
    key: &'de Origin,
    content: &'de Node,
}

impl<'de> EnumAccess<'de> for Choice<'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Fault> {
        let reader: StrDeserializer<'_, Fault> = self.name.into_deserializer();
        let variant = seed.deserialize(reader).map_err(|fault| fault.at(self.key).below(Some(self.name)))?;
        Ok((variant, self))
    }
}

impl<'de> Choice<'de> {
    fn inside(self, fault: Fault) -> Fault {
        fault.at(&self.content.origin).below(Some(self.name))
    }
}

impl<'de> VariantAccess<'de> for Choice<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        self.content.deserialize_unit_struct("", serde::de::IgnoredAny).map(|_| ()).map_err(|fault| self.inside(fault))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.content).map_err(|fault| self.inside(fault))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.content.deserialize_any(visitor).map_err(|fault| self.inside(fault))
    }

    fn struct_variant<V: Visitor<'de>>(self, keys: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        self.tuple_variant(keys.len(), visitor)
    }
}

//! Plugins' structs from nodes: serde errors with the exact place of the key or value that is wrong, all of them.

use std::collections::HashSet;
use std::fmt::{self, Display};

use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess};
use serde::de::{Unexpected, VariantAccess, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use super::diagnostic::SHOWN;
use super::node::{Error, Node, Origin, Value};
use crate::nearest::{Hint, did_you_mean};

impl Node {
    /// Reads the value as `T`, or says everything that does not fit.
    ///
    /// serde stops at the first error. So the part that an error points at is taken out and the rest read again,
    /// until nothing new is found; an error that only says that such a part is missing is left out.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, Vec<Error>> {
        let (mut errors, mut removed, mut rest) = (Vec::new(), HashSet::new(), self.clone());
        loop {
            let fault = match T::deserialize(&rest) {
                Ok(value) if errors.is_empty() => return Ok(value),
                Ok(_) => return Err(errors),
                Err(fault) => fault.at(&self.origin),
            };
            let path: Vec<String> = fault.path.into_iter().rev().map_while(|step| step).collect();
            let follows = match &fault.error.missing {
                Some(field) => removed.contains(&[path.as_slice(), std::slice::from_ref(field)].concat()),
                None => removed.iter().any(|other: &Vec<String>| other.starts_with(&path)),
            };
            if !follows {
                errors.push(fault.error);
            }
            // Each error is another reading of the whole: of thousands, the first say enough.
            if errors.len() == SHOWN || !remove(&mut rest, &path) {
                return Err(errors);
            }
            removed.insert(path);
        }
    }
}

fn remove(node: &mut Node, path: &[String]) -> bool {
    match (&mut node.value, path) {
        (Value::Table(entries), [key]) => entries.shift_remove(key).is_some(),
        (Value::Table(entries), [key, rest @ ..]) => entries.get_mut(key).is_some_and(|(_, next)| remove(next, rest)),
        _ => false,
    }
}

/// An error on its way out, with the keys that lead to it, innermost first; `None` is an element of a list.
#[derive(Debug)]
pub struct Fault {
    error: Error,
    path: Vec<Option<String>>,
}

impl Fault {
    fn new(message: impl Into<String>) -> Fault {
        Fault { error: Error::nowhere(message), path: Vec::new() }
    }

    fn help(self, help: impl Into<String>) -> Fault {
        Fault { error: self.error.help(help), ..self }
    }

    fn hint(self, hint: Hint) -> Fault {
        Fault { error: self.error.hint(hint), ..self }
    }

    /// Places the error, unless something within was blamed already.
    fn at(mut self, origin: &Origin) -> Fault {
        self.error.origin.get_or_insert_with(|| origin.clone());
        self
    }

    fn below(mut self, step: Option<&str>) -> Fault {
        self.path.push(step.map(str::to_string));
        self
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error.message)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    /// What a type says of a wrong value is "what is wrong: how to mend it".
    fn custom<T: Display>(message: T) -> Fault {
        let message = message.to_string();
        match message.rsplit_once(": ") {
            Some((wrong, remedy)) => Fault::new(wrong).help(remedy),
            None => Fault::new(message),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        let expected = plain(&expected.to_string());
        let fault = Fault::new(format!("expected {expected}, found {}", plain(&found.to_string())));
        match found {
            Unexpected::Str(text) if text.parse::<f64>().is_ok() && !expected.contains("string") => {
                fault.hint(Hint::meant(&format!("{text:?}"), text, "a number has no quotes"))
            }
            _ => fault,
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        let most = match expected.to_string().as_str() {
            "u8" => u64::from(u8::MAX),
            "u16" => u64::from(u16::MAX),
            "u32" => u64::from(u32::MAX),
            _ => return Fault::invalid_type(found, expected),
        };
        match found {
            Unexpected::Signed(1..) | Unexpected::Unsigned(_) => {
                Fault::new(format!("{} is too large", plain(&found.to_string()))).help(format!("at most {most}"))
            }
            _ => Fault::invalid_type(found, expected),
        }
    }

    fn invalid_length(found: usize, expected: &dyn Expected) -> Fault {
        let count = if found == 1 { "1 value".to_string() } else { format!("{found} values") };
        Fault::new(format!("expected {}, found {count}", plain(&expected.to_string())))
    }

    fn unknown_variant(name: &str, valid: &'static [&'static str]) -> Fault {
        Fault::new(format!("{name:?} is not a valid value")).hint(did_you_mean(name, "valid values", valid.to_vec()))
    }

    fn unknown_field(name: &str, valid: &'static [&'static str]) -> Fault {
        Fault::new(format!("unknown key `{name}`")).hint(did_you_mean(name, "valid keys", valid.to_vec()))
    }

    fn missing_field(name: &'static str) -> Fault {
        let mut fault = Fault::new(format!("`{name}` is missing"));
        fault.error.missing = Some(name.to_string());
        fault
    }
}

/// serde's words in those of a TOML author.
fn plain(words: &str) -> String {
    match words {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more".to_string(),
        "a nonzero u32" | "a nonzero u64" | "a nonzero usize" => "a whole number, 1 or more".to_string(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_string(),
        "f32" | "f64" => "a number".to_string(),
        "a boolean" => "true or false".to_string(),
        "an array of length 3" => "a list of 3".to_string(),
        "map" => "a table".to_string(),
        "sequence" | "a sequence" => "a list".to_string(),
        _ if words.starts_with("struct ") => "a table".to_string(),
        _ => match words.split_once(' ') {
            Some(("integer" | "floating" | "boolean", rest)) => rest.trim_start_matches("point ").replace('`', ""),
            Some(("string", rest)) => rest.to_string(),
            _ => words.to_string(),
        },
    }
}

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
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.value {
            Value::String(name) => visitor.visit_enum(name.as_str().into_deserializer()),
            Value::Table(entries) => match entries.iter().next() {
                Some((name, (key, content))) if entries.len() == 1 => visitor.visit_enum(Choice { name, key, content }),
                _ => Err(Fault::new(format!("expected one key, found {}", entries.len()))),
            },
            _ => Err(Fault::new(format!("expected a string or a table with one key, found {}", self.sort()))),
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

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        self.content.deserialize_any(visitor).map_err(|fault| self.inside(fault))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde::Deserialize;

    use super::super::diagnostic::Diagnostics;
    use super::super::node::Source;
    use super::super::parse::parse;
    use super::*;
    use crate::units::{Length, Rate};

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        rate: Rate,
        length: Length,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    enum Choice {
        Plain,
        With(Inner),
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        number: f64,
        pair: [u8; 2],
        choice: Choice,
        inner: Option<Inner>,
    }

    fn read(text: &str) -> Result<Outer, Vec<(String, String)>> {
        let source = Arc::new(Source::new("test", text));
        let node = parse(&source, &mut Diagnostics::default());
        let place = |error: Error| (error.origin.unwrap().text().to_string(), error.message);
        node.deserialize().map_err(|errors| errors.into_iter().map(place).collect())
    }

    #[test]
    fn whole_numbers_are_read_where_a_fraction_is_expected() {
        let outer = read("number = 1\npair = [1, 2]\nchoice = 'plain'\ninner = { rate = 1, length = '3it' }").unwrap();
        assert_eq!((outer.number, outer.choice), (1.0, Choice::Plain));
        assert_eq!(outer.inner.unwrap().rate, Rate::try_from(1.0).unwrap());
        let with = "number = 0.5\npair = [1, 2]\nchoice = { with = { rate = 0, length = '3it' } }";
        assert_eq!(read(with).unwrap().choice, Choice::With(Inner { rate: Rate::ZERO, length: Length::Iterations(3) }));
    }

    #[test]
    fn every_error_is_found_however_deep_each_at_its_own_place() {
        let text = "number = 'x'\npair = [1, 300]\nchoice = { with = { rate = 2, length = '3', size = 1 } }\nother = 1";
        let errors = read(text).unwrap_err();
        let places: Vec<&str> = errors.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["'x'", "300", "2", "'3'", "size", "other"]);
    }

    #[test]
    fn a_missing_field_is_reported_unless_its_value_was_wrong() {
        let errors = read("pair = [1, 2]\nchoice = 'plain'").unwrap_err();
        assert_eq!(errors, [(String::new(), "`number` is missing".to_string())]);
        let errors = read("number = true\npair = [1, 2]\nchoice = 'plain'").unwrap_err();
        assert_eq!(errors, [("true".to_string(), "expected a number, found true".to_string())]);
    }

    #[test]
    fn a_list_is_no_table() {
        let errors = read("number = 1\npair = [1, 2]\nchoice = 'plain'\ninner = [0.5, '3it']").unwrap_err();
        assert_eq!(errors, [("[0.5, '3it']".to_string(), "expected a table, found a list".to_string())]);
    }
}

//! Plugins' structs from nodes: serde errors with the exact place of the key or value that is wrong, all of them.

mod fault;
mod reader;

use std::collections::HashSet;

use serde::de::DeserializeOwned;

use super::diagnostic::SHOWN;
use super::node::{Error, Node, Value};

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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde::Deserialize;

    use super::*;
    use crate::spec::diagnostic::Diagnostics;
    use crate::spec::node::Source;
    use crate::spec::parse::parse;
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

//! A validator of the JSON Schemas that we write, for tests: it knows the keywords that they use and no others. (The
//! validators on crates.io share dependencies with burn and would have it compiled twice.)

use std::collections::HashSet;

use regex::Regex;
use serde_json::{Map, Value};

/// What of `value` the schema does not allow, each with its place.
pub fn refusals(schema: &Value, value: &Value) -> Vec<String> {
    let mut validator = Validator { whole: schema, refusals: Vec::new() };
    validator.check(schema, value, "");
    validator.refusals
}

struct Validator<'a> {
    whole: &'a Value,
    refusals: Vec<String>,
}

impl Validator<'_> {
    fn check(&mut self, schema: &Value, value: &Value, at: &str) {
        match schema {
            Value::Bool(true) => {}
            Value::Bool(false) => self.refuse(at, "nothing is allowed here"),
            Value::Object(keywords) => {
                keywords.iter().for_each(|(keyword, rule)| self.keyword(keywords, keyword, rule, value, at));
            }
            other => panic!("{other} is no schema"),
        }
    }

    fn refuse(&mut self, at: &str, why: &str) {
        self.refusals.push(format!("{at}: {why}"));
    }

    fn holds(&self, schema: &Value, value: &Value) -> bool {
        let mut other = Validator { whole: self.whole, refusals: Vec::new() };
        other.check(schema, value, "");
        other.refusals.is_empty()
    }

    fn keyword(&mut self, beside: &Map<String, Value>, keyword: &str, rule: &Value, value: &Value, at: &str) {
        let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{keyword} is {value}"));
        let several = || rule.as_array().unwrap_or_else(|| panic!("{keyword} is {rule}")).iter();
        let entries = value.as_object();
        let fits = match keyword {
            "$schema" | "$defs" | "title" | "description" | "default" | "examples" | "then" | "else" => return,
            "$ref" => {
                let place = rule.as_str().and_then(|place| place.strip_prefix('#')).unwrap();
                let found = self.whole.pointer(place).unwrap_or_else(|| panic!("{rule} leads nowhere"));
                return self.check(found, value, at);
            }
            "allOf" => return several().for_each(|schema| self.check(schema, value, at)),
            "anyOf" => several().any(|schema| self.holds(schema, value)),
            "oneOf" => several().filter(|schema| self.holds(schema, value)).count() == 1,
            "not" => !self.holds(rule, value),
            "if" => {
                let then = if self.holds(rule, value) { "then" } else { "else" };
                return beside.get(then).into_iter().for_each(|schema| self.check(schema, value, at));
            }
            "type" => match rule {
                Value::Array(names) => names.iter().any(|name| is(name, value)),
                name => is(name, value),
            },
            "const" => rule == value,
            "enum" => several().any(|one| one == value),
            "pattern" => value.as_str().is_none_or(|text| Regex::new(rule.as_str().unwrap()).unwrap().is_match(text)),
            "minLength" => value.as_str().is_none_or(|text| text.chars().count() as f64 >= number(rule)),
            "minimum" => value.as_f64().is_none_or(|x| x >= number(rule)),
            "maximum" => value.as_f64().is_none_or(|x| x <= number(rule)),
            "exclusiveMinimum" => value.as_f64().is_none_or(|x| x > number(rule)),
            "exclusiveMaximum" => value.as_f64().is_none_or(|x| x < number(rule)),
            "minItems" => value.as_array().is_none_or(|items| items.len() as f64 >= number(rule)),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as f64 <= number(rule)),
            "uniqueItems" => value
                .as_array()
                .is_none_or(|items| items.iter().map(Value::to_string).collect::<HashSet<_>>().len() == items.len()),
            "minProperties" => entries.is_none_or(|entries| entries.len() as f64 >= number(rule)),
            "maxProperties" => entries.is_none_or(|entries| entries.len() as f64 <= number(rule)),
            "required" => {
                for key in several().filter_map(Value::as_str) {
                    if entries.is_some_and(|entries| !entries.contains_key(key)) {
                        self.refuse(at, &format!("`{key}` is missing"));
                    }
                }
                return;
            }
            "items" => {
                for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.check(rule, item, &format!("{at}/{number}"));
                }
                return;
            }
            "properties" => {
                for (key, schema) in rule.as_object().unwrap() {
                    if let Some(value) = entries.and_then(|entries| entries.get(key)) {
                        self.check(schema, value, &format!("{at}/{key}"));
                    }
                }
                return;
            }
            "additionalProperties" => {
                let known = |key: &str| beside.get("properties").is_some_and(|known| known.get(key).is_some());
                for (key, value) in entries.into_iter().flatten().filter(|(key, _)| !known(key)) {
                    match rule {
                        Value::Bool(false) => self.refuse(at, &format!("unknown key `{key}`")),
                        rule => self.check(rule, value, &format!("{at}/{key}")),
                    }
                }
                return;
            }
            "propertyNames" => {
                for key in entries.into_iter().flatten().map(|(key, _)| key) {
                    self.check(rule, &Value::String(key.clone()), &format!("{at}/{key}"));
                }
                return;
            }
            other => panic!("the schema says {other:?}, which this validator does not know"),
        };
        if !fits {
            self.refuse(at, &format!("{value} is not {keyword} {rule}"));
        }
    }
}

fn is(name: &Value, value: &Value) -> bool {
    match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        _ => panic!("{name} is no type"),
    }
}

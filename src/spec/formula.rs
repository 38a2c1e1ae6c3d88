//! Arithmetic in a placeholder: "{blocks - 1}" is one less than what `blocks` stands for.

use super::node::{Node, Value};

/// Numbers and names of parameters, between them `+`, `-` and `*`, each with spaces around it.
pub struct Formula<'a> {
    first: Operand<'a>,
    rest: Vec<(Operator, Operand<'a>)>,
}

#[derive(Clone, Copy)]
enum Operand<'a> {
    Number(Number),
    Name(&'a str),
}

#[derive(Clone, Copy, PartialEq)]
enum Operator {
    Plus,
    Minus,
    Times,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    Whole(i64),
    Real(f64),
}

impl<'a> Formula<'a> {
    /// `None` for a string that is none: it means itself.
    pub fn read(text: &'a str) -> Option<Formula<'a>> {
        let mut words = text.strip_prefix('{')?.strip_suffix('}')?.split_ascii_whitespace();
        let first = operand(words.next()?)?;
        let mut rest = Vec::new();
        while let Some(word) = words.next() {
            let operator = match word {
                "+" => Operator::Plus,
                "-" => Operator::Minus,
                "*" => Operator::Times,
                _ => return None,
            };
            rest.push((operator, operand(words.next()?)?));
        }
        (!rest.is_empty()).then_some(Formula { first, rest })
    }

    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        let operands = [self.first].into_iter().chain(self.rest.iter().map(|(_, operand)| *operand));
        operands
            .filter_map(|operand| match operand {
                Operand::Name(name) => Some(name),
                Operand::Number(_) => None,
            })
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// Its value; products before sums. Whole numbers stay whole.
    pub fn value<'v>(&self, of: impl Fn(&str) -> Option<&'v Node>) -> Result<Value, String> {
        let number = |operand: Operand<'_>| match operand {
            Operand::Number(number) => Ok(number),
            Operand::Name(name) => match of(name).map(|node| &node.value) {
                Some(Value::Integer(whole)) => Ok(Number::Whole(*whole)),
                Some(Value::Float(real)) => Ok(Number::Real(*real)),
                Some(_) => {
                    Err(format!("`{name}` is {}, and nothing to calculate with", of(name).map_or("", Node::sort)))
                }
                None => Err(format!("`{name}` is left out, and nothing to calculate with")),
            },
        };
        let (mut sum, mut product) = (Number::Whole(0), number(self.first)?);
        let mut sign = Operator::Plus;
        for (operator, operand) in &self.rest {
            let next = number(*operand)?;
            if *operator == Operator::Times {
                product = product.with(Operator::Times, next)?;
                continue;
            }
            sum = sum.with(sign, product)?;
            (sign, product) = (*operator, next);
        }
        Ok(match sum.with(sign, product)? {
            Number::Whole(whole) => Value::Integer(whole),
            Number::Real(real) => Value::Float(real),
        })
    }
}

fn operand(word: &str) -> Option<Operand<'_>> {
    if let Ok(whole) = word.parse() {
        return Some(Operand::Number(Number::Whole(whole)));
    }
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return word.parse().ok().filter(|real: &f64| real.is_finite()).map(|real| Operand::Number(Number::Real(real)));
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (word != "-" && word.chars().all(is_name)).then_some(Operand::Name(word))
}

impl Number {
    fn with(self, operator: Operator, other: Number) -> Result<Number, String> {
        let beyond = || "this is too large a number".to_string();
        if let (Number::Whole(a), Number::Whole(b)) = (self, other) {
            let whole = match operator {
                Operator::Plus => a.checked_add(b),
                Operator::Minus => a.checked_sub(b),
                Operator::Times => a.checked_mul(b),
            };
            return whole.map(Number::Whole).ok_or_else(beyond);
        }
        let (a, b) = (self.real(), other.real());
        let real = match operator {
            Operator::Plus => a + b,
            Operator::Minus => a - b,
            Operator::Times => a * b,
        };
        if real.is_finite() { Ok(Number::Real(real)) } else { Err(beyond()) }
    }

    fn real(self) -> f64 {
        match self {
            Number::Whole(whole) => whole as f64,
            Number::Real(real) => real,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::node::{Origin, Source};
    use super::*;

    fn value(text: &str) -> Result<Value, String> {
        let origin = Origin { source: Arc::new(Source::new("test", "")), span: 0..0 };
        let node = |value| Node { value, origin: origin.clone() };
        let (n, half, word) = (node(Value::Integer(5)), node(Value::Float(0.5)), node(Value::String("x".into())));
        let of = |name: &str| [("n", &n), ("half", &half), ("word", &word)].into_iter().find(|(own, _)| *own == name);
        Formula::read(text).unwrap().value(|name| of(name).map(|(_, node)| node))
    }

    #[test]
    fn products_come_before_sums_and_whole_numbers_stay_whole() {
        assert_eq!(value("{n - 1}"), Ok(Value::Integer(4)));
        assert_eq!(value("{2 * n + 6 * n - 3}"), Ok(Value::Integer(37)));
        assert_eq!(value("{10 - n - 2}"), Ok(Value::Integer(3)));
        assert_eq!(value("{half * n}"), Ok(Value::Float(2.5)));
        assert_eq!(value("{1.5 * 2}"), Ok(Value::Float(3.0)));
    }

    #[test]
    fn what_is_no_number_or_too_large_is_an_error() {
        assert!(value("{word + 1}").unwrap_err().contains("`word` is a string"));
        assert!(value("{none + 1}").unwrap_err().contains("`none` is left out"));
        assert!(value("{9223372036854775807 * n}").unwrap_err().contains("too large"));
    }

    #[test]
    fn a_string_that_is_no_arithmetic_means_itself() {
        for text in ["{n}", "{n-1}", "n - 1", "{n -}", "{n - 1 2}", "{a b}", "{}", "{- 1}", "{n / 2}"] {
            assert!(Formula::read(text).is_none(), "{text}");
        }
    }
}

//! An expression as text, each part spaced alike, parentheses where they are needed only.

use std::fmt;

use super::{Expression, Kind, Number, Operator, Place, Reference};

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Number(number) => number.fmt(f),
            Kind::Result(reference) => reference.fmt(f),
            Kind::Negative(inner) => write!(f, "-{}", At(inner, SIGN)),
            Kind::Call(function, arguments) => {
                let arguments: Vec<String> = arguments.iter().map(Expression::to_string).collect();
                write!(f, "{}({})", function.name(), arguments.join(", "))
            }
            Kind::Join(operator, left, right) => {
                let own = operator.binding();
                // Comparisons do not chain, and so neither side may be one; the others group to the left.
                let left_least = if operator.is_comparison() { own + 1 } else { own };
                write!(f, "{} {operator} {}", At(left, left_least), At(right, own + 1))
            }
            Kind::Within(within) => {
                let least = COMPARISON + 1;
                let (value, tolerance, target) =
                    (At(&within.value, least), At(&within.tolerance, least), At(&within.target, least));
                write!(f, "{value} within {tolerance} of {target}")
            }
        }
    }
}

/// An expression in parentheses, where it binds less than its place wants.
struct At<'a>(&'a Expression, u8);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.binding() < self.1 {
            true => write!(f, "({})", self.0),
            false => self.0.fmt(f),
        }
    }
}

const COMPARISON: u8 = 3;
const SIGN: u8 = 6;

impl Expression {
    fn binding(&self) -> u8 {
        match &self.kind {
            Kind::Join(operator, ..) => operator.binding(),
            Kind::Within(_) => COMPARISON,
            Kind::Negative(_) => SIGN,
            _ => SIGN + 1,
        }
    }
}

impl Operator {
    fn binding(self) -> u8 {
        match self {
            Operator::Or => 1,
            Operator::And => 2,
            Operator::Less | Operator::AtMost | Operator::More | Operator::AtLeast => COMPARISON,
            Operator::Plus | Operator::Minus => 4,
            Operator::Times | Operator::Over => 5,
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operator::Or => "or",
            Operator::And => "and",
            Operator::Less => "<",
            Operator::AtMost => "<=",
            Operator::More => ">",
            Operator::AtLeast => ">=",
            Operator::Plus => "+",
            Operator::Minus => "-",
            Operator::Times => "*",
            Operator::Over => "/",
        })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.text, if self.percent { "%" } else { "" })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pipeline.text)?;
        if let Some(variant) = &self.variant {
            write!(f, "[{}]", variant.text)?;
        }
        write!(f, ".{}", self.metric.text)?;
        if let Some(point) = &self.point {
            write!(f, "[{}]", point.text)?;
        }
        if let Some(aggregate) = &self.aggregate {
            write!(f, ".{}", aggregate.text)?;
        }
        match &self.place {
            Some((place, _)) => write!(f, "@{place}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Percent(text) => write!(f, "{text}%"),
            Place::Level(level) => write!(f, "level {level}"),
            Place::First => f.write_str("first"),
            Place::Last => f.write_str("last"),
        }
    }
}

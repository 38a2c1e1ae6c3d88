//! What an author expects, as an expression over results that is judged once they are there:
//!
//! ```text
//! imp.test_accuracy@13.5% - reinitialise.test_accuracy@13.5% >= 0.3%
//! ```
//!
//! A result is PIPELINE.METRIC@PLACE: the mean over replicates of a column of `results.csv`, a control's repeated draws
//! averaged first. The place is `@13.5%` (the ticket whose weights remaining round to the figure as written), `@level 7`,
//! `@first` or `@last` (the most and the fewest weights); a pipeline with one ticket needs none. `.min`, `.max`, `.std` and
//! `.n` after the metric are of the replicates instead of their mean. In a sweep the variant stands in brackets:
//! `imp[model.width=2].test_accuracy`.
//!
//! Of a pipeline that measures, METRIC is a figure of its analysis, in small letters: `connectivity.barrier@level 3`. Of a
//! series, its point stands in brackets behind: `lottery.deviation_new_networks[100]`.
//!
//! Results, numbers and percentages are joined by `+ - * /`, parentheses, `min(a, b)`, `max(a, b)` and `abs(a)`, compared by
//! `<`, `<=`, `>`, `>=` or `a within 0.5% of b`, and comparisons are joined by `and` and `or`.

mod analysis;
mod check;
mod ladder;
mod lexer;
mod metric;
mod parser;
mod print;
#[cfg(test)]
mod tests;

pub use analysis::{Named, named, spelled, spellings};
pub use check::check;
pub use ladder::{Ladder, Rung};
pub use metric::{Aggregate, Metric, Unit};
pub use parser::parse;

use std::ops::Range;

use crate::nearest::Hint;

/// One thing wrong with an expression: bytes of its text, what is wrong, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub span: Range<usize>,
    pub message: String,
    /// How to mend it; in a box, since faults are returned.
    pub hint: Option<Box<Hint>>,
    /// The pipeline that is named and is not there.
    pub missing: Option<String>,
}

impl Fault {
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Fault {
        Fault { span, message: message.into(), hint: None, missing: None }
    }

    pub fn absent(self, pipeline: &str) -> Fault {
        Fault { missing: Some(pipeline.to_string()), ..self }
    }

    pub fn hint(self, hint: Hint) -> Fault {
        Fault { hint: Some(Box::new(hint)), ..self }
    }

    pub fn help(self, help: impl Into<String>) -> Fault {
        self.hint(Hint { text: help.into(), meant: None })
    }
}

/// An expression and where in the text it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    pub kind: Kind,
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Number(Number),
    Result(Box<Reference>),
    Negative(Box<Expression>),
    Call(Function, Vec<Expression>),
    Join(Operator, Box<Expression>, Box<Expression>),
    /// |value − target| ≤ tolerance.
    Within(Box<Within>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Within {
    pub value: Expression,
    pub tolerance: Expression,
    pub target: Expression,
}

/// A number as it was written: "0.003", "97.5%".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// Digits, with a point or an exponent.
    pub text: String,
    pub percent: bool,
}

impl Number {
    pub fn value(&self) -> f64 {
        // What the lexer takes for a number is one.
        let value: f64 = self.text.replace('_', "").parse().unwrap_or(f64::NAN);
        if self.percent { value / 100.0 } else { value }
    }
}

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    pub span: Range<usize>,
}

/// `PIPELINE[VARIANT].METRIC[POINT].AGGREGATE@PLACE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    pub pipeline: Word,
    pub variant: Option<Word>,
    pub metric: Word,
    /// Of a series that an analysis measured, which point.
    pub point: Option<Word>,
    pub aggregate: Option<Word>,
    pub place: Option<(Place, Range<usize>)>,
}

/// Which of a pipeline's tickets is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The ticket whose weights remaining, in %, round to this decimal with as many digits as written.
    Percent(String),
    Level(u32),
    First,
    Last,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Or,
    And,
    Less,
    AtMost,
    More,
    AtLeast,
    Plus,
    Minus,
    Times,
    Over,
}

impl Operator {
    pub fn is_comparison(self) -> bool {
        matches!(self, Operator::Less | Operator::AtMost | Operator::More | Operator::AtLeast)
    }

    pub fn is_logic(self) -> bool {
        matches!(self, Operator::And | Operator::Or)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Min,
    Max,
    Abs,
}

impl Function {
    pub const ALL: [Function; 3] = [Function::Min, Function::Max, Function::Abs];

    pub fn name(self) -> &'static str {
        match self {
            Function::Min => "min",
            Function::Max => "max",
            Function::Abs => "abs",
        }
    }
}

impl Expression {
    /// The expressions that it is made of.
    pub fn parts(&self) -> Vec<&Expression> {
        match &self.kind {
            Kind::Number(_) | Kind::Result(_) => Vec::new(),
            Kind::Negative(inner) => vec![inner],
            Kind::Call(_, arguments) => arguments.iter().collect(),
            Kind::Join(_, left, right) => vec![left, right],
            Kind::Within(within) => vec![&within.value, &within.tolerance, &within.target],
        }
    }

    /// Every result that it names, from left to right.
    pub fn references(&self) -> Vec<&Reference> {
        match &self.kind {
            Kind::Result(reference) => vec![reference],
            _ => self.parts().into_iter().flat_map(Expression::references).collect(),
        }
    }
}

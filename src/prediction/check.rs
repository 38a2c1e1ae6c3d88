//! What an expression's text alone cannot say: that its names are an experiment's, and that its figures go together.

use super::{Aggregate, Expression, Fault, Kind, Metric, Named, Operator, Reference, Unit, Within, spellings};
use crate::nearest::{Hint, did_you_mean};
use crate::record::Heading;

/// Everything wrong with an expectation of an experiment with these pipelines.
pub fn check(expression: &Expression, pipelines: &[Named<'_>]) -> Vec<Fault> {
    let mut checker = Checker { pipelines, faults: Vec::new() };
    checker.claim(expression);
    checker.faults
}

struct Checker<'a> {
    pipelines: &'a [Named<'a>],
    faults: Vec<Fault>,
}

impl Checker<'_> {
    /// An expression that must be true or false.
    fn claim(&mut self, expression: &Expression) {
        match &expression.kind {
            Kind::Join(operator, left, right) if operator.is_logic() => {
                self.claim(left);
                self.claim(right);
            }
            Kind::Join(operator, left, right) if operator.is_comparison() => {
                self.compared(expression, &[left, right]);
            }
            Kind::Within(within) => {
                let Within { value, tolerance, target } = &**within;
                self.compared(expression, &[value, target, tolerance]);
            }
            _ => {
                self.figure(expression);
                let fault = Fault::new(expression.span.clone(), "this is a figure: there is nothing to judge");
                self.faults.push(fault.help("compare it: `… >= 97.5%`, `… within 0.5% of 98%`"));
            }
        }
    }

    fn compared(&mut self, comparison: &Expression, sides: &[&Expression]) {
        let before = self.faults.len();
        let units: Vec<Option<Unit>> = sides.iter().map(|side| self.figure(side)).collect();
        if sides.iter().all(|side| side.references().is_empty()) && self.faults.len() == before {
            let fault = Fault::new(comparison.span.clone(), "this compares no result");
            self.faults.push(fault.help("name one: `imp.test_accuracy@13.5%`"));
        }
        let joined = self.joined(comparison, &units);
        let fraction = matches!(joined, Some(Unit::Share | Unit::Points));
        for side in sides.iter().filter(|side| fraction && side.references().is_empty()) {
            if let Some(value) = constant(side).filter(|value| value.abs() > 1.0) {
                let fault = Fault::new(side.span.clone(), format!("{value} is no fraction from 0 to 1"));
                let fractions = "accuracies are fractions: 0.975 is `97.5%`";
                self.faults.push(fault.hint(Hint::meant(&value.to_string(), &format!("{value}%"), fractions)));
            }
        }
    }

    /// The unit of an expression that must be a figure; `None` after an error.
    fn figure(&mut self, expression: &Expression) -> Option<Unit> {
        match &expression.kind {
            Kind::Number(_) => Some(Unit::Number),
            Kind::Result(reference) => self.reference(reference),
            Kind::Negative(inner) => self.figure(inner),
            Kind::Call(_, arguments) => {
                let units: Vec<_> = arguments.iter().map(|argument| self.figure(argument)).collect();
                self.joined(expression, &units)
            }
            Kind::Join(operator, left, right) if !operator.is_comparison() && !operator.is_logic() => {
                let units = [self.figure(left), self.figure(right)];
                if matches!(operator, Operator::Plus | Operator::Minus) {
                    self.joined(expression, &units)?;
                }
                Some(operator.unit(units[0]?, units[1]?))
            }
            Kind::Join(..) | Kind::Within(_) => {
                self.claim(expression);
                let fault = Fault::new(expression.span.clone(), "this is true or false, and here stands a figure");
                self.faults.push(fault.help("comparisons are joined by `and` and `or` only"));
                None
            }
        }
    }

    fn joined(&mut self, whole: &Expression, units: &[Option<Unit>]) -> Option<Unit> {
        let mut joined = Unit::Number;
        for unit in units {
            let unit = (*unit)?;
            let Some(both) = joined.joined(unit) else {
                let message = format!("{} and {} do not go together", joined.words(), unit.words());
                self.faults.push(
                    Fault::new(whole.span.clone(), message)
                        .help("add and compare figures of one kind; a ratio `a / b` of two of a kind is a number"),
                );
                return None;
            };
            joined = both;
        }
        Some(joined)
    }

    fn reference(&mut self, reference: &Reference) -> Option<Unit> {
        let before = self.faults.len();
        let pipeline = &reference.pipeline;
        let named = self.pipelines.iter().find(|named| named.pipeline == pipeline.text);
        if named.is_none() {
            let hint = did_you_mean(&pipeline.text, "pipelines", self.pipelines.iter().map(|named| named.pipeline));
            let spaces = if pipeline.text.contains('-') { "; a minus has spaces around it" } else { "" };
            let message = format!("no pipeline is named `{}`", pipeline.text);
            let fault = Fault::new(pipeline.span.clone(), message).hint(hint.and(spaces));
            self.faults.push(fault.absent(&pipeline.text));
        }
        let unit = self.unit(reference, named);
        let aggregate = reference.aggregate.as_ref().map(|word| (word, Aggregate::named(&word.text)));
        if let Some((word, None)) = &aggregate {
            let hint = did_you_mean(&word.text, "figures of replicates", Aggregate::ALL.map(Aggregate::name));
            let message = format!("replicates have no `{}`", word.text);
            self.faults.push(Fault::new(word.span.clone(), message).hint(hint.and("; without one it is their mean")));
        }
        if self.faults.len() > before {
            return None;
        }
        let unit = unit?;
        Some(aggregate.and_then(|(_, aggregate)| aggregate).map_or(unit, |aggregate| aggregate.unit(unit)))
    }

    /// The unit of what a reference names: a figure of its pipeline's analyses, or a column of `results.csv`.
    fn unit(&mut self, reference: &Reference, named: Option<&Named<'_>>) -> Option<Unit> {
        let metric = &reference.metric;
        if let Some(heading) = named.and_then(|named| named.heading(&metric.text)) {
            self.point(reference, heading);
            return Some(Unit::of_figure(heading.unit));
        }
        // Of a pipeline that is misspelt, what any of them measures.
        let any = || self.pipelines.iter().flat_map(|named| named.headings.iter().flatten()).copied().collect();
        let headings = named.map_or_else(|| Some(any()), |named| named.headings.clone());
        match (Metric::named(&metric.text), headings) {
            (Some(column), _) => {
                self.point(reference, Heading::number(column.name(), ""));
                Some(column.unit())
            }
            // What a pipeline measures that is wrong is not known.
            (None, None) => None,
            (None, Some(headings)) if super::named(&headings, &metric.text).is_some() => None,
            (None, Some(headings)) => {
                let figures = spellings(&headings);
                let columns =
                    Metric::ALL.iter().map(|metric| metric.name()).filter(|_| figures.is_empty() || named.is_none());
                let names = figures.iter().map(String::as_str).chain(columns);
                let hint = did_you_mean(&metric.text, "metrics", names);
                let message = format!("no metric is named `{}`", metric.text);
                self.faults.push(Fault::new(metric.span.clone(), message).hint(hint));
                None
            }
        }
    }

    /// A series needs the point that is meant, and a number has none.
    fn point(&mut self, reference: &Reference, heading: Heading) {
        let metric = &reference.metric;
        let fault = match (&reference.point, heading.over) {
            (None, "") => return,
            (Some(point), "") => {
                let fault = Fault::new(point.span.clone(), format!("`{}` is one number", metric.text));
                fault.help("leave the brackets out; a variant stands behind the pipeline: `imp[width=2].level`")
            }
            (Some(_), _) => return,
            (None, over) => {
                let message = format!("`{}` is a series over {over}: which point is meant?", metric.text);
                let help = format!("name it behind: `{}[…]`, as analyses.csv has it in column x", metric.text);
                Fault::new(metric.span.clone(), message).help(help)
            }
        };
        self.faults.push(fault);
    }
}

impl Operator {
    /// The unit of what two figures that go together make.
    pub(crate) fn unit(self, left: Unit, right: Unit) -> Unit {
        let joined = left.joined(right).unwrap_or(Unit::Number);
        match self {
            Operator::Minus if left == right => left.difference(),
            Operator::Plus | Operator::Minus => joined,
            Operator::Times if left == Unit::Number || right == Unit::Number => joined,
            Operator::Over if right == Unit::Number => left,
            _ => Unit::Number,
        }
    }
}

/// The value of an expression that names no result.
fn constant(expression: &Expression) -> Option<f64> {
    Some(match &expression.kind {
        Kind::Number(number) => number.value(),
        Kind::Negative(inner) => -constant(inner)?,
        _ => return None,
    })
}

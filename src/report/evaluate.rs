//! An expression's figures, computed from a study.

use std::collections::BTreeMap;

use super::problems;
use super::statistics::Sample;
use crate::figure::points::by_replicate;
use crate::prediction::{Aggregate, Expression, Function, Kind, Ladder, Metric, Operator, Reference, Rung, Unit};
use crate::record::{Record, Row, Status, Study};

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    pub unit: Unit,
    /// Of the means over replicates.
    pub value: f64,
    /// Replicates of every result in it; none of a constant.
    pub n: Option<usize>,
    pub each: Each,
}

/// The same figure of each replicate, where its mean over them is the figure.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Each {
    /// No result is in it.
    Constant,
    Replicates(BTreeMap<u32, f64>),
    /// A ratio of means, say, is not the mean of ratios.
    Mixed,
}

impl Figure {
    pub fn constant(value: f64) -> Figure {
        Figure { unit: Unit::Number, value, n: None, each: Each::Constant }
    }

    /// Over the replicates, paired.
    pub fn sample(&self) -> Option<Sample> {
        match &self.each {
            Each::Replicates(each) => Sample::of(&each.values().copied().collect::<Vec<_>>()),
            _ => None,
        }
    }
}

/// The rungs of a study's tickets, run or not, and of those that analyses measure.
pub(super) struct Ladders<'a> {
    tickets: Ladder<'a>,
    analyses: Ladder<'a>,
}

pub(super) fn ladders(study: &Study) -> Ladders<'_> {
    let [tickets, analyses] = [&study.rows, &study.analyses].map(|rows| Ladder::new(rows.iter().map(rung)));
    Ladders { tickets, analyses }
}

fn rung(row: &Row) -> Rung<'_> {
    Rung {
        variant: &row.variant,
        pipeline: &row.pipeline,
        level: row.level,
        kept: row.kept_weights,
        prunable: row.prunable_weights,
        branch: row.branch,
    }
}

/// A reference's tickets, all of them with its figure, or why not.
pub(super) fn rows<'a>(
    study: &'a Study,
    ladders: &Ladders,
    reference: &Reference,
) -> Result<Vec<&'a Row>, Vec<String>> {
    let pipeline = &reference.pipeline.text;
    let of_analysis = reference.is_of_analysis(study.rows.iter().any(|row| row.pipeline == *pipeline));
    let (ladder, all) = match of_analysis {
        true => (&ladders.analyses, &study.analyses),
        false => (&ladders.tickets, &study.rows),
    };
    let is_figure = Metric::named(&reference.metric.text).is_none();
    if is_figure && !all.iter().any(|row| row.pipeline == *pipeline) {
        return Err(vec![format!("{pipeline}: it measured nothing, as one replicate has no pair")]);
    }
    let rung = ladder.find(reference).map_err(|fault| vec![fault.message])?;
    let belongs = |row: &&Row| {
        (row.variant.as_str(), row.pipeline.as_str(), row.level) == (rung.variant, rung.pipeline, rung.level)
            && (row.kept_weights, row.branch) == (rung.kept, rung.branch)
    };
    // Of several analyses of a ticket, the one that has the figure.
    let measures = |row: &&Row| {
        let other = |record: &Record| reference.figure(&record.measured).is_none() && !record.measured.is_empty();
        !(of_analysis && row.record.as_ref().is_some_and(other))
    };
    let rows: Vec<&Row> = all.iter().filter(belongs).filter(measures).collect();
    let mut lacking: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    if rows.is_empty() {
        return Err(vec![format!("{pipeline}: it measured no `{}`", reference.metric.text)]);
    }
    for row in &rows {
        if row.status != Status::Done || value(row, reference).is_none() {
            let point = reference.point.as_ref().map_or(String::new(), |point| format!("[{}]", point.text));
            let unmeasured = format!("no `{}{point}` was measured", reference.metric.text);
            let stopped = "not run: beyond its pipeline's stop rule".to_string();
            let or = if row.status == Status::Done { unmeasured } else { stopped };
            lacking.entry(problems::why(row).unwrap_or(or)).or_default().push(row);
        }
    }
    if lacking.is_empty() {
        return Ok(rows);
    }
    let place = reference.place.as_ref().map_or(String::new(), |(place, _)| format!("@{place}"));
    let variant = reference.variant.as_ref().map_or(String::new(), |word| format!("[{}]", word.text));
    let told = |(why, rows): (String, Vec<&Row>)| {
        format!("{pipeline}{variant}{place}, replicate {}: {why}", problems::replicates(&rows))
    };
    Err(lacking.into_iter().map(told).collect())
}

/// What a reference means of a ticket, and in which unit.
fn value(row: &Row, reference: &Reference) -> Option<(f64, Unit)> {
    if row.analysis.is_empty() {
        let metric = Metric::named(&reference.metric.text)?;
        return Some((metric.of(row, row.scores()?), metric.unit()));
    }
    let figure = reference.figure(&row.record.as_ref()?.measured)?;
    Some((reference.value(figure)?, Unit::of_figure(&figure.unit)))
}

/// The figure of an expression whose tickets all have their scores.
pub(super) fn figure(study: &Study, ladders: &Ladders, expression: &Expression) -> Result<Figure, Vec<String>> {
    let of = |part: &Expression| figure(study, ladders, part);
    match &expression.kind {
        Kind::Number(number) => Ok(Figure::constant(number.value())),
        Kind::Result(reference) => result(&rows(study, ladders, reference)?, reference),
        Kind::Negative(inner) => Ok(joined(Operator::Minus, Figure::constant(0.0), of(inner)?)),
        Kind::Call(function, arguments) => {
            let arguments: Vec<Figure> = arguments.iter().map(of).collect::<Result<_, _>>()?;
            Ok(call(*function, &arguments))
        }
        Kind::Join(operator, left, right) => Ok(joined(*operator, of(left)?, of(right)?)),
        Kind::Within(_) => Err(vec!["a comparison stands where a figure should".into()]),
    }
}

fn result(rows: &[&Row], reference: &Reference) -> Result<Figure, Vec<String>> {
    let name = &reference.metric.text;
    let unit = rows.iter().find_map(|row| value(row, reference)).map_or(Unit::Number, |(_, unit)| unit);
    let values = by_replicate(rows, &|row| Some(value(row, reference)?.0));
    let whole = rows.iter().all(|row| value(row, reference).is_some_and(|(value, _)| value.is_finite()));
    let sample = Sample::of(&values.iter().map(|(_, value)| *value).collect::<Vec<_>>()).filter(|_| whole);
    let sample = sample.ok_or_else(|| vec![format!("{}: its {name} is not finite", reference.pipeline.text)])?;
    let Some(word) = &reference.aggregate else {
        let each: BTreeMap<u32, f64> = values.iter().copied().collect();
        // Pairs of replicates are paired with nothing.
        let each = if each.len() == values.len() { Each::Replicates(each) } else { Each::Mixed };
        return Ok(Figure { unit, value: sample.mean, n: Some(sample.n), each });
    };
    let unknown = || vec![format!("replicates have no {:?}", word.text)];
    let aggregate = Aggregate::named(&word.text).ok_or_else(unknown)?;
    let value = match aggregate {
        Aggregate::Min => sample.least,
        Aggregate::Max => sample.greatest,
        Aggregate::N => sample.n as f64,
        Aggregate::Std => {
            sample.deviation.ok_or_else(|| vec![format!("{}: one replicate has no std", reference.pipeline.text)])?
        }
    };
    Ok(Figure { unit: aggregate.unit(unit), value, n: Some(sample.n), each: Each::Mixed })
}

/// The figure of two that an operator joins.
pub(super) fn joined(operator: Operator, left: Figure, right: Figure) -> Figure {
    let combine = |a: f64, b: f64| match operator {
        Operator::Plus => a + b,
        Operator::Minus => a - b,
        Operator::Times => a * b,
        Operator::Over => a / b,
        // What is compared or joined by logic is no figure; `check` does not let it through.
        _ => f64::NAN,
    };
    let additive = matches!(operator, Operator::Plus | Operator::Minus);
    let scaled = |each: &BTreeMap<u32, f64>, by: &dyn Fn(f64) -> f64| {
        Each::Replicates(each.iter().map(|(replicate, value)| (*replicate, by(*value))).collect())
    };
    let each = match (&left.each, &right.each) {
        (Each::Constant, Each::Constant) => Each::Constant,
        (Each::Replicates(each), Each::Constant) => scaled(each, &|value| combine(value, right.value)),
        (Each::Constant, Each::Replicates(each)) if operator != Operator::Over => {
            scaled(each, &|value| combine(left.value, value))
        }
        (Each::Replicates(one), Each::Replicates(other)) if additive && one.keys().eq(other.keys()) => {
            let pairs = one.iter().zip(other.values());
            Each::Replicates(pairs.map(|((replicate, a), b)| (*replicate, combine(*a, *b))).collect())
        }
        _ => Each::Mixed,
    };
    let n = left.n.into_iter().chain(right.n).min();
    Figure { unit: operator.unit(left.unit, right.unit), value: combine(left.value, right.value), n, each }
}

fn call(function: Function, arguments: &[Figure]) -> Figure {
    let unit = arguments.iter().fold(Unit::Number, |unit, figure| unit.joined(figure.unit).unwrap_or(unit));
    let values = arguments.iter().map(|figure| figure.value);
    let value = match function {
        Function::Min => values.reduce(f64::min),
        Function::Max => values.reduce(f64::max),
        Function::Abs => arguments.last().map(|figure| figure.value.abs()),
    };
    let n = arguments.iter().filter_map(|figure| figure.n).min();
    Figure { unit, value: value.unwrap_or(f64::NAN), n, each: if n.is_none() { Each::Constant } else { Each::Mixed } }
}

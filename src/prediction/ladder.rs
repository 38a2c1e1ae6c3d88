//! Which tickets an experiment has, and which of them a reference means.

use std::cmp::Reverse;

use super::{Fault, Place, Reference};
use crate::nearest::{Hint, did_you_mean};
use crate::units::percent;

/// The tickets of one pipeline that have the same level and the same weights: replicates and draws of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung<'a> {
    pub variant: &'a str,
    pub pipeline: &'a str,
    pub level: u32,
    pub kept: usize,
    pub prunable: usize,
    /// Which of those that nothing else tells apart: 0 is the first.
    pub branch: u32,
}

/// The tickets of an experiment, each pipeline's from the most weights to the fewest.
pub struct Ladder<'a>(Vec<Rung<'a>>);

/// Tickets that a help line names.
const NAMED: usize = 24;

impl<'a> Ladder<'a> {
    pub fn new(rungs: impl IntoIterator<Item = Rung<'a>>) -> Ladder<'a> {
        let mut rungs: Vec<Rung<'a>> = rungs.into_iter().collect();
        let key = |rung: &Rung<'a>| (rung.variant, rung.pipeline, Reverse(rung.kept), rung.level, rung.branch);
        rungs.sort_unstable_by_key(key);
        rungs.dedup();
        Ladder(rungs)
    }

    /// The one rung that is meant, or why there is none or more than one.
    pub fn find(&self, reference: &Reference) -> Result<Rung<'a>, Fault> {
        let pipeline = reference.pipeline.text.as_str();
        let rungs: Vec<Rung<'a>> = self.0.iter().filter(|rung| rung.pipeline == pipeline).copied().collect();
        let rungs = of_variant(reference, rungs)?;
        match (&reference.place, rungs.as_slice()) {
            (_, []) => {
                let fault = Fault::new(reference.pipeline.span.clone(), format!("`{pipeline}` has no ticket"));
                Err(fault.help("let it evaluate one: end it with `train = {}`"))
            }
            (None, [only]) => Ok(*only),
            (None, _) => {
                let message = format!("`{pipeline}` has {} tickets: which one is meant?", rungs.len());
                let end =
                    reference.aggregate.as_ref().or(reference.point.as_ref()).unwrap_or(&reference.metric).span.end;
                let fault = Fault::new(reference.pipeline.span.start..end, message);
                Err(fault.help(format!("add a place: {}", places(&rungs, "@", false))))
            }
            (Some((place, span)), [first, ..]) => {
                let by_level = matches!(place, Place::Level(_));
                let last = rungs.last().unwrap_or(first);
                let is_meant = |rung: &&Rung| match place {
                    Place::First => rung.is_beside(first),
                    Place::Last => rung.is_beside(last),
                    _ => rung.is_at(place),
                };
                let found: Vec<Rung<'a>> = rungs.iter().filter(is_meant).copied().collect();
                match found.as_slice() {
                    [only] => Ok(*only),
                    [] => {
                        let near = rungs.iter().min_by(|a, b| a.distance(place).total_cmp(&b.distance(place)));
                        let message = format!("`{pipeline}` has no ticket at {place}");
                        let tickets = format!("its tickets: {}", places(&rungs, "", by_level));
                        let fault = Fault::new(span.clone(), message);
                        Err(match near.map(|near| near.place(&rungs, by_level)) {
                            Some(near) => fault.hint(Hint::meant(&place.to_string(), &near, tickets)),
                            None => fault.help(tickets),
                        })
                    }
                    [one, others @ ..] if others.iter().any(|other| other.is_beside(one)) => {
                        let message = format!("branches of `{pipeline}` keep equally many weights at {place}");
                        Err(Fault::new(span.clone(), message).help("make each branch a pipeline of its own"))
                    }
                    several => {
                        let message = format!("{} tickets of `{pipeline}` are at {place}", several.len());
                        Err(Fault::new(span.clone(), message)
                            .help(format!("say which: {}", places(several, "", by_level))))
                    }
                }
            }
        }
    }
}

/// The rungs of the variant that a reference names, or of the only one that there is.
fn of_variant<'a>(reference: &Reference, rungs: Vec<Rung<'a>>) -> Result<Vec<Rung<'a>>, Fault> {
    let mut variants: Vec<&str> = rungs.iter().map(|rung| rung.variant).collect();
    variants.dedup();
    let list = || variants.iter().map(|variant| format!("[{variant}]")).collect::<Vec<_>>().join(", ");
    match (&reference.variant, variants.as_slice()) {
        (None, [] | [_]) => Ok(rungs),
        (None, _) => {
            let message = format!("`{}` has {} variants: which one is meant?", reference.pipeline.text, variants.len());
            let help = format!("name it after the pipeline: {}", list());
            Err(Fault::new(reference.pipeline.span.clone(), message).help(help))
        }
        (Some(word), [] | [""]) => {
            let fault = Fault::new(word.span.clone(), "this experiment has no variants");
            Err(fault.help("leave the brackets out"))
        }
        (Some(word), _) if variants.contains(&word.text.as_str()) => {
            Ok(rungs.into_iter().filter(|rung| rung.variant == word.text).collect())
        }
        (Some(word), _) => {
            let fault = Fault::new(word.span.clone(), format!("no variant is named `{}`", word.text));
            let variants = did_you_mean(&word.text, "variants", variants.iter().copied());
            Err(fault.hint(variants))
        }
    }
}

/// How each of these is told apart, after `sign`.
fn places(rungs: &[Rung<'_>], sign: &str, by_level: bool) -> String {
    let mut named: Vec<String> =
        rungs.iter().take(NAMED).map(|rung| format!("{sign}{}", rung.place(rungs, by_level))).collect();
    if rungs.len() > NAMED {
        named.push("…".to_string());
    }
    named.join(", ")
}

impl Rung<'_> {
    pub fn weights_remaining(&self) -> f64 {
        self.kept as f64 / self.prunable.max(1) as f64
    }

    /// Whether only their branches tell them apart.
    fn is_beside(&self, other: &Rung<'_>) -> bool {
        (self.level, self.kept) == (other.level, other.kept)
    }

    fn is_at(&self, place: &Place) -> bool {
        match place {
            Place::Level(level) => self.level == *level,
            Place::Percent(text) => self.rounds_to(text),
            Place::First | Place::Last => false,
        }
    }

    /// Whether the weights remaining, in %, round to this decimal, half up, with as many digits as it has.
    fn rounds_to(&self, text: &str) -> bool {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        // Finer than any count of weights; products stay below 2^128.
        if fraction.len() > 12 {
            return false;
        }
        let Ok(written) = format!("{whole}{fraction}").parse::<u128>() else { return false };
        let scale = 100 * 10u128.pow(fraction.len() as u32);
        let prunable = self.prunable.max(1) as u128;
        (2 * self.kept as u128 * scale + prunable) / (2 * prunable) == written
    }

    fn distance(&self, place: &Place) -> f64 {
        match place {
            Place::Level(level) => f64::from(self.level.abs_diff(*level)),
            Place::Percent(text) => (100.0 * self.weights_remaining() - text.parse().unwrap_or(f64::NAN)).abs(),
            Place::First | Place::Last => 0.0,
        }
    }

    /// The shortest place that means this rung alone among the others: by weights remaining or by level, the other
    /// where that does not tell it apart.
    fn place(&self, others: &[Rung<'_>], by_level: bool) -> String {
        let alone = |place: &Place| self.is_at(place) && others.iter().filter(|other| other.is_at(place)).count() == 1;
        let short = Place::Percent(percent(self.weights_remaining()).trim_end_matches('%').to_string());
        let level = Place::Level(self.level);
        let finer = |digits: usize| Place::Percent(format!("{:.digits$}", 100.0 * self.weights_remaining()));
        let first = if by_level { [level, short] } else { [short, level] };
        let place = first.into_iter().chain((2..=6).map(finer)).find(alone);
        place.unwrap_or(finer(6)).to_string()
    }
}

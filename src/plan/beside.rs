//! Which tickets an analysis compares with the one that it forks from.

use std::collections::HashMap;

use super::cursor::{Cursor, Walked};
use crate::spec::Fork;
use crate::spec::node::Error;

/// Where pipelines' tickets stood in the replicates so far, the last of which is being planned.
#[derive(Default)]
pub struct Earlier<'a>(HashMap<&'a str, Vec<Vec<Cursor<'a>>>>);

impl<'a> Earlier<'a> {
    pub fn add(&mut self, pipeline: &'a str, walked: &Walked<'a>) {
        self.0.entry(pipeline).or_default().push(walked.trained.clone());
    }

    /// The starts of a fork that compares, each with one other, and so as often as it has others. Of another pipeline, the
    /// ticket of the same replicate whose weights remaining are nearest; of the same, each ticket of the same level and
    /// as many weights in the replicates before. A comparison waits for its own two tickets, and for the stop rules ahead
    /// of them: where one of a pair is not there, the other pairs are.
    pub fn beside(&self, fork: &Fork, starts: Vec<Cursor<'a>>) -> Result<Vec<Cursor<'a>>, Error> {
        let Some(with) = &fork.with else { return Ok(starts) };
        let walked = self.0.get(with.as_str()).map_or(&[][..], Vec::as_slice);
        if walked.last().is_none_or(Vec::is_empty) {
            let error =
                Error::new(&fork.with_origin, format!("{with:?} has no ticket to compare with")).absent("a ticket");
            return Err(error.help("compare with a pipeline that trains or evaluates"));
        }
        let others = |start: &Cursor<'a>| -> Vec<Cursor<'a>> {
            if *with == fork.each {
                let same = |other: &&Cursor<'a>| alike(other) == alike(start);
                let before = walked.iter().flatten().filter(|other| other.replicate < start.replicate);
                return before.filter(same).cloned().collect();
            }
            let own = walked.last().into_iter().flatten();
            own.min_by_key(|other| other.ahead.kept().abs_diff(start.ahead.kept())).cloned().into_iter().collect()
        };
        let joined = |(start, other): (&Cursor<'a>, Cursor<'a>)| {
            let mut start = start.clone();
            start.ahead.beside = true;
            start.other = other.at;
            start.gates.extend(other.gates);
            start
        };
        let pairs = starts.iter().flat_map(|start| others(start).into_iter().map(move |other| (start, other)));
        Ok(pairs.map(joined).collect())
    }
}

fn alike(cursor: &Cursor<'_>) -> (u32, u32, usize) {
    (cursor.ahead.level, cursor.draw, cursor.ahead.kept())
}

//! What a caption must say of the numbers behind its figure: how many replicates, what the bars are, what is absent.

use std::collections::{BTreeMap, BTreeSet};

use super::points::{Summary, summarise};
use crate::record::{Row, Status};

/// Counts what a figure draws, and what it cannot draw, while it is being drawn.
#[derive(Default)]
pub(super) struct Tally {
    /// Least and greatest number of replicates behind a point.
    replicates: Option<(usize, usize)>,
    /// Tickets without a value, by reason; a ticket that is looked at twice counts once.
    absent: BTreeMap<&'static str, BTreeSet<Ticket>>,
    repeated_draws: bool,
    /// What is counted are pairs of replicates that an analysis compared.
    pairs: bool,
}

/// Which ticket a row stands for: variant, pipeline, replicate and the one that it is compared with, kept weights, level,
/// branch, draw.
type Ticket = (String, String, (u32, Option<u32>), usize, u32, u32, u32);

impl Tally {
    /// `summarise`, counted.
    pub fn summary(&mut self, rows: &[&Row], value: &dyn Fn(&Row) -> Option<f64>) -> Option<Summary> {
        for row in rows {
            self.repeated_draws |= row.draw > 0;
            self.pairs |= row.other_replicate.is_some();
            if value(row).is_none_or(|value| !value.is_finite()) {
                self.absent.entry(reason(&row.status)).or_default().insert(ticket(row));
            }
        }
        let summary = summarise(rows, value)?;
        let (least, most) = self.replicates.unwrap_or((summary.n, summary.n));
        self.replicates = Some((least.min(summary.n), most.max(summary.n)));
        Some(summary)
    }

    /// n and the kind of bar: "Mean of 3 replicates; bars from the least to the greatest."
    pub fn bars(&self) -> String {
        let (one, _, each) = self.counted();
        let bars = match self.replicates {
            Some((_, 1)) => format!("{one}, so no bars."),
            _ => format!("{}; bars from the least to the greatest {}.", self.mean(), each),
        };
        let draws =
            if self.repeated_draws { " A control's draws are averaged within their replicate first." } else { "" };
        bars + draws
    }

    /// n alone: "Mean of 3 replicates".
    pub fn mean(&self) -> String {
        let (one, several, each) = self.counted();
        match self.replicates {
            None => format!("No {each}"),
            Some((least, most)) if least < most => format!("Mean of {least} to {most} {several}"),
            Some((_, 1)) => one.into(),
            Some((_, n)) => format!("Mean of {n} {several}"),
        }
    }

    /// What n counts: one, several, each of them.
    fn counted(&self) -> (&'static str, &'static str, &'static str) {
        match self.pairs {
            true => ("One pair of replicates", "pairs of replicates", "pair"),
            false => ("One replicate", "replicates", "replicate"),
        }
    }

    /// What is left out and why, with a space before; "" where nothing is.
    pub fn absent(&self) -> String {
        if self.absent.is_empty() {
            return String::new();
        }
        let all: usize = self.absent.values().map(BTreeSet::len).sum();
        let reasons: Vec<String> =
            self.absent.iter().map(|(reason, tickets)| format!("{} {reason}", tickets.len())).collect();
        format!(" Left out: {all} {}: {}.", if all == 1 { "ticket" } else { "tickets" }, reasons.join(", "))
    }
}

fn ticket(row: &Row) -> Ticket {
    let replicates = (row.replicate, row.other_replicate);
    (row.variant.clone(), row.pipeline.clone(), replicates, row.kept_weights, row.level, row.branch, row.draw)
}

fn reason(status: &Status) -> &'static str {
    match status {
        Status::Done => "without a score",
        Status::Diverged => "diverged",
        Status::FollowsDiverged => "after a divergence",
        Status::Stopped => "beyond its stop rule",
        Status::Missing => "not run yet",
        Status::Failed(_) => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::{row, scored};

    fn accuracy(row: &Row) -> Option<f64> {
        row.scores().map(|scores| scores.test_accuracy)
    }

    #[test]
    fn a_caption_says_how_many_are_absent_and_why() {
        let rows = [
            scored(row("imp", 0, 1, 512), 0.5, 100),
            Row { status: Status::Missing, ..row("imp", 1, 1, 512) },
            Row { status: Status::Diverged, ..row("imp", 2, 1, 512) },
            Row { status: Status::Diverged, ..row("imp", 3, 1, 512) },
        ];
        let mut tally = Tally::default();
        for _ in 0..2 {
            tally.summary(&rows.iter().collect::<Vec<_>>(), &accuracy);
        }
        assert_eq!(tally.absent(), " Left out: 3 tickets: 2 diverged, 1 not run yet.");
        assert_eq!(tally.bars(), "One replicate, so no bars.");
    }

    #[test]
    fn pairs_that_an_analysis_compared_are_counted_as_such() {
        let pair = |other| Row { other_replicate: Some(other), ..scored(row("imp", 2, 1, 512), 0.5, 100) };
        let (pairs, mut tally) = ([pair(0), pair(1)], Tally::default());
        tally.summary(&pairs.iter().collect::<Vec<_>>(), &accuracy);
        assert_eq!(tally.bars(), "Mean of 2 pairs of replicates; bars from the least to the greatest pair.");
    }

    #[test]
    fn a_caption_says_where_replicates_differ_in_number() {
        let rows = [0, 1, 2].map(|replicate| scored(row("imp", replicate, 1, 512), 0.5, 100));
        let rows: Vec<&Row> = rows.iter().collect();
        let mut tally = Tally::default();
        tally.summary(&rows, &accuracy);
        assert_eq!(tally.bars(), "Mean of 3 replicates; bars from the least to the greatest replicate.");
        assert_eq!(tally.absent(), "");
        tally.summary(&rows[..2], &accuracy);
        assert_eq!(tally.bars(), "Mean of 2 to 3 replicates; bars from the least to the greatest replicate.");
    }
}

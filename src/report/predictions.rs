//! Judges what the author expected: holds, fails, or not judged and why.

use indexmap::IndexSet;
use serde::Serialize;

use super::condition::Condition;
use super::evaluate::{Ladders, figure, ladders, rows};
use crate::prediction::{Expression, Kind, Operator, parse};
use crate::record::{PredictionFacts, Study};

/// A prediction and what became of it.
#[derive(Serialize)]
pub struct Judgement<'a> {
    pub claim: &'a str,
    pub expect: &'a str,
    pub outcome: Outcome,
    /// The comparisons that it is made of, in the order written; none where it is not judged.
    pub conditions: Vec<Condition>,
    /// Why it is not judged.
    pub why: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Holds,
    Fails,
    NotJudged,
}

impl Outcome {
    pub fn words(self) -> &'static str {
        match self {
            Outcome::Holds => "holds",
            Outcome::Fails => "fails",
            Outcome::NotJudged => "not judged",
        }
    }
}

/// Every prediction of a study, in the order of the spec.
pub fn judge(study: &Study) -> Vec<Judgement<'_>> {
    let ladders = ladders(study);
    study.header.predictions.iter().map(|facts| judgement(study, &ladders, facts)).collect()
}

/// "9 hold, 1 fails, 2 are not judged".
pub fn tally(judged: &[Judgement]) -> String {
    let count = |outcome| judged.iter().filter(|judgement| judgement.outcome == outcome).count();
    let [holds, fails, open] = [Outcome::Holds, Outcome::Fails, Outcome::NotJudged].map(count);
    let mut parts = vec![format!("{holds} {}", if holds == 1 { "holds" } else { "hold" })];
    parts.push(format!("{fails} {}", if fails == 1 { "fails" } else { "fail" }));
    if open > 0 {
        parts.push(format!("{open} {} not judged", if open == 1 { "is" } else { "are" }));
    }
    parts.join(", ")
}

fn judgement<'a>(study: &Study, ladders: &Ladders, facts: &'a PredictionFacts) -> Judgement<'a> {
    let (claim, expect) = (facts.claim.as_str(), facts.expect.as_str());
    match judged(study, ladders, expect) {
        Ok((true, conditions)) => Judgement { claim, expect, outcome: Outcome::Holds, conditions, why: Vec::new() },
        Ok((false, conditions)) => Judgement { claim, expect, outcome: Outcome::Fails, conditions, why: Vec::new() },
        Err(why) => Judgement { claim, expect, outcome: Outcome::NotJudged, conditions: Vec::new(), why },
    }
}

/// Whether an expectation holds, with its comparisons, or why that cannot be said.
fn judged(study: &Study, ladders: &Ladders, expect: &str) -> Result<(bool, Vec<Condition>), Vec<String>> {
    let expression = parse(expect).map_err(|faults| faults.into_iter().map(|f| f.message).collect::<Vec<_>>())?;
    // Every ticket that is lacking is named, each once, and not the first alone.
    let lacking = |reference| rows(study, ladders, reference).err().unwrap_or_default();
    let why: IndexSet<String> = expression.references().into_iter().flat_map(lacking).collect();
    if !why.is_empty() {
        return Err(why.into_iter().collect());
    }
    let mut conditions = Vec::new();
    let holds = truth(study, ladders, &expression, &mut conditions)?;
    Ok((holds, conditions))
}

fn truth(study: &Study, ladders: &Ladders, claim: &Expression, into: &mut Vec<Condition>) -> Result<bool, Vec<String>> {
    let of = |part: &Expression| figure(study, ladders, part);
    let condition = match &claim.kind {
        Kind::Join(operator, left, right) if operator.is_logic() => {
            // Both sides, so that a report shows every figure.
            let (left, right) = (truth(study, ladders, left, into)?, truth(study, ladders, right, into)?);
            return Ok(if *operator == Operator::And { left && right } else { left || right });
        }
        Kind::Join(operator, left, right) if operator.is_comparison() => {
            Condition::compared(*operator, of(left)?, of(right)?)
        }
        Kind::Within(within) => Condition::near(of(&within.value)?, of(&within.tolerance)?, of(&within.target)?),
        _ => return Err(vec!["this is a figure: there is nothing to judge".into()]),
    };
    if !condition.is_finite() {
        return Err(vec![format!("`{claim}`: its figure is not finite, as a division by 0 is")]);
    }
    let holds = condition.holds;
    into.push(Condition { expect: claim.to_string(), ..condition });
    Ok(holds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::{row, scored, study};
    use crate::record::{Row, Status};

    /// Dense at 0.75 and 0.77, IMP at level 1 (50%) at 0.76 and 0.80, stopping at half of dense's iteration.
    fn rows() -> Vec<Row> {
        vec![
            scored(row("dense", 0, 0, 1024), 0.75, 1000),
            scored(row("dense", 1, 0, 1024), 0.77, 2000),
            scored(row("imp", 0, 1, 512), 0.76, 500),
            scored(row("imp", 1, 1, 512), 0.80, 1000),
        ]
    }

    fn judged(rows: Vec<Row>, expect: &str) -> (Outcome, String) {
        let mut study = Study { rows, ..study() };
        study.header.predictions = vec![PredictionFacts { claim: "x".into(), expect: expect.into() }];
        let judged = judge(&study);
        let told = |c: &Condition| format!("{} {} {} n {}", c.found_text, c.bound_text, c.interval_text, c.n);
        let text = judged[0].conditions.iter().map(told).chain(judged[0].why.iter().cloned()).collect::<Vec<_>>();
        (judged[0].outcome, text.join("; "))
    }

    #[track_caller]
    fn holds(expect: &str, told: &str) {
        assert_eq!(judged(rows(), expect), (Outcome::Holds, told.to_string()), "{expect}");
    }

    #[track_caller]
    fn fails(expect: &str, told: &str) {
        assert_eq!(judged(rows(), expect), (Outcome::Fails, told.to_string()), "{expect}");
    }

    #[test]
    fn a_difference_is_told_in_points_with_the_interval_of_its_replicates() {
        // Paired: 0.01 and 0.03; mean 0.02, t with 1 degree of freedom 12.706: ± 12.706 × 0.01 (0.014142 ÷ √2).
        holds(
            "imp.test_accuracy@50% - dense.test_accuracy >= 0.3%",
            "+2.00 points ≥ +0.30 points 95% interval −10.71 to +14.71 points n 2",
        );
        fails(
            "imp.test_accuracy >= dense.test_accuracy + 0.021",
            "78.00% ≥ 78.10% 95% interval of the difference −12.81 to +12.61 points n 2",
        );
    }

    #[test]
    fn a_ratio_is_of_means_and_has_no_interval() {
        // 750 ÷ 1500; the mean of the ratios is a half, too, of 500 ÷ 1000 and 1000 ÷ 2000, that of 1 ÷ them is 2.
        holds("dense.early_stop_iteration / imp.early_stop_iteration@level 1 >= 1.5", "2.00 ≥ 1.50  n 2");
        holds(
            "imp.early_stop_iteration <= 50% * dense.early_stop_iteration",
            "750 ≤ 750 95% interval of the difference 0 to 0 n 2",
        );
    }

    #[test]
    fn exactly_the_bound_is_at_it_and_not_beyond_it() {
        // 0.78 − 0.76 is a little more than 0.02 in binary, 0.76 − 0.78 a little less than −0.02.
        for (expect, truth) in [
            ("imp.test_accuracy - dense.test_accuracy <= 0.02", Outcome::Holds),
            ("imp.test_accuracy - dense.test_accuracy >= 0.02", Outcome::Holds),
            ("imp.test_accuracy - dense.test_accuracy > 0.02", Outcome::Fails),
            ("imp.test_accuracy - dense.test_accuracy < 0.02", Outcome::Fails),
            ("imp.test_accuracy within 2% of dense.test_accuracy", Outcome::Holds),
            ("imp.test_accuracy within 1.99% of dense.test_accuracy", Outcome::Fails),
        ] {
            assert_eq!(judged(rows(), expect).0, truth, "{expect}");
        }
    }

    #[test]
    fn figures_of_the_replicates_and_functions() {
        holds("imp.test_accuracy.min > dense.test_accuracy.max - 2%", "76.00% > 75.00%  n 2");
        holds(
            "imp.test_accuracy.std < 3% and imp.test_accuracy.n > 1",
            "+2.83 points < +3.00 points  n 2; 2.00 > 1.00  n 2",
        );
        holds("max(imp.test_accuracy, dense.test_accuracy, 0.5) within 1% of 78%", "78.00% 78.00% ± 1.00 points  n 2");
        fails("abs(dense.test_accuracy - imp.test_accuracy) <= 0.01", "+2.00 points ≤ +1.00 points  n 2");
        holds("imp.weights_remaining <= 50%", "50.00% ≤ 50.00% 95% interval 50.00 to 50.00% n 2");
    }

    #[test]
    fn what_differs_looks_different_and_a_bound_is_told_as_written() {
        fails("dense.test_accuracy > 0.760004", "76.0000% > 76.0004% 95% interval 63.2938 to 88.7062% n 2");
    }

    #[test]
    fn all_comparisons_are_told_whichever_decides() {
        let told =
            "78.00% > 90.00% 95% interval 52.59 to 103.41% n 2; 76.00% > 50.00% 95% interval 63.29 to 88.71% n 2";
        holds("imp.test_accuracy > 0.9 or dense.test_accuracy > 0.5", told);
        fails("imp.test_accuracy > 0.9 and dense.test_accuracy > 0.5", told);
    }

    #[test]
    fn draws_are_averaged_within_their_replicate() {
        let mut rows = rows();
        rows.extend(
            [0.70, 0.74]
                .into_iter()
                .zip(0..)
                .map(|(accuracy, draw)| Row { draw, ..scored(row("control", 0, 1, 512), accuracy, 9) }),
        );
        rows.push(scored(row("control", 1, 1, 512), 0.80, 9));
        assert_eq!(judged(rows, "control.test_accuracy within 0.0001% of 76%").0, Outcome::Holds);
    }

    #[test]
    fn a_prediction_whose_tickets_are_not_all_there_is_not_judged_and_says_which() {
        let with = |status: Status| {
            let mut rows = rows();
            rows[3] = Row { status, ..row("imp", 1, 1, 512) };
            judged(rows, "imp.test_accuracy@50% > 0 and imp.level@50% < 9 and dense.level@level 0 < 1")
        };
        for (status, why) in [
            (Status::Missing, "missing: not run yet"),
            (Status::Failed("out of memory".into()), "failed: out of memory"),
            (Status::FollowsDiverged, "not run: follows a ticket that diverged"),
            (Status::Stopped, "not run: beyond its pipeline's stop rule"),
        ] {
            assert_eq!(with(status), (Outcome::NotJudged, format!("imp@50%, replicate 1: {why}")));
        }
        let absent = judged(rows(), "imp.test_accuracy@25% > other.test_accuracy");
        assert_eq!(absent, (Outcome::NotJudged, "`imp` has no ticket at 25%; `other` has no ticket".into()));
    }

    #[test]
    fn what_is_not_finite_is_not_judged() {
        let (outcome, why) = judged(rows(), "1 / (imp.level - 1) > 0");
        assert!(outcome == Outcome::NotJudged && why.contains("not finite"), "{why}");
        let mut rows = rows();
        rows.truncate(1);
        let (outcome, why) = judged(rows, "dense.test_accuracy.std < 1%");
        assert!(outcome == Outcome::NotJudged && why.contains("one replicate"), "{why}");
    }

    #[test]
    fn the_tally_counts_outcomes() {
        let mut study = Study { rows: rows(), ..study() };
        let expect = |expect: &str| PredictionFacts { claim: String::new(), expect: expect.into() };
        study.header.predictions =
            ["dense.level < 1", "dense.level > 1", "x.level > 1", "y.level > 1"].map(expect).into();
        assert_eq!(tally(&judge(&study)), "1 holds, 1 fails, 2 are not judged");
    }
}

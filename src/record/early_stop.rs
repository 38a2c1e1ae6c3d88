//! By which rule a training's early stop is chosen.

use std::collections::HashSet;
use std::fmt;

use indexmap::{IndexMap, IndexSet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which of a training's evaluations, after iteration 0, is its early stop; of equal ones the earliest. It chooses what is
/// reported, and nothing that follows: the next stage takes the final weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EarlyStop {
    /// The one of least validation loss; where no examples validate, the final one.
    #[default]
    ValidationLoss,
    /// The one of highest validation accuracy.
    ValidationAccuracy,
    /// The final one.
    Final,
    /// The one of highest test accuracy: it selects on test data, as Ramanujan et al. 2020 do, and the report says so.
    TestAccuracy,
}

impl EarlyStop {
    /// The rule that decides where so many examples validate.
    pub fn effective(self, validation: u64) -> EarlyStop {
        if self == EarlyStop::ValidationLoss && validation == 0 { EarlyStop::Final } else { self }
    }

    pub fn is_usual(&self) -> bool {
        *self == EarlyStop::default()
    }
}

impl fmt::Display for EarlyStop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EarlyStop::ValidationLoss => "the evaluation of least validation loss",
            EarlyStop::ValidationAccuracy => "the evaluation of highest validation accuracy",
            EarlyStop::Final => "the training's end",
            EarlyStop::TestAccuracy => "the evaluation of highest test accuracy",
        })
    }
}

/// The pipelines whose tickets follow a rule, in their order, each once: `imp`, or, where those of some variants do not,
/// `imp[width=2]`. Tickets are variants, pipelines and rules.
pub fn following(rule: EarlyStop, tickets: &[(&str, &str, EarlyStop)]) -> Vec<String> {
    let follows = |ticket: &&(&str, &str, EarlyStop)| ticket.2 == rule;
    let mixed: HashSet<&str> = tickets.iter().filter(|ticket| !follows(ticket)).map(|ticket| ticket.1).collect();
    let name = |(variant, pipeline, _): &(&str, &str, EarlyStop)| match mixed.contains(pipeline) {
        true if !variant.is_empty() => format!("{pipeline}[{variant}]"),
        _ => pipeline.to_string(),
    };
    let names: IndexSet<String> = tickets.iter().filter(follows).map(name).collect();
    names.into_iter().collect()
}

/// What must be said wherever test data select; `None` where they do not.
pub fn selected_on_test(tickets: &[(&str, &str, EarlyStop)]) -> Option<String> {
    let names = following(EarlyStop::TestAccuracy, tickets);
    (!names.is_empty()).then(|| warning(&names.join(", ")))
}

/// The same, where it would be a long line: of a sweep in which some tickets follow the rule and some do not, each variant
/// with its pipelines is a line of its own, as "width=2: dense, imp".
pub fn selected_on_test_in_lines(tickets: &[(&str, &str, EarlyStop)]) -> Option<(String, Vec<String>)> {
    let names = following(EarlyStop::TestAccuracy, tickets);
    let mut variants: IndexMap<&str, IndexSet<&str>> = IndexMap::new();
    for (variant, pipeline, _) in tickets.iter().filter(|(.., rule)| *rule == EarlyStop::TestAccuracy) {
        variants.entry(variant).or_default().insert(pipeline);
    }
    let pipelines: IndexSet<&str> = variants.values().flatten().copied().collect();
    match names.iter().all(|name| pipelines.contains(name.as_str())) {
        true => selected_on_test(tickets).map(|said| (said, Vec::new())),
        false => {
            let line = |(variant, of): (&str, IndexSet<&str>)| {
                format!("{variant}: {}", of.into_iter().collect::<Vec<_>>().join(", "))
            };
            Some((warning("some variants' tickets"), variants.into_iter().map(line).collect()))
        }
    }
}

fn warning(whose: &str) -> String {
    format!(
        "test data select the early stop of {whose}: test accuracies there are the best of many looks at the test set, \
         and higher than those of new data would be"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_examples_validate_the_usual_early_stop_is_the_end() {
        assert_eq!(EarlyStop::ValidationLoss.effective(0), EarlyStop::Final);
        assert_eq!(EarlyStop::ValidationLoss.effective(1), EarlyStop::ValidationLoss);
        assert_eq!(EarlyStop::TestAccuracy.effective(0), EarlyStop::TestAccuracy);
    }

    #[test]
    fn a_pipeline_is_named_with_its_variants_where_not_all_follow_the_rule() {
        let (usual, test) = (EarlyStop::ValidationLoss, EarlyStop::TestAccuracy);
        let tickets = [("a", "dense", usual), ("a", "imp", usual), ("b", "dense", test), ("b", "imp", test)];
        assert_eq!(following(test, &tickets), ["dense[b]", "imp[b]"]);
        assert_eq!(following(test, &[("", "dense", usual), ("", "imp", test), ("", "imp", test)]), ["imp"]);
        assert!(selected_on_test(&tickets[..2]).is_none());
        assert!(selected_on_test(&tickets).is_some_and(|said| said.contains("of dense[b], imp[b]: ")));
    }

    #[test]
    fn in_lines_each_variant_has_one_where_not_all_tickets_follow_the_rule() {
        let (usual, test) = (EarlyStop::ValidationLoss, EarlyStop::TestAccuracy);
        let of = |tickets: &[_]| selected_on_test_in_lines(tickets);
        assert_eq!(of(&[("a", "imp", usual)]), None);
        let (said, lines) = of(&[("a", "imp", test), ("b", "imp", test), ("a", "dense", usual)]).unwrap();
        assert!(said.contains("early stop of imp: ") && lines.is_empty(), "{said}");
        let mixed =
            [("a", "imp", usual), ("b", "dense", test), ("b", "imp", test), ("b", "imp", test), ("c", "imp", test)];
        let (said, lines) = of(&mixed).unwrap();
        assert!(said.contains("early stop of some variants' tickets: "), "{said}");
        assert_eq!(lines, ["b: dense, imp", "c: imp"]);
    }
}

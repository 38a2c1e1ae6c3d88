//! How early stops are chosen, and what a reader must be told of it.

use crate::record::{EarlyStop, Study, following, selected_on_test};

/// Of each ticket that was trained, its variant, pipeline and rule.
fn tickets(study: &Study) -> Vec<(&str, &str, EarlyStop)> {
    let trained = study.rows.iter().filter(|row| row.is_trained());
    trained.map(|row| (row.variant.as_str(), row.pipeline.as_str(), row.early_stop)).collect()
}

/// A sentence where test data select.
pub(super) fn warning(study: &Study) -> Option<String> {
    selected_on_test(&tickets(study)).map(|said| format!("{}{}.", said[..1].to_uppercase(), &said[1..]))
}

const UNTRAINED: &str = "Nothing is trained: tickets are evaluated as they are, and nothing chooses among evaluations.";

/// What the methods say of early stop.
pub(super) fn method(study: &Study) -> String {
    let tickets = tickets(study);
    if tickets.is_empty() && !study.rows.is_empty() {
        return UNTRAINED.into();
    }
    let rules = [EarlyStop::ValidationLoss, EarlyStop::ValidationAccuracy, EarlyStop::Final, EarlyStop::TestAccuracy];
    let found = rules.map(|rule| (rule, following(rule, &tickets)));
    let found: Vec<_> = found.into_iter().filter(|(_, names)| !names.is_empty()).collect();
    let told = match found.as_slice() {
        [] => EarlyStop::default().to_string(),
        [(only, _)] => only.to_string(),
        several => {
            let each = several.iter().map(|(rule, names)| format!("{rule} ({})", names.join(", ")));
            each.collect::<Vec<_>>().join("; ")
        }
    };
    let chooses = match found.iter().find(|(rule, _)| *rule == EarlyStop::TestAccuracy) {
        None => "Test data is evaluated on those weights and on the final ones only, and chooses nothing.".to_string(),
        Some((_, names)) => format!(
            "Test data chooses the early stop of {}: what is reported there is selected on what it is measured on. \
             Final weights are not.",
            names.join(", ")
        ),
    };
    format!("Early stop is {told}, found after the training. {chooses}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture;

    fn following(rules: &[(&str, EarlyStop)]) -> Study {
        let mut study = fixture::study();
        for row in &mut study.rows {
            let rule = rules.iter().find(|(pipeline, _)| *pipeline == row.pipeline);
            row.early_stop = rule.map_or(EarlyStop::default(), |(_, rule)| *rule);
        }
        study
    }

    #[test]
    fn a_study_whose_early_stops_are_of_least_validation_loss_needs_no_warning() {
        assert_eq!(warning(&fixture::study()), None);
        assert_eq!(
            method(&fixture::study()),
            "Early stop is the evaluation of least validation loss, found after the training. Test data is evaluated on \
             those weights and on the final ones only, and chooses nothing."
        );
    }

    #[test]
    fn tickets_that_were_evaluated_as_they_are_have_no_early_stop() {
        let mut study = following(&[("imp", EarlyStop::Final)]);
        study.rows.retain(|row| row.pipeline == "imp");
        study.rows[0].record.as_mut().unwrap().training = None;
        study.rows[0].early_stop = EarlyStop::default();
        assert!(method(&study).starts_with("Early stop is the training's end, found"), "{}", method(&study));
        study.rows.truncate(1);
        assert_eq!(method(&study), UNTRAINED);
    }

    #[test]
    fn where_test_data_select_the_report_says_whose_early_stop() {
        let study = following(&[("edge-popup", EarlyStop::TestAccuracy)]);
        let warning = warning(&study).unwrap();
        assert!(warning.starts_with("Test data select the early stop of edge-popup: "), "{warning}");
        let method = method(&study);
        assert!(method.contains("the evaluation of highest test accuracy (edge-popup)"), "{method}");
        assert!(method.contains("Test data chooses the early stop of edge-popup"), "{method}");
    }
}

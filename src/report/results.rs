//! `results.csv`: a row an evaluated ticket.

use crate::record::{Row, Status, Study};

const COLUMNS: [&str; 16] = [
    "experiment",
    "variant",
    "pipeline",
    "replicate",
    "level",
    "weights_remaining",
    "kept_weights",
    "prunable_weights",
    "early_stop_iteration",
    "validation_loss",
    "validation_accuracy",
    "test_accuracy",
    "final_train_accuracy",
    "final_test_accuracy",
    "seconds",
    "step",
];

/// The study's evaluated tickets, accuracies as fractions; a diverged one has empty scores.
pub fn csv(study: &Study) -> String {
    let evaluated = |row: &&Row| matches!(row.status, Status::Done | Status::Diverged);
    let rows = study.rows.iter().filter(evaluated).map(|r| row(&study.header.experiment, r));
    table(&COLUMNS, rows)
}

/// A table in CSV (RFC 4180, lines end in a line feed).
pub fn table<'a>(columns: &[impl AsRef<str>], rows: impl Iterator<Item = Vec<String>> + 'a) -> String {
    let header: Vec<String> = columns.iter().map(|column| field(column.as_ref())).collect();
    let line = |fields: Vec<String>| fields.iter().map(|f| field(f)).collect::<Vec<_>>().join(",");
    std::iter::once(header.join(",")).chain(rows.map(line)).map(|line| line + "\n").collect()
}

fn row(experiment: &str, row: &Row) -> Vec<String> {
    let scores = row.scores().filter(|_| row.status == Status::Done);
    let score = |of: fn(&crate::record::Scores) -> f64| scores.map_or(String::new(), |s| format!("{:.6}", of(s)));
    let validated = scores.and_then(|scores| scores.validation_accuracy);
    vec![
        experiment.into(),
        row.variant.clone(),
        row.pipeline.clone(),
        row.replicate.to_string(),
        row.level.to_string(),
        format!("{:.6}", row.weights_remaining()),
        row.kept().to_string(),
        row.prunable_weights.to_string(),
        scores.map_or(String::new(), |s| s.early_stop_iteration.to_string()),
        validated.map_or(String::new(), |_| score(|s| s.validation_loss)),
        validated.map_or(String::new(), |accuracy| format!("{accuracy:.6}")),
        score(|s| s.test_accuracy),
        score(|s| s.final_train_accuracy),
        score(|s| s.final_test_accuracy),
        format!("{:.3}", row.seconds()),
        row.step.clone(),
    ]
}

/// What formulas begin with, full-width forms too.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A field as CSV wants it. A text that a spreadsheet would take for a formula begins with an apostrophe; numbers,
/// negative ones too, are left alone.
fn field(text: &str) -> String {
    let formula = text.starts_with(FORMULA) && text.parse::<f64>().is_err();
    let text = if formula { format!("'{text}") } else { text.to_string() };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture;

    #[test]
    fn a_row_an_evaluated_ticket_with_the_documented_columns() {
        let study = fixture::study();
        let text = csv(&study);
        let mut lines = text.lines();
        assert_eq!(
            lines.next(),
            Some(
                "experiment,variant,pipeline,replicate,level,weights_remaining,kept_weights,prunable_weights,\
                 early_stop_iteration,validation_loss,validation_accuracy,test_accuracy,final_train_accuracy,\
                 final_test_accuracy,seconds,step"
            )
        );
        let evaluated = study.rows.iter().filter(|r| matches!(r.status, Status::Done | Status::Diverged)).count();
        assert_eq!(lines.clone().count(), evaluated);
        assert!(lines.all(|line| line.split(',').count() == 16));
    }

    #[test]
    fn what_a_prediction_may_name_is_a_column() {
        let names = crate::prediction::Metric::ALL.iter().map(|metric| metric.name());
        assert_eq!(names.filter(|name| !COLUMNS.contains(name)).collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn a_formula_in_a_name_is_text_and_a_negative_number_a_number() {
        assert_eq!(field("=1+1"), "'=1+1");
        let begun = ["+x", "-x", "@x", "\tx", "\rx", "\nx", "＝x"].map(field);
        assert_eq!(begun, ["'+x", "'-x", "'@x", "'\tx", "\"'\rx\"", "\"'\nx\"", "'＝x"]);
        assert_eq!(field("-0.5"), "-0.5");
        assert_eq!(field("a \"b\", c"), "\"a \"\"b\"\", c\"");
    }
}

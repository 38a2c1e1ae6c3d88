//! `[[prediction]]`: a claim in words, and the expression that says when it holds.

use super::PredictionSpec;
use super::diagnostic::Diagnostics;
use super::fields::{Fields, list};
use super::node::{Error, Node};
use super::quoted::Quoted;
use super::schema;
use crate::prediction::{check, parse};

/// Reads the predictions of an experiment that has these pipelines.
pub fn predictions(node: &Node, pipelines: &[&str], diagnostics: &mut Diagnostics) -> Vec<PredictionSpec> {
    let items = list(node, "`prediction`", diagnostics);
    items.iter().filter_map(|item| prediction(item, pipelines, diagnostics)).collect()
}

fn prediction(node: &Node, pipelines: &[&str], diagnostics: &mut Diagnostics) -> Option<PredictionSpec> {
    let mut fields = Fields::of(node, "a [[prediction]]", diagnostics)?.documented(schema::prediction);
    fields.need_node("claim");
    let says_something = |claim: &String| !claim.trim().is_empty();
    let claim = fields.read_if("claim", "a claim in words", says_something, diagnostics);
    let expect = fields.need_node("expect");
    fields.finish(diagnostics);
    let expect = expect?;
    let Some(text) = expect.string() else {
        let error = Error::at(expect, format!("`expect` is an expression in quotes, not {}", expect.sort()));
        diagnostics.push(error.help("for example \"imp.test_accuracy@13.5% >= dense.test_accuracy - 0.3%\""));
        return None;
    };
    let written = Quoted::of(expect, text);
    let read = parse(text).and_then(|expression| match check(&expression, pipelines) {
        faults if faults.is_empty() => Ok(expression),
        faults => Err(faults),
    });
    match read {
        Ok(expect) => Some(PredictionSpec { claim: claim?, expect, written }),
        Err(faults) => {
            diagnostics.extend(faults.into_iter().map(|fault| written.error(fault)));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use crate::spec::fixture::lottery;

    const SEVERAL: &str = r#"
[pipeline.imp]
use = "imp"
[[prediction]]
claim = "names that nothing has"
expect = "im.test_acuracy@13.5% - imp.test_accuracy.mean@last >= 0.003 and dense.tset_accuracy >= 0"
[[prediction]]
claim = "figures that do not go together"
expect = """imp.test_accuracy@last + \
    imp.early_stop_iteration@last >= 97.5"""
[[prediction]]
claim = "a percentage forgotten"
expect = '\t'
[[prediction]]
claim = "a percentage forgotten"
expect = "dense.test_accuracy >= 97.5 and dense.test_accuracy within 5 of 98%"
[[prediction]]
claim = "nothing to judge"
expect = "max(imp.test_accuracy@last, 1)"
[[prediction]]
claim = ""
expects = "1 < 2"
[[prediction]]
claim = "no result"
expect = "1 < 2"
[[prediction]]
claim = "truth as a figure"
expect = "(dense.test_accuracy > 0.5) * 2 > 1"
[[prediction]]
claim = "no expression"
expect = 0.5
"#;

    #[test]
    fn everything_wrong_with_predictions_is_told_at_once_each_underlined_within_its_string() {
        assert_snapshot!(lottery(SEVERAL).errors(&[]));
    }

    #[test]
    fn an_expression_that_cannot_be_read_is_underlined_where_reading_ended() {
        let expressions = [
            "imp@13.5%.test_accuracy > 0",
            "imp.test_accuracy@13.5 > 0",
            "imp.test_accuracy@ > 0",
            "0.1 < dense.test_accuracy < 0.2",
            "(dense.test_accuracy > 0.1",
            "dense.test_accuracy ≥ 97.5% && dense.level == 0",
            "maximum(dense.test_accuracy, 1) > 0",
            "max(dense.test_accuracy) > 0",
            "dense.test_accuracy >",
            "dense.test_accuracy within 0.1",
            "dense.test_accuracy > 0.1 AND dense.level < 1",
            "dense.test_accuracy > 0 imp.test_accuracy",
            "dense[width=2.test_accuracy > 0",
            "",
        ];
        let predictions: String =
            expressions.iter().map(|expect| format!("[[prediction]]\nclaim = 'x'\nexpect = '{expect}'\n")).collect();
        assert_snapshot!(lottery(&format!("[pipeline.imp]\nuse = 'imp'\n{predictions}")).errors(&[]));
    }

    #[test]
    fn a_prediction_is_read_from_any_kind_of_string() {
        let strings = [
            r#""dense.test_accuracy >= 0.5""#,
            "'dense.test_accuracy >= 0.5'",
            "\"\"\"\ndense.test_accuracy\n  >= 0.5\"\"\"",
            r#""dense.test\u005faccuracy \u003e= 0.5""#,
        ];
        for string in strings {
            let spec = lottery(&format!("[[prediction]]\nclaim = 'x'\nexpect = {string}")).load(&[]);
            let spec = spec.unwrap_or_else(|errors| panic!("{errors}"));
            assert_eq!(spec.predictions[0].expect.to_string(), "dense.test_accuracy >= 0.5");
        }
    }
}

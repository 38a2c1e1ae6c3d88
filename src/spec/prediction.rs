//! `[[prediction]]`: a claim in words, and the expression that says when it holds.

use super::PredictionSpec;
use super::diagnostic::Diagnostics;
use super::fields::{Fields, list};
use super::node::{Error, Node};
use super::quoted::Quoted;
use super::schema;
use crate::prediction::{Named, check, parse};

/// Reads the predictions of an experiment that has these pipelines.
pub fn predictions(node: &Node, pipelines: &[Named<'_>], diagnostics: &mut Diagnostics) -> Vec<PredictionSpec> {
    let items = list(node, "`prediction`", diagnostics);
    items.iter().filter_map(|item| prediction(item, pipelines, diagnostics)).collect()
}

fn prediction(node: &Node, pipelines: &[Named<'_>], diagnostics: &mut Diagnostics) -> Option<PredictionSpec> {
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
            diagnostics.extend(written.errors(faults));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::fixture::lottery;

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

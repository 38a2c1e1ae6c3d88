//! The fuzz targets over their corpus: every input that was found worth keeping, once.

use std::path::PathBuf;

use proptest::prelude::*;

#[path = "../fuzz/bodies/mod.rs"]
mod bodies;

/// Every committed input of a target, with its name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

fn replay(target: &str, run: fn(&[u8])) {
    let inputs = corpus(target);
    assert!(inputs.len() > 9, "{target}");
    for (name, input) in inputs {
        let outcome = std::panic::catch_unwind(|| run(&input));
        assert!(outcome.is_ok(), "{name}");
    }
}

#[test]
fn no_spec_of_the_corpus_breaks_anything() {
    replay("spec", bodies::spec::run);
}

#[test]
fn no_expression_of_the_corpus_breaks_anything() {
    replay("expression", bodies::expression::run);
}

#[test]
fn no_data_of_the_corpus_breaks_anything() {
    replay("data", bodies::data::run);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_spec_breaks_nothing(at in any::<prop::sample::Index>(), seed in any::<u32>()) {
        let inputs = corpus("spec");
        let (_, input) = &inputs[at.index(inputs.len())];
        bodies::spec::run(&bodies::mutation::changed(input, seed));
    }
}

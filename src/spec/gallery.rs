//! What no experiment's text may do to its reader. What authors see of their mistakes is in tests/gallery/.

use proptest::prelude::*;

use super::fixture::{DOTS, Experiment, SOUND, experiment, lottery};

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let errors = lottery("").errors(&["title\u{1b}[2J=1", "x=\u{1b}[31m"]);
    assert!(!errors.contains('\u{1b}'), "{errors}");
}

#[test]
fn lists_within_lists_end_in_an_error_not_out_of_memory() {
    let long = format!("[{}]", (0..5_000).map(|i| format!("{i}, ")).collect::<String>());
    let inner = "{ foreach = { value = \"b\", in = \"{list}\", stages = [{ shuffle = {} }] } }";
    let own = format!(
        "[parameters]\nlist = {{ default = {long} }}\n[[stage]]\nforeach = {{ value = \"a\", in = \"{{list}}\", stages = [{inner}] }}"
    );
    let text = experiment("[pipeline.mine]\nuse = \"mine\"");
    let files = [("experiment.toml", text.as_str()), ("datasets/dots.toml", DOTS), ("pipelines/mine.toml", &own)];
    let errors = Experiment::new(&files).errors(&[]);
    assert!(errors.contains("more than 200000 values"), "{errors}");
}

#[test]
fn nesting_too_deep_is_an_error() {
    let dotted = format!("{{ {}a = ", "a.".repeat(78));
    let closed = format!("x = {}1{}", dotted.repeat(78), " }".repeat(78));
    for text in
        [closed, "[".repeat(100_000), "a.".repeat(100_000), format!("x = {}", "{ a.a.a.a.a.a.a = ".repeat(50_000))]
    {
        assert!(Experiment::new(&[("experiment.toml", &text)]).load(&[]).is_err());
    }
}

/// Pieces of specs, and noise, in any order.
fn text() -> impl Strategy<Value = String> {
    let pieces: Vec<&str> = SOUND.split_inclusive(['\n', ' ', '"']).collect();
    let piece = prop_oneof![8 => prop::sample::select(pieces).prop_map(str::to_string), 1 => ".{0,4}"];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in text(), setting in ".{0,12}") {
        let experiment = Experiment::new(&[("experiment.toml", &text), ("datasets/dots.toml", &text)]);
        if let Err(errors) = experiment.load(&[&setting]) {
            prop_assert!(!errors.is_empty());
            errors.render(true);
        }
    }

    #[test]
    fn no_change_of_one_value_makes_it_panic(at in 0..SOUND.len(), length in 0..12usize, new in ".{0,6}") {
        let mut text = experiment("[pipeline.imp]\nuse = 'imp'\nstop = {}\n[pipeline.p]\nuse = 'edge-popup'");
        let end = (at + length).min(text.len());
        text.replace_range(at..end, &new);
        if let Err(errors) = Experiment::new(&[("experiment.toml", &text), ("datasets/dots.toml", DOTS)]).load(&[]) {
            prop_assert!(!errors.is_empty());
            errors.render(true);
        }
    }
}

#[test]
fn a_sweep_of_a_billion_variants_is_refused_with_its_count() {
    let numbers = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    let text = format!("[vary]\nseed = [{0}]\ntraining.batch_size = [{0}]\nmodel.width = [{0}]", numbers(1000));
    let errors = lottery(&text).errors(&[]);
    assert!(errors.contains("1000 × 1000 × 1000 = 1000000000 variants, and a sweep has 1000 at most"), "{errors}");
}

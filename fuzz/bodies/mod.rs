//! What the fuzz targets do with an input. tests/fuzzing.rs compiles them, too, and runs them over the corpus.

pub mod data;
pub mod expression;
pub mod mutation;
pub mod spec;

use std::sync::OnceLock;

use tombola::registry::Registry;

fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(Registry::builtin)
}

/// What people see of an author's text moves no cursor, changes no colour and turns no line around.
#[track_caller]
fn assert_harmless(shown: &str) {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}');
    let harmful = |c: char| (c.is_control() && c != '\n') || turns(c);
    assert!(!shown.contains(harmful), "{shown:?}");
}

//! What no text of a spec may hold: characters that nobody sees, and that change what people see of the rest.

use super::diagnostic::Diagnostics;
use super::node::{Error, Node, Origin, Value};
use crate::unseen::is_harmful;

/// Every key and every string that has such a character.
pub fn check(node: &Node, diagnostics: &mut Diagnostics) {
    match &node.value {
        Value::String(text) => of(text, &node.origin, diagnostics),
        Value::List(items) => items.iter().for_each(|item| check(item, diagnostics)),
        Value::Table(entries) => {
            for (key, (origin, value)) in entries {
                of(key, origin, diagnostics);
                check(value, diagnostics);
            }
        }
        Value::Boolean(_) | Value::Integer(_) | Value::Float(_) => {}
    }
}

fn of(text: &str, origin: &Origin, diagnostics: &mut Diagnostics) {
    if let Some(found) = text.chars().find(|character| is_harmful(*character)).filter(|_| !diagnostics.is_full()) {
        let message = format!("this text has the character U+{:04X}, which nobody sees", u32::from(found));
        let help = "write the text without it: it would change what people see of a report or on a terminal";
        diagnostics.push(Error::new(origin, message).help(help));
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{DOTS, Experiment, experiment, lottery};

    #[test]
    fn text_that_moves_the_cursor_or_turns_around_is_refused_wherever_it_stands() {
        let errors = lottery("").errors(&["question=\"a\\u001b[2Jb\""]);
        assert!(errors.contains("the character U+001B"), "{errors}");
        let own = "summary = 'right\u{202e}left'\n[[stage]]\ninit = {}";
        let text = experiment("[pipeline.own]\nuse = 'own'\nstop = \"\\u0085\"");
        let files = [("experiment.toml", text.as_str()), ("datasets/dots.toml", DOTS), ("pipelines/own.toml", own)];
        let errors = Experiment::new(&files).errors(&[]);
        assert!(errors.contains("U+0085") && !errors.contains('\u{202e}'), "{errors}");
        let text = experiment("[pipeline.own]\nuse = 'own'");
        let files = [("experiment.toml", text.as_str()), ("datasets/dots.toml", DOTS), ("pipelines/own.toml", own)];
        let errors = Experiment::new(&files).errors(&[]);
        assert!(
            errors.contains("U+202E") && errors.contains("is used here") && !errors.contains('\u{202e}'),
            "{errors}"
        );
    }

    #[test]
    fn the_line_that_an_error_shows_has_none_of_them_either() {
        for text in ["\u{8a} = 1", "a = 1 \u{202e}", "\u{e0041}'", "\u{8a}\u{1b}\u{feff}é = [\u{ad}"] {
            let errors = lottery(text).errors(&[]);
            assert!(errors.contains("experiment.toml:19:"), "{errors}");
            assert!(!errors.contains(crate::unseen::is_harmful), "{errors:?}");
        }
    }

    #[test]
    fn the_name_that_an_error_gives_to_a_variant_has_none_of_them_either() {
        let text = "[[variant]]\nname = \"as it is\"\n[[variant]]\nseed = 3\n[variant.training]\neach = \"imp\"\nuse\u{2}\u{85} = 7";
        let errors = lottery(text).errors(&[]);
        assert!(errors.contains("in the variant `seed=3 each=imp use␂·=7`"), "{errors}");
        assert!(!errors.contains(crate::unseen::is_harmful), "{errors:?}");
    }

    #[test]
    fn lines_tabs_and_what_scripts_and_faces_are_joined_by_are_text() {
        assert!(lottery("").load(&["question=\"a\\n\\tb \u{200d} \u{200c} \u{200f}\""]).is_ok());
    }
}

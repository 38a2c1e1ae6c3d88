//! Characters that nobody sees, and that change what people see of the rest.

/// Whether a character moves a terminal's cursor, turns the text after it around, or hides in it.
pub fn is_harmful(character: char) -> bool {
    let layout = matches!(character, '\n' | '\r' | '\t');
    let turns = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let hides = matches!(character, '\u{ad}' | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2064}'
        | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    (character.is_control() && !layout) || turns || hides
}

#[cfg(test)]
mod tests {
    use super::is_harmful;

    #[test]
    fn what_moves_turns_or_hides_is_harmful_and_text_in_any_script_is_not() {
        assert!("\u{1b}\u{7f}\u{9b}\u{0}\u{202e}\u{2066}\u{200b}\u{feff}".chars().all(is_harmful));
        assert!(!"a \n\t\r é 漢字 שלום \u{200c}\u{200d}\u{200f} ≥ 🎟".contains(is_harmful));
    }
}

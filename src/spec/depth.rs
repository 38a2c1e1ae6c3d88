//! How deep a TOML text nests, told by its tokens alone: what nests too deep is never built, whatever stack there is.

use std::ops::Range;

use toml_parser::Source;
use toml_parser::lexer::TokenKind;

/// Where lists, inline tables and parts of dotted keys are first more than `most` within each other.
pub fn deeper_than(most: usize, text: &str) -> Option<Range<usize>> {
    let (mut around, mut within, mut dots) = (Vec::new(), 0, 0);
    for token in Source::new(text).lex() {
        match token.kind() {
            TokenKind::Dot => dots += 1,
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => {
                around.push(dots + 1);
                within += dots + 1;
                dots = 0;
            }
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => {
                within -= around.pop().unwrap_or(0);
                dots = 0;
            }
            TokenKind::Comma => dots = 0,
            TokenKind::Newline if around.is_empty() => dots = 0,
            _ => {}
        }
        if within + dots > most {
            return Some(token.span().start()..token.span().end());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_tables_and_dotted_keys_count_together_and_text_does_not() {
        let deep = |text: &str| (1..9).find(|most| deeper_than(*most, text).is_none());
        assert_eq!(deep("a = 1\nb.c = 2 # [[[[["), Some(1));
        assert_eq!(deep("a.b = { c.d = [[1.5, 2.5], [3.5]] }"), Some(6));
        assert_eq!(deep("[a.b.c]\nx = ']]][[[[[[...'\n[[a.b.d]]"), Some(4));
        assert_eq!(deeper_than(2, "a = [[[1]]]"), Some(6..7));
    }
}

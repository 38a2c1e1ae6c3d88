//! Brackets that nobody closed: found by a text's tokens, and closed where that was meant, so that the rest can be read.

use toml_parser::Source;
use toml_parser::lexer::{Token, TokenKind};

/// A text whose brackets are closed.
#[derive(Debug, PartialEq)]
pub struct Closed {
    pub text: String,
    /// The brackets that were open, by their places in the text as written.
    pub open: Vec<usize>,
    /// Where brackets were added, in the closed text.
    added: Vec<usize>,
}

impl Closed {
    /// `None` where no bracket of a value is left open.
    pub fn of(text: &str) -> Option<Closed> {
        let (mut closed, mut open) = (Closed { text: String::new(), open: Vec::new(), added: Vec::new() }, Vec::new());
        let (mut copied, mut last, mut begins) = (0, None::<(usize, TokenKind)>, true);
        let tokens: Vec<Token> = Source::new(text).lex().collect();
        for (at, token) in tokens.iter().enumerate() {
            let (start, kind) = (token.span().start(), token.kind());
            if kind == TokenKind::Eof || (begins && !open.is_empty() && begins_anew(&tokens[at..], text, &open, last)) {
                let end = last.map_or(0, |(end, _)| end);
                closed.text.push_str(&text[copied..end]);
                copied = end;
                for (place, closing) in open.drain(..).rev() {
                    closed.added.push(closed.text.len());
                    closed.text.push(closing);
                    closed.open.push(place);
                }
            }
            match kind {
                // A header's brackets end on its line.
                TokenKind::LeftSquareBracket if !open.is_empty() || !begins => open.push((start, ']')),
                TokenKind::LeftCurlyBracket => open.push((start, '}')),
                TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => drop(open.pop()),
                _ => {}
            }
            begins = match kind {
                TokenKind::Newline => true,
                TokenKind::Whitespace => begins,
                // The second bracket of `[[layer]]`.
                TokenKind::LeftSquareBracket => begins && open.is_empty(),
                _ => false,
            };
            if !matches!(kind, TokenKind::Whitespace | TokenKind::Newline | TokenKind::Comment) {
                last = Some((token.span().end(), kind));
            }
        }
        closed.text.push_str(&text[copied..]);
        (!closed.open.is_empty()).then_some(closed)
    }

    /// Where a byte of the closed text is in the text as written.
    pub fn written(&self, at: usize) -> usize {
        at - self.added.iter().take_while(|added| **added < at).count()
    }
}

/// Whether a line within brackets begins as none does there: `key =`, or a header. An inline table may have keys on
/// lines of their own, each after a comma.
fn begins_anew(line: &[Token], text: &str, open: &[(usize, char)], last: Option<(usize, TokenKind)>) -> bool {
    use TokenKind::{Atom, Comma, Dot, Equals, LeftCurlyBracket, LeftSquareBracket, Newline, RightSquareBracket};
    let is_space = |token: &&Token| token.kind() == TokenKind::Whitespace;
    let line: Vec<&Token> = line.iter().take_while(|token| token.kind() != Newline).filter(|t| !is_space(t)).collect();
    let kinds: Vec<TokenKind> = line.iter().map(|token| token.kind()).collect();
    let path = |kinds: &[TokenKind]| kinds.iter().take_while(|kind| matches!(kind, Atom | Dot)).count();
    let is_key = path(&kinds) > 0 && kinds.get(path(&kinds)) == Some(&Equals);
    let brackets = kinds.iter().take_while(|kind| **kind == LeftSquareBracket).count();
    let named = path(&kinds[brackets..]);
    let word = line.get(brackets).map(|token| &text[token.span().start()..token.span().end()]);
    let is_word = word.is_some_and(|word| word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
        && !matches!(word, Some("true" | "false" | "inf" | "nan"));
    let closing = &kinds[brackets + named..];
    let is_header = (1..=2).contains(&brackets)
        && is_word
        && closing.len() >= brackets
        && closing[..brackets].iter().all(|kind| *kind == RightSquareBracket)
        && closing[brackets..].iter().all(|kind| matches!(kind, TokenKind::Comment | TokenKind::Eof));
    let may_follow = matches!((open.last(), last), (Some((_, '}')), Some((_, Comma | LeftCurlyBracket))));
    is_header || (is_key && !may_follow)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn closed(text: &str) -> Option<String> {
        Closed::of(text).map(|closed| closed.text)
    }

    #[test]
    fn a_bracket_is_closed_before_the_line_that_cannot_be_within_it() {
        assert_eq!(closed("x = [1\ny = 2"), Some("x = [1]\ny = 2".into()));
        assert_eq!(closed("x = [1 # one\n\n[a.b]\n"), Some("x = [1] # one\n\n[a.b]\n".into()));
        assert_eq!(closed("x = { a = [1, 2\n[[b]]"), Some("x = { a = [1, 2]}\n[[b]]".into()));
        assert_eq!(closed("x = {a = 1\nb = 2"), Some("x = {a = 1}\nb = 2".into()));
        assert_eq!(closed("x = [1,\ny = 2"), Some("x = [1,]\ny = 2".into()));
        assert_eq!(closed("x = [["), Some("x = [[]]".into()));
    }

    #[test]
    fn what_is_closed_stays_as_it_is() {
        for text in ["x = [\n  [1],\n  [true],\n]", "x = {\n a = 1,\n b = 2,\n}", "[a]\nx = ['[', \"[\"]", "[[a]]\n[b"]
        {
            assert_eq!(closed(text), None);
        }
    }

    #[test]
    fn a_place_in_the_closed_text_is_told_as_a_place_in_the_written_one() {
        let closed = Closed::of("x = [1\ny = [2\nz").unwrap();
        assert_eq!(closed.text, "x = [1]\ny = [2\nz]");
        assert_eq!((closed.open.clone(), closed.written(4), closed.written(8)), (vec![4, 11], 4, 7));
    }

    proptest! {
        #[test]
        fn what_is_taken_out_again_leaves_what_was_written(text in "[a=\\[\\]{},'\n #1.]{0,40}") {
            if let Some(closed) = Closed::of(&text) {
                let mut again = closed.text.clone();
                closed.added.iter().rev().for_each(|at| again.replace_range(*at..at + 1, ""));
                prop_assert_eq!(again, text);
                prop_assert_eq!(closed.added.len(), closed.open.len());
            }
        }
    }
}

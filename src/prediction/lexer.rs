//! An expression's text → tokens with their places.

use std::ops::Range;

use super::Fault;
use crate::nearest::Hint;
use crate::unseen::is_harmful;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// Digits, with a point or an exponent, without a sign.
    Number(String),
    /// A name or a word of the language.
    Word(String),
    /// What stands between brackets.
    Bracket(String),
    Symbol(&'static str),
}

/// Longest first, so that `<=` is not `<`.
const SYMBOLS: [&str; 14] = ["<=", ">=", "<", ">", "+", "-", "*", "/", "(", ")", ",", ".", "@", "%"];

/// What people write for it, and the language's own.
const OTHERWISE: [(&str, &str); 9] =
    [("≥", ">="), ("≤", "<="), ("−", "-"), ("–", "-"), ("×", "*"), ("·", "*"), ("÷", "/"), ("&&", "and"), ("||", "or")];

/// The tokens, or every character that begins none.
pub fn lex(text: &str) -> Result<Vec<(Token, Range<usize>)>, Vec<Fault>> {
    let (mut tokens, mut faults) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        match token(text, at, tokens.last().map(|(token, _)| token)) {
            Ok((token, length)) => {
                tokens.push((token, at..at + length));
                at += length;
            }
            Err(fault) => {
                at = fault.span.end;
                faults.push(fault);
            }
        }
    }
    if faults.is_empty() { Ok(tokens) } else { Err(faults) }
}

/// The token that begins at `at`, and its length.
fn token(text: &str, at: usize, before: Option<&Token>) -> Result<(Token, usize), Fault> {
    let rest = &text[at..];
    if rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(word(rest, matches!(before, Some(Token::Symbol("." | "@")))));
    }
    if let Some(inner) = rest.strip_prefix('[') {
        let Some(length) = inner.find(']') else {
            return Err(
                Fault::new(at..text.len(), "this bracket is not closed").help("end the variant's name with `]`")
            );
        };
        let name = inner[..length].trim();
        if name.contains(|c: char| c.is_control() || is_harmful(c)) {
            let fault = Fault::new(at..at + length + 2, "no variant has such a name");
            return Err(fault.help("a variant's name is one line, of characters that can be seen"));
        }
        return Ok((Token::Bracket(name.to_string()), length + 2));
    }
    if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
        return Ok((Token::Symbol(symbol), symbol.len()));
    }
    if let Some((written, own)) = OTHERWISE.iter().find(|(written, _)| rest.starts_with(written)) {
        let fault = Fault::new(at..at + written.len(), format!("`{written}` is not part of the language"));
        return Err(fault.hint(Hint::meant(written, own, "")));
    }
    let length = match rest.find(|c| !matches!(c, '=' | '!' | '~')) {
        Some(0) => rest.chars().next().map_or(1, char::len_utf8),
        Some(length) => length,
        None => rest.len(),
    };
    let fault = Fault::new(at..at + length, format!("{:?} means nothing here", &rest[..length]));
    Err(match rest.starts_with(['=', '!', '~']) {
        true => fault.help("figures are measured: compare with `<=`, `>=`, or `a within 0.5% of b`"),
        false => fault.help("an expression has names, figures, `+ - * /`, comparisons, `and` and `or`"),
    })
}

/// A name, or a number. Pipelines' names may hold `-` and begin with a digit: what a metric follows is a name, whatever
/// it looks like. A metric and a place hold no `-`.
fn word(rest: &str, after_point: bool) -> (Token, usize) {
    let length = |part: fn(char) -> bool| rest.find(|c| !part(c)).unwrap_or(rest.len());
    let plain = length(|c| c.is_ascii_alphanumeric() || c == '_');
    let name = length(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let mut follow = rest[name..].chars();
    let named = match follow.next() {
        Some('[') => true,
        Some('.') => follow.next().is_some_and(|c| c.is_ascii_alphabetic()),
        _ => false,
    };
    let digit = rest.starts_with(|c: char| c.is_ascii_digit());
    match (after_point, digit, named) {
        (false, true, true) | (false, false, _) => (Token::Word(rest[..name].to_string()), name),
        (true, false, _) => (Token::Word(rest[..plain].to_string()), plain),
        (_, true, _) => {
            let length = number(rest);
            (Token::Number(rest[..length].to_string()), length)
        }
    }
}

/// The length of the number that the text begins with: "12", "0.003", "1.2e-3", "30_000".
fn number(text: &str) -> usize {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        from + rest.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(rest.len())
    };
    let begins = |at: usize| text.get(at..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let mut end = digits(0);
    if text[end..].starts_with('.') && begins(end + 1) {
        end = digits(end + 1);
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        if begins(end + 1 + sign) {
            end = digits(end + 1 + sign);
        }
    }
    end
}

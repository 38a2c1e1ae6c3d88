//! TOML text → nodes with positions; every syntax error of a text at once.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::depth::deeper_than;
use super::diagnostic::Diagnostics;
use super::node::{Entries, Error, Node, Origin, Source, Unread, Value};
use super::syntax::{Told, told};
use super::unclosed::Closed;

/// Deeper nesting than any experiment needs, and no danger to the stack.
const DEPTH: usize = 48;

const TOO_DEEP: &str = "nested deeper than 48 levels";
const NOT_SO_DEEP: &str = "nothing in a spec nests so deep: is a bracket left open?";

/// Reads a whole TOML text; the table is what could be read in spite of the errors.
pub fn parse(source: &Arc<Source>, diagnostics: &mut Diagnostics) -> Node {
    if let Some(span) = deeper_than(2 * DEPTH, &source.text) {
        let origin = Origin { source: source.clone(), span };
        diagnostics.push(Error::new(&origin, TOO_DEEP).help(NOT_SO_DEEP).hides(Unread::Rest));
        return Node { value: Value::Table(Entries::new()), origin: Origin { span: 0..0, ..origin } };
    }
    let mut reader = Reader { source, closed: None, told: Vec::new(), diagnostics };
    let (mut table, mut errors) = DeTable::parse_recoverable(&source.text);
    let closed = if errors.is_empty() { None } else { Closed::of(&source.text) };
    if let Some(closed) = &closed {
        (table, errors) = DeTable::parse_recoverable(&closed.text);
        reader.closed = Some(closed);
        closed.open.iter().for_each(|at| reader.unclosed(*at));
    }
    let text = closed.as_ref().map_or(source.text.as_str(), |closed| &closed.text);
    for (span, message) in once_a_mistake(text, errors) {
        reader.syntax(reader.written(span), &message);
    }
    let entries = reader.table(table.get_ref(), 0);
    Node { value: Value::Table(entries), origin: reader.origin(0..0) }
}

/// The errors in order, without those that only follow from another: on the same line, or within a table that is
/// written twice itself.
fn once_a_mistake(text: &str, mut errors: Vec<toml::de::Error>) -> Vec<(Range<usize>, String)> {
    errors.sort_by_key(|error| error.span().map_or(0, |span| span.start));
    let mut told: Vec<(Range<usize>, String)> = Vec::new();
    let mut until = 0;
    for error in errors {
        let span = error.span().unwrap_or_default();
        let key = text.get(span.clone()).unwrap_or_default();
        let before = text.get(..span.start).unwrap_or_default();
        let same_line =
            told.last().is_some_and(|(last, _)| !text[last.start.min(span.start)..span.start].contains('\n'));
        let is_twice = error.message() == "duplicate key";
        if same_line || (is_twice && span.start < until) {
            continue;
        }
        let is_header = before.rsplit('\n').next().is_some_and(|line| line.trim_start().starts_with('['));
        if is_twice && is_header {
            until = text[span.start..].find("\n[").map_or(text.len(), |length| span.start + length);
        }
        let message = if is_twice { format!("`{key}` is written twice") } else { error.message().to_string() };
        told.push((span, message));
    }
    told
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    /// What was parsed instead, where brackets were left open.
    closed: Option<&'a Closed>,
    /// Where the syntax is wrong.
    told: Vec<Range<usize>>,
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    /// The place in the text as written.
    fn written(&self, span: Range<usize>) -> Range<usize> {
        match self.closed {
            Some(closed) => closed.written(span.start)..closed.written(span.end),
            None => span,
        }
    }

    fn origin(&self, span: Range<usize>) -> Origin {
        Origin { source: self.source.clone(), span: self.written(span) }
    }

    fn unclosed(&mut self, at: usize) {
        let origin = Origin { source: self.source.clone(), span: at..at + 1 };
        let error = Error::new(&origin, "this bracket is not closed").help("close it before the next key or table");
        self.diagnostics.push(error.hides(Unread::Value));
        self.told.push(origin.span);
    }

    fn syntax(&mut self, span: Range<usize>, message: &str) {
        let Told { span, message, hint } = told(&self.source.text, span, message);
        let error = Error::new(&Origin { source: self.source.clone(), span: span.clone() }, message);
        self.diagnostics.push(error.hint(hint).hides(Unread::Rest));
        self.told.push(span);
    }

    fn table(&mut self, table: &DeTable<'_>, depth: usize) -> Entries {
        // The parser sorts by key; people think in the order in which they wrote.
        let mut written: Vec<_> = table.iter().collect();
        written.sort_by_key(|(key, _)| key.span().start);
        let mut entries = Entries::with_capacity(written.len());
        for (key, value) in written {
            if let Some(node) = self.node(value, key.span(), depth + 1) {
                entries.insert(key.get_ref().to_string(), (self.origin(key.span()), node));
            }
        }
        entries
    }

    fn node(&mut self, spanned: &Spanned<DeValue<'_>>, key: Range<usize>, depth: usize) -> Option<Node> {
        // Tables that only dotted keys imply have no place of their own.
        let span = if spanned.span().is_empty() { key.clone() } else { spanned.span() };
        if depth > DEPTH {
            return self.refuse(span, TOO_DEEP, NOT_SO_DEEP);
        }
        let value = match spanned.get_ref() {
            DeValue::Boolean(value) => Value::Boolean(*value),
            // What the parser puts where there is no value.
            DeValue::String(_) if spanned.span().is_empty() => return None,
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Table(table) => Value::Table(self.table(table, depth)),
            DeValue::Array(items) => {
                Value::List(items.iter().filter_map(|item| self.node(item, key.clone(), depth + 1)).collect())
            }
            DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
                Ok(value) => Value::Integer(value),
                Err(_) => return self.refuse(span, "this whole number is too large", "at most 2⁶³ − 1"),
            },
            DeValue::Float(float) => match float.as_str().parse::<f64>() {
                Ok(value) if value.is_finite() => Value::Float(value),
                Ok(_) if float.as_str().contains(|c: char| c.is_ascii_digit()) => {
                    return self.refuse(span, "this number is too large", "at most 1.797e308");
                }
                _ => return self.refuse(span, "this number is not finite", "give a finite one"),
            },
            DeValue::Datetime(_) => {
                return self.refuse(span, "a date or time means nothing here", "for a text, write it in quotes");
            }
        };
        Some(Node { value, origin: self.origin(span) })
    }

    fn refuse(&mut self, span: Range<usize>, message: &str, help: &str) -> Option<Node> {
        let origin = self.origin(span);
        // A number that is none is both wrong syntax and a wrong value.
        if !self.told.iter().any(|told| origin.span.contains(&told.start)) {
            self.diagnostics.push(Error::new(&origin, message).help(help).hides(Unread::Value));
        }
        None
    }
}

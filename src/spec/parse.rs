//! TOML text → nodes with positions; every syntax error of a text at once.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::depth::deeper_than;
use super::diagnostic::Diagnostics;
use super::node::{Entries, Error, Node, Origin, Source, Value};

/// Deeper nesting than any experiment needs, and no danger to the stack.
const DEPTH: usize = 48;

const TOO_DEEP: &str = "nested deeper than 48 levels";

/// Reads a whole TOML text; the table is what could be read in spite of the errors.
pub fn parse(source: &Arc<Source>, diagnostics: &mut Diagnostics) -> Node {
    if let Some(span) = deeper_than(2 * DEPTH, &source.text) {
        let origin = Origin { source: source.clone(), span };
        diagnostics
            .push(Error::new(&origin, TOO_DEEP).help("nothing in a spec nests so deep: is a bracket left open?"));
        return Node { value: Value::Table(Entries::new()), origin: Origin { span: 0..0, ..origin } };
    }
    let (table, mut errors) = DeTable::parse_recoverable(&source.text);
    errors.sort_by_key(|error| error.span().map_or(0, |span| span.start));
    let mut reader = Reader { source, diagnostics };
    for error in errors {
        reader.error(error.span().unwrap_or_default(), error.message());
    }
    let entries = reader.table(table.get_ref(), 0);
    Node { value: Value::Table(entries), origin: reader.origin(0..0) }
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn origin(&self, span: Range<usize>) -> Origin {
        Origin { source: self.source.clone(), span }
    }

    fn error(&mut self, span: Range<usize>, message: &str) {
        self.diagnostics.push(Error::new(&self.origin(span), message));
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
            self.error(span, TOO_DEEP);
            return None;
        }
        let value = match spanned.get_ref() {
            DeValue::Boolean(value) => Value::Boolean(*value),
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Table(table) => Value::Table(self.table(table, depth)),
            DeValue::Array(items) => {
                Value::List(items.iter().filter_map(|item| self.node(item, key.clone(), depth + 1)).collect())
            }
            DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
                Ok(value) => Value::Integer(value),
                Err(_) => return self.refuse(span, "this whole number is too large: at most 2⁶³ − 1"),
            },
            DeValue::Float(float) => match float.as_str().parse::<f64>() {
                Ok(value) if value.is_finite() => Value::Float(value),
                _ => return self.refuse(span, "this number is not finite"),
            },
            DeValue::Datetime(_) => return self.refuse(span, "a date or time means nothing here: write it in quotes"),
        };
        Some(Node { value, origin: self.origin(span) })
    }

    fn refuse(&mut self, span: Range<usize>, message: &str) -> Option<Node> {
        self.error(span, message);
        None
    }
}

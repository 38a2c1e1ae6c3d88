//! Everything wrong with a spec at once, each with its place underlined and how to mend it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};

use super::node::{Error, Origin, Source};
use crate::unseen::is_harmful;

/// More errors than this are counted, not shown.
pub const SHOWN: usize = 100;

/// As wide as any terminal.
const COLUMNS: usize = 80;

/// What stands before a help line: "     = help: ".
const HELP: usize = 13;

/// The errors found so far, in the order found, none twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnostics(Vec<Error>);

impl Diagnostics {
    pub fn push(&mut self, error: Error) {
        let same = |other: &Error| other.message == error.message && other.origin == error.origin;
        if self.0.len() <= SHOWN && self.0.iter().any(same) {
            return;
        }
        self.0.push(error);
    }

    pub fn extend(&mut self, errors: impl IntoIterator<Item = Error>) {
        errors.into_iter().for_each(|error| self.push(error));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are more errors than are shown: whoever finds them one by one may stop.
    pub fn is_full(&self) -> bool {
        self.0.len() > SHOWN
    }

    /// Forgets what would not be shown.
    pub fn truncate(&mut self) {
        self.0.truncate(SHOWN + 1);
    }

    pub fn errors(&self) -> &[Error] {
        &self.0
    }

    /// The errors in the order of a reader: of no place, then file by file, shipped ones and overrides last.
    pub fn sorted(mut self) -> Diagnostics {
        let place = |error: &Error| {
            let Some(Origin { source, span }) = &error.origin else { return (0, String::new(), 0) };
            let rank = match source.name.ends_with("experiment.toml") {
                _ if source.is_override() => 4,
                _ if source.is_shipped() => 3,
                true => 1,
                false => 2,
            };
            (rank, source.name.clone(), span.start)
        };
        self.0.sort_by_cached_key(place);
        self
    }

    /// Does some work and lets `change` have a say in every error that it found: another one, or none.
    pub fn amending<T>(
        &mut self,
        work: impl FnOnce(&mut Diagnostics) -> T,
        change: impl Fn(Error) -> Option<Error>,
    ) -> T {
        let mut found = Diagnostics::default();
        let result = work(&mut found);
        self.extend(found.0.into_iter().filter_map(change));
        result
    }

    /// What some work makes, if it found nothing wrong.
    pub fn sound<T>(&mut self, work: impl FnOnce(&mut Diagnostics) -> Option<T>) -> Option<T> {
        let mut found = Diagnostics::default();
        let result = work(&mut found).filter(|_| found.is_empty());
        self.extend(found.0);
        result
    }

    /// Reads the text `used`, with those that it extends: errors in them say where, at `user`, it was asked for.
    pub fn used_by<T>(
        &mut self,
        used: &Source,
        user: &Origin,
        label: &str,
        work: impl FnOnce(&mut Diagnostics) -> T,
    ) -> T {
        self.amending(work, |mut error| {
            let places = std::iter::successors(error.origin.as_ref(), |place| place.source.extended.as_ref());
            if places.into_iter().any(|place| *place.source == *used) {
                error.context.push((user.clone(), label.to_string()));
            }
            Some(error)
        })
    }

    /// Each error as a person reads it, and how many there are. Colour is for a terminal.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.term_width(COLUMNS);
        let mut text = String::new();
        for error in self.0.iter().take(SHOWN) {
            text += &renderer.render(&[group(error)]);
            text += "\n\n";
        }
        text + &self.summary()
    }

    fn summary(&self) -> String {
        match self.0.len() {
            1 => "1 error".to_string(),
            n if n > SHOWN => format!("{n} errors, the first {SHOWN} shown"),
            n => format!("{n} errors"),
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

fn group(error: &Error) -> Group<'_> {
    let mut group = Group::with_title(Level::ERROR.primary_title(visible(&error.message)));
    if let Some(origin) = &error.origin {
        let context = error.context.iter().map(|(other, label)| (other, label.as_str())).chain(chain(error));
        let (here, elsewhere): (Vec<_>, Vec<_>) = context.partition(|(other, _)| other.source == origin.source);
        let labelled = |(other, label): (&Origin, &str)| annotation(other, label);
        let snippet = snippet(&origin.source).annotation(AnnotationKind::Primary.span(underlined(origin)));
        group = group.element(snippet.annotations(here.into_iter().map(labelled)));
        for (other, label) in elsewhere {
            group = group.element(self::snippet(&other.source).annotation(labelled((other, label))));
        }
    }
    match error.help_line() {
        Some(help) => group.element(Level::HELP.message(normalize_untrusted_str(&visible(&wrapped(help))))),
        None => group,
    }
}

/// A help line in lines that fit beside what stands before them.
fn wrapped(help: &str) -> String {
    let mut lines = vec![String::new()];
    for word in help.split(' ') {
        let line = lines.last().map_or(0, |line| line.chars().count());
        match lines.last_mut() {
            Some(last) if line == 0 || line + 1 + word.chars().count() <= COLUMNS - HELP => {
                let space = if line == 0 { "" } else { " " };
                *last += &format!("{space}{word}");
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines.join("\n")
}

/// Where experiments that extend one another do so, from those that the error is about on.
fn chain(error: &Error) -> Vec<(&Origin, &'static str)> {
    let places = error.origin.iter().chain(error.context.iter().map(|(origin, _)| origin));
    let mut chain: Vec<(&Origin, &str)> = Vec::new();
    for place in places {
        let mut extended = place.source.extended.as_ref();
        while let Some(origin) = extended.filter(|origin| !chain.iter().any(|(known, _)| known == origin)) {
            chain.push((origin, "extended here"));
            extended = origin.source.extended.as_ref();
        }
    }
    chain
}

fn snippet(source: &Source) -> Snippet<'_, Annotation<'_>> {
    Snippet::source(visible(&source.text)).path(normalize_untrusted_str(&visible(&source.name)))
}

/// A text whose characters that nobody sees, as C1 controls are, are others of as many bytes: places stay where they are.
/// Those of one byte are shown by the renderer.
fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut seen = String::with_capacity(text.len());
    for character in text.chars() {
        match (is_harmful(character), character.len_utf8()) {
            (true, 2) => seen.push('·'),
            (true, 3) => seen.push('\u{fffd}'),
            (true, 4) => seen.push_str("\u{fffd}?"),
            _ => seen.push(character),
        }
    }
    Cow::Owned(seen)
}

fn annotation(origin: &Origin, label: &str) -> Annotation<'static> {
    AnnotationKind::Context.span(underlined(origin)).label(normalize_untrusted_str(&visible(label)))
}

/// The part of a value to underline: its first line.
fn underlined(origin: &Origin) -> Range<usize> {
    let text = &origin.source.text;
    let start = floor(text, origin.span.start);
    let end = floor(text, origin.span.end.max(start));
    let line = text[start..end].find(['\n', '\r']).map_or(end, |length| start + length);
    start..line
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

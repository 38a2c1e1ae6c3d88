//! An SPDX expression: "MIT", "MIT OR Apache-2.0".

use std::ops::Range;

use spdx::error::Reason;
use spdx::identifiers::LICENSES;
use spdx::{Expression, ParseError};

use super::node::Error;
use super::quoted::Quoted;
use crate::nearest::{Hint, nearest};

const ALL: &str = "the identifiers are at https://spdx.org/licenses; one of your own is \"LicenseRef-NAME\"";

/// In the list, and the name of none.
const NONE: &str = "NOASSERTION";

/// The expression in its usual spelling, or what is wrong with it.
pub fn read(written: &Quoted, text: &str) -> Result<String, Vec<Error>> {
    let whole = 0..text.len();
    let ParseError { span, reason, .. } = match Expression::parse(text) {
        Err(error) => error,
        Ok(expression) => match says_nothing(written, &expression) {
            None => return Ok(text.split_whitespace().collect::<Vec<_>>().join(" ")),
            Some(error) => return Err(vec![error]),
        },
    };
    // Of what once was an identifier, nobody knows which of two is meant.
    if let Some(id) = spelled_otherwise(text).filter(|_| spdx::license_id(text).is_none()) {
        return Err(vec![unknown(written, &whole, text, Some(id))]);
    }
    let span = if text.is_empty() { whole } else { span };
    let part = text.get(span.clone()).unwrap_or(text);
    let error = match reason {
        Reason::UnknownLicense | Reason::UnknownTerm => unknown(written, &span, part, spelled_otherwise(part)),
        Reason::DeprecatedLicenseId | Reason::GnuNoPlus => {
            let error = Error::new(&written.origin(&span), format!("{part:?} is no longer an SPDX identifier"));
            let part = part.trim_end_matches('+');
            match spdx::license_id(&format!("{part}-only")) {
                Some(_) => error.help(format!("say which: `{part}-only` or `{part}-or-later`")),
                None => error.help(ALL),
            }
        }
        _ => {
            let error = Error::new(&written.origin(&span), "this is no SPDX expression");
            error.help("identifiers with AND, OR, WITH and parentheses between them, as \"MIT OR Apache-2.0\"")
        }
    };
    Err(vec![error])
}

/// The error of an expression that says that nobody says anything.
fn says_nothing(written: &Quoted, expression: &Expression) -> Option<Error> {
    let none = expression.requirements().find(|of| of.req.license.id().is_some_and(|id| id.name == NONE))?;
    let span = none.span.start as usize..none.span.end as usize;
    let error = Error::new(&written.origin(&span), format!("{NONE} is the name of no licence"));
    Some(error.help("say which it is, or leave out `licence` until you know"))
}

fn unknown(written: &Quoted, span: &Range<usize>, part: &str, meant: Option<&str>) -> Error {
    let error = Error::new(&written.origin(span), format!("no licence has the SPDX identifier {part:?}"));
    let meant = meant.or_else(|| nearest(part, current()));
    match meant {
        Some(meant) => error.hint(Hint::meant(part, meant, ALL)),
        None => error.help(ALL),
    }
}

/// The identifier of what is one but for capitals, spaces and signs: "Apache 2.0", "CC BY 4.0".
fn spelled_otherwise(text: &str) -> Option<&'static str> {
    let plain = |text: &str| text.to_lowercase().replace(|c: char| !c.is_alphanumeric() && c != '.' && c != '+', "");
    let same = current().find(|name| plain(name) == plain(text));
    let imprecise = || spdx::imprecise_license_id(text).filter(|(_, length)| *length == text.len());
    same.or_else(|| imprecise().map(|(licence, _)| licence.name))
}

/// The identifiers that are still in use.
fn current() -> impl Iterator<Item = &'static str> {
    let names = LICENSES.iter().map(|licence| licence.name).filter(|name| *name != NONE);
    names.filter(|name| spdx::license_id(name).is_some_and(|id| !id.is_deprecated()))
}

#[cfg(test)]
mod tests {
    use crate::spec::fixture::lottery;

    fn said(licence: &str) -> String {
        lottery(&format!("[about]\nlicence = '{licence}'")).errors(&[])
    }

    #[test]
    fn what_is_no_longer_an_identifier_is_helped_by_names_that_are_some() {
        assert!(said("GPL-3.0").contains("say which: `GPL-3.0-only` or `GPL-3.0-or-later`"));
        for old in ["Nunit", "eCos-2.0", "wxWindows", "bzip2-1.0.5"] {
            let said = said(old);
            assert!(said.contains("is no longer an SPDX identifier") && !said.contains("-only"), "{said}");
            assert!(said.contains("https://spdx.org/licenses"), "{said}");
        }
    }

    #[test]
    fn that_nothing_is_asserted_is_no_licence() {
        assert!(said("MIT OR NOASSERTION").contains("NOASSERTION is the name of no licence"));
    }
}

//! An SPDX expression: "MIT", "MIT OR Apache-2.0".

use std::ops::Range;

use spdx::error::Reason;
use spdx::identifiers::LICENSES;
use spdx::{Expression, ParseError};

use super::node::Error;
use super::quoted::Quoted;
use crate::nearest::{Hint, nearest};

/// The expression in its usual spelling, or what is wrong with it.
pub fn read(written: &Quoted, text: &str) -> Result<String, Vec<Error>> {
    let whole = 0..text.len();
    let Err(ParseError { span, reason, .. }) = Expression::parse(text) else {
        return Ok(text.split_whitespace().collect::<Vec<_>>().join(" "));
    };
    if let Some(id) = spelled_otherwise(text).filter(|id| *id != text) {
        return Err(vec![unknown(written, &whole, text, Some(id))]);
    }
    let span = if text.is_empty() { whole } else { span };
    let part = text.get(span.clone()).unwrap_or(text);
    let error = match reason {
        Reason::UnknownLicense | Reason::UnknownTerm => unknown(written, &span, part, spelled_otherwise(part)),
        Reason::DeprecatedLicenseId | Reason::GnuNoPlus => {
            let error = Error::new(&written.origin(&span), format!("{part:?} is no longer an SPDX identifier"));
            error.help(format!("say which: `{0}-only` or `{0}-or-later`", part.trim_end_matches('+')))
        }
        _ => {
            let error = Error::new(&written.origin(&span), "this is no SPDX expression");
            error.help("identifiers with AND, OR, WITH and parentheses between them, as \"MIT OR Apache-2.0\"")
        }
    };
    Err(vec![error])
}

fn unknown(written: &Quoted, span: &Range<usize>, part: &str, meant: Option<&str>) -> Error {
    let error = Error::new(&written.origin(span), format!("no licence has the SPDX identifier {part:?}"));
    let meant = meant.or_else(|| nearest(part, current()));
    let all = "the identifiers are at https://spdx.org/licenses; one of your own is \"LicenseRef-NAME\"";
    match meant {
        Some(meant) => error.hint(Hint::meant(part, meant, all)),
        None => error.help(all),
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
    let names = LICENSES.iter().map(|licence| licence.name);
    names.filter(|name| spdx::license_id(name).is_some_and(|id| !id.is_deprecated()))
}

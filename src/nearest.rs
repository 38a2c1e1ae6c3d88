//! The name that was probably meant, for help with one that is none of the valid names.

use std::fmt;

/// More names than these are counted, not listed.
const LISTED: usize = 200;

/// A help line, and what to write instead where one thing is likely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    pub text: String,
    pub meant: Option<Meant>,
}

/// A part of what was written, and what was probably meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meant {
    pub written: String,
    pub meant: String,
}

impl Hint {
    /// "did you mean `meant`? …"
    pub fn meant(written: &str, meant: &str, text: impl fmt::Display) -> Hint {
        let text = format!("did you mean `{meant}`? {text}").trim_end().to_string();
        Hint { text, meant: Some(Meant { written: written.to_string(), meant: meant.to_string() }) }
    }

    pub fn and(self, more: &str) -> Hint {
        Hint { text: self.text + more, ..self }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// "did you mean `length`? valid keys: …" for a name that is none of `valid`.
pub fn did_you_mean<'a>(name: &str, sort: &str, valid: impl IntoIterator<Item = &'a str>) -> Hint {
    let valid: Vec<&str> = valid.into_iter().collect();
    let list = match valid.is_empty() {
        true => format!("there are no {sort}"),
        false if valid.len() > LISTED => {
            format!("{sort}: {}, and {} more", valid[..LISTED].join(", "), valid.len() - LISTED)
        }
        false => format!("{sort}: {}", valid.join(", ")),
    };
    match nearest(name, valid) {
        Some(nearest) => Hint::meant(name, nearest, list),
        None => Hint { text: list, meant: None },
    }
}

/// The name that was probably meant.
pub fn nearest<'a>(name: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // One slip of a finger is near in a short name, too: "mn".
    let slip = |candidate: &str| name.len() > 1 && strsim::osa_distance(name, candidate) == 1;
    let likeness = |candidate: &str| strsim::jaro_winkler(name, candidate) + f64::from(slip(candidate));
    let near = valid.into_iter().filter(|candidate| likeness(candidate) > 0.75);
    near.max_by(|a, b| likeness(a).total_cmp(&likeness(b)).then(b.cmp(a)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likest_name_is_meant_of_equals_the_first_and_none_where_all_are_far() {
        assert_eq!(nearest("lenght", ["width", "length", "lengths"]), Some("length"));
        assert_eq!(nearest("fc", ["fc2", "fc1"]), Some("fc1"));
        assert_eq!(nearest("seed", ["optimizer", "batch_size"]), None);
    }

    #[test]
    fn help_lists_what_is_valid_or_says_that_nothing_is() {
        let hint = did_you_mean("lenght", "keys", ["width", "length"]);
        assert_eq!(hint.text, "did you mean `length`? keys: width, length");
        assert_eq!(hint.meant, Some(Meant { written: "lenght".into(), meant: "length".into() }));
        assert_eq!(did_you_mean("seed", "stages", []), Hint { text: "there are no stages".into(), meant: None });
    }
}

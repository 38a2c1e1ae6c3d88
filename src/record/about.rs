//! Who made an experiment, and how others may use and cite it.

use serde::{Deserialize, Serialize};

/// `[about]` as it was read. It is no part of any step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct About {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<Author>,
    /// An SPDX expression: "MIT OR Apache-2.0".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// How to cite it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub citation: Option<String>,
    /// Without an address before it: "10.5281/zenodo.1234567".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doi: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// "2026-11-29".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

impl About {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == About::default()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Author {
    /// The name of an author who is no person: "Example University"; then there is no other name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// "Lovelace"; of a name of one word, that word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub family: String,
    /// "Ada"; "" of a name of one word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub given: String,
    /// "0000-0002-1825-0097".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orcid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affiliation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

impl Author {
    /// "Lovelace, Ada" and "Ada Lovelace" are the same author: without a comma, the last word is the family name.
    pub fn named(text: &str) -> Author {
        let (family, given) = match text.split_once(',') {
            Some((family, given)) => (family, given),
            None => text.trim().rsplit_once(char::is_whitespace).map_or((text, ""), |(given, family)| (family, given)),
        };
        Author { family: plain(family), given: plain(given), ..Author::default() }
    }

    /// Several people under one name.
    pub fn organised(name: &str) -> Author {
        Author { organisation: Some(plain(name)), ..Author::default() }
    }

    /// "Ada Lovelace", "Example University".
    pub fn name(&self) -> String {
        let person = || format!("{} {}", self.given, self.family).trim().to_string();
        self.organisation.clone().unwrap_or_else(person)
    }
}

/// With one space between words.
fn plain(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_given_and_family_name_whichever_comes_first() {
        let parts = |text: &str| (Author::named(text).given, Author::named(text).family);
        let ada = ("Ada".to_string(), "Lovelace".to_string());
        assert_eq!(
            [parts("Ada Lovelace"), parts("Lovelace,  Ada"), parts(" Ada\tLovelace ")],
            [&ada; 3].map(Clone::clone)
        );
        assert_eq!(parts("van Beethoven, Ludwig"), ("Ludwig".into(), "van Beethoven".into()));
        assert_eq!(parts("Sappho"), (String::new(), "Sappho".into()));
        assert_eq!(Author::named("Sappho").name(), "Sappho");
        assert_eq!(Author::named("Beethoven, Ludwig van").name(), "Ludwig van Beethoven");
    }

    #[test]
    fn what_is_not_said_is_not_written() {
        assert_eq!(serde_json::to_string(&About::default()).unwrap(), "{}");
        assert!(serde_json::from_str::<About>("{}").unwrap().is_empty());
    }
}

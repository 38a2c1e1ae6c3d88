//! CITATION.cff, in the Citation File Format 1.2.0: how to cite an experiment, for GitHub, Zenodo and reference managers.
//!
//! The format is YAML, and every JSON string is a YAML string: the few lines that it takes need no crate.

use indexmap::IndexSet;
use serde_json::Value as Json;
use spdx::Expression;
use spdx::expression::{ExprNode, Operator};

use crate::record::{About, Author};

/// The file's text; `Err` says what it needs that the experiment does not say.
pub fn cff(title: &str, question: &str, about: &About) -> Result<String, String> {
    let About { authors, licence, citation, doi, keywords, repository, url, version, date } = about;
    if authors.is_empty() {
        return Err("a citation names authors, and the experiment names none: add `[about]` with \
                    `authors = [{ name = \"Ada Lovelace\" }]`"
            .into());
    }
    let mut file = File::default();
    file.field("cff-version", "1.2.0");
    file.field("type", "dataset");
    let how = citation.as_ref().map_or("as below".to_string(), |text| format!("as: {text}"));
    file.field("message", &format!("If you use this experiment or its results, please cite it {how}"));
    file.field("title", title);
    file.list("authors", authors.iter().map(author));
    file.field("abstract", question);
    match doi.as_deref().map(|doi| (doi, is_plain_doi(doi))) {
        Some((doi, true)) => file.field("doi", doi),
        Some((doi, false)) => file.unsaid("doi", doi),
        None => {}
    }
    let optional = [("repository-code", repository), ("url", url), ("version", version)];
    optional.into_iter().for_each(|(key, value)| file.field(key, value.as_deref().unwrap_or_default()));
    file.field("date-released", date.as_deref().unwrap_or_default());
    file.list("keywords", keywords.iter().map(|word| vec![("", word.clone())]));
    match licence.as_deref().map(|licence| (licence, alternatives(licence))) {
        Some((_, Some(names))) if names.len() == 1 => file.field("license", &names[0]),
        Some((_, Some(names))) => file.list("license", names.into_iter().map(|name| vec![("", name)])),
        Some((licence, None)) => file.unsaid("licence", licence),
        None => {}
    }
    Ok(file.0)
}

/// Of an author, each field with its value.
fn author(author: &Author) -> Vec<(&'static str, String)> {
    let orcid = author.orcid.as_ref().map(|id| format!("https://orcid.org/{id}"));
    let fields = [
        ("name", author.organisation.clone()),
        ("family-names", Some(author.family.clone())),
        ("given-names", Some(author.given.clone())),
        ("affiliation", author.affiliation.clone()),
        ("email", author.email.clone()),
        ("orcid", orcid),
    ];
    let said = fields.into_iter().filter_map(|(key, value)| Some((key, value.filter(|value| !value.is_empty())?)));
    said.collect()
}

/// The licences among which one may choose, which is all that the format can say; `None` for any other expression.
fn alternatives(licence: &str) -> Option<Vec<String>> {
    let expression = Expression::parse(licence).ok()?;
    let node = |node: &ExprNode| match node {
        ExprNode::Op(Operator::Or) => Some(None),
        ExprNode::Op(Operator::And) => None,
        ExprNode::Req(of) => {
            let name = of.req.to_string();
            of.req.license.id().filter(|id| id.name == name).map(|_| Some(name))
        }
    };
    let parts: Option<Vec<Option<String>>> = expression.iter().map(node).collect();
    let names: IndexSet<String> = parts?.into_iter().flatten().collect();
    Some(names.into_iter().collect())
}

/// Whether the format takes a DOI: it knows fewer signs than those have.
fn is_plain_doi(doi: &str) -> bool {
    let name = doi.split_once('/').map_or("", |(_, name)| name);
    name.chars().all(|c| c.is_ascii_alphanumeric() || ":/_;-.()[]\\".contains(c))
}

#[derive(Default)]
struct File(String);

impl File {
    /// Nothing where there is no value.
    fn field(&mut self, key: &str, value: &str) {
        if !value.trim().is_empty() {
            self.0 += &format!("{key}: {}\n", quoted(value));
        }
    }

    /// Each item is its fields, or a value without a key; the same again is left out, as the format asks.
    fn list(&mut self, key: &str, items: impl Iterator<Item = Vec<(&'static str, String)>>) {
        let line = |(at, (key, value)): (usize, (&str, String))| {
            let begin = if at == 0 { "  - " } else { "    " };
            let key = if key.is_empty() { String::new() } else { format!("{key}: ") };
            format!("{begin}{key}{}\n", quoted(&value))
        };
        let lines: IndexSet<String> = items.map(|item| item.into_iter().enumerate().map(line).collect()).collect();
        if !lines.is_empty() {
            self.0 += &format!("{key}:\n{}", lines.into_iter().collect::<String>());
        }
    }

    /// A comment in place of a field.
    fn unsaid(&mut self, what: &str, text: &str) {
        self.0 += &format!("# {what}: {text} (this format has no way to say it)\n");
    }
}

/// A text in one line: as JSON, and YAML's own line ends, which JSON lets be, escaped.
fn quoted(text: &str) -> String {
    let json = Json::from(text).to_string();
    json.chars().map(|c| if is_special(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }).collect()
}

fn is_special(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> About {
        let ada = Author { orcid: Some("0000-0002-1825-0097".into()), ..Author::named("Ada Lovelace") };
        About { authors: vec![ada], ..About::default() }
    }

    #[test]
    fn a_citation_has_what_the_format_requires_and_what_the_experiment_says() {
        let about = About {
            licence: Some("MIT OR Apache-2.0".into()),
            doi: Some("10.5281/zenodo.1234567".into()),
            keywords: vec!["pruning".into(), "a: b".into()],
            date: Some("2026-11-29".into()),
            ..ada()
        };
        let text = cff("Tickets: \"all\"", "", &about).unwrap();
        let expected = r#"cff-version: "1.2.0"
type: "dataset"
message: "If you use this experiment or its results, please cite it as below"
title: "Tickets: \"all\""
authors:
  - family-names: "Lovelace"
    given-names: "Ada"
    orcid: "https://orcid.org/0000-0002-1825-0097"
doi: "10.5281/zenodo.1234567"
date-released: "2026-11-29"
keywords:
  - "pruning"
  - "a: b"
license:
  - "MIT"
  - "Apache-2.0"
"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn an_organisation_is_named_as_one() {
        let lab = Author { email: Some("lab@example.org".into()), ..Author::organised("Example University") };
        let text = cff("x", "", &About { authors: vec![lab], ..About::default() }).unwrap();
        assert!(
            text.contains("authors:\n  - name: \"Example University\"\n    email: \"lab@example.org\"\n"),
            "{text}"
        );
    }

    #[test]
    fn without_authors_there_is_no_citation_and_the_remedy_is_said() {
        let why = cff("x", "y", &About::default()).unwrap_err();
        assert!(why.contains("authors = [{ name = "), "{why}");
    }

    #[test]
    fn a_licence_that_the_format_cannot_say_is_a_comment() {
        let with = |licence: &str| cff("x", "", &About { licence: Some(licence.into()), ..ada() }).unwrap();
        assert!(with("MIT").ends_with("license: \"MIT\"\n"));
        for licence in
            ["MIT AND CC-BY-4.0", "GPL-2.0-only WITH Classpath-exception-2.0", "LicenseRef-own", "Apache-2.0+"]
        {
            let text = with(licence);
            assert!(text.contains(&format!("# licence: {licence}")) && !text.contains("license:"), "{text}");
        }
    }

    #[test]
    fn what_is_said_twice_is_written_once_and_a_doi_of_other_signs_is_a_comment() {
        let author = ada().authors[0].clone();
        let about = About {
            authors: vec![author.clone(), author],
            keywords: ["pruning", "lottery", "pruning"].map(String::from).into(),
            licence: Some("MIT OR MIT".into()),
            doi: Some("10.1002/(SICI)1096<1:AID>3.0.CO;2".into()),
            ..About::default()
        };
        let text = cff("x", "", &about).unwrap();
        assert!(text.ends_with("keywords:\n  - \"pruning\"\n  - \"lottery\"\nlicense: \"MIT\"\n"), "{text}");
        assert_eq!(text.matches("Lovelace").count(), 1, "{text}");
        assert!(text.contains("# doi: 10.1002/(SICI)1096<1:AID>3.0.CO;2 (this") && !text.contains("\ndoi:"), "{text}");
        let text = cff("x", "", &About { doi: Some("10.1016/S0031-8914(53)80099-6".into()), ..ada() }).unwrap();
        assert!(text.contains("doi: \"10.1016/S0031-8914(53)80099-6\""), "{text}");
    }

    #[test]
    fn no_text_ends_its_line() {
        let text = cff("a\nb\u{85}c\u{2028}d\": x", "# y", &ada()).unwrap();
        assert!(text.contains(r#"title: "a\nb\u0085c\u2028d\": x""#), "{text}");
    }
}

//! Who made an experiment, and how others may use and cite it.

use crate::record::{About, Author};

/// Label and value.
pub(super) type Facts = Vec<(&'static str, String)>;

/// "Ada Lovelace, Josiah Carberry".
pub(super) fn byline(about: &About) -> String {
    about.authors.iter().map(Author::name).collect::<Vec<_>>().join(", ")
}

/// What the experiment says; nothing of what it does not.
pub(super) fn facts(about: &About) -> Facts {
    let About { authors, licence, citation, doi, keywords, repository, url, version, date } = about;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let facts = [
        ("Authors", authors.iter().map(author).collect::<Vec<_>>().join("; ")),
        ("Licence", text(licence)),
        ("To cite it", text(citation)),
        ("DOI", text(doi)),
        ("Keywords", keywords.join(", ")),
        ("Source", text(repository)),
        ("Page", text(url)),
        ("Version", text(version)),
        ("Published", text(date)),
    ];
    facts.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

/// "Ada Lovelace, Example University, ORCID 0000-0002-1825-0097". Nobody's address is for harvesters of pages.
fn author(author: &Author) -> String {
    let orcid = author.orcid.as_ref().map(|id| format!("ORCID {id}"));
    let parts = [Some(author.name()), author.affiliation.clone(), orcid];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture;
    use crate::registry::Registry;
    use crate::report::{Content, render};

    fn pages(about: About) -> [String; 2] {
        let mut study = fixture::study();
        study.header.about = about;
        let files = render(&study, &Registry::builtin(), None).unwrap();
        ["index.html", "report.md"].map(|path| {
            let file = files.iter().find(|file| file.path == path).unwrap();
            let Content::Text(text) = &file.content else { panic!("{path} is text") };
            text.clone()
        })
    }

    #[test]
    fn a_report_names_authors_and_licence_and_no_address_of_theirs() {
        let ada = Author {
            orcid: Some("0000-0002-1825-0097".into()),
            affiliation: Some("<b>Example</b> University".into()),
            email: Some("ada@example.org".into()),
            ..Author::named("Ada Lovelace")
        };
        let licence = Some("MIT OR Apache-2.0".into());
        let [page, markdown] = pages(About { authors: vec![ada], licence, ..About::default() });
        for text in [&page, &markdown] {
            assert!(text.contains("By Ada Lovelace") && text.contains("MIT OR Apache-2.0"), "{text}");
            assert!(text.contains("ORCID 0000-0002-1825-0097") && !text.contains("ada@example.org"), "{text}");
            assert!(!text.contains("<b>Example"), "{text}");
        }
    }

    #[test]
    fn a_report_says_nothing_of_it_where_the_experiment_does_not() {
        for text in pages(About::default()) {
            assert!(!text.contains("By ") && !text.contains("Authors and licence"), "{text}");
        }
    }
}

//! Authors and a licence as entities of an RO-Crate.

use serde_json::{Value as Json, json};

use crate::record::{About, Author};

/// References to the authors, and what they refer to: persons, where they work, and organisations, each once.
pub fn authors(about: &About) -> (Vec<Json>, Vec<Json>) {
    let mut entities: Vec<Json> = Vec::new();
    let mut references = Vec::new();
    for (number, author) in about.authors.iter().enumerate() {
        let id = match &author.orcid {
            Some(orcid) => format!("https://orcid.org/{orcid}"),
            None => format!("#author-{}", number + 1),
        };
        references.push(json!({ "@id": id }));
        let affiliation = author.affiliation.as_ref().map(|name| affiliation(name, about));
        entities.push(person(&id, author, affiliation.as_ref()));
        entities.extend(affiliation.filter(|of| !entities.contains(of)));
    }
    (references, entities)
}

fn person(id: &str, author: &Author, affiliation: Option<&Json>) -> Json {
    let kind = if author.organisation.is_some() { "Organization" } else { "Person" };
    let mut person = json!({ "@id": id, "@type": kind, "name": author.name() });
    for (key, name) in [("familyName", &author.family), ("givenName", &author.given)] {
        if !name.is_empty() {
            person[key] = name.clone().into();
        }
    }
    if let Some(email) = &author.email {
        person["email"] = email.clone().into();
    }
    if let Some(affiliation) = affiliation {
        person["affiliation"] = json!({ "@id": affiliation["@id"] });
    }
    person
}

/// Numbered by the first author who works there.
fn affiliation(name: &str, about: &About) -> Json {
    let number = about.authors.iter().position(|author| author.affiliation.as_deref() == Some(name)).unwrap_or(0);
    json!({ "@id": format!("#affiliation-{}", number + 1), "@type": "Organization", "name": name })
}

/// The licence as a reference and its entity, or, where none is said, words.
pub fn licence(about: &About) -> (Json, Option<Json>) {
    let Some(licence) = &about.licence else {
        return ("None is stated: ask the authors how it may be used.".into(), None);
    };
    let known = spdx::license_id(licence);
    let id = known.map_or_else(|| "#licence".to_string(), |id| format!("https://spdx.org/licenses/{}", id.name));
    let name = known.map_or(licence.as_str(), |id| id.full_name);
    let entity = json!({ "@id": id, "@type": "CreativeWork", "name": name, "description": format!("SPDX: {licence}") });
    (json!({ "@id": id }), Some(entity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisation_is_no_person_and_has_neither_family_nor_given_name() {
        let about = About { authors: vec![Author::organised("Example University")], ..About::default() };
        let (_, entities) = authors(&about);
        assert_eq!(entities, [json!({ "@id": "#author-1", "@type": "Organization", "name": "Example University" })]);
    }
}

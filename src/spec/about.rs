//! `[about]`: who made the experiment, and how others may use and cite it.

use super::diagnostic::Diagnostics;
use super::fields::{Fields, list};
use super::licence;
use super::node::{Error, Node};
use super::quoted::Quoted;
use super::{is_address, schema};
use crate::nearest::Hint;
use crate::record::{About, Author};

/// Reads `[about]`; without what of it is wrong.
pub fn about(node: Option<&Node>, diagnostics: &mut Diagnostics) -> About {
    node.and_then(|node| read(node, diagnostics)).unwrap_or_default()
}

fn read(node: &Node, d: &mut Diagnostics) -> Option<About> {
    let mut fields = Fields::of(node, "[about]", d)?.documented(schema::about);
    let authors = fields.node("authors").map(|node| authors(node, d)).unwrap_or_default();
    let licence = text(&mut fields, "licence", d, |node, text| licence::read(&Quoted::of(node, text), text));
    let citation = fields.read_if("citation", "a reference, in words", |text: &String| says_something(text), d);
    let doi = text(&mut fields, "doi", d, |node, text| doi(text).ok_or_else(|| vec![no_doi(node)]));
    let keywords =
        fields.read_if("keywords", WORDS, |words: &Vec<String>| words.iter().all(|word| says_something(word)), d);
    let repository = fields.read_if("repository", ADDRESS, |text: &String| is_address(text), d);
    let url = fields.read_if("url", ADDRESS, |text: &String| is_address(text), d);
    let version = fields.read_if("version", "a version, as \"1.0.0\"", |text: &String| says_something(text), d);
    let date = fields.read_if("date", "a day of the calendar, as \"2026-11-29\"", |text: &String| is_date(text), d);
    fields.finish(d);
    let keywords = keywords.unwrap_or_default();
    Some(About { authors, licence, citation, doi, keywords, repository, url, version, date })
}

const WORDS: &str = "a list of words, none of them empty";

const ADDRESS: &str = "an address that begins with \"https://\" or \"http://\", without spaces";

/// A key whose text is read by more than a rule.
fn text(
    fields: &mut Fields<'_>,
    key: &'static str,
    d: &mut Diagnostics,
    read: impl Fn(&Node, &str) -> Result<String, Vec<Error>>,
) -> Option<String> {
    let node = fields.node(key)?;
    let text: String = fields.read(key, d)?;
    read(node, &text).map_err(|errors| d.extend(errors)).ok()
}

fn authors(node: &Node, d: &mut Diagnostics) -> Vec<Author> {
    list(node, "`authors`", d).iter().filter_map(|item| author(item, d)).collect()
}

fn author(node: &Node, d: &mut Diagnostics) -> Option<Author> {
    if let Some(name) = node.string() {
        let error = Error::at(node, "an author must be a table, not a string");
        d.push(error.hint(Hint::meant(node.origin.text(), &format!("{{ name = {name:?} }}"), "")));
        return None;
    }
    let mut fields = Fields::of(node, "an author", d)?.documented(schema::author);
    let named = if fields.has("organisation") { organisation(&mut fields, d) } else { person(&mut fields, d) };
    let email = fields.read_if("email", "an address, as \"ada@example.org\"", |text: &String| is_email(text), d);
    fields.finish(d);
    Some(Author { email, ..named? })
}

fn person(fields: &mut Fields<'_>, d: &mut Diagnostics) -> Option<Author> {
    fields.need_node("name");
    fields.node("organisation");
    let has_letters = |name: &String| has_letters(name) && !name.trim_start().starts_with(',');
    let name = fields.read_if("name", "a name, as \"Ada Lovelace\" or \"Lovelace, Ada\"", has_letters, d);
    if let (Some(node), Some(name)) = (fields.node("name"), &name) {
        d.extend(suffix(node, name));
    }
    let orcid = text(fields, "orcid", d, orcid);
    let affiliation =
        fields.read_if("affiliation", "a name of where the author works", |text: &String| says_something(text), d);
    Some(Author { orcid, affiliation, ..Author::named(&name?) })
}

fn organisation(fields: &mut Fields<'_>, d: &mut Diagnostics) -> Option<Author> {
    let name =
        fields.read_if("organisation", "a name, as \"Example University\"", |name: &String| has_letters(name), d);
    for key in ["name", "orcid", "affiliation"] {
        if let Some(node) = fields.node(key) {
            let error = Error::at(node, format!("`{key}` is a person's, and this author is an organisation"));
            d.push(error.help("delete it, or give the person an entry of its own"));
        }
    }
    Some(Author::organised(&name?))
}

fn has_letters(name: &str) -> bool {
    name.chars().any(char::is_alphabetic)
}

/// A "Jr." would be taken for a given name after a comma, and for a family name where there is none.
fn suffix(node: &Node, name: &str) -> Option<Error> {
    const SUFFIXES: [&str; 7] = ["Jr", "Jr.", "Sr", "Sr.", "II", "III", "IV"];
    let (before, suffix) = name.trim().rsplit_once([',', ' '])?;
    if !SUFFIXES.contains(&suffix) {
        return None;
    }
    let Author { family, given, .. } = Author::named(before.trim_end_matches([',', ' ']));
    let error = Error::at(node, format!("{suffix:?} is no name of its own"));
    let meant = format!("{family} {suffix}, {given}");
    Some(error.hint(Hint::meant(name, meant.trim_end(), "it goes with the family name")))
}

fn says_something(text: &str) -> bool {
    !text.trim().is_empty()
}

fn is_email(text: &str) -> bool {
    let parts = text.split_once('@').filter(|_| text.bytes().all(|byte| byte.is_ascii_graphic()));
    parts.is_some_and(|(who, host)| !who.is_empty() && host.split('.').count() > 1 && host.split('.').all(is_label))
}

fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_date(text: &str) -> bool {
    text.len() == "2026-11-29".len() && text.parse::<jiff::civil::Date>().is_ok()
}

/// A DOI without what may stand before it.
fn doi(text: &str) -> Option<String> {
    let prefixes = ["https://doi.org/", "http://doi.org/", "https://dx.doi.org/", "http://dx.doi.org/", "doi:"];
    let name = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    let (registrant, rest) = name.strip_prefix("10.")?.split_once('/')?;
    let is_number = (4..=9).contains(&registrant.len()) && registrant.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic());
    (is_number && is_name).then(|| name.to_string())
}

fn no_doi(node: &Node) -> Error {
    let error = Error::at(node, "this is no DOI");
    error.help("it begins with `10.` and a number, as \"10.5281/zenodo.1234567\"; https://doi.org/ may stand before it")
}

/// An ORCID iD without the address before it.
fn orcid(node: &Node, text: &str) -> Result<String, Vec<Error>> {
    let id = ["https://orcid.org/", "http://orcid.org/"].iter().find_map(|prefix| text.strip_prefix(prefix));
    let id = id.unwrap_or(text);
    let groups: Vec<&str> = id.split('-').collect();
    let plain: String = groups.concat();
    let (digits, check) = plain.split_at_checked(15).unwrap_or_default();
    let is_id = groups.len() == 4
        && groups.iter().all(|group| group.len() == 4)
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (check == "X" || check.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_id {
        let error = Error::at(node, "this is no ORCID iD");
        return Err(vec![
            error.help("it is four groups of four digits, as \"0000-0002-1825-0097\"; the last may be X"),
        ]);
    }
    match check_digit(digits) {
        right if check == right.to_string() => Ok(id.to_string()),
        _ => {
            let error = Error::at(node, "the last digit of this ORCID iD does not fit the others");
            Err(vec![error.help("a digit is mistyped: copy the iD from the author's page at orcid.org")])
        }
    }
}

/// ISO 7064, MOD 11-2.
fn check_digit(digits: &str) -> char {
    let total = digits.bytes().fold(0, |total, digit| (total + u32::from(digit - b'0')) * 2 % 11);
    match (12 - total) % 11 {
        10 => 'X',
        digit => char::from_digit(digit, 10).unwrap_or('X'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::fixture::{DOTS, Experiment, SOUND, lottery};

    fn node(text: &str) -> Node {
        let source = std::sync::Arc::new(crate::spec::node::Source::new("test", format!("x = {text}")));
        crate::spec::parse::parse(&source, &mut Diagnostics::default()).table().unwrap()["x"].1.clone()
    }

    const WHOLE: &str = r#"
        [about]
        authors    = [
          { name = "Josiah Carberry", orcid = "https://orcid.org/0000-0002-1825-0097", affiliation = "Brown University" },
          { name = "Lovelace, Ada", email = "ada@example.org" },
        ]
        licence    = "MIT OR (Apache-2.0 AND CC-BY-4.0)"
        citation   = "Carberry, Lovelace: Tickets. 2026"
        doi        = "https://doi.org/10.5281/zenodo.1234567"
        keywords   = ["pruning"]
        repository = "https://example.org/tickets.git"
        url        = "https://example.org/tickets"
        version    = "1.0.0"
        date       = "2026-11-29"
    "#;

    #[test]
    fn about_is_read_and_what_stands_before_an_identifier_is_left_out() {
        let about = lottery(WHOLE).load(&[]).unwrap_or_else(|errors| panic!("{errors}")).about;
        let [josiah, ada] = &about.authors[..] else { panic!("{about:?}") };
        assert_eq!((josiah.name().as_str(), josiah.orcid.as_deref()), ("Josiah Carberry", Some("0000-0002-1825-0097")));
        assert_eq!((ada.name().as_str(), ada.email.as_deref()), ("Ada Lovelace", Some("ada@example.org")));
        assert_eq!(about.doi.as_deref(), Some("10.5281/zenodo.1234567"));
        assert_eq!(about.date.as_deref(), Some("2026-11-29"));
        assert!(lottery("").load(&[]).unwrap().about.is_empty());
    }

    #[test]
    fn what_a_base_says_about_itself_holds_where_the_experiment_says_nothing_else() {
        let child = "extends = 'base.toml'\nabout.version = '2'\nabout.authors = [{ name = 'Ada Lovelace' }]";
        let base = format!("{SOUND}{WHOLE}");
        let files = [("experiment.toml", child), ("base.toml", &base), ("datasets/dots.toml", DOTS)];
        let about = Experiment::new(&files).load(&[]).unwrap_or_else(|errors| panic!("{errors}")).about;
        let names: Vec<String> = about.authors.iter().map(Author::name).collect();
        assert_eq!((names, about.version.as_deref()), (vec!["Ada Lovelace".to_string()], Some("2")));
        assert_eq!(about.citation.as_deref(), Some("Carberry, Lovelace: Tickets. 2026"));
    }

    #[test]
    fn an_author_may_be_an_organisation_and_a_suffix_goes_with_the_family_name() {
        let lab = "[about]\nauthors = [{ organisation = 'Example  University', email = 'lab@example.org' }]";
        let about = lottery(lab).load(&[]).unwrap_or_else(|errors| panic!("{errors}")).about;
        let [lab] = &about.authors[..] else { panic!("{about:?}") };
        assert_eq!((lab.name().as_str(), lab.family.as_str()), ("Example University", ""));
        let meant = |name: &str| {
            let node = node(&format!("'{name}'"));
            suffix(&node, name).and_then(|error| error.mended())
        };
        for name in ["Sammy Davis, Jr.", "Davis, Sammy, Jr.", "Sammy Davis Jr."] {
            assert_eq!(meant(name).as_deref(), Some("'Davis Jr., Sammy'"), "{name}");
        }
        assert_eq!(meant("Davis, Jr.").as_deref(), Some("'Davis Jr.,'"));
        for name in ["Davis Jr., Sammy", "Naoko Ii", "Sappho"] {
            assert_eq!(meant(name), None, "{name}");
        }
    }

    #[test]
    fn the_check_digits_of_published_ids_fit() {
        let ids = ["000000021825009", "000000015109370", "000000021694233"];
        assert_eq!(ids.map(check_digit), ['7', '0', 'X']);
    }

    #[test]
    fn a_doi_is_known_with_and_without_an_address_and_nothing_else_is_one() {
        for text in ["10.1000/182", "doi:10.1000/182", "https://doi.org/10.1000/182", "http://dx.doi.org/10.1000/182"] {
            assert_eq!(doi(text).as_deref(), Some("10.1000/182"), "{text}");
        }
        for text in
            ["", "10.1000", "10.1000/", "11.1000/182", "10.1/182", "10.1000/1 2", "https://example.org/10.1000/1"]
        {
            assert_eq!(doi(text), None, "{text}");
        }
    }
}

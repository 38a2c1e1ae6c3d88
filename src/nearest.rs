//! The name that was probably meant, for help with one that is none of the valid names.

/// More names than these are counted, not listed.
const LISTED: usize = 200;

/// "did you mean `length`? valid keys: …" for a name that is none of `valid`.
pub fn did_you_mean<'a>(name: &str, sort: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    let valid: Vec<&str> = valid.into_iter().collect();
    let list = match valid.is_empty() {
        true => format!("there are no {sort}"),
        false if valid.len() > LISTED => {
            format!("{sort}: {}, and {} more", valid[..LISTED].join(", "), valid.len() - LISTED)
        }
        false => format!("{sort}: {}", valid.join(", ")),
    };
    match nearest(name, valid) {
        Some(nearest) => format!("did you mean `{nearest}`? {list}"),
        None => list,
    }
}

/// The name that was probably meant.
pub fn nearest<'a>(name: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |candidate: &str| strsim::jaro_winkler(name, candidate);
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
        assert_eq!(did_you_mean("lenght", "keys", ["width", "length"]), "did you mean `length`? keys: width, length");
        assert_eq!(did_you_mean("seed", "stages", []), "there are no stages");
    }
}

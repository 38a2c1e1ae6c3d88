//! Texts that differ in a few words, as one.

/// "keep 0.1 | 0.5 of it" of "keep 0.1 of it" and "keep 0.5 of it": what all have in common is said once.
pub fn alternatives(all: &[String]) -> String {
    let split: Vec<Vec<&str>> = all.iter().map(|text| words_and_gaps(text)).collect();
    let Some(first) = split.first() else { return String::new() };
    let shortest = split.iter().map(Vec::len).min().unwrap_or(0);
    let before = (0..shortest).take_while(|i| split.iter().all(|words| words[*i] == first[*i])).count();
    let from_end = |words: &[&str], i: usize| words[words.len() - i].to_string();
    let same_end = |i: &usize| split.iter().all(|words| from_end(words, *i) == from_end(first, *i));
    let after = (1..=shortest - before).take_while(same_end).count();
    let middles: Vec<String> = split.iter().map(|words| words[before..words.len() - after].concat()).collect();
    format!("{}{}{}", first[..before].concat(), middles.join(" | "), first[first.len() - after..].concat())
}

/// "keep", " ", "0.1", ", ".
fn words_and_gaps(text: &str) -> Vec<&str> {
    let gap = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')');
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| gap(c) != gap(first)).unwrap_or(rest.len());
        parts.push(&rest[..end]);
        rest = &rest[end..];
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_say_what_they_share_once() {
        let told = |all: &[&str]| alternatives(&all.iter().map(|text| text.to_string()).collect::<Vec<_>>());
        assert_eq!(told(&["train (keep 0.1, adam)", "train (keep 0.5, adam)"]), "train (keep 0.1 | 0.5, adam)");
        assert_eq!(told(&["prune; train"]), "prune; train");
        assert_eq!(told(&["a", "b"]), "a | b");
        assert_eq!(told(&[]), "");
    }
}

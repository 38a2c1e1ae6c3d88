//! Enumerations in words.

/// "replicate 2", "replicates 0–2", "replicates 0, 2, 3".
pub fn range(of: &str, numbers: impl IntoIterator<Item = u32>) -> String {
    let numbers: Vec<u32> = numbers.into_iter().collect();
    match numbers.as_slice() {
        [only] => format!("{of} {only}"),
        [first, .., last] if (*last - *first) as usize + 1 == numbers.len() => format!("{of}s {first}–{last}"),
        _ => format!("{of}s {}", numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")),
    }
}

pub fn levels(numbers: impl IntoIterator<Item = u32>) -> String {
    range("level", numbers)
}

/// "a, b, c", or, of more than `limit`, "a, b and 7 more".
pub fn list(names: &[&str], limit: usize) -> String {
    match names.len() > limit {
        true => format!("{} and {} more", names[..limit].join(", "), names.len() - limit),
        false => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_are_a_range() {
        assert_eq!(levels([3]), "level 3");
        assert_eq!(levels([0, 1, 2]), "levels 0–2");
        assert_eq!(range("replicate", [0, 2, 3]), "replicates 0, 2, 3");
        assert_eq!(list(&["a", "b", "c"], 2), "a, b and 1 more");
        assert_eq!(list(&["a", "b"], 2), "a, b");
    }
}

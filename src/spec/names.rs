//! What names may be.

use crate::unseen::is_harmful;

/// What `is_name` asks for.
pub const NAME: &str = "use letters, digits, `-` and `_`, at most 64, a letter or digit first";

/// Whether a text is safe as a part of paths, and easy to type: ASCII letters, digits, `-` and `_`, at most 64, the
/// first no sign.
pub fn is_name(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(word)
}

/// Whether a text may name a variant: predictions write it in brackets, reports in lines.
pub fn is_variant_name(text: &str) -> bool {
    let fits = |c: char| !c.is_control() && !is_harmful(c) && !matches!(c, '[' | ']');
    (1..=64).contains(&text.chars().count()) && text.trim() == text && text.chars().all(fits)
}

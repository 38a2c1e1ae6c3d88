//! Which paths a file may have in a pack: such that stay below the folder that they are joined to, on any system, and that
//! everybody sees.

use crate::unseen::is_harmful;

/// More folders within each other than any experiment has.
const DEEPEST: usize = 16;

/// As many bytes as any file system takes for a name.
const LONGEST: usize = 255;

/// Why a path is none for a pack; it says what to do in a sentence's second half.
pub fn refused(path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.split('/').collect();
    if path.starts_with('/') {
        return Some("it is an absolute path");
    }
    if parts.contains(&"..") {
        return Some("it leads out of its folder");
    }
    if parts.iter().any(|part| part.is_empty() || *part == ".") {
        return Some("it has a part that names nothing");
    }
    // Settings of other programs are hidden, as those of git, which name what it is to run.
    if parts.iter().any(|part| part.starts_with('.')) {
        return Some("it is hidden, or in a hidden folder");
    }
    if path.contains(['\\', ':']) || path.contains(is_harmful) || path.contains(char::is_control) {
        return Some("it has a character that not every system takes in a name");
    }
    if parts.len() > DEEPEST || parts.iter().any(|part| part.len() > LONGEST) {
        return Some("it is too long, or too deep");
    }
    parts.iter().any(|part| part.ends_with(['.', ' '])).then_some("it has a part that ends in a dot or a space")
}

#[cfg(test)]
mod tests {
    use super::refused;

    #[test]
    fn a_path_stays_below_its_folder_or_is_refused() {
        for path in ["a", "a/b.txt", "experiments/quickstart/experiment.toml", "a/é ü.md"] {
            assert_eq!(refused(path), None, "{path:?}");
        }
        let deep = "a/".repeat(100) + "a";
        let long = "a".repeat(256);
        let wrong = [
            "",
            "/",
            "/a",
            "..",
            "../a",
            "a/../../b",
            "a/..",
            ".",
            "./a",
            "a/",
            "a//b",
            ".git/config",
            "a/.git",
            "...a",
            "a\\b",
            "C:a",
            "a\0b",
            "a\nb",
            "a\u{202e}b",
            "a.",
            "a ",
            &deep,
            &long,
        ];
        for path in wrong {
            assert!(refused(path).is_some(), "{path:?}");
        }
    }
}

//! What of a person's machine a record may tell: neither where home is nor a password in an address.

use std::ffi::OsString;
use std::path::Path;

/// A command line as it was typed, the program by its name alone.
pub fn command(arguments: impl Iterator<Item = OsString>) -> String {
    let mut arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    let program = arguments.next().unwrap_or_default();
    let name = Path::new(&program).file_stem().map_or(program.clone(), |name| name.to_string_lossy().into_owned());
    let words: Vec<String> = std::iter::once(name).chain(arguments).map(|word| quoted(&word)).collect();
    without_home(&words.join(" "))
}

/// A text without what of this person's machine is nobody's business.
pub fn without_home(text: &str) -> String {
    without(text, std::env::home_dir().as_deref())
}

/// As a shell takes it for one word.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@%+".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_string(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// A text in which home is "~", and `https://name:password@host` has neither name nor password.
fn without(text: &str, home: Option<&Path>) -> String {
    let home = home.and_then(Path::to_str).map(|home| home.trim_end_matches('/')).filter(|home| !home.is_empty());
    let text = home.map_or_else(|| text.to_string(), |home| text.replace(home, "~"));
    let mut parts = text.split("://");
    let mut told = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let end = part.find(|c: char| c.is_whitespace() || "/'\"?#".contains(c)).unwrap_or(part.len());
        let host = part[..end].rfind('@').map_or(0, |at| at + 1);
        told += "://";
        told += &part[host..];
    }
    told
}

/// A text of others' without home, passwords in addresses, and values that are called secret; its beginning, where it is
/// longer than this many bytes.
pub fn told(text: &str, most: usize) -> String {
    let text = without_home(text);
    let text = text.lines().map(without_secret).collect::<Vec<_>>().join("\n");
    match text.len() > most {
        false => text,
        true => {
            let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            format!(
                "{}\n… {} bytes more, BLAKE3 of all {}",
                &text[..end],
                text.len() - end,
                blake3::hash(text.as_bytes()).to_hex()
            )
        }
    }
}

/// A line without the value of a key that is called a secret: "token = …".
fn without_secret(line: &str) -> String {
    const CALLED: [&str; 6] = ["password", "passwd", "secret", "token", "api_key", "api-key"];
    let lower = line.to_ascii_lowercase();
    let called = CALLED.iter().filter_map(|word| Some(lower.find(word)? + word.len())).min();
    let value = called.and_then(|from| Some(from + lower[from..].find([':', '='])? + 1));
    value.map_or_else(|| line.to_string(), |from| format!("{} …", &line[..from]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_quoted_as_a_shell_wants_it() {
        assert_eq!(quoted("seed=3"), "seed=3");
        assert_eq!(quoted("title='it'"), r"'title='\''it'\'''");
        let words = ["/opt/bin/tombola", "run", "my experiment"].map(OsString::from);
        assert_eq!(command(words.into_iter()), "tombola run 'my experiment'");
    }

    #[test]
    fn a_secret_s_value_is_not_told_and_a_long_text_is_cut_at_a_letter() {
        let text = "+API_KEY = \"abc\"\n+rate = 0.1\n-my_token: abc";
        assert_eq!(told(text, 100), "+API_KEY = …\n+rate = 0.1\n-my_token: …");
        let cut = told(&"é".repeat(10), 5);
        assert!(cut.starts_with("éé\n… 16 bytes more, BLAKE3 of all "), "{cut}");
    }

    #[test]
    fn neither_home_nor_a_password_is_told() {
        let home = Some(Path::new("/home/ann/"));
        let text = "run /home/ann/tickets --set mirror=https://ann:s3cret@host.org/a@b --data /data";
        assert_eq!(without(text, home), "run ~/tickets --set mirror=https://host.org/a@b --data /data");
        assert_eq!(without("see https://host.org, mail a@b", None), "see https://host.org, mail a@b");
        assert_eq!(without("/data", Some(Path::new("/"))), "/data");
    }
}

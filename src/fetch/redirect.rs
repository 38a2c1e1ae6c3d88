//! Where a redirect leads, and whether it is followed there.

/// The address that `location` means in an answer from `from`; an error where it is not followed: from https, which
/// nobody can have changed on the way, it never leads to http.
pub fn target(from: &str, location: &str) -> Result<String, String> {
    let (scheme, rest) = from.split_once("://").ok_or_else(|| format!("{from:?} is no address"))?;
    let path = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = &from[..scheme.len() + 3 + path];
    let location = location.split('#').next().unwrap_or_default();
    let address = match location {
        "" => return Err("it redirects to nowhere".into()),
        _ if location.starts_with("//") => format!("{scheme}:{location}"),
        _ if location.starts_with('/') => format!("{host}{location}"),
        _ if scheme_of(location).is_some() => location.to_string(),
        _ => format!("{}/{location}", folder(from, host)),
    };
    match (scheme.to_ascii_lowercase().as_str(), scheme_of(&address).unwrap_or_default().as_str()) {
        ("https", "http") => Err(format!("it redirects from https to {address}, which is not followed")),
        (_, "http" | "https") => Ok(address),
        _ => Err(format!("it redirects to {address}, which is neither https nor http")),
    }
}

/// The scheme that an absolute address begins with, in lower case.
fn scheme_of(address: &str) -> Option<String> {
    let (scheme, _) = address.split_once(':')?;
    let mut letters = scheme.chars();
    let begins = letters.next().is_some_and(|c| c.is_ascii_alphabetic());
    (begins && letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))).then(|| scheme.to_ascii_lowercase())
}

/// The address up to the last "/" of its path, without it.
fn folder<'a>(address: &'a str, host: &'a str) -> &'a str {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    address[host.len().min(end)..end].rfind('/').map_or(host, |slash| &address[..host.len() + slash])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_read_in_all_its_forms() {
        let from = "http://a.org:81/data/set/file.gz?x=/y/#z";
        for (location, leads) in [
            ("https://b.org/file.gz", "https://b.org/file.gz"),
            ("HTTPS://b.org/file.gz#part", "HTTPS://b.org/file.gz"),
            ("//b.org/file.gz", "http://b.org/file.gz"),
            ("/other?a=b://c", "http://a.org:81/other?a=b://c"),
            ("other.gz", "http://a.org:81/data/set/other.gz"),
            ("../other.gz", "http://a.org:81/data/set/../other.gz"),
        ] {
            assert_eq!(target(from, location).as_deref(), Ok(leads), "{location}");
        }
        assert_eq!(target("http://a.org", "file").as_deref(), Ok("http://a.org/file"));
        assert_eq!(target("http://a.org?b/c", "file").as_deref(), Ok("http://a.org/file"));
    }

    #[test]
    fn https_never_leads_to_http_and_nothing_leads_elsewhere() {
        assert!(target("https://a.org/b", "http://a.org/b").unwrap_err().contains("not followed"));
        assert!(target("https://a.org/b", "HTTP://a.org/b").unwrap_err().contains("not followed"));
        assert!(target("HTTPS://a.org/b", "http://a.org/b").unwrap_err().contains("not followed"));
        assert_eq!(target("https://a.org/b", "/c").as_deref(), Ok("https://a.org/c"));
        for location in ["file:///etc/passwd", "ftp://a.org/b", "javascript:x", ""] {
            assert!(target("http://a.org/b", location).is_err(), "{location}");
        }
    }
}

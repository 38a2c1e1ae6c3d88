//! Files that a test writes: whole, damaged, missing, compressed.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;
use crate::dataset::tests::declaration;

/// SHA-256 of "abc" (FIPS 180-2, appendix B.1).
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A data set of one file, "letters.gz", that holds "abc".
fn letters() -> DatasetSpec {
    DatasetSpec {
        mirrors: vec!["https://example.org/letters/".into()],
        debian_package: Some("dataset-letters".into()),
        ..declaration("letters", vec![FileSpec::checked_by_sha256("letters.gz", ABC, 3)])
    }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A data directory whose folder "letters" holds one file.
fn holding(name: &str, bytes: &[u8]) -> TempDir {
    let directory = TempDir::new().unwrap();
    std::fs::create_dir(directory.path().join("letters")).unwrap();
    std::fs::write(directory.path().join("letters").join(name), bytes).unwrap();
    directory
}

fn read(spec: &DatasetSpec, name: &str, directories: &[PathBuf]) -> Result<Vec<u8>, String> {
    Source { spec, directories, watch: &crate::dataset::Deaf }.file(name)
}

fn read_from(directory: &TempDir) -> Result<Vec<u8>, String> {
    read(&letters(), "letters.gz", &[directory.path().into()])
}

/// The error names the file with its path, and every one of `parts`.
fn assert_refused(name: &str, bytes: &[u8], parts: &[&str]) {
    let directory = holding(name, bytes);
    let error = read_from(&directory).unwrap_err();
    let path = directory.path().join("letters").join(name).display().to_string();
    for part in parts.iter().chain([&path.as_str()]) {
        assert!(error.contains(part), "{part:?} is not in {error:?}");
    }
}

#[test]
fn a_file_is_found_gzipped_or_plain() {
    assert_eq!(read_from(&holding("letters.gz", &gzip(b"abc"))).unwrap(), b"abc");
    assert_eq!(read_from(&holding("letters", b"abc")).unwrap(), b"abc");
}

#[test]
fn the_first_directory_that_has_the_file_counts_even_where_its_file_is_wrong() {
    let (empty, wrong) = (TempDir::new().unwrap(), holding("letters", b"abd"));
    let right = holding("letters.gz", &gzip(b"abc"));
    let paths = |directories: &[&TempDir]| directories.iter().map(|d| d.path().into()).collect::<Vec<_>>();
    assert_eq!(read(&letters(), "letters.gz", &paths(&[&empty, &right, &wrong])).unwrap(), b"abc");
    assert!(read(&letters(), "letters.gz", &paths(&[&empty, &wrong, &right])).is_err());
}

#[test]
fn other_content_is_refused_with_both_checksums_and_a_remedy() {
    // SHA-256 of "abd", as sha256sum gives it.
    let found = "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9";
    let remedy = "download https://example.org/letters/letters.gz into the folder letters/";
    assert_refused("letters.gz", &gzip(b"abd"), &[found, ABC, remedy]);
}

#[test]
fn an_md5_alone_is_enough() {
    let mut spec = letters();
    // MD5 of "abc" (RFC 1321, appendix A.5).
    (spec.files[0].sha256, spec.files[0].md5) = (None, Some("900150983cd24fb0d6963f7d28e17f72".into()));
    let read_from = |directory: TempDir| read(&spec, "letters.gz", &[directory.path().into()]);
    assert_eq!(read_from(holding("letters.gz", &gzip(b"abc"))).unwrap(), b"abc");
    // MD5 of "abd", as md5sum gives it.
    let found = "MD5 of what it holds is 4911e516e5aa21d327512e0c8b197616";
    assert!(read_from(holding("letters", b"abd")).unwrap_err().contains(found));
    spec.files[0].md5 = None;
    assert!(
        read(&spec, "letters.gz", &[holding("letters", b"abc").path().into()]).unwrap_err().contains("no checksum")
    );
}

#[test]
fn where_only_the_compressed_bytes_have_a_checksum_the_file_is_not_taken_decompressed() {
    let compressed = gzip(b"abc");
    let sha256 = Sha256::digest(&compressed).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut spec = letters();
    (spec.files[0].sha256, spec.files[0].compressed_sha256) = (None, Some(sha256));
    let read_from = |directory: TempDir| read(&spec, "letters.gz", &[directory.path().into()]);
    assert_eq!(read_from(holding("letters.gz", &compressed)).unwrap(), b"abc");
    let error = read_from(holding("letters", b"abc")).unwrap_err();
    assert!(error.contains("is not built in") && !error.contains("letters/letters\n"), "{error}");
    assert!(read_from(holding("letters.gz", &gzip(b"abd"))).unwrap_err().contains("SHA-256 of it, compressed, is"));
    assert!(read_from(holding("letters.gz", &[0; 70_000])).unwrap_err().contains("oversized"));
}

#[test]
fn a_truncated_file_is_refused() {
    assert_refused("letters", b"ab", &["truncated", "2 of the declared 3 bytes"]);
    assert_refused("letters.gz", &gzip(b"ab"), &["truncated", "2 of the declared 3 bytes"]);
    let whole = gzip(b"abc");
    assert_refused("letters.gz", &whole[..whole.len() - 9], &["truncated", "compressed data"]);
}

#[test]
fn an_oversized_file_is_refused() {
    assert_refused("letters", b"abcd", &["oversized", "declared 3 bytes"]);
    assert_refused("letters.gz", &gzip(b"abcd"), &["oversized", "declared 3 bytes"]);
}

#[test]
fn a_decompression_bomb_is_left_after_the_declared_bytes() {
    // What follows the first 64 MiB is no gzip: a reader that went on would meet it and say so.
    let mut bomb = gzip(&vec![0; 64 << 20]);
    bomb.extend(b"not gzip");
    assert_refused("letters.gz", &bomb, &["oversized"]);
}

#[test]
fn a_file_that_is_not_gzip_in_spite_of_its_name_is_refused() {
    assert_refused("letters.gz", b"abcdefghijklmnopqrstuvwxyz", &["not gzip"]);
}

#[test]
fn a_missing_file_lists_everywhere_it_was_looked_for_and_the_remedies() {
    let directories = ["/nowhere/a", "/nowhere/b"].map(PathBuf::from);
    let error = read(&letters(), "letters.gz", &directories).unwrap_err();
    for part in [
        "not built in",
        "/nowhere/a/letters/letters.gz\n",
        "/nowhere/a/letters/letters\n",
        "/nowhere/b/letters/letters.gz\n",
        "/nowhere/b/letters/letters\n",
        "https://example.org/letters/letters.gz",
        "Debian package dataset-letters",
        "TOMBOLA_DATA",
    ] {
        assert!(error.contains(part), "{part:?} is not in {error:?}");
    }
}

#[test]
fn a_declaration_names_no_file_outside_its_folder() {
    for name in ["../letters.gz", "/etc/passwd", "a/b", "", ".", "..", "letters/"] {
        let mut spec = letters();
        spec.files[0].name = name.into();
        assert!(read(&spec, name, &[]).unwrap_err().contains("not a plain name"), "{name:?}");
        let spec = DatasetSpec { folder: name.into(), ..letters() };
        assert!(read(&spec, "letters.gz", &[]).unwrap_err().contains("not a plain name"), "{name:?}");
    }
}

#[test]
fn an_undeclared_file_is_an_error_that_lists_the_declared_ones() {
    let error = read(&letters(), "digits.gz", &[]).unwrap_err();
    assert!(error.contains("\"digits.gz\"") && error.contains("(letters.gz)"), "{error}");
}

#[test]
fn directories_are_searched_from_the_command_line_down_to_the_system() {
    let from = |given: Option<&str>, variables: &[(&str, &str)]| {
        let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.into());
        directories(given.map(PathBuf::from), variable)
    };
    let system = "/usr/share/datasets";
    let variables = [("TOMBOLA_DATA", "/t"), ("XDG_DATA_HOME", "/x"), ("HOME", "/h")];
    assert_eq!(from(Some("/d"), &variables), ["/d", "/t", "/x/tombola", system].map(PathBuf::from));
    assert_eq!(from(None, &variables[2..]), ["/h/.local/share/tombola", system].map(PathBuf::from));
    assert_eq!(from(None, &[("TOMBOLA_DATA", ""), ("XDG_DATA_HOME", "")]), [PathBuf::from(system)]);
}

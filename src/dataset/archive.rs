//! Members of a tar archive, read in one pass. Nothing is unpacked: what else an archive holds is passed over.

use std::io::{self, ErrorKind, Read};

use tar::{Archive, Entry};

use super::checked;
use crate::spec::FileSpec;

/// What an archive may hold besides as much again as was asked for.
const BESIDES: u64 = 16 << 20;

/// Bytes of an archive of which so many are declared, at most.
pub fn most(declared: u64) -> u64 {
    declared.saturating_mul(2).saturating_add(BESIDES)
}

/// The contents of these members, in their order, of the archive that `content` decompresses to.
///
/// Errors where a member is missing, is no plain file, or is not the declared one; and where the archive goes on and on.
pub fn members(content: impl Read, wanted: &[&FileSpec]) -> Result<Vec<Vec<u8>>, String> {
    let asked = wanted.iter().fold(0, |sum: u64, file| sum.saturating_add(file.bytes));
    let most = most(asked);
    let mut archive = Archive::new(content.take(most));
    let mut found = vec![None; wanted.len()];
    let outcome = collect(&mut archive, wanted, &mut found);
    let missing = wanted.iter().zip(&found).find(|(_, content)| content.is_none()).map(|(file, _)| &file.name);
    match (outcome, missing) {
        (_, Some(_)) if archive.into_inner().limit() == 0 => {
            Err(format!("it holds more than {most} bytes, twice what was declared of it: unpack what is needed"))
        }
        (Err(why), _) => Err(why),
        (Ok(()), Some(name)) => Err(format!("it holds no {name}: correct the name, a path within the archive")),
        (Ok(()), None) => Ok(found.into_iter().flatten().collect()),
    }
}

fn collect(
    archive: &mut Archive<impl Read>,
    wanted: &[&FileSpec],
    found: &mut [Option<Vec<u8>>],
) -> Result<(), String> {
    for entry in archive.entries().map_err(damage)? {
        let entry = entry.map_err(damage)?;
        let Some(at) = wanted.iter().position(|file| is_named(&entry, &file.name)) else { continue };
        let name = &wanted[at].name;
        if !entry.header().entry_type().is_file() {
            return Err(format!("{name} in it is a link or something else, not a plain file"));
        }
        if found[at].is_none() {
            found[at] = Some(checked::read(wanted[at], entry).map_err(|e| format!("{name} in it: {e}"))?);
        }
        if found.iter().all(Option::is_some) {
            break;
        }
    }
    Ok(())
}

/// Some archives name their members "./a/b".
fn is_named(entry: &Entry<'_, impl Read>, name: &str) -> bool {
    let path = entry.path_bytes();
    path.strip_prefix(b"./").unwrap_or(&path) == name.as_bytes()
}

fn damage(error: io::Error) -> String {
    match error.kind() {
        ErrorKind::Other => format!("it is damaged, or not tar: {error}"),
        _ => checked::damage(error),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use tar::{Builder, EntryType, Header};
    use tempfile::TempDir;

    use super::*;
    use crate::dataset::Source;
    use crate::dataset::tests::declaration;
    use crate::spec::DatasetSpec;

    /// MD5 of "abc" and of "" (RFC 1321, appendix A.5).
    const ABC: &str = "900150983cd24fb0d6963f7d28e17f72";
    const EMPTY: &str = "d41d8cd98f00b204e9800998ecf8427e";

    /// A file of this path in letters.tar.gz.
    fn member(name: &str, md5: &str, bytes: u64) -> FileSpec {
        let (archive, md5) = (Some("letters.tar.gz".into()), Some(md5.into()));
        FileSpec { name: name.into(), archive, md5, bytes, ..FileSpec::default() }
    }

    fn letters() -> DatasetSpec {
        let files = vec![member("some/abc", ABC, 3), member("some/empty", EMPTY, 0)];
        DatasetSpec { mirrors: vec!["https://example.org/".into()], ..declaration("letters", files) }
    }

    /// A .tar of entries, each a path as it is written, what it is, and its content.
    fn tar(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (path, kind, content) in entries {
            let mut header = Header::new_gnu();
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, *content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        io::Write::write_all(&mut encoder, content).unwrap();
        encoder.finish().unwrap()
    }

    fn put(directory: &TempDir, path: &str, content: &[u8]) {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn both(directory: &Path) -> Result<Vec<Vec<u8>>, String> {
        let directories = [directory.to_path_buf()];
        Source { spec: &letters(), directories: &directories, watch: &crate::dataset::Deaf }
            .files(&["some/empty", "some/abc"])
    }

    const PLAIN: EntryType = EntryType::Regular;

    #[test]
    fn members_are_read_in_the_order_that_is_asked_for_whatever_else_is_there() {
        let whole = [
            ("./some/", EntryType::Directory, &b""[..]),
            ("./some/readme", PLAIN, b"ab"),
            ("./some/abc", PLAIN, b"abc"),
            ("/etc/passwd", PLAIN, b"x"),
            ("../out", EntryType::Symlink, b""),
            ("some/empty", PLAIN, b""),
        ];
        for path in ["letters/letters.tar.gz", "letters.tar.gz"] {
            let directory = TempDir::new().unwrap();
            put(&directory, path, &gzip(&tar(&whole)));
            assert_eq!(both(directory.path()).unwrap(), [&b""[..], b"abc"]);
        }
    }

    #[test]
    fn an_archive_may_be_unpacked_in_the_data_sets_folder_or_beside_it() {
        for folder in ["letters/some", "some"] {
            let directory = TempDir::new().unwrap();
            put(&directory, &format!("{folder}/abc"), b"abc");
            put(&directory, &format!("{folder}/empty"), b"");
            assert_eq!(both(directory.path()).unwrap(), [&b""[..], b"abc"]);
        }
    }

    #[test]
    fn what_was_unpacked_counts_before_the_archive_even_where_it_is_wrong() {
        let directory = TempDir::new().unwrap();
        put(
            &directory,
            "letters/letters.tar.gz",
            &gzip(&tar(&[("some/abc", PLAIN, b"abc"), ("some/empty", PLAIN, b"")])),
        );
        put(&directory, "letters/some/abc", b"abd");
        let directories = [directory.path().to_path_buf()];
        let error = Source { spec: &letters(), directories: &directories, watch: &crate::dataset::Deaf }
            .file("some/abc")
            .unwrap_err();
        for part in ["letters/some/abc: it is not the declared file", ABC, "https://example.org/letters.tar.gz"] {
            assert!(error.contains(part), "{part:?} is not in {error:?}");
        }
    }

    /// An archive of these is an error that names it and every one of `parts`.
    fn assert_refused(bytes: &[u8], parts: &[&str]) {
        let directory = TempDir::new().unwrap();
        put(&directory, "letters/letters.tar.gz", bytes);
        let error = both(directory.path()).unwrap_err();
        for part in parts.iter().chain([&"letters/letters.tar.gz: ", &"download https://example.org/letters.tar.gz"]) {
            assert!(error.contains(part), "{part:?} is not in {error:?}");
        }
    }

    #[test]
    fn links_and_other_content_in_the_place_of_a_member_are_refused() {
        for kind in [EntryType::Symlink, EntryType::Link, EntryType::Fifo] {
            assert_refused(&gzip(&tar(&[("some/abc", kind, b"")])), &["some/abc in it is a link or something else"]);
        }
        assert_refused(&gzip(&tar(&[("some/abc", PLAIN, b"abd")])), &["some/abc in it: it is not the declared", ABC]);
        assert_refused(&gzip(&tar(&[("some/abc", PLAIN, b"abcd")])), &["some/abc in it: it is oversized"]);
        assert_refused(&gzip(&tar(&[("some/abc", PLAIN, b"ab")])), &["some/abc in it: it is truncated"]);
    }

    #[test]
    fn an_archive_without_a_member_or_that_ends_too_early_or_is_none_is_refused() {
        let whole = gzip(&tar(&[("some/abc", PLAIN, b"abc")]));
        assert_refused(&whole, &["it holds no some/empty"]);
        assert_refused(&whole[..whole.len() / 2], &["truncated"]);
        assert_refused(b"no gzip at all", &["not gzip"]);
        assert_refused(&gzip(&[7; 600]), &["not tar"]);
        assert_refused(&gzip(&tar(&[("large", PLAIN, &[0; 512])])[..700]), &["damaged"]);
    }

    #[test]
    fn an_archive_that_goes_on_and_on_is_left() {
        let most = 6 + BESIDES as usize;
        let bomb = tar(&[("large", PLAIN, &vec![0; most]), ("some/abc", PLAIN, b"abc"), ("some/empty", PLAIN, b"")]);
        assert_refused(&gzip(&bomb), &["it holds more than 16777222 bytes", "unpack"]);
    }

    #[test]
    fn a_member_is_declared_by_a_plain_path() {
        for name in ["../abc", "/abc", "some/../abc", "some//abc", "", "some/", "./abc"] {
            let spec = DatasetSpec { files: vec![member(name, ABC, 3)], ..letters() };
            let error = Source { spec: &spec, directories: &[], watch: &crate::dataset::Deaf }.file(name).unwrap_err();
            assert!(error.contains("not a plain name"), "{name:?}: {error}");
        }
        let mut spec = letters();
        spec.files[0].archive = Some("../letters.tar".into());
        assert!(
            Source { spec: &spec, directories: &[], watch: &crate::dataset::Deaf }
                .file("some/abc")
                .unwrap_err()
                .contains("not a plain name")
        );
    }

    #[test]
    fn a_missing_archive_lists_where_it_was_looked_for_unpacked_or_not() {
        let error = both(Path::new("/nowhere")).unwrap_err();
        let looked = ["letters/some/empty", "letters/letters.tar.gz", "some/empty", "letters.tar.gz"];
        let places = looked.map(|place| format!("\n  /nowhere/{place}")).concat();
        assert!(error.contains(&places), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_damaged_archive_gives_the_members_or_an_error(at in 0usize..2560, byte in any::<u8>()) {
            let mut archive = tar(&[("some/abc", PLAIN, b"abc"), ("some/empty", PLAIN, b"")]);
            archive[at] = byte;
            let spec = letters();
            if let Ok(contents) = members(&archive[..], &[&spec.files[0], &spec.files[1]]) {
                prop_assert_eq!(contents, [&b"abc"[..], b""]);
            }
        }
    }
}

//! Packs that were made to do harm: each is refused with its reason, nothing of it is left, and nothing outside is touched.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;
use tombola::dataset::Failure;
use tombola::share::{Limits, unpack};
use walkdir::WalkDir;

/// An entry of an archive: path as its bytes are, kind, and what it holds.
type Entry<'a> = (&'a [u8], EntryType, &'a [u8]);

fn header(path: &[u8], kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_ustar();
    let name = &mut header.as_old_mut().name;
    let length = path.len().min(name.len());
    name[..length].copy_from_slice(&path[..length]);
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    header
}

fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (path, kind, content) in entries {
        let mut header = header(path, *kind, content.len() as u64);
        if matches!(kind, EntryType::Symlink | EntryType::Link) {
            header.set_link_name("/etc/passwd").unwrap();
            header.set_cksum();
        }
        archive.append(&header, *content).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

fn manifest(files: &[(&str, &[u8])]) -> Vec<u8> {
    let sealed = |(path, content): &(&str, &[u8])| {
        let hash: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        serde_json::json!({ "path": path, "bytes": content.len(), "sha256": hash })
    };
    let files: Vec<_> = files.iter().map(sealed).collect();
    let manifest = serde_json::json!({
        "format": "tombola-pack 1", "experiment": "top", "tombola": "0.1.0", "lock": false, "tickets": 0, "datasets": [],
        "files": files,
    });
    serde_json::to_vec(&manifest).unwrap()
}

const FILE: EntryType = EntryType::Regular;

/// Where a pack may have any file.
const OWN: &str = "top/experiments/top";

/// Such a file's path.
fn own(name: &str) -> String {
    format!("{OWN}/{name}")
}

/// A folder with a pack and something beside it that must stay as it is.
struct Place(TempDir);

impl Place {
    fn of(pack: &[u8]) -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        fs::create_dir(place.0.path().join("in")).unwrap();
        fs::write(place.0.path().join("beside"), "mine").unwrap();
        fs::write(place.pack(), pack).unwrap();
        place
    }

    fn pack(&self) -> PathBuf {
        self.0.path().join("pack.tar.gz")
    }

    /// Unpacks into in/top; gives why not.
    fn unpack(&self, limits: Limits) -> Option<Failure> {
        unpack(&self.pack(), &self.0.path().join("in/top"), limits, &AtomicBool::new(false)).err()
    }

    /// All that there is, but for what is below in/top.
    fn around(&self) -> Vec<String> {
        let walk = WalkDir::new(self.0.path()).sort_by_file_name().into_iter().map(Result::unwrap);
        let path = |path: &Path| path.strip_prefix(self.0.path()).unwrap().display().to_string();
        walk.map(|entry| path(entry.path())).filter(|path| !path.starts_with("in/top")).collect()
    }

    fn is_untouched(&self) -> bool {
        let beside = fs::read_to_string(self.0.path().join("beside")).unwrap();
        self.around() == ["", "beside", "in", "pack.tar.gz"] && beside == "mine"
    }
}

#[track_caller]
fn refused(pack: &[u8], limits: Limits) -> String {
    let place = Place::of(pack);
    let why = place.unpack(limits);
    assert!(place.is_untouched() && !place.0.path().join("in/top").exists(), "{:?}", place.around());
    match why {
        Some(Failure::Wrong(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_honest_archive_by_hand_is_unpacked_folders_and_all() {
    let files: [(&str, &[u8]); 2] = [("experiments/top/b.txt", b"b"), ("DATA.md", b"")];
    let listed = manifest(&files);
    let entries: [Entry<'_>; 5] = [
        (b"top/", EntryType::Directory, b""),
        (b"top/experiments/", EntryType::Directory, b""),
        (b"top/experiments/top/b.txt", FILE, b"b"),
        (b"top/DATA.md", FILE, b""),
        (b"top/MANIFEST.json", FILE, &listed),
    ];
    let place = Place::of(&archive(&entries));
    assert_eq!(place.unpack(Limits::default()), None);
    assert!(place.is_untouched());
    assert_eq!(fs::read(place.0.path().join("in/top/experiments/top/b.txt")).unwrap(), b"b");
}

#[test]
fn entries_that_lead_elsewhere_or_are_no_files_are_refused_each_with_its_reason() {
    let cases: [(Entry<'_>, &str); 14] = [
        ((b"top/../x", FILE, b"x"), "leads out of its folder"),
        ((b"../x", FILE, b"x"), "leads out of its folder"),
        ((b"/tmp/x", FILE, b"x"), "an absolute path"),
        ((b"top//x", FILE, b"x"), "a part that names nothing"),
        ((b"top/./x", FILE, b"x"), "a part that names nothing"),
        ((b"top\\..\\x", FILE, b"x"), "a character that not every system takes"),
        ((b"other/x", FILE, b"x"), "not all of its files are in one folder"),
        ((b"top/link", EntryType::Symlink, b""), "a link, which might lead anywhere"),
        ((b"top/link", EntryType::Link, b""), "a link, which might lead anywhere"),
        ((b"top/device", EntryType::Char, b""), "a device or a pipe"),
        ((b"top/device", EntryType::Block, b""), "a device or a pipe"),
        ((b"top/pipe", EntryType::Fifo, b""), "a device or a pipe"),
        ((b"top/name", EntryType::GNULongName, b"../../x"), "of a kind that no pack has"),
        ((b"top/name", EntryType::XHeader, b"18 path=../../xyz\n"), "of a kind that no pack has"),
    ];
    for (entry, reason) in cases {
        let why = refused(&archive(&[(b"top/DATA.md", FILE, b"1"), entry]), Limits::default());
        assert!(why.contains(reason) && why.contains("nothing was unpacked"), "{:?}: {why}", entry.0);
    }
    let why = refused(&archive(&[(b"top/\xff", FILE, b"x")]), Limits::default());
    assert!(why.contains("is no text"), "{why}");
}

/// Whatever such a file says, a program that finds it there might do it, or take it for its own.
#[test]
fn what_no_pack_has_is_refused_as_settings_of_git_and_results_of_a_verification() {
    let step = "ab".repeat(16);
    for (path, reason) in [
        (".git/config".to_string(), "it is hidden"),
        ("experiments/top/.git/config.worktree".to_string(), "it is hidden"),
        ("experiments/other/experiment.toml".to_string(), "no pack has such a file there"),
        ("HEAD".to_string(), "no pack has such a file there"),
        ("plugins/models/lenet-300-100.toml".to_string(), "no pack has such a file there"),
        (format!("runs/verify/top/steps/ab/{step}/record.json"), "no pack has such a file there"),
    ] {
        let listed = manifest(&[(&path, b"x")]);
        let whole = format!("top/{path}");
        let entries: [Entry<'_>; 2] = [(whole.as_bytes(), FILE, b"x"), (b"top/MANIFEST.json", FILE, &listed)];
        let why = refused(&archive(&entries), Limits::default());
        assert!(why.contains(reason), "{path}: {why}");
    }
}

#[test]
fn two_files_of_a_name_are_refused_however_they_are_spelled() {
    for (one, other) in [(own("a"), own("a")), (own("a"), own("A"))] {
        let why = refused(&archive(&[(one.as_bytes(), FILE, b"1"), (other.as_bytes(), FILE, b"2")]), Limits::default());
        assert!(why.contains("another has its name"), "{why}");
    }
    for pair in [[own("a"), own("a/b")], [own("a/b"), own("a")]] {
        let entries = pair.each_ref().map(|path| (path.as_bytes(), FILE, &b"1"[..]));
        let why = refused(&archive(&entries), Limits::default());
        assert!(why.contains("a file and a folder of one name"), "{why}");
    }
}

#[test]
fn holes_and_sizes_that_no_disk_has_are_refused_before_anything_is_written() {
    let of_size = |kind: EntryType, size: u64| {
        let mut gz = GzEncoder::new(Vec::new(), Compression::default());
        gz.write_all(header(own("huge").as_bytes(), kind, size).as_bytes()).unwrap();
        gz.write_all(&[0; 4096]).unwrap();
        gz.finish().unwrap()
    };
    let why = refused(&of_size(EntryType::GNUSparse, 1 << 32), Limits::default());
    assert!(why.contains("of a kind that no pack has"), "{why}");
    let why = refused(&of_size(FILE, (1 << 33) - 1), Limits { bytes: 1 << 20, ..Limits::default() });
    assert!(why.contains("more than 1048576 bytes") && why.contains("--limit SIZE"), "{why}");
    let why = refused(&of_size(FILE, 1 << 20), Limits::default());
    assert!(why.contains("damaged, cut short"), "{why}");
}

#[test]
fn what_grows_without_end_is_refused() {
    let zeros = vec![0; 100 << 20];
    let why = refused(&archive(&[(own("zeros").as_bytes(), FILE, &zeros)]), Limits::default());
    assert!(why.contains("grows to more than 200 times its size"), "{why}");
    let paths: Vec<String> = (0..20).map(|number| own(&number.to_string())).collect();
    let entries: Vec<Entry<'_>> = paths.iter().map(|path| (path.as_bytes(), FILE, &b""[..])).collect();
    let why = refused(&archive(&entries), Limits { files: 10, ..Limits::default() });
    assert!(why.contains("more than 10 files"), "{why}");
    // After its end, too.
    let mut padded = GzEncoder::new(Vec::new(), Compression::default());
    let plain = {
        let mut plain = Vec::new();
        std::io::Read::read_to_end(
            &mut flate2::read::GzDecoder::new(&archive(&[(b"top/DATA.md", FILE, b"")])[..]),
            &mut plain,
        )
        .unwrap();
        plain
    };
    padded.write_all(&plain).unwrap();
    padded.write_all(&vec![0; 3 << 20]).unwrap();
    let why = refused(&padded.finish().unwrap(), Limits::default());
    assert!(why.contains("something follows its end"), "{why}");
}

fn noise() -> Vec<u8> {
    (0..20_000u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

fn honest() -> Vec<u8> {
    let text = noise();
    let listed = manifest(&[("reports/top/a.bin", &text)]);
    archive(&[(b"top/MANIFEST.json", FILE, &listed), (b"top/reports/top/a.bin", FILE, &text)])
}

#[test]
fn a_pack_that_was_cut_or_of_which_a_bit_is_another_is_refused_or_the_same() {
    let pack = honest();
    assert_eq!(Place::of(&pack).unpack(Limits::default()), None);
    for at in [0, 1, 9, 10, 100, pack.len() / 2, pack.len() - 9, pack.len() - 1] {
        let why = refused(&pack[..at], Limits::default());
        assert!(why.contains("damaged, cut short or no pack") || why.contains("is empty"), "{at}: {why}");
    }
    for at in (10..pack.len()).step_by(pack.len() / 40) {
        let mut other = pack.clone();
        other[at] ^= 4;
        let place = Place::of(&other);
        // Between blocks are bits that mean nothing.
        match place.unpack(Limits::default()) {
            None => assert!(fs::read(place.0.path().join("in/top/reports/top/a.bin")).unwrap() == noise(), "{at}"),
            Some(why) => assert!(matches!(why, Failure::Wrong(_)) && !place.0.path().join("in/top").exists(), "{why}"),
        }
    }
    let why = refused(&[&pack[..], b"more"].concat(), Limits::default());
    assert!(why.contains("something follows its end"), "{why}");
}

#[test]
fn what_its_manifest_does_not_list_or_lists_otherwise_is_refused() {
    let listed = manifest(&[("shipped/a.toml", b"1"), ("shipped/b.toml", b"2")]);
    let with = |entries: &[Entry<'_>]| refused(&archive(entries), Limits::default());
    let manifest: Entry<'_> = (b"top/MANIFEST.json", FILE, &listed);
    let why = with(&[(b"top/shipped/a.toml", FILE, b"1"), (b"top/shipped/c.toml", FILE, b"3"), manifest]);
    assert!(why.contains("\"shipped/b.toml\" is missing, \"shipped/c.toml\" was not packed"), "{why}");
    let why = with(&[(b"top/shipped/a.toml", FILE, b"x"), (b"top/shipped/b.toml", FILE, b"2"), manifest]);
    assert!(why.contains("\"shipped/a.toml\" is not what was packed"), "{why}");
    let why = with(&[(b"top/shipped/a.toml", FILE, b"1")]);
    assert!(why.contains("it has no MANIFEST.json"), "{why}");
    let why = with(&[(b"top/MANIFEST.json", FILE, b"{\"format\": \"x\"")]);
    assert!(why.contains("MANIFEST.json"), "{why}");
}

#[test]
fn what_is_there_already_is_never_written_over_and_what_is_no_file_is_no_pack() {
    let place = Place::of(&honest());
    let top = place.0.path().join("in/top");
    for make in [|path: &Path| fs::create_dir(path).unwrap(), |path: &Path| fs::write(path, "mine").unwrap()] {
        make(&top);
        let Some(Failure::Wrong(why)) = place.unpack(Limits::default()) else { panic!() };
        assert!(why.contains("is there already"), "{why}");
        let _ = fs::remove_dir(&top).or_else(|_| fs::remove_file(&top));
    }
    let folder = unpack(place.0.path(), &top, Limits::default(), &AtomicBool::new(false));
    assert!(matches!(folder, Err(Failure::Wrong(why)) if why.contains("it is no file")));
    let stopped = unpack(&place.pack(), &top, Limits::default(), &AtomicBool::new(true));
    assert!(matches!(stopped, Err(Failure::Interrupted)) && !top.exists());
    assert!(place.is_untouched());
}

#[cfg(unix)]
#[test]
fn what_a_killed_unpack_left_is_removed_by_the_next_one() {
    let place = Place::of(&honest());
    fs::create_dir_all(place.0.path().join("in/.tombola-unfinished-abcdefghijkl/experiments")).unwrap();
    assert_eq!(place.unpack(Limits::default()), None);
    assert!(place.is_untouched(), "{:?}", place.around());
}

/// Paths that mean harm, and plain ones.
fn path() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => "[a-c]{1,2}",
        1 => prop::sample::select(vec!["..", ".", "", "\\", "C:", "top", "MANIFEST.json", "~", "\u{0}"]).prop_map(str::to_string),
        1 => ".{0,3}",
    ];
    let parts = prop::collection::vec(part, 1..6).prop_map(|parts| parts.join("/"));
    let own = parts.clone().prop_map(|rest| own(&rest).into_bytes());
    let top = parts.clone().prop_map(|rest| format!("top/{rest}").into_bytes());
    prop_oneof![2 => own, 1 => top, 1 => parts.prop_map(String::into_bytes)]
}

fn kind() -> impl Strategy<Value = EntryType> {
    prop_oneof![6 => Just(FILE), 2 => Just(EntryType::Directory), 2 => any::<u8>().prop_map(EntryType::new)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn unpacking_never_writes_outside(entries in prop::collection::vec((path(), kind(), ".{0,5}"), 0..6), flip in any::<prop::sample::Index>(), flips in any::<bool>()) {
        let entries: Vec<Entry<'_>> = entries.iter().map(|(path, kind, text)| (&path[..], *kind, text.as_bytes())).collect();
        let mut pack = archive(&entries);
        if flips {
            let at = flip.index(pack.len());
            pack[at] ^= 1;
        }
        let place = Place::of(&pack);
        let why = place.unpack(Limits::default());
        prop_assert!(place.is_untouched(), "{:?}: {:?}", why, place.around());
        prop_assert!(matches!(why, Some(Failure::Wrong(_))), "{:?}", why);
    }
}

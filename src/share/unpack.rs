//! Unpacks a pack that anyone may have sent: into a new folder, below it only, and only what its manifest lists.
//!
//! Entries are taken as they are, without the extensions of the format that name longer paths or holes: a pack has none,
//! and what has none cannot lie in them.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use tar::{Archive, Entry, EntryType};

use super::bounded::{Bounded, too_large};
use super::entry;
use super::folder::FILES;
use super::landing::Landing;
use super::manifest::{FORMAT, MANIFEST, Manifest};
use super::names::Names;
use super::part::{Copying, Sealed, copied};
use crate::dataset::Failure;
use crate::spec::is_name;

/// A larger manifest is none.
const MANIFEST_BYTES: u64 = 64 << 20;

/// What may follow the last file: the archive's padding.
const PADDING: u64 = 1 << 20;

/// Differences from the manifest that are told.
const TOLD: usize = 10;

/// What a pack may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub bytes: u64,
    pub files: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes: 16 << 30, files: FILES }
    }
}

/// What was unpacked.
#[derive(Debug)]
pub struct Unpacked {
    pub manifest: Manifest,
    pub bytes: u64,
}

/// Unpacks into a folder that is not there yet. Whatever is wrong, nothing is left of it.
pub fn unpack(pack: &Path, into: &Path, limits: Limits, stop: &AtomicBool) -> Result<Unpacked, Failure> {
    let told = |why: &dyn std::fmt::Display| Failure::Wrong(format!("{}: {why}", pack.display()));
    let file = File::open(pack).map_err(|e| told(&e))?;
    if !file.metadata().is_ok_and(|about| about.is_file()) {
        return Err(told(&"it is no file: give what `tombola pack` wrote"));
    }
    let landing = Landing::begin(into, "--into")?;
    let unpacked = opened(file, &landing, limits, stop).map_err(|failure| match failure {
        Failure::Wrong(why) => Failure::Wrong(format!("{}: {why}; nothing was unpacked", pack.display())),
        other => other,
    })?;
    landing.land()?;
    Ok(unpacked)
}

/// The manifest of a pack, which says the experiment's name; nothing is written.
pub fn top(pack: &Path) -> Option<String> {
    let stop = AtomicBool::new(false);
    let mut archive = Archive::new(Bounded::new(File::open(pack).ok()?, u64::MAX, &stop));
    let first = archive.entries().ok()?.raw(true).next()?.ok()?;
    let path = first.path_bytes();
    let name = std::str::from_utf8(&path).ok()?.split('/').next()?;
    is_name(name).then(|| name.to_string())
}

fn opened(file: File, landing: &Landing, limits: Limits, stop: &AtomicBool) -> Result<Unpacked, Failure> {
    let reader = Bounded::new(file, around(limits), stop);
    let why = reader.why();
    let mut archive = Archive::new(reader);
    let found = extracted(&mut archive, landing, limits, stop);
    let found = found.and_then(|found| finished(archive.into_inner()).map(|()| found));
    // Whatever stopped the reader is the reason, and not what its user made of it.
    let (found, top) = found.map_err(|failure| why.borrow_mut().take().unwrap_or(failure))?;
    let manifest = manifest(landing, &top, &found)?;
    Ok(Unpacked { manifest, bytes: found.iter().map(|file| file.bytes).sum() })
}

/// What an archive of so much may take: each file has a header, and fills whole blocks.
fn around(limits: Limits) -> u64 {
    limits.bytes.saturating_add(PADDING).saturating_add(1024 * limits.files as u64)
}

/// Reads to the end, so that the checksum of the whole is looked at.
fn finished(mut reader: Bounded<'_, File>) -> Result<(), Failure> {
    let padding = std::io::copy(&mut (&mut reader).take(PADDING + 1), &mut std::io::sink()).map_err(damaged)?;
    match padding > PADDING || reader.has_more().map_err(damaged)? {
        true => Err(Failure::Wrong("something follows its end, as no pack has it".into())),
        false => Ok(()),
    }
}

/// Writes each file; gives what they hold, without the name of the folder that is around them all.
fn extracted(
    archive: &mut Archive<Bounded<'_, File>>,
    landing: &Landing,
    limits: Limits,
    stop: &AtomicBool,
) -> Result<(Vec<Sealed>, String), Failure> {
    let (mut found, mut top, mut left) = (Vec::new(), None, limits.bytes);
    for (number, entry) in archive.entries().map_err(damaged)?.raw(true).enumerate() {
        let mut entry = entry.map_err(damaged)?;
        if number == limits.files {
            let most = limits.files;
            return Err(format!("it has more than {most} files: ask for a pack without `--tickets`").into());
        }
        let whole = path(&entry)?;
        let wrong = |why: &str| Failure::Wrong(format!("it has a file {whole:?}, and {why}: do not trust it"));
        if let Some(why) = entry::refused(&whole) {
            return Err(wrong(why));
        }
        let (above, below) = whole.split_once('/').unwrap_or((&whole, ""));
        let (name, names) = top.get_or_insert_with(|| (above.to_string(), Names::of(above)));
        if !is_name(above) || name != above {
            return Err(wrong("not all of its files are in one folder that has a name"));
        }
        match entry.header().entry_type() {
            // Its files make it.
            EntryType::Directory => continue,
            EntryType::Regular => names.take(below).map_err(wrong)?,
            kind => return Err(wrong(&format!("it is {}", words(kind)))),
        }
        let size = entry.header().entry_size().map_err(damaged)?;
        left = left.checked_sub(size).ok_or_else(|| too_large(limits.bytes))?;
        let (bytes, sha256) = write(&mut entry, &landing.path().join(below), landing, stop)?;
        if bytes != size {
            return Err(damaged("it ends within a file"));
        }
        found.push(Sealed { path: below.to_string(), bytes, sha256 });
    }
    let (top, _) = top.ok_or_else(|| Failure::Wrong("it is empty: give what `tombola pack` wrote".into()))?;
    Ok((found, top))
}

/// An entry's path; that of a folder without the sign at its end.
fn path(entry: &Entry<'_, impl Read>) -> Result<String, Failure> {
    let bytes = entry.path_bytes();
    let path = std::str::from_utf8(&bytes)
        .map_err(|_| Failure::Wrong("a file's name in it is no text: do not trust it".into()))?;
    let is_folder = entry.header().entry_type() == EntryType::Directory;
    Ok(if is_folder { path.strip_suffix('/').unwrap_or(path) } else { path }.to_string())
}

fn words(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Symlink | EntryType::Link => "a link, which might lead anywhere",
        EntryType::Char | EntryType::Block | EntryType::Fifo => "a device or a pipe",
        _ => "of a kind that no pack has",
    }
}

fn write(entry: &mut dyn Read, place: &Path, landing: &Landing, stop: &AtomicBool) -> Result<(u64, String), Failure> {
    if let Some(above) = place.parent() {
        std::fs::create_dir_all(above).map_err(|e| unwritten(&e, landing))?;
    }
    let mut file = File::create_new(place).map_err(|e| unwritten(&e, landing))?;
    copied(entry, &mut file, stop).map_err(|why| match why {
        Copying::Stopped => Failure::Interrupted,
        Copying::Reading(e) => damaged(e),
        Copying::Writing(e) => landing.failed(&e),
    })
}

/// Whose fault it is: the pack's, where two of its files are in each other's way.
fn unwritten(why: &std::io::Error, landing: &Landing) -> Failure {
    match why.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory | ErrorKind::IsADirectory => {
            Failure::Wrong("it has a file and a folder of one name: do not trust it".into())
        }
        _ => landing.failed(why),
    }
}

fn damaged(why: impl std::fmt::Display) -> Failure {
    Failure::Wrong(format!("it is damaged, cut short or no pack ({why}): get it again"))
}

/// The manifest, where all that was found is what it lists.
fn manifest(landing: &Landing, top: &str, found: &[Sealed]) -> Result<Manifest, Failure> {
    let Some(listed) = found.iter().find(|file| file.path == MANIFEST).filter(|file| file.bytes <= MANIFEST_BYTES)
    else {
        return Err(Failure::Wrong(format!("it has no {MANIFEST}: give what `tombola pack` wrote")));
    };
    let text = std::fs::read_to_string(landing.path().join(&listed.path)).map_err(|e| landing.failed(&e))?;
    let manifest = Manifest::read(&text).map_err(|why| damaged(format!("{MANIFEST}: {why}")))?;
    if manifest.format != FORMAT || manifest.experiment != top {
        let why = format!("{MANIFEST} says that it is {:?} of {:?}", manifest.format, manifest.experiment);
        return Err(Failure::Wrong(format!(
            "{why}, and this program reads {FORMAT:?}: use the version that packed it"
        )));
    }
    let others: Vec<Sealed> = found.iter().filter(|file| file.path != MANIFEST).cloned().collect();
    let differences = manifest.differences(&others);
    if differences.is_empty() {
        return Ok(manifest);
    }
    let more = differences.len().saturating_sub(TOLD);
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    let told = differences.into_iter().take(TOLD).collect::<Vec<_>>().join(", ");
    Err(Failure::Wrong(format!("it is not what was packed: {told}{more}: get it again")))
}

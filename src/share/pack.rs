//! A pack: a .tar.gz with all that a reviewer needs, and a manifest with the hash of each file.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};
use tempfile::NamedTempFile;

use super::bounded::is_a_bomb;
use super::bundle::Bundle;
use super::crates::{METADATA, metadata};
use super::folder::FILES;
use super::landing::UNFINISHED;
use super::manifest::{FORMAT, MANIFEST, Manifest};
use super::names::Names;
use super::part::{Part, Sealed};
use crate::dataset::Failure;
use crate::unfinished;

/// A pack that was written.
#[derive(Debug)]
pub struct Packed {
    pub manifest: Manifest,
    /// Bytes of the archive, and of what it holds.
    pub bytes: u64,
    pub unpacked: u64,
}

/// Writes a pack to a place where nothing is yet.
pub fn pack(bundle: Bundle<'_>, to: &Path, tickets: usize, stop: &AtomicBool) -> Result<Packed, Failure> {
    if to.symlink_metadata().is_ok() {
        let there = to.display();
        return Err(format!("{there} is there already, and is left as it is: `--out FILE` names another place").into());
    }
    named(&bundle)?;
    let mut files = bundle.parts.iter().map(|part| part.sealed(stop)).collect::<Result<Vec<_>, _>>()?;
    let described = Part::text(METADATA, metadata(&bundle, &files)?);
    files.push(described.sealed(stop)?);
    files.sort_by(|one, other| one.path.cmp(&other.path));
    if files.len() >= FILES {
        return Err(format!("{} files, and a pack has fewer than {FILES}: leave out `--tickets`", files.len()).into());
    }
    let manifest = Manifest {
        format: FORMAT.into(),
        experiment: bundle.spec.name.clone(),
        tombola: env!("CARGO_PKG_VERSION").into(),
        lock: bundle.is_locked(),
        tickets,
        datasets: bundle.needed.clone(),
        files,
    };
    let listed = Part::text(MANIFEST, manifest.text().map_err(Failure::Machine)?);
    let bundle = bundle.with(vec![described, listed]);
    let unpacked: u64 = manifest.files.iter().map(|file| file.bytes).sum();
    // What shrinks to next to nothing, `unpack` would take for a bomb: it is stored as it is.
    let shrunk = written(&bundle, &manifest, to, Compression::default(), stop)?;
    let archive = match is_a_bomb(length(&shrunk, to)?, unpacked) {
        true => written(&bundle, &manifest, to, Compression::none(), stop)?,
        false => shrunk,
    };
    let bytes = length(&archive, to)?;
    unfinished::open_to_all(archive.as_file()).map_err(|e| cannot_write(to, &e))?;
    archive.persist_noclobber(to).map_err(|e| cannot_write(to, &e.error))?;
    Ok(Packed { manifest, bytes, unpacked })
}

/// An error where `unpack` would refuse a file by its name.
fn named(bundle: &Bundle<'_>) -> Result<(), Failure> {
    let mut names = Names::of(&bundle.spec.name);
    let paths = bundle.parts.iter().map(|part| part.path.as_str()).chain([METADATA, MANIFEST]);
    for path in paths {
        names.take(path).map_err(|why| format!("{path}: {why}: rename the file, to share it"))?;
    }
    Ok(())
}

/// The archive under a temporary name beside its place.
fn written(
    bundle: &Bundle<'_>,
    manifest: &Manifest,
    to: &Path,
    compression: Compression,
    stop: &AtomicBool,
) -> Result<NamedTempFile, Failure> {
    let failed = |e: std::io::Error| cannot_write(to, &e);
    let above = to.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = unfinished::clean(above, UNFINISHED).and_then(|()| unfinished::file(above, UNFINISHED));
    let file = file.map_err(failed)?;
    let buffered = std::io::BufWriter::with_capacity(1 << 16, file);
    let mut archive = Builder::new(GzBuilder::new().operating_system(255).write(buffered, compression));
    for part in &bundle.parts {
        let sealed =
            manifest.files.binary_search_by(|file| file.path.cmp(&part.path)).ok().map(|at| &manifest.files[at]);
        append(&mut archive, part, sealed, &manifest.experiment, (to, stop))?;
    }
    let finished = archive.into_inner().and_then(|gz| gz.finish()).map_err(failed)?;
    let file = finished.into_inner().map_err(|e| failed(e.into_error()))?;
    file.as_file().sync_all().map_err(failed)?;
    Ok(file)
}

/// One file as it was when it was sealed; the manifest itself is sealed by nothing.
fn append(
    archive: &mut Builder<impl Write>,
    part: &Part,
    sealed: Option<&Sealed>,
    top: &str,
    (to, stop): (&Path, &AtomicBool),
) -> Result<(), Failure> {
    let sealed = sealed.map_or_else(|| part.sealed(stop), |sealed| Ok(sealed.clone()))?;
    let mut header = Header::new_ustar();
    let path = format!("{top}/{}", part.path);
    header
        .set_path(&path)
        .map_err(|_| format!("{path}: an archive has no room for so long a path: rename the file"))?;
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_size(sealed.bytes);
    header.set_cksum();
    let mut reader = Watched { reader: part.open()?, read: 0, stop };
    let appended = archive.append(&header, (&mut reader).take(sealed.bytes));
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    appended.map_err(|e| cannot_write(to, &e))?;
    // That its bytes are others, unpacking would find out; that they are more or fewer, the archive's form.
    let more = reader.read(&mut [0]).map_err(|e| cannot_write(to, &e))?;
    match reader.read - more as u64 == sealed.bytes && more == 0 {
        true => Ok(()),
        false => Err(Failure::Machine(format!("{} was written to meanwhile: pack again", part.path))),
    }
}

/// Counts what is read, and ends where a Ctrl-C asks.
struct Watched<'a> {
    reader: Box<dyn Read + 'a>,
    read: u64,
    stop: &'a AtomicBool,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(std::io::Error::other("interrupted"));
        }
        let n = self.reader.read(buffer)?;
        self.read += n as u64;
        Ok(n)
    }
}

fn length(archive: &NamedTempFile, to: &Path) -> Result<u64, Failure> {
    archive.as_file().metadata().map(|about| about.len()).map_err(|e| cannot_write(to, &e))
}

fn cannot_write(to: &Path, why: &std::io::Error) -> Failure {
    // A temporary name says nothing to anyone.
    Failure::Machine(format!("cannot write {}: {}; `--out FILE` names another place", to.display(), why.kind()))
}

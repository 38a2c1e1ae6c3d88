//! The folder of decoded images, in the user's cache directory.
//!
//! A file of it (`file.rs`) is named by a hash of what decides its bytes, written under another name, synced and renamed: it is
//! there whole or not at all. One that was cut short, is another's or has changed by a bit is known as such: each load reads
//! it once, from its beginning to its end, before it is mapped. That takes what the disk takes, and no memory, however large
//! the file; a time of modification would not tell of a worn disk.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::file::{Index, Writer, hash, read};
use crate::dataset::{Dataset, Failure, Watch};
use crate::unfinished;

/// What begins the name of a file that is being written, and ends that of one that was damaged.
const UNFINISHED: &str = "unfinished-";
const DAMAGED: &str = "damaged";

/// The folder of decoded images: below `TOMBOLA_CACHE`, `XDG_CACHE_HOME`/tombola or ~/.cache/tombola. `variable` reads the
/// environment.
pub fn place(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, Failure> {
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").map(|home| home.join(".cache"));
    let own = set("TOMBOLA_CACHE").or_else(|| Some(set("XDG_CACHE_HOME").or_else(home)?.join("tombola")));
    let none = "no place for decoded images: name a folder for them by the environment variable TOMBOLA_CACHE";
    own.map(|cache| cache.join("images")).ok_or_else(|| Failure::Machine(none.into()))
}

/// A folder of decoded images, which is made when something is to be kept.
pub struct Cache(pub PathBuf);

impl Cache {
    /// The content of the folder that was in this state, if it was noted.
    pub fn content(&self, state: &str) -> Option<String> {
        let text = fs::read_to_string(self.0.join(format!("{state}.content"))).ok()?;
        let content = text.strip_suffix('\n')?;
        (content.len() == 64 && content.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| content.to_string())
    }

    pub fn note_content(&self, state: &str, content: &str) -> Result<(), Failure> {
        let (mut file, path) = (self.unfinished()?, self.0.join(format!("{state}.content")));
        let written = writeln!(file, "{content}").and_then(|()| file.as_file().sync_all());
        written.and_then(|()| renamed(file, &path)).map_err(|e| told(&self.0, &e))
    }

    fn file(&self, of: &str) -> PathBuf {
        self.0.join(format!("{}.images", &blake3::hash(of.as_bytes()).to_hex()[..32]))
    }

    /// The images that `of` decides, where they are there. A damaged file, or another's, is set aside, which is said.
    pub fn images(&self, of: &str, watch: &dyn Watch) -> Result<Option<(Dataset, Index)>, Failure> {
        let path = self.file(of);
        let mut file = match File::open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|e| told(&path, &e))?,
        };
        let found = read(&file, of).map_err(|e| told(&path, &e))?;
        if let Some((_, index)) = &found
            && hash((&mut file, &path), index, watch)? == index.hash
        {
            return Ok(found);
        }
        let aside = path.with_extension(DAMAGED);
        fs::rename(&path, &aside).map_err(|e| told(&path, &e))?;
        watch.warn(&format!("decoded images are damaged, and made anew: {} has the damaged ones", aside.display()));
        Ok(None)
    }

    /// A file to write images to. Errors where the disk has not so much room.
    pub fn writer(&self, bytes: u64) -> Result<Writer, Failure> {
        fs::create_dir_all(&self.0).map_err(|e| told(&self.0, &e))?;
        if let Some(free) = fs4::available_space(&self.0).ok().filter(|free| *free < bytes) {
            let (needed, free) = (bytes.div_ceil(1_000_000), free / 1_000_000);
            let room = format!("decoded images need {needed} MB, and {free} MB are free");
            return Err(told(&self.0, &io::Error::other(room)));
        }
        Writer::begin(self.unfinished()?).map_err(|e| told(&self.0, &e))
    }

    /// Ends a file, and maps what is in it: its bytes were hashed on their way, and are not read again.
    pub fn keep(&self, writer: Writer, index: Index) -> Result<(Dataset, Index), Failure> {
        let path = self.file(&index.of);
        let of = index.of.clone();
        let file = writer.ended(index).map_err(|e| told(&self.0, &e))?;
        renamed(file, &path).map_err(|e| told(&self.0, &e))?;
        let found = File::open(&path).and_then(|file| read(&file, &of)).map_err(|e| told(&path, &e))?;
        let other = || format!("{}: it was written and is another now: try again", path.display());
        found.ok_or_else(|| Failure::Machine(other()))
    }

    /// A file of another name. Those of processes that are gone are removed.
    fn unfinished(&self) -> Result<NamedTempFile, Failure> {
        let file = unfinished::clean(&self.0, UNFINISHED).and_then(|()| unfinished::file(&self.0, UNFINISHED));
        file.map_err(|e| told(&self.0, &e))
    }
}

/// Gives a file its name, and syncs the folder's list of names.
fn renamed(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.persist(path).map_err(|e| e.error)?;
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

pub fn told(place: &Path, e: &io::Error) -> Failure {
    let place = place.display();
    Failure::Machine(format!("cannot keep decoded images in {place}: {e}: TOMBOLA_CACHE names another folder"))
}

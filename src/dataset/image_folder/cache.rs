//! Decoded images in a file of the user's cache directory, which is mapped into memory and not read.
//!
//! A file is 64 bytes of header, the images' bytes one after the other, and an index as JSON. It is named by a hash of what
//! decides its bytes, written under another name, synced and renamed: it is there whole or not at all. The header says where
//! the index is and what its hash is, and the index what the images' hash is. A file that was cut short, is another's or has
//! changed by a bit is known as such: each load reads it once, from its beginning to its end, before it is mapped. That
//! takes what the disk takes, and no memory, however large the file; a time of modification would not tell of a worn disk.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::dataset::{Dataset, Examples, Failure, Pixels, Watch};

const MAGIC: [u8; 16] = *b"tombola images 2";
const HEADER: usize = 64;
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

/// What the images of a file are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// What decides them: the folder's content and the format's configuration.
    pub of: String,
    pub shape: [usize; 3],
    pub train: Part,
    pub test: Part,
    /// Paths of the images that could not be read, and why.
    pub unreadable: Vec<(String, String)>,
    /// BLAKE3 of all images' bytes, in hexadecimal: said by what writes them.
    pub hash: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Number of the image, in the file, that its first one is.
    pub first: usize,
    pub labels: Vec<u16>,
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
        let mut to = BufWriter::with_capacity(1 << 20, self.unfinished()?);
        to.write_all(&[0; HEADER]).map_err(|e| told(&self.0, &e))?;
        Ok(Writer { folder: self.0.clone(), to, bytes: 0, hasher: blake3::Hasher::new() })
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

    /// A file of another name, locked while its process lives. Those of processes that are gone are removed.
    fn unfinished(&self) -> Result<NamedTempFile, Failure> {
        for entry in fs::read_dir(&self.0).map_err(|e| told(&self.0, &e))?.flatten() {
            let left = entry.file_name().to_str().is_some_and(|name| name.starts_with(UNFINISHED));
            if left && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
                // What cannot be removed is in nobody's way.
                let _ = fs::remove_file(entry.path());
            }
        }
        // Another process may remove a file between its making and its locking: then another is made.
        for _ in 0..100 {
            let file = tempfile::Builder::new().prefix(UNFINISHED).rand_bytes(12).tempfile_in(&self.0);
            let file = file.map_err(|e| told(&self.0, &e))?;
            match file.as_file().try_lock() {
                Err(TryLockError::WouldBlock) => {}
                // Disks without locks: nobody cleans up there, either.
                _ if file.path().exists() => return Ok(file),
                _ => {}
            }
        }
        Err(Failure::Machine(format!("{}: other processes take its files away", self.0.display())))
    }
}

/// Writes images one after the other.
pub struct Writer {
    folder: PathBuf,
    to: BufWriter<NamedTempFile>,
    bytes: u64,
    hasher: blake3::Hasher,
}

impl Writer {
    pub fn add(&mut self, image: &[u8]) -> Result<(), Failure> {
        self.bytes += image.len() as u64;
        self.hasher.update(image);
        self.to.write_all(image).map_err(|e| told(&self.folder, &e))
    }

    fn ended(mut self, index: Index) -> io::Result<NamedTempFile> {
        let index = serde_json::to_vec(&Index { hash: self.hasher.finalize().to_hex().to_string(), ..index })?;
        self.to.write_all(&index)?;
        self.to.seek(SeekFrom::Start(0))?;
        self.to.write_all(&header(HEADER as u64 + self.bytes, &index))?;
        let file = self.to.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        Ok(file)
    }
}

/// Magic, place and length of the index, and its hash.
fn header(at: u64, index: &[u8]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..16].copy_from_slice(&MAGIC);
    header[16..24].copy_from_slice(&at.to_le_bytes());
    header[24..32].copy_from_slice(&(index.len() as u64).to_le_bytes());
    header[32..].copy_from_slice(blake3::hash(index).as_bytes());
    header
}

/// What a file holds; `None` where it is not whole, or not the one that `of` decides.
fn read(file: &File, of: &str) -> io::Result<Option<(Dataset, Index)>> {
    if file.metadata()?.len() <= HEADER as u64 {
        return Ok(None);
    }
    // SAFETY: what is mapped must not change while it is looked at. The file is ours: it got its name when it was whole, and
    // nobody writes to a file of that name. It may be removed or renamed, which leaves what is mapped as it is.
    let map = unsafe { Mmap::map(file)? };
    let number = |at: usize| map[at..at + 8].try_into().map_or(0, u64::from_le_bytes);
    let (at, len) = (number(16), number(24));
    let whole = map[..16] == MAGIC && at.checked_add(len) == Some(map.len() as u64) && at >= HEADER as u64;
    let Some(index) =
        map.get(at as usize..).filter(|index| whole && map[32..HEADER] == *blake3::hash(index).as_bytes())
    else {
        return Ok(None);
    };
    let Some(index) = serde_json::from_slice::<Index>(index).ok().filter(|index| index.of == of) else {
        return Ok(None);
    };
    let map = Arc::new(map);
    let examples = |part: &Part| {
        let image: usize = index.shape.iter().product();
        let (start, end) = (HEADER + part.first * image, HEADER + (part.first + part.labels.len()) * image);
        let pixels = Pixels::mapped(map.clone(), start..end).filter(|_| end as u64 <= at)?;
        Some(Examples { shape: index.shape, pixels, labels: part.labels.clone() })
    };
    let both = examples(&index.train).zip(examples(&index.test));
    Ok(both.map(|(train, test)| (Dataset { train, test }, index)))
}

/// Bytes that are in memory at a time, of those that are hashed.
const PIECE: usize = 1 << 20;

/// The hash of a file's images.
fn hash((file, path): (&mut File, &Path), index: &Index, watch: &dyn Watch) -> Result<String, Failure> {
    let count = index.train.labels.len() + index.test.labels.len();
    let total = (count * index.shape.iter().product::<usize>()) as u64;
    let (mut hasher, mut piece, mut done) = (blake3::Hasher::new(), vec![0; PIECE], 0);
    file.seek(SeekFrom::Start(HEADER as u64)).map_err(|e| told(path, &e))?;
    let mut images = file.take(total);
    let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
    loop {
        if watch.is_stopped() {
            return Err(Failure::Interrupted);
        }
        match images.read(&mut piece) {
            Ok(0) => return Ok(hasher.finalize().to_hex().to_string()),
            Ok(read) => {
                hasher.update(&piece[..read]);
                done += read as u64;
                watch.progress("MB of decoded images checked", megabytes(done), megabytes(total));
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(told(path, &e)),
        }
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

fn told(place: &Path, e: &io::Error) -> Failure {
    let place = place.display();
    Failure::Machine(format!("cannot keep decoded images in {place}: {e}: TOMBOLA_CACHE names another folder"))
}

//! One file of decoded images: 64 bytes of header, the images' bytes one after the other, and an index as JSON.
//!
//! The header says where the index is and what its hash is, and the index what the images' hash is.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::cache::told;
use crate::dataset::{Dataset, Examples, Failure, Pixels, Watch};

const MAGIC: [u8; 16] = *b"tombola images 2";
const HEADER: usize = 64;

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

/// Writes images one after the other.
pub struct Writer {
    to: BufWriter<NamedTempFile>,
    bytes: u64,
    hasher: blake3::Hasher,
}

impl Writer {
    pub fn begin(file: NamedTempFile) -> io::Result<Writer> {
        let mut to = BufWriter::with_capacity(1 << 20, file);
        to.write_all(&[0; HEADER])?;
        Ok(Writer { to, bytes: 0, hasher: blake3::Hasher::new() })
    }

    pub fn add(&mut self, image: &[u8]) -> Result<(), Failure> {
        self.bytes += image.len() as u64;
        self.hasher.update(image);
        self.to.write_all(image).map_err(|e| {
            let place = self.to.get_ref().path();
            told(place.parent().unwrap_or(place), &e)
        })
    }

    pub fn ended(mut self, index: Index) -> io::Result<NamedTempFile> {
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
pub fn read(file: &File, of: &str) -> io::Result<Option<(Dataset, Index)>> {
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
pub fn hash((file, path): (&mut File, &Path), index: &Index, watch: &dyn Watch) -> Result<String, Failure> {
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

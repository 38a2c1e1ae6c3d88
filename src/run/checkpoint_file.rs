//! A checkpoint on disk: safetensors, as tickets are, with all that is no array as JSON in the metadata.
//!
//! Arrays are written as they come from their device, one after the other, and read the same way: a large model's
//! checkpoint is never in memory as bytes. The hash of the whole file is its name's, as `Partial` gives it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use safetensors::tensor::{Metadata, View};
use safetensors::{Dtype, SafeTensorError};
use serde::{Deserialize, Serialize};

use crate::mask::Mask;
use crate::train::{Checkpoint, Found, Lazy, Stand};

/// What a checkpoint is of, and how far it is.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Contents {
    /// The step's content id.
    pub step: String,
    /// Which of the step's trainings, from 0, and the iterations of those before it.
    pub training: u32,
    pub done: u64,
    /// Seconds that the step had taken.
    pub seconds: f64,
    pub stand: Stand,
    /// Names and lengths of masks.
    masks: Vec<(String, usize)>,
}

impl Contents {
    pub fn of(step: &str, training: u32, done: u64, seconds: f64, checkpoint: &Checkpoint<'_>) -> Contents {
        let masks = checkpoint.masks.iter().map(|(name, mask)| (name.clone(), mask.len())).collect();
        Contents { step: step.into(), training, done, seconds, stand: checkpoint.stand.clone(), masks }
    }

    /// Iterations of the step that are done.
    pub fn iterations(&self) -> u64 {
        self.done + self.stand.iteration.saturating_sub(self.stand.from)
    }
}

const KEY: &str = "tombola-checkpoint";
/// Raised by a change after which older files cannot be read.
const VERSION: u32 = 1;

#[derive(Deserialize, Serialize)]
struct Versioned<T> {
    version: u32,
    #[serde(flatten)]
    contents: T,
}

#[derive(Deserialize)]
struct Anything {}

/// Writes a checkpoint, syncs it, and gives its hash.
pub fn write(path: &Path, contents: &Contents, checkpoint: Checkpoint<'_>) -> Result<String, String> {
    let failed = RefCell::new(None);
    let (arrays, masks) = (checkpoint.arrays.into_iter(), checkpoint.masks.into_iter());
    let arrays = arrays.map(|(name, lazy)| (name, Written::of(Source::Array(lazy), &failed)));
    let masks = masks.map(|(name, mask)| (format!("mask:{name}"), Written::of(Source::Mask(mask), &failed)));
    let text = serde_json::to_string(&Versioned { version: VERSION, contents }).map_err(|e| e.to_string())?;
    let metadata = HashMap::from([(KEY.to_string(), text)]);
    safetensors::serialize_to_file(arrays.chain(masks), Some(metadata), path).map_err(told)?;
    if let Some(failed) = failed.into_inner() {
        return Err(failed);
    }
    let file = File::options().read(true).write(true).open(path).map_err(|e| e.to_string())?;
    file.sync_all().map_err(|e| e.to_string())?;
    hash(file)
}

fn told(error: SafeTensorError) -> String {
    match error {
        SafeTensorError::IoError(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// The hash of a file.
fn hash(file: File) -> Result<String, String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).map_err(|e| e.to_string())?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// An array or a mask that is fetched when it is written.
struct Written<'a> {
    source: Source<'a>,
    shape: [usize; 1],
    /// What went wrong: then the file is not used.
    failed: &'a RefCell<Option<String>>,
}

enum Source<'a> {
    Array(Lazy<'a>),
    Mask(Mask),
}

impl<'a> Written<'a> {
    fn of(source: Source<'a>, failed: &'a RefCell<Option<String>>) -> Written<'a> {
        let shape = match &source {
            Source::Array(lazy) => [lazy.len],
            Source::Mask(mask) => [mask.len().div_ceil(8)],
        };
        Written { source, shape, failed }
    }
}

impl View for Written<'_> {
    fn dtype(&self) -> Dtype {
        match self.source {
            Source::Array(_) => Dtype::F32,
            Source::Mask(_) => Dtype::U8,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let fetched = match &self.source {
            Source::Array(lazy) => (lazy.fetch)().map(|values| bytes(&values)),
            Source::Mask(mask) => Ok(mask.to_bytes()),
        };
        match fetched {
            Ok(bytes) if bytes.len() == self.data_len() => bytes.into(),
            other => {
                let why = other.err().unwrap_or_else(|| "an array is not as long as it was".into());
                self.failed.borrow_mut().get_or_insert(why);
                vec![0; self.data_len()].into()
            }
        }
    }

    fn data_len(&self) -> usize {
        match self.source {
            Source::Array(_) => self.shape[0] * size_of::<f32>(),
            Source::Mask(_) => self.shape[0],
        }
    }
}

fn bytes(values: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0; size_of_val(values)];
    let places = bytes.chunks_exact_mut(size_of::<f32>());
    places.zip(values).for_each(|(place, value)| place.copy_from_slice(&value.to_le_bytes()));
    bytes
}

/// What a file says of itself, if it has the length that it should have; arrays are not looked at.
pub fn contents(path: &Path) -> Result<Contents, String> {
    Ok(Header::of(&mut open(path)?)?.contents)
}

/// Reads a checkpoint whose file has this hash.
pub fn read(path: &Path, expected: &str) -> Result<(Contents, Found), String> {
    let mut file = open(path)?;
    let Header { contents, tensors, begins } = Header::of(&mut file)?;
    if hash(open(path)?)? != expected {
        return Err("it is not as it was written".into());
    }
    let mut found = Found { stand: contents.stand.clone(), arrays: HashMap::new(), masks: HashMap::new() };
    let lengths: HashMap<&str, usize> = contents.masks.iter().map(|(name, len)| (name.as_str(), *len)).collect();
    for name in tensors.offset_keys() {
        let Some(info) = tensors.info(&name) else { continue };
        let (from, to) = info.data_offsets;
        let mut bytes = vec![0; to - from];
        file.seek(SeekFrom::Start(begins + from as u64)).map_err(|e| e.to_string())?;
        file.read_exact(&mut bytes).map_err(|e| e.to_string())?;
        match name.strip_prefix("mask:") {
            Some(name) => {
                let mask = lengths.get(name).and_then(|len| Mask::from_bytes(&bytes, *len));
                found.masks.insert(name.into(), mask.ok_or_else(|| format!("the mask of {name} is torn"))?);
            }
            None => {
                let values = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
                found.arrays.insert(name, values);
            }
        }
    }
    Ok((contents, found))
}

fn open(path: &Path) -> Result<File, String> {
    File::open(path).map_err(|e| e.to_string())
}

struct Header {
    contents: Contents,
    tensors: Metadata,
    /// Where the arrays begin in the file.
    begins: u64,
}

impl Header {
    fn of(file: &mut File) -> Result<Header, String> {
        const SHORT: &str = "it is cut short";
        let whole = file.metadata().map_err(|e| e.to_string())?.len();
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(|_| SHORT)?;
        let length = u64::from_le_bytes(length);
        let begins = length.checked_add(8).filter(|begins| *begins <= whole).ok_or(SHORT)?;
        let mut text = vec![0; usize::try_from(length).map_err(|_| SHORT)?];
        file.read_exact(&mut text).map_err(|_| SHORT)?;
        let tensors: Metadata = serde_json::from_slice(&text).map_err(|_| "its header is no safetensors'")?;
        if tensors.data_len() as u64 != whole - begins {
            return Err(SHORT.into());
        }
        let text = tensors.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let text = text.ok_or("it is no checkpoint of Tombola's")?;
        let Versioned { version, contents: Anything {} } = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if version != VERSION {
            return Err(format!("it has version {version} of the format, and this program reads {VERSION}"));
        }
        let read: Versioned<Contents> = serde_json::from_str(text).map_err(|e| e.to_string())?;
        Ok(Header { contents: read.contents, tensors, begins })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::Tally;

    fn checkpoint(values: &[f32]) -> Checkpoint<'_> {
        let stand = Stand {
            begun: "hash".into(),
            from: 5,
            to: 50,
            iteration: 20,
            curve: Default::default(),
            recent: Tally { examples: 3, loss: 0.1 + 0.2, correct: 1 },
            best: None,
            snapshots: vec![10],
            learner: vec![2],
            optimizer: vec![7, 8],
        };
        let lazy = || Lazy { len: values.len(), fetch: Box::new(|| Ok(values.to_vec())) };
        let arrays = vec![("now/w".to_string(), lazy()), ("best/w".to_string(), lazy())];
        Checkpoint { stand, arrays, masks: vec![("now/w".into(), Mask::from_fn(11, |i| i % 3 == 0))] }
    }

    const VALUES: [f32; 3] = [1.0, -0.0, f32::from_bits(0x7fc0_0123)];

    fn written(folder: &Path) -> (std::path::PathBuf, String) {
        let path = folder.join("a.safetensors");
        let checkpoint = checkpoint(&VALUES);
        let hash = write(&path, &Contents::of("id", 1, 100, 2.5, &checkpoint), checkpoint).unwrap();
        (path, hash)
    }

    #[test]
    fn a_checkpoint_reads_back_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let (path, hash) = written(folder.path());
        let (read, found) = read(&path, &hash).unwrap();
        assert_eq!((read.step.as_str(), read.training, read.seconds, read.iterations()), ("id", 1, 2.5, 115));
        let whole = checkpoint(&VALUES);
        assert_eq!(found.stand, whole.stand);
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert!(["now/w", "best/w"].iter().all(|name| bits(&found.arrays[*name]) == bits(&VALUES)));
        assert_eq!(found.masks["now/w"], whole.masks[0].1);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_device_that_does_not_answer_leaves_no_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let mut broken = checkpoint(&VALUES);
        broken.arrays[1].1.fetch = Box::new(|| Err("the device is gone".into()));
        let contents = Contents::of("id", 0, 0, 0.0, &broken);
        assert_eq!(write(&folder.path().join("a"), &contents, broken).unwrap_err(), "the device is gone");
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found_without_a_panic() {
        let folder = tempfile::tempdir().unwrap();
        let (path, hash) = written(folder.path());
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            std::fs::write(&path, bytes).unwrap();
            assert!(read(&path, &hash).is_err(), "byte {at}");
            std::fs::write(&path, &whole[..at]).unwrap();
            assert!(read(&path, &hash).is_err() && contents(&path).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn another_version_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = written(folder.path());
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert!(text.contains(r#"\"version\":1"#));
        let bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(13).position(|part| part == br#"\"version\":1"#.as_slice()).unwrap();
        let mut other = bytes.clone();
        other[at + 12] = b'2';
        std::fs::write(&path, &other).unwrap();
        let said = contents(&path).unwrap_err();
        assert!(said.contains("version 2"), "{said}");
    }
}

//! One file of what is shared, and the hash that holds it to what it was.

use std::fs::File;
use std::io::{Cursor, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::dataset::Failure;

/// A file by its path below the folder that is shared, with `/` between its parts.
#[derive(Debug)]
pub struct Part {
    pub path: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Text(String),
    File(PathBuf),
}

/// What a file was found to hold.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Sealed {
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
}

impl Part {
    pub fn text(path: impl Into<String>, text: String) -> Part {
        Part { path: path.into(), content: Content::Text(text) }
    }

    pub fn file(path: impl Into<String>, file: PathBuf) -> Part {
        Part { path: path.into(), content: Content::File(file) }
    }

    pub(super) fn open(&self) -> Result<Box<dyn Read + '_>, Failure> {
        match &self.content {
            Content::Text(text) => Ok(Box::new(Cursor::new(text.as_bytes()))),
            Content::File(file) => match File::open(file) {
                Ok(opened) => Ok(Box::new(opened)),
                Err(e) => Err(Failure::Machine(format!("{}: it cannot be read: {e}", file.display()))),
            },
        }
    }

    /// Reads it once, to say what it holds.
    pub(super) fn sealed(&self, stop: &AtomicBool) -> Result<Sealed, Failure> {
        let mut reader = self.open()?;
        let (bytes, sha256) = copied(&mut reader, &mut std::io::sink(), stop).map_err(|why| self.told(why))?;
        Ok(Sealed { path: self.path.clone(), bytes, sha256 })
    }

    fn told(&self, why: Copying) -> Failure {
        match why {
            Copying::Stopped => Failure::Interrupted,
            Copying::Reading(e) | Copying::Writing(e) => Failure::Machine(format!("{}: {e}", self.path)),
        }
    }
}

/// Why a file was not copied to its end.
#[derive(Debug)]
pub(super) enum Copying {
    Stopped,
    Reading(std::io::Error),
    Writing(std::io::Error),
}

/// Copies all there is; gives the number of bytes and their SHA-256.
pub(super) fn copied(from: &mut dyn Read, to: &mut dyn Write, stop: &AtomicBool) -> Result<(u64, String), Copying> {
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(Copying::Stopped);
        }
        let n = match from.read(&mut buffer) {
            Ok(0) => return Ok((bytes, hex(&hash.finalize()))),
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Copying::Reading(e)),
        };
        hash.update(&buffer[..n]);
        to.write_all(&buffer[..n]).map_err(Copying::Writing)?;
        bytes += n as u64;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_sealed_by_its_length_and_published_hash() {
        let sealed = Part::text("a.txt", "abc".into()).sealed(&AtomicBool::new(false)).unwrap();
        assert_eq!(sealed.bytes, 3);
        assert_eq!(sealed.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Part::text("a", "".into()).sealed(&AtomicBool::new(true)).err(), Some(Failure::Interrupted));
    }
}

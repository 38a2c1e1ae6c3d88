//! What a file holds, read no further than it is declared, and refused where it is not the declared content.

use std::cmp::Ordering;
use std::io::{BufRead, Cursor, ErrorKind, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use md5::Md5;
use sha2::{Digest, Sha256};

use crate::spec::{Checksum, FileSpec};

/// What a file of this name holds: decompressed, where the name says that it is compressed.
pub fn decompress(path: &Path, content: impl BufRead + 'static) -> Box<dyn Read> {
    match path.extension() {
        Some(extension) if extension == "gz" || extension == "tgz" => Box::new(MultiGzDecoder::new(content)),
        _ => Box::new(content),
    }
}

/// The declared content, of which `content` is what was found, decompressed; or why it is another.
pub fn read(file: &FileSpec, content: impl Read) -> Result<Vec<u8>, String> {
    let bytes = exactly(file, content)?;
    match file.checksum() {
        Some(checksum) => holds(&checksum, "what it holds", &bytes)?,
        None => return Err("its declaration has no checksum: give its `sha256` or `md5`".into()),
    }
    Ok(bytes)
}

/// As `read`, of a file whose checksum is that of its compressed bytes, which `content` is.
pub fn read_compressed(file: &FileSpec, content: impl Read) -> Result<Vec<u8>, String> {
    // What cannot be compressed grows by a ten-thousandth, and a header.
    let most = file.bytes.saturating_add(file.bytes / 1000).saturating_add(1 << 16);
    let mut compressed = Vec::new();
    content.take(most.saturating_add(1)).read_to_end(&mut compressed).map_err(|e| e.to_string())?;
    if compressed.len() as u64 > most {
        return Err(format!("it is oversized: {} bytes are less, compressed", file.bytes));
    }
    if let Some(checksum) = file.checksum() {
        holds(&checksum, "it, compressed,", &compressed)?;
    }
    exactly(file, MultiGzDecoder::new(Cursor::new(compressed)))
}

/// As many bytes as are declared.
fn exactly(file: &FileSpec, content: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    content.take(file.bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(damage)?;
    match (bytes.len() as u64).cmp(&file.bytes) {
        Ordering::Greater => Err(format!("it is oversized: it holds more than the declared {} bytes", file.bytes)),
        Ordering::Less => Err(format!("it is truncated: {} of the declared {} bytes", bytes.len(), file.bytes)),
        Ordering::Equal => Ok(bytes),
    }
}

/// What an error of reading says of a file.
pub fn damage(error: std::io::Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => "it is truncated: it ends within its compressed data".to_string(),
        ErrorKind::InvalidInput | ErrorKind::InvalidData => format!("it is damaged, or not gzip: {error}"),
        _ => error.to_string(),
    }
}

fn holds(checksum: &Checksum<'_>, what: &str, bytes: &[u8]) -> Result<(), String> {
    let (name, expected, found) = match checksum {
        Checksum::Sha256(expected) | Checksum::Compressed(expected) => {
            ("SHA-256", expected, hexadecimal::<Sha256>(bytes))
        }
        Checksum::Md5(expected) => ("MD5", expected, hexadecimal::<Md5>(bytes)),
    };
    match found.eq_ignore_ascii_case(expected) {
        true => Ok(()),
        false => Err(format!("it is not the declared file: {name} of {what} is {found}, expected {expected}")),
    }
}

fn hexadecimal<D: Digest>(bytes: &[u8]) -> String {
    D::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

//! Files of a data directory → a data set as declared, or an error; by every format that there is.

use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tombola::dataset::{Prepared, load};
use tombola::registry::{Kind, Use};
use tombola::spec::{DatasetSpec, FileSpec, Normalise};

use super::registry;

/// Declared bytes of a file, at most.
const BYTES: u64 = 1 << 16;

/// What MNIST's format calls its files.
const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

/// An input is eight bytes of declaration, then four files, each two bytes of length, one that says how it is written,
/// and its bytes.
pub fn run(input: &[u8]) {
    let Some((declaration, mut rest)) = input.split_at_checked(8) else { return };
    let Ok(directory) = TempDir::new() else { return };
    let folder = directory.path().join("fuzzed");
    let _ = std::fs::create_dir(&folder);
    let files = NAMES.map(|name| {
        let (head, tail) = rest.split_at_checked(3).unwrap_or((&[], rest));
        let length = head.first().map_or(0, |low| usize::from(*low) | usize::from(head[1]) << 8);
        let (content, tail) = tail.split_at(length.min(tail.len()));
        rest = tail;
        put(&folder, name, content, head.get(2).copied().unwrap_or(0))
    });
    for about in registry().abouts(Kind::Format) {
        let format = Use { name: about.name.into(), config: json!({}), version: about.version };
        let spec = declared(declaration, files.to_vec(), format);
        let Ok(dataset) = load(&spec, registry(), &[directory.path().into()]) else { continue };
        for (part, count) in [(&dataset.train, spec.train), (&dataset.test, spec.test)] {
            assert_eq!((part.shape, part.labels.len()), (spec.shape, count));
            assert_eq!(part.pixels.len(), count * spec.shape.iter().product::<usize>());
            assert!(part.labels.iter().all(|label| usize::from(*label) < spec.classes));
        }
        let _ = Prepared::of(dataset, &spec, u64::from(declaration[7]));
    }
}

/// Writes a file plain, gzipped, or as bytes that only say they are gzip; and declares it, or something else.
fn put(folder: &Path, name: &str, content: &[u8], how: u8) -> FileSpec {
    let plain = name.trim_end_matches(".gz");
    let (path, written) = match how & 3 {
        0 => (folder.join(plain), content.to_vec()),
        1 => (folder.join(name), gzip(content)),
        2 => (folder.join(name), content.to_vec()),
        // A bomb: much from little.
        _ => (folder.join(name), gzip(&content.repeat(4096))),
    };
    let _ = std::fs::write(path, &written);
    let mut read = Vec::new();
    let _ = match how & 3 {
        0 => content.take(BYTES).read_to_end(&mut read),
        _ => MultiGzDecoder::new(&written[..]).take(BYTES).read_to_end(&mut read),
    };
    let bytes = if how & 4 == 0 { read.len() as u64 } else { u64::from(how >> 3) };
    let sha256 = Sha256::digest(&read).iter().map(|byte| format!("{byte:02x}")).collect();
    FileSpec { name: name.into(), sha256, bytes }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let _ = encoder.write_all(content);
    encoder.finish().unwrap_or_default()
}

fn declared(bytes: &[u8], files: Vec<FileSpec>, format: Use) -> DatasetSpec {
    let number = |at: usize| usize::from(bytes[at]);
    DatasetSpec {
        name: "fuzzed".into(),
        summary: String::new(),
        licence: String::new(),
        citation: String::new(),
        homepage: None,
        folder: "fuzzed".into(),
        mirrors: Vec::new(),
        debian_package: None,
        format,
        files,
        content: None,
        classes: number(0),
        shape: [1 + number(1) / 128, number(2), number(3)],
        train: number(4),
        test: number(5),
        normalise: Normalise { mean: vec![0.0], std: vec![1.0] },
        validation: number(6),
    }
}

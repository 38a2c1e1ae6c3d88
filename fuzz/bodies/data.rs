//! Files of a data directory → a data set as declared, or an error; by every format that there is.

use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tombola::dataset::{Prepared, load};
use tombola::registry::{Kind, Use};
use tombola::spec::{DatasetSpec, FileSpec, Normalise};

use super::registry;

/// Declared bytes of a file, at most.
const BYTES: u64 = 1 << 16;

/// Formats as they are, and with what else they may be told.
const CONFIGURED: [(&str, &str); 9] = [
    ("cifar", "{}"),
    ("cifar", r#"{ "labels": "fine", "test": [] }"#),
    ("cifar-python", "{}"),
    ("cifar-python", r#"{ "labels": "coarse", "test": [] }"#),
    ("mnist-1d", "{}"),
    ("npy", "{}"),
    ("npy", r#"{ "channels": "first", "test_images": "" }"#),
    ("npy", r#"{ "npz": "all.npz" }"#),
    ("parquet", "{}"),
];

/// An input is eight bytes of declaration, then four files, each two bytes of length, one that says how it is written,
/// and its bytes. They are each format's files, in turn.
pub fn run(input: &[u8]) {
    let Some((declaration, mut rest)) = input.split_at_checked(8) else { return };
    let files = [(); 4].map(|()| {
        let (head, tail) = rest.split_at_checked(3).unwrap_or((&[], rest));
        let length = head.first().map_or(0, |low| usize::from(*low) | usize::from(head[1]) << 8);
        let (content, tail) = tail.split_at(length.min(tail.len()));
        rest = tail;
        (content, head.get(2).copied().unwrap_or(0))
    });
    let names = registry().abouts(Kind::Format).into_iter().map(|about| about.name);
    let others = names.filter(|name| !CONFIGURED.iter().any(|(configured, _)| configured == name));
    for (name, config) in CONFIGURED.into_iter().chain(others.map(|name| (name, "{}"))) {
        let config = serde_json::from_str(config).expect("a configuration above");
        let Some(about) = registry().about(Kind::Format, name) else { continue };
        read(declaration, &files, Use { name: name.into(), config, version: about.version });
    }
}

/// Loads what the files are to a format: as declared, or an error.
fn read(declaration: &[u8], files: &[(&[u8], u8); 4], format: Use) {
    let (Ok(directory), Ok(built)) = (TempDir::new(), registry().formats.build(&format)) else { return };
    let put = |(name, (content, how)): (&str, &(&[u8], u8))| put(&directory.path().join("fuzzed"), name, content, *how);
    let files = built.files().into_iter().zip(files.iter().cycle()).map(put).collect();
    let spec = declared(declaration, files, format);
    let Ok(dataset) = load(&spec, registry(), &[directory.path().into()]) else { return };
    for (part, count) in [(&dataset.train, spec.train), (&dataset.test, spec.test)] {
        assert_eq!((part.shape, part.labels.len()), (spec.shape, count));
        assert_eq!(part.pixels.len(), count * spec.shape.iter().product::<usize>());
        assert!(part.labels.iter().all(|label| usize::from(*label) < spec.classes));
    }
    let _ = Prepared::of(dataset, &spec, u64::from(declaration[7]));
}

/// Writes a file plain, gzipped, or as bytes that only say they are gzip; and declares it, or something else. One that a
/// format finds in an archive is put into it, or beside it.
fn put(folder: &Path, name: &str, content: &[u8], how: u8) -> FileSpec {
    if name.contains('/') {
        return member(folder, name, content, how);
    }
    let plain = name.trim_end_matches(".gz");
    let zipped = format!("{plain}.gz");
    let (path, written) = match how & 3 {
        0 => (folder.join(plain), content.to_vec()),
        1 => (folder.join(zipped), gzip(content)),
        2 => (folder.join(zipped), content.to_vec()),
        // A bomb: much from little.
        _ => (folder.join(zipped), gzip(&content.repeat(4096))),
    };
    let _ = std::fs::create_dir_all(folder);
    let _ = std::fs::write(path, &written);
    let mut read = Vec::new();
    let _ = match how & 3 {
        0 => content.take(BYTES).read_to_end(&mut read),
        _ => MultiGzDecoder::new(&written[..]).take(BYTES).read_to_end(&mut read),
    };
    let bytes = if how & 4 == 0 { read.len() as u64 } else { u64::from(how >> 3) };
    let sha256: String = Sha256::digest(&read).iter().map(|byte| format!("{byte:02x}")).collect();
    FileSpec::checked_by_sha256(name, sha256, bytes)
}

/// The content as a file of an archive of its own: unpacked, in its archive, or as what is said to be the archive.
fn member(folder: &Path, name: &str, content: &[u8], how: u8) -> FileSpec {
    let archive = format!("{}.tar", name.replace('/', "-"));
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    let _ = tar.append_data(&mut header, name, content);
    let (path, written) = match how & 3 {
        0 => (folder.join(name), content.to_vec()),
        1 => (folder.join(&archive), tar.into_inner().unwrap_or_default()),
        _ => (folder.join(&archive), content.to_vec()),
    };
    let _ = std::fs::create_dir_all(path.parent().unwrap_or(folder));
    let _ = std::fs::write(path, &written);
    let sha256: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    let bytes = if how & 4 == 0 { content.len() as u64 } else { u64::from(how >> 3) };
    FileSpec { archive: Some(archive), ..FileSpec::checked_by_sha256(name, sha256, bytes) }
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
        subset: None,
        average: None,
        label_noise: None,
    }
}

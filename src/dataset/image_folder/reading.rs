//! Reads every image's file once: hashes it, and makes of it what is asked for.

use std::fs;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::listing::{Listed, Listing};
use crate::dataset::{Failure, Watch};

/// Bytes of files that are in memory together, and how many files at least and at most.
const TOGETHER: u64 = 64 << 20;
const FILES: (usize, usize) = (16, 1024);

/// The content's hash: SHA-256 of a line a file, in byte order of the paths, of what `sha256sum` prints of it.
pub fn content(watch: &dyn Watch, listing: &Listing) -> Result<String, Failure> {
    each(watch, ("hashing images", listing), |_| (), |_, ()| Ok(()))
}

/// Makes something of each file's bytes, on all cores, and takes what was made in the order of the files. Gives the content's
/// hash. Between two files it hears that it is to end.
pub fn each<T: Send>(
    watch: &dyn Watch,
    (doing, listing): (&str, &Listing),
    make: impl Fn(&[u8]) -> T + Sync,
    mut take: impl FnMut(&Listed, T) -> Result<(), Failure>,
) -> Result<String, Failure> {
    let (mut manifest, mut done) = (Sha256::new(), 0);
    let made = |file: &Listed| {
        if watch.is_stopped() {
            return Err(Failure::Interrupted);
        }
        let path = listing.folder.join(&file.path);
        let bytes = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok((hex(&Sha256::digest(&bytes)), make(&bytes)))
    };
    while done < listing.files.len() {
        let some = &listing.files[done..][..together(&listing.files[done..])];
        let read: Vec<_> = some.par_iter().map(made).collect::<Result<_, _>>()?;
        for (file, (hash, made)) in some.iter().zip(read) {
            manifest.update(format!("{hash}  {}\n", file.path));
            take(file, made)?;
        }
        done += some.len();
        watch.progress(doing, done as u64, listing.files.len() as u64);
    }
    Ok(hex(&manifest.finalize()))
}

/// How many of these files are read together.
fn together(files: &[Listed]) -> usize {
    let sums = files.iter().scan(0u64, |sum, file| {
        *sum = sum.saturating_add(file.bytes);
        Some(*sum)
    });
    let fitting = sums.take_while(|sum| *sum <= TOGETHER).count();
    fitting.clamp(FILES.0, FILES.1).min(files.len())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

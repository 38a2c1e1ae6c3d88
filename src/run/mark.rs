//! A mark on a file that was checked: as long as nobody writes to it, it need not be read again.
//!
//! The mark is in the file's time of modification, whose fraction of a second is taken from the file's hash. Whoever
//! writes to the file sets another time, and a copy that does not keep times has none: then the file is read. A disk
//! that damages bytes by itself leaves the time alone, so who uses the content checks its hash all the same.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Whether a file has been as it is since it was marked with this hash.
pub fn is_on(path: &Path, hash: &str) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.is_some_and(|since| Some(since.subsec_nanos()) == fraction(hash))
}

/// Marks a file whose hash is this. Where that cannot be done, the file is read again the next time.
pub fn put(path: &Path, hash: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    if let Some(fraction) = fraction(hash) {
        set(path, UNIX_EPOCH + Duration::new(now, fraction));
    }
}

/// Takes the mark away.
pub fn take(path: &Path) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    set(path, UNIX_EPOCH + Duration::from_secs(now));
}

fn set(path: &Path, time: SystemTime) {
    // What was read may not be on the disk yet; a mark that outlived it in a power cut would vouch for a torn file.
    let sound = |file: File| file.sync_all().and_then(|()| file.set_modified(time));
    let _ = File::options().write(true).open(path).and_then(sound);
}

/// Never 0, which disks without fractions have, and whole tenths of microseconds, which all others keep.
fn fraction(hash: &str) -> Option<u32> {
    let number = u32::from_str_radix(hash.get(..8)?, 16).ok()?;
    Some((number % 9_999_999 + 1) * 100)
}

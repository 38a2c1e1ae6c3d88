//! Whether a step has the room that it needs, on the disk and in memory: looked at before it begins, and not missed hours
//! later. Where it has not, that step fails, and all others run.

use std::path::Path;

use crate::units::size;

/// An error where the disk of a store has less room than a step is estimated to leave.
pub fn on_disk(store: &Path, bytes: u64) -> Result<(), String> {
    // Some disks of other machines tell nothing.
    let tells = fs4::total_space(store).is_ok_and(|total| total > 0);
    let free = fs4::available_space(store).ok().filter(|free| tells && *free < bytes);
    free.map_or(Ok(()), |free| {
        Err(format!(
            "the disk is full: {} has {} free, and this step leaves about {}: make room and run the same command again \
             to go on, or name another place with `--runs DIR`",
            store.display(),
            size(free),
            size(bytes)
        ))
    })
}

/// An error where a step is estimated to need more memory than it may have, or than the system gives.
///
/// That the system gives it now is no promise: it may have given the same to others. A limit of address space, as `ulimit -v`
/// sets it, is met here, where an allocation can fail without ending the program.
pub fn in_memory(bytes: u64, allowed: Option<u64>) -> Result<(), String> {
    const REMEDY: &str = "try a smaller model or `batch_size`";
    if let Some(allowed) = allowed.filter(|allowed| *allowed < bytes) {
        return Err(format!(
            "out of memory: this step needs about {}, and {} are free beside the data: {REMEDY}, or, where that estimate \
             is too high, a greater `--memory`",
            size(bytes),
            size(allowed)
        ));
    }
    let given = usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok());
    match given {
        true => Ok(()),
        false => Err(format!(
            "out of memory: this step needs about {}, and the system does not give so much: {REMEDY}, fewer `--jobs`, or, \
             if `ulimit -v` has set a limit, a higher one",
            size(bytes)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_no_error_and_what_does_not_says_how_much_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!((on_disk(folder.path(), 1), in_memory(1 << 20, Some(1 << 20))), (Ok(()), Ok(())));
        assert_eq!(in_memory(1 << 20, None), Ok(()));
        let full = on_disk(folder.path(), u64::MAX / 2).unwrap_err();
        assert!(full.contains(folder.path().to_str().unwrap()) && full.contains("make room"), "{full}");
        let much = in_memory(2_000_000, Some(1_000_000)).unwrap_err();
        assert!(much.contains("2.0 MB") && much.contains("1.0 MB are free") && much.contains("--memory"), "{much}");
        // More than any machine's address space.
        assert!(in_memory(1 << 62, None).unwrap_err().contains("does not give"));
    }
}

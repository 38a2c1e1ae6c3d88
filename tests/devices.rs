//! The devices that are built in give the same experiment.

use std::path::Path;

use tempfile::TempDir;
use tombola::device;
use tombola::record::Record;
use tombola::run::Store;
use tombola::ticket::Ticket;

use crate::small::{SPEC, folder, hashes_on, plain_kind, planned_on, run};

/// The devices beside the first whose tensors rest in the host's memory, of those that are built in.
fn others() -> impl Iterator<Item = &'static str> {
    let plain = Some("cpu:plain").filter(|_| plain_kind() != device::auto_kind());
    let libtorch = Some("libtorch").filter(|name| device::open(name).is_ok());
    [plain, libtorch].into_iter().flatten()
}

/// The small experiment with a convolution and a pool before its layers.
fn of_images() -> TempDir {
    let folder = folder();
    let layers =
        "{ conv = { channels = 4, stride = 2 } }, { relu = {} }, { max-pool = { window = 2 } }, { flatten = {} },";
    let spec = SPEC.replace("{ flatten = {} },", layers).replace("replicates = 2", "replicates = 1");
    let spec = spec.replace("{ linear = 0.5,", "{ conv = 0.5, linear = 0.5,");
    std::fs::write(folder.path().join("small/experiment.toml"), spec).unwrap();
    folder
}

/// Every step's record and ticket, in order.
fn steps(folder: &Path, device: &str) -> Vec<(Record, Ticket)> {
    let store = Store::open(&folder.join("runs"));
    let found = |id: &String| (store.stored(id).unwrap().record, store.ticket(id).unwrap());
    planned_on(folder, device, &[]).steps.iter().map(|step| found(&step.id)).collect()
}

#[test]
fn another_device_draws_the_same_and_trains_nearly_the_same() {
    for (device, folder) in others().flat_map(|device| [(device, folder()), (device, of_images())]) {
        run(folder.path(), &["--device", "cpu"]);
        run(folder.path(), &["--device", device]);
        for ((first, ticket), (second, other)) in
            steps(folder.path(), "cpu").into_iter().zip(steps(folder.path(), device))
        {
            assert_eq!((&first.stage, &first.layers), (&second.stage, &second.layers), "{device}");
            if first.stage == "init" {
                assert_eq!(ticket, other, "{device}: initial weights are drawn on the host");
            }
            let (Some(first), Some(second)) = (first.training, second.training) else { continue };
            assert_eq!(first.curve.iteration, second.curve.iteration);
            for (a, b) in first.curve.validation_loss.iter().zip(&second.curve.validation_loss) {
                let (a, b) = (a.unwrap(), b.unwrap());
                assert!((a - b).abs() < 0.02 * a, "{device}: a loss of {b}, and {a} on cpu");
            }
        }
    }
}

#[test]
fn another_device_gives_the_same_bits_whatever_the_jobs_and_threads() {
    for device in others() {
        let [one, many] = [("1", "1"), ("4", "3")].map(|(jobs, threads)| {
            let folder = of_images();
            run(folder.path(), &["--device", device, "--jobs", jobs, "--threads", threads]);
            folder
        });
        assert_eq!(hashes_on(one.path(), device), hashes_on(many.path(), device), "{device}");
    }
}

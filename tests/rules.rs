//! The rules that are the product, each on real runs of a small experiment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;
use tombola::plan::Plan;
use tombola::run::Store;
use tombola::ticket::Ticket;

use crate::small::{command, folder, hashes, planned, results, run};

/// The experiment, run once for all the tests that only look at it.
fn finished() -> &'static (TempDir, Plan, Store) {
    static RUN: OnceLock<(TempDir, Plan, Store)> = OnceLock::new();
    RUN.get_or_init(|| {
        let folder = folder();
        run(folder.path(), &["--jobs", "2"]);
        let plan = planned(folder.path(), &[]);
        let store = Store::open(&folder.path().join("runs"));
        (folder, plan, store)
    })
}

/// The tickets of a pipeline's first replicate, by level, in order.
fn tickets(pipeline: &str) -> Vec<Ticket> {
    let (_, plan, store) = finished();
    let own = plan.tickets.iter().filter(|t| t.pipeline == pipeline && t.replicate == 0);
    own.map(|t| store.ticket(&plan.steps[t.step].id).unwrap()).collect()
}

/// The tickets after each step of this stage in the first replicate.
fn after(stage: &str) -> Vec<(usize, Ticket)> {
    let (_, plan, store) = finished();
    let own = plan.steps.iter().enumerate().filter(|(_, s)| s.stage.name == stage && s.replicate == 0);
    own.map(|(i, step)| (i, store.ticket(&step.id).unwrap())).collect()
}

fn bits(ticket: &Ticket, name: &str) -> Vec<u32> {
    ticket.arrays[name].values.iter().map(|w| w.to_bits()).collect()
}

#[test]
fn one_job_or_four_on_one_thread_or_three_give_the_same_bits() {
    let other = folder();
    run(other.path(), &["--jobs", "4", "--threads", "3"]);
    let threads = folder();
    run(threads.path(), &["--jobs", "1", "--threads", "3"]);
    assert_eq!(hashes(other.path()), hashes(threads.path()));
    let alone = folder();
    run(alone.path(), &["--jobs", "1", "--threads", "1"]);
    assert_eq!(hashes(other.path()), hashes(alone.path()));
    assert_eq!(results(other.path()), results(alone.path()));
    assert_eq!(hashes(other.path()), hashes(finished().0.path()));
}

#[test]
fn killed_and_resumed_gives_the_same_bits_and_loses_nothing() {
    let killed = folder();
    let steps = planned(killed.path(), &[]).steps.len();
    let stored = || Store::open(&killed.path().join("runs")).all().count();
    for progress in [1, 4, 9] {
        let mut child = command(killed.path(), &["--jobs", "2"]).stderr(Stdio::null()).spawn().unwrap();
        while stored() < progress {
            assert!(child.try_wait().unwrap().is_none(), "the run ended before it could be killed");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let kept = stored();
    assert!(kept < steps, "the run was over before it was killed");
    let said = run(killed.path(), &[]);
    assert!(said.contains(&format!("{} steps ran", steps - kept)), "{said}");
    assert_eq!(hashes(killed.path()), hashes(finished().0.path()));
    assert_eq!(results(killed.path()), results(finished().0.path()));
    let left = std::fs::read_dir(killed.path().join("runs/tmp")).unwrap().count();
    assert_eq!(left, 0, "what killed runs left half written is removed");
}

#[test]
fn two_runs_at_once_in_one_store_give_the_same_bits() {
    let shared = folder();
    let mut runs: Vec<_> = (0..2).map(|_| command(shared.path(), &["--jobs", "2"]).spawn().unwrap()).collect();
    assert!(runs.iter_mut().all(|run| run.wait().unwrap().success()));
    assert_eq!(hashes(shared.path()), hashes(finished().0.path()));
    assert_eq!(std::fs::read_dir(shared.path().join("runs/tmp")).unwrap().count(), 0);
}

#[test]
fn another_pipeline_disturbs_no_other() {
    let folder = folder();
    let ids = |plan: &Plan| plan.steps.iter().map(|step| step.id.clone()).collect::<BTreeSet<_>>();
    let before = ids(&planned(folder.path(), &[]));
    let after = ids(&planned(folder.path(), &["pipeline.more={ use = \"one-shot\" }"]));
    assert!(before.is_subset(&after) && before.len() < after.len());
}

#[test]
fn a_second_run_does_nothing_and_says_so() {
    let said = run(finished().0.path(), &[]);
    assert!(said.contains("Nothing to run"), "{said}");
}

#[test]
fn a_bit_flipped_in_the_store_is_computed_anew() {
    let folder = folder();
    run(folder.path(), &["--replicates", "1"]);
    let before = results(folder.path());
    let plan = planned(folder.path(), &["replicates=1"]);
    let id = &plan.steps[plan.tickets[0].step].id;
    let file = folder.path().join("runs/steps").join(&id[..2]).join(id).join("ticket.safetensors");
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let said = run(folder.path(), &["--replicates", "1"]);
    assert!(said.contains("1 step ran"), "{said}");
    assert_eq!(results(folder.path()), before);
}

#[test]
fn masks_are_nested_and_counts_exact_and_masked_weights_zero() {
    let imp = tickets("imp");
    // fc1 has 784 × 16 weights at rate 0.5; out has 160 at 0.25: 160, 120, 90, 67 (22.5 rounds up to 23).
    let kept: Vec<Vec<usize>> = imp.iter().map(|t| t.masks.values().map(|m| m.kept()).collect()).collect();
    assert_eq!(kept, [[12544, 160], [6272, 120], [3136, 90], [1568, 67]]);
    for pair in imp.windows(2) {
        assert!(pair[1].masks.iter().all(|(name, mask)| mask.is_within(&pair[0].masks[name])));
    }
    for ticket in imp.iter().chain(&tickets("late")).chain(&tickets("reinitialise")).chain(&tickets("shuffle")) {
        assert_eq!(ticket.violations(), 0);
    }
}

#[test]
fn rewound_survivors_are_the_initial_weights_bit_for_bit() {
    let initial: BTreeMap<&str, Vec<u32>> = {
        let (_, ticket) = &after("init")[0];
        ["fc1.weight", "out.weight"].map(|name| (name, bits(ticket, name))).into()
    };
    let (_, plan, _) = finished();
    let rewound: Vec<_> = after("rewind").into_iter().filter(|(i, _)| plan.steps[*i].rewinds.unwrap().1 == 0).collect();
    assert_eq!(rewound.len(), 3);
    for (_, ticket) in rewound {
        for (name, initial) in &initial {
            let mask = &ticket.masks[*name];
            let expected: Vec<u32> =
                initial.iter().enumerate().map(|(i, w)| if mask.keeps(i) { *w } else { 0 }).collect();
            assert_eq!(bits(&ticket, name), expected);
        }
        assert!(bits(&ticket, "fc1.bias").iter().all(|b| *b == 0));
    }
}

#[test]
fn rewinding_and_reinitialising_restore_running_statistics() {
    let (_, plan, store) = finished();
    let running = ["batch-norm1.running_mean", "batch-norm1.running_variance"];
    let start = [0.0f32, 1.0].map(|value| vec![value.to_bits(); 16]);
    for (step, ticket) in after("rewind") {
        let (training, k) = plan.steps[step].rewinds.unwrap();
        let there = store.snapshot(&plan.steps[training].id, k);
        let trained = store.ticket(&plan.steps[training].id).unwrap();
        for (name, start) in running.iter().zip(&start) {
            assert_ne!(bits(&trained, name), *start, "training moves them");
            let expected = there.as_ref().map_or(start.clone(), |there| bits(there, name));
            assert_eq!(bits(&ticket, name), expected, "{name} at {k}");
            assert_eq!(expected == *start, k == 0);
        }
    }
    for (_, ticket) in after("reinit") {
        assert!(running.iter().zip(&start).all(|(name, start)| bits(&ticket, name) == *start));
        assert!(ticket.arrays["batch-norm1.scale"].values.iter().all(|scale| *scale == 1.0));
    }
}

#[test]
fn a_missing_snapshot_is_replayed_to_the_same_bits() {
    let (folder, plan, store) = finished();
    let (step, kept) = after("rewind").into_iter().find(|(i, _)| plan.steps[*i].rewinds.unwrap().1 == 10).unwrap();
    let (training, k) = plan.steps[step].rewinds.unwrap();
    let copy = tempfile::tempdir().unwrap();
    copy_all(folder.path(), copy.path());
    let place = |id: &str| copy.path().join("runs/steps").join(&id[..2]).join(id);
    std::fs::remove_file(place(&plan.steps[training].id).join(format!("at-{k}it.safetensors"))).unwrap();
    std::fs::remove_dir_all(place(&plan.steps[step].id)).unwrap();
    run(copy.path(), &[]);
    let again = Store::open(&copy.path().join("runs")).ticket(&plan.steps[step].id).unwrap();
    assert_eq!(again, kept);
    assert_eq!(store.snapshot(&plan.steps[training].id, k).unwrap().arrays.len(), kept.arrays.len());
}

fn copy_all(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().map(Result::unwrap) {
        let place = to.join(entry.path().strip_prefix(from).unwrap());
        match entry.file_type().is_dir() {
            true => std::fs::create_dir_all(place).unwrap(),
            false => drop(std::fs::copy(entry.path(), place).unwrap()),
        }
    }
}

#[test]
fn edge_popup_moves_no_weight_and_keeps_what_its_rule_says() {
    let (_, plan, store) = finished();
    let own = plan.tickets.iter().find(|t| t.pipeline == "edge-popup" && t.replicate == 0).unwrap();
    let init = plan.steps[own.step].parent.unwrap();
    let initial = store.ticket(&plan.steps[init].id).unwrap();
    let popped = tickets("edge-popup");
    // n − ⌊0.7 × n⌋ of 12,544 and 160 weights.
    let kept: Vec<usize> = popped[0].masks.values().map(|mask| mask.kept()).collect();
    assert_eq!(kept, [12544 - 8780, 160 - 112]);
    for name in ["fc1.weight", "out.weight"] {
        let mask = &popped[0].masks[name];
        let weights = bits(&initial, name);
        let expected: Vec<u32> = weights.iter().enumerate().map(|(i, w)| if mask.keeps(i) { *w } else { 0 }).collect();
        assert_eq!(bits(&popped[0], name), expected);
        // All weights kept is the dense random network itself.
        assert_eq!(bits(&popped[1], name), weights);
    }
    for name in ["out.bias", "batch-norm1.scale", "batch-norm1.shift"] {
        assert_eq!(bits(&popped[0], name), bits(&initial, name), "{name} stays where it starts");
    }
    let mean = "batch-norm1.running_mean";
    assert_ne!(bits(&popped[0], mean), bits(&initial, mean), "running statistics follow the batches");
}

#[test]
fn controls_keep_what_they_say_and_change_the_rest() {
    let (imp, reinitialised, shuffled) = (tickets("imp"), tickets("reinitialise"), tickets("shuffle"));
    assert_eq!(reinitialised.len(), 3);
    for (ticket, control) in imp[1..].iter().zip(&reinitialised) {
        assert_eq!(ticket.masks, control.masks);
        assert_ne!(ticket.arrays["fc1.weight"], control.arrays["fc1.weight"]);
    }
    for (name, mask) in &imp[2].masks {
        assert_eq!(mask.kept(), shuffled[0].masks[name].kept());
        assert_ne!(*mask, shuffled[0].masks[name]);
    }
}

#[test]
fn an_edit_reruns_only_what_it_changes() {
    let folder = folder();
    let before = planned(folder.path(), &[]);
    let ids = |plan: &Plan| plan.steps.iter().map(|s| s.id.clone()).collect::<Vec<_>>();
    let more = ids(&planned(folder.path(), &["replicates=3"]));
    assert!(ids(&before).iter().all(|id| more.contains(id)), "more replicates keep the earlier ones");
    let longer = planned(folder.path(), &["training.length=80it"]);
    for (old, new) in before.steps.iter().zip(&longer.steps) {
        let unchanged = old.stage.name == "init";
        assert_eq!(old.id == new.id, unchanged, "{}", old.stage.name);
    }
    let of = |pipeline: &str| before.tickets.iter().find(|t| t.pipeline == pipeline).unwrap().step;
    assert_eq!(of("dense"), of("imp"), "dense and level 0 of imp are one step");
}

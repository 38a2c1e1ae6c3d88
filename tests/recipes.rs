//! Recipes of training and pruning, each on real runs of a small experiment.

use std::path::Path;

use tombola::plan::{Plan, Step};
use tombola::record::TrainingRecord;
use tombola::run::Store;
use tombola::ticket::Ticket;

use crate::small::{SPEC, command, folder, planned, run};

const RECIPES: &str = r#"
[pipeline.fine-tune]
use = "fine-tune"
levels = 2
prune_rate = 0.5
tuning = "15it"
[pipeline.back]
use = "learning-rate-rewinding"
prune_rate = 0.5
rewind = "10it"
"#;

struct Ran {
    plan: Plan,
    store: Store,
    _folder: tempfile::TempDir,
}

fn ran() -> Ran {
    let folder = folder();
    let (whole, _) = SPEC.split_once("[pipeline.dense]").unwrap();
    let spec = whole.replace("replicates = 2", "replicates = 1") + RECIPES;
    std::fs::write(folder.path().join("small/experiment.toml"), spec).unwrap();
    run(folder.path(), &[]);
    Ran { plan: planned(folder.path(), &[]), store: Store::open(&store(folder.path())), _folder: folder }
}

fn store(folder: &Path) -> std::path::PathBuf {
    folder.join("runs")
}

impl Ran {
    /// A pipeline's steps of one stage, in order.
    fn steps(&self, pipeline: &str, stage: &str) -> Vec<&Step> {
        let own = self.plan.tickets.iter().filter(|ticket| ticket.pipeline == pipeline);
        let mut chain: Vec<usize> = Vec::new();
        for ticket in own {
            let steps = std::iter::successors(Some(ticket.step), |at| self.plan.steps[*at].parent);
            chain.extend(steps.collect::<Vec<_>>().into_iter().rev());
        }
        let mut seen = std::collections::BTreeSet::new();
        chain.retain(|at| seen.insert(*at));
        chain.into_iter().map(|at| &self.plan.steps[at]).filter(|step| step.stage.name == stage).collect()
    }

    fn ticket(&self, step: &Step) -> Ticket {
        self.store.ticket(&step.id).unwrap()
    }

    fn parent(&self, step: &Step) -> Ticket {
        self.ticket(&self.plan.steps[step.parent.unwrap()])
    }

    fn training(&self, step: &Step) -> TrainingRecord {
        self.store.stored(&step.id).unwrap().record.training.unwrap()
    }
}

#[test]
fn fine_tuning_goes_on_from_the_weights_as_they_are_and_learning_rate_rewinding_from_an_earlier_iteration() {
    let ran = ran();
    let trained: Vec<(u64, u64)> =
        ran.steps("fine-tune", "train").iter().map(|step| ran.training(step)).map(|t| (t.from, t.to)).collect();
    assert_eq!(trained, [(0, 60), (60, 75), (75, 90)]);
    for prune in ran.steps("fine-tune", "prune") {
        let (before, after) = (ran.parent(prune), ran.ticket(prune));
        for (name, mask) in &after.masks {
            let mut expected = before.arrays[name].values.clone();
            mask.apply(&mut expected);
            assert_eq!(after.arrays[name].values, expected, "{name}");
        }
    }
    let [rewind] = ran.steps("back", "rewind")[..] else { panic!() };
    assert_eq!(ran.ticket(rewind), ran.parent(rewind), "no weight goes back");
    let [_, again] = ran.steps("back", "train")[..] else { panic!() };
    let TrainingRecord { from, to, .. } = ran.training(again);
    assert_eq!((from, to), (10, 60));
    assert_eq!(ran.parent(again), ran.ticket(rewind));
}

/// The small experiment's dense network on part of the digits, with a line more in [training].
fn of_part(data: &str, training: &str) -> tempfile::TempDir {
    let folder = folder();
    let (whole, _) = SPEC.split_once("[pipeline.imp]").unwrap();
    let spec =
        whole.replace("dataset = { use = \"mnist-10k\" }", &format!("dataset = {{ use = \"mnist-10k\", {data} }}"));
    let spec = spec.replace("evaluate = \"20it\"", &format!("evaluate = \"20it\"\n{training}"));
    std::fs::write(folder.path().join("small/experiment.toml"), spec).unwrap();
    folder
}

fn reported(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join("reports/small").join(file)).unwrap()
}

#[test]
fn a_subset_of_smaller_images_without_validation_is_planned_trained_and_reported() {
    let subset = "validation = 0, average = 2, subset = { classes = [3, 1], train = 200, test = 50 }";
    let folder = of_part(subset, "");
    let plan = planned(folder.path(), &[]);
    let model = &plan.variants[0].model;
    assert_eq!((model.input.dims(), model.output().dims()), (vec![1, 14, 14], vec![2]));
    run(folder.path(), &[]);
    let table = reported(folder.path(), "results.csv");
    let mut rows = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let columns = rows.next().unwrap();
    let at = |name: &str| columns.iter().position(|column| *column == name).unwrap();
    for row in rows {
        assert_eq!((row[at("validation_loss")], row[at("validation_accuracy")]), ("", ""));
        assert_eq!(row[at("early_stop_iteration")], "60");
        // 50 test examples: every accuracy is a whole number of fiftieths, and 1s are told from 3s.
        let accuracy: f64 = row[at("final_test_accuracy")].parse().unwrap();
        assert!((accuracy * 50.0 - (accuracy * 50.0).round()).abs() < 1e-4 && accuracy > 0.8, "{accuracy}");
        assert_eq!(row[at("test_accuracy")], row[at("final_test_accuracy")]);
    }
    let page = reported(folder.path(), "report.md");
    assert!(page.contains("Early stop is the training's end") && !page.contains("Warning"), "{page}");
    assert!(page.contains("2 classes; 200 training, 0 validation and 50 test examples"), "{page}");
    assert!(page.contains("of classes 3, 1, numbered anew") && page.contains("to 14 × 14"), "{page}");
}

#[test]
fn where_test_data_select_check_plan_and_report_say_so() {
    let folder = of_part("subset = { train = 1200, test = 50 }", "early_stop = \"test-accuracy\"");
    let said = |name: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tombola"));
        String::from_utf8(command.current_dir(folder.path()).args([name, "small"]).output().unwrap().stdout).unwrap()
    };
    for name in ["check", "plan"] {
        assert!(said(name).contains("warning: test data select the early stop of dense: "), "{}", said(name));
    }
    run(folder.path(), &[]);
    let warning = "Test data select the early stop of dense: ";
    let page = reported(folder.path(), "report.md");
    assert!(page.contains(&format!("**Warning.** {warning}")), "{page}");
    let pictures = page.lines().filter(|line| line.ends_with(".csv)") && line.contains("[Numbers]"));
    assert!(pictures.clone().count() > 0 && pictures.into_iter().all(|line| line.contains(warning)), "{page}");
    assert!(reported(folder.path(), "index.html").contains(&format!("<strong>Warning.</strong> {warning}")));
}

#[test]
fn noise_in_labels_is_learned_and_said() {
    let folder = of_part("label_noise = { fraction = 0.5, kind = \"permuted\" }", "");
    assert!(command(folder.path(), &[]).status().unwrap().success());
    let page = reported(folder.path(), "report.md");
    assert!(page.contains("The labels of 3500 training examples (50%) are replaced by each other's"), "{page}");
}

#[test]
fn every_block_of_the_docs_recipes_is_an_experiment() {
    let blocks =
        include_str!("../docs/recipes.md").split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let folder = tempfile::tempdir().unwrap();
    for block in blocks {
        let spec = format!("extends = \"quickstart\"\n\n{block}");
        std::fs::write(folder.path().join("experiment.toml"), spec).unwrap();
        let planned = tombola::cli::planned(folder.path(), &tombola::registry::Registry::builtin(), &[], "any");
        planned.unwrap_or_else(|errors| panic!("{block}\n{errors}"));
    }
}

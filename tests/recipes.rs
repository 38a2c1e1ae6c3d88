//! Recipes of training and pruning, each on real runs of a small experiment.

use std::path::Path;

use tombola::plan::{Plan, Step};
use tombola::record::{Measured, TrainingRecord};
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

fn ran(recipes: &str) -> Ran {
    let folder = folder();
    let (whole, _) = SPEC.split_once("[pipeline.dense]").unwrap();
    let spec = whole.replace("replicates = 2", "replicates = 1") + recipes;
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

    /// What a pipeline's analyses measured, in order.
    fn measured(&self, pipeline: &str) -> Vec<Vec<Measured>> {
        let own = self.plan.analyses.iter().filter(|ticket| ticket.pipeline == pipeline);
        own.map(|ticket| self.store.stored(&self.plan.steps[ticket.step].id).unwrap().record.measured).collect()
    }

    fn training(&self, step: &Step) -> TrainingRecord {
        self.store.stored(&step.id).unwrap().record.training.unwrap()
    }
}

#[test]
fn fine_tuning_goes_on_from_the_weights_as_they_are_and_learning_rate_rewinding_from_an_earlier_iteration() {
    let ran = ran(RECIPES);
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
        let experiment = folder.path().join("recipe");
        std::fs::create_dir_all(&experiment).unwrap();
        std::fs::write(experiment.join("experiment.toml"), spec).unwrap();
        let planned = tombola::cli::planned(&experiment, &tombola::registry::Registry::builtin(), &[], "any");
        planned.unwrap_or_else(|errors| panic!("{block}\n{errors}"));
    }
}

const GRADUAL: &str = r#"
[pipeline.gradual]
use = "gradual"
weights_remaining = [0.1, { linear = 0.2, output = 0.5 }]
begin = "10it"
end = "40it"
every = "15it"
[pipeline.again]
stage = [
  { init = {} },
  { train = { learn = { use = "gradual", weights_remaining = 0.25, end = "40it", every = "10it", scope = "global" } } },
  { rewind = "20it" },
  { train = {} },
]
"#;

#[test]
fn gradual_pruning_ends_with_the_weights_that_were_planned_and_its_survivors_can_be_rewound() {
    let ran = ran(GRADUAL);
    let trained = ran.steps("gradual", "train");
    // Of 784 × 16 and 160 weights: a tenth, and a fifth and a half.
    let kept: Vec<Vec<usize>> =
        trained.iter().map(|step| step.layers.iter().map(|layer| layer.kept).collect()).collect();
    assert_eq!(kept, [[1254, 16], [2509, 80]]);
    for step in &trained {
        let (ticket, TrainingRecord { from, to, .. }) = (ran.ticket(step), ran.training(step));
        let found: Vec<usize> = ticket.masks.values().map(|mask| mask.kept()).collect();
        assert_eq!(found, step.layers.iter().map(|layer| layer.kept).collect::<Vec<_>>());
        assert_eq!((ticket.violations(), from, to, step.level), (0, 0, 60, 1));
        let scores = ran.store.stored(&step.id).unwrap().record.scores.unwrap();
        assert!([40, 60].contains(&scores.early_stop_iteration), "{}", scores.early_stop_iteration);
    }
    assert_eq!(trained[0].parent, trained[1].parent, "each begins from the initial weights");

    let [first, again] = ran.steps("again", "train")[..] else { panic!() };
    let [rewind] = ran.steps("again", "rewind")[..] else { panic!() };
    assert_eq!(ran.ticket(first).kept(), (12544 + 160) / 4);
    // What survived the whole training had survived half of it.
    let (there, rewound) = (ran.store.snapshot(&first.id, 20).unwrap(), ran.ticket(rewind));
    assert!(there.kept() > rewound.kept());
    for (name, mask) in &rewound.masks {
        assert!(mask.is_within(&there.masks[name]));
        let mut expected = there.arrays[name].values.clone();
        mask.apply(&mut expected);
        assert_eq!(rewound.arrays[name].values, expected, "{name}");
    }
    assert_eq!(ran.ticket(again).masks, rewound.masks);
}

const UNITS: &str = r#"
[pipeline.units]
use = "prune-units"
prune_rate = 0.5
levels = 3
[pipeline.after-weights]
stage = [
  { init = {} },
  { train = {} },
  { prune = { rate = 0.5 } },
  { prune-units = { rate = { linear = 0.5 }, norm = "l2" } },
  { rewind = "10it" },
  { train = {} },
  { shrink = {} },
]
[pipeline.shrunk]
use = "shrink"
each = "units"
"#;

#[test]
fn whole_units_go_with_all_their_weights_and_as_many_as_the_plan_says() {
    let ran = ran(UNITS);
    let trained = ran.steps("units", "train");
    // Of 16 units between 784 inputs and 10 classes half go each time.
    let expected = [[784 * 16, 160], [784 * 8, 80], [784 * 4, 40], [784 * 2, 20]];
    let mut before = None;
    for (step, expected) in trained.iter().zip(expected) {
        let (ticket, planned) = (ran.ticket(step), step.layers.iter().map(|layer| layer.kept).collect::<Vec<_>>());
        let [hidden, out] = ["fc1.weight", "out.weight"].map(|name| ticket.masks[name].clone());
        assert_eq!((vec![hidden.kept(), out.kept()], planned), (expected.to_vec(), expected.to_vec()));
        assert_eq!((ticket.violations(), step.about), (0, false));
        for unit in 0..16 {
            let (made, read) =
                ((0..784).filter(|i| hidden.keeps(i * 16 + unit)), (0..10).filter(|i| out.keeps(unit * 10 + i)));
            assert!([(784, 10), (0, 0)].contains(&(made.count(), read.count())), "unit {unit}");
        }
        assert!(before.is_none_or(|before| hidden.is_within(&before)), "masks are nested");
        before = Some(hidden);
    }
    assert_eq!(trained.len(), 4);
    for (units, measured) in [16.0, 8.0, 4.0, 2.0].into_iter().zip(ran.measured("shrunk")) {
        let number = |name: &str| measured.iter().find(|figure| figure.name == name).unwrap().value().unwrap();
        // A unit has 784 weights to it, 10 from it, a bias, a scale and a shift; 10 biases are the classes'.
        assert_eq!((number("parameters"), number("multiply-adds")), (797.0 * units + 10.0, 794.0 * units));
        assert!(number("largest difference of logits") < 1e-5);
    }
    assert_eq!(ran.measured("shrunk").len(), 4);

    // Single weights went before: the units that are left are halved all the same.
    let [weights, units] = ["prune", "prune-units"].map(|stage| ran.ticket(ran.steps("after-weights", stage)[0]));
    let left = |ticket: &Ticket| {
        let mask = &ticket.masks["fc1.weight"];
        (0..16).filter(|unit| (0..784).any(|input| mask.keeps(input * 16 + unit))).count()
    };
    assert_eq!((left(&weights), left(&units)), (16, 8));
    let last = ran.steps("after-weights", "train")[1];
    assert!(last.about && ran.ticket(last).masks == units.masks);
    assert!(
        ran.measured("after-weights")[0].iter().any(|figure| figure.name == "units" && figure.points[0].value == 8.0)
    );
    let (foreseen, found) = (last.layers[0].kept as f64, units.masks["fc1.weight"].kept() as f64);
    assert!((foreseen / found - 1.0).abs() < 0.3, "{foreseen} of {found}");
}

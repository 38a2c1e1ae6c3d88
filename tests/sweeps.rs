//! Sweeps: a variant is the experiment with its values set, and what variants share runs once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::small::{SPEC, command, folder, planned, results, run};

/// The small experiment with a sweep, or with anything else at its end.
fn with(more: &str) -> tempfile::TempDir {
    let folder = folder();
    std::fs::write(folder.path().join("small/experiment.toml"), format!("{SPEC}\n{more}")).unwrap();
    folder
}

/// Of each variant in `results.csv`, its rows without the variant's name.
fn rows(folder: &Path) -> BTreeMap<String, Vec<String>> {
    let mut variants: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in results(folder).lines().skip(1) {
        let [_, variant, row] = line.splitn(3, ',').collect::<Vec<_>>()[..] else { panic!("{line}") };
        variants.entry(variant.to_string()).or_default().push(row.to_string());
    }
    variants
}

#[test]
fn each_variant_gives_what_the_experiment_with_its_values_gives() {
    let sets = [
        ["dataset.use=\"mnist-10k\"", "training.batch_size=60", "seed=1"],
        ["dataset.use=\"fashion-mnist-12k\"", "training.batch_size=30", "seed=2"],
    ];
    let variant = |sets: &[&str; 3]| format!("[[variant]]\n{}\n", sets.join("\n"));
    let swept = with(&sets.iter().map(variant).collect::<String>());
    run(swept.path(), &["--replicates", "1"]);
    let report = std::fs::read_to_string(swept.path().join("reports/small/report.md")).unwrap();
    for said in
        ["batch size 60 \\| 30", "\n\nData of dataset=fashion-mnist-12k batch\\_size=30 seed=2: fashion-mnist-12k: "]
    {
        assert!(report.contains(said), "{said}: {report}");
    }
    let swept = rows(swept.path());
    let names = ["dataset=fashion-mnist-12k batch_size=30 seed=2", "dataset=mnist-10k batch_size=60 seed=1"];
    assert_eq!(swept.keys().collect::<Vec<_>>(), names);
    for (set, name) in sets.iter().rev().zip(names) {
        let alone = folder();
        let set = set.iter().flat_map(|set| ["--set", set]);
        run(alone.path(), &["--replicates", "1"].into_iter().chain(set).collect::<Vec<_>>());
        assert_eq!(swept[name], rows(alone.path())[""], "{name}");
    }
}

#[test]
fn what_variants_share_is_one_step_and_runs_once() {
    let swept = with("[vary]\npipeline.imp.levels = [2, 3]");
    let ids = |plan: &tombola::plan::Plan| plan.steps.iter().map(|step| step.id.clone()).collect::<BTreeSet<_>>();
    let plan = planned(swept.path(), &["replicates=1"]);
    assert_eq!(plan.steps.len(), ids(&plan).len());
    assert_eq!(ids(&plan), ids(&planned(folder().path(), &["replicates=1"])), "fewer levels are a part of more");
    let said = run(swept.path(), &["--replicates", "1"]);
    assert!(said.contains(&format!("{} steps ran.", plan.steps.len())), "{said}");
    assert!(said.contains("imp[levels=2], replicate 0, level 1, "), "{said}");
    let variants = rows(swept.path());
    let dense = |name: &str| variants[name].iter().find(|row| row.starts_with("dense,")).unwrap().clone();
    assert_eq!(dense("levels=2"), dense("levels=3"));
    let of_imp = |name: &str| variants[name].iter().filter(|row| row.starts_with("imp,")).count();
    assert_eq!((of_imp("levels=2"), of_imp("levels=3")), (3, 4));
    assert!(run(swept.path(), &["--replicates", "1"]).contains("Nothing to run"));
}

#[test]
fn a_report_names_the_variants_in_tables_and_has_a_panel_for_each() {
    let swept = with("[vary]\ntraining.length = [\"20it\", \"40it\"]");
    run(swept.path(), &["--replicates", "1"]);
    let read = |file: &str| std::fs::read_to_string(swept.path().join("reports/small").join(file)).unwrap();
    let report = read("report.md");
    for said in ["| Variant |", "| length=20it | dense |", "- **length=40it**: training.length = 40it; "] {
        assert!(report.contains(said), "{said}: {report}");
    }
    let (page, svg) = (read("index.html"), read("figures/accuracy.svg"));
    for name in ["length=20it", "length=40it"] {
        assert!(page.contains(name) && svg.contains(name), "{name}");
    }
    assert!(read("figures/accuracy.csv").starts_with("variant,pipeline,"));
}

#[test]
fn the_methods_say_what_variants_have_otherwise() {
    let variants = "[[variant]]\nname = \"a\"\n\
                    [[variant]]\nname = \"b\"\nmodel = { use = \"lenet-300-100\", width = 0.1 }\n\
                    [[variant]]\nname = \"c\"\ndataset.use = \"fashion-mnist-12k\"\npipeline.imp.levels = 2\n\
                    [[variant]]\nname = \"d\"\ndataset.use = \"fashion-mnist-12k\"";
    let swept = with(variants);
    let registry = tombola::registry::Registry::builtin();
    let spec = tombola::spec::load(&swept.path().join("small"), &registry, &[]).unwrap_or_else(|e| panic!("{e}"));
    let plan = tombola::plan::plan(&spec, &registry, "any").unwrap_or_else(|e| panic!("{e}"));
    let header = tombola::plan::header(&spec, &plan, "");
    let [data] = &header.other_datasets[..] else { panic!("{:?}", header.other_datasets) };
    assert_eq!((data.facts.name.as_str(), &data.variants[..]), ("fashion-mnist-12k", &["c".into(), "d".into()][..]));
    let [model] = &header.other_models[..] else { panic!("{:?}", header.other_models) };
    assert_eq!((model.facts.name.as_str(), &model.variants[..]), ("lenet-300-100", &["b".into()][..]));
    // Both flatten the images first.
    let layers: Vec<&str> = model.facts.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(layers, ["fc1", "relu1", "fc2", "relu2", "output"]);
    let imp = header.pipelines.iter().find(|pipeline| pipeline.name == "imp").unwrap();
    assert!(imp.stages[2].starts_with("repeat 3 | 2 times: prune"), "{:?}", imp.stages);
    assert_eq!(imp.stages[1].matches(" | ").count(), 0, "{:?}", imp.stages);
}

#[test]
fn a_variant_that_cannot_be_planned_is_refused_before_the_first_runs() {
    let swept = with("[vary]\npipeline.late.rewind = [\"10it\", \"61it\"]\ntraining.batch_size = [60, 50]");
    let output = command(swept.path(), &[]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(!swept.path().join("runs").exists());
    assert!(said.contains("in the variant `rewind=61it batch_size=60`") && said.contains("\"61it\""), "{said}");
}

/// What a command says, on stdout and on stderr.
fn told(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_tombola"));
    let output = command.current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

#[test]
fn check_and_plan_name_the_variants_and_a_shared_step_stands_under_the_first() {
    let swept = with("[vary]\npipeline.imp.levels = [2, 3]");
    let (_, said) = told(swept.path(), &["check", "small"]);
    assert!(said.starts_with("small: 2 variants × 6 pipelines × 2 replicates, "), "{said}");
    let (_, said) = told(swept.path(), &["plan", "small", "--replicates", "1"]);
    assert!(said.starts_with("small: 2 variants, "), "{said}");
    for name in ["levels=2", "levels=3"] {
        assert_eq!(said.lines().filter(|line| line.trim() == name).count(), 2, "steps and ladder: {said}");
    }
    let (_, json) = told(swept.path(), &["plan", "small", "--replicates", "1", "--json"]);
    let plan: serde_json::Value = serde_json::from_str(&json).unwrap();
    let of =
        |what: &str, variant: &str| plan[what].as_array().unwrap().iter().filter(|x| x["variant"] == variant).count();
    assert!(of("steps", "levels=3") < of("steps", "levels=2") && of("tickets", "levels=3") > of("tickets", "levels=2"));
}

#[test]
fn a_prediction_names_its_variant_in_brackets() {
    let sweep = "[vary]\npipeline.imp.levels = [2, 3]\n[[prediction]]\nclaim = \"it learns\"\n";
    let of = |expect: &str| told(with(&format!("{sweep}expect = \"{expect}\"")).path(), &["check", "small"]);
    assert!(of("imp[levels=3].test_accuracy@level 3 > 0.1").0);
    let (right, said) = of("imp[levels=2].test_accuracy@level 3 > 0.1");
    assert!(!right && said.contains("level"), "{said}");
    assert!(of("imp.test_accuracy@level 2 > 0.1").1.contains("2 variants"));
    assert!(of("imp[levels=4].test_accuracy@level 2 > 0.1").1.contains("no variant is named"));
}

#[test]
fn a_thousand_variants_are_planned() {
    let seeds = (1..=1000).map(|seed| seed.to_string()).collect::<Vec<_>>().join(", ");
    let swept = with(&format!("[vary]\nseed = [{seeds}]"));
    let plan = planned(swept.path(), &["replicates=1"]);
    assert_eq!((plan.variants.len(), plan.steps.len() % 1000), (1000, 0));
}

//! A folder of images from its declaration to a trained mask: Wide ResNet-50-2, narrowed, and, where it is asked for, whole.

use std::path::Path;
use std::process::Command;

use image::{ImageFormat, Rgb, RgbImage};
use serde_json::Value;
use tempfile::TempDir;

const SPEC: &str = r#"
title = "A step on a folder of images"
question = "Does a folder of images train?"

[dataset]
name = "tiny"
folder = "tiny"
format = { use = "image-folder", resize = SIDE }
content = "CONTENT"
classes = 2
shape = [3, SIDE, SIDE]
train = 16
test = 4
validation = 4
normalise = { mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225] }

[model]
use = "wide-resnet-50-2"
affine = false
width = WIDTH

[training]
optimizer = { use = "sgd", learning_rate = 0.256, momentum = 0.875, weight_decay = 3.05e-5 }
augment = ["resized-crop", "flip"]
label_smoothing = 0.1
batch_size = 6
length = "2it"
evaluate = "1it"

[pipeline.edge-popup]
use = "edge-popup"
weights_remaining = [0.3]
batch_size = 6
"#;

/// A data directory with ten images of either class, PNG and JPEG, and the experiment `tiny`.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (part, count) in [("train", 8), ("val", 2)] {
        for (class, red) in [("dark", 40), ("light", 200)] {
            let path = folder.path().join("data/tiny").join(part).join(class);
            std::fs::create_dir_all(&path).unwrap();
            for number in 0..count {
                let pixel = |x, y| Rgb([red, (5 * x) as u8, (20 * number + 3 * y) as u8]);
                let image = RgbImage::from_fn(48 + number, 40, pixel);
                let (ending, format) = [("png", ImageFormat::Png), ("jpg", ImageFormat::Jpeg)][number as usize % 2];
                image.save_with_format(path.join(format!("{number}.{ending}")), format).unwrap();
            }
        }
    }
    std::fs::create_dir(folder.path().join("tiny")).unwrap();
    declare(folder.path(), "unknown", NARROW);
    folder
}

/// The model's width, and the images' sides.
const NARROW: (f64, usize) = (0.125, 32);

fn declare(folder: &Path, content: &str, (width, side): (f64, usize)) {
    let spec = SPEC.replace("CONTENT", content).replace("WIDTH", &format!("{width:?}"));
    std::fs::write(folder.join("tiny/experiment.toml"), spec.replace("SIDE", &side.to_string())).unwrap();
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tombola"));
    command.current_dir(folder).args(arguments).args(["tiny", "--data", "data"]);
    command.env("TOMBOLA_CACHE", folder.join("cache"));
    command
}

/// Exit code, standard output and error.
fn tombola(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = command(folder, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_run_says_what_the_content_is_and_with_it_trains_a_mask_and_decodes_nothing_again() {
    let folder = folder();
    let (code, _, said) = tombola(folder.path(), &["run"]);
    assert!(code == 2 && said.contains("To declare what it holds, write"), "{code}: {said}");
    let content = &said.split("content = \"").nth(1).unwrap()[..64];
    let cached = || {
        let files = std::fs::read_dir(folder.path().join("cache/images")).unwrap().map(|file| file.unwrap());
        let mut files: Vec<_> = files.map(|file| (file.path(), file.metadata().unwrap().modified().unwrap())).collect();
        files.sort();
        files
    };
    let (before, unknown) = (cached(), tombola(folder.path(), &["plan", "--json"]).1);
    declare(folder.path(), content, NARROW);
    let (code, _, said) = tombola(folder.path(), &["run"]);
    assert!(code == 0 && said.contains("2 steps ran"), "{code}: {said}");
    assert_eq!(cached(), before);
    let results = std::fs::read_to_string(folder.path().join("reports/tiny/results.csv")).unwrap();
    assert_eq!(results.lines().count(), 2, "{results}");
    let report = std::fs::read_to_string(folder.path().join("reports/tiny/report.md")).unwrap();
    assert!(report.contains(content), "the report names the content");

    // The content is part of each step's id, and images are mapped, not needed in memory.
    let plan: [Value; 2] =
        [unknown, tombola(folder.path(), &["plan", "--json"]).1].map(|text| serde_json::from_str(&text).unwrap());
    assert_ne!(plan[0]["steps"][0]["id"], plan[1]["steps"][0]["id"]);
    let memory = &plan[0]["memory"];
    assert_eq!([&memory["mapped_bytes"], &memory["data_bytes"]], [20 * 3 * 32 * 32, 20 * 2]);
    assert_eq!(memory["bytes"].as_u64(), Some(memory["step_bytes"].as_u64().unwrap() + 40 + 45_000_000));
    assert_eq!(plan[1]["new"], 0);

    // Another image is another folder.
    std::fs::remove_file(folder.path().join("data/tiny/val/dark/0.png")).unwrap();
    std::fs::copy(folder.path().join("data/tiny/val/dark/1.jpg"), folder.path().join("data/tiny/val/dark/2.jpg"))
        .unwrap();
    std::fs::remove_dir_all(folder.path().join("runs")).unwrap();
    let (code, _, said) = tombola(folder.path(), &["run"]);
    assert!(code == 2 && said.contains("is not the declared folder") && said.contains(content), "{code}: {said}");
}

#[test]
fn a_cache_that_cannot_be_written_is_told_with_what_to_do() {
    let folder = folder();
    std::fs::write(folder.path().join("cache"), "a file").unwrap();
    let (code, _, said) = tombola(folder.path(), &["run"]);
    assert!(code == 1 && said.contains("TOMBOLA_CACHE names another folder"), "{code}: {said}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_images_are_decoded_ends_with_130_and_says_how_to_go_on() {
    let folder = folder();
    // So many that decoding them takes a while.
    let image = RgbImage::from_fn(900, 900, |x, y| Rgb([(x * y) as u8, x as u8, y as u8]));
    let first = folder.path().join("data/tiny/train/dark/large.png");
    image.save_with_format(&first, ImageFormat::Png).unwrap();
    for number in 0..200 {
        std::fs::copy(&first, first.with_file_name(format!("large{number}.png"))).unwrap();
    }
    let spec = folder.path().join("tiny/experiment.toml");
    std::fs::write(&spec, std::fs::read_to_string(&spec).unwrap().replace("train = 16", "train = 217")).unwrap();
    let run = command(folder.path(), &["run"]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let cache = folder.path().join("cache/images");
    while std::fs::read_dir(&cache).map_or(0, |files| files.count()) == 0 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap();
    let output = run.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("Run the same command again to go on"), "{said}");
    assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 0, "nothing half is left");
}

/// The most memory that a run held, over what its plan said.
#[cfg(target_os = "linux")]
fn over_plan(size: (f64, usize)) -> f64 {
    let folder = folder();
    declare(folder.path(), "unknown", size);
    let (_, _, said) = tombola(folder.path(), &["run"]);
    declare(folder.path(), &said.split("content = \"").nth(1).unwrap()[..64], size);
    let plan: Value = serde_json::from_str(&tombola(folder.path(), &["plan", "--json"]).1).unwrap();
    let planned = plan["memory"]["bytes"].as_f64().unwrap();
    let mut run =
        command(folder.path(), &["run", "--threads", "2"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", run.id());
    let mut peak = 0.0;
    while run.try_wait().unwrap().is_none() {
        let told = std::fs::read_to_string(&status).unwrap_or_default();
        let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = line.map_or(peak, |kilobytes| 1024.0 * kilobytes.parse::<f64>().unwrap());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(run.wait().unwrap().success());
    eprintln!("{size:?}: {:.0} MB at most, and the plan said {:.0} MB", peak / 1e6, planned / 1e6);
    peak / planned
}

#[cfg(target_os = "linux")]
#[test]
fn a_step_takes_the_memory_that_its_plan_said() {
    let over = over_plan((0.25, 96));
    assert!((0.75..1.25).contains(&over), "{over}");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "minutes, and 3 GB of memory"]
fn a_step_of_the_whole_wide_resnet_50_2_takes_the_memory_that_its_plan_said() {
    let over = over_plan((1.0, 224));
    assert!((0.75..1.25).contains(&over), "{over}");
}

/// The networks as they ship, whole but for the output's classes: the data's size, lengths and batches are set, no more.
#[test]
fn the_wide_resnet_50_and_the_resnet_34_of_the_shipped_experiment_run_from_end_to_end() {
    let folder = folder();
    let experiment = concat!(env!("CARGO_MANIFEST_DIR"), "/experiments/wide-resnet-imagenet");
    let data =
        ["folder=tiny", "classes=2", "shape=[3,32,32]", "format.resize=32", "train=16", "test=4", "validation=4"];
    let mut sets: Vec<String> = data.iter().map(|set| format!("dataset.{set}")).collect();
    sets.extend(["training.length=2it", "training.evaluate=1it"].map(String::from));
    for part in ["training", "pipeline.signed-constant", "pipeline.kaiming-normal"] {
        sets.extend([format!("{part}.schedule=cosine"), format!("{part}.batch_size=2")]);
    }
    let run = |sets: &[String]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tombola"));
        command.current_dir(folder.path()).env("TOMBOLA_CACHE", folder.path().join("cache"));
        command.args(["run", experiment, "--data", "data", "--jobs", "1"]);
        command.args(sets.iter().flat_map(|set| ["--set", set.as_str()]));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (_, said) = run(&sets);
    sets.push(format!("dataset.content={}", &said.split("content = \"").nth(1).unwrap()[..64]));
    let (code, said) = run(&sets);
    assert_eq!(code, Some(0), "{said}");
    let results = std::fs::read_to_string(folder.path().join("reports/wide-resnet-imagenet/results.csv")).unwrap();
    let column = |number| results.lines().skip(1).map(move |line| line.split(',').nth(number).unwrap());
    // An output of 2 classes instead of 1,000, of 512 and 2,048 features.
    let (smaller, larger) = ((21_779_648 - 998 * 512).to_string(), (68_814_016 - 998 * 2048).to_string());
    assert!(column(7).eq([[smaller.as_str(); 3], [larger.as_str(); 3]].concat()), "{results}");
}

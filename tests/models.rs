//! Models that ship, planned for images of CIFAR's shape: their sizes are those of the papers.

use tombola::model::Model;
use tombola::plan::{inferred, plan};
use tombola::registry::Registry;
use tombola::spec;
use tombola::spec::catalogue::{self, Counted, Declared, Sort};

/// A data set that is declared and not there: a plan reads none.
const IMAGES: &str = r#"
summary = "Images of CIFAR's shape"
licence = "none"
citation = "none"
folder = "images"
format = { use = "idx" }
classes = 10
shape = [3, 32, 32]
train = 100
test = 10
validation = 10
normalise = { mean = [0.0, 0.0, 0.0], std = [1.0, 1.0, 1.0] }
[[file]]
name = "images.gz"
bytes = 1
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
"#;

const SPEC: &str = r#"
title = "A model"
dataset = { use = "DATASET" }
training = { optimizer = { use = "adam", learning_rate = 1e-3 }, batch_size = 10, length = "5it", evaluate = "5it" }
pipeline.dense.use = "dense"
MODEL
"#;

/// The model as planned on a data set, or what an author is told.
fn planned(dataset: &str, model: &str) -> Result<Model, String> {
    let folder = tempfile::tempdir().unwrap();
    let experiment = folder.path().join("experiment");
    std::fs::create_dir_all(experiment.join("datasets")).unwrap();
    std::fs::write(experiment.join("datasets/images.toml"), IMAGES).unwrap();
    let text = SPEC.replace("DATASET", dataset).replace("MODEL", model);
    std::fs::write(experiment.join("experiment.toml"), text).unwrap();
    let registry = Registry::builtin();
    let spec = spec::load(&experiment, &registry, &[]).map_err(|errors| errors.to_string())?;
    plan(&spec, &registry, "any").map(|mut plan| plan.variants.remove(0).model).map_err(|errors| errors.to_string())
}

/// What the author of a model that does not fit is told.
fn refused(model: &str) -> String {
    planned("images", model).err().unwrap_or_else(|| panic!("this fits: {model}"))
}

fn shipped(name: &str, parameters: &str) -> Model {
    let model = format!("model = {{ use = \"{name}\"{parameters} }}");
    planned("images", &model).unwrap_or_else(|errors| panic!("{name}: {errors}"))
}

fn prunable(model: &Model) -> usize {
    model.prunable().map(|(param, _)| param.len()).sum()
}

#[test]
fn convolutional_networks_have_the_papers_number_of_weights() {
    // Conv-2: 9 · (3·64 + 64·64), then 64·16·16 · 256 + 256·256 + 256·10; and so on with each pair and pool.
    let by_hand = [("conv-2", 4_300_992), ("conv-4", 2_425_024), ("conv-6", 2_261_184), ("conv-8", 5_275_840)];
    for (name, weights) in by_hand {
        let model = shipped(name, ", bias = false");
        assert_eq!((prunable(&model), model.parameters()), (weights, weights), "{name}");
        assert_eq!(prunable(&shipped(name, "")), weights, "{name}");
    }
    // 2 · 64 and 2 · 128 channels, 2 · 256 units, 10 classes.
    assert_eq!(shipped("conv-4", "").parameters(), 2_425_024 + 2 * 64 + 2 * 128 + 2 * 256 + 10);
}

/// Published sizes: a model for its usual images, parameters, multiply-adds in millions, and who says so.
const PUBLISHED: [(&str, usize, Option<u64>, &str); 15] = [
    ("lenet-300-100", 266_610, None, "Frankle & Carbin 2019, figure 2: 266K"),
    ("hidden-networks-fc", 266_200, None, "784 · 300 + 300 · 100 + 100 · 10"),
    ("lenet-5", 431_080, None, "Han et al. 2015, table 1: 431K; 520 + 25,050 + 400,500 + 5,010"),
    ("mlp-1x512", 1_209_866, None, "Zhang et al. 2017, table 1"),
    ("mlp-3x512", 1_735_178, None, "Zhang et al. 2017, table 1"),
    ("vgg-11-bn", 9_231_114, None, "implementations for CIFAR-10"),
    ("vgg-16-bn", 14_728_266, None, "implementations for CIFAR-10; Frankle et al. 2020: 14.7M"),
    ("resnet-20", 272_474, None, "He et al. 2016, table 6: 0.27M; 2,752 of them the shortcuts of option B"),
    ("resnet-32", 466_906, None, "He et al. 2016, table 6: 0.46M; 2,752 of them the shortcuts of option B"),
    ("resnet-56", 855_770, None, "He et al. 2016, table 6: 0.85M; 2,752 of them the shortcuts of option B"),
    ("resnet-18-cifar", 11_173_962, None, "implementations for CIFAR-10"),
    ("resnet-18", 11_689_512, Some(1_814), "torchvision"),
    ("resnet-34", 21_797_672, Some(3_664), "torchvision"),
    ("resnet-50", 25_557_032, Some(4_089), "torchvision"),
    ("wide-resnet-50-2", 68_883_240, Some(11_398), "torchvision"),
];

#[test]
fn models_have_the_sizes_that_are_published_and_the_table_of_the_docs_says_so() {
    let registry = Registry::builtin();
    let mut table = String::from(
        "| model | images | parameters | multiply-adds, millions | published |\n| --- | --- | ---: | ---: | --- |\n",
    );
    for (name, parameters, published, source) in PUBLISHED {
        let read = catalogue::model(name, &Counted::default(), &registry, None).unwrap_or_else(|e| panic!("{e}"));
        let (spec, images) = read.unwrap();
        let model = inferred(&spec, images.shape, (images.classes, name), &registry).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(model.parameters(), parameters, "{name}");
        let adds = model.multiply_adds(model.prunable().map(|(param, _)| param.len()));
        let millions = (adds + 500_000) / 1_000_000;
        assert!(published.is_none_or(|published| published == millions), "{name}: {adds}");
        let [channels, height, width] = images.shape;
        let (adds, said) = match published {
            Some(_) => (millions.to_string(), "both figures"),
            None => (format!("{:.1}", adds as f64 / 1e6), "parameters"),
        };
        table += &format!(
            "| `{name}` | {channels}×{height}×{width}, {} classes | {parameters} | {adds} | {said}: {source} |\n",
            images.classes
        );
    }
    let docs = include_str!("../docs/models.md");
    assert!(docs.contains(&table), "docs/models.md should have:\n{table}");
}

#[test]
fn resnet_20_has_the_papers_shape() {
    let model = shipped("resnet-20", "");
    // 9 · (3·16 + 6·16² + 16·32 + 5·32² + 32·64 + 5·64²), shortcuts 16·32 + 32·64, output 64·10.
    assert_eq!(prunable(&model), 270_896);
    // 16 + 6·16 + 7·32 + 7·64 normalised channels with scale and shift, 10 biases of the output.
    assert_eq!(model.parameters(), 270_896 + 2 * 784 + 10);
    assert_eq!(model.parameters(), 272_474);
    let buffers: usize = model.params.iter().filter(|param| !param.role.is_trained()).map(|param| param.len()).sum();
    assert_eq!(buffers, 2 * 784);
    let weights: Vec<&str> = model.prunable().map(|(param, _)| param.name.as_str()).collect();
    assert_eq!(weights.len(), 22);
    assert_eq!(weights[..3], ["conv.weight", "stage1-block1.conv1.weight", "stage1-block1.conv2.weight"]);
    assert_eq!(
        weights[7..10],
        ["stage2-half.conv1.weight", "stage2-half.conv2.weight", "stage2-half.shortcut.conv1.weight"]
    );
    assert_eq!(weights[21], "output.weight");
}

#[test]
fn widths_scale_what_is_hidden() {
    // 16 channels and 64 units: 9 · (3·16 + 16·16), 16·16·16 · 64 + 64·64 + 64·10.
    assert_eq!(prunable(&shipped("conv-2", ", width = 0.25")), 2_736 + 262_144 + 4_096 + 640);
    // 4, 8 and 16 channels.
    let convolutions = 9 * (3 * 4 + 6 * 16 + 4 * 8 + 5 * 64 + 8 * 16 + 5 * 256);
    assert_eq!(prunable(&shipped("resnet-20", ", width = 0.25")), convolutions + 4 * 8 + 8 * 16 + 160);
}

#[test]
fn every_model_fits_digits_and_small_images() {
    for declared in catalogue::list(Sort::Declared(Declared::Model), &Registry::builtin(), None).unwrap() {
        for dataset in ["images", "mnist-10k"] {
            let model = format!("model = {{ use = \"{}\" }}", declared.name);
            planned(dataset, &model).unwrap_or_else(|errors| panic!("{} on {dataset}: {errors}", declared.name));
        }
    }
}

#[test]
fn a_block_whose_shapes_do_not_add_up_is_told_with_both() {
    let model = r#"
model.layer = [
  { conv = { channels = 8 } },
  { repeat = { times = 3, layers = [
    { name = "block", residual = { layers = [{ conv = { channels = 8, stride = 2 } }] } },
  ] } },
  { global-average-pool = {} },
  { linear = { units = "{classes}" } },
]"#;
    let error = refused(model);
    let told = "`block1`: the block's layers give an image of 8×16×16, and its input is an image of 8×32×32";
    assert!(error.contains(told) && error.contains("experiment.toml:10"), "{error}");
    let shortcut = "shortcut = [{ conv = { channels = 9, kernel = 1, stride = 2 } }], layers = [{ conv";
    let error = refused(&model.replace("layers = [{ conv", shortcut));
    assert!(error.contains("its shortcut an image of 9×16×16"), "{error}");
}

#[test]
fn a_layer_that_does_not_fit_is_told_by_name_and_place() {
    let model = "model.layer = [{ flatten = {} }, { conv = { channels = 8 } }]";
    let error = refused(model);
    assert!(error.contains("`conv1`: a conv layer expects an image") && error.contains("experiment.toml:6"), "{error}");
    let pools = "model.layer = [{ repeat = { times = 9, layers = [{ max-pool = {} }] } }]";
    let error = refused(pools);
    assert!(error.contains("`max-pool6`: a window of 2 does not fit into an image of 1×1"), "{error}");
}

//! An experiment as one table → what it means, without its sweep.

use super::about::about;
use super::changes::StageChanges;
use super::dataset::dataset;
use super::diagnostic::Diagnostics;
use super::fields::Fields;
use super::folder::Folder;
use super::model::Models;
use super::node::{Entries, Node, Value};
use super::pipeline::Pipelines;
use super::pipelines::read_pipelines;
use super::prediction::predictions;
use super::schema;
use super::shipped::Library;
use super::training::Training;
use super::{MATCHING, REPLICATES, Spec, Variant};
use crate::prediction::{Expression, Named};
use crate::registry::Registry;

/// An experiment without a sweep, as its only variant; without what of it is wrong.
pub fn experiment(
    folder: &Folder,
    root: &Node,
    library: &Library<'_>,
    registry: &Registry,
    d: &mut Diagnostics,
) -> Option<Spec> {
    let mut fields = Fields::of(root, "the experiment", d)?.documented(schema::fields);
    let title = fields.need::<String>("title", d);
    let question = fields.read("question", d).unwrap_or_default();
    let rule = format!("from 1 to {REPLICATES}");
    let replicates = fields.read_if("replicates", &rule, |n| (1..=REPLICATES).contains(n), d).unwrap_or(1);
    let seed = fields.read("seed", d).unwrap_or(1);
    let fraction = |x: &f64| (0.0..=1.0).contains(x);
    let matching = fields.read_if("matching", "from 0 to 1", fraction, d).unwrap_or(MATCHING);
    let tolerance = fields.read_if("tolerance", "from 0 to 1", fraction, d);
    let data = fields.need_node("dataset").and_then(|node| d.sound(|d| dataset(node, library, registry, d)));
    let declared = data.as_ref().and_then(|(_, data)| data.table()?.get("classes")).map(|(_, node)| &node.origin);
    let classes = data.as_ref().map_or(1, |(data, _)| data.used_classes() as i64);
    let classes = Node { value: Value::Integer(classes), origin: declared.unwrap_or(&root.origin).clone() };
    let models = Models { registry, library, classes };
    let model = fields.need_node("model").and_then(|node| d.sound(|d| models.read(node, d)));
    let training = Training::of(fields.node("training"), &root.origin, registry, d);
    let (given, changes) = (model.as_ref(), &StageChanges::default());
    let pipelines = Pipelines { registry, library, training, model: given, changes, user: &root.origin };
    let written = fields.need_node("pipeline");
    let mut of_pipelines = Diagnostics::default();
    let pipelines = written.map(|node| read_pipelines(node, &pipelines, &mut of_pipelines)).unwrap_or_default();
    let names = written.and_then(Node::table).into_iter().flat_map(Entries::keys);
    let headings = |name: &str| pipelines.iter().find(|own| own.name == name).map(|own| own.headings(registry));
    let predictions = fields.node("prediction").map(|node| {
        let named: Vec<Named<'_>> = names.map(|pipeline| Named { pipeline, headings: headings(pipeline) }).collect();
        predictions(node, &named, d)
    });
    let predictions = predictions.unwrap_or_default();
    let about = about(fields.node("about"), d);
    // These were taken out before, and are valid names for one that is not.
    for key in ["extends", "without", "vary", "variant"] {
        fields.node(key);
    }
    fields.finish(d);
    // What a mistyped [training] says, no stage lacks.
    let is_mistyped = d.errors().iter().any(|error| error.mended().as_deref() == Some("training"));
    d.extend(of_pipelines.errors().iter().filter(|error| !is_mistyped || error.missing.is_none()).cloned());
    let (dataset, data) = data?;
    let is_sound = |name: &str| pipelines.iter().any(|pipeline| pipeline.name == name);
    let judged = |expect: &Expression| expect.references().iter().all(|of| is_sound(&of.pipeline.text));
    Some(Spec {
        name: folder.name(),
        folder: folder.path.clone(),
        title: title.unwrap_or_default(),
        question,
        replicates,
        matching,
        tolerance,
        predictions: predictions.into_iter().filter(|prediction| judged(&prediction.expect)).collect(),
        about,
        shipped: library.given(),
        variants: vec![Variant {
            name: String::new(),
            settings: Vec::new(),
            seed,
            dataset,
            model: model?,
            pipelines: pipelines.into_iter().map(|pipeline| (pipeline.name.clone(), pipeline)).collect(),
            written: root.clone(),
            data,
        }],
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::registry::Use;
    use crate::spec::fixture::{DOTS, Experiment, lottery};
    use crate::spec::{Form, Spec, StageSpec};

    /// The configuration of a pipeline's stage by its place.
    fn stage(spec: &Spec, pipeline: &str, place: usize) -> Use {
        match &spec.variants[0].pipelines[pipeline].stages[place] {
            StageSpec::One(used, _) => used.clone(),
            other => panic!("{other:?} is no single stage"),
        }
    }

    const DESIGN: &str = r#"
        #:schema ../../schema/experiment.schema.json
        title      = "Winning tickets on MNIST"
        question   = "Does it?"
        replicates = 5
        seed       = 1
        [dataset]
        use        = "dots"
        validation = 500
        [model]
        use  = "lenet-300-100"
        init = "glorot-normal"
        [training]
        optimizer  = { use = "adam", learning_rate = 1.2e-3 }
        batch_size = 60
        length     = "50000it"
        evaluate   = "100it"
        [pipeline.dense]
        use = "dense"
        [pipeline.imp]
        use        = "imp"
        prune_rate = { linear = 0.2, output = 0.1 }
        levels     = 15
        rewind     = "0it"
        stop       = { accuracy_drop = 0.02 }
        [pipeline.reinitialised]
        use  = "reinitialise"
        each = "imp"
        at   = [7, 9, 11, 15]
        [pipeline.edge-popup]
        use               = "edge-popup"
        init              = "signed-kaiming-constant"
        weights_remaining = [0.1, 0.3, 0.5, 0.7, 0.9]
    "#;

    fn design() -> Spec {
        let experiment = Experiment::new(&[("experiment.toml", DESIGN), ("datasets/dots.toml", DOTS)]);
        experiment.load(&[]).unwrap_or_else(|errors| panic!("{errors}"))
    }

    #[test]
    fn the_experiment_of_the_design_loads_as_its_author_means_it() {
        let spec = design();
        assert_eq!(
            (spec.name.as_str(), spec.replicates, spec.variants[0].seed, spec.matching),
            ("lottery", 5, 1, 0.002)
        );
        assert_eq!((spec.variants[0].dataset.validation, spec.variants[0].dataset.classes), (500, 10));
        let names: Vec<&String> = spec.variants[0].pipelines.keys().collect();
        assert_eq!(names, ["dense", "imp", "reinitialised", "edge-popup"]);
        let names: Vec<&str> = spec.variants[0].model.layers.iter().map(|layer| layer.name.as_str()).collect();
        assert_eq!(names, ["flatten1", "fc1", "relu1", "fc2", "relu2", "output"]);
        let Form::One(output) = &spec.variants[0].model.layers[5].form else { panic!() };
        assert_eq!(output.config, json!({ "units": 10, "width": 1.0, "bias": true }));
        let fork = spec.variants[0].pipelines["reinitialised"].fork.as_ref().unwrap();
        assert_eq!((fork.each.as_str(), fork.at.as_deref(), fork.times), ("imp", Some(&[7, 9, 11, 15][..]), 1));
    }

    #[test]
    fn a_repeat_prunes_rewinds_and_trains_until_its_stop_rule() {
        let spec = design();
        let StageSpec::Repeat { times, until, stages, .. } = &spec.variants[0].pipelines["imp"].stages[2] else {
            panic!()
        };
        assert_eq!((*times, until.accuracy_drop, until.weights_remaining), (15, Some(0.02), None));
        let [StageSpec::One(prune, _), StageSpec::One(rewind, _), StageSpec::One(train, _)] = &stages[..] else {
            panic!()
        };
        assert_eq!(prune.config["rate"], json!({ "linear": 0.2, "output": 0.1 }));
        assert_eq!(prune.config["criterion"], json!({ "use": "magnitude", "config": {}, "version": 1 }));
        assert_eq!(rewind.config, json!({ "to": "0it" }));
        assert_eq!(train.config["length"], json!("50000it"));
    }

    #[test]
    fn a_list_of_weights_remaining_is_a_branch_each() {
        let spec = design();
        let StageSpec::Branch(branches) = &spec.variants[0].pipelines["edge-popup"].stages[1] else { panic!() };
        let kept = branches.iter().map(|branch| match &branch[..] {
            [StageSpec::One(train, _)] => train.config["learn"]["config"]["weights_remaining"].as_f64(),
            _ => None,
        });
        assert_eq!(kept.collect::<Vec<_>>(), [0.1, 0.3, 0.5, 0.7, 0.9].map(Some));
    }

    #[test]
    fn the_experiments_pipeline_comes_before_the_shipped_stage_before_training_before_the_plugins_default() {
        let pipelines = r#"
            [pipeline.popup]
            use = "edge-popup"
            [pipeline.small]
            use = "edge-popup"
            batch_size = 7
        "#;
        let spec = lottery(pipelines).load(&[]).unwrap();
        let train = |name: &str| match &spec.variants[0].pipelines[name].stages[1] {
            StageSpec::Branch(branches) => match &branches[0][..] {
                [StageSpec::One(train, _)] => train.config.clone(),
                other => panic!("{other:?}"),
            },
            _ => stage(&spec, name, 1).config,
        };
        // [training] says 60, the shipped edge-popup 128, the experiment's 7.
        assert_eq!(train("dense")["batch_size"], 60);
        assert_eq!(train("popup")["batch_size"], 128);
        assert_eq!(train("small")["batch_size"], 7);
        // No one but [training] says a length, no one but the plugin an epsilon.
        assert_eq!(train("small")["length"], "500it");
        assert_eq!(train("dense")["optimizer"]["config"]["epsilon"], 1e-8);
    }

    #[test]
    fn a_pipelines_initialiser_comes_before_the_experiments_model_before_the_models_before_kaiming() {
        let pipelines = "[pipeline.zeros]\nuse = 'zero-init'\n[pipeline.own]\nuse = 'dense'\ninit = 'kaiming-uniform'";
        let experiment = lottery(pipelines);
        let init =
            |overrides: &[&str], name| stage(&experiment.load(overrides).unwrap(), name, 0).config["init"].clone();
        assert_eq!(init(&[], "dense")["use"], "glorot-normal");
        assert_eq!(init(&["model.init=zeros"], "dense")["use"], "zeros");
        assert_eq!(init(&["model.init=zeros"], "own")["use"], "kaiming-uniform");
        assert_eq!(init(&[], "zeros")["use"], "zeros");
        let layers = "model={ layer = [{ flatten = {} }, { linear = { units = '{classes}' } }] }";
        assert_eq!(init(&[layers], "dense")["use"], "kaiming-normal");
    }

    #[test]
    fn a_pipeline_and_a_model_may_be_written_out_in_the_experiment() {
        let more = "[pipeline.twice]\neach = 'dense'\ntimes = 2\n[[pipeline.twice.stage]]\nreinit = {}\n\
                    [[pipeline.twice.stage]]\ntrain = { length = '7it' }";
        let spec = lottery(more).load(&[]).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(spec.variants[0].pipelines["twice"].fork.as_ref().unwrap().times, 2);
        assert_eq!(stage(&spec, "twice", 1).config["length"], "7it");
        assert_eq!(stage(&spec, "twice", 1).config["batch_size"], 60);
    }
}

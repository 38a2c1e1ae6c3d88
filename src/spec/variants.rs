//! An experiment with its sweep → its spec: every variant read as an experiment of its own, errors told once.

use std::collections::{HashMap, HashSet};

use super::diagnostic::Diagnostics;
use super::node::{Error, Node, Origin};
use super::overlay::overlay;
use super::vary::take;
use super::{PredictionSpec, Setting, Spec, StageSpec, Variant};

/// What all variants may have together, so that a sweep ends in an error, not out of memory.
const VALUES: usize = 2_000_000;

/// Layers and stages of a variant, each as many values as it has at most, about.
fn size(spec: &Spec) -> usize {
    const OF_EACH: usize = 10;
    fn stages(of: &[StageSpec]) -> usize {
        let size = |stage: &StageSpec| match stage {
            StageSpec::One(..) => 1,
            StageSpec::Repeat { stages: inner, .. } => 1 + stages(inner),
            StageSpec::Branch(branches) => branches.iter().map(|branch| 1 + stages(branch)).sum(),
        };
        of.iter().map(size).sum()
    }
    let variant = |variant: &Variant| {
        let layers: usize = variant.model.layers.iter().map(|layer| layer.walk().len()).sum();
        let stages: usize = variant.pipelines.values().map(|pipeline| stages(&pipeline.stages)).sum();
        OF_EACH * (layers + stages)
    };
    spec.variants.iter().map(variant).sum()
}

/// Reads the variants with `read`, which reads an experiment without a sweep; those that are sound.
pub fn read(
    mut root: Node,
    diagnostics: &mut Diagnostics,
    read: impl Fn(&Node, &mut Diagnostics) -> Option<Spec>,
) -> Option<Spec> {
    let before = diagnostics.len();
    let written = take(&mut root, diagnostics);
    // Of a sweep that is wrong, predictions name variants that nobody knows.
    let is_wrong = diagnostics.len() > before;
    if written.is_empty() {
        let spec = read(&root, diagnostics)?;
        return Some(if is_wrong { Spec { predictions: Vec::new(), ..spec } } else { spec });
    }
    let mut specs: Vec<Option<Spec>> = Vec::new();
    let mut found = Vec::new();
    let mut values = 0;
    for variant in &written {
        let (mut own, mut errors) = (root.clone(), Diagnostics::default());
        variant.patches.iter().for_each(|patch| overlay(&mut own, patch.clone()));
        let spec = read(&own, &mut errors);
        values += own.size() + spec.as_ref().map_or(0, size);
        specs.push(spec);
        errors.truncate();
        found.push(errors);
        if values > VALUES {
            let message = format!("the variants of this sweep, written out, have more than {VALUES} values together");
            let place = variant.settings.first().map(|setting| setting.origin.clone());
            let error = Error { message, origin: place, ..Error::default() };
            diagnostics.push(error.help("compare fewer variants, or give them fewer layers and stages"));
            return None;
        }
    }
    let labels = written.iter().map(|variant| (variant.name.as_str(), variant.settings.as_slice()));
    diagnostics.extend(blamed(labels.zip(found).collect()).errors().to_vec());
    // What names a pipeline that is wrong in any variant, that one's reading left out.
    let is_sound = |prediction: &PredictionSpec| {
        let has = |spec: &Option<Spec>| spec.as_ref().is_some_and(|spec| spec.predictions.contains(prediction));
        !is_wrong && specs.iter().all(has)
    };
    let predictions = specs.iter().flatten().next().map(|spec| spec.predictions.clone()).unwrap_or_default();
    let predictions = predictions.into_iter().filter(is_sound).collect();
    let named = |(spec, written): (&mut Option<Spec>, super::vary::Written)| {
        let read = spec.as_mut()?.variants.pop()?;
        Some(Variant { name: written.name, settings: written.settings, ..read })
    };
    let variants: Vec<Variant> = specs.iter_mut().zip(written).filter_map(named).collect();
    let first = specs.into_iter().flatten().next()?;
    Some(Spec { variants, predictions, ..first })
}

/// What was found in each variant, together: an error that they all have is the experiment's; one that only some have
/// says which is the first, and points at the values that make it.
pub fn blamed(found: Vec<((&str, &[Setting]), Diagnostics)>) -> Diagnostics {
    let mut all = Diagnostics::default();
    let of = |(_, errors): &'_ (_, Diagnostics)| errors.errors().iter().map(same).collect::<HashSet<_>>();
    let had: Vec<HashSet<Same>> = found.iter().map(of).collect();
    let had: Vec<(&[Setting], HashSet<Same>)> = found.iter().map(|((_, settings), _)| *settings).zip(had).collect();
    let mut having: HashMap<Same, usize> = HashMap::new();
    had.iter().flat_map(|(_, had)| had).for_each(|error| *having.entry(error.clone()).or_default() += 1);
    for ((name, settings), errors) in &found {
        for error in errors.errors() {
            // The first that has an error explains it, as long as anyone will read that.
            let times = having.remove(&same(error)).filter(|_| all.len() < EXPLAINED);
            let mut error = error.clone();
            if times.is_some_and(|times| times < found.len()) {
                let to_blame = to_blame(&same(&error), settings, &had);
                error.context.extend(blame(&error, name, &to_blame, settings.len() == 1));
            }
            all.push(error);
        }
    }
    all
}

/// More errors are counted, not shown.
const EXPLAINED: usize = 200;

/// What makes errors of two variants the same: the message and where it points.
type Same = (String, Option<(String, usize, usize)>);

fn same(error: &Error) -> Same {
    let place = error.origin.as_ref().map(|origin| (origin.source.name.clone(), origin.span.start, origin.span.end));
    (error.message.clone(), place)
}

/// The settings without those that make no difference: where variants have other values of them and the rest alike, they
/// all have the error, too.
fn to_blame<'a>(error: &Same, settings: &'a [Setting], had: &[(&[Setting], HashSet<Same>)]) -> Vec<&'a Setting> {
    let mut kept: Vec<&Setting> = settings.iter().collect();
    for setting in settings {
        let rest: Vec<&Setting> = kept.iter().copied().filter(|other| other.field != setting.field).collect();
        let sets = |own: &[Setting], one: &Setting| own.iter().any(|s| s.field == one.field && s.value == one.value);
        let alike = || had.iter().filter(|(own, _)| rest.iter().all(|one| sets(own, one)));
        if !rest.is_empty() && alike().nth(1).is_some() && alike().all(|(_, had)| had.contains(error)) {
            kept = rest;
        }
    }
    kept
}

fn blame(error: &Error, name: &str, to_blame: &[&Setting], alone: bool) -> Vec<(Origin, String)> {
    let within = |setting: &Setting| error.origin.as_ref().is_some_and(|origin| setting.origin.holds(origin));
    let (own, others): (Vec<&Setting>, Vec<&Setting>) = to_blame.iter().copied().partition(|setting| within(setting));
    // An error at its own value needs no other place, and no name where a variant sets nothing else.
    let places = match others.is_empty() {
        true if alone => Vec::new(),
        true => own,
        false => others,
    };
    places.into_iter().map(|setting| (setting.origin.clone(), format!("in the variant `{name}`"))).collect()
}

#[cfg(test)]
mod tests {
    use crate::spec::fixture::lottery;
    use crate::spec::{Form, Spec};

    fn swept(sweep: &str) -> Spec {
        lottery(sweep).load(&[]).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn names(sweep: &str) -> Vec<String> {
        swept(sweep).variants.into_iter().map(|variant| variant.name).collect()
    }

    #[test]
    fn an_experiment_without_a_sweep_is_one_variant_without_a_name() {
        assert_eq!(names(""), [""]);
    }

    #[test]
    fn a_grid_is_every_combination_the_first_field_changing_slowest() {
        let grid = "[vary]\nmodel.width = [0.5, 1.0]\ntraining.optimizer.learning_rate = [1e-3, 2e-3]";
        let expected = [
            "width=0.5 learning_rate=1e-3",
            "width=0.5 learning_rate=2e-3",
            "width=1.0 learning_rate=1e-3",
            "width=1.0 learning_rate=2e-3",
        ];
        assert_eq!(names(grid), expected);
        let spec = swept(grid);
        let read = spec.variants.iter().map(|variant| {
            let Form::One(layer) = &variant.model.layers[1].form else { panic!() };
            let crate::spec::StageSpec::One(train, _) = &variant.pipelines["dense"].stages[1] else { panic!() };
            let rate = train.config["optimizer"]["config"]["learning_rate"].as_f64().unwrap();
            (layer.config["width"].as_f64().unwrap(), rate)
        });
        assert_eq!(read.collect::<Vec<_>>(), [(0.5, 1e-3), (0.5, 2e-3), (1.0, 1e-3), (1.0, 2e-3)]);
        let set = &spec.variants[2].settings[0];
        assert_eq!((set.field.as_str(), set.value.as_str(), set.origin.text()), ("model.width", "1.0", "1.0"));
    }

    #[test]
    fn a_field_is_called_by_its_last_key_unless_another_has_it() {
        let same =
            "[pipeline.other]\nuse = 'dense'\n[vary]\npipeline.dense.length = ['5it']\npipeline.other.length = ['6it']";
        assert_eq!(names(same), ["pipeline.dense.length=5it pipeline.other.length=6it"]);
        assert_eq!(names("[vary]\nmodel.use = ['lenet-300-100']"), ["model=lenet-300-100"]);
        let optimizers =
            "[vary]\ntraining.optimizer = [{ use = 'adam', learning_rate = 1 }, { use = 'sgd', learning_rate = 1 }]";
        assert_eq!(names(optimizers), ["optimizer=adam", "optimizer=sgd"]);
        let rates = optimizers.replace("sgd", "adam").replacen("= 1 ", "= 2 ", 1);
        assert_eq!(names(&rates), ["optimizer={use=adam learning_rate=2}", "optimizer={use=adam learning_rate=1}"]);
    }

    #[test]
    fn a_listed_variant_sets_what_it_says_and_leaves_the_rest() {
        let listed = "[[variant]]\nname = 'as it is'\n[[variant]]\nmodel.width = 0.5\nseed = 3\n\
                      [variant.training]\nlength = '7it'";
        let spec = swept(listed);
        let told = spec.variants.iter().map(|variant| (variant.name.as_str(), variant.seed)).collect::<Vec<_>>();
        assert_eq!(told, [("as it is", 1), ("width=0.5 seed=3 length=7it", 3)]);
        let length = |number: usize| match &spec.variants[number].pipelines["dense"].stages[1] {
            crate::spec::StageSpec::One(train, _) => train.config["length"].clone(),
            _ => panic!(),
        };
        assert_eq!([length(0), length(1)], ["500it", "7it"]);
    }

    #[test]
    fn a_field_that_only_the_sweep_gives_is_enough() {
        let spec = lottery("[vary]\ndataset.use = ['dots']\ntraining.length = ['5it']");
        assert_eq!(spec.load(&[]).unwrap().variants[0].name, "dataset=dots length=5it");
    }
}

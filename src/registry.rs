//! One registry of plugins, keyed by (kind, name). Registration is explicit: `builtin` is the list of what ships.
//!
//! A plugin is a configuration struct in a file of its own: its fields are what a spec may say, their docs what
//! `show` prints, its implementation of the kind's trait what it does. Adding one is that file and one line here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, schema_for};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::augment::{self, Augment};
use crate::criterion::{self, Criterion};
use crate::dataset::Format;
use crate::dataset::cifar::Cifar;
use crate::dataset::cifar_python::CifarPython;
use crate::dataset::idx::Idx;
use crate::dataset::image_folder::ImageFolder;
use crate::dataset::mnist_1d::Mnist1d;
use crate::dataset::npy::Npy;
use crate::dataset::parquet::Parquet;
use crate::figure::{self, Figure};
use crate::init::{self, Init};
use crate::layer::{self, Layer};
use crate::learn::{self, Learn};
use crate::optimizer::{self, Optimizer};
use crate::record::Heading;
use crate::schedule::{self, Schedule};
use crate::spec::node::{self, Node};
use crate::stage::{self, Stage};

/// What every plugin says of itself. The struct's fields are its parameters; `#[serde(deny_unknown_fields)]`, please.
pub trait Plugin: DeserializeOwned + Serialize + JsonSchema + Send + Sync + 'static {
    /// The name that specs use, in kebab-case.
    const NAME: &'static str;
    /// Part of every step's id: raise it whenever the plugin would give other bits than before.
    const VERSION: u32;
    /// One line for `list`.
    const SUMMARY: &'static str;
    /// The paper and section, where there is one.
    const SOURCE: &'static str = "";
    /// What a spec might say of its parameters, as `learning_rate = 0.1, momentum = 0.9`: for the example in `show`.
    const EXAMPLE: &'static str = "";
    /// Fields that name another plugin, or a list of them, and of which kind: they are resolved before this struct sees
    /// them.
    const REFERENCES: &'static [(&'static str, Kind)] = &[];
    /// Keys of what names this plugin that are not needed with it: a format that makes its examples has no files.
    const WITHOUT: &'static [&'static str] = &[];
    /// The figures of an analysis, which predictions may name.
    const MEASURES: &'static [Heading] = &[];
}

/// A kind of plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Criterion,
    Stage,
    Learn,
    Layer,
    Format,
    Init,
    Optimizer,
    Schedule,
    Augment,
    Figure,
}

impl Kind {
    pub const ALL: [Kind; 10] = [
        Kind::Criterion,
        Kind::Stage,
        Kind::Learn,
        Kind::Layer,
        Kind::Format,
        Kind::Init,
        Kind::Optimizer,
        Kind::Schedule,
        Kind::Augment,
        Kind::Figure,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Criterion => "criterion",
            Kind::Stage => "stage",
            Kind::Learn => "learn",
            Kind::Layer => "layer",
            Kind::Format => "format",
            Kind::Init => "init",
            Kind::Optimizer => "optimizer",
            Kind::Schedule => "schedule",
            Kind::Augment => "augment",
            Kind::Figure => "figure",
        })
    }
}

/// A plugin by name with its configuration, checked and with every default filled in: what is hashed and built.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Use {
    #[serde(rename = "use")]
    pub name: String,
    #[serde(default)]
    pub config: Value,
    /// The plugin's version, and so part of a step's id.
    pub version: u32,
}

impl About {
    /// Whether it is a stage that trains: what it does not say of that, `[training]` says.
    pub fn trains(&self) -> bool {
        self.kind == Kind::Stage && self.references.contains(&("optimizer", Kind::Optimizer))
    }

    /// Whether it has a parameter of this name.
    pub fn takes(&self, parameter: &str) -> bool {
        self.schema.get("properties").is_some_and(|properties| properties.get(parameter).is_some())
    }
}

impl Use {
    /// The plugin `P` with nothing but its defaults, as a field's default.
    ///
    /// # Panics
    /// Where `P` has a parameter without default: a mistake in the source that any test of the plugin finds.
    pub fn with_defaults<P: Plugin>() -> Use {
        let plugin: P =
            serde_json::from_value(Value::Object(Default::default())).expect("every parameter has a default");
        let config = serde_json::to_value(plugin).expect("a configuration is plain data");
        Use { name: P::NAME.into(), config, version: P::VERSION }
    }
}

type Builder<T> = Box<dyn Fn(&Value) -> Result<Arc<T>, String> + Send + Sync>;

/// What the registry knows of one plugin.
pub struct Entry<T: ?Sized> {
    pub about: About,
    build: Builder<T>,
}

/// A plugin's description, without what it does.
#[derive(Clone, Debug)]
pub struct About {
    pub kind: Kind,
    pub name: &'static str,
    pub version: u32,
    pub summary: &'static str,
    pub source: &'static str,
    /// Parameters that a spec might give: "learning_rate = 0.1".
    pub example: &'static str,
    pub references: &'static [(&'static str, Kind)],
    /// Keys that what names the plugin does not need.
    pub without: &'static [&'static str],
    pub measures: &'static [Heading],
    pub schema: Schema,
    /// Reads the configuration from a spec's table and writes it back with every default filled in.
    pub canonical: fn(&Node) -> Result<Value, Vec<node::Error>>,
}

/// The plugins of one kind.
pub struct Shelf<T: ?Sized>(BTreeMap<&'static str, Entry<T>>);

impl<T: ?Sized> Default for Shelf<T> {
    fn default() -> Self {
        Shelf(BTreeMap::new())
    }
}

impl<T: ?Sized + 'static> Shelf<T> {
    pub(crate) fn add<P: Plugin>(&mut self, kind: Kind, build: fn(P) -> Arc<T>) {
        let about = About {
            kind,
            name: P::NAME,
            version: P::VERSION,
            summary: P::SUMMARY,
            source: P::SOURCE,
            example: P::EXAMPLE,
            references: P::REFERENCES,
            without: P::WITHOUT,
            measures: P::MEASURES,
            schema: schema_for!(P),
            canonical: |table| {
                let config: P = table.deserialize()?;
                serde_json::to_value(config).map_err(|e| vec![node::Error::at(table, e.to_string())])
            },
        };
        let build = move |config: &Value| serde_json::from_value(config.clone()).map(build).map_err(|e| e.to_string());
        self.0.insert(P::NAME, Entry { about, build: Box::new(build) });
    }

    /// Builds the plugin that `used` names. A `Use` that came through the spec always builds.
    pub fn build(&self, used: &Use) -> Result<Arc<T>, String> {
        let entry = self.0.get(used.name.as_str()).ok_or_else(|| format!("no plugin is named {:?}", used.name))?;
        (entry.build)(&used.config).map_err(|e| format!("{:?}: {e}", used.name))
    }

    /// The figures of the analysis that `used` names; none of what is no analysis.
    pub fn measures(&self, used: &Use) -> &'static [Heading] {
        self.0.get(used.name.as_str()).map_or(&[], |entry| entry.about.measures)
    }

    pub fn abouts(&self) -> impl Iterator<Item = &About> {
        self.0.values().map(|entry| &entry.about)
    }
}

/// Every plugin that a spec may name.
#[derive(Default)]
pub struct Registry {
    pub criteria: Shelf<dyn Criterion>,
    pub stages: Shelf<dyn Stage>,
    pub learns: Shelf<dyn Learn>,
    pub layers: Shelf<dyn Layer>,
    pub formats: Shelf<dyn Format>,
    pub inits: Shelf<dyn Init>,
    pub optimizers: Shelf<dyn Optimizer>,
    pub schedules: Shelf<dyn Schedule>,
    pub augments: Shelf<dyn Augment>,
    pub figures: Shelf<dyn Figure>,
}

/// One method a kind, so that a line of registration says what is added.
macro_rules! registration {
    ($($method:ident, $shelf:ident, $kind:ident, $of:ident;)*) => { impl Registry { $(
        pub fn $method<P: Plugin + $of>(mut self) -> Self {
            self.$shelf.add::<P>(Kind::$kind, |plugin| Arc::new(plugin));
            self
        }
    )* } };
}

registration! {
    criterion, criteria, Criterion, Criterion;
    stage, stages, Stage, Stage;
    learn, learns, Learn, Learn;
    layer, layers, Layer, Layer;
    format, formats, Format, Format;
    init, inits, Init, Init;
    optimizer, optimizers, Optimizer, Optimizer;
    schedule, schedules, Schedule, Schedule;
    augment, augments, Augment, Augment;
    figure, figures, Figure, Figure;
}

impl Registry {
    /// What ships with Tombola.
    pub fn builtin() -> Registry {
        Registry::default()
            .stage::<stage::InitStage>()
            .stage::<stage::Train>()
            .stage::<stage::Prune>()
            .stage::<stage::Rewind>()
            .stage::<stage::Reinit>()
            .stage::<stage::Shuffle>()
            .stage::<stage::RandomMask>()
            .stage::<stage::PruneUnits>()
            .stage::<stage::Evaluate>()
            .stage::<stage::Shrink>()
            .stage::<stage::Anatomy>()
            .stage::<stage::Connectivity>()
            .stage::<stage::Lottery>()
            .stage::<stage::Overlap>()
            .learn::<learn::LearnWeights>()
            .learn::<learn::EdgePopup>()
            .learn::<learn::Gradual>()
            .layer::<layer::Linear>()
            .layer::<layer::Conv>()
            .layer::<layer::BatchNorm>()
            .layer::<layer::Relu>()
            .layer::<layer::MaxPool>()
            .layer::<layer::AveragePool>()
            .layer::<layer::GlobalAveragePool>()
            .layer::<layer::Flatten>()
            .layer::<layer::Dropout>()
            .format::<Cifar>()
            .format::<CifarPython>()
            .format::<Idx>()
            .format::<ImageFolder>()
            .format::<Mnist1d>()
            .format::<Npy>()
            .format::<Parquet>()
            .criterion::<criterion::magnitude::Magnitude>()
            .criterion::<criterion::random::Random>()
            .init::<init::glorot_normal::GlorotNormal>()
            .init::<init::kaiming_normal::KaimingNormal>()
            .init::<init::kaiming_uniform::KaimingUniform>()
            .init::<init::signed_kaiming_constant::SignedKaimingConstant>()
            .init::<init::zeros::Zeros>()
            .optimizer::<optimizer::adam::Adam>()
            .optimizer::<optimizer::sgd::Sgd>()
            .schedule::<schedule::constant::Constant>()
            .schedule::<schedule::cosine::Cosine>()
            .schedule::<schedule::step::Step>()
            .schedule::<schedule::warm_up::WarmUp>()
            .augment::<augment::crop::Crop>()
            .augment::<augment::cutout::Cutout>()
            .augment::<augment::flip::Flip>()
            .augment::<augment::resized_crop::ResizedCrop>()
            .figure::<figure::accuracy::Accuracy>()
            .figure::<figure::connectivity::Connectivity>()
            .figure::<figure::curves::Curves>()
            .figure::<figure::early_stop::EarlyStop>()
            .figure::<figure::edge_popup::EdgePopup>()
            .figure::<figure::layers::Layers>()
            .figure::<figure::lottery_accuracy::LotteryAccuracy>()
            .figure::<figure::lottery_odds::LotteryOdds>()
            .figure::<figure::overlap::Overlap>()
            .figure::<figure::sweep::Sweep>()
            .figure::<figure::training::Training>()
    }

    /// The plugins of one kind, by name.
    pub fn abouts(&self, kind: Kind) -> Vec<&About> {
        match kind {
            Kind::Criterion => self.criteria.abouts().collect(),
            Kind::Stage => self.stages.abouts().collect(),
            Kind::Learn => self.learns.abouts().collect(),
            Kind::Layer => self.layers.abouts().collect(),
            Kind::Format => self.formats.abouts().collect(),
            Kind::Init => self.inits.abouts().collect(),
            Kind::Optimizer => self.optimizers.abouts().collect(),
            Kind::Schedule => self.schedules.abouts().collect(),
            Kind::Augment => self.augments.abouts().collect(),
            Kind::Figure => self.figures.abouts().collect(),
        }
    }

    pub fn about(&self, kind: Kind, name: &str) -> Option<&About> {
        self.abouts(kind).into_iter().find(|about| about.name == name)
    }
}

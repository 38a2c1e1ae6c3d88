//! How a spec names each thing: a few lines of TOML that parse, as a test holds.

use super::Parameter;
use crate::registry::{About, Kind};
use crate::spec::schema::Compound;
use crate::spec::shipped::Declared;

#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The file that it is a part of: "experiment.toml", "models/NAME.toml".
    pub file: &'static str,
    pub text: String,
}

const EXPERIMENT: &str = "experiment.toml";
const MODEL: &str = "models/NAME.toml";
const DATASET: &str = "datasets/NAME.toml";
const PIPELINE: &str = "pipelines/NAME.toml";

pub fn of_plugin(about: &About) -> Option<Example> {
    let (name, fields) = (about.name, about.example);
    let reference = match fields.is_empty() {
        true => format!("{name:?}"),
        false => format!("{{ use = {name:?}, {fields} }}"),
    };
    let table = if fields.is_empty() { "{}".into() } else { format!("{{ {fields} }}") };
    let (file, text) = match about.kind {
        Kind::Criterion => {
            (EXPERIMENT, format!("[pipeline.imp]\nuse       = \"imp\"\nlevels    = 10\ncriterion = {reference}"))
        }
        Kind::Stage => (PIPELINE, format!("[[stage]]\n{name} = {table}")),
        Kind::Learn => (PIPELINE, format!("[[stage]]\ntrain = {{ learn = {reference} }}")),
        Kind::Layer => (MODEL, format!("[[layer]]\n{name} = {table}")),
        // What reads a folder as a whole has a hash of it in the place of files.
        Kind::Format if about.without == ["file"] => (DATASET, format!("format  = {reference}\ncontent = \"unknown\"")),
        Kind::Format => (DATASET, format!("format = {reference}")),
        Kind::Init => (EXPERIMENT, format!("[model]\nuse  = \"lenet-300-100\"\ninit = {reference}")),
        Kind::Optimizer => (EXPERIMENT, format!("[training]\noptimizer = {reference}")),
        Kind::Augment => (EXPERIMENT, format!("[training]\naugment = [{reference}]")),
        Kind::Schedule => (EXPERIMENT, format!("[training]\nschedule = {reference}")),
        // Every report draws what its study has something to show for.
        Kind::Figure => return None,
    };
    Some(Example { file, text: text + "\n" })
}

pub fn of_compound(of: &Compound) -> Example {
    Example { file: if of.kind == Kind::Layer { MODEL } else { PIPELINE }, text: of.example.to_string() }
}

/// All that has a default, said, and a value for what must be given.
pub fn of_declared(kind: Declared, name: &str, parameters: &[Parameter]) -> Example {
    let table = match kind {
        Declared::Model => "model".to_string(),
        Declared::Dataset => "dataset".to_string(),
        Declared::Pipeline => format!("pipeline.{name}"),
    };
    let used = ("use".to_string(), format!("{name:?}"));
    let value = |parameter: &Parameter| parameter.sample.clone().or(parameter.default.clone());
    let given = parameters.iter().filter_map(|parameter| Some((parameter.name.clone(), value(parameter)?)));
    let lines: Vec<(String, String)> = std::iter::once(used).chain(given).collect();
    let width = lines.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    let lines: String = lines.iter().map(|(key, value)| format!("{key:<width$} = {value}\n")).collect();
    Example { file: EXPERIMENT, text: format!("[{table}]\n{lines}") }
}

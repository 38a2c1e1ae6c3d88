//! `show`: one thing that a spec may name, with its parameters, its source and an example.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::layers::{self, Layer};
use super::plan::text::Width;
use super::{Ended, print};
use crate::model::Model;
use crate::plan;
use crate::registry::Registry;
use crate::spec::catalogue::{self, Counted, Declared, Entry, Sort};
use crate::spec::{Diagnostics, ModelSpec, Usual};

#[derive(Args)]
pub struct Show {
    /// pipeline, model, dataset, criterion, stage, learn, layer, format, init, optimizer, schedule, augment or figure
    kind: String,
    /// Its name, as `list` prints it
    name: String,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
    /// Also know what this experiment's own models/, pipelines/ and datasets/ declare
    #[arg(long, value_name = "DIR")]
    experiment: Option<PathBuf>,
    /// Count a model's layers for images of channels × height × width, as `3x32x32`
    #[arg(long, value_name = "CxHxW", value_parser = shape)]
    shape: Option<[usize; 3]>,
    /// Count a model's layers for so many classes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    classes: Option<u32>,
    /// Count a model's layers with a parameter set, as `--set width=0.5`; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// "3x32x32", with `x` or `×`.
fn shape(text: &str) -> Result<[usize; 3], String> {
    let sides: Option<Vec<usize>> = text.split(['x', '×']).map(|side| side.parse().ok().filter(|n| *n > 0)).collect();
    let sides = sides.and_then(|sides| <[usize; 3]>::try_from(sides).ok());
    sides.ok_or_else(|| "channels, height and width, as 3x32x32".to_string())
}

impl Show {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let wrong = |problems: Diagnostics| Ended::Wrong(problems.render(false));
        let sort = Sort::named(&self.kind)?;
        let entry = catalogue::show(sort, &self.name, registry, self.experiment.as_deref()).map_err(wrong)?;
        let is_model = sort == Sort::Declared(Declared::Model);
        if !is_model && (self.shape.is_some() || self.classes.is_some() || !self.set.is_empty()) {
            return Err(Ended::Wrong("`--shape`, `--classes` and `--set` are for models: `show model NAME`".into()));
        }
        let counted = if is_model { self.counted(registry).map_err(wrong)? } else { None };
        print(&if self.json { as_json(&entry, counted.as_ref()) } else { as_text(&entry, counted.as_ref()) })
    }

    fn counted(&self, registry: &Registry) -> Result<Option<Counts>, Diagnostics> {
        let of =
            Counted { shape: self.shape, classes: self.classes.map(|classes| classes as usize), set: self.set.clone() };
        let read = catalogue::model(&self.name, &of, registry, self.experiment.as_deref())?;
        let counts = |(spec, images): (ModelSpec, Usual)| {
            let model = plan::inferred(&spec, images.shape, (images.classes, "what is asked for"), registry)?;
            Ok(Counts { model, images })
        };
        read.map(counts).transpose()
    }
}

/// A model's layers for some images.
struct Counts {
    model: Model,
    images: Usual,
}

impl Counts {
    fn lines(&self) -> String {
        let Usual { shape: [channels, height, width], classes } = self.images;
        let table = layers::table("", &self.model, true, Width::of_stdout());
        format!("\nLayers, for images of {channels}×{height}×{width} and {classes} classes:\n{table}")
    }

    fn json(&self) -> Value {
        let layers = layers::of(&self.model);
        let adds: u64 = layers.iter().map(|layer| layer.multiply_adds).sum();
        let prunable: usize = layers.iter().map(|layer| layer.prunable).sum();
        let layer = |layer: &Layer| {
            json!({
                "layer": layer.name, "output": layer.output, "parameters": layer.parameters,
                "prunable_weights": layer.prunable, "multiply_adds": layer.multiply_adds,
            })
        };
        json!({
            "shape": self.images.shape,
            "classes": self.images.classes,
            "parameters": self.model.parameters(),
            "prunable_weights": prunable,
            "multiply_adds": adds,
            "layers": layers.iter().map(layer).collect::<Vec<_>>(),
        })
    }
}

/// Writing to a String cannot fail.
fn as_text(entry: &Entry, counts: Option<&Counts>) -> String {
    let mut text = format!("{}: {}\n", entry.name, entry.summary);
    if !entry.source.is_empty() {
        let _ = writeln!(text, "{}", entry.source);
    }
    if let Some(version) = entry.version {
        let _ = writeln!(text, "version {version}");
    }
    if !entry.details.is_empty() {
        let _ = writeln!(text, "\n{}", entry.details);
    }
    if !entry.parameters.is_empty() {
        text.push_str("\nParameters:\n");
    }
    for parameter in &entry.parameters {
        let _ = writeln!(text, "  {:<18} {} ({})", parameter.name, parameter.takes, parameter.otherwise());
        let _ = writeln!(text, "  {:<18} {}", "", parameter.help);
    }
    if !entry.measures.is_empty() {
        let _ = write!(text, "\nMeasures, as predictions name it:\n{}", indented(&entry.measures.join("\n")));
    }
    match counts {
        Some(counts) => text += &counts.lines(),
        None if entry.sort == Sort::Declared(Declared::Model) => text.push_str(UNCOUNTED),
        None => {}
    }
    match &entry.example {
        Some(example) => {
            let _ = write!(text, "\nExample, in {}:\n{}", example.file, indented(&example.text));
        }
        None => text.push_str("\nNo spec names it: every report draws what its study has something to show for.\n"),
    }
    if let Some((name, toml)) = &entry.file {
        let _ = write!(text, "\nDeclared in {name}:\n{}", indented(toml));
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".into() } else { format!("  {line}\n") }).collect()
}

const UNCOUNTED: &str =
    "\nIts layers are counted with `--shape 3x32x32 --classes 10`, and `--set KEY=VALUE` for what it must be given.\n";

fn as_json(entry: &Entry, counts: Option<&Counts>) -> String {
    let example = entry.example.as_ref().map(|example| json!({ "file": example.file, "text": example.text }));
    let file = entry.file.as_ref().map(|(name, text)| json!({ "name": name, "text": text }));
    let shown = json!({
        "kind": entry.sort.to_string(),
        "name": entry.name,
        "summary": entry.summary,
        "source": entry.source,
        "details": entry.details,
        "version": entry.version,
        "parameters": entry.parameters,
        "measures": entry.measures,
        "counts": counts.map(Counts::json),
        "example": example,
        "file": file,
    });
    format!("{shown:#}\n")
}

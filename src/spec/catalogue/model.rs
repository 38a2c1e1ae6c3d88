//! A model read by itself, without an experiment, to count what it has.

use std::path::Path;
use std::sync::Arc;

use super::with_library;
use crate::registry::Registry;
use crate::spec::diagnostic::Diagnostics;
use crate::spec::fields::Fields;
use crate::spec::model::{Models, usual};
use crate::spec::node::{Node, Source, Value};
use crate::spec::parse::parse;
use crate::spec::set::set;
use crate::spec::shipped::{Declared, Library};
use crate::spec::{ModelSpec, Usual};

/// For which images a model is counted, where not for its usual ones, and with which parameters.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    pub shape: Option<[usize; 3]>,
    pub classes: Option<usize>,
    /// Each `key=value`, as `[model]` would say it.
    pub set: Vec<String>,
}

/// The model and its images. `None` where it has parameters that nobody gave, or no usual images and none are asked for.
pub fn model(
    name: &str,
    of: &Counted,
    registry: &Registry,
    folder: Option<&Path>,
) -> Result<Option<(ModelSpec, Usual)>, Diagnostics> {
    let mut lacking = false;
    let read = with_library(folder, |library, diagnostics| {
        let mut found = Diagnostics::default();
        let read = read(name, of, registry, library, &mut found);
        lacking = found.errors().iter().any(|error| error.missing.is_some());
        if !lacking {
            diagnostics.extend(found.errors().to_vec());
        }
        read
    })?;
    Ok(read.filter(|_| !lacking))
}

fn read(
    name: &str,
    of: &Counted,
    registry: &Registry,
    library: &Library<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<(ModelSpec, Usual)> {
    let source = Arc::new(Source::new(format!("show model {name}"), format!("use = {name:?}")));
    let mut node = parse(&source, diagnostics);
    of.set.iter().for_each(|text| set(&mut node, text, diagnostics));
    let used = node.table()?.get("use").map(|(_, used)| used)?;
    let (_, declared) = library.find(Declared::Model, used, diagnostics)?;
    let own = usual(&mut Fields::of(&declared, format!("the model `{name}`"), diagnostics)?, diagnostics);
    let images =
        Usual { shape: of.shape.or(own.map(|own| own.shape))?, classes: of.classes.or(own.map(|own| own.classes))? };
    let classes = Node { value: Value::Integer(i64::try_from(images.classes).ok()?), origin: node.origin.clone() };
    Some((Models { registry, library, classes }.read(&node, diagnostics)?, images))
}

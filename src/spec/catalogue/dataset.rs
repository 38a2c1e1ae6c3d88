//! A data set read by itself, without an experiment.

use std::sync::Arc;

use super::with_library;
use crate::registry::Registry;
use crate::spec::DatasetSpec;
use crate::spec::diagnostic::Diagnostics;
use crate::spec::node::Source;
use crate::spec::parse::parse;

/// The shipped data set of this name.
pub fn dataset(name: &str, registry: &Registry) -> Result<DatasetSpec, Diagnostics> {
    let read = with_library(None, |library, diagnostics| {
        let source = Arc::new(Source::new(format!("fetch {name}"), format!("use = {name:?}")));
        let node = parse(&source, diagnostics);
        crate::spec::dataset::dataset(&node, library, registry, diagnostics)
    })?;
    read.map(|(spec, _)| spec).ok_or_else(Diagnostics::default)
}

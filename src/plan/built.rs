//! Stages built once for all steps of the same configuration.

use std::collections::HashMap;
use std::sync::Arc;

use crate::registry::{Registry, Use};
use crate::stage::Stage;

/// A stage, what it was built from, and that as JSON.
#[derive(Clone)]
pub struct Built {
    pub used: Arc<Use>,
    pub text: Arc<str>,
    pub stage: Arc<dyn Stage>,
}

/// Stages built so far.
#[derive(Default)]
pub struct Stages<'a> {
    /// By their configuration as JSON.
    alike: HashMap<Arc<str>, Built>,
    /// By where a spec has them, each with the spec's own.
    written: HashMap<*const Use, (&'a Use, Built)>,
}

impl<'a> Stages<'a> {
    pub fn build(&mut self, used: &'a Use, registry: &Registry) -> Result<Built, String> {
        let place = std::ptr::from_ref(used);
        if let Some((_, built)) = self.written.get(&place) {
            return Ok(built.clone());
        }
        let text: Arc<str> = serde_json::to_string(used).map_err(|e| e.to_string())?.into();
        let built = match self.alike.get(&text) {
            Some(built) => built.clone(),
            None => Built { used: Arc::new(used.clone()), text: text.clone(), stage: registry.stages.build(used)? },
        };
        self.alike.insert(text, built.clone());
        self.written.insert(place, (used, built.clone()));
        Ok(built)
    }
}

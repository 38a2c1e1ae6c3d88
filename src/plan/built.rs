//! Stages built once for all steps of the same configuration.

use std::collections::HashMap;
use std::sync::Arc;

use crate::registry::{Registry, Use};
use crate::stage::Stage;

/// A stage, and what it was built from.
#[derive(Clone)]
pub struct Built {
    pub used: Arc<Use>,
    pub stage: Arc<dyn Stage>,
}

/// Stages built so far, by their configuration.
#[derive(Default)]
pub struct Stages(HashMap<String, Built>);

impl Stages {
    pub fn build(&mut self, used: &Use, registry: &Registry) -> Result<Built, String> {
        let key = format!("{} {}", used.name, used.config);
        if let Some(built) = self.0.get(&key) {
            return Ok(built.clone());
        }
        let built = Built { used: Arc::new(used.clone()), stage: registry.stages.build(used)? };
        self.0.insert(key, built.clone());
        Ok(built)
    }
}

//! The beginning: initial weights, a mask of ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ahead, Failure, Outcome, Stage, Work, build_init};
use crate::mask::Mask;
use crate::refusal::Refusal;
use crate::registry::{Kind, Plugin, Use};
use crate::seed::Purpose;
use crate::ticket::Ticket;

/// → (θ0, 1). The streams are the parameters', so every pipeline of a replicate starts from the same weights.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InitStage {
    /// Another initialiser than the model's.
    #[serde(default)]
    pub init: Option<Use>,
}

impl Plugin for InitStage {
    const NAME: &'static str = "init";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Initial weights and a mask of ones";
    const EXAMPLE: &'static str = r#"init = "glorot-normal""#;
    const REFERENCES: &'static [(&'static str, Kind)] = &[("init", Kind::Init)];
}

impl Stage for InitStage {
    fn foresee(&self, ahead: &mut Ahead<'_>) -> Result<(), Refusal> {
        if ahead.begun {
            let refusal = Refusal::new("`init` begins a pipeline, and there is a ticket already");
            return Err(refusal.help("use `reinit` for new weights"));
        }
        build_init(ahead.registry, &self.init)?;
        ahead.begun = true;
        Ok(())
    }

    fn apply(&self, work: &Work<'_>, _: Ticket) -> Result<Outcome, Failure> {
        let init = build_init(work.registry, &self.init)?;
        let arrays = work.initialise(&*init, Purpose::Init, str::to_string).collect();
        let masks = work.model.prunable().map(|(param, _)| (param.name.clone(), Mask::ones(param.len()))).collect();
        Ok(Ticket { arrays, masks }.into())
    }
}

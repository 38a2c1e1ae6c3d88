//! Compounds: layers made of layers and stages made of stages. They belong to the language of a spec and are no plugins.
//! What editors and the catalogue say of them is their documentation here.

#![expect(dead_code, reason = "only their schemas are used: what is read is a Form or a StageSpec")]

use schemars::JsonSchema;
use serde_json::{Value, json};

use super::{of, refer};
use crate::registry::Kind;
use crate::spec::{Stop, TIMES};

pub struct Compound {
    /// What it is where it stands: a layer or a stage.
    pub kind: Kind,
    pub name: &'static str,
    pub summary: &'static str,
    pub source: &'static str,
    /// A file of its kind.
    pub example: &'static str,
    schema: fn() -> Value,
}

impl Compound {
    /// What its value may be.
    pub fn schema(&self) -> Value {
        let mut schema = (self.schema)();
        schema["description"] = json!(self.summary);
        schema
    }

    /// What it does, at more length.
    pub fn details(&self) -> String {
        (self.schema)()["description"].as_str().unwrap_or_default().to_string()
    }
}

/// Those of a kind.
pub fn compounds(kind: Kind) -> impl Iterator<Item = &'static Compound> {
    COMPOUNDS.iter().filter(move |compound| compound.kind == kind)
}

static COMPOUNDS: [Compound; 5] = [
    Compound {
        kind: Kind::Layer,
        name: "residual",
        summary: "A block: its layers' output plus its input, or plus the shortcut's output",
        source: "He et al. 2016, section 3.2",
        example: "\
[[layer]]
name = \"block\"
[layer.residual]
layers   = [{ conv = { channels = 8 } }, { batch-norm = {} }]
shortcut = [{ conv = { channels = 8, kernel = 1, padding = 0 } }]

[[layer]]
relu = {}

[[layer]]
global-average-pool = {}

[[layer]]
linear = { units = \"{classes}\" }
name   = \"output\"
",
        schema: of::<Residual>,
    },
    Compound {
        kind: Kind::Layer,
        name: "repeat",
        summary: "Layers written once and repeated; their names are numbered",
        source: "",
        example: "\
[[layer]]
flatten = {}

[[layer]]
repeat = { times = 3, layers = [{ linear = { units = 100 }, name = \"fc\" }, { relu = {} }] }

[[layer]]
linear = { units = \"{classes}\" }
name   = \"output\"
",
        schema: of::<LayerRepeat>,
    },
    Compound {
        kind: Kind::Stage,
        name: "repeat",
        summary: "Stages repeated, as the levels of iterative pruning are",
        source: "",
        example: "\
[[stage]]
init = {}

[[stage]]
train = {}

[[stage]]
[stage.repeat]
times  = 10
until  = { weights_remaining = 0.2 }
stages = [{ prune = { rate = 0.2 } }, { rewind = \"0it\" }, { train = {} }]
",
        schema: of::<StageRepeat>,
    },
    Compound {
        kind: Kind::Stage,
        name: "foreach",
        summary: "Independent branches from the same ticket, one for each value of a list",
        source: "",
        example: "\
[[stage]]
init = {}

[[stage]]
train = {}

[[stage]]
[stage.foreach]
value  = \"rate\"
in     = [0.5, 0.9]
stages = [{ prune = { rate = \"{rate}\" } }, { rewind = \"0it\" }, { train = {} }]
",
        schema: of::<Foreach>,
    },
    Compound {
        kind: Kind::Stage,
        name: "branch",
        summary: "Branches written out, independent and all from the same ticket",
        source: "",
        example: "\
[[stage]]
init = {}

[[stage]]
train = {}

[[stage]]
branch = [
  { stages = [{ prune = { criterion = \"magnitude\", rate = 0.9 } }] },
  { stages = [{ prune = { criterion = \"random\", rate = 0.9 } }] },
]

[[stage]]
rewind = \"0it\"

[[stage]]
train = {}
",
        schema: branches,
    },
];

/// A repetition has no `name` of its own. A layer `fc` of it is `fc1`, `fc2`, … in the model; one without a name is
/// numbered on among its kind.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct LayerRepeat {
    /// How often; 0 leaves the layers out.
    #[schemars(range(min = 0, max = TIMES))]
    times: u32,
    /// What is repeated.
    #[schemars(schema_with = "refer::layers")]
    layers: Value,
}

/// y = layers(x) + shortcut(x); without a shortcut y = layers(x) + x, and the layers must keep the shape. The block may
/// have a `name`, and its layers are named after it: `block.conv1`, `block.shortcut.conv1`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Residual {
    /// From the block's input on.
    #[schemars(schema_with = "refer::layers")]
    layers: Value,
    /// Beside them, from the same input; where absent, the identity.
    #[schemars(default, schema_with = "refer::layers")]
    shortcut: Value,
}

/// Each repetition goes on with the ticket that the one before left.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct StageRepeat {
    /// How often, at most.
    #[schemars(range(min = 1, max = TIMES))]
    times: u32,
    /// Ends the repetition early, whichever holds first.
    until: Option<Stop>,
    /// What is repeated.
    #[schemars(schema_with = "refer::stages")]
    stages: Value,
}

/// In each branch its value stands for the placeholder. What follows is done to the ticket of every branch.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Foreach {
    /// The name of a placeholder, for use in `stages`.
    value: String,
    /// What it stands for, an independent branch each.
    #[schemars(rename = "in", schema_with = "refer::values")]
    values: Value,
    /// What is done with each value.
    #[schemars(schema_with = "refer::stages")]
    stages: Value,
}

/// A list of tables, a branch each. What follows is done to the ticket of every branch.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Branch {
    /// What is done in this branch.
    #[schemars(schema_with = "refer::stages")]
    stages: Value,
}

fn branches() -> Value {
    let branch = of::<Branch>();
    json!({ "description": branch["description"], "type": "array", "minItems": 1, "items": branch })
}

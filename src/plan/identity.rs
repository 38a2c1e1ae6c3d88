//! What a step's id is made of: the resolved stage with its plugins' versions, its parent's id and, at the root, the
//! model, the data's content, seed, replicate and device kind. Not jobs, threads, paths, report options or titles.

use serde_json::{Value, json};

use crate::registry::Use;
use crate::spec::{Form, LayerSpec, Variant};

/// What the first step of a chain depends on.
pub fn root(variant: &Variant, replicate: u32, device: &str) -> Value {
    let data = &variant.dataset;
    let files: Vec<Value> = data.files.iter().map(|f| json!([f.name, f.hash()])).collect();
    let mut content = json!({
        "files": files, "format": data.format, "classes": data.classes, "shape": data.shape, "train": data.train,
        "test": data.test, "normalise": data.normalise, "validation": data.validation,
    });
    // What older declarations do not have is no part of their ids.
    let optional = [
        ("content", data.content.as_ref().map(|hash| json!(hash))),
        ("subset", data.subset.as_ref().map(|subset| json!(subset))),
        ("average", data.average.map(|side| json!(side))),
        ("label_noise", data.label_noise.as_ref().map(|noise| json!(noise))),
    ];
    for (key, value) in optional {
        value.into_iter().for_each(|value| content[key] = value);
    }
    json!({
        "data": content,
        "model": layers(&variant.model.layers),
        "seed": variant.seed,
        "replicate": replicate,
        "device": device,
    })
}

fn layers(layers: &[LayerSpec]) -> Vec<Value> {
    let layer = |layer: &LayerSpec| match &layer.form {
        Form::One(used) => json!({ "name": layer.name, "layer": used }),
        Form::Residual { layers: body, shortcut } => {
            json!({ "name": layer.name, "layers": self::layers(body), "shortcut": self::layers(shortcut) })
        }
    };
    layers.iter().map(layer).collect()
}

/// The inputs of a step, of which its id is the hash. `parent` is the parent's id, or the root.
///
/// `other` is the id of the step whose ticket is compared with the parent's; without one there is no such key.
pub fn inputs(stage: &Use, parent: Value, draw: u32, other: Option<&str>) -> Value {
    match other {
        None => json!({ "step": 1, "stage": stage, "draw": draw, "parent": parent }),
        Some(other) => json!({ "step": 1, "stage": stage, "draw": draw, "parent": parent, "other": other }),
    }
}

/// 32 hexadecimal digits of the BLAKE3 hash of the inputs as JSON, given `stage` and `parent` as such: plans are long, and
/// stages few. Keys are written in the order of the code, numbers in their shortest form, so equal inputs are equal text.
pub fn id(stage: &str, parent: &str, draw: u32, other: Option<&str>) -> String {
    let other = other.map_or(String::new(), |other| format!(",\"other\":\"{other}\""));
    let inputs = format!("{{\"step\":1,\"stage\":{stage},\"draw\":{draw},\"parent\":{parent}{other}}}");
    blake3::hash(inputs.as_bytes()).to_hex()[..32].to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_hash_of_its_inputs() {
        let config = json!({ "rate": { "conv": 0.1, "linear": 0.2 }, "scope": "layer \"é\"" });
        let stage = Use { name: "prune".into(), config, version: 3 };
        let text = serde_json::to_string(&stage).unwrap();
        let parents = [json!("00ff"), json!({ "model": [], "seed": 1 })];
        for (parent, other) in parents.iter().flat_map(|parent| [None, Some("0a")].map(|other| (parent, other))) {
            let inputs = inputs(&stage, parent.clone(), 2, other).to_string();
            assert_eq!(id(&text, &parent.to_string(), 2, other), blake3::hash(inputs.as_bytes()).to_hex()[..32]);
        }
    }
}

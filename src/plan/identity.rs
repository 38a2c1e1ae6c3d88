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
/// `others` are the ids of steps whose tickets are compared with the parent's; without any there is no such key.
pub fn inputs(stage: &Use, parent: Value, draw: u32, others: &[&str]) -> Value {
    match others {
        [] => json!({ "step": 1, "stage": stage, "draw": draw, "parent": parent }),
        others => json!({ "step": 1, "stage": stage, "draw": draw, "parent": parent, "others": others }),
    }
}

/// 32 hexadecimal digits of the BLAKE3 hash of the inputs as JSON, given `stage` and `parent` as such: plans are long, and
/// stages few. Keys are written in the order of the code, numbers in their shortest form, so equal inputs are equal text.
pub fn id(stage: &str, parent: &str, draw: u32, others: &[&str]) -> String {
    let others = match others {
        [] => String::new(),
        others => {
            format!(",\"others\":[{}]", others.iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(","))
        }
    };
    let inputs = format!("{{\"step\":1,\"stage\":{stage},\"draw\":{draw},\"parent\":{parent}{others}}}");
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
        let others: [&[&str]; 3] = [&[], &["0a"], &["0a", "0b"]];
        let parents = [json!("00ff"), json!({ "model": [], "seed": 1 })];
        for (parent, others) in parents.iter().flat_map(|parent| others.map(|others| (parent, others))) {
            let inputs = inputs(&stage, parent.clone(), 2, others).to_string();
            assert_eq!(id(&text, &parent.to_string(), 2, others), blake3::hash(inputs.as_bytes()).to_hex()[..32]);
        }
    }
}

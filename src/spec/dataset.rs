//! `[dataset]`: a declared data set, with any of its fields overridden, → its files, shape and splits.

use std::path::{Component, Path};

use super::diagnostic::Diagnostics;
use super::fields::{Fields, list, without_use};
use super::node::{Error, Node};
use super::overlay::{open, overlay};
use super::recipe::{self, Recipe};
use super::schema::of;
use super::shipped::{Declared, Library};
use super::{DatasetSpec, FileSpec, Normalise};
use crate::dataset::UNKNOWN;
use crate::registry::{Kind, Registry, Use};

/// Reads `[dataset]`, whose keys override the declaration's; and the declaration as it was written, with them.
pub fn dataset(
    node: &Node,
    library: &Library<'_>,
    registry: &Registry,
    diagnostics: &mut Diagnostics,
) -> Option<(DatasetSpec, Node)> {
    let mut fields = Fields::using(node, "[dataset]", diagnostics)?.documented(of::<DatasetSpec>);
    if !fields.has("use") && (fields.has("file") || fields.has("format") && fields.has("classes")) {
        return written_out(node, fields, registry, diagnostics);
    }
    let Some(used) = fields.node("use") else {
        diagnostics.push(without_use(node, "[dataset]", &["use", "file"], "mnist-10k"));
        return None;
    };
    let (name, mut declared) = library.find(Declared::Dataset, used, diagnostics)?;
    let source = declared.origin.source.clone();
    overlay(&mut declared, open(fields.rest(), &node.origin));
    // What the declaration lacks, the experiment can give.
    declared.origin = used.origin.clone();
    diagnostics.used_by(&source, &used.origin, "the data set is used here", |diagnostics| {
        let fields =
            Fields::of(&declared, format!("the data set `{name}`"), diagnostics)?.documented(of::<DatasetSpec>);
        let spec = declaration(name, fields, registry, diagnostics)?;
        fits(&spec, &declared, registry, diagnostics);
        Some((spec, declared))
    })
}

fn written_out(
    node: &Node,
    mut fields: Fields<'_>,
    registry: &Registry,
    diagnostics: &mut Diagnostics,
) -> Option<(DatasetSpec, Node)> {
    let name = fields.read("name", diagnostics).unwrap_or_else(|| "custom".to_string());
    let spec = declaration(name, fields, registry, diagnostics)?;
    fits(&spec, node, registry, diagnostics);
    Some((spec, node.clone()))
}

fn declaration(name: String, mut fields: Fields<'_>, registry: &Registry, d: &mut Diagnostics) -> Option<DatasetSpec> {
    let some = |n: &usize| *n > 0;
    let below = "the name of a folder below the data directory, without a path";
    fields.node("folder"); // the first of the valid keys
    let format = fields.need_node("format").and_then(|node| registry.resolve(Kind::Format, node, d));
    // A format that makes its examples itself has neither files nor their folder.
    let about = format.as_ref().and_then(|used| registry.about(Kind::Format, &used.name));
    let without = |key| about.is_some_and(|about| about.without.contains(&key));
    let folder = match if without("folder") { fields.node("folder") } else { fields.need_node("folder") } {
        Some(_) => fields.read_if("folder", below, is_plain, d),
        None => without("folder").then(|| name.clone()),
    };
    let Holding { files, content } = holding(&mut fields, format.as_ref(), registry, d);
    let summary = fields.read("summary", d).unwrap_or_default();
    let licence = fields.read("licence", d).unwrap_or_default();
    let citation = fields.read("citation", d).unwrap_or_default();
    let homepage = fields.read("homepage", d);
    let mirrors = fields.read_if("mirrors", ADDRESSES, |all: &Vec<String>| all.iter().all(|text| is_address(text)), d);
    let debian_package = fields.read("debian_package", d);
    let mut count = |key, d: &mut Diagnostics| {
        fields.need_node(key)?;
        fields.read_if(key, "1 or more", some, d)
    };
    let (classes, train) = (count("classes", d), count("train", d));
    let test = count("test", d);
    let validation = fields.need("validation", d);
    let shape = fields.need_node("shape");
    let shape =
        shape.and_then(|_| fields.read_if("shape", "of 1 or more each", |s: &[usize; 3]| s.iter().all(some), d));
    let normalise = fields.need::<Normalise>("normalise", d);
    let Recipe { subset, average, label_noise } = Recipe::read(&mut fields, d);
    fields.finish(d);
    Some(DatasetSpec {
        name,
        summary,
        licence,
        citation,
        homepage,
        folder: folder?,
        mirrors: mirrors.unwrap_or_default(),
        debian_package,
        format: format?,
        files: files?,
        content: content?,
        classes: classes?,
        shape: shape?,
        train: train?,
        test: test?,
        normalise: normalise?,
        validation: validation?,
        subset,
        average,
        label_noise,
    })
}

/// What the data set's folder must hold: each file, or all of it as one. `None` is what could not be read.
struct Holding {
    files: Option<Vec<FileSpec>>,
    content: Option<Option<String>>,
}

/// Which of the two is declared, the format says.
fn holding(fields: &mut Fields<'_>, format: Option<&Use>, registry: &Registry, d: &mut Diagnostics) -> Holding {
    let built = format.and_then(|used| registry.formats.build(used).ok());
    let (whole, name) = (built.is_some_and(|format| format.reads_a_folder()), format.map_or("", |used| &used.name));
    let mut refuse = |key, other, fields: &mut Fields<'_>| {
        let Some(node) = fields.node(key).filter(|_| format.is_some()) else { return };
        let error = Error::at(node, format!("the format `{name}` takes `{other}` in place of `{key}`"));
        d.push(error.help(format!("leave out `{key}`")));
    };
    // In this order among the valid keys.
    for key in ["file", "content"] {
        fields.node(key);
    }
    match whole {
        true => {
            refuse("file", "content", fields);
            let rule = "64 hexadecimal digits, or \"unknown\" for now";
            let is_hash = |text: &String| text == UNKNOWN || is_sha256(text);
            let content = fields.need_node("content").and_then(|_| fields.read_if("content", rule, is_hash, d));
            Holding { files: Some(Vec::new()), content: content.map(Some) }
        }
        // Which of them is needed, nobody knows.
        false if format.is_none() && fields.has("content") => Holding { files: None, content: None },
        false => {
            refuse("content", "file", fields);
            let makes = registry.about(Kind::Format, name).is_some_and(|about| about.without.contains(&"file"));
            let node = if makes { fields.node("file") } else { fields.need_node("file") };
            Holding { files: node.map(|node| files(node, d)).or(makes.then(Vec::new)), content: Some(None) }
        }
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn files(node: &Node, diagnostics: &mut Diagnostics) -> Vec<FileSpec> {
    let items = list(node, "`file`", diagnostics);
    items.iter().filter_map(|item| file(item, diagnostics)).collect()
}

fn file(node: &Node, diagnostics: &mut Diagnostics) -> Option<FileSpec> {
    let mut fields = Fields::of(node, "a [[file]]", diagnostics)?.documented(of::<FileSpec>);
    fields.need_node("name");
    let within = fields.has("archive");
    let (rule, is_name): (_, fn(&String) -> bool) = match within {
        true => {
            ("a path within the archive, as `folder/name`", |path| path.split('/').all(|part| is_plain(&part.into())))
        }
        false => ("the name of a file in the data set's folder, without a path", is_plain),
    };
    let name = fields.read_if("name", rule, is_name, diagnostics);
    let archive = fields.read_if("archive", "the name of a .tar, .tar.gz or .tgz", is_archive, diagnostics);
    let checksums = checksums(&mut fields, diagnostics);
    let bytes = fields.need("bytes", diagnostics);
    fields.finish(diagnostics);
    let file = FileSpec { name: name?, archive, bytes: bytes?, ..checksums? };
    if file.compressed_sha256.is_some() && (within || !file.name.ends_with(".gz")) {
        let error = Error::at(node, format!("`compressed_sha256` is of a .gz, and {} is none", file.name));
        diagnostics.push(error.help("give `sha256` or `md5` of its bytes instead"));
    }
    (within == file.archive.is_some()).then_some(file)
}

/// A file of nothing but its checksum, of which there must be one.
fn checksums(fields: &mut Fields<'_>, diagnostics: &mut Diagnostics) -> Option<FileSpec> {
    const KEYS: [&str; 3] = ["sha256", "md5", "compressed_sha256"];
    let written: Vec<_> = KEYS.into_iter().filter_map(|key| Some((key, fields.node(key)?))).collect();
    if let [_, (second, node), ..] = written[..] {
        let error = Error::at(node, format!("a [[file]] has one checksum, and `{second}` is a second"));
        diagnostics.push(error.help("keep the one that its owners publish"));
        return None;
    }
    if written.is_empty() {
        fields.need_node("sha256");
    }
    let mut digits = |key, count: usize| {
        let rule = format!("{count} hexadecimal digits in lower case");
        let hexadecimal =
            |text: &String| text.len() == count && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        fields.read_if(key, &rule, hexadecimal, diagnostics)
    };
    let (sha256, md5, compressed_sha256) = (digits("sha256", 64), digits("md5", 32), digits("compressed_sha256", 64));
    let file = FileSpec { sha256, md5, compressed_sha256, ..FileSpec::default() };
    file.checksum().is_some().then_some(file)
}

fn is_archive(name: &String) -> bool {
    is_plain(name) && [".tar", ".tar.gz", ".tgz"].iter().any(|end| name.ends_with(end))
}

const ADDRESSES: &str = "addresses that begin with \"https://\" or \"http://\", without spaces";

pub fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic()))
}

/// One component, so that it stays below the folder that it is joined to; on any system.
fn is_plain(name: &String) -> bool {
    let mut components = Path::new(name).components();
    let one = matches!((components.next(), components.next()), (Some(Component::Normal(part)), None) if part == name.as_str());
    one && name.len() <= 255 && !name.contains(['/', '\\', ':']) && !name.contains(char::is_control)
}

/// More pixels than any memory holds: a data set rests in it, a byte a pixel.
const PIXELS: u128 = 1 << 40;

/// Labels are numbers of 16 bits.
const CLASSES: usize = 1 << 16;

/// What must hold between fields.
fn fits(spec: &DatasetSpec, node: &Node, registry: &Registry, diagnostics: &mut Diagnostics) {
    recipe::fits(spec, node, diagnostics);
    let mut fail = |key: &str, message: String, help: &str| {
        let value = node.table().and_then(|entries| entries.get(key)).map_or(node, |(_, value)| value);
        diagnostics.push(Error::at(value, message).help(help));
    };
    if spec.validation >= spec.used_train() {
        let (validation, train) = (spec.validation, spec.used_train());
        let message = format!("{validation} validation examples leave none of the {train} to train on");
        fail("validation", message, "validation examples are taken from the training split: take fewer");
    }
    let product = |numbers: &[usize]| numbers.iter().map(|n| *n as u128).try_fold(1u128, u128::checked_mul);
    let one = product(&spec.shape).filter(|pixels| *pixels <= PIXELS);
    let all = one.and_then(|pixels| pixels.checked_mul(spec.train as u128 + spec.test as u128));
    let Some(all) = all.filter(|pixels| *pixels <= PIXELS) else {
        let message = format!("`shape` × (`train` + `test`) are more than {PIXELS} pixels, which no memory holds");
        return fail("shape", message, "declare what the files hold: channels, height, width, and how many images");
    };
    if spec.classes > CLASSES {
        let message =
            format!("{} classes, and labels, which are numbers of 16 bits, have {CLASSES} at most", spec.classes);
        fail("classes", message, "labels are 0 to classes − 1");
    }
    // No format takes more than some numbers a pixel, and a header.
    let most = 16 * (all + spec.train as u128 + spec.test as u128) + (1 << 20);
    if let Some(file) = spec.files.iter().find(|file| u128::from(file.bytes) > most) {
        let (bytes, name) = (file.bytes, &file.name);
        let message = format!("{bytes} bytes of {name} are more than such a data set takes: at most {most}");
        fail("file", message, "`bytes` are those of the decompressed file");
    }
    let Normalise { mean, std } = &spec.normalise;
    let channels = spec.shape[0];
    if mean.len() != channels || std.len() != channels {
        let message = format!("`mean` and `std` need a value for each of the channels, and there are {channels}");
        fail("normalise", message, "the first number of `shape` says how many channels there are");
    }
    if !mean.iter().all(|mean| mean.is_finite()) || !std.iter().all(|std| std.is_finite() && *std > 0.0) {
        let message = "a `std` must be above 0".to_string();
        fail("normalise", message, "pixel byte p becomes (p ÷ 255 − mean) ÷ std");
    }
    diagnostics.extend(unfit(spec, node, registry));
}

/// Why no files of the format could be what is declared, at the format's field or the shape.
fn unfit(spec: &DatasetSpec, node: &Node, registry: &Registry) -> Option<Error> {
    let refusal = registry.formats.build(&spec.format).ok()?.fits(spec).err()?;
    let field = if refusal.field.is_empty() { vec!["shape"] } else { [vec!["format"], refusal.field].concat() };
    let below = |node: &'_ Node, key: &&str| Some(node.table()?.get(*key)?.1.clone());
    let place = field.iter().fold(node.clone(), |node, key| below(&node, key).unwrap_or(node));
    let error = Error::at(&place, refusal.message);
    Some(match refusal.help {
        Some(help) => error.help(help),
        None => error,
    })
}

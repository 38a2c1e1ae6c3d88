//! Declared plugins by name: those that ship in the binary, and an experiment's own, which come first.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use super::diagnostic::Diagnostics;
use super::extends::{Base, from, shipped_file};
use super::folder::Folder;
use super::node::{Error, Node, Origin, SHIPPED, Source};
use super::{NAME, is_name};
use crate::nearest::{Hint, did_you_mean};

static PLUGINS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/plugins");
static EXPERIMENTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/experiments");

/// What a TOML file may declare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Declared {
    Model,
    Pipeline,
    Dataset,
}

impl Declared {
    pub const ALL: [Declared; 3] = [Declared::Model, Declared::Pipeline, Declared::Dataset];

    /// The folder that holds them, of `plugins/` and of an experiment.
    pub fn folder(self) -> &'static str {
        match self {
            Declared::Model => "models",
            Declared::Pipeline => "pipelines",
            Declared::Dataset => "datasets",
        }
    }
}

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Declared::Model => "model",
            Declared::Pipeline => "pipeline",
            Declared::Dataset => "data set",
        })
    }
}

/// All that an experiment can `use`: what its folder has, what the shipped experiments that it extends have of their
/// own, what ships; in this order.
pub struct Library<'a> {
    local: BTreeMap<(Declared, String), Place>,
    folder: Option<&'a Folder>,
    /// Of which the experiment's own could not be listed: what is not found may be among them.
    unlisted: BTreeSet<Declared>,
    /// What was looked for.
    asked: RefCell<BTreeSet<(Declared, String)>>,
    /// What of that came with the program, by its path there.
    given: RefCell<BTreeMap<String, String>>,
}

/// Where a declaration is that an experiment, or a base of it, has of its own.
enum Place {
    Own(PathBuf),
    OfBase { base: String, extended: Origin, path: &'static Path, text: &'static str },
}

impl<'a> Library<'a> {
    /// What ships.
    pub fn shipped() -> Library<'a> {
        Library {
            local: BTreeMap::new(),
            folder: None,
            unlisted: BTreeSet::new(),
            asked: RefCell::default(),
            given: RefCell::default(),
        }
    }

    /// What ships, what the folder has and what these bases have; two files of one name in the folder are an error.
    pub fn of(folder: &'a Folder, bases: &[Base], diagnostics: &mut Diagnostics) -> Library<'a> {
        let (mut local, mut unlisted) = (BTreeMap::new(), BTreeSet::new());
        for kind in Declared::ALL {
            let Some(files) = folder.below(kind.folder(), diagnostics) else {
                unlisted.insert(kind);
                continue;
            };
            for path in files {
                if !is_name(&stem(&path)) {
                    let message = format!("{}: {:?} is no name for a {kind}", path.display(), stem(&path));
                    diagnostics.push(Error::nowhere(message).help(format!("rename the file: {NAME}")));
                }
                if let Some(Place::Own(other)) = local.insert((kind, stem(&path)), Place::Own(path.clone())) {
                    let message = format!("{} and {} declare the same {kind}", other.display(), path.display());
                    diagnostics.push(Error::nowhere(message).help("rename one of the files"));
                }
            }
        }
        let (asked, given) = (RefCell::default(), RefCell::default());
        let mut library = Library { local, folder: Some(folder), unlisted, asked, given };
        for base in bases {
            let files = shipped_experiment(&base.name).unwrap_or_default();
            let own = files.iter().filter(|(path, _)| path.parent() == Some(Path::new("")));
            own.for_each(|(path, text)| library.gives(&shipped_file(&base.name, path, text)));
            library.add(base, files);
        }
        library
    }

    /// What was found of that came with the program: bases, and what was looked for, by paths there.
    pub fn given(&self) -> BTreeMap<String, String> {
        self.given.borrow().clone()
    }

    fn gives(&self, source: &Source) {
        if let Some(path) = source.name.strip_prefix(SHIPPED) {
            self.given.borrow_mut().insert(path.to_string(), source.text.clone());
        }
    }

    /// The folder's own that nobody looked for.
    pub fn unused(&self) -> Vec<(Declared, String)> {
        let asked = self.asked.borrow();
        let own = self.local.iter().filter(|(_, place)| matches!(place, Place::Own(_)));
        own.map(|(key, _)| key.clone()).filter(|key| !asked.contains(key)).collect()
    }

    /// Adds what a base's files declare under names that are not taken yet.
    fn add(&mut self, base: &Base, files: Vec<(&'static Path, &'static str)>) {
        for (path, text) in files {
            let Some(kind) = Declared::ALL.into_iter().find(|kind| path.starts_with(kind.folder())) else { continue };
            let place = || Place::OfBase { base: base.name.clone(), extended: base.origin.clone(), path, text };
            self.local.entry((kind, stem(path))).or_insert_with(place);
        }
    }

    /// Whether it holds all that its user can name, and not only what ships.
    pub fn is_whole(&self) -> bool {
        self.folder.is_some()
    }

    /// Names in order, each once.
    pub fn names(&self, kind: Declared) -> Vec<String> {
        let local = self.local.keys().filter(|(other, _)| *other == kind).map(|(_, name)| name.clone());
        let mut names: Vec<String> = shipped(kind).map(stem).chain(local).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The declaration named by `used`, or what is wrong with the name or with the file's syntax.
    pub fn find(&self, kind: Declared, used: &Node, diagnostics: &mut Diagnostics) -> Option<(String, Node)> {
        let Some(name) = used.string() else {
            let error = Error::at(used, format!("`use` must be a {kind}'s name, not {}", used.sort()));
            diagnostics.push(error.help(format!("{kind}s: {}", self.names(kind).join(", "))));
            return None;
        };
        self.asked.borrow_mut().insert((kind, name.to_string()));
        match self.source(kind, name) {
            Ok(source) => {
                let mut errors = Diagnostics::default();
                let label = format!("this {kind} is used here");
                let read = |errors: &mut Diagnostics| self.declaration(kind, &source, errors);
                let node = errors.used_by(&source, &used.origin, &label, read);
                let sound = errors.is_empty();
                diagnostics.extend(errors.errors().to_vec());
                sound.then(|| (name.to_string(), node))
            }
            // Its folder could not be read, which was said.
            Err(_) if self.unlisted.contains(&kind) && !self.names(kind).iter().any(|known| known == name) => None,
            Err(error) => {
                diagnostics.push(error.placed(&used.origin));
                None
            }
        }
    }

    /// The text that declares `name`, without checking it.
    pub fn source(&self, kind: Declared, name: &str) -> Result<Arc<Source>, Error> {
        let source = self.text(kind, name)?;
        self.gives(&source);
        Ok(source)
    }

    fn text(&self, kind: Declared, name: &str) -> Result<Arc<Source>, Error> {
        match (self.local.get(&(kind, name.to_string())), self.folder) {
            (Some(Place::Own(path)), Some(folder)) => return folder.read(path),
            (Some(Place::OfBase { base, extended, path, text }), _) => {
                return Ok(from(shipped_file(base, path, text), extended));
            }
            _ => {}
        }
        let file = PLUGINS.get_file(format!("{}/{name}.toml", kind.folder()));
        match file.and_then(|file| file.contents_utf8()) {
            Some(text) => {
                let name = format!("{SHIPPED}plugins/{}/{name}.toml", kind.folder());
                Ok(Arc::new(Source::new(name, text)))
            }
            None => {
                let names = self.names(kind);
                let help = did_you_mean(name, &format!("{kind}s"), names.iter().map(String::as_str));
                Err(Error::nowhere(format!("no {kind} is named {name:?}")).hint(help))
            }
        }
    }
}

/// The names of the experiments that ship, in order.
pub fn experiments() -> impl Iterator<Item = &'static str> {
    let folders = EXPERIMENTS.dirs().filter(|folder| folder.get_file(folder.path().join("experiment.toml")).is_some());
    folders.filter_map(|folder| folder.path().file_name()?.to_str())
}

/// The TOML files of an experiment that ships, each with its path in the experiment's folder, experiment.toml first; or
/// what names there are.
pub fn shipped_experiment(name: &str) -> Result<Vec<(&'static Path, &'static str)>, Hint> {
    let Some(folder) = experiments().find(|known| *known == name).and_then(|name| EXPERIMENTS.get_dir(name)) else {
        return Err(did_you_mean(name, "shipped experiments", experiments()));
    };
    let mut files = Vec::new();
    let mut folders = vec![folder];
    while let Some(next) = folders.pop() {
        folders.extend(next.dirs());
        let toml = next.files().filter(|file| file.path().extension().is_some_and(|e| e == "toml"));
        files.extend(
            toml.filter_map(|file| Some((file.path().strip_prefix(folder.path()).ok()?, file.contents_utf8()?))),
        );
    }
    files.sort_by_key(|(path, _)| (*path != Path::new("experiment.toml"), *path));
    Ok(files)
}

/// A file that ships, by its path as "plugins/models/lenet-300-100.toml".
pub fn shipped_text(path: &str) -> Option<&'static str> {
    let (folder, rest) = path.split_once('/')?;
    let dir = match folder {
        "plugins" => &PLUGINS,
        "experiments" => &EXPERIMENTS,
        _ => return None,
    };
    dir.get_file(rest)?.contents_utf8()
}

/// The names of what ships, in order.
pub fn shipped_names(kind: Declared) -> Vec<String> {
    Library::shipped().names(kind)
}

fn shipped(kind: Declared) -> impl Iterator<Item = &'static Path> {
    PLUGINS.get_dir(kind.folder()).into_iter().flat_map(|folder| folder.files()).map(|file| file.path())
}

fn stem(path: impl AsRef<Path>) -> String {
    path.as_ref().file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::fixture::Experiment;

    #[test]
    fn a_bases_own_models_come_after_the_experiments_and_before_the_shipped() {
        let experiment = Experiment::new(&[("experiment.toml", "x = 1"), ("models/mine.toml", "summary = 'mine'")]);
        let folder = Folder::open(&experiment.folder()).unwrap();
        let mut diagnostics = Diagnostics::default();
        let mut library = Library::of(&folder, &[], &mut diagnostics);
        let origin = Origin { source: Arc::new(Source::new("experiment.toml", "extends = 'base'")), span: 10..16 };
        let files =
            ["models/mine.toml", "models/deep/theirs.toml", "models/conv-2.toml", "experiment.toml", "x/y.toml"];
        library.add(
            &Base { name: "base".into(), origin: origin.clone() },
            files.map(|path| (Path::new(path), "summary = 'the base'")).into(),
        );
        let source = |name: &str| library.source(Declared::Model, name).unwrap();
        assert_eq!(source("mine").text, "summary = 'mine'");
        assert_eq!(source("theirs").name, "shipped: experiments/base/models/deep/theirs.toml");
        assert_eq!(source("theirs").extended, Some(origin));
        assert_eq!(source("conv-2").text, "summary = 'the base'");
        assert!(source("conv-4").name.starts_with("shipped: plugins/"));
        let names = library.names(Declared::Model);
        assert!(["mine", "theirs", "conv-2", "conv-4"].iter().all(|name| names.contains(&name.to_string())));
        assert!(!names.contains(&"y".to_string()) && diagnostics.is_empty());
    }
}

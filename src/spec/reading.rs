//! An experiment's folder → its spec, or everything that is wrong with it.

use std::path::Path;

use super::diagnostic::Diagnostics;
use super::experiment::experiment;
use super::folder::Folder;
use super::merge::{Merged, merged};
use super::node::{Error, Unread};
use super::set::set;
use super::shipped::Library;
use super::spelling;
use super::unused::check_unused;
use super::without::blame;
use super::{NAME, Spec, is_name, variants};
use crate::registry::Registry;

/// Everything that is wrong with an experiment, and what of it is sound.
pub struct Reading {
    /// The experiment without the pipelines and predictions that are wrong, for a plan to find more errors in. `None`
    /// where too little is sound.
    pub sound: Option<Spec>,
    pub errors: Diagnostics,
}

/// Reads an experiment with the overrides of the command line, each `key.path=value`, or says everything that is
/// wrong with it.
pub fn load(folder: &Path, registry: &Registry, overrides: &[String]) -> Result<Spec, Diagnostics> {
    let Reading { sound, errors } = read(folder, registry, overrides);
    match sound {
        Some(spec) if errors.is_empty() => Ok(spec),
        _ => Err(errors.sorted()),
    }
}

/// Reads as much of an experiment as can be read.
pub fn read(path: &Path, registry: &Registry, overrides: &[String]) -> Reading {
    let mut errors = Diagnostics::default();
    let Some((folder, Merged { root, bases, left_out })) = texts(path, overrides, &mut errors) else {
        return Reading { sound: None, errors };
    };
    let mut found = Diagnostics::default();
    let library = Library::of(&folder, &bases, &mut found);
    let sound = variants::read(root.clone(), &mut found, |root, d| experiment(&folder, root, &library, registry, d));
    // All variants have used it by now, and what follows looks at more.
    let sound = sound.map(|spec| Spec { shipped: library.given(), ..spec });
    check_unused(&library, registry, &mut found);
    let found = blame(&left_out, &root, found);
    let unread = errors.errors().iter().any(|error| error.unread.is_some());
    let told = found.errors().iter().filter(|error| !hidden(error, &errors)).cloned();
    let mut errors = errors.clone();
    errors.extend(told);
    Reading { sound: sound.filter(|_| !unread), errors }
}

/// Whether an error may only follow from what could not be read: something is absent, stands behind wrong syntax, or
/// is about a value of which a part could not be read.
fn hidden(error: &Error, of_texts: &Diagnostics) -> bool {
    let behind = |other: &Error| {
        let (Some(place), Some(wrong)) = (&error.origin, &other.origin) else { return false };
        match other.unread {
            Some(Unread::Rest) => place.source == wrong.source && place.span.end >= wrong.span.start,
            Some(Unread::Value) => place.holds(wrong),
            None => false,
        }
    };
    let mut unread = of_texts.errors().iter().filter(|other| other.unread.is_some()).peekable();
    (unread.peek().is_some() && error.missing.is_some()) || unread.any(behind)
}

/// An experiment's files and overrides as one table, with what it extends.
fn texts(path: &Path, overrides: &[String], diagnostics: &mut Diagnostics) -> Option<(Folder, Merged)> {
    let folder = Folder::open(path).map_err(|error| diagnostics.push(error)).ok()?;
    if !is_name(&folder.name()) {
        let message = format!("{}: the folder's name is the experiment's, and must be a name", path.display());
        diagnostics.push(Error::nowhere(message).help(NAME));
    }
    let mut merged = merged(&folder, diagnostics)?;
    overrides.iter().for_each(|text| set(&mut merged.root, text, diagnostics));
    spelling::check(&merged.root, diagnostics);
    Some((folder, merged))
}

#[cfg(test)]
mod tests {
    use crate::registry::Registry;
    use crate::spec::fixture::{DOTS, Experiment, SOUND, lottery};
    use crate::spec::load;

    #[test]
    fn several_files_are_one_experiment() {
        let files = [
            ("experiment.toml", SOUND),
            ("datasets/dots.toml", DOTS),
            ("more.toml", "[pipeline.imp]\nuse = 'imp'\nlevels = 2"),
        ];
        let spec = Experiment::new(&files).load(&[]).unwrap();
        assert_eq!(spec.variants[0].pipelines.keys().collect::<Vec<_>>(), ["dense", "imp"]);
    }

    #[test]
    fn an_experiments_own_pipeline_comes_before_the_shipped_one_of_its_name() {
        let own = "summary = 'mine'\n[[stage]]\ninit = {}";
        let files = [("experiment.toml", SOUND), ("datasets/dots.toml", DOTS), ("pipelines/deep/dense.toml", own)];
        let spec = Experiment::new(&files).load(&[]).unwrap();
        assert_eq!(
            (spec.variants[0].pipelines["dense"].summary.as_str(), spec.variants[0].pipelines["dense"].stages.len()),
            ("mine", 1)
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_folder_is_refused() {
        let (outside, experiment) = (Experiment::new(&[("x.toml", DOTS)]), lottery(""));
        let link = experiment.folder().join("datasets/linked.toml");
        std::os::unix::fs::symlink(outside.folder().join("x.toml"), link).unwrap();
        let errors = experiment.errors(&["dataset.use=linked"]);
        assert!(errors.contains("leads out of the experiment's folder"), "{errors}");
    }

    #[test]
    fn a_folder_whose_name_is_no_name_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("two words");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("experiment.toml"), SOUND).unwrap();
        let errors = load(&path, &Registry::builtin(), &[]).unwrap_err().to_string();
        assert!(errors.contains("the folder's name is the experiment's, and must be a name"), "{errors}");
    }

    #[test]
    fn a_file_too_large_for_a_spec_is_refused() {
        let errors = lottery(&"#".repeat(1 << 20)).errors(&[]);
        assert!(errors.contains("larger than 1048576 bytes"), "{errors}");
    }
}

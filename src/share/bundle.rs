//! What is shared of an experiment: its folder and its report, what it used of the program, and where its data are.

use std::path::{Path, PathBuf};

use super::data::{Needed, needed, page};
use super::part::Part;
use super::{cff, folder};
use crate::dataset::Failure;
use crate::lock;
use crate::record::{About, Header, Study};
use crate::spec::{Spec, resolved};

pub struct Bundle<'a> {
    pub spec: &'a Spec,
    /// What was measured.
    pub study: &'a Study,
    pub parts: Vec<Part>,
    pub needed: Vec<Needed>,
}

impl<'a> Bundle<'a> {
    /// Gathers the files, in order of their paths; `report` is the folder of the experiment's report.
    pub fn of(spec: &'a Spec, study: &'a Study, report: &Path) -> Result<Bundle<'a>, Failure> {
        let name = &spec.name;
        let needed = needed(spec, &experiment(name));
        let mut parts = folder::parts(&spec.folder, &experiment(name))?;
        parts.extend(folder::parts(report, &format!("reports/{name}"))?);
        parts.push(Part::text(format!("resolved/{name}/experiment.toml"), resolved(spec)));
        let shipped = spec.shipped.iter().map(|(path, text)| Part::text(format!("shipped/{path}"), text.clone()));
        parts.extend(shipped);
        parts.push(Part::text("DATA.md", page(&spec.title, &needed)));
        let citation = cff(&spec.title, &spec.question, &spec.about).ok();
        parts.extend(citation.map(|text| Part::text("CITATION.cff", text)));
        parts.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Bundle { spec, study, parts, needed })
    }

    pub fn about(&self) -> &About {
        &self.spec.about
    }

    pub fn header(&self) -> &Header {
        &self.study.header
    }

    /// Whether the experiment has a lock.
    pub fn is_locked(&self) -> bool {
        let lock = format!("{}/{}", experiment(&self.spec.name), lock::FILE);
        self.parts.iter().any(|part| part.path == lock)
    }

    /// Adds more files.
    pub fn with(mut self, more: Vec<Part>) -> Bundle<'a> {
        self.parts.extend(more);
        self.parts.sort_by(|one, other| one.path.cmp(&other.path));
        self
    }
}

/// Where an experiment is in what is shared.
pub fn experiment(name: &str) -> String {
    format!("experiments/{name}")
}

/// The files of steps in a store, as parts of a store: `steps` are ids, each with its files.
pub fn tickets(steps: impl IntoIterator<Item = (String, Vec<PathBuf>)>) -> Vec<Part> {
    let part = |(id, file): (&str, PathBuf)| {
        let name = file.file_name()?.to_str()?.to_string();
        Some(Part::file(format!("runs/steps/{}/{id}/{name}", id.get(..2)?), file))
    };
    let of = |(id, files): (String, Vec<PathBuf>)| {
        files.into_iter().filter_map(|file| part((&id, file))).collect::<Vec<_>>()
    };
    steps.into_iter().flat_map(of).collect()
}

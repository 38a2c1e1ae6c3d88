//! `new`: a folder for an experiment that passes `check` as it is.

mod copy;

use std::path::{Component, Path, PathBuf};

use clap::Args;

use super::{Ended, place, say};
use crate::registry::Registry;
use crate::spec::schema::Subject;
use crate::spec::{self, is_name};

const EXPERIMENT: &str = include_str!("experiment.toml");
const README: &str = include_str!("README.md");
const QUESTION: &str = "Do tickets of LeNet-300-100 match the dense network from their own initial weights?";

#[derive(Args)]
pub struct New {
    /// The folder to make; its last part is the experiment's name: letters, digits, `-` and `_`
    folder: PathBuf,
    /// Begin with a copy of this experiment: a folder, or the name of one that ships, as quickstart
    #[arg(long, value_name = "EXPERIMENT")]
    from: Option<String>,
}

/// A file to write, by its path in the new folder.
struct File {
    path: PathBuf,
    text: String,
}

impl New {
    pub fn run(&self, registry: &Registry) -> Result<(), Ended> {
        let name = self.name()?;
        let files = match &self.from {
            Some(from) => self.files_from(from, registry)?,
            None => self.files(),
        };
        let readme = README.replace("{folder}", &self.folder.display().to_string()).replace("{name}", name);
        let question = match &self.from {
            Some(_) => "What does this experiment ask that the one it was copied from does not?",
            None => QUESTION,
        };
        let readme = File { path: "README.md".into(), text: readme.replace("{question}", question) };
        self.write(files.into_iter().chain([readme]))?;
        say(&self.next());
        Ok(())
    }

    fn name(&self) -> Result<&str, Ended> {
        let last = self.folder.components().next_back();
        let name = match last {
            Some(Component::Normal(name)) => name.to_str().filter(|name| is_name(name)),
            _ => None,
        };
        name.ok_or_else(|| {
            let given = self.folder.display();
            format!("{given:?} ends in no name for an experiment: use letters, digits, `-` and `_`, at most 64, the first no sign", given = given.to_string()).into()
        })
    }

    fn files(&self) -> Vec<File> {
        let schema = self.schema_line(Path::new(""), Subject::Experiment).unwrap_or_default();
        let text = EXPERIMENT.replace("{schema}", &schema).replace("{name}", self.name().unwrap_or_default());
        vec![File { path: "experiment.toml".into(), text }]
    }

    fn files_from(&self, from: &str, registry: &Registry) -> Result<Vec<File>, Ended> {
        let folder = Path::new(from);
        let files = match folder.is_dir() {
            true => {
                // What is wrong would be copied, too.
                spec::load(folder, registry, &[]).map_err(|problems| Ended::Wrong(problems.render(false)))?;
                copy::of_folder(folder)?
            }
            false => copy::shipped(from)?,
        };
        let copied = |file: File| File { text: self.with_schema_line(&file), ..file };
        Ok(files.into_iter().map(copied).collect())
    }

    /// The file's text with its `#:schema` line, where it has one, leading from the new folder to the same schema; without
    /// it, where that is not to be found.
    fn with_schema_line(&self, file: &File) -> String {
        let Some((line, rest)) = file.text.strip_prefix("#:schema ").and_then(|text| text.split_once('\n')) else {
            return file.text.clone();
        };
        let subject = Subject::ALL.into_iter().find(|subject| line.trim().ends_with(&subject.file()));
        let inside = file.path.parent().unwrap_or(Path::new(""));
        subject.and_then(|subject| self.schema_line(inside, subject)).unwrap_or_default() + rest
    }

    /// The `#:schema` line of a file in the folder `inside` of the new one, where a folder above it has schemas.
    fn schema_line(&self, inside: &Path, subject: Subject) -> Option<String> {
        let place = std::path::absolute(&self.folder).ok()?.join(inside);
        let above = |folder: &&Path| folder.join("schema").join(subject.file()).is_file();
        let found = place.ancestors().skip(1).find(above)?;
        let up = place.strip_prefix(found).ok()?.components().count();
        Some(format!("#:schema {}schema/{}\n", "../".repeat(up), subject.file()))
    }

    fn write(&self, files: impl Iterator<Item = File>) -> Result<(), Ended> {
        let fail = |e: std::io::Error| {
            let place = self.folder.display();
            Ended::Failed(format!("cannot write {place}: {e}; choose a folder in another place"))
        };
        if self.folder.symlink_metadata().is_ok() {
            let there = self.folder.display();
            return Err(format!("{there} is there already: choose another name, nothing was written").into());
        }
        if let Some(parent) = self.folder.parent() {
            place::folder("tombola new", parent)?;
            std::fs::create_dir_all(parent).map_err(fail)?;
        }
        // Whoever makes it first has it.
        std::fs::create_dir(&self.folder).map_err(fail)?;
        for file in files {
            let path = self.folder.join(&file.path);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(fail)?;
            }
            std::fs::write(path, file.text).map_err(fail)?;
        }
        Ok(())
    }

    fn next(&self) -> String {
        let folder = self.folder.display();
        format!(
            "{folder} is made. Write down in {folder}/README.md what you ask and expect, say it in \
             {folder}/experiment.toml, then:\n  tombola check {folder}\n  tombola plan {folder}\n  tombola run {folder}"
        )
    }
}

//! Finding a data set's files, and refusing those that are not the declared ones.

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::{Watch, archive, checked};
use crate::spec::catalogue::{Declared, shipped_names};
use crate::spec::{Checksum, DatasetSpec, FileSpec};

static BUILT_IN: Dir = include_dir!("$CARGO_MANIFEST_DIR/data");

/// The data directories, in the order in which they are searched: `given` (the command line's `--data`), then
/// `TOMBOLA_DATA`, the user's data directory, /usr/share/datasets. `variable` reads the environment.
pub fn directories(given: Option<PathBuf>, variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let set = variable("TOMBOLA_DATA").filter(|value| !value.is_empty()).map(PathBuf::from);
    [given, set, users(variable), Some("/usr/share/datasets".into())].into_iter().flatten().collect()
}

/// The user's data directory: `XDG_DATA_HOME`/tombola, or ~/.local/share/tombola.
pub fn users(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").map(|home| home.join(".local/share"));
    set("XDG_DATA_HOME").or_else(home).map(|data| data.join("tombola"))
}

/// Whether the program has all of a data set's files itself.
pub fn is_built_in(spec: &DatasetSpec) -> bool {
    let has = |file: &FileSpec| BUILT_IN.get_file(Path::new(&spec.folder).join(&file.name)).is_some();
    !spec.files.is_empty() && spec.files.iter().all(has)
}

/// Where a format reads from: a declaration, and where its files may be.
pub struct Source<'a> {
    pub spec: &'a DatasetSpec,
    pub directories: &'a [PathBuf],
    /// Is told how far it is.
    pub watch: &'a dyn Watch,
}

impl Source<'_> {
    /// The decompressed bytes of the declared file `name`: built in, or at `<directory>/<folder>/<name>`, with or without
    /// ".gz". The first that is found counts: where it is not the declared one, that is an error.
    ///
    /// No more than the declared number of bytes, and one, is ever read.
    pub fn file(&self, name: &str) -> Result<Vec<u8>, String> {
        self.files(&[name]).map(|contents| contents.into_iter().flatten().collect())
    }

    /// As `file`, of several, in their order; an archive that holds some of them is read once. A file of an archive is
    /// looked for unpacked, at `<directory>/<folder>/<name>` and `<directory>/<name>`, and then within the archive there.
    pub fn files<N: AsRef<str>>(&self, names: &[N]) -> Result<Vec<Vec<u8>>, String> {
        let wanted = names.iter().map(|name| self.declared(name.as_ref())).collect::<Result<Vec<_>, _>>()?;
        if let Some((_, twice)) = wanted.iter().enumerate().find(|(at, file)| wanted[..*at].contains(file)) {
            return Err(format!("{:?} is named twice: its examples are there once", twice.name));
        }
        let mut contents: Vec<Option<Vec<u8>>> = vec![None; wanted.len()];
        for (at, file) in wanted.iter().enumerate() {
            if contents[at].is_some() {
                continue;
            }
            let found = self.find(file)?.ok_or_else(|| self.missing(file))?;
            let place = found.place.clone();
            let places: Vec<_> = match found.is_archive {
                false => vec![at],
                true => (at..wanted.len())
                    .filter(|at| contents[*at].is_none() && wanted[*at].archive == file.archive)
                    .collect(),
            };
            let read = found.read(&places.iter().map(|at| wanted[*at]).collect::<Vec<_>>());
            let read = read
                .map_err(|why| format!("{place}: {why}. Remove it, then {}", remedy(self.spec, file.distributed())))?;
            places.into_iter().zip(read).for_each(|(at, content)| contents[at] = Some(content));
        }
        Ok(contents.into_iter().flatten().collect())
    }

    fn declared(&self, name: &str) -> Result<&FileSpec, String> {
        let file = self.spec.files.iter().find(|file| file.name == name).ok_or_else(|| {
            let names: Vec<_> = self.spec.files.iter().map(|file| file.name.as_str()).collect();
            format!("{name:?} is none of the declared files ({}): add a [[file]] for it", names.join(", "))
        })?;
        let mut parts = vec![self.spec.folder.as_str(), file.distributed()];
        if file.archive.is_some() {
            parts.extend(name.split('/'));
        }
        match parts.into_iter().find(|part| !is_plain(part)) {
            Some(part) => Err(format!("{part:?} is not a plain name: folder and files are named without a path")),
            None => Ok(file),
        }
    }

    /// The file as it is, which may not be as declared; `None` where there is none.
    fn find(&self, file: &FileSpec) -> Result<Option<Found>, String> {
        for (name, is_archive) in spellings(file) {
            let path = Path::new(&self.spec.folder).join(name);
            if let Some(built_in) = BUILT_IN.get_file(&path) {
                let content = opened(file, &path, built_in.contents());
                return Ok(Some(Found { place: Place::BuiltIn(path), is_archive, content }));
            }
        }
        for (directory, path, is_archive) in self.places(file) {
            if let Some(found) = open(directory, &path).map_err(|why| format!("{}: {why}", path.display()))? {
                let content = opened(file, &path, BufReader::new(found));
                return Ok(Some(Found { place: Place::At(path), is_archive, content }));
            }
        }
        Ok(None)
    }

    /// Everywhere a file is looked for, with the data directory, and whether it would be an archive that holds it.
    fn places(&self, file: &FileSpec) -> Vec<(&PathBuf, PathBuf, bool)> {
        let mut places = Vec::new();
        for directory in self.directories {
            // What an archive is unpacked into has a name of its own.
            let beside = file.archive.is_some().then(|| directory.clone());
            for folder in [Some(directory.join(&self.spec.folder)), beside].into_iter().flatten() {
                let spellings = spellings(file).into_iter();
                places.extend(spellings.map(|(name, is_archive)| (directory, folder.join(name), is_archive)));
            }
        }
        places
    }

    fn missing(&self, file: &FileSpec) -> String {
        let looked: String = self.places(file).iter().map(|(_, path, _)| format!("\n  {}", path.display())).collect();
        let (name, remedy) = (&file.name, remedy(self.spec, file.distributed()));
        format!("{name} is not built in, nor is it any of these:{looked}\nTo mend it, {remedy}")
    }

    /// Where these declared files are, which are distributed as one, and whether what is there is what is declared; `None`
    /// where one is nowhere.
    pub fn place(&self, names: &[&str]) -> Result<Option<Judged>, String> {
        let mut left = names.iter().map(|name| self.declared(name)).collect::<Result<Vec<_>, _>>()?;
        let mut first = None;
        while let Some(file) = left.first() {
            let Some(found) = self.find(file)? else { return Ok(None) };
            let place = found.place.clone();
            let read: Vec<_> = left.drain(..if found.is_archive { left.len() } else { 1 }).collect();
            if let Err(why) = found.read(&read) {
                return Ok(Some((place, Err(why))));
            }
            first.get_or_insert(place);
        }
        Ok(first.map(|place| (place, Ok(()))))
    }
}

/// Where a file is, and why what is there is not what is declared, where it is not.
pub type Judged = (Place, Result<(), String>);

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    BuiltIn(PathBuf),
    At(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::BuiltIn(path) => write!(f, "built-in {}", path.display()),
            Place::At(path) => path.display().fmt(f),
        }
    }
}

/// A file, or an archive with several, that was found.
struct Found {
    place: Place,
    is_archive: bool,
    content: Box<dyn Read>,
}

impl Found {
    /// The content of these, which are one where this is no archive.
    fn read(self, wanted: &[&FileSpec]) -> Result<Vec<Vec<u8>>, String> {
        match (wanted, self.is_archive) {
            ([file], false) if file.compressed_sha256.is_some() => {
                checked::read_compressed(file, self.content).map(|content| vec![content])
            }
            ([file], false) => checked::read(file, self.content).map(|content| vec![content]),
            _ => archive::members(self.content, wanted),
        }
    }
}

/// What a file may be called, below its folder, and whether that is an archive that holds it.
fn spellings(file: &FileSpec) -> Vec<(String, bool)> {
    let name = file.name.clone();
    match (&file.archive, file.checksum()) {
        (Some(archive), _) => vec![(name, false), (archive.clone(), true)],
        // What it holds cannot be told from other content.
        (None, Some(Checksum::Compressed(_))) => vec![(name, false)],
        (None, _) => {
            let other = name.strip_suffix(".gz").map_or_else(|| format!("{name}.gz"), str::to_string);
            vec![(name, false), (other, false)]
        }
    }
}

/// What `checked` and `archive` read.
fn opened(file: &FileSpec, path: &Path, content: impl BufRead + 'static) -> Box<dyn Read> {
    let is_unpacked = file.archive.is_some() && path.ends_with(&file.name);
    match is_unpacked || file.compressed_sha256.is_some() {
        true => Box::new(content),
        false => checked::decompress(path, content),
    }
}

/// The plain file of this path, where there is one. What a link leads to lies below the data directory, too.
fn open(directory: &Path, path: &Path) -> Result<Option<File>, String> {
    let place = match path.canonicalize() {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        place => place.map_err(|e| e.to_string())?,
    };
    let root = directory.canonicalize().map_err(|e| e.to_string())?;
    if !place.starts_with(&root) {
        let remedy = "copy the file, or name the directory that it leads to with --data DIR or TOMBOLA_DATA";
        return Err(format!("this link leads out of the data directory: {remedy}"));
    }
    // A pipe's other end might never come, and a device never end.
    if !place.metadata().map_err(|e| e.to_string())?.is_file() {
        return Err("not a plain file".into());
    }
    File::open(&place).map(Some).map_err(|e| e.to_string())
}

/// One component, so that no declaration reaches outside the data directories.
pub(super) fn is_plain(name: &str) -> bool {
    let mut components = Path::new(name).components();
    matches!((components.next(), components.next()), (Some(Component::Normal(part)), None) if part == name)
}

/// Whether `content`, distributed under this name, holds the declared files.
pub fn check(name: &str, wanted: &[&FileSpec], content: impl BufRead + 'static) -> Result<(), String> {
    let Some(file) = wanted.first() else { return Ok(()) };
    let content = opened(file, Path::new(name), content);
    Found { place: Place::At(name.into()), is_archive: file.archive.is_some(), content }.read(wanted).map(drop)
}

/// How to come by the file, as the end of a sentence.
fn remedy(spec: &DatasetSpec, name: &str) -> String {
    match spec.mirrors.is_empty() {
        true => by_hand(spec, name),
        false => format!("{}, or {}", fetching(spec), by_hand(spec, name)),
    }
}

/// An experiment's own data set has no name that everybody knows.
fn fetching(spec: &DatasetSpec) -> String {
    match shipped_names(Declared::Dataset).contains(&spec.name) {
        true => format!("run `tombola fetch {}`", spec.name),
        false => "run `tombola fetch DIR` with the experiment's folder".into(),
    }
}

/// How to come by the file without `tombola fetch`, as the end of a sentence.
pub fn by_hand(spec: &DatasetSpec, name: &str) -> String {
    let mut ways = Vec::new();
    if let Some(mirror) = spec.mirrors.first() {
        ways.push(format!("download {mirror}{name} into the folder {}/ of a data directory", spec.folder));
    }
    if let Some(package) = &spec.debian_package {
        ways.push(format!("install the Debian package {package}"));
    }
    ways.push(format!("name the directory that holds {}/ with --data DIR or TOMBOLA_DATA", spec.folder));
    ways.join(", or ")
}

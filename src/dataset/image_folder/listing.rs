//! Which images a folder holds, of which classes, in the order of their paths.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use walkdir::{DirEntry, WalkDir};

use crate::dataset::folder::Folder;

const ENDINGS: [&str; 3] = ["png", "jpg", "jpeg"];

/// An image's file.
pub struct Listed {
    /// Below the data set's folder, with "/" between its components.
    pub path: String,
    pub bytes: u64,
    /// Nanoseconds since 1970; 0 where the disk does not tell.
    pub modified: u128,
    /// Number of its class.
    pub class: u16,
}

/// The images of both parts.
pub struct Listing {
    pub folder: PathBuf,
    /// In byte order of their paths, whatever the disk's is. Those of a part stand together.
    pub files: Vec<Listed>,
    /// Names of the classes, in byte order.
    pub classes: Vec<String>,
}

impl Listing {
    /// Finds `train/CLASS/…/NAME.png` and so on, whatever the ending's case. Names that begin with a dot are not looked at,
    /// nor files of other endings. A class is what a folder of the first part is named and has an image of.
    ///
    /// Errors where a part is missing or empty, an image is in no class's folder, the second part has another class, a name is
    /// no text, or a link leads out of the data directory.
    pub fn of(folder: &Folder, parts: [&str; 2]) -> Result<Listing, String> {
        let mut found = Vec::new();
        for part in parts {
            let before = found.len();
            images(folder, part, &mut found)?;
            if found.len() == before {
                let part = folder.path.join(part);
                return Err(format!("{}: no CLASS/NAME.png, .jpg or .jpeg in it", part.display()));
            }
        }
        found.sort_by(|(one, _), (other, _)| one.path.cmp(&other.path));
        let of = |part: &str| -> BTreeSet<&String> {
            found.iter().filter(|(file, _)| is_of(&file.path, part)).map(|(_, class)| class).collect()
        };
        let classes: Vec<String> = of(parts[0]).into_iter().cloned().collect();
        if let Some(other) = of(parts[1]).into_iter().find(|class| classes.binary_search(class).is_err()) {
            return Err(format!("{}/{other}: no image of this class is in {}/", parts[1], parts[0]));
        }
        let files = found.into_iter().map(|(mut file, class)| {
            let number = classes.binary_search(&class).unwrap_or(0);
            file.class = u16::try_from(number).map_err(|_| format!("more than {} classes", u16::MAX))?;
            Ok(file)
        });
        Ok(Listing { folder: folder.path.clone(), files: files.collect::<Result<_, String>>()?, classes })
    }

    /// How many images a part has.
    pub fn count(&self, part: &str) -> usize {
        self.files.iter().filter(|file| is_of(&file.path, part)).count()
    }

    /// What tells that no file was written since: a hash of paths, lengths and times of modification.
    pub fn state(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("tombola listing 1\n{}\n", self.folder.display()).as_bytes());
        for Listed { path, bytes, modified, .. } in &self.files {
            hasher.update(format!("{bytes} {modified} {path}\n").as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_string()
    }
}

/// Whether a path is of this part.
pub fn is_of(path: &str, part: &str) -> bool {
    path.strip_prefix(part).is_some_and(|rest| rest.starts_with('/'))
}

/// Adds the images of one part, each with the name of its class.
fn images(folder: &Folder, part: &str, found: &mut Vec<(Listed, String)>) -> Result<(), String> {
    let base = folder.path.join(part);
    if !base.is_dir() {
        return Err(format!("{}: there is no such folder: images are in it as CLASS/NAME.png", base.display()));
    }
    let hidden = |entry: &DirEntry| entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".");
    for entry in WalkDir::new(&base).follow_links(true).into_iter().filter_entry(|entry| !hidden(entry)) {
        let entry = entry.map_err(|e| e.to_string())?;
        let path = entry.path();
        if entry.path_is_symlink() {
            stays_within(&folder.directory, path)?;
        }
        if !is_image(path) || entry.file_type().is_dir() {
            continue;
        }
        if !entry.file_type().is_file() {
            return Err(format!("{}: not a plain file", path.display()));
        }
        let relative = path.strip_prefix(&base).unwrap_or(path);
        let names: Option<Vec<&str>> = relative.iter().map(|name| name.to_str().filter(|name| is_line(name))).collect();
        let Some(names) = names else {
            return Err(format!("{}: a name that is no UTF-8 text of one line: rename it", path.display()));
        };
        let [class, .., _] = names.as_slice() else {
            return Err(format!("{}: an image in no class's folder: move it into {part}/CLASS/", path.display()));
        };
        let metadata = entry.metadata().map_err(|e| e.to_string())?;
        let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let path = format!("{part}/{}", names.join("/"));
        let modified = since.map_or(0, |since| since.as_nanos());
        found.push((Listed { path, bytes: metadata.len(), modified, class: 0 }, class.to_string()));
    }
    Ok(())
}

fn is_line(name: &str) -> bool {
    !name.contains(char::is_control) && !name.contains('\\')
}

fn is_image(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

fn stays_within(directory: &Path, link: &Path) -> Result<(), String> {
    let place = link.canonicalize().map_err(|e| format!("{}: {e}", link.display()))?;
    match place.starts_with(directory) {
        true => Ok(()),
        false => Err(format!("{}: this link leads out of the data directory: copy what it leads to", link.display())),
    }
}

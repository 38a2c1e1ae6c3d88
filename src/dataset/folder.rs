//! Finding the folder of a data set that is read as a whole.

use std::io::ErrorKind;
use std::path::PathBuf;

use super::Source;
use super::files::is_plain;

/// A data set's folder, without links in its path, and the data directory that it lies in.
pub struct Folder {
    pub directory: PathBuf,
    pub path: PathBuf,
}

impl Source<'_> {
    /// The first `<directory>/<folder>` that is there. What a link leads to lies below the data directory, too.
    pub fn folder(&self) -> Result<Folder, String> {
        let name = &self.spec.folder;
        if !is_plain(name) {
            return Err(format!("{name:?} is not a plain name: a folder is named without a path"));
        }
        let remedy = format!("name the directory that holds {name}/ with --data DIR or TOMBOLA_DATA");
        for directory in self.directories {
            let place = directory.join(name);
            let told = |why: &dyn std::fmt::Display| format!("{}: {why}", place.display());
            let path = match place.canonicalize() {
                Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
                path => path.map_err(|e| told(&e))?,
            };
            let directory = directory.canonicalize().map_err(|e| told(&e))?;
            if !path.starts_with(&directory) {
                return Err(told(&format!("this link leads out of the data directory: {remedy}")));
            }
            if !path.is_dir() {
                return Err(told(&"it is no folder"));
            }
            return Ok(Folder { directory, path });
        }
        let looked: String = self.directories.iter().map(|of| format!("\n  {}", of.join(name).display())).collect();
        Err(format!("its folder is none of these:{looked}\nTo mend it, {remedy}"))
    }
}

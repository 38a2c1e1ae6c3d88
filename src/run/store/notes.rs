//! Which steps each experiment's latest run had, with whatever it was told to override: a file an experiment below `plans/`,
//! with its folder as JSON in the first line, a line an id, and in the last line the BLAKE3 of those before it.
//!
//! A clean-up deletes what nobody refers to, so a note that does not read is told, and never passed over.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;

use super::parts::PLANS;
use super::{Store, hash, is_id};
use crate::plan::Plan;
use crate::unfinished;

const UNFINISHED: &str = "unfinished-";

/// A plan as it was noted.
pub struct Note {
    pub path: PathBuf,
    /// The experiment's folder.
    pub folder: PathBuf,
    pub steps: Vec<String>,
    /// When it ran.
    pub at: SystemTime,
}

/// A note that does not read as it was written.
pub struct BadNote {
    pub path: PathBuf,
    pub why: String,
    /// What is spelled as an id in it.
    pub steps: Vec<String>,
}

impl BadNote {
    /// Whether it is of the experiment in this folder, as its name tells.
    pub fn is_of(&self, folder: &Path) -> bool {
        folder.canonicalize().is_ok_and(|folder| self.path.ends_with(name(&folder)))
    }
}

impl Store {
    /// Notes the plan of a run of the experiment in this folder. What cannot be noted is only known less well.
    pub fn note(&self, folder: &Path, plan: &Plan) {
        let _ = self.noted(folder, plan.steps.iter().map(|step| step.id.as_str()));
    }

    fn noted<'a>(&self, folder: &Path, steps: impl Iterator<Item = &'a str>) -> io::Result<()> {
        let (plans, folder) = (self.root().join(PLANS), folder.canonicalize()?);
        fs::create_dir_all(&plans)?;
        unfinished::clean(&plans, UNFINISHED)?;
        let mut file = unfinished::file(&plans, UNFINISHED)?;
        let mut text = head(&folder)? + "\n";
        steps.for_each(|id| text += &format!("{id}\n"));
        file.write_all(format!("{text}{}\n", hash(text.as_bytes())).as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(plans.join(name(&folder))).map(drop).map_err(|e| e.error)
    }

    /// Forgets these.
    pub fn forget(&self, notes: &[Note]) {
        // One that stays is seen again the next time.
        notes.iter().for_each(|note| drop(fs::remove_file(&note.path)));
    }

    /// Every plan that is noted, by its experiment's folder.
    pub fn notes(&self) -> Vec<Result<Note, BadNote>> {
        let plans = self.root().join(PLANS);
        let bad = |e: io::Error| Err(BadNote { path: plans.clone(), why: e.to_string(), steps: Vec::new() });
        let entries = match fs::read_dir(&plans) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => return Vec::new(),
            Err(e) => return vec![bad(e)],
        };
        let named = entries.filter(|entry| entry.as_ref().map_or(true, |e| e.file_name().to_str().is_some_and(is_id)));
        let mut notes: Vec<_> = named.map(|entry| entry.map_or_else(bad, |entry| read(entry.path()))).collect();
        notes.sort_by(|one, other| place(one).cmp(place(other)));
        notes
    }
}

fn place(note: &Result<Note, BadNote>) -> &Path {
    note.as_ref().map_or_else(|bad| &*bad.path, |note| &*note.folder)
}

/// The file of an experiment's note.
fn name(folder: &Path) -> String {
    hash(folder.as_os_str().as_encoded_bytes())[..32].to_string()
}

/// A folder on one line, whatever it is called: what is no text is a list of numbers.
fn head(folder: &Path) -> io::Result<String> {
    let text = folder.to_str().map_or_else(|| serde_json::to_string(folder.as_os_str()), serde_json::to_string);
    text.map_err(io::Error::other)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Head {
    Text(String),
    Other(OsString),
}

fn read(path: PathBuf) -> Result<Note, BadNote> {
    let bad = |path: PathBuf, why: String, bytes: &[u8]| Err(BadNote { path, why, steps: ids_in(bytes) });
    let about = fs::metadata(&path).and_then(|about| Ok((about.modified()?, fs::read(&path)?)));
    match about {
        Err(e) => bad(path, e.to_string(), &[]),
        Ok((at, bytes)) => match parsed(&bytes) {
            Some((folder, steps)) => Ok(Note { path, folder, steps, at }),
            None => bad(path, "it is not as it was written".into(), &bytes),
        },
    }
}

/// Folder and steps of a note that is whole.
fn parsed(bytes: &[u8]) -> Option<(PathBuf, Vec<String>)> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let (first, mut rest) = text.split_once('\n')?;
    let folder = match serde_json::from_str(first) {
        Ok(head) => {
            let end = rest.rfind('\n').map_or(0, |at| at + 1);
            let sealed = bytes.len() - 1 - (rest.len() - end);
            (hash(&bytes[..sealed]) == rest[end..]).then_some(())?;
            rest = &rest[..end];
            match head {
                Head::Text(folder) => folder.into(),
                Head::Other(folder) => folder.into(),
            }
        }
        // As notes were at first, without an end of their own: a folder is from the root on, which is no JSON.
        Err(_) => PathBuf::from(first),
    };
    let steps = rest.lines().map(|line| is_id(line).then(|| line.to_string())).collect::<Option<_>>()?;
    Some((folder, steps))
}

/// All words that are spelled as an id.
pub fn ids_in(bytes: &[u8]) -> Vec<String> {
    let words = bytes.split(|byte| !byte.is_ascii_alphanumeric()).filter_map(|word| std::str::from_utf8(word).ok());
    words.filter(|word| is_id(word)).map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    const IDS: [&str; 2] = ["ab000000000000000000000000000000", "cd000000000000000000000000000000"];

    fn noted(name: &OsStr) -> (tempfile::TempDir, Store, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(name);
        fs::create_dir(&folder).unwrap();
        let store = Store::open(&root.path().join("runs"));
        store.noted(&folder, IDS.into_iter()).unwrap();
        (root, store, folder.canonicalize().unwrap())
    }

    fn only(store: &Store) -> Result<Note, BadNote> {
        let mut notes = store.notes();
        assert_eq!(notes.len(), 1);
        notes.remove(0)
    }

    #[test]
    fn whatever_a_folder_is_called_its_note_reads_back() {
        let mut names = vec![OsString::from("plain"), OsString::from("a\nline \"more\"")];
        #[cfg(unix)]
        names.push(std::os::unix::ffi::OsStringExt::from_vec(b"no text \xff".to_vec()));
        for name in names {
            let (_root, store, folder) = noted(&name);
            let note = only(&store).unwrap_or_else(|bad| panic!("{name:?}: {}", bad.why));
            assert_eq!((note.folder, note.steps), (folder, IDS.map(String::from).to_vec()));
        }
    }

    #[test]
    fn a_note_with_any_byte_changed_or_cut_off_is_told_and_its_other_ids_are_known() {
        let (_root, store, folder) = noted(OsStr::new("plain"));
        let path = only(&store).ok().unwrap().path;
        let whole = fs::read(&path).unwrap();
        let bad = |bytes: &[u8], what: String| {
            fs::write(&path, bytes).unwrap();
            let bad = only(&store).err().unwrap_or_else(|| panic!("{what}: it reads"));
            assert!(bad.is_of(&folder) && !bad.is_of(&folder.join("..")), "{what}");
            bad
        };
        for at in 0..whole.len() {
            bad(&whole[..at], format!("cut at {at}"));
            for flip in [1, 0x80] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                let found = bad(&bytes, format!("byte {at}")).steps;
                assert!(IDS.iter().any(|id| found.contains(&id.to_string())), "byte {at}: {found:?}");
            }
        }
    }

    #[test]
    fn a_note_as_they_were_at_first_reads_and_not_where_a_line_is_cut() {
        let (_root, store, folder) = noted(OsStr::new("plain"));
        let path = only(&store).ok().unwrap().path;
        let first = format!("{}\n{}\n{}\n", folder.display(), IDS[0], IDS[1]);
        fs::write(&path, &first).unwrap();
        assert_eq!(only(&store).ok().unwrap().steps, IDS);
        for cut in [&first[..first.len() - 1], &first[..first.len() - 5], ""] {
            fs::write(&path, cut).unwrap();
            assert!(only(&store).is_err(), "{cut:?}");
        }
    }

    #[test]
    fn a_folder_of_notes_that_cannot_be_read_is_told() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(PLANS), "in the way").unwrap();
        assert!(only(&Store::open(root.path())).is_err());
    }
}

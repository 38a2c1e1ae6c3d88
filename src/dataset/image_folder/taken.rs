//! A folder's images, from the cache where they are there.

use super::cache::Cache;
use super::decode::{DECODERS, Decoding};
use super::file::Index;
use super::listing::{self, Listing};
use super::{ImageFolder, Unreadable, reading};
use crate::dataset::folder::Folder;
use crate::dataset::{Dataset, Failure, Source, UNKNOWN};
use crate::registry::Plugin;
use crate::spec::DatasetSpec;

/// Decoded images, and what they are.
type Found = (Dataset, Index);

impl ImageFolder {
    /// What decides the decoded bytes of a folder of this content.
    fn decides(&self, spec: &DatasetSpec, content: &str) -> String {
        let Decoding { shape, resize } = self.decoding(spec);
        let (train, test, version) = (&self.train, &self.test, Self::VERSION);
        format!(
            "{} {version}, {DECODERS}: {train:?} {test:?} {shape:?} {resize} {:?} {content}",
            Self::NAME,
            self.unreadable
        )
    }

    /// As `read`, with a cache of one's own.
    pub(super) fn read_with(&self, source: &Source<'_>, cache: &Cache) -> Result<Dataset, Failure> {
        let spec = source.spec;
        let folder = source.folder()?;
        let listing = Listing::of(&folder, [&self.train, &self.test])?;
        self.counts(spec, &listing)?;
        let (content, found) = self.content(source, &listing, cache)?;
        is_declared(spec, &folder, &content)?;
        let found = match found {
            Some(found) => Some(found),
            None => cache.images(&self.decides(spec, &content), source.watch)?,
        };
        let (dataset, index) = match found {
            Some(found) => found,
            None => match self.decoded(source, &listing, cache)? {
                (again, found) if again == content => found,
                _ => {
                    let place = folder.path.display();
                    return Err(format!("{place} changes while it is read: try again when it does not").into());
                }
            },
        };
        if !index.unreadable.is_empty() {
            let out = if index.unreadable.len() == 1 { "is left out" } else { "are left out" };
            source.watch.warn(&format!("data set {:?}: {}, and {out}", spec.name, told(&index.unreadable)));
        }
        Ok(dataset)
    }

    /// The content's hash: as it was noted where no file was written since. Else every file is read, and decoded on the way
    /// where what is declared is not decoded yet.
    fn content(
        &self,
        source: &Source<'_>,
        listing: &Listing,
        cache: &Cache,
    ) -> Result<(String, Option<Found>), Failure> {
        let state = listing.state();
        if let Some(content) = cache.content(&state) {
            return Ok((content, None));
        }
        let declared = source.spec.content.as_deref().unwrap_or(UNKNOWN);
        let (content, found) = match cache.images(&self.decides(source.spec, declared), source.watch)? {
            // Files that were touched or moved are only hashed. Where they are others, nothing is taken.
            Some(found) => (reading::content(source.watch, listing)?, found),
            None => self.decoded(source, listing, cache)?,
        };
        cache.note_content(&state, &content)?;
        Ok((content, Some(found)))
    }

    /// Errors where the files cannot be the declared ones: found out before they are read.
    fn counts(&self, spec: &DatasetSpec, listing: &Listing) -> Result<(), String> {
        if listing.classes.len() != spec.classes {
            let named =
                listing.classes.iter().take(NAMED).map(|class| format!("{class:?}")).collect::<Vec<_>>().join(", ");
            let more = if listing.classes.len() > NAMED { ", …" } else { "" };
            let (found, declared, part) = (listing.classes.len(), spec.classes, &self.train);
            return Err(format!("classes = {declared}, and {part}/ has the folders of {found}: {named}{more}"));
        }
        for (key, part, declared) in [("train", &self.train, spec.train), ("test", &self.test, spec.test)] {
            let found = listing.count(part);
            if found < declared || (found > declared && self.unreadable == Unreadable::Error) {
                return Err(format!("its declaration says {key} = {declared}, {part}/ holds {found}: correct `{key}`"));
            }
        }
        Ok(())
    }

    /// Decodes every image into the cache, and gives the content's hash and the images.
    fn decoded(&self, source: &Source<'_>, listing: &Listing, cache: &Cache) -> Result<(String, Found), Failure> {
        let decoding = self.decoding(source.spec);
        let image = decoding.shape.iter().product::<usize>() as u64;
        let mut writer = cache.writer(image.saturating_mul(listing.files.len() as u64))?;
        let mut index = Index { shape: decoding.shape, ..Index::default() };
        let mut kept = 0;
        let make = |bytes: &[u8]| decoding.decode(bytes);
        let content = reading::each(source.watch, ("decoding images", listing), make, |file, decoded| {
            let pixels = match decoded {
                Ok(pixels) => pixels,
                Err(why) => {
                    index.unreadable.push((file.path.clone(), why));
                    return Ok(());
                }
            };
            writer.add(&pixels)?;
            let part = if listing::is_of(&file.path, &self.train) { &mut index.train } else { &mut index.test };
            if part.labels.is_empty() {
                part.first = kept;
            }
            part.labels.push(file.class);
            kept += 1;
            Ok(())
        })?;
        if self.unreadable == Unreadable::Error && !index.unreadable.is_empty() {
            let [them, out] = if index.unreadable.len() == 1 { ["it", "it is"] } else { ["them", "they are"] };
            let remedy =
                format!("replace {them}, or allow it by `unreadable = \"skip\"` in `format`, and {out} left out");
            return Err(format!("{}: {remedy}", told(&index.unreadable)).into());
        }
        index.of = self.decides(source.spec, &content);
        Ok((content, cache.keep(writer, index)?))
    }
}

/// Errors where the folder is not the declared one, with what to write if it is what was meant.
fn is_declared(spec: &DatasetSpec, folder: &Folder, content: &str) -> Result<(), String> {
    let place = folder.path.display();
    match spec.content.as_deref() {
        Some(declared) if declared == content => Ok(()),
        None | Some(UNKNOWN) => {
            Err(format!("{place} is read. To declare what it holds, write\n  content = \"{content}\""))
        }
        Some(declared) => Err(format!(
            "{place} is not the declared folder, whose content is {declared}. If it is what you mean, write\n  \
             content = \"{content}\""
        )),
    }
}

/// Images or classes that a message names.
const NAMED: usize = 5;

/// "2 images cannot be read (train/a/1.png: …; train/b/2.png: …)".
fn told(unreadable: &[(String, String)]) -> String {
    let named: Vec<_> = unreadable.iter().take(NAMED).map(|(path, why)| format!("{path}: {why}")).collect();
    let more = if unreadable.len() > NAMED { "; …" } else { "" };
    let images = if unreadable.len() == 1 { "image" } else { "images" };
    format!("{} {images} cannot be read ({}{more})", unreadable.len(), named.join("; "))
}

//! Folders of images, a folder a class, as ImageNet has them: decoded once, and mapped into memory.

mod cache;
mod decode;
mod file;
mod listing;
mod reading;
mod taken;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use self::cache::Cache;
use self::decode::Decoding;
use super::files::is_plain;
use super::{Dataset, Failure, Format, Source};
use crate::range;
use crate::refusal::Refusal;
use crate::registry::Plugin;
use crate::spec::DatasetSpec;

/// PNG and JPEG images as `folder/train/CLASS/NAME.png`. Classes are numbered in byte order of their folders' names, and
/// examples come in byte order of their paths. Each image is resized so that its shorter side is `resize`, and the centre is
/// cut out, as torchvision evaluates. `shape` has three channels, or one: then colours become grey.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageFolder {
    /// The folder of the training images.
    #[serde(default = "train", deserialize_with = "plain")]
    #[schemars(length(min = 1))]
    pub train: String,
    /// The folder of the test images.
    #[serde(default = "val", deserialize_with = "plain")]
    #[schemars(length(min = 1))]
    pub test: String,
    /// What an image's shorter side becomes, in pixels, before the centre is cut out; if not given, the greater of height and
    /// width.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "range::some_at_least_one")]
    #[schemars(range(min = 1))]
    pub resize: Option<usize>,
    /// What happens where an image cannot be read: an error, or it is left out.
    #[serde(default)]
    pub unreadable: Unreadable,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unreadable {
    #[default]
    Error,
    Skip,
}

fn train() -> String {
    "train".into()
}

fn val() -> String {
    "val".into()
}

fn plain<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let name = String::deserialize(from)?;
    match is_plain(&name) {
        true => Ok(name),
        false => Err(D::Error::custom("it must be the name of a folder in the data set's, without a path")),
    }
}

impl Plugin for ImageFolder {
    const NAME: &'static str = "image-folder";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "PNG and JPEG images, a folder a class, as ImageNet has them";
    const SOURCE: &'static str = "torchvision's ImageFolder, Resize and CenterCrop";
    const EXAMPLE: &'static str = "resize = 256";
    const WITHOUT: &'static [&'static str] = &["file"];
}

impl Format for ImageFolder {
    fn reads_a_folder(&self) -> bool {
        true
    }

    fn fits(&self, spec: &DatasetSpec) -> Result<(), Refusal> {
        let [channels, height, width] = spec.shape;
        if ![1, 3].contains(&channels) {
            let message = format!("images have 1 channel or 3, and the declared shape {channels}");
            return Err(Refusal::new(message).help("write `shape = [3, HEIGHT, WIDTH]`, or 1 to make them grey"));
        }
        let (least, most) = (height.max(width), u16::MAX.into());
        if least > most {
            let message = format!("images of {height}×{width} are larger than any that is decoded");
            return Err(Refusal::new(message).help(format!("height and width of `shape` are {most} pixels at most")));
        }
        let resize = self.decoding(spec).resize;
        if resize < least || resize > most {
            let message = format!("an image of {height}×{width} is not cut out of one whose shorter side is {resize}");
            return Err(Refusal::of("resize", message).help(format!("from {least} to {most} pixels")));
        }
        if self.train == self.test {
            let message = format!("{:?} cannot hold both training and test images", self.test);
            return Err(Refusal::of("test", message).help("name the folder of the images that are held out"));
        }
        Ok(())
    }

    fn read(&self, source: &Source<'_>) -> Result<Dataset, Failure> {
        self.fits(source.spec).map_err(|refusal| refusal.to_string())?;
        let cache = Cache(cache::place(|name| std::env::var_os(name))?);
        self.read_with(source, &cache)
    }
}

impl ImageFolder {
    fn decoding(&self, spec: &DatasetSpec) -> Decoding {
        let [_, height, width] = spec.shape;
        Decoding { shape: spec.shape, resize: self.resize.unwrap_or(height.max(width)) }
    }
}

//! The rows of a parquet file, with the feature `parquet`.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ::parquet::column::page::Page;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{ChunkReader, FileReader};
use ::parquet::file::serialized_reader::SerializedFileReader;
use ::parquet::record::{Field, Row};
use image::{DynamicImage, ImageReader, Limits};

use super::Parquet;
use crate::dataset::parts::Part;
use crate::spec::DatasetSpec;

impl Parquet {
    /// Adds a file's rows to `part`, of which nothing is to be taken after an error.
    pub(super) fn rows(&self, content: Vec<u8>, spec: &DatasetSpec, part: &mut Part) -> Result<(), String> {
        // Parquet's reader believes what a file says of itself, and panics where that cannot be.
        let read = catch_unwind(AssertUnwindSafe(|| self.read_rows(content, spec, part)));
        read.unwrap_or_else(|panic| {
            let why = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Err(format!("it is damaged: {}", why.unwrap_or("what it says of itself cannot be")))
        })
    }

    fn read_rows(&self, content: Vec<u8>, spec: &DatasetSpec, part: &mut Part) -> Result<(), String> {
        let damaged = |e: ParquetError| format!("it is damaged, or not parquet: {e}");
        let reader = reader(Page::buffer, content).map_err(damaged)?;
        for (number, row) in reader.get_row_iter(None).map_err(damaged)?.enumerate() {
            let row = row.map_err(damaged)?;
            let add = |part: &mut Part| {
                let label = whole(column(&row, &self.label)?).ok_or(format!("`{}` is no whole number", self.label))?;
                part.label(&[label], spec).map_err(|_| {
                    format!("it is labelled {label}, classes are 0 to {}", spec.classes.saturating_sub(1))
                })?;
                let encoded = encoded(column(&row, &self.image)?).ok_or(format!("`{}` holds no bytes", self.image))?;
                image(encoded, spec, part)
            };
            add(part).map_err(|e| format!("example {number} (from 0): {e}"))?;
        }
        Ok(())
    }
}

fn column<'a>(row: &'a Row, name: &str) -> Result<&'a Field, String> {
    row.get_column_iter().find(|(column, _)| *column == name).map(|(_, field)| field).ok_or_else(|| {
        let names: Vec<_> = row.get_column_iter().map(|(name, _)| name.as_str()).collect();
        format!("there is no column `{name}`: `image` and `label` of the format are two of {}", names.join(", "))
    })
}

fn whole(field: &Field) -> Option<i64> {
    Some(match field {
        Field::Byte(n) => (*n).into(),
        Field::Short(n) => (*n).into(),
        Field::Int(n) => (*n).into(),
        Field::Long(n) => *n,
        Field::UByte(n) => (*n).into(),
        Field::UShort(n) => (*n).into(),
        Field::UInt(n) => (*n).into(),
        Field::ULong(n) => i64::try_from(*n).ok()?,
        _ => return None,
    })
}

fn encoded(field: &Field) -> Option<&[u8]> {
    match field {
        Field::Bytes(bytes) => Some(bytes.data()),
        Field::Group(row) => row.get_column_iter().find_map(|(name, field)| match field {
            Field::Bytes(bytes) if name == "bytes" => Some(bytes.data()),
            _ => None,
        }),
        _ => None,
    }
}

/// Adds an image, decoded no further than the declared size.
fn image(encoded: &[u8], spec: &DatasetSpec, part: &mut Part) -> Result<(), String> {
    let [channels, height, width] = spec.shape;
    let reader = || ImageReader::new(Cursor::new(encoded)).with_guessed_format().map_err(|e| e.to_string());
    let (found_width, found_height) = reader()?.into_dimensions().map_err(|e| format!("no PNG or JPEG: {e}"))?;
    if (found_height as usize, found_width as usize) != (height, width) {
        let found = format!("{found_height} × {found_width}");
        return Err(format!("an image of {found}, and the declaration says shape = {:?}", spec.shape));
    }
    let mut reader = reader()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(16 * (height * width) as u64 + (1 << 20));
    reader.limits(limits);
    let decoded = reader.decode().map_err(|e| format!("a damaged image: {e}"))?;
    match (channels, decoded) {
        (1, DynamicImage::ImageLuma8(grey)) => part.pixels.extend_from_slice(grey.as_raw()),
        (3, decoded) if !decoded.color().has_alpha() => {
            let colours = decoded.into_rgb8();
            (0..3).for_each(|channel| part.pixels.extend(colours.as_raw().iter().skip(channel).step_by(3)));
        }
        (_, decoded) => {
            return Err(format!(
                "an image of {:?}, and the declaration says shape = {:?}",
                decoded.color(),
                spec.shape
            ));
        }
    }
    Ok(())
}

/// A reader of what is in memory. Its type, which parquet has from a crate that is none of ours, is that of a page's bytes.
fn reader<R: From<Vec<u8>> + ChunkReader + 'static>(
    _: fn(&Page) -> &R,
    content: Vec<u8>,
) -> Result<SerializedFileReader<R>, ParquetError> {
    SerializedFileReader::new(content.into())
}

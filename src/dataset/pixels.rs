//! The bytes of a data set's images, wherever they rest.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use memmap2::Mmap;

/// One byte a pixel, image after image. Equal where the bytes are.
#[derive(Clone)]
pub struct Pixels(Held);

#[derive(Clone)]
enum Held {
    Memory(Vec<u8>),
    /// A part of a file: the system reads what is looked at, and gives it up where memory is short.
    Mapped(Arc<Mmap>, Range<usize>),
}

impl Pixels {
    /// A part of a mapped file; `None` where the file is shorter.
    pub fn mapped(file: Arc<Mmap>, part: Range<usize>) -> Option<Pixels> {
        file.get(part.clone())?;
        Some(Pixels(Held::Mapped(file, part)))
    }

    /// Whether they are in a file, and may be more than memory holds.
    pub fn are_mapped(&self) -> bool {
        matches!(self.0, Held::Mapped(..))
    }

    /// Tells the system that these bytes are to be read now, so that it need not wait for each of its pages.
    pub fn expect(&self, bytes: Range<usize>) {
        if let Held::Mapped(file, part) = &self.0 {
            expect(file, part.start + bytes.start, bytes.len());
        }
    }
}

/// Where it cannot be said, reading is only slower.
#[cfg(unix)]
fn expect(file: &Mmap, start: usize, len: usize) {
    let _ = file.advise_range(memmap2::Advice::WillNeed, start, len);
}

#[cfg(not(unix))]
fn expect(_: &Mmap, _: usize, _: usize) {}

impl Deref for Pixels {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Held::Memory(bytes) => bytes,
            Held::Mapped(file, part) => &file[part.clone()],
        }
    }
}

impl From<Vec<u8>> for Pixels {
    fn from(bytes: Vec<u8>) -> Pixels {
        Pixels(Held::Memory(bytes))
    }
}

impl PartialEq for Pixels {
    fn eq(&self, other: &Pixels) -> bool {
        **self == **other
    }
}

impl Eq for Pixels {}

impl fmt::Debug for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

//! Reading an archive that may mean harm: no more than is allowed, and no more than so many times its own size.

use std::cell::{Cell, RefCell};
use std::io::{BufRead, BufReader, Error, Read};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::bufread::GzDecoder;

use crate::dataset::Failure;

/// What an archive may grow to, a byte of it: text and masked weights stay far below.
const RATIO: u64 = 200;

/// So little harms nobody.
const LITTLE: u64 = 64 << 20;

/// Whether so few bytes become so many that it is no honest pack.
pub fn is_a_bomb(archive: u64, unpacked: u64) -> bool {
    unpacked > LITTLE && unpacked / RATIO > archive
}

/// The decompressed bytes of an archive. Why reading ended early is kept, for those who asked are told less.
pub struct Bounded<'a, R: Read> {
    decoder: GzDecoder<BufReader<Counted<R>>>,
    read: Rc<Cell<u64>>,
    given: u64,
    limit: u64,
    stop: &'a AtomicBool,
    why: Rc<RefCell<Option<Failure>>>,
}

impl<'a, R: Read> Bounded<'a, R> {
    /// At most `limit` bytes.
    pub fn new(archive: R, limit: u64, stop: &'a AtomicBool) -> Bounded<'a, R> {
        let read = Rc::new(Cell::new(0));
        let counted = Counted { reader: archive, read: read.clone() };
        Bounded { decoder: GzDecoder::new(BufReader::new(counted)), read, given: 0, limit, stop, why: Rc::default() }
    }

    /// Where it is kept why reading ended.
    pub fn why(&self) -> Rc<RefCell<Option<Failure>>> {
        self.why.clone()
    }

    /// Whether anything follows the archive's end.
    pub fn has_more(mut self) -> std::io::Result<bool> {
        Ok(!self.decoder.get_mut().fill_buf()?.is_empty())
    }

    fn end(&self, why: Failure) -> std::io::Result<usize> {
        let told = why.to_string();
        *self.why.borrow_mut() = Some(why);
        Err(Error::other(told))
    }
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return self.end(Failure::Interrupted);
        }
        let n = self.decoder.read(buffer)?;
        self.given += n as u64;
        if self.given > self.limit {
            return self.end(too_large(self.limit));
        }
        if is_a_bomb(self.read.get(), self.given) {
            let why = format!("it grows to more than {RATIO} times its size, as no honest pack does");
            return self.end(Failure::Wrong(format!("{why}: do not trust it")));
        }
        Ok(n)
    }
}

/// What an archive that is larger than allowed ends with.
pub fn too_large(limit: u64) -> Failure {
    let why = format!("it holds more than {limit} bytes");
    Failure::Wrong(format!("{why}: if you trust who sent it, allow more by `--limit SIZE`, as 100GiB"))
}

struct Counted<R> {
    reader: R,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.read.set(self.read.get() + n as u64);
        Ok(n)
    }
}

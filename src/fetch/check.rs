//! A file's bytes held against its declaration while they come.

use std::io::{BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::Download;

/// Pieces that may wait for the checker.
const WAITING: usize = 8;

/// Reads what it is given as a run would read the file, on a thread of its own.
pub struct Checker {
    pieces: SyncSender<Vec<u8>>,
    verdict: JoinHandle<Result<(), String>>,
}

impl Checker {
    pub fn begin(download: &Download) -> Checker {
        let (pieces, come) = sync_channel(WAITING);
        let (download, come) = (download.clone(), Arc::new(Mutex::new(come)));
        let verdict = std::thread::spawn(move || {
            download.check(Pieces { come: come.clone(), piece: Vec::new(), at: 0 })?;
            // It may know that all is right before the end, as of an archive whose last files nobody needs.
            while next(&come).is_some() {}
            Ok(())
        });
        Checker { pieces, verdict }
    }

    /// Takes the next bytes; false where it needs no more to say what is wrong.
    pub fn take(&self, bytes: &[u8]) -> bool {
        self.pieces.send(bytes.to_vec()).is_ok()
    }

    /// What it says of all that it was given.
    pub fn end(self) -> Result<(), String> {
        drop(self.pieces);
        self.verdict.join().unwrap_or_else(|_| Err("it cannot be checked".into()))
    }
}

fn next(come: &Mutex<Receiver<Vec<u8>>>) -> Option<Vec<u8>> {
    come.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).recv().ok()
}

/// Pieces from another thread, as one reader. It ends where nobody sends any more.
struct Pieces {
    come: Arc<Mutex<Receiver<Vec<u8>>>>,
    piece: Vec<u8>,
    at: usize,
}

impl BufRead for Pieces {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        while self.at == self.piece.len() {
            let Some(piece) = next(&self.come) else { return Ok(&[]) };
            (self.piece, self.at) = (piece, 0);
        }
        Ok(&self.piece[self.at..])
    }

    fn consume(&mut self, bytes: usize) {
        self.at += bytes;
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let held = self.fill_buf()?;
        let bytes = held.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&held[..bytes]);
        self.consume(bytes);
        Ok(bytes)
    }
}

//! One request and what comes back, over http or https. Only here is a network read.
//!
//! It goes on a thread of its own, so that neither a silent server nor one that is slow to be found keeps a Ctrl-C
//! waiting.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, Response, header};
use ureq::{Agent, Body};

use super::GLANCE;

/// Pieces of a body that may wait to be written.
const WAITING: usize = 4;
const PIECE: usize = 64 << 10;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    pub address: String,
    /// The first byte to send.
    pub from: u64,
    /// By which the server tells whether it has still the file that the bytes before `from` are of.
    pub validator: Option<String>,
}

/// What a server says before a file's bytes.
#[derive(Clone, Debug)]
pub struct Head {
    pub status: u16,
    /// The status in words, as "404 Not Found".
    pub reason: String,
    /// The file's bytes in all, where it says them.
    pub total: Option<u64>,
    /// The first byte that it sends.
    pub from: u64,
    pub validator: Option<String>,
    /// Where a redirect leads.
    pub location: Option<String>,
}

/// A part of what comes back.
pub enum Piece {
    Head(Head),
    Bytes(Vec<u8>),
    End,
    /// The connection failed.
    Lost(String),
}

/// Why nothing comes.
#[derive(Debug)]
pub enum Silence {
    Stalled,
    Interrupted,
}

/// A request under way. Once dropped, it ends with the next byte that comes, or with none for a while.
pub struct Exchange {
    pieces: Receiver<Piece>,
    stall: Duration,
}

impl Exchange {
    pub fn begin(request: &Request, stall: Duration) -> Exchange {
        let (sender, pieces) = sync_channel(WAITING);
        let request = request.clone();
        std::thread::spawn(move || {
            let last = exchange(&request, stall, &sender).map_or_else(Piece::Lost, |()| Piece::End);
            // Nobody may be there to hear it.
            let _ = sender.send(last);
        });
        Exchange { pieces, stall }
    }

    /// The next part of the answer.
    pub fn next(&self, stop: &AtomicBool) -> Result<Piece, Silence> {
        let until = Instant::now() + self.stall;
        loop {
            if stop.load(Ordering::Relaxed) {
                return Err(Silence::Interrupted);
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.pieces.recv_timeout(left.min(GLANCE)) {
                Ok(piece) => return Ok(piece),
                Err(RecvTimeoutError::Timeout) if left.is_zero() => return Err(Silence::Stalled),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(Piece::Lost("the connection was lost".into())),
            }
        }
    }
}

/// Sends what comes, until it ends or nobody takes it.
fn exchange(request: &Request, stall: Duration, sender: &SyncSender<Piece>) -> Result<(), String> {
    let response = ask(request, stall).map_err(|e| said(&e))?;
    if sender.send(Piece::Head(head(&response))).is_err() {
        return Ok(());
    }
    let mut body = response.into_body().into_reader();
    loop {
        let mut bytes = vec![0; PIECE];
        let read = body.read(&mut bytes).map_err(|e| said(&ureq::Error::from(e)))?;
        bytes.truncate(read);
        if read == 0 || sender.send(Piece::Bytes(bytes)).is_err() {
            return Ok(());
        }
    }
}

/// The answer to one request. No redirect is followed, no status is an error, and nothing is decompressed.
fn ask(request: &Request, stall: Duration) -> Result<Response<Body>, ureq::Error> {
    // Whoever waits looks at the clock; these only end the thread.
    let patience = Some(2 * stall);
    let config = Agent::config_builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent(concat!("tombola/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(patience)
        .timeout_connect(patience)
        .timeout_recv_response(patience)
        .timeout_per_read(patience)
        .timeout_per_write(patience)
        .build();
    let mut get = Agent::new_with_config(config).get(&request.address).header(header::ACCEPT_ENCODING, "identity");
    if request.from > 0 {
        get = get.header(header::RANGE, format!("bytes={}-", request.from));
        if let Some(validator) = &request.validator {
            get = get.header(header::IF_RANGE, validator);
        }
    }
    get.call()
}

fn head(response: &Response<Body>) -> Head {
    let (status, headers) = (response.status(), response.headers());
    let ranged = (status == 206).then(|| text(headers, header::CONTENT_RANGE).and_then(range)).flatten();
    Head {
        status: status.as_u16(),
        reason: status.to_string(),
        total: ranged.map_or_else(|| response.body().content_length(), |(_, total)| total),
        from: ranged.map_or(0, |(from, _)| from),
        validator: validator(headers),
        location: text(headers, header::LOCATION).map(str::to_string),
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// What tells this content from another of the same address: a strong ETag, or the time of its last change.
fn validator(headers: &HeaderMap) -> Option<String> {
    let strong = text(headers, header::ETAG).filter(|tag| tag.starts_with('"'));
    strong.or_else(|| text(headers, header::LAST_MODIFIED)).map(str::to_string)
}

/// First byte and total of "bytes 10-99/100".
fn range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.trim().parse().ok()?, total.trim().parse().ok()))
}

/// An error of the network in words.
fn said(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "the host's name is not known".into(),
        ureq::Error::BadUri(why) => format!("it is no address of a file: {why}"),
        ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => "the connection ended too early".into(),
        ureq::Error::Io(e) => e.to_string(),
        ureq::Error::Timeout(_) => "it does not answer".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_says_where_it_begins_and_of_how_many_bytes() {
        assert_eq!(range("bytes 10-99/100"), Some((10, Some(100))));
        assert_eq!(range("bytes 10-99/*"), Some((10, None)));
        for wrong in ["", "bytes */100", "items 1-2/3", "bytes -1-2/3", "bytes 10-99"] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_weak_tag_vouches_for_no_bytes() {
        let headers = |pairs: &[(header::HeaderName, &str)]| {
            pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect::<HeaderMap>()
        };
        let day = "Sat, 01 Jan 2000 00:00:00 GMT";
        assert_eq!(
            validator(&headers(&[(header::ETAG, "\"a\""), (header::LAST_MODIFIED, day)])).as_deref(),
            Some("\"a\"")
        );
        assert_eq!(
            validator(&headers(&[(header::ETAG, "W/\"a\""), (header::LAST_MODIFIED, day)])).as_deref(),
            Some(day)
        );
        assert_eq!(validator(&headers(&[(header::ETAG, "W/\"a\"")])), None);
    }
}

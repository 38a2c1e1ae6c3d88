//! One mirror is asked for one file: it goes on where an earlier download ended, and what is wrong is deleted.

use super::check::Checker;
use super::exchange::{Exchange, Head, Piece, Request, Silence};
use super::part::{Origin, Part};
use super::{Download, Fetch, redirect};

/// Redirects that are followed for one file.
const REDIRECTS: usize = 5;

pub struct Attempt<'a> {
    pub fetch: &'a Fetch<'a>,
    pub file: &'a Download,
    pub address: String,
}

/// Why a mirror did not give the file.
#[derive(Debug)]
pub enum Failed {
    /// It may yet give it.
    Lost(String),
    /// It will not.
    Refused(String),
    /// It might, if what came before were not there; that is deleted.
    Stale(String),
    /// Nothing can be written or read here.
    Here(String),
    Interrupted,
}

/// An answer that brings bytes.
struct Answer {
    exchange: Exchange,
    head: Head,
}

impl Attempt<'_> {
    /// Fills the part with the declared file.
    pub fn run(&self, part: &mut Part) -> Result<(), Failed> {
        if part.len() > 0 {
            match self.on(part) {
                Err(Failed::Stale(why)) => self.fetch.watch.said(&format!("{}: {why}: beginning anew", self.address)),
                result => return result,
            }
        }
        self.anew(part)
    }

    /// Goes on after the part's last byte. What comes of it may be wrong because of what was there before, and then
    /// blames nobody.
    fn on(&self, part: &mut Part) -> Result<(), Failed> {
        if part.is_whole() {
            let checker = self.begun(part)?;
            return self.judged(checker, part, false);
        }
        let same = part.origin.address == self.address;
        let validator = part.origin.validator.clone().filter(|_| same);
        // Another mirror's bytes go on from these where both announce the same length; the checksum has the last word.
        if validator.is_none() && part.origin.total.is_none() {
            return self.stale(part, "nothing says of which file the bytes are that came before");
        }
        let request = Request { address: self.address.clone(), from: part.len(), validator };
        let Answer { exchange, head } = self.ask(request)?;
        match head.status {
            206 if head.from == part.len() && self.goes_on(part, &head) => {}
            206 | 416 => return self.stale(part, "the bytes that came before are of another file"),
            200 => return self.receive(exchange, &head, part, true),
            _ => return Err(refused(&head)),
        }
        self.receive(exchange, &head, part, false)
    }

    /// Whether what an answer brings is of the file of which the part is the beginning, as far as it says.
    fn goes_on(&self, part: &Part, head: &Head) -> bool {
        let told = |one: &Option<String>, other: &Option<String>| one.is_none() || other.is_none() || one == other;
        let same = part.origin.address != self.address || told(&part.origin.validator, &head.validator);
        same && (head.total == part.origin.total || (head.total.is_none() && part.origin.validator.is_some()))
    }

    fn anew(&self, part: &mut Part) -> Result<(), Failed> {
        let Answer { exchange, head } =
            self.ask(Request { address: self.address.clone(), from: 0, validator: None })?;
        match head.status {
            200 => self.receive(exchange, &head, part, true),
            _ => Err(refused(&head)),
        }
    }

    /// The answer of the server to which redirects lead.
    fn ask(&self, mut request: Request) -> Result<Answer, Failed> {
        for _ in 0..=REDIRECTS {
            let exchange = Exchange::begin(&request, self.fetch.stall);
            let head = match self.next(&exchange)? {
                Piece::Head(head) => head,
                Piece::Lost(why) => return Err(Failed::Lost(why)),
                Piece::Bytes(_) | Piece::End => return Err(Failed::Lost("it does not answer".into())),
            };
            match (head.status, &head.location) {
                (301 | 302 | 303 | 307 | 308, Some(location)) => {
                    request.address = redirect::target(&request.address, location).map_err(Failed::Refused)?;
                }
                _ => return Ok(Answer { exchange, head }),
            }
        }
        Err(Failed::Refused(format!("it redirects more than {REDIRECTS} times")))
    }

    /// Writes and checks what comes; `anew` where it is the file's beginning.
    fn receive(&self, exchange: Exchange, head: &Head, part: &mut Part, anew: bool) -> Result<(), Failed> {
        let most = self.file.most();
        if let Some(total) = head.total.filter(|total| *total > most) {
            let declared = self.file.bytes();
            let why = format!("it announces {total} bytes, more than the declared {declared} bytes take");
            return Err(Failed::Refused(why));
        }
        if anew {
            let origin = Origin { address: self.address.clone(), validator: head.validator.clone(), total: head.total };
            part.begin(origin).map_err(Failed::Here)?;
        }
        let watch = self.fetch.watch;
        watch.began(&self.file.name, part.len(), head.total);
        let received = self.begun(part).and_then(|checker| {
            let all = self.bytes(&exchange, &checker, part, most)?;
            Ok((checker, all))
        });
        watch.ended();
        let (checker, all) = received?;
        match head.total {
            Some(total) if all && part.len() < total => {
                Err(Failed::Lost(format!("the connection ended after {} of {total} bytes", part.len())))
            }
            _ => self.judged(checker, part, anew),
        }
    }

    /// A checker that has read what is there.
    fn begun(&self, part: &mut Part) -> Result<Checker, Failed> {
        let checker = Checker::begin(self.file);
        part.read(|bytes| checker.take(bytes)).map_err(Failed::Here)?;
        Ok(checker)
    }

    /// Takes bytes until they end; false where nobody needs more of them to know that they are wrong.
    fn bytes(&self, exchange: &Exchange, checker: &Checker, part: &mut Part, most: u64) -> Result<bool, Failed> {
        loop {
            match self.next(exchange)? {
                Piece::Bytes(bytes) => {
                    part.add(&bytes).map_err(Failed::Here)?;
                    self.fetch.watch.advanced(part.len());
                    if !checker.take(&bytes) || part.len() > most {
                        return Ok(false);
                    }
                }
                Piece::Lost(why) => return Err(Failed::Lost(why)),
                Piece::Head(_) | Piece::End => return Ok(true),
            }
        }
    }

    /// What is wrong goes.
    fn judged(&self, checker: Checker, part: &mut Part, anew: bool) -> Result<(), Failed> {
        let verdict = match part.len() > self.file.most() {
            true => Err(format!("it sends more than the declared {} bytes take", self.file.bytes())),
            false => checker.end(),
        };
        let Err(why) = verdict else { return Ok(()) };
        let why = format!("{why}; it is deleted");
        if !anew {
            return self.stale(part, &why);
        }
        part.begin(Origin::default()).map_err(Failed::Here)?;
        Err(Failed::Refused(why))
    }

    /// Deletes what came before.
    fn stale(&self, part: &mut Part, why: &str) -> Result<(), Failed> {
        part.begin(Origin::default()).map_err(Failed::Here)?;
        Err(Failed::Stale(why.into()))
    }

    fn next(&self, exchange: &Exchange) -> Result<Piece, Failed> {
        exchange.next(self.fetch.stop).map_err(|silence| match silence {
            Silence::Interrupted => Failed::Interrupted,
            Silence::Stalled => {
                Failed::Lost(format!("it stalled: no byte came in {} s", self.fetch.stall.as_secs_f32()))
            }
        })
    }
}

/// A server that is busy or broken may be well again.
fn refused(head: &Head) -> Failed {
    match head.status {
        408 | 425 | 429 | 500.. => Failed::Lost(format!("it says {}", head.reason)),
        _ => Failed::Refused(format!("it says {}", head.reason)),
    }
}

//! A mirror on this machine, as honest or not as a test wants it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request, as far as anything depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub path: String,
    /// The first byte that is asked for.
    pub from: Option<usize>,
    pub if_range: Option<String>,
    /// How many were before it.
    pub number: usize,
}

/// What is sent back before the connection is closed.
#[derive(Clone, Debug)]
pub struct Answer {
    head: String,
    body: Vec<u8>,
    then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Then {
    Close,
    /// Nothing more comes, and nothing is closed.
    Stall,
    /// The body again and again.
    Repeat,
}

impl Answer {
    /// A status and headers, each with its line's end: "200 OK\r\nETag: \"a\"\r\n".
    pub fn new(head: &str, body: &[u8], then: Then) -> Answer {
        Answer { head: head.trim_end().to_string(), body: body.to_vec(), then }
    }

    pub fn status(status: &str) -> Answer {
        Answer::whole(status, b"no such luck")
    }

    pub fn redirect(to: &str) -> Answer {
        Answer::new(&format!("302 Found\r\nLocation: {to}\r\nContent-Length: 0"), b"", Then::Close)
    }

    /// All of it, with what else the head says.
    pub fn whole(head: &str, content: &[u8]) -> Answer {
        Answer::new(&format!("{head}\r\nContent-Length: {}", content.len()), content, Then::Close)
    }

    /// Announced whole, of which only some comes.
    pub fn cut(self, after: usize, then: Then) -> Answer {
        Answer { body: self.body[..after].to_vec(), then, ..self }
    }

    /// What a good server sends of a content that has an ETag.
    pub fn of(content: &[u8], tag: &str, asked: &Asked) -> Answer {
        let tag = format!("\"{tag}\"");
        match asked.from.filter(|_| asked.if_range.as_ref().is_none_or(|same| *same == tag)) {
            Some(from) => Answer::range(content, from, &format!("ETag: {tag}")),
            None => Answer::whole(&format!("200 OK\r\nETag: {tag}"), content),
        }
    }

    pub fn range(content: &[u8], from: usize, header: &str) -> Answer {
        let (last, total) = (content.len() - 1, content.len());
        let head = format!("206 Partial Content\r\n{header}\r\nContent-Range: bytes {from}-{last}/{total}");
        Answer::whole(&head, &content[from..])
    }

    fn send(&self, mut to: TcpStream) -> std::io::Result<()> {
        write!(to, "HTTP/1.1 {}\r\nConnection: close\r\n\r\n", self.head)?;
        to.write_all(&self.body)?;
        // Until the other end has enough of it.
        match self.then {
            Then::Repeat => loop {
                to.write_all(&self.body)?;
            },
            Then::Stall => {
                to.set_read_timeout(Some(Duration::from_secs(60)))?;
                to.read(&mut [0]).map(|_| ())
            }
            Then::Close => Ok(()),
        }
    }
}

pub struct Server {
    pub address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers until the tests end.
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/letters/", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let heard = asked.clone();
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, heard, answer) = (stream.unwrap(), heard.clone(), answer.clone());
                std::thread::spawn(move || {
                    let mut request = read(&stream);
                    let mut heard = heard.lock().unwrap();
                    request.number = heard.len();
                    heard.push(request.clone());
                    drop(heard);
                    // Whoever asked may be gone.
                    let _ = answer(&request).send(stream);
                });
            }
        });
        Server { address, asked }
    }

    /// A good server of one content.
    pub fn of(content: &[u8]) -> Server {
        let content = content.to_vec();
        Server::start(move |asked| Answer::of(&content, "a", asked))
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The first bytes that were asked for, request by request.
    pub fn asked_from(&self) -> Vec<Option<usize>> {
        self.asked().iter().map(|asked| asked.from).collect()
    }
}

fn read(stream: &TcpStream) -> Asked {
    let mut asked = Asked::default();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("GET ") {
            asked.path = rest.split(' ').next().unwrap().to_string();
        }
        let Some((name, value)) = line.split_once(": ") else { continue };
        match name.to_ascii_lowercase().as_str() {
            "range" => asked.from = value.strip_prefix("bytes=").and_then(|v| v.strip_suffix('-')?.parse().ok()),
            "if-range" => asked.if_range = Some(value.to_string()),
            _ => {}
        }
    }
    asked
}

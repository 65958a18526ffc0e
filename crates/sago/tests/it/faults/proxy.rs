//! A bad way to the S3 server: a proxy that is slow, answers with errors, cuts connections, hides what is new from listings, or gives half.
//!
//! Requests are signed over their headers and path, which pass unchanged; only answers are altered, or do not come.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::cast::Seeded;

/// What is wrong with the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Nothing.
    Good,
    /// Each request waits up to this many milliseconds.
    Slow(u64),
    /// So many of a thousand requests are answered `503 SlowDown` or `500 InternalError` and not passed on.
    Errors(u64),
    /// So many of a thousand requests are cut off before the server has them.
    CutBefore(u64),
    /// So many of a thousand are cut off when the server has done them and nobody was told.
    CutAfter(u64),
    /// Listings leave out what was written less than so many milliseconds ago.
    Late(u64),
    /// So many of a thousand answers end in their middle.
    Half(u64),
    /// The server keeps to `If-None-Match`, which Garage does not.
    Conditions,
}

struct State {
    way: Way,
    random: Seeded,
    /// When a name was written, by its path in the address.
    written: HashMap<String, Instant>,
    /// Requests that something was done to.
    hit: u64,
}

/// The proxy. Ends with the value.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    is_over: Arc<AtomicBool>,
}

impl Proxy {
    /// A good way to the server of this test run.
    pub fn new(seed: u64) -> Self {
        let server: SocketAddr = crate::pairs::server("AWS_ENDPOINT_URL").strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { way: Way::Good, random: Seeded(seed), written: HashMap::new(), hit: 0 }));
        let is_over = Arc::new(AtomicBool::new(false));
        let (shared, over) = (state.clone(), is_over.clone());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let (client, state) = (client.unwrap(), shared.clone());
                // A connection that breaks is what this is for.
                std::thread::spawn(move || drop(carry(&client, server, &state)));
            }
        });
        Self { address, state, is_over }
    }

    /// What stands in `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes the way another; answers how many requests were hit since the last time.
    pub fn set(&self, way: Way) -> u64 {
        let mut state = self.state.lock().unwrap();
        state.way = way;
        std::mem::take(&mut state.hit)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

/// A request or an answer: its first line, its headers, its body.
struct Message {
    first: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Message {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn head(&self) -> String {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("{}\r\n{headers}\r\n", self.first)
    }

    /// Reads one; `has_body` is false for answers that only announce one.
    fn read(from: &mut BufReader<TcpStream>, has_body: bool) -> std::io::Result<Option<Self>> {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut message = Self { first: line.trim_end().to_owned(), headers: Vec::new(), body: Vec::new() };
        loop {
            let mut line = String::new();
            from.read_line(&mut line)?;
            match line.trim_end().split_once(':') {
                Some((name, value)) => message.headers.push((name.to_owned(), value.trim().to_owned())),
                None => break,
            }
        }
        if !has_body {
            return Ok(Some(message));
        }
        if message.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            loop {
                let mut size = String::new();
                from.read_line(&mut size)?;
                let size = usize::from_str_radix(size.trim(), 16).map_err(std::io::Error::other)?;
                let mut piece = vec![0; size + 2];
                from.read_exact(&mut piece)?;
                if size == 0 {
                    break;
                }
                message.body.extend_from_slice(&piece[..size]);
            }
            message.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("transfer-encoding"));
            message.headers.push(("Content-Length".to_owned(), message.body.len().to_string()));
        } else if let Some(length) = message.header("content-length").and_then(|length| length.parse().ok()) {
            message.body = vec![0; length];
            from.read_exact(&mut message.body)?;
        }
        Ok(Some(message))
    }

    fn set_body(&mut self, body: Vec<u8>) {
        self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        self.headers.push(("Content-Length".to_owned(), body.len().to_string()));
        self.body = body;
    }
}

/// What happens to one request.
enum Fate {
    Pass,
    Answer(&'static str, &'static str),
    CutBefore,
    CutAfter,
    Half,
}

fn fate(state: &mut State, request: &Message) -> Fate {
    let mut is_hit = |share: u64| state.random.below(1_000) < share;
    let fate = match state.way {
        Way::Errors(share) if is_hit(share) => {
            if state.random.below(2) == 0 {
                Fate::Answer("503 Slow Down", "SlowDown")
            } else {
                Fate::Answer("500 Internal Server Error", "InternalError")
            }
        }
        Way::CutBefore(share) if is_hit(share) => Fate::CutBefore,
        Way::CutAfter(share) if is_hit(share) => Fate::CutAfter,
        Way::Half(share) if request.first.starts_with("GET") && is_hit(share) => Fate::Half,
        Way::Conditions if request.header("if-none-match") == Some("*") && state.written.contains_key(path(request)) => {
            Fate::Answer("412 Precondition Failed", "PreconditionFailed")
        }
        _ => return Fate::Pass,
    };
    state.hit += 1;
    fate
}

fn path(request: &Message) -> &str {
    request.first.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default()
}

fn carry(client: &TcpStream, server: SocketAddr, state: &Mutex<State>) -> std::io::Result<()> {
    let mut requests = BufReader::new(client.try_clone()?);
    let mut back = client;
    let upstream = TcpStream::connect(server)?;
    for stream in [client, &upstream] {
        stream.set_nodelay(true)?;
    }
    let mut answers = BufReader::new(upstream.try_clone()?);
    while let Some(request) = Message::read(&mut requests, true)? {
        let method = request.first.split(' ').next().unwrap_or_default().to_owned();
        let (fate, pause) = {
            let mut state = state.lock().unwrap();
            let pause = match state.way {
                Way::Slow(most) => {
                    state.hit += 1;
                    state.random.below(most)
                }
                _ => 0,
            };
            (fate(&mut state, &request), pause)
        };
        std::thread::sleep(Duration::from_millis(pause));
        match fate {
            Fate::CutBefore => return client.shutdown(Shutdown::Both),
            Fate::Answer(status, code) => {
                let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>as it happens</Message></Error>");
                let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n", body.len());
                back.write_all(&[head.as_bytes(), if method == "HEAD" { b"" } else { body.as_bytes() }].concat())?;
                continue;
            }
            _ => {}
        }
        (&upstream).write_all(&[request.head().as_bytes(), &request.body].concat())?;
        let Some(mut answer) = Message::read(&mut answers, method != "HEAD")? else { return client.shutdown(Shutdown::Both) };
        let is_well = answer.first.contains(" 20");
        {
            let mut state = state.lock().unwrap();
            match method.as_str() {
                "PUT" if is_well => drop(state.written.insert(path(&request).to_owned(), Instant::now())),
                "DELETE" if is_well => drop(state.written.remove(path(&request))),
                "GET" if is_well && request.first.contains("list-type=2") => {
                    if let Way::Late(late) = state.way
                        && let Some(body) = without_young(&mut state, Duration::from_millis(late), &answer.body, path(&request))
                    {
                        answer.set_body(body);
                    }
                }
                _ => {}
            }
        }
        match fate {
            Fate::CutAfter => return client.shutdown(Shutdown::Both),
            Fate::Half => {
                back.write_all(&[answer.head().as_bytes(), &answer.body[..answer.body.len() / 2]].concat())?;
                return client.shutdown(Shutdown::Both);
            }
            _ => back.write_all(&[answer.head().as_bytes(), &answer.body].concat())?,
        }
    }
    Ok(())
}

/// A listing without the entries that are young, and without folders all of whose entries are.
fn without_young(state: &mut State, late: Duration, body: &[u8], bucket: &str) -> Option<Vec<u8>> {
    let is_young = |path: &str| state.written.get(path).is_some_and(|at| at.elapsed() < late);
    let mut text = String::from_utf8(body.to_vec()).ok()?;
    let mut hidden = 0;
    for (open, close, inner) in [("<Contents>", "</Contents>", "Key"), ("<CommonPrefixes>", "</CommonPrefixes>", "Prefix")] {
        let mut kept = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find(open) {
            let end = at + rest[at..].find(close)? + close.len();
            let entry = &rest[at..end];
            let name = entry.split_once(&format!("<{inner}>"))?.1.split_once(&format!("</{inner}>"))?.0;
            let full = format!("{}/{name}", bucket.trim_end_matches('/'));
            let is_hidden = if inner == "Key" {
                is_young(&full)
            } else {
                let mut below = state.written.keys().filter(|path| path.starts_with(&full)).peekable();
                below.peek().is_some() && below.all(|path| is_young(path))
            };
            kept.push_str(&rest[..at]);
            if is_hidden {
                hidden += 1;
            } else {
                kept.push_str(entry);
            }
            rest = &rest[end..];
        }
        kept.push_str(rest);
        text = kept;
    }
    state.hit += hidden;
    (hidden > 0).then(|| text.into_bytes())
}

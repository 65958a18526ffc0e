//! What the walled process does: put up the walls, be told what to read, read it, tell.

use std::cell::RefCell;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use sago_formats::{Child, Part, Request, Sink, Source, Stop, Summary, Taken};

use crate::frame::{self, Kind, Order, PIECE_BYTES};
use crate::walls;

/// What was told waits until there is so much of it.
const WAITING_BYTES: usize = 32 << 10;

/// Or for so long.
const WAITING: Duration = Duration::from_millis(1);

/// The child's side: reads one order from the standard input, answers on the standard output, and ends.
///
/// To be called by a program that was started for nothing else, before it has opened anything.
pub fn serve() -> ExitCode {
    serve_with(sago_formats::read)
}

/// What reads a file.
pub type ReadFile = fn(Request<'_, '_>, &mut dyn Sink) -> io::Result<Summary>;

/// The same with another reader: for tests of the walls.
pub fn serve_with(reader: ReadFile) -> ExitCode {
    let output = BufWriter::with_capacity(WAITING_BYTES, io::stdout().lock());
    let line = Line { input: io::stdin().lock(), output, flushed: Instant::now() };
    match converse(Rc::new(RefCell::new(line)), reader) {
        Ok(()) => ExitCode::SUCCESS,
        // The parent is gone or does not listen: there is nobody to tell.
        Err(_) => ExitCode::FAILURE,
    }
}

struct Line {
    input: io::StdinLock<'static>,
    output: BufWriter<io::StdoutLock<'static>>,
    flushed: Instant,
}

impl Line {
    fn say(&mut self, kind: Kind, payload: &[u8]) -> io::Result<()> {
        frame::write(&mut self.output, kind, payload)?;
        // A crash loses what was told in the last moment only.
        if self.flushed.elapsed() > WAITING { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed = Instant::now();
        self.output.flush()
    }

    fn hear(&mut self, expected: Kind) -> io::Result<Vec<u8>> {
        self.flush()?;
        match frame::read(&mut self.input)? {
            (kind, payload) if kind == expected => Ok(payload),
            _ => Err(io::Error::other("the parent said something else than was asked for")),
        }
    }
}

type Shared = Rc<RefCell<Line>>;

fn converse(line: Shared, reader: ReadFile) -> io::Result<()> {
    let order = line.borrow_mut().hear(Kind::Order)?;
    let order: Order = serde_json::from_slice(&order)?;
    let standing = walls::put_up(order.memory_bytes, order.processor_seconds);
    line.borrow_mut().say(Kind::Standing, &serde_json::to_vec(&standing)?)?;
    if !standing.is_whole() && !order.may_stand_open {
        return line.borrow_mut().flush();
    }
    let mut remote = Remote { line: Rc::clone(&line), size_bytes: order.size_bytes, at: 0, piece: Vec::new(), piece_at: 0 };
    let mut source = Source::new(&mut remote)?;
    let mut teller = Teller { line: Rc::clone(&line) };
    match reader(Request { source: &mut source, name: &order.name, limits: &order.limits }, &mut teller) {
        Ok(_) => line.borrow_mut().say(Kind::Done, &[])?,
        Err(error) => line.borrow_mut().say(Kind::Failed, error.to_string().as_bytes())?,
    }
    line.borrow_mut().flush()
}

/// The file, asked for piece by piece.
struct Remote {
    line: Shared,
    size_bytes: u64,
    at: u64,
    piece: Vec<u8>,
    piece_at: u64,
}

impl Read for Remote {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.at >= self.size_bytes {
            return Ok(0);
        }
        let in_piece = self.at.checked_sub(self.piece_at).and_then(|skip| usize::try_from(skip).ok()).filter(|skip| *skip < self.piece.len());
        let skip = match in_piece {
            Some(skip) => skip,
            None => {
                self.fetch()?;
                0
            }
        };
        let from = self.piece.get(skip..).unwrap_or_default();
        let count = from.len().min(buffer.len());
        buffer[..count].copy_from_slice(&from[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Remote {
    fn fetch(&mut self) -> io::Result<()> {
        // Whoever reads on gets more at once than whoever jumps about.
        let reads_on = !self.piece.is_empty() && self.at == self.piece_at + self.piece.len() as u64;
        let count = if reads_on { PIECE_BYTES } else { PIECE_BYTES / 8 };
        let mut payload = self.at.to_be_bytes().to_vec();
        payload.extend((count as u32).to_be_bytes());
        let mut line = self.line.borrow_mut();
        line.say(Kind::Need, &payload)?;
        self.piece = line.hear(Kind::Bytes)?;
        self.piece_at = self.at;
        if self.piece.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

impl Seek for Remote {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let at = match position {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size_bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// Tells the parent.
struct Teller {
    line: Shared,
}

impl Sink for Teller {
    fn part(&mut self, part: Part) -> Result<(), Stop> {
        let payload = serde_json::to_vec(&part).map_err(io::Error::other)?;
        Ok(self.line.borrow_mut().say(Kind::Part, &payload)?)
    }

    fn child(&mut self, child: Child, bytes: &mut dyn Read) -> Result<Taken, Stop> {
        let payload = serde_json::to_vec(&child).map_err(io::Error::other)?;
        self.line.borrow_mut().say(Kind::Child, &payload)?;
        let mut piece = vec![0; PIECE_BYTES];
        let mut count = 0;
        // The line is free while the bytes are read: they come from the file, piece by piece.
        let end = loop {
            match bytes.read(&mut piece) {
                Ok(0) => break String::new(),
                Ok(read) => {
                    count += read as u64;
                    self.line.borrow_mut().say(Kind::Content, &piece[..read])?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break error.to_string(),
            }
        };
        let mut line = self.line.borrow_mut();
        line.say(Kind::ContentEnd, end.as_bytes())?;
        match line.hear(Kind::Taken)?.as_slice() {
            [1] => Ok(Taken { bytes: count, is_whole: true }),
            [0] => Ok(Taken { bytes: count, is_whole: false }),
            _ => Err(Stop::Limit),
        }
    }
}

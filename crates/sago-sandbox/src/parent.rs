//! The parent's side: starts the walled process, gives it the bytes it asks for, keeps the time, and hands on what it tells.

use std::fs::File;
use std::io::{self, Read, SeekFrom};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child as Process, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sago_formats::{Child, Code, Finding, Limits, Part, ReadSeek, Severity, Sink, Stop, Summary};

use crate::frame::{self, HEAD_BYTES, Kind, Order};
use crate::walls::Standing;

/// Longest explanation of a crash that is kept.
const REASON_BYTES: u64 = 2_000;

/// What is started for each file: a program that calls [`crate::serve`] and nothing else.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program.
    pub path: PathBuf,
    /// What it is told on the command line.
    pub arguments: Vec<String>,
}

/// How much the process may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// What the reader may tell.
    pub limits: Limits,
    /// Most bytes of address space.
    pub memory_bytes: u64,
    /// Longest time from one word to the next.
    pub idle: Duration,
    /// Longest time of its own work for one file; grows with the file, see [`Bounds::work_for`].
    pub work: Duration,
    /// Whether to go on where the system has not all walls.
    pub may_stand_open: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { limits: Limits::default(), memory_bytes: 2 << 30, idle: Duration::from_secs(60), work: Duration::from_secs(300), may_stand_open: false }
    }
}

impl Bounds {
    /// The time for a file of this length: as set, and a second more for each 4 MiB.
    pub fn work_for(&self, size_bytes: u64) -> Duration {
        self.work + Duration::from_secs(size_bytes >> 22)
    }
}

/// Why a file could not be given to a reader at all.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The walls do not stand here.
    #[error("the walls around the reader cannot be put up on this system ({0})")]
    Open(String),
    /// The process could not be started.
    #[error("the reading process could not be started: {0}")]
    Start(io::Error),
    /// The bytes could not be read, or what was told could not be kept.
    #[error("{0}")]
    Io(io::Error),
}

/// Reads one file in a process of its own and tells the sink. What the file does to its reader is a finding; `Err` only when the bytes could not be had, the
/// sink refused, or there are no walls.
pub fn read(program: &Program, bounds: &Bounds, source: &mut dyn ReadSeek, name: &str, sink: &mut dyn Sink) -> Result<Summary, SandboxError> {
    let size_bytes = source.seek(SeekFrom::End(0)).map_err(SandboxError::Io)?;
    let mut process = Command::new(&program.path)
        .args(&program.arguments)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(SandboxError::Start)?;
    let missing = || SandboxError::Start(io::Error::other("its pipes are missing"));
    let input: OwnedFd = process.stdin.take().ok_or_else(missing)?.into();
    let output: OwnedFd = process.stdout.take().ok_or_else(missing)?.into();
    rustix::io::ioctl_fionbio(&input, true).map_err(|error| SandboxError::Start(error.into()))?;
    let work = bounds.work_for(size_bytes);
    let mut talk = Talk { input: File::from(input), output: File::from(output), source, idle: bounds.idle, left: work, buffer: Vec::new(), at: 0 };
    let order = Order {
        name: name.to_owned(),
        size_bytes,
        limits: bounds.limits.clone(),
        memory_bytes: bounds.memory_bytes,
        // The parent keeps the time; this is for when the parent cannot.
        processor_seconds: work.as_secs() + 60,
        may_stand_open: bounds.may_stand_open,
    };
    let mut summary = Summary::default();
    let ended = talk.converse(&order, bounds, sink, &mut summary);
    drop(talk);
    let status = end(&mut process, matches!(ended, Ok(())));
    match ended {
        Ok(()) => Ok(summary),
        Err(End::Refused(error)) => Err(error),
        Err(End::Enough) => Ok(summary),
        Err(End::Slow(why)) => tell(sink, summary, Code::TimedOut, why),
        Err(End::Gone) => {
            let (code, why) = why_gone(&mut process, status);
            tell(sink, summary, code, why)
        }
    }
}

/// A finding about the reader itself: nothing was read when it told nothing.
fn tell(sink: &mut dyn Sink, mut summary: Summary, code: Code, why: String) -> Result<Summary, SandboxError> {
    let mut finding = Finding::new(code, why);
    if summary.blocks == 0 && summary.children == 0 {
        finding = finding.weighing(Severity::Unreadable);
    }
    let part = Part::Finding(finding);
    summary.count(&part);
    match sink.part(part) {
        Ok(()) | Err(Stop::Limit) => Ok(summary),
        Err(Stop::Io(error)) => Err(SandboxError::Io(error)),
    }
}

fn end(process: &mut Process, is_well: bool) -> io::Result<ExitStatus> {
    if !is_well {
        // It may be gone already; then there is nobody to end.
        let waited = process.try_wait()?;
        if let Some(status) = waited {
            return Ok(status);
        }
        // A process that closed its pipes is about to end by itself, and how it ends says why.
        for _ in 0..20 {
            std::thread::sleep(Duration::from_millis(5));
            if let Some(status) = process.try_wait()? {
                return Ok(status);
            }
        }
        process.kill()?;
    }
    process.wait()
}

fn why_gone(process: &mut Process, status: io::Result<ExitStatus>) -> (Code, String) {
    use std::os::unix::process::ExitStatusExt;
    let mut said = Vec::new();
    if let Some(errors) = process.stderr.take() {
        // Only what is there already: the process has ended.
        let _ = errors.take(REASON_BYTES).read_to_end(&mut said);
    }
    let said = String::from_utf8_lossy(&said).trim().replace(['\n', '\r'], " ");
    if said.contains("memory allocation of") || said.contains("capacity overflow") {
        return (Code::OutOfMemory, format!("The reader asked for more memory than it may have ({said})."));
    }
    match status {
        Ok(status) => match status.signal() {
            Some(signal) if signal == libc::SIGSYS => (Code::Crashed, "The reader tried to do what the walls forbid and was ended.".to_owned()),
            Some(signal) if signal == libc::SIGXCPU => (Code::TimedOut, "The reader used up its processor time.".to_owned()),
            Some(signal) => (Code::Crashed, format!("The reader was ended by signal {signal}. {said}").trim().to_owned()),
            None => (Code::Crashed, format!("The reader ended with code {}. {said}", status.code().unwrap_or(-1)).trim().to_owned()),
        },
        Err(error) => (Code::Crashed, format!("The reader is gone: {error}")),
    }
}

/// How a conversation ends before its end.
enum End {
    Refused(SandboxError),
    Slow(String),
    Gone,
    /// The sink wants no more.
    Enough,
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Io(error) => Self::Refused(SandboxError::Io(error)),
            Stop::Limit => Self::Enough,
        }
    }
}

struct Talk<'a> {
    input: File,
    output: File,
    source: &'a mut dyn ReadSeek,
    idle: Duration,
    /// What is left of the time for its own work; the time of whoever listens is not counted.
    left: Duration,
    buffer: Vec<u8>,
    at: usize,
}

impl Talk<'_> {
    fn converse(&mut self, order: &Order, bounds: &Bounds, sink: &mut dyn Sink, summary: &mut Summary) -> Result<(), End> {
        let broken = |error| End::Refused(SandboxError::Io(error));
        self.say(Kind::Order, &serde_json::to_vec(order).map_err(|error| broken(error.into()))?)?;
        let (kind, standing) = self.hear()?;
        let standing: Standing = serde_json::from_slice(&standing).ok().filter(|_| kind == Kind::Standing).ok_or(End::Gone)?;
        if !standing.is_whole() && !bounds.may_stand_open {
            let there = |stands: bool| if stands { "there" } else { "missing" };
            let Standing { files, network, calls, resources } = standing;
            let text = format!("files: {}, network: {}, calls: {}, resources: {}", there(files), there(network), there(calls), there(resources));
            return Err(End::Refused(SandboxError::Open(text)));
        }
        loop {
            let (kind, payload) = self.hear()?;
            match kind {
                Kind::Part => {
                    // What cannot be understood was not written by our reader, or not by a sane one.
                    let part: Part = serde_json::from_slice(&payload).map_err(|_| End::Gone)?;
                    if summary.text_bytes > bounds.limits.text_bytes || summary.blocks > bounds.limits.blocks {
                        return Err(End::Gone);
                    }
                    summary.count(&part);
                    sink.part(part)?;
                }
                Kind::Child => {
                    let child: Child = serde_json::from_slice(&payload).map_err(|_| End::Gone)?;
                    if summary.children > bounds.limits.children {
                        return Err(End::Gone);
                    }
                    summary.count_child();
                    let mut content = Content { talk: self, left: bounds.limits.child_bytes, piece: Vec::new(), at: 0, state: State::Flows };
                    let taken = sink.child(child, &mut content);
                    content.drain()?;
                    let answer = match &taken {
                        Ok(taken) => u8::from(taken.is_whole),
                        Err(_) => 2,
                    };
                    self.say(Kind::Taken, &[answer])?;
                    if let Err(Stop::Io(error)) = taken {
                        return Err(End::Refused(SandboxError::Io(error)));
                    }
                }
                Kind::Done => return Ok(()),
                Kind::Failed => {
                    return Err(End::Refused(SandboxError::Io(io::Error::other(String::from_utf8_lossy(&payload).into_owned()))));
                }
                _ => return Err(End::Gone),
            }
        }
    }

    /// The next word of the process that is not a question for bytes of the file; those are answered here.
    fn hear(&mut self) -> Result<(Kind, Vec<u8>), End> {
        loop {
            let mut bytes = [0; HEAD_BYTES];
            self.fill(&mut bytes)?;
            let (kind, length) = frame::head(bytes).map_err(|_| End::Gone)?;
            let mut payload = vec![0; length];
            self.fill(&mut payload)?;
            if kind != Kind::Need {
                return Ok((kind, payload));
            }
            let (offset, count) = frame::need(&payload).ok_or(End::Gone)?;
            let mut wanted = Vec::with_capacity(count);
            let read = self.source.seek(SeekFrom::Start(offset)).and_then(|_| Read::take(&mut *self.source, count as u64).read_to_end(&mut wanted));
            read.map_err(|error| End::Refused(SandboxError::Io(error)))?;
            self.say(Kind::Bytes, &wanted)?;
        }
    }

    fn fill(&mut self, into: &mut [u8]) -> Result<(), End> {
        let mut filled = 0;
        while filled < into.len() {
            if self.at == self.buffer.len() {
                self.wait(PollFlags::IN)?;
                self.buffer.resize(frame::PIECE_BYTES, 0);
                self.at = 0;
                let count = self.output.read(&mut self.buffer);
                self.buffer.truncate(*count.as_ref().unwrap_or(&0));
                match count {
                    Ok(0) => return Err(End::Gone),
                    Ok(_) => {}
                    Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
                    Err(_) => return Err(End::Gone),
                }
            }
            let from = &self.buffer[self.at..];
            let count = from.len().min(into.len() - filled);
            into[filled..filled + count].copy_from_slice(&from[..count]);
            filled += count;
            self.at += count;
        }
        Ok(())
    }

    fn say(&mut self, kind: Kind, payload: &[u8]) -> Result<(), End> {
        let head = frame::head_of(kind, payload.len()).map_err(|error| End::Refused(SandboxError::Io(error)))?;
        self.put(&head)?;
        self.put(payload)
    }

    fn put(&mut self, mut bytes: &[u8]) -> Result<(), End> {
        use std::io::Write;
        while !bytes.is_empty() {
            match self.input.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(PollFlags::OUT)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(End::Gone),
            }
        }
        Ok(())
    }

    /// Waits for the process, and counts the time.
    fn wait(&mut self, flags: PollFlags) -> Result<(), End> {
        let most = self.idle.min(self.left);
        let begun = Instant::now();
        loop {
            let rest = most.saturating_sub(begun.elapsed());
            let timeout = Timespec { tv_sec: i64::try_from(rest.as_secs()).unwrap_or(i64::MAX), tv_nsec: i64::from(rest.subsec_nanos()) };
            let mut polled = [if flags == PollFlags::IN { PollFd::new(&self.output, flags) } else { PollFd::new(&self.input, flags) }];
            match poll(&mut polled, Some(&timeout)) {
                Ok(0) if self.left <= self.idle => return Err(End::Slow("The reader used up its time for this file and was ended.".to_owned())),
                Ok(0) => return Err(End::Slow(format!("The reader said nothing for {} seconds and was ended.", self.idle.as_secs()))),
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Err(End::Gone),
            }
        }
        self.left = self.left.saturating_sub(begun.elapsed());
        Ok(())
    }
}

enum State {
    Flows,
    Ended,
    Broken(End),
}

/// The bytes of a contained file, as the process sends them.
struct Content<'a, 'b> {
    talk: &'a mut Talk<'b>,
    left: u64,
    piece: Vec<u8>,
    at: usize,
    state: State,
}

impl Content<'_, '_> {
    fn next(&mut self) -> io::Result<Vec<u8>> {
        let said = match self.state {
            State::Flows => self.talk.hear(),
            State::Ended | State::Broken(_) => return Ok(Vec::new()),
        };
        match said {
            Ok((Kind::Content, bytes)) if bytes.len() as u64 <= self.left => {
                self.left -= bytes.len() as u64;
                Ok(bytes)
            }
            Ok((Kind::ContentEnd, why)) => {
                self.state = State::Ended;
                if why.is_empty() { Ok(Vec::new()) } else { Err(io::Error::other(String::from_utf8_lossy(&why).into_owned())) }
            }
            said => {
                self.state = State::Broken(said.err().unwrap_or(End::Gone));
                Err(io::Error::other("the reading process ended"))
            }
        }
    }

    /// Lets go by what the sink did not want.
    fn drain(mut self) -> Result<(), End> {
        loop {
            match &self.state {
                State::Flows => drop(self.next()),
                State::Ended => return Ok(()),
                State::Broken(_) => break,
            }
        }
        match self.state {
            State::Broken(end) => Err(end),
            State::Flows | State::Ended => Ok(()),
        }
    }
}

impl Read for Content<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            self.piece = self.next()?;
            self.at = 0;
        }
        let from = &self.piece[self.at..];
        let count = from.len().min(buffer.len());
        buffer[..count].copy_from_slice(&from[..count]);
        self.at += count;
        Ok(count)
    }
}

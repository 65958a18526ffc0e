//! The text armour of age files: strict PEM (RFC 7468, section 3, figure 3) with the label `AGE ENCRYPTED FILE`.
//!
//! Sago writes no armour; this reads what others send. Strict so that one file has one text: only white space may stand
//! before and after, lines are LF or CRLF, full until the last, base64 is canonical and padded.

use std::io::{self, BufRead, BufReader, Read};

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};

use crate::error::{Part, SealError};

const BEGIN: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const END: &[u8] = b"-----END AGE ENCRYPTED FILE-----";
const COLUMNS: usize = 64;
/// White space allowed before the first and after the last line.
const MAX_SPACE_BYTES: u64 = 1024;

/// Reads the bytes inside an armoured file; any flaw of the text is [`Part::Armor`] damage.
///
/// As with [`crate::Opener`], `Ok(0)` is the only sign that the text was whole.
pub struct ArmorReader<R: Read> {
    reader: BufReader<R>,
    line: Vec<u8>,
    plain: Vec<u8>,
    at: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Body,
    /// A short or padded line was read: only the end line may follow.
    LastLine,
    Done,
    Failed,
}

impl<R: Read> ArmorReader<R> {
    /// Wraps a reader that stands at the beginning of an armoured file.
    pub fn new(reader: R) -> Self {
        ArmorReader { reader: BufReader::new(reader), line: Vec::new(), plain: Vec::new(), at: 0, state: State::Start }
    }

    fn advance(&mut self) -> Result<(), SealError> {
        let before = self.state;
        self.state = State::Failed;
        self.plain.clear();
        self.at = 0;
        self.state = match before {
            State::Start => {
                self.begin()?;
                State::Body
            }
            State::Body | State::LastLine => self.body_line(before)?,
            State::Done => State::Done,
            State::Failed => return Err(damaged("an earlier line was wrong")),
        };
        Ok(())
    }

    fn begin(&mut self) -> Result<(), SealError> {
        let mut skipped = 0;
        loop {
            if self.next_line()?.is_none() {
                return Err(SealError::NotAge);
            }
            if self.line == BEGIN {
                return Ok(());
            }
            skipped += self.line.len() as u64 + 1;
            if !is_space(&self.line) || skipped > MAX_SPACE_BYTES {
                return Err(damaged("it does not begin with its first line"));
            }
        }
    }

    fn body_line(&mut self, state: State) -> Result<State, SealError> {
        if self.next_line()?.is_none() {
            return Err(SealError::Truncated { part: Part::Armor });
        }
        if self.line == END {
            self.only_space_follows()?;
            return Ok(State::Done);
        }
        if state == State::LastLine {
            return Err(damaged("a line follows the last line of content"));
        }
        if self.line.is_empty() || self.line.len() > COLUMNS {
            return Err(damaged("a line has not 1 to 64 characters"));
        }
        BASE64.decode_vec(&self.line, &mut self.plain).map_err(|_| damaged("a line is not canonical base64"))?;
        let full = self.line.len() == COLUMNS && !self.line.ends_with(b"=");
        Ok(if full { State::Body } else { State::LastLine })
    }

    fn only_space_follows(&mut self) -> Result<(), SealError> {
        let mut rest = Vec::new();
        (&mut self.reader).take(MAX_SPACE_BYTES + 1).read_to_end(&mut rest)?;
        if rest.len() as u64 > MAX_SPACE_BYTES || !is_space(&rest) {
            return Err(damaged("something follows its last line"));
        }
        Ok(())
    }

    /// Puts the next line, without LF or CRLF, into `line`; `None` at the end of the text.
    fn next_line(&mut self) -> Result<Option<()>, SealError> {
        self.line.clear();
        (&mut self.reader).take(MAX_SPACE_BYTES).read_until(b'\n', &mut self.line)?;
        if self.line.is_empty() {
            return Ok(None);
        }
        if self.line.ends_with(b"\n") {
            self.line.pop();
            if self.line.ends_with(b"\r") {
                self.line.pop();
            }
        }
        Ok(Some(()))
    }
}

impl<R: Read> Read for ArmorReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        while self.at == self.plain.len() && self.state != State::Done {
            self.advance()?;
        }
        let taken = into.len().min(self.plain.len() - self.at);
        into[..taken].copy_from_slice(&self.plain[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

fn is_space(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
}

fn damaged(why: &'static str) -> SealError {
    SealError::Damaged { part: Part::Armor, why }
}

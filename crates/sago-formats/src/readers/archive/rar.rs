//! RAR 1.4 to 7, by `rars`: whole file and one member at a time in memory, both bounded.

use std::cell::RefCell;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use rars::error::ErrorKind;
use rars::{ArchiveMember, ArchiveMemberDetail, ArchiveReadOptions, ArchiveReader, ExtractionDecision, ExtractionErrorAction};

use super::checked::Checked;
use super::member::{Tally, Writing, decode_name, dos_time, unix_time};
use crate::document::{Child, Sink};
use crate::finding::{Code, Finding, Severity};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let Some(bytes) = source.whole(context.limits.memory_bytes)? else {
        let text = format!("The archive has {} bytes.", source.size_bytes());
        return sink.finding(Finding::new(Code::LimitMemory, text).weighing(Severity::Unreadable));
    };
    let memory = context.limits.memory_bytes;
    let options = ArchiveReadOptions::new()
        .with_max_header_count(context.limits.children.saturating_add(16))
        .with_rar50_dictionary_size_limit(memory)
        .with_rar50_buffered_decode_limit(memory);
    let opened = catch_unwind(AssertUnwindSafe(|| ArchiveReader::read_owned_with_options(bytes, options)));
    let archive = match opened {
        Ok(Ok(archive)) => archive,
        Ok(Err(error)) => return sink.finding(refused(&error)),
        Err(_) => return sink.finding(Finding::new(Code::Damaged, "The headers of the archive make no sense.")),
    };
    let mut state = State { tally: Tally::default(), sink, open: None, stopped: None, memory, failed: None };
    let members: Vec<ArchiveMember> = archive.members().collect();
    state.tally.expect(members.len() as u64);
    let is_solid = members.iter().any(ArchiveMember::is_solid);
    let shared = RefCell::new(&mut state);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        archive.extract_with_control_and_errors(
            options,
            |member| Ok(shared.borrow_mut().decide(member, is_solid)),
            |_, error| {
                shared.borrow_mut().failed = Some((code_of(error), error.to_string()));
                Ok(ExtractionErrorAction::Continue)
            },
        )
    }));
    let state = shared.into_inner();
    let reason = match outcome {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some((code_of(&error), error.to_string())),
        Err(_) => Some((Code::ChildFailed, "the decoder gave up".to_owned())),
    };
    if let Some(reason) = &reason {
        state.failed.get_or_insert_with(|| reason.clone());
    }
    state.close();
    if let Some(stop) = state.stopped.take() {
        return Err(stop);
    }
    // After a failure that cannot be passed over, the rest is named.
    let seen = usize::try_from(state.tally.seen()).unwrap_or(usize::MAX);
    let (code, text) = reason.unwrap_or((Code::ChildFailed, "it was not reached".to_owned()));
    for member in members.iter().skip(seen) {
        let child = state.describe(member)?;
        state.tally.lost(&child.name, code, text.clone(), state.sink)?;
    }
    state.tally.finish(state.sink)
}

struct State<'a> {
    tally: Tally,
    sink: &'a mut dyn Sink,
    open: Option<(Child, Rc<RefCell<Kept>>)>,
    stopped: Option<Stop>,
    memory: u64,
    failed: Option<(Code, String)>,
}

impl State<'_> {
    fn decide(&mut self, member: &ArchiveMember, is_solid: bool) -> ExtractionDecision {
        self.close();
        if self.stopped.is_some() {
            return ExtractionDecision::Stop;
        }
        match self.choose(member, is_solid) {
            Ok(decision) => decision,
            Err(stop) => {
                self.stopped = Some(stop);
                ExtractionDecision::Stop
            }
        }
    }

    fn choose(&mut self, member: &ArchiveMember, is_solid: bool) -> Result<ExtractionDecision, Stop> {
        let child = self.describe(member)?;
        let meta = &member.meta;
        if meta.is_directory {
            self.tally.folder();
            return Ok(ExtractionDecision::Skip);
        }
        if meta.is_redirection {
            let target = match &member.detail {
                ArchiveMemberDetail::Rar50Plus { redirection: Some(redirection), .. } => decode_name(&redirection.target_name).0,
                _ => String::new(),
            };
            self.tally.link(&child.name, "A link", &target, self.sink)?;
            return Ok(ExtractionDecision::Skip);
        }
        if meta.is_encrypted {
            self.tally.lost(&child.name, Code::ChildEncrypted, Code::ChildEncrypted.meaning(), self.sink)?;
            return Ok(if is_solid { ExtractionDecision::Stop } else { ExtractionDecision::Skip });
        }
        if meta.unpacked_size > self.memory && !is_solid {
            let text = format!("It has {} bytes and would have to be held in memory.", meta.unpacked_size);
            self.tally.lost(&child.name, Code::LimitMemory, text, self.sink)?;
            return Ok(ExtractionDecision::Skip);
        }
        let kept = Rc::new(RefCell::new(Kept { bytes: Vec::new(), most: self.memory, left_out: 0 }));
        self.open = Some((child, Rc::clone(&kept)));
        Ok(ExtractionDecision::Extract(Box::new(KeptWriter(kept))))
    }

    /// Hands on the member that was being written.
    fn close(&mut self) {
        let Some((child, kept)) = self.open.take() else { return };
        if let Err(stop) = self.hand_on(child, &kept.borrow()) {
            self.stopped.get_or_insert(stop);
        }
    }

    fn hand_on(&mut self, child: Child, kept: &Kept) -> Result<(), Stop> {
        let name = child.name.clone();
        let size = child.size_bytes;
        if let Some((code, text)) = self.failed.take() {
            if kept.bytes.is_empty() {
                return self.tally.lost(&name, code, text, self.sink);
            }
            self.sink.finding(Finding::new(code, text).at(name.clone()))?;
            return self.tally.give(child, &mut kept.bytes.as_slice(), self.sink);
        }
        if kept.left_out > 0 {
            self.sink.finding(Finding::new(Code::LimitMemory, format!("{} bytes at its end were left out.", kept.left_out)).at(name))?;
            return self.tally.give(child, &mut kept.bytes.as_slice(), self.sink);
        }
        self.tally.give(child, &mut Checked::new(kept.bytes.as_slice()).with_size(size), self.sink)
    }

    fn describe(&mut self, member: &ArchiveMember) -> Result<Child, Stop> {
        let meta = &member.meta;
        let unicode = member.decoded_name(None).ok().filter(|_| member.name_is_unicode());
        let raw = unicode.as_deref().unwrap_or(&meta.name);
        let writing = if member.name_is_unicode() { Writing::Utf8 } else { Writing::Unknown };
        let mut child = self.tally.child(raw, writing, self.sink)?;
        if meta.name.as_slice() != child.name.as_bytes() {
            child.name_bytes = Some(meta.name.clone());
        }
        child.size_bytes = Some(meta.unpacked_size);
        child.modified = meta.file_time.and_then(|time| match member.detail {
            ArchiveMemberDetail::Rar50Plus { .. } => unix_time(i64::from(time)),
            _ => dos_time(u16::try_from(time >> 16).unwrap_or(0), u16::try_from(time & 0xFFFF).unwrap_or(0)),
        });
        Ok(child)
    }
}

/// What is written of a member, until the limit.
struct Kept {
    bytes: Vec<u8>,
    most: u64,
    left_out: u64,
}

struct KeptWriter(Rc<RefCell<Kept>>);

impl Write for KeptWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.0.borrow_mut();
        if kept.bytes.len() as u64 + bytes.len() as u64 > kept.most {
            // A solid archive must be unpacked further for what follows.
            kept.left_out += bytes.len() as u64;
        } else {
            kept.bytes.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn code_of(error: &rars::Error) -> Code {
    match error.kind() {
        ErrorKind::PasswordRequired | ErrorKind::BadPassword => Code::ChildEncrypted,
        ErrorKind::ResourceLimit => Code::LimitMemory,
        _ => Code::ChildFailed,
    }
}

fn refused(error: &rars::Error) -> Finding {
    match error.kind() {
        ErrorKind::PasswordRequired | ErrorKind::BadPassword => Finding::new(Code::Encrypted, "Even the names need the password."),
        // Without its decryption the library cannot say more of such headers.
        ErrorKind::UnsupportedFeature if error.to_string().contains("crypt") => Finding::new(Code::Encrypted, "Even the names need the password."),
        ErrorKind::UnsupportedFormat | ErrorKind::UnsupportedFeature => Finding::new(Code::Version, error.to_string()),
        ErrorKind::ResourceLimit => Finding::new(Code::LimitMemory, error.to_string()).weighing(Severity::Unreadable),
        _ => Finding::new(Code::Damaged, error.to_string()),
    }
}

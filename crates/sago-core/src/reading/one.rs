//! One item: the original to a walled process, what it says to the item's file, what it takes out to a process of its own, and so on down.

use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::Ordering;

use sago_formats::{Child, Code, Finding, Part, Severity, Sink, Stop, Summary, Taken};
use sago_sandbox::{Bounds, Program, SandboxError};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::item::Item;
use crate::reading::family::{FamilyLine, Member, Writer};
use crate::reading::scratch::Scratch;
use crate::reading::{Outcome, Progress, State, place_of};
use crate::repository::Repository;

/// Deepest nesting of files in files that is read; below it they are kept as names and digests.
pub(super) const DEPTH: usize = 16;

/// Most files in one item, at all depths together.
const MEMBERS: u64 = 2_000_000;

/// Reads an item and everything in it, and keeps what was read.
pub(super) fn read_item(repo: &Repository, program: &Program, bounds: &Bounds, item: &Item, progress: &Progress) -> Result<Outcome> {
    let Some(line) = &item.line else { return Err(Error::internal("an item of a sealed unit was to be read")) };
    let folder = repo.places.staging.as_path();
    let scratch = original(repo, item, line)?;
    let mut family = Writer::begin(folder, &repo.keyring().recipient(item.unit)?, &item.number, &line.sha256)?;
    let walled = Walled { program, bounds, folder, progress };
    let name = line.path.rsplit('/').next().unwrap_or(&line.path);
    let (state, summary) = walled.read(&mut family, "", name, scratch, 0)?;
    let (members, members_partly, members_unreadable) = (family.members, family.members_partly, family.members_unreadable);
    let (text_bytes, findings) = (family.text_bytes, std::mem::take(&mut family.findings));
    let output_sha256 = family.finish(&repo.places.derived, &place_of(item))?;
    Ok(Outcome {
        input_sha256: line.sha256.clone(),
        output_sha256,
        state,
        format: summary.format,
        puid: summary.puid,
        text_bytes,
        pages: summary.pages,
        members,
        members_partly,
        members_unreadable,
        findings,
    })
}

/// The original, compared with its digests, where it can be sought in.
pub(super) fn original(repo: &Repository, item: &Item, line: &crate::accession::ItemLine) -> Result<Scratch> {
    let mut original = crate::item::open_original(repo, item.unit, line)?;
    match Scratch::fill(&repo.places.staging, &mut original)? {
        (scratch, None) => Ok(scratch),
        (_, Some(error)) => Err(crate::item::not_read(&line.number, &error)),
    }
}

/// What reads a file.
struct Walled<'a> {
    program: &'a Program,
    bounds: &'a Bounds,
    folder: &'a Path,
    progress: &'a Progress,
}

impl Walled<'_> {
    /// Reads one file and, from within, those it contains.
    fn read(&self, family: &mut Writer, of: &str, name: &str, mut scratch: Scratch, depth: usize) -> Result<(State, Summary)> {
        let mut listener = Listener { walled: self, family, of, depth, next: 0, own: Vec::new(), failed: None };
        let read = sago_sandbox::read(self.program, self.bounds, &mut scratch, name, &mut listener);
        let Listener { own, failed, .. } = listener;
        if let Some(error) = failed {
            return Err(error);
        }
        let mut summary = read.map_err(refused)?;
        for part in &own {
            summary.count(part);
        }
        self.progress.files.fetch_add(1, Ordering::Relaxed);
        let state = family.end(of, summary.clone())?;
        Ok((state, summary))
    }
}

/// The error for a file that could not be given to a reader.
pub(super) fn refused(error: SandboxError) -> Error {
    match error {
        SandboxError::Open(_) => Error::new(ErrorKind::Unavailable, format!("Nothing was read: {error}."))
            .hint("Files of strangers are read only behind walls: they need Linux 5.13 or later with Landlock and seccomp. `sago doctor` says what is missing.")
            .hint("If you know what you do, `without_walls = true` under [reading] in sago.toml reads them all the same; every file of a stranger then runs with your rights."),
        SandboxError::Start(_) => Error::new(ErrorKind::Unavailable, error.to_string()).hint("Close other programs, or give the machine more memory."),
        SandboxError::Io(error) => Error::io("Could not read", Path::new("a temporary file"), &error),
    }
}

/// Listens to the reader of one file.
struct Listener<'a, 'b> {
    walled: &'a Walled<'b>,
    family: &'a mut Writer,
    of: &'a str,
    depth: usize,
    next: u64,
    /// Findings that are ours, not the reader's.
    own: Vec<Part>,
    failed: Option<Error>,
}

impl Listener<'_, '_> {
    fn kept<T>(&mut self, result: Result<T>) -> std::result::Result<T, Stop> {
        result.map_err(|error| {
            self.failed = Some(error);
            Stop::Io(io::Error::other("what was read could not be kept"))
        })
    }

    fn find(&mut self, finding: Finding) -> std::result::Result<(), Stop> {
        let part = Part::Finding(finding);
        self.own.push(part.clone());
        self.part(part)
    }

    /// Takes a contained file, reads it, and says whether all of it came.
    fn take(&mut self, child: Child, bytes: &mut dyn Read) -> Result<Taken> {
        self.next += 1;
        self.family.members += 1;
        let path = if self.of.is_empty() { self.next.to_string() } else { format!("{}/{}", self.of, self.next) };
        let mut hashed = Hashed { bytes, hasher: Sha256::new() };
        let (scratch, broken) = Scratch::fill(self.walled.folder, &mut hashed)?;
        let (bytes, sha256) = (scratch.size_bytes(), hex::encode(hashed.hasher.finalize()));
        let name = child.name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        let is_whole = broken.is_none();
        self.family.put(&FamilyLine::Member(Member { path: path.clone(), child, sha256, bytes, whole: is_whole }))?;
        if self.depth + 1 < DEPTH {
            self.walled.read(self.family, &path, &name, scratch, self.depth + 1)?;
        } else {
            let text = format!("This file lies {} deep in others and was not read.", self.depth + 1);
            let part = Part::Finding(Finding::new(Code::LimitNesting, text).weighing(Severity::Unreadable));
            let mut summary = Summary::default();
            summary.count(&part);
            self.family.put(&FamilyLine::Part { of: path.clone(), part })?;
            self.family.end(&path, summary)?;
        }
        Ok(Taken { bytes, is_whole })
    }
}

impl Sink for Listener<'_, '_> {
    fn part(&mut self, part: Part) -> std::result::Result<(), Stop> {
        let kept = self.family.put(&FamilyLine::Part { of: self.of.to_owned(), part });
        self.kept(kept)
    }

    fn child(&mut self, child: Child, bytes: &mut dyn Read) -> std::result::Result<Taken, Stop> {
        if self.family.members == MEMBERS {
            self.find(Finding::new(Code::LimitChildren, format!("Only the first {MEMBERS} files in this item were taken out.")))?;
            return Err(Stop::Limit);
        }
        let taken = self.take(child, bytes);
        self.kept(taken)
    }
}

struct Hashed<'a> {
    bytes: &'a mut dyn Read,
    hasher: Sha256,
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

//! Reading a log's payload back: from encrypted segments and the tree's entries to events, each checked against its leaf.
//!
//! This is what makes the database expendable: `sago rebuild` and `sago verify` walk the whole log with it.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use sago_ledger::Hash;
use sago_ledger::leaf::{Half, Leaf};
use sago_ledger::opening::Part;
use sago_ledger::tile::{TileKind, TilePath, decode_bundle_prefix};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result};
use crate::key::{Keyring, open_own};
use crate::ledger::event::{Event, Log};
use crate::ledger::sequencer::{self, Head};
use crate::ledger::{Position, Sides};
use crate::settings::Places;
use crate::store::shelf::Shelf;

/// An event read back from the log.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// Where it stands.
    pub position: Position,
    /// Its id.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub agent: Uuid,
    /// The unit its detail is sealed to.
    pub unit: Uuid,
    /// What happened; without detail when that unit is sealed or destroyed.
    pub event: Event,
    /// The leaf's halves.
    pub sides: Sides,
}

/// What a skeleton's line says of its detail.
pub(crate) struct DetailFile {
    /// The detail's commitment.
    pub commitment: Hash,
    /// The unit it is sealed to.
    pub unit: Uuid,
    /// SHA-256 of the sealed file that holds it, hexadecimal.
    pub sha256: String,
}

/// One line of a payload segment; a skeleton's also says what its detail commits to, to which unit it is sealed, and in which bytes.
pub(crate) fn segment_line(index: u64, half: &Half, detail: Option<DetailFile>) -> Vec<u8> {
    let mut value = serde_json::json!({ "index": index, "nonce": BASE64.encode(half.nonce), "payload": half.payload });
    if let (Some(detail), Some(object)) = (detail, value.as_object_mut()) {
        object.insert("detail_commitment".into(), detail.commitment.to_base64().into());
        object.insert("detail_unit".into(), detail.unit.to_string().into());
        object.insert("detail_sha256".into(), detail.sha256.into());
    }
    let mut line = value.to_string().into_bytes();
    line.push(b'\n');
    line
}

struct Skeleton {
    half: Half,
    detail: DetailFile,
}

/// Events of one log that are durable in the database and wait for the next signed head.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Entries, by index.
    pub entries: BTreeMap<u64, Vec<u8>>,
    /// Payload segments: path below the payload folder, and bytes.
    pub segments: Vec<(String, Vec<u8>)>,
}

/// Walks one log of one generation from its first entry, segment by segment.
pub struct Replay<'a> {
    keyring: &'a Keyring,
    head: Head,
    log: Log,
    source: Shelf,
    payload: Shelf,
    segments: Vec<Segment>,
    next_segment: usize,
    ready: std::collections::VecDeque<Replayed>,
    next_index: u64,
    bundle: Option<(u64, Vec<Vec<u8>>)>,
    waiting: BTreeMap<u64, Vec<u8>>,
}

struct Segment {
    first: u64,
    last: u64,
    unit: Uuid,
    is_skeleton: bool,
    /// Below the payload folder.
    path: String,
    /// The bytes, when they are not in the file yet.
    bytes: Option<Vec<u8>>,
}

impl<'a> Replay<'a> {
    /// Lists the segments of a log. `head` says how many entries must be there.
    pub fn open(places: &Places, keyring: &'a Keyring, log: Log, head: Head) -> Result<Self> {
        let payload = sequencer::payload_folder(places, head.generation);
        let names = payload.list(log.name())?;
        let named = names.iter().filter_map(|child| Segment::named(&format!("{}/{}", log.name(), child.name)));
        let mut segments: Vec<_> = named.filter(|segment| segment.first < head.size).collect();
        segments.sort_by_key(|segment| (segment.first, !segment.is_skeleton, segment.unit));
        let source = sequencer::folder(places, head.generation, log);
        Ok(Self {
            keyring,
            head,
            log,
            source,
            payload,
            segments,
            next_segment: 0,
            ready: std::collections::VecDeque::new(),
            next_index: 0,
            bundle: None,
            waiting: BTreeMap::new(),
        })
    }

    /// Adds the events that wait in the database, so that they are read after the signed ones.
    pub(crate) fn with_waiting(mut self, waiting: Waiting) -> Self {
        let size = self.head.size;
        let waiting_segments = waiting.segments.into_iter().filter_map(|(path, bytes)| {
            let segment = Segment::named(&path)?;
            (segment.first >= size).then_some(Segment { bytes: Some(bytes), ..segment })
        });
        self.segments.extend(waiting_segments);
        self.segments.sort_by_key(|segment| (segment.first, !segment.is_skeleton, segment.unit));
        self.waiting = waiting.entries;
        self
    }

    /// Entries there are: the signed ones and those that wait.
    fn end(&self) -> u64 {
        self.waiting.last_key_value().map_or(self.head.size, |(index, _)| self.head.size.max(index + 1))
    }

    /// The next event, in log order; `None` after the last.
    pub fn next_event(&mut self) -> Result<Option<Replayed>> {
        if let Some(event) = self.ready.pop_front() {
            return Ok(Some(event));
        }
        if self.next_index >= self.end() {
            return Ok(None);
        }
        self.read_batch()?;
        match self.ready.pop_front() {
            Some(event) => Ok(Some(event)),
            None => Err(self.missing(self.next_index)),
        }
    }

    fn missing(&self, index: u64) -> Error {
        Error::corrupt(format!("The payload of entry {index} of the {} log is missing.", self.log.name()))
            .hint("Put the payload segments back from a backup; the log's tiles alone prove that the entry exists, but not what it says.")
    }

    fn read_batch(&mut self) -> Result<()> {
        let Some(first) = self.segments.get(self.next_segment).map(|segment| segment.first) else { return Err(self.missing(self.next_index)) };
        if first != self.next_index {
            return Err(self.missing(self.next_index));
        }
        let mut skeletons: BTreeMap<u64, Skeleton> = BTreeMap::new();
        let mut details: BTreeMap<u64, Half> = BTreeMap::new();
        let mut digests: BTreeMap<Uuid, (String, String)> = BTreeMap::new();
        let mut last = first;
        while let Some(segment) = self.segments.get(self.next_segment).filter(|segment| segment.first == first) {
            last = segment.last;
            let sealed = match &segment.bytes {
                Some(bytes) => bytes.clone(),
                None => self.payload.need(&segment.path)?,
            };
            let path = self.payload.show(&segment.path);
            if segment.is_skeleton {
                let identity = self.keyring.unit(segment.unit)?;
                let text = open_own(&identity, &sealed, Path::new(&path))?;
                for value in lines(&text, &path)? {
                    let bad = || bad_line(&path);
                    let commitment = Hash(bytes32(value.get("detail_commitment")).ok_or_else(bad)?);
                    let unit = value.get("detail_unit").and_then(Value::as_str).and_then(|unit| Uuid::parse_str(unit).ok()).ok_or_else(bad)?;
                    let sha256 = value.get("detail_sha256").and_then(Value::as_str).ok_or_else(bad)?.to_owned();
                    let (index, half) = read_line(&value).ok_or_else(bad)?;
                    skeletons.insert(index, Skeleton { half, detail: DetailFile { commitment, unit, sha256 } });
                }
            } else {
                digests.insert(segment.unit, (hex::encode(Sha256::digest(&sealed)), path.clone()));
                match self.keyring.unit(segment.unit) {
                    Ok(identity) => {
                        let text = open_own(&identity, &sealed, Path::new(&path))?;
                        for value in lines(&text, &path)? {
                            let (index, half) = read_line(&value).ok_or_else(|| bad_line(&path))?;
                            details.insert(index, half);
                        }
                    }
                    Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::NotFound) => {}
                    Err(error) => return Err(error),
                }
            }
            self.next_segment += 1;
        }
        for index in first..=last {
            let skeleton = skeletons.remove(&index).ok_or_else(|| self.missing(index))?;
            let detail = details.remove(&index);
            // The file must be there also when it cannot be opened; only what a sealed or destroyed unit's file says may be absent.
            let (sha256, path) = digests.get(&skeleton.detail.unit).ok_or_else(|| self.missing(index))?;
            if *sha256 != skeleton.detail.sha256 {
                return Err(Error::corrupt(format!("{path} is not the payload that was entered: it was altered.")));
            }
            if detail.is_none() && self.keyring.unit(skeleton.detail.unit).is_ok() {
                return Err(self.missing(index));
            }
            let replayed = self.check(index, skeleton, detail)?;
            self.ready.push_back(replayed);
        }
        self.next_index = last + 1;
        Ok(())
    }

    /// Reads one entry of the tree, keeping the bundle it stands in.
    fn entry(&mut self, index: u64) -> Result<Vec<u8>> {
        if let Some(entry) = self.waiting.get(&index) {
            return Ok(entry.clone());
        }
        let number = index / 256;
        if self.bundle.as_ref().is_none_or(|(kept, _)| *kept != number) {
            let unreadable = |what: &dyn std::fmt::Display| Error::corrupt(format!("Entry {index} of the {} log cannot be read: {what}", self.log.name()));
            let path = TilePath::in_tree(TileKind::Entries, number, self.head.size).ok_or_else(|| unreadable(&"it is beyond the log's end"))?;
            let read = |path: TilePath| self.source.read(&path.to_string()).map_err(|error| unreadable(&error));
            let bytes = match read(path)? {
                Some(bytes) => bytes,
                None => read(path.full())?.ok_or_else(|| unreadable(&format!("{path} is missing")))?,
            };
            let (entries, _) = decode_bundle_prefix(&bytes, path.width.into()).map_err(|error| unreadable(&error))?;
            self.bundle = Some((number, entries.into_iter().map(<[u8]>::to_vec).collect()));
        }
        let kept = self.bundle.as_ref().and_then(|(_, entries)| entries.get((index % 256) as usize)).cloned();
        kept.ok_or_else(|| Error::corrupt(format!("Entry {index} of the {} log is missing.", self.log.name())))
    }

    /// Rebuilds the leaf and compares it with the tree's entry.
    fn check(&mut self, index: u64, skeleton: Skeleton, detail: Option<Half>) -> Result<Replayed> {
        let entry = self.entry(index)?;
        let seconds = Leaf::parse(&entry)
            .map(|leaf| leaf.seconds())
            .map_err(|error| Error::corrupt(format!("Entry {index} of the {} log is not an entry of Sago: {error}", self.log.name())))?;
        let name = self.log.name();
        let altered = || Error::corrupt(format!("The payload of entry {index} of the {name} log is not what was entered."));
        let map: Map<String, Value> = serde_json::from_str(&skeleton.half.payload).map_err(|_| altered())?;
        let detail_map: Option<Map<String, Value>> = detail.as_ref().map(|half| serde_json::from_str(&half.payload)).transpose().map_err(|_| altered())?;
        let sides = Sides { seconds, skeleton: Part::Open(skeleton.half), detail: detail.map_or(Part::Withheld(skeleton.detail.commitment), Part::Open) };
        if sides.entry()? != entry {
            return Err(altered());
        }
        let text = |name: &str| map.get(name).and_then(Value::as_str).ok_or_else(altered);
        let position = Position { log: self.log, generation: self.head.generation, index };
        Ok(Replayed {
            position,
            id: Uuid::parse_str(text("event")?).map_err(|_| altered())?,
            at: text("at")?.parse().map_err(|_| altered())?,
            agent: Uuid::parse_str(text("agent")?.trim_start_matches("urn:uuid:")).map_err(|_| altered())?,
            unit: skeleton.detail.unit,
            event: Event::read(text("kind")?, &map, detail_map.as_ref())?,
            sides,
        })
    }
}

impl Segment {
    fn named(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next()?;
        let mut parts = name.strip_suffix(".age")?.split('.');
        let (first, last) = parts.next()?.split_once('-')?;
        let unit = Uuid::parse_str(parts.next()?).ok()?;
        let is_skeleton = match parts.next()? {
            "skeleton" => true,
            "detail" => false,
            _ => return None,
        };
        parts.next().is_none().then_some(())?;
        Some(Self { first: first.parse().ok()?, last: last.parse().ok()?, unit, is_skeleton, path: path.to_owned(), bytes: None })
    }
}

fn lines(text: &[u8], path: &str) -> Result<Vec<Value>> {
    let text = std::str::from_utf8(text).map_err(|_| bad_line(path))?;
    text.lines().map(|line| serde_json::from_str(line).map_err(|_| bad_line(path))).collect()
}

fn bad_line(path: &str) -> Error {
    Error::corrupt(format!("{path} holds a line that cannot be read."))
}

fn read_line(value: &Value) -> Option<(u64, Half)> {
    let half = Half { nonce: bytes32(value.get("nonce"))?, payload: value.get("payload")?.as_str()?.to_owned() };
    Some((value.get("index")?.as_u64()?, half))
}

fn bytes32(value: Option<&Value>) -> Option<[u8; 32]> {
    BASE64.decode(value?.as_str()?).ok()?.try_into().ok()
}

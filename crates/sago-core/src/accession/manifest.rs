//! The manifest of an accession: what was received, line by line, in the bytes that the log commits to (docs/formats.md section 6).
//!
//! Encoders are explicit. A line is never re-encoded once written: its exact text is what is hashed, kept and proven.

use std::io::Write;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sago_ledger::Hash;
use sago_ledger::json::canonical_json;
use sago_ledger::merkle::{MerkleList, leaf_hash};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::{Error, IoContext, Result};
use crate::key::fill_random;
use crate::label::Label;
use crate::store::spool::Spool;

/// First line: the accession.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessionLine {
    /// Id.
    pub id: Uuid,
    /// Number people say aloud.
    pub number: String,
    /// Consent unit.
    pub unit: Uuid,
    /// Who handed over.
    pub contributor: String,
    /// What it is called.
    pub title: String,
    /// Reference of the agreement.
    pub agreement: Option<String>,
    /// Conditions of the contributor, in words.
    pub conditions: Vec<String>,
    /// Label of everything in it.
    pub label: Label,
    /// When it was received (payload time).
    pub received_at: String,
    /// Who received it (`urn:uuid:…`).
    pub received_by: String,
    /// Name of the sender's hash list, if there was one, and its SHA-256.
    pub sender_list: Option<String>,
    /// Number of objects the accession is spread over.
    pub objects: u64,
}

/// One item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemLine {
    /// Id.
    pub id: Uuid,
    /// Number people say aloud.
    pub number: String,
    /// Path for reading (NFC).
    pub path: String,
    /// Path as the sender's disk held it.
    pub path_bytes: Vec<u8>,
    /// How the readable path was found: `utf-8`, `utf-8-nfd`, `cp949`, `unknown-bytes`.
    pub path_encoding: String,
    /// Size of the original in bytes.
    pub bytes: u64,
    /// SHA-256 of the original, hexadecimal.
    pub sha256: String,
    /// SHA-512 of the original, hexadecimal.
    pub sha512: String,
    /// Time of last change on the sender's disk (payload time), if known.
    pub modified: Option<String>,
    /// Comparison with the sender's list: `match`, `mismatch`, `not-listed`, `no-list`.
    pub sender: String,
    /// Number of the earlier item of the same unit with the same bytes.
    pub duplicate_of: Option<String>,
    /// Object that holds the sealed original.
    pub object: Uuid,
    /// Path in the object's content folder (`o/000001.age`).
    pub content: String,
    /// SHA-512 of the sealed original, hexadecimal.
    pub content_sha512: String,
    /// SHA-256 of the sealed original, hexadecimal.
    pub content_sha256: String,
}

/// One finding: something seen that was not taken, or something worth knowing about what was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingLine {
    /// Code, from the table of findings.
    pub code: String,
    /// Item it is about, if one was taken.
    pub item: Option<String>,
    /// Path for reading.
    pub path: String,
    /// Path as the sender's disk held it.
    pub path_bytes: Vec<u8>,
    /// In plain words.
    pub message: String,
    /// Whether the bytes were taken.
    pub taken: bool,
}

/// A line as a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The accession.
    Accession(AccessionLine),
    /// An item.
    Item(ItemLine),
    /// A finding.
    Finding(FindingLine),
}

impl Line {
    /// Writes the line with a fresh salt. The text has no newline.
    pub fn write(&self) -> Result<String> {
        let mut salt = [0_u8; 16];
        fill_random(&mut salt)?;
        let mut value = self.value();
        if let Some(object) = value.as_object_mut() {
            object.insert("salt".into(), Value::String(BASE64.encode(salt)));
        }
        let bytes = canonical_json(&value).map_err(|error| Error::internal(format!("A manifest line cannot be written: {error}")))?;
        String::from_utf8(bytes).map_err(|_| Error::internal("A manifest line is not UTF-8."))
    }

    fn value(&self) -> Value {
        match self {
            Self::Accession(line) => json!({
                "line": "sago-accession/1", "id": line.id.to_string(), "accession": line.number, "unit": line.unit.to_string(),
                "contributor": line.contributor, "title": line.title, "agreement": line.agreement, "conditions": line.conditions,
                "label": line.label.code(), "received_at": line.received_at, "received_by": line.received_by,
                "sender_list": line.sender_list, "objects": line.objects,
            }),
            Self::Item(line) => json!({
                "line": "sago-item/1", "id": line.id.to_string(), "item": line.number, "path": line.path,
                "path_bytes": BASE64.encode(&line.path_bytes), "path_encoding": line.path_encoding, "bytes": line.bytes,
                "sha256": line.sha256, "sha512": line.sha512, "modified": line.modified, "sender": line.sender,
                "duplicate_of": line.duplicate_of, "content_object": format!("urn:uuid:{}", line.object), "content": line.content,
                "content_sha512": line.content_sha512, "content_sha256": line.content_sha256,
            }),
            Self::Finding(line) => json!({
                "line": "sago-finding/1", "code": line.code, "item": line.item, "path": line.path,
                "path_bytes": BASE64.encode(&line.path_bytes), "message": line.message, "taken": line.taken,
            }),
        }
    }

    /// Reads a line.
    pub fn read(text: &str) -> Result<Self> {
        let bad = |what: &str| Error::corrupt(format!("A line of a manifest cannot be read: {what}."));
        let value: Value = serde_json::from_str(text).map_err(|_| bad("it is not JSON"))?;
        let get = |name: &str| value.get(name).unwrap_or(&Value::Null);
        let string = |name: &str| get(name).as_str().map(str::to_owned).ok_or_else(|| bad(name));
        let optional = |name: &str| get(name).as_str().map(str::to_owned);
        let number = |name: &str| get(name).as_u64().ok_or_else(|| bad(name));
        let uuid = |name: &str| string(name).and_then(|text| Uuid::parse_str(text.trim_start_matches("urn:uuid:")).map_err(|_| bad(name)));
        let bytes = |name: &str| string(name).and_then(|text| BASE64.decode(text).map_err(|_| bad(name)));
        match get("line").as_str() {
            Some("sago-accession/1") => Ok(Self::Accession(AccessionLine {
                id: uuid("id")?,
                number: string("accession")?,
                unit: uuid("unit")?,
                contributor: string("contributor")?,
                title: string("title")?,
                agreement: optional("agreement"),
                conditions: get("conditions").as_array().ok_or_else(|| bad("conditions"))?.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
                label: string("label")?.parse().map_err(|_| bad("label"))?,
                received_at: string("received_at")?,
                received_by: string("received_by")?,
                sender_list: optional("sender_list"),
                objects: number("objects")?,
            })),
            Some("sago-item/1") => Ok(Self::Item(ItemLine {
                id: uuid("id")?,
                number: string("item")?,
                path: string("path")?,
                path_bytes: bytes("path_bytes")?,
                path_encoding: string("path_encoding")?,
                bytes: number("bytes")?,
                sha256: string("sha256")?,
                sha512: string("sha512")?,
                modified: optional("modified"),
                sender: string("sender")?,
                duplicate_of: optional("duplicate_of"),
                object: uuid("content_object")?,
                content: string("content")?,
                content_sha512: string("content_sha512")?,
                content_sha256: string("content_sha256")?,
            })),
            Some("sago-finding/1") => Ok(Self::Finding(FindingLine {
                code: string("code")?,
                item: optional("item"),
                path: string("path")?,
                path_bytes: bytes("path_bytes")?,
                message: string("message")?,
                taken: get("taken").as_bool().ok_or_else(|| bad("taken"))?,
            })),
            _ => Err(bad("its kind is unknown")),
        }
    }
}

/// All lines of an accession: their exact texts, in order, each without its newline. Memory holds a bounded part of them.
#[derive(Debug, Default)]
pub struct Manifest {
    lines: Spool,
}

impl Manifest {
    /// An empty manifest that keeps, sealed in this folder, what it cannot hold in memory.
    pub fn in_folder(folder: &Path) -> Self {
        Self { lines: Spool::in_folder(folder) }
    }

    /// Adds a line.
    pub fn push(&mut self, line: String) -> Result<()> {
        self.lines.push(line)
    }

    /// How many lines there are.
    pub fn len(&self) -> u64 {
        self.lines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The lines, in order.
    pub fn lines(&self) -> impl Iterator<Item = Result<String>> {
        self.lines.iter()
    }

    /// The root the log commits to: RFC 6962 over the lines.
    pub fn root(&self) -> Result<Hash> {
        Ok(self.tree()?.root())
    }

    /// The tree over the lines, for proving single ones.
    pub fn tree(&self) -> Result<MerkleList> {
        let mut tree = MerkleList::new();
        for line in self.lines() {
            tree.push(leaf_hash(line?.as_bytes()));
        }
        Ok(tree)
    }

    /// Writes the lines as JSON lines.
    pub fn write_to(&self, into: &mut dyn Write, path: &Path) -> Result<()> {
        for line in self.lines() {
            let line = line?;
            into.write_all(line.as_bytes()).and_then(|()| into.write_all(b"\n")).doing("Could not write", path)?;
        }
        Ok(())
    }

    /// Adds the lines of one part.
    pub fn read_part(&mut self, bytes: &[u8]) -> Result<()> {
        // A part has no lines when there are fewer lines than objects.
        if bytes.is_empty() {
            return Ok(());
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Error::corrupt("A manifest is not UTF-8."))?;
        let text = text.strip_suffix('\n').ok_or_else(|| Error::corrupt("A manifest does not end with a newline: it is cut short."))?;
        text.split('\n').try_for_each(|line| self.push(line.to_owned()))
    }

    /// The first line.
    pub fn accession(&self) -> Result<AccessionLine> {
        match self.lines().next().transpose()?.map(|line| Line::read(&line)).transpose()? {
            Some(Line::Accession(line)) => Ok(line),
            _ => Err(Error::corrupt("A manifest does not begin with its accession.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> ItemLine {
        ItemLine {
            id: Uuid::from_u128(7),
            number: "A-2026-0001.00001".into(),
            path: "진술서.hwp".into(),
            path_bytes: vec![0xC1, 0xF8, 0xBC],
            path_encoding: "cp949".into(),
            bytes: 12,
            sha256: "aa".into(),
            sha512: "bb".into(),
            modified: None,
            sender: "no-list".into(),
            duplicate_of: None,
            object: Uuid::from_u128(8),
            content: "o/000001.age".into(),
            content_sha512: "cc".into(),
            content_sha256: "dd".into(),
        }
    }

    #[test]
    fn lines_read_back_and_are_salted() {
        let line = Line::Item(item());
        let (one, two) = (line.write().unwrap(), line.write().unwrap());
        assert_ne!(one, two);
        assert_eq!(Line::read(&one).unwrap(), line);
        assert!(!one.contains('\n'));
    }

    #[test]
    fn a_manifest_cut_short_is_corrupt() {
        let mut manifest = Manifest::default();
        assert!(manifest.read_part(b"{}\n{").is_err());
    }

    #[test]
    fn bytes_read_back_with_the_same_root() {
        let mut manifest = Manifest::default();
        (0..5).for_each(|_| manifest.push(Line::Item(item()).write().unwrap()).unwrap());
        let (mut bytes, mut read) = (Vec::new(), Manifest::default());
        manifest.write_to(&mut bytes, Path::new("memory")).unwrap();
        read.read_part(&bytes).unwrap();
        assert_eq!(read.len(), 5);
        assert_eq!(read.root().unwrap(), manifest.root().unwrap());
    }
}

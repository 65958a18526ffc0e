//! From the text of an item to documents of the index: one for the item, one for each file in it.

use std::collections::HashMap;

use sago_formats::{Anchor, Part, Severity, Summary};
use sago_search::{Block, NewItem, Writer};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::failed;
use crate::accession::Accession;
use crate::ctx::micros;
use crate::error::{Error, Result};
use crate::item::Item;
use crate::reading::{Family, FamilyLine, Member};
use crate::repository::Repository;
use crate::store::spool::Spool;

/// Most properties of a file that are searched.
const PROPERTIES: usize = 2_000;

/// What is known of a file until its end is met. Its text waits on the disk, sealed, when it is long.
struct Open {
    name: String,
    path: String,
    number: String,
    digest: Option<[u8; 32]>,
    size_bytes: u64,
    is_whole: bool,
    format: String,
    pages: u64,
    properties: Vec<(String, String)>,
    blocks: Spool,
}

/// A block as it waits.
#[derive(Serialize, Deserialize)]
struct Waiting {
    anchor: Anchor,
    text: String,
}

/// Adds an item and the files in it. Returns how many documents that were.
pub(super) fn add(repo: &Repository, writer: &mut Writer, item: &Item, accession: &Accession, family: Option<Family>) -> Result<u64> {
    let Some(line) = &item.line else { return Err(Error::internal("an item of a sealed unit was to be indexed")) };
    let begin = |name: &str, path: &str, number: String, sha256: &str, size_bytes: u64, is_whole: bool| Open {
        name: name.to_owned(),
        path: path.to_owned(),
        number,
        digest: hex::decode(sha256).ok().and_then(|bytes| bytes.try_into().ok()),
        size_bytes,
        is_whole,
        format: String::new(),
        pages: 0,
        properties: Vec::new(),
        blocks: Spool::in_folder(&repo.places.staging),
    };
    let base = line.path.rsplit('/').next().unwrap_or(&line.path);
    let mut open: HashMap<String, Open> = HashMap::new();
    open.insert(String::new(), begin(base, &line.path, item.number.clone(), &line.sha256, line.bytes, true));
    let mut count = 0;
    let Some(family) = family else {
        let own = open.remove("").ok_or_else(|| Error::internal("an item is missing"))?;
        put(writer, item, accession, "", own, true)?;
        return Ok(1);
    };
    for told in family {
        match told? {
            FamilyLine::Head { .. } | FamilyLine::Tail { .. } => {}
            FamilyLine::Member(Member { path, child, sha256, bytes, whole }) => {
                let number = format!("{}/{path}", item.number);
                let mut one = begin(child.name.rsplit(['/', '\\']).next().unwrap_or_default(), &child.name, number, &sha256, bytes, whole);
                one.properties.extend(child.properties.into_iter().map(|property| field(property.name, property.value)));
                open.insert(path, one);
            }
            FamilyLine::Part { of, part } => {
                let one = open.get_mut(&of).ok_or_else(|| Error::corrupt("A text speaks of a file that it does not name."))?;
                match part {
                    Part::Identified(format) => one.format = format.format.or(format.puid).unwrap_or_default(),
                    Part::Property(property) if one.properties.len() < PROPERTIES => one.properties.push(field(property.name, property.value)),
                    Part::Page { .. } => one.pages += 1,
                    Part::Block(block) => {
                        let waiting = Waiting { anchor: block.anchor, text: block.text };
                        let text = serde_json::to_string(&waiting).map_err(|error| Error::internal(format!("a block cannot be kept: {error}")))?;
                        one.blocks.push(text)?;
                    }
                    Part::Property(_) | Part::Finding(_) => {}
                }
            }
            FamilyLine::End { of, summary } => {
                let one = open.remove(&of).ok_or_else(|| Error::corrupt("A text ends a file that it does not name."))?;
                let has_gaps = has_gaps(&summary) || !one.is_whole;
                put(writer, item, accession, &of, one, has_gaps)?;
                count += 1;
            }
        }
    }
    Ok(count)
}

fn has_gaps(summary: &Summary) -> bool {
    summary.weight >= Some(Severity::Loss)
}

/// The id of a file in an item: the same whenever the item is read again.
fn id_of(item: Uuid, path: &str) -> Uuid {
    if path.is_empty() {
        return item;
    }
    let mut hasher = Sha256::new();
    hasher.update(b"sago/member/1");
    hasher.update(item.as_bytes());
    hasher.update(path.as_bytes());
    let digest: [u8; 32] = hasher.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    // RFC 9562, section 5.8: a form of our own.
    uuid::Builder::from_bytes(bytes).with_variant(uuid::Variant::RFC4122).with_version(uuid::Version::Custom).into_uuid()
}

/// Under which name a property is searched: the fields that people ask for by name have one name whatever the format calls them.
fn field(name: String, value: String) -> (String, String) {
    let plain = name.rsplit(':').next().unwrap_or(&name).to_lowercase();
    let known = match plain.as_str() {
        "creator" | "author" | "lastmodifiedby" | "last-author" | "initial-creator" => Some("author"),
        "title" | "subject" | "from" | "to" | "cc" => sago_search::query::TEXT_FIELDS.into_iter().find(|field| *field == plain),
        _ => None,
    };
    (known.map_or(name, str::to_owned), value)
}

fn put(writer: &mut Writer, item: &Item, accession: &Accession, path: &str, one: Open, has_gaps: bool) -> Result<()> {
    let label = accession.line.as_ref().map(|line| line.label.code().to_owned());
    let new = NewItem {
        item: id_of(item.id, path),
        unit: item.unit,
        accession: accession.number.clone(),
        number: one.number,
        format: one.format,
        language: None,
        title: one.name,
        path: one.path,
        properties: one.properties,
        labels: label.into_iter().collect(),
        received_micros: micros(accession.at),
        pages: (one.pages > 0).then_some(one.pages),
        size_bytes: one.size_bytes,
        digest: one.digest,
        has_gaps,
    };
    let mut broken = None;
    let blocks = one.blocks.iter().map_while(|text| {
        let waiting =
            text.and_then(|text| serde_json::from_str::<Waiting>(&text).map_err(|error| Error::internal(format!("a block cannot be read back: {error}"))));
        match waiting {
            Ok(Waiting { anchor, text }) => {
                let page = anchor.page;
                let anchor = serde_json::to_string(&anchor).unwrap_or_default();
                Some(Block { anchor, page, text, continues: false })
            }
            Err(error) => {
                broken = Some(error);
                None
            }
        }
    });
    writer.add(&new, blocks).map_err(|error| failed(&error))?;
    broken.map_or(Ok(()), Err)
}

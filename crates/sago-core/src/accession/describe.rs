//! From sealed files to a manifest: numbers, duplicates, the sender's list, findings.
//!
//! What is described here is what the log commits to. The bytes themselves are in staging already.

use std::collections::HashMap;

use sqlx::Row;
use uuid::Uuid;

use crate::accession::deposit::hasher_of;
use crate::accession::finding;
use crate::accession::gather::{Outcome, Outcomes, Taken};
use crate::accession::manifest::{FindingLine, ItemLine, Line};
use crate::accession::staging::{Done, Staging, content_place};
use crate::accession::store::{derive_fingerprint_key, fingerprint};
use crate::ctx::time_text;
use crate::error::{Error, ErrorKind, Result};
use crate::intake::Finding;
use crate::intake::name::readable;
use crate::intake::sender_list::{self, SenderList, Verdict};
use crate::repository::Repository;
use crate::store::spool::Spool;

/// What was found out about a deposit, item by item.
///
/// A deposit may have as many files as a disk holds: what is kept of each in memory is two hundred bytes; its line is spooled.
#[derive(Default)]
pub(super) struct Description {
    /// Lines of the items, in number order, as the manifest will have them.
    pub(super) lines: Spool,
    /// The sealed files, in the order of the items that they are stored for.
    pub(super) contents: Vec<Content>,
    pub(super) findings: Vec<FindingLine>,
    /// Objects the sealed files are spread over.
    pub(super) objects: Vec<Uuid>,
    pub(super) mismatches: u64,
    pub(super) duplicates: u64,
    pub(super) resumed: u64,
    pub(super) stored_bytes: u64,
    /// Bytes of originals.
    pub(super) bytes: u64,
    /// Place in `contents` of the first item with these bytes: SHA-256 and size.
    first_with: HashMap<([u8; 32], u64), usize>,
}

/// A sealed file of this deposit.
pub(super) struct Content {
    /// Number of the item that it is stored for, from 1.
    item: u64,
    /// Its own number, from 1.
    number: u64,
    sha512: [u8; 64],
    sha256: [u8; 32],
}

impl Content {
    /// Which of the objects it lies in, from 0, and the path in its content folder.
    pub(super) fn place(&self) -> (u64, String) {
        content_place(self.number)
    }

    /// SHA-512 of the sealed bytes, hexadecimal.
    pub(super) fn sha512(&self) -> String {
        hex::encode(self.sha512)
    }

    /// SHA-256 of the sealed bytes, hexadecimal.
    pub(super) fn sha256(&self) -> String {
        hex::encode(self.sha256)
    }
}

/// Where the bytes of an item are stored.
struct Stored {
    number: String,
    object: Uuid,
    content: String,
    content_sha512: String,
    content_sha256: String,
}

impl Description {
    /// Begins with what was noted before the first file was read.
    pub(super) fn begin(staging: &Staging, outcomes: &Outcomes, notes: &[Finding]) -> Self {
        Self {
            lines: Spool::in_folder(&staging.folder),
            objects: (0..outcomes.parts).map(|_| Uuid::new_v4()).collect(),
            findings: notes.iter().map(|note| finding_line(note, None)).collect(),
            ..Self::default()
        }
    }

    /// Describes every outcome, in walking order.
    pub(super) async fn describe(
        &mut self,
        repo: &Repository,
        staging: &Staging,
        mut outcomes: Outcomes,
        list: &mut Option<(SenderList, String)>,
        earlier: &Earlier,
    ) -> Result<()> {
        for outcome in outcomes.drain() {
            match outcome? {
                Outcome::Taken(taken) => self.describe_one(repo, staging, *taken, list, earlier).await?,
                Outcome::NotTaken(finding) | Outcome::Note(finding) => self.findings.push(finding_line(&finding, None)),
            }
        }
        if let Some((list, _)) = list {
            self.findings.extend(list.unmatched().iter().map(|finding| finding_line(finding, None)));
        }
        Ok(())
    }

    async fn describe_one(
        &mut self,
        repo: &Repository,
        staging: &Staging,
        taken: Taken,
        list: &mut Option<(SenderList, String)>,
        earlier: &Earlier,
    ) -> Result<()> {
        let done = taken.done;
        let item = self.lines.len() + 1;
        let number = item_number(staging, item);
        let name = readable(&done.path_bytes);
        self.findings.extend(taken.notes.iter().chain(&name.note).map(|note| finding_line(note, Some(&number))));
        let sender = match list {
            None => "no-list",
            Some((list, _)) => self.compare(list, &done, &number)?,
        };
        let key = (decode(&done.sealed.sha256)?, done.sealed.bytes);
        let known = match (self.first_with.get(&key).and_then(|at| self.contents.get(*at)), earlier.find(&done)) {
            (Some(content), _) => Some(self.stored(staging, content)?),
            (None, Some((id, number))) => stored_of(repo, *id, number, &done).await?,
            (None, None) => None,
        };
        let duplicate_of = known.as_ref().map(|stored| stored.number.clone());
        let stored = match known {
            Some(stored) => {
                self.duplicates += 1;
                stored
            }
            None => {
                let content =
                    Content { item, number: done.content, sha512: decode(&done.sealed.content_sha512)?, sha256: decode(&done.sealed.content_sha256)? };
                let stored = self.stored(staging, &content)?;
                self.stored_bytes += done.sealed.content_bytes;
                self.first_with.insert(key, self.contents.len());
                self.contents.push(content);
                stored
            }
        };
        self.resumed += u64::from(taken.resumed);
        self.bytes += done.sealed.bytes;
        let line = ItemLine {
            id: Uuid::new_v4(),
            number,
            path: name.text,
            path_encoding: name.encoding.as_str().to_owned(),
            path_bytes: done.path_bytes,
            bytes: done.sealed.bytes,
            sha256: done.sealed.sha256,
            sha512: done.sealed.sha512,
            modified: jiff::Timestamp::from_microsecond(done.modified_micros).ok().map(time_text),
            sender: sender.to_owned(),
            duplicate_of,
            object: stored.object,
            content: stored.content,
            content_sha512: stored.content_sha512,
            content_sha256: stored.content_sha256,
        };
        self.lines.push(Line::Item(line).write()?)
    }

    fn compare(&mut self, list: &mut SenderList, done: &Done, number: &str) -> Result<&'static str> {
        let verdict = list.check(&done.path_bytes, &computed(done)?);
        if matches!(verdict, Verdict::Mismatch(_)) {
            self.mismatches += 1;
            self.findings.push(finding_line(&finding::sender_mismatch(&done.path_bytes, &done.sealed.sha256), Some(number)));
        }
        Ok(verdict.as_str())
    }

    fn stored(&self, staging: &Staging, content: &Content) -> Result<Stored> {
        let (part, path) = content.place();
        let object = usize::try_from(part).ok().and_then(|part| self.objects.get(part)).copied();
        Ok(Stored {
            number: item_number(staging, content.item),
            object: object.ok_or_else(|| Error::internal("a sealed file belongs to no object"))?,
            content: path,
            content_sha512: content.sha512(),
            content_sha256: content.sha256(),
        })
    }
}

/// The number people say aloud.
fn item_number(staging: &Staging, item: u64) -> String {
    format!("{}.{item:05}", staging.plan.number)
}

fn decode<const BYTES: usize>(digest: &str) -> Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    hex::decode_to_slice(digest, &mut bytes).map_err(|_| Error::internal("a digest is not hexadecimal, or of another length"))?;
    Ok(bytes)
}

/// What the unit already holds, by blinded fingerprint.
pub(super) struct Earlier {
    key: Option<zeroize::Zeroizing<[u8; 32]>>,
    items: HashMap<String, (Uuid, String)>,
}

impl Earlier {
    pub(super) async fn read(repo: &Repository, unit: Uuid, notes: &mut Vec<Finding>) -> Result<Self> {
        let key = match repo.keyring().unit(unit) {
            Ok(identity) => Some(derive_fingerprint_key(&identity)?),
            Err(error) if error.kind == ErrorKind::Forbidden => {
                notes.push(finding::sealed_unit_not_compared());
                None
            }
            Err(error) => return Err(error),
        };
        let mut items = HashMap::new();
        let Some(key) = key else { return Ok(Self { key, items }) };
        // The earliest item last: it is the one that stays.
        let text =
            "SELECT i.fingerprint, i.id, i.number FROM items i JOIN accessions a ON a.id = i.accession WHERE i.unit = $1 ORDER BY a.number DESC, i.seq DESC";
        let rows = sqlx::query(text).bind(unit.to_string()).fetch_all(repo.db().read()).await?;
        for row in rows {
            let id = Uuid::parse_str(&row.try_get::<String, _>(1)?).map_err(|_| Error::corrupt("An item's row was altered."))?;
            let print = match row.try_get::<Option<String>, _>(0)? {
                Some(print) => print,
                // It arrived while the unit was sealed.
                None => match crate::item::line_of(repo, id).await? {
                    Some(line) => fingerprint(&key, &line.sha256, line.bytes),
                    None => continue,
                },
            };
            items.insert(print, (id, row.try_get(2)?));
        }
        Ok(Self { key: Some(key), items })
    }

    fn find(&self, done: &Done) -> Option<&(Uuid, String)> {
        let key = self.key.as_ref()?;
        self.items.get(&fingerprint(key, &done.sealed.sha256, done.sealed.bytes))
    }
}

fn computed(done: &Done) -> Result<Vec<sender_list::Digest>> {
    let decode = |digest: &str| hex::decode(digest).map_err(|_| Error::internal("a digest is not hexadecimal"));
    let mut digests = vec![
        sender_list::Digest { algorithm: sender_list::Algorithm::Sha256, value: decode(&done.sealed.sha256)? },
        sender_list::Digest { algorithm: sender_list::Algorithm::Sha512, value: decode(&done.sealed.sha512)? },
    ];
    for (algorithm, digest) in &done.sealed.others {
        let wanted = sender_list::Algorithm::ALL.into_iter().find(|wanted| hasher_of(*wanted) == Some(*algorithm));
        if let Some(algorithm) = wanted {
            digests.push(sender_list::Digest { algorithm, value: decode(digest)? });
        }
    }
    Ok(digests)
}

fn finding_line(finding: &Finding, item: Option<&str>) -> FindingLine {
    FindingLine {
        code: finding.code.to_owned(),
        item: item.map(str::to_owned),
        path: readable(&finding.path_bytes).text,
        path_bytes: finding.path_bytes.clone(),
        message: finding.message.clone(),
        taken: finding.taken,
    }
}

/// Where the bytes of an earlier item of the unit are stored; `None` unless its sealed line really has the same digests, whatever the database hints.
async fn stored_of(repo: &Repository, item: Uuid, number: &str, done: &Done) -> Result<Option<Stored>> {
    let line = crate::item::line_of(repo, item).await?;
    let line = line.ok_or_else(|| Error::internal(format!("The item {number} cannot be read although its unit is open.")))?;
    let is_same = (&line.sha256, &line.sha512, line.bytes) == (&done.sealed.sha256, &done.sealed.sha512, done.sealed.bytes);
    Ok(is_same.then(|| Stored {
        number: number.to_owned(),
        object: line.object,
        content: line.content,
        content_sha512: line.content_sha512,
        content_sha256: line.content_sha256,
    }))
}

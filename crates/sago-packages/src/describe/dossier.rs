//! The dossier: everything the descriptions say about a package, typed, in one place.
//!
//! Filled by whoever builds the package, after the rights were decided. Times are `YYYY-MM-DDThh:mm:ss.ffffffZ` (docs/formats.md);
//! digests are lower-case hexadecimal; paths inside the package begin at the bag's own folder (`data/evidence/…`); UUIDs are plain,
//! without `urn:uuid:`. Nothing is checked here: a value that is not of its form is written as it is.

use std::collections::HashSet;

/// Everything the four descriptions need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dossier {
    /// Where the package comes from.
    pub repository: Repository,
    /// The act of handing over.
    pub export: Export,
    /// The accessions the items belong to.
    pub accessions: Vec<Accession>,
    /// The items in the package, in number order.
    pub items: Vec<Item>,
    /// Everyone and everything that acted, by pseudonym.
    pub agents: Vec<Agent>,
    /// What happened to what is in the package, in log order.
    pub events: Vec<Event>,
    /// Time-stamps over checkpoints.
    pub stamps: Vec<Stamp>,
    /// Every file of the package below `data/`, also those these functions make.
    pub files: Vec<BagFile>,
    /// What was left out, and why.
    pub omissions: Vec<Omission>,
    /// The proof files of the first item, for the worked example of VERIFY.md.
    pub example: Option<Example>,
}

/// The repository that hands over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// What people call it.
    pub name: String,
    /// Its logs, one for each whose proofs are in the package; several of one kind after a restart.
    pub logs: Vec<LogKeys>,
    /// Places where the fingerprints of the keys can be compared, as sentences or names (“the receipt of 14 March 2026”).
    pub published_at: Vec<String>,
}

/// One log and the keys with which its signatures are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKeys {
    /// Which log.
    pub log: Log,
    /// Its origin: the first line of its checkpoints.
    pub origin: String,
    /// Where its verifier keys stand in the package.
    pub file: String,
    /// The exact content of that file: one verifier key a line (C2SP signed-note).
    pub content: String,
    /// Names of the independent witnesses whose signatures the checkpoints carry; empty: nobody but the repository signed.
    pub witnesses: Vec<String>,
}

/// Which of the two logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Log {
    /// What was received, changed, decided, handed over.
    Custody,
    /// Who read.
    Access,
}

impl Log {
    /// The word used in paths and identifiers.
    pub fn code(self) -> &'static str {
        match self {
            Self::Custody => "custody",
            Self::Access => "access",
        }
    }
}

/// The act of handing over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Name of the bag's folder.
    pub name: String,
    /// When.
    pub at: String,
    /// Who, by pseudonym (`urn:uuid:…`).
    pub by: String,
    /// Why.
    pub reason: String,
    /// To whom.
    pub recipient: String,
    /// What the recipient may do with it.
    pub terms: String,
    /// What made the package.
    pub software: Software,
}

/// A program and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Software {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Address where it is described; RO-Crate requires one.
    pub url: String,
}

/// A deposit, as far as the package tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accession {
    /// Number people say aloud (`A-2026-0001`).
    pub number: String,
    /// UUID.
    pub uuid: String,
    /// Title.
    pub title: String,
    /// Who handed it over; `None` where that may not be told.
    pub contributor: Option<String>,
    /// The agreement it came under.
    pub agreement: Option<String>,
    /// The contributor's conditions.
    pub conditions: Vec<String>,
    /// Label code: `public`, `restricted`, `confidential`, `strictly-confidential`; anything else counts as the highest.
    pub label: String,
    /// When it was received.
    pub received_at: String,
    /// Who received it, by pseudonym.
    pub received_by: String,
    /// Consent unit (UUID).
    pub unit: String,
    /// Items in the whole accession; more than are in the package when only some go.
    pub items_received: u64,
}

/// One original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Number (`A-2026-0001.00017`).
    pub number: String,
    /// UUID.
    pub uuid: String,
    /// UUID of its accession.
    pub accession: String,
    /// The sender's path, for reading (NFC).
    pub path: String,
    /// The bytes of that path as the sender's disk held them, base64.
    pub path_bytes: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the original.
    pub sha256: String,
    /// SHA-512 of the original.
    pub sha512: String,
    /// Last change according to the sender's disk.
    pub modified: Option<String>,
    /// Media type; `None` when it was not identified.
    pub media_type: Option<String>,
    /// PRONOM identifier (`fmt/40`).
    pub puid: Option<String>,
    /// Where its bytes stand in the package.
    pub evidence: String,
    /// Where its item proof stands in the package.
    pub proof: String,
    /// Where the repository keeps it, encrypted.
    pub stored: Option<StoredCopy>,
}

/// The encrypted copy in the repository's store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCopy {
    /// OCFL object id (`urn:uuid:…`).
    pub object: String,
    /// Content path in the object.
    pub content: String,
    /// SHA-256 of the ciphertext.
    pub sha256: String,
    /// SHA-512 of the ciphertext.
    pub sha512: String,
}

/// Who or what acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Pseudonym (`urn:uuid:…`).
    pub urn: String,
    /// Role code (`custodian`, `legal officer` …) or any words.
    pub role: String,
    /// Person, body or program.
    pub kind: AgentKind,
}

/// What kind of agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentKind {
    /// A person.
    Person,
    /// A body.
    Organization,
    /// A program.
    Software,
}

/// One entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Which log.
    pub log: Log,
    /// Origin of that log.
    pub origin: String,
    /// Index in it.
    pub index: u64,
    /// Kind code (`accession-received`).
    pub kind: String,
    /// When.
    pub at: String,
    /// Who, by pseudonym.
    pub agent: String,
    /// UUIDs it is about.
    pub about: Vec<String>,
    /// Its detail.
    pub detail: Detail,
    /// Where its `.tlog-proof` stands in the package.
    pub proof: String,
}

/// The second half of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// Readable names and values, in the order in which they are shown.
    Open(Vec<(String, String)>),
    /// Not disclosed; only its digest is in the log.
    Withheld,
}

/// A checkpoint and what time-stamping authorities said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Authority, as configured.
    pub authority: String,
    /// The authority's time, earliest of the tokens.
    pub gen_time: String,
    /// Which log.
    pub log: Log,
    /// Size of the tree of the checkpoint.
    pub size: u64,
    /// Where the stamped checkpoint stands in the package.
    pub checkpoint: String,
    /// Where the certificates stand in the package.
    pub chain: String,
    /// The tokens: usually one over SHA-256, one over SHA-512.
    pub tokens: Vec<StampToken>,
}

/// One RFC 3161 answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampToken {
    /// `sha256` or `sha512`.
    pub digest: String,
    /// Where the answer stands in the package.
    pub response: String,
}

/// One file of the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BagFile {
    /// Path (`data/proofs/keys/custody.vkey`).
    pub path: String,
    /// Bytes; `None` for a file that is not made yet (this description itself).
    pub size: Option<u64>,
    /// SHA-256; `None` for a file that is not made yet.
    pub sha256: Option<String>,
    /// Media type.
    pub media_type: String,
    /// What it is, in a sentence.
    pub description: String,
}

/// Something that is not in the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Omission {
    /// What: an item's number, or words.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// The two proof files of the first item, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Content of the item proof (docs/formats.md, section 7).
    pub item_proof: String,
    /// Content of the `.tlog-proof` of the event it points to.
    pub tlog_proof: String,
    /// Where that `.tlog-proof` stands in the package.
    pub tlog_proof_file: String,
}

impl Dossier {
    /// The agent with this pseudonym.
    pub(super) fn agent(&self, urn: &str) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.urn == urn)
    }

    /// Every pseudonym the dossier names, once, with its description where there is one.
    pub(super) fn named_agents(&self) -> Vec<(&str, Option<&Agent>)> {
        let described = self.agents.iter().map(|agent| agent.urn.as_str());
        let received = self.accessions.iter().map(|accession| accession.received_by.as_str());
        let acted = self.events.iter().map(|event| event.agent.as_str());
        let mut seen = HashSet::new();
        described.chain([self.export.by.as_str()]).chain(received).chain(acted).filter(|urn| seen.insert(*urn)).map(|urn| (urn, self.agent(urn))).collect()
    }

    /// The strictest label of the accessions; the highest when there is none.
    pub(super) fn label(&self) -> &'static str {
        const CODES: [&str; 4] = ["public", "restricted", "confidential", "strictly-confidential"];
        let rank = |label: &str| CODES.iter().position(|code| *code == label).unwrap_or(CODES.len() - 1);
        let strictest = self.accessions.iter().map(|accession| rank(&accession.label)).max();
        CODES[strictest.unwrap_or(CODES.len() - 1)]
    }
}

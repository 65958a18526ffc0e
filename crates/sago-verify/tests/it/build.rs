//! Builds a small repository's outputs to the byte of docs/formats.md: two logs, an export, a receipt.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sago_ledger::Hash;
use sago_ledger::append::Appender;
use sago_ledger::checkpoint::Checkpoint;
use sago_ledger::json::canonical_json;
use sago_ledger::leaf::{Half, Leaf};
use sago_ledger::merkle::{MerkleList, inclusion_path};
use sago_ledger::note::Signer;
use sago_ledger::opening::{Opening, Part};
use sago_ledger::proof::TlogProof;
use sago_ledger::source::{MemorySource, TileReader};
use sago_packages::bagit::BagWriter;
use sago_packages::ocfl::write::{NewFile, VersionInfo, first_version, inventory_bytes, sidecar_text};
use sago_verify::stamp::log_id;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};

pub const OBJECT: &str = "8c2f1f2e-6f44-4b2b-9a52-3c1df1f1a001";
pub const UNIT: &str = "5b8c8f0e-0a53-4ef7-8d3a-5a1e6c0a0002";
pub const ACCESSION_EVENT: u64 = 4;
const START: u64 = 1_773_482_520;
const TIME: &str = "2026-03-14T10:02:00.000000Z";

/// One log under construction.
pub struct Log {
    pub origin: String,
    pub signers: Vec<Signer>,
    pub events: Vec<(Half, Half)>,
    pub files: MemorySource,
    pub size: u64,
    pub root: Hash,
}

/// 32 bytes that are always the same for a name.
pub fn seed(name: &str) -> [u8; 32] {
    Sha256::digest(name).into()
}

pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

pub fn sha512(bytes: &[u8]) -> String {
    hex::encode(Sha512::digest(bytes))
}

pub fn canonical(value: &Value) -> String {
    String::from_utf8(canonical_json(value).unwrap()).unwrap()
}

impl Log {
    pub fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            signers: vec![
                Signer::ed25519(origin, &seed(&format!("{origin} ed25519"))).unwrap(),
                Signer::ml_dsa_44(origin, &seed(&format!("{origin} mldsa44"))).unwrap(),
            ],
            events: Vec::new(),
            files: MemorySource::default(),
            size: 0,
            root: Hash::EMPTY_ROOT,
        }
    }

    pub fn vkey(&self) -> String {
        self.signers.iter().map(|signer| format!("{}\n", signer.verifier())).collect()
    }

    pub fn add(&mut self, kind: &str, skeleton: Value, detail: &Value) {
        let index = self.events.len();
        let mut whole = json!({
            "kind": kind, "event": format!("00000000-0000-4000-8000-{index:012}"), "at": TIME,
            "agent": "urn:uuid:1f0b2a34-0000-4000-8000-000000000007", "software": "sago 0.1.0", "policy": "1",
        });
        whole.as_object_mut().unwrap().extend(skeleton.as_object().unwrap().clone());
        let half = |name: &str, payload: &Value| Half { nonce: seed(&format!("{} {index} {name}", self.origin)), payload: canonical(payload) };
        self.events.push((half("skeleton", &whole), half("detail", detail)));
    }

    pub fn leaf(&self, index: usize) -> Leaf {
        let (skeleton, detail) = &self.events[index];
        Leaf::of(START + index as u64, skeleton, detail).unwrap()
    }

    /// Integrates everything added so far.
    pub fn integrate(&mut self) {
        let mut appender = Appender::open(&self.files, self.size, &self.root).unwrap();
        for index in self.size as usize..self.events.len() {
            appender.append(&self.leaf(index).entry()).unwrap();
        }
        let appended = appender.finish();
        (self.size, self.root) = (appended.size, appended.root);
        self.files.files.extend(appended.files);
        let checkpoint = self.checkpoint().into_bytes();
        self.files.files.insert("checkpoint".to_owned(), checkpoint);
    }

    pub fn checkpoint(&self) -> String {
        let checkpoint = Checkpoint::new(&self.origin, self.size, self.root).unwrap();
        checkpoint.sign(&self.signers, START + 600).unwrap().to_string()
    }

    pub fn opening(&self, index: u64) -> Opening {
        let (skeleton, detail) = self.events[index as usize].clone();
        Opening { log: self.origin.clone(), index, seconds: START + index, skeleton: Part::Open(skeleton), detail: Part::Open(detail) }
    }

    pub fn path(&self, index: u64) -> Vec<Hash> {
        inclusion_path(index, self.size, &mut TileReader::new(&self.files, self.size)).unwrap()
    }

    pub fn proof(&self, opening: &Opening) -> TlogProof {
        TlogProof { index: opening.index, path: self.path(opening.index), checkpoint: self.checkpoint(), extra: Some(opening.encode().unwrap()) }
    }

    pub fn write(&self, folder: &Path) {
        for (path, bytes) in &self.files.files {
            write(&folder.join(path), bytes);
        }
    }
}

pub fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// One original as the sender's disk held it.
pub struct Original {
    pub number: String,
    pub name: &'static str,
    pub bytes: Vec<u8>,
}

/// Everything a stranger could be handed, before it is written.
pub struct World {
    pub custody: Log,
    pub access: Log,
    pub originals: Vec<Original>,
    pub lines: Vec<String>,
    pub manifest: MerkleList,
    pub inventory: Vec<u8>,
}

impl World {
    pub fn new() -> Self {
        Self::from("k7q2m9.example/custody-1", "k7q2m9.example/access-1")
    }

    /// The same events in logs of other names.
    pub fn from(custody: &str, access: &str) -> Self {
        let originals = originals();
        let sealed: Vec<Vec<u8>> = originals.iter().map(|original| [b"age-encryption.org/v1\n", &original.bytes[..]].concat()).collect();
        let lines = manifest_lines(&originals, &sealed);
        let manifest = MerkleList::from_entries(&lines);
        let inventory = inventory(&sealed);
        let objects = json!([{ "id": OBJECT, "inventory_sha512": sha512(&inventory) }]);
        let accession = "3d1c7f00-0000-4000-8000-00000000acce";
        let mut log = Log::new(custody);
        log.add("repository-created", json!({ "repository": OBJECT, "domain_unit": UNIT }), &json!({ "name": "사고", "custodians": 5 }));
        log.add("unit-created", json!({ "unit": UNIT, "mode": "working", "vault_sha256": sha256(b"vault") }), &json!({}));
        log.add("accession-opened", json!({ "accession": accession, "unit": UNIT, "number": "A-2026-0001" }), &json!({ "contributor": "김", "title": "진술" }));
        log.add("accession-prepared", json!({ "accession": accession, "unit": UNIT, "objects": objects.clone() }), &json!({}));
        let received = json!({
            "number": "A-2026-0001", "manifest_root": hex::encode(manifest.root().0), "manifest_lines": lines.len(),
            "items": originals.len(), "bytes": 1, "not_taken": 1,
        });
        log.add("accession-received", json!({ "accession": accession, "unit": UNIT, "objects": objects, "recovered": false }), &received);
        log.add("keys-checked", json!({ "units": 1, "failures": 0 }), &json!({ "failed": [] }));
        log.add("access-checkpointed", json!({ "size": 1, "root": "" }), &json!({}));
        log.integrate();
        let mut reads = Log::new(access);
        reads.add("item-opened", json!({ "item": OBJECT, "accession": accession }), &json!({ "number": "A-2026-0001.00001", "reason": "request 17" }));
        reads.integrate();
        Self { custody: log, access: reads, originals, lines, manifest, inventory }
    }

    /// The proof of the item whose line is `index` (from 1), as the text of its file.
    pub fn item_proof(&self, index: u64) -> String {
        let path: Vec<String> = self.manifest.inclusion_path(index).unwrap().iter().map(|hash| hex::encode(hash.0)).collect();
        canonical(&json!({
            "event_index": ACCESSION_EVENT, "item_proof": "sago-item-proof/1", "line": self.lines[index as usize], "line_index": index,
            "line_count": self.lines.len(), "log": self.custody.origin, "path": path,
        }))
    }

    pub fn story(&self) -> String {
        let mut story = String::new();
        for (name, log) in [("custody", &self.custody), ("access", &self.access)] {
            for index in 0..log.size {
                story += &canonical(&json!({ "log": name, "index": index, "opening": log.opening(index).to_value() }));
                story.push('\n');
            }
        }
        story
    }

    /// Writes an export; `stamps` are files to be put below `data/stamps/<log id>/<size>/`.
    pub fn write_export(&self, folder: &Path, stamps: &[(String, Vec<u8>)]) {
        let mut bag = BagWriter::create(folder).unwrap();
        let mut add = |path: &str, bytes: &[u8]| {
            bag.add_file(path, &mut &*bytes).unwrap();
        };
        add("READ-ME-FIRST.html", "<!doctype html><title>Read me</title>".as_bytes());
        add("VERIFY.md", b"# How to verify\n");
        add("ro-crate-metadata.json", b"{}");
        for original in &self.originals {
            add(&format!("evidence/{}/{}", original.number, original.name), &original.bytes);
        }
        add("provenance/premis.xml", b"<premis/>");
        add("provenance/events.jsonl", self.story().as_bytes());
        for (name, log) in [("custody", &self.custody), ("access", &self.access)] {
            for index in 0..log.size {
                add(&format!("proofs/{name}-{index}.tlog-proof"), log.proof(&log.opening(index)).encode().as_bytes());
            }
            add(&format!("proofs/keys/{name}.vkey"), log.vkey().as_bytes());
        }
        for (index, original) in (1..).zip(&self.originals) {
            add(&format!("proofs/items/{}.json", original.number), self.item_proof(index).as_bytes());
        }
        add(&format!("proofs/objects/{OBJECT}/inventory.json"), &self.inventory);
        add(&format!("proofs/objects/{OBJECT}/inventory.json.sha512"), sidecar_text(&self.inventory).as_bytes());
        for (name, bytes) in stamps {
            add(&format!("stamps/{}/{}/{name}", log_id(&self.custody.origin), self.custody.size), bytes);
        }
        add("verify/sago_verify.py", sago_verify::PYTHON_VERIFIER.as_bytes());
        bag.finish(&[("Source-Organization", "사고"), ("External-Identifier", "E-2026-0001")]).unwrap();
    }

    pub fn write_receipt(&self, folder: &Path) {
        let opening = self.custody.opening(ACCESSION_EVENT);
        let receipt = json!({
            "receipt": "sago-receipt/1", "accession": "A-2026-0001", "log": self.custody.origin, "event_index": ACCESSION_EVENT,
            "manifest": "manifest.jsonl", "proof": "receipt.tlog-proof", "key": "custody.vkey", "issued_at": TIME,
        });
        write(&folder.join("receipt.txt"), "Receipt A-2026-0001\n");
        write(&folder.join("receipt.json"), serde_json::to_string_pretty(&receipt).unwrap());
        write(&folder.join("manifest.jsonl"), self.lines.iter().map(|line| format!("{line}\n")).collect::<String>());
        write(&folder.join("receipt.tlog-proof"), self.custody.proof(&opening).encode());
        write(&folder.join("custody.vkey"), self.custody.vkey());
    }

    /// Writes `log/<n>` with segments of the right names; what they hold is sealed to keys nobody has here.
    pub fn write_generation(&self, folder: &Path) {
        for (name, log) in [("custody", &self.custody), ("access", &self.access)] {
            log.write(&folder.join(name));
            write(&folder.join(format!("{name}.vkey")), log.vkey());
            for half in ["skeleton", "detail"] {
                let segment = format!("payload/{name}/{:012}-{:012}.{UNIT}.{half}.age", 0, log.size - 1);
                write(&folder.join(segment), "age-encryption.org/v1\n");
            }
        }
    }
}

fn originals() -> Vec<Original> {
    let original = |number: u32, name, bytes: &[u8]| Original { number: format!("A-2026-0001.{number:05}"), name, bytes: bytes.to_vec() };
    vec![
        original(1, "진술서.hwp", b"\xd0\xcf\x11\xe0 statement of a witness"),
        original(2, "photo 1.jpg", b"\xff\xd8\xff\xe0 a photograph"),
        original(3, "empty.txt", b""),
    ]
}

fn manifest_lines(originals: &[Original], sealed: &[Vec<u8>]) -> Vec<String> {
    let salt = |name: &str| STANDARD.encode(&seed(name)[..16]);
    let mut lines = vec![canonical(&json!({
        "accession": "A-2026-0001", "agreement": null, "conditions": [], "contributor": "김", "id": OBJECT, "label": "strictly-confidential",
        "line": "sago-accession/1", "objects": 1, "part": 1, "received_at": TIME, "received_by": "urn:uuid:1", "salt": salt("line 0"),
        "sender_list": null, "title": "진술", "unit": UNIT,
    }))];
    for (index, (original, sealed)) in (1..).zip(originals.iter().zip(sealed)) {
        lines.push(canonical(&json!({
            "bytes": original.bytes.len(), "content": format!("o/{index:06}.age"), "content_object": format!("urn:uuid:{OBJECT}"),
            "content_sha256": sha256(sealed), "content_sha512": sha512(sealed), "duplicate_of": null, "id": UNIT, "item": original.number,
            "line": "sago-item/1", "modified": null, "path": original.name, "path_bytes": STANDARD.encode(original.name),
            "path_encoding": "utf-8", "salt": salt(&format!("line {index}")), "sender": "no-list", "sha256": sha256(&original.bytes),
            "sha512": sha512(&original.bytes),
        })));
    }
    lines.push(canonical(&json!({
        "code": "file-unreadable", "item": null, "line": "sago-finding/1", "message": "Permission denied", "path": "locked.doc",
        "path_bytes": STANDARD.encode("locked.doc"), "salt": salt("finding"), "taken": false,
    })));
    lines
}

fn inventory(sealed: &[Vec<u8>]) -> Vec<u8> {
    let files: Vec<NewFile> =
        (1..).zip(sealed).map(|(index, bytes)| NewFile { logical_path: format!("o/{index:06}.age"), sha512: sha512(bytes), sha256: sha256(bytes) }).collect();
    let info = VersionInfo {
        created: "2026-03-14T10:02:00Z".to_owned(),
        message: "Accession".to_owned(),
        user_name: "P-02".to_owned(),
        user_address: "urn:uuid:1f0b2a34-0000-4000-8000-000000000007".to_owned(),
    };
    inventory_bytes(&first_version(&format!("urn:uuid:{OBJECT}"), info, &files).unwrap())
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target: PathBuf = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Every file below a folder, `/` between parts, sorted.
pub fn list(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() {
                folders.push((entry.path(), path + "/"));
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

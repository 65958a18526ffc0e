//! A receipt (formats, section 11), and a proof of one event that stands alone.

use std::path::Path;

use sago_ledger::json::parse_canonical;
use sago_ledger::merkle::RootBuilder;
use sago_packages::{DiskTree, Tree};
use serde_json::Value;

use crate::codes;
use crate::event::{Event, ManifestPromise};
use crate::files;
use crate::finding::{Finding, Refusal, want};
use crate::json;
use crate::report::{Report, Target};
use crate::trust::{Trust, parse_keys};
use crate::{Error, Options};

/// The members of `receipt.json` that are compared with something; the rest is for reading.
struct Receipt {
    accession: Option<String>,
    log: Option<String>,
    event_index: Option<u64>,
    manifest: String,
    proof: String,
    key: String,
}

/// Verifies the folder of a receipt.
pub fn verify(root: &Path, options: &Options) -> Result<Report, Error> {
    let mut report = Report::new(Target::Receipt);
    let tree = &DiskTree::new(root);
    let paths = files::walk(tree, &mut report.findings)?;
    let receipt = match files::read(tree, "receipt.json").and_then(|bytes| Receipt::read(&bytes)) {
        Ok(receipt) => receipt,
        Err(refusal) => {
            report.add(refusal.at("receipt.json"));
            return Ok(report);
        }
    };
    let proven = [&receipt.manifest, &receipt.proof, &receipt.key];
    for path in paths.iter().filter(|path| !proven.contains(path)) {
        let message = match path.as_str() {
            "receipt.json" => "no proof covers this file; what it says of log, event and accession was compared",
            _ => "no proof covers this file",
        };
        report.add(Finding::new(&codes::NOT_COVERED, path.as_str(), message));
    }
    let mut trust = Trust::new(options, sibling_keys(tree, &receipt.key, &mut report));
    let event = match files::read(tree, &receipt.proof).and_then(|bytes| Event::prove(&bytes, &mut trust, &mut report)) {
        Ok(event) => Some(event),
        Err(refusal) => {
            report.add(refusal.at(&receipt.proof));
            None
        }
    };
    if let Some(event) = &event
        && (receipt.log.as_deref() != Some(event.origin()) || receipt.event_index != Some(event.index))
    {
        report.add(Finding::new(&codes::RECEIPT_EVENT, "receipt.json", "the receipt names another event than it proves"));
    }
    if let Err(refusal) = check_manifest(tree, &receipt, event.as_ref(), &mut report) {
        report.add(refusal.at(&receipt.manifest));
    }
    report.not_checked("whether the repository still holds what it received", "a receipt shows what was received");
    Ok(report)
}

/// Verifies a `.tlog-proof` that stands alone; keys that were not given are looked for beside it (`*.vkey`).
pub fn verify_proof(file: &Path, options: &Options) -> Result<Report, Error> {
    let mut report = Report::new(Target::Proof);
    let root = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut keys = Vec::new();
    for folder in [root.to_owned(), root.join("keys")] {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let entry = entry.map_err(Error::at(&folder))?;
            let beside = entry.file_name().to_string_lossy().into_owned();
            if options.pinned.is_empty() && beside.ends_with(".vkey") {
                keys.extend(sibling_keys(&DiskTree::new(&folder), &beside, &mut report));
            }
        }
    }
    let mut trust = Trust::new(options, keys);
    match files::read(&DiskTree::new(root), &name).and_then(|bytes| Event::prove(&bytes, &mut trust, &mut report)) {
        Ok(event) => report.checked(format!("event {} of log {}, in a tree of {} entries", event.index, event.origin(), event.checkpoint.size)),
        Err(refusal) => report.add(refusal.at(&name)),
    }
    Ok(report)
}

/// Reads the keys that lie in the same folder; a bad file is a finding.
pub(crate) fn sibling_keys(tree: &dyn Tree, name: &str, report: &mut Report) -> Vec<sago_ledger::note::Verifier> {
    let read =
        files::read_text(tree, name, &codes::KEY_MALFORMED).and_then(|text| parse_keys(&text).map_err(|message| Refusal::new(&codes::KEY_MALFORMED, message)));
    read.unwrap_or_else(|refusal| {
        report.add(refusal.at(name));
        Vec::new()
    })
}

impl Receipt {
    fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let malformed = || Refusal::new(&codes::RECEIPT_MALFORMED, "not a sago-receipt/1");
        let members = json::object(bytes).map_err(|_| malformed())?;
        let text = |member: &str| members.get(member).and_then(Value::as_str).map(str::to_owned);
        // The names are a stranger's: they must not lead out of the folder.
        let name = |member: &str| text(member).filter(|name| is_plain_name(name)).ok_or_else(malformed);
        want(text("receipt").as_deref() == Some("sago-receipt/1"), &codes::RECEIPT_MALFORMED, "not a sago-receipt/1")?;
        Ok(Self {
            accession: text("accession"),
            log: text("log"),
            event_index: members.get("event_index").and_then(Value::as_u64),
            manifest: name("manifest")?,
            proof: name("proof")?,
            key: name("key")?,
        })
    }
}

fn is_plain_name(name: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c == '.' || c == '-')
}

fn check_manifest(tree: &dyn Tree, receipt: &Receipt, event: Option<&Event>, report: &mut Report) -> Result<(), Refusal> {
    let malformed = |why: &str| Refusal::new(&codes::MANIFEST_MALFORMED, why);
    let bytes = files::read(tree, &receipt.manifest)?;
    let text = bytes.strip_suffix(b"\n").ok_or_else(|| malformed("the last line is not finished"))?;
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let first = parse_canonical(lines[0]).map_err(|error| malformed(&format!("the first line is {error}")))?;
    let is = |member: &str, wanted: Option<&str>| wanted.is_some() && first.get(member).and_then(Value::as_str) == wanted;
    if !is("line", Some("sago-accession/1")) || !is("accession", receipt.accession.as_deref()) {
        let message = "the manifest is not about the accession of the receipt";
        report.add(Finding::new(&codes::RECEIPT_ACCESSION, receipt.manifest.as_str(), message));
    }
    report.checked(format!("{} lines of the manifest", lines.len()));
    let Some(event) = event else { return Ok(()) };
    match event.manifest(&receipt.proof, report) {
        Ok(ManifestPromise { root, lines: count }) => {
            let mut tree = RootBuilder::new();
            lines.iter().for_each(|line| tree.push_entry(line));
            if tree.root() != root || lines.len() as u64 != count {
                let message = "the lines are not those that the log holds the manifest_root of";
                report.add(Finding::new(&codes::RECEIPT_ROOT, receipt.manifest.as_str(), message));
            }
            report.checked(format!("event {} of log {}", event.index, event.origin()));
        }
        Err(refusal) => report.add(refusal.at(&receipt.proof)),
    }
    Ok(())
}

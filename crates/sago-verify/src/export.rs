//! A package handed over (formats, section 10): every file of evidence followed to a signed tree, and the rest named.
//!
//! The chain for one item: bytes, the digests in its line, `manifest_root` in the event's detail, leaf, tree, signatures, time-stamp.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sago_packages::ocfl::Inventory;
use sago_packages::{DiskTree, Tree};
use serde_json::Value;

use crate::bag::{self, Sums};
use crate::codes;
use crate::event::Event;
use crate::files;
use crate::finding::{Finding, Refusal};
use crate::item::{self, Events, ProvenItem};
use crate::json;
use crate::report::{Report, Target};
use crate::stamp::{check_stamps, identity};
use crate::trust::{Trust, parse_keys};
use crate::{Error, Options};

const STORY: &str = "data/provenance/events.jsonl";
const ITEMS: &str = "data/proofs/items/";
const EVIDENCE: &str = "data/evidence/";
const KEYS: &str = "data/proofs/keys/";
const OBJECTS: &str = "data/proofs/objects/";
const STAMPS: &str = "data/stamps/";

/// Verifies an export.
pub fn verify(root: &Path, options: &Options) -> Result<Report, Error> {
    let mut report = Report::new(Target::Export);
    let tree = &DiskTree::new(root);
    let paths = files::walk(tree, &mut report.findings)?;
    let sums = bag::check(root, options, &mut report)?;
    let trust = Trust::new(options, package_keys(tree, &paths, &mut report));
    let mut export = Export { tree, paths: &paths, trust, sums, report };
    let events = export.prove_events();
    export.compare_story(&events);
    let items = export.prove_items(&events)?;
    export.judge_inventories(&events, &items)?;
    let Export { mut trust, mut report, .. } = export;
    let stamped = check_stamps(tree, STAMPS, &paths, &mut trust, options, &mut report);
    let bare = events.values().filter(|event| !stamped.contains(&identity(&event.checkpoint))).count();
    if bare > 0 {
        let message = format!("{bare} of {} events are proven in a checkpoint that carries no time-stamp here", events.len());
        report.add(Finding::new(&codes::NOT_STAMPED, "", message));
    }
    for path in paths.iter().filter(|path| !is_covered(path)) {
        report.add(Finding::new(&codes::NOT_COVERED, path.as_str(), "no proof covers this file: only the bag's own manifests list it"));
    }
    report.checked(format!("{} events and {} items, from the bytes to the signatures of the log", events.len(), items.len()));
    report.not_checked("whether events or items were left out", "a package shows what is in it");
    report.not_checked("the names of files in data/evidence", "they are for reading; the true name is the path in the item's line");
    Ok(report)
}

/// Says whether some check above is about the file; files in `stamps/` are named there.
fn is_covered(path: &str) -> bool {
    let manifests = ["manifest-sha256.txt", "manifest-sha512.txt", "tagmanifest-sha256.txt", "tagmanifest-sha512.txt"];
    path == "bagit.txt"
        || path == STORY
        || manifests.contains(&path)
        || [EVIDENCE, KEYS, ITEMS, STAMPS].iter().any(|folder| path.starts_with(folder))
        || proof_name(path).is_some()
        || inventory_of(path).is_some()
}

/// The UUID of the object whose inventory lies at `path`.
fn inventory_of(path: &str) -> Option<&str> {
    path.strip_prefix(OBJECTS)?.strip_suffix("/inventory.json").filter(|object| !object.contains('/'))
}

fn package_keys(tree: &dyn Tree, paths: &[String], report: &mut Report) -> Vec<sago_ledger::note::Verifier> {
    let mut keys = Vec::new();
    for path in paths.iter().filter(|path| path.starts_with(KEYS)) {
        let read = files::read_text(tree, path, &codes::KEY_MALFORMED)
            .and_then(|text| parse_keys(&text).map_err(|message| Refusal::new(&codes::KEY_MALFORMED, message)));
        match read {
            Ok(more) => keys.extend(more),
            Err(refusal) => report.add(refusal.at(path)),
        }
    }
    keys
}

struct Export<'a> {
    tree: &'a dyn Tree,
    paths: &'a [String],
    trust: Trust,
    sums: Sums,
    report: Report,
}

impl Export<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, Refusal> {
        files::read(self.tree, path)
    }

    /// Proves `data/proofs/<log>-<index>.tlog-proof`, each one.
    fn prove_events(&mut self) -> Events {
        let mut events = Events::new();
        for path in self.paths {
            let Some((log, index)) = proof_name(path) else {
                continue;
            };
            let proven = self.read(path).and_then(|bytes| Event::prove(&bytes, &mut self.trust, &mut self.report));
            match proven {
                Ok(event) if event.index == index => {
                    events.insert((log.to_owned(), index), event);
                }
                Ok(event) => {
                    let message = format!("the proof is of index {}", event.index);
                    self.report.add(Finding::new(&codes::PROOF_NAME, path.as_str(), message));
                }
                Err(refusal) => self.report.add(refusal.at(path)),
            }
        }
        events
    }

    /// Compares what events.jsonl tells with what was proven.
    fn compare_story(&mut self, events: &Events) {
        let bytes = match self.read(STORY) {
            Ok(bytes) => bytes,
            Err(refusal) => return self.report.add(refusal.at(STORY)),
        };
        let mut told = BTreeSet::new();
        let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        if lines.pop().is_some_and(|rest| !rest.is_empty()) {
            return self.report.add(Finding::new(&codes::EVENT_MALFORMED, STORY, "the last line is not finished"));
        }
        for (number, line) in (1..).zip(lines) {
            let Some((log, index, opening)) = read_story_line(line) else {
                let message = format!("line {number} is not an event");
                self.report.add(Finding::new(&codes::EVENT_MALFORMED, STORY, message));
                continue;
            };
            let place = (log, index);
            if events.get(&place).is_none_or(|event| event.opening.to_value() != opening) {
                let message = format!("line {number}: {}-{index} is not told as it was proven", place.0);
                self.report.add(Finding::new(&codes::EVENT_UNPROVEN, STORY, message));
            }
            told.insert(place);
        }
        for (log, index) in events.keys().filter(|place| !told.contains(place)) {
            let path = format!("data/proofs/{log}-{index}.tlog-proof");
            self.report.add(Finding::new(&codes::EVENT_UNLISTED, path, "events.jsonl does not tell this event"));
        }
    }

    /// Proves `data/proofs/items/<number>.json`, each one, and compares the evidence under that number.
    fn prove_items(&mut self, events: &Events) -> Result<Vec<ProvenItem>, Error> {
        let mut evidence: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for path in self.paths {
            if let Some(rest) = path.strip_prefix(EVIDENCE) {
                let number = rest.split_once('/').filter(|(_, name)| !name.contains('/')).map_or(path.as_str(), |(number, _)| number);
                evidence.entry(number).or_default().push(path);
            }
        }
        let mut items = Vec::new();
        for path in self.paths {
            let Some(name) = path.strip_prefix(ITEMS) else {
                continue;
            };
            let number = name.strip_suffix(".json").unwrap_or_default();
            let copies = evidence.remove(number).unwrap_or_default();
            match self.prove_item(path, number, &copies, events)? {
                Ok(item) => items.push(item),
                Err(refusal) => self.report.add(refusal.at(path)),
            }
        }
        for path in evidence.into_values().flatten() {
            self.report.add(Finding::new(&codes::EVIDENCE_UNPROVEN, path, "no item proof is about this file"));
        }
        if items.is_empty() {
            self.report.add(Finding::new(&codes::EXPORT_EMPTY, "", "no item here is proven"));
        }
        Ok(items)
    }

    fn prove_item(&mut self, path: &str, number: &str, copies: &[&str], events: &Events) -> Result<Result<ProvenItem, Refusal>, Error> {
        let proven = self.read(path).and_then(|bytes| item::prove(&bytes, number, path, events, &mut self.report));
        let item = match proven {
            Ok(item) => item,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let [copy] = copies else {
            let message = format!("{} files for this item instead of one", copies.len());
            return Ok(Err(Refusal::new(&codes::EVIDENCE_COUNT, message)));
        };
        let found = self.sums.of(self.tree, copy)?;
        if (found.sha256, found.sha512, found.bytes) != (item.sha256.clone(), item.sha512.clone(), item.bytes) {
            let message = format!("not the bytes that were received as item {number}");
            self.report.add(Finding::new(&codes::EVIDENCE_DIFFERS, *copy, message));
        }
        Ok(Ok(item))
    }

    /// Holds each OCFL inventory against the events, and the items' stored forms against the inventory.
    fn judge_inventories(&mut self, events: &Events, items: &[ProvenItem]) -> Result<(), Error> {
        let mut count = 0;
        for path in self.paths {
            let Some(object) = inventory_of(path) else {
                continue;
            };
            let bytes = match self.read(path) {
                Ok(bytes) => bytes,
                Err(refusal) => {
                    self.report.add(refusal.at(path));
                    continue;
                }
            };
            let (inventory, findings) = Inventory::parse(&bytes, path, None);
            let Some(inventory) = inventory else {
                let message = findings.first().map_or_else(|| "it cannot be read".to_owned(), |finding| finding.message.clone());
                self.report.add(Finding::new(&codes::INVENTORY_MALFORMED, path.as_str(), message));
                continue;
            };
            let id = format!("urn:uuid:{object}");
            let sha512 = bag::sha512(&bytes);
            if inventory.id != id || !events.values().any(|event| event.commits_to(object, &sha512)) {
                let message = "no proven event commits to this inventory of this object";
                self.report.add(Finding::new(&codes::INVENTORY_UNCOMMITTED, path.as_str(), message));
            }
            for item in items {
                let Some((_, content, digest)) = item.stored.as_ref().filter(|(object, ..)| *object == id) else {
                    continue;
                };
                let ending = format!("/content/{content}");
                if !inventory.manifest.get(digest).is_some_and(|paths| paths.iter().any(|path| path.ends_with(&ending))) {
                    let message = format!("it does not list the stored form of item {}", item.number);
                    self.report.add(Finding::new(&codes::INVENTORY_CONTENT, path.as_str(), message));
                }
            }
            count += 1;
        }
        self.report.checked(format!("{count} OCFL inventories against the events"));
        Ok(())
    }
}

/// Reads `data/proofs/<log>-<index>.tlog-proof`; the index in plain decimal.
fn proof_name(path: &str) -> Option<(&str, u64)> {
    let (log, index) = path.strip_prefix("data/proofs/")?.strip_suffix(".tlog-proof")?.split_once('-')?;
    let number: u64 = index.parse().ok()?;
    (is_log_name(log) && number.to_string() == index).then_some((log, number))
}

/// `custody` or `access`, with the generation behind it from the second on: `custody.2`.
fn is_log_name(name: &str) -> bool {
    let (log, generation) = name.split_once('.').unwrap_or((name, "2"));
    matches!(log, "custody" | "access") && generation.parse::<u64>().is_ok_and(|number| number > 1 && number.to_string() == generation)
}

fn read_story_line(line: &[u8]) -> Option<(String, u64, Value)> {
    let mut members = json::object(line).ok()?;
    let opening = members.remove("opening")?;
    let log = members.remove("log")?.as_str()?.to_owned();
    let index = members.remove("index")?.as_u64()?;
    members.is_empty().then_some((log, index, opening))
}

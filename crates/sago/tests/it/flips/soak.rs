//! Flips at random places over all files.
//!
//! Left out, because nothing reads them as content: `derived/` and `index/` (nothing rests on them: what is altered there is named when it is
//! read, and made anew, see `reading.rs`), `staging/` (a deposit in progress: a damaged one is begun again, nothing of it was
//! promised), `.held` files (locks among processes, empty), and names that an interrupted write leaves (`.new`, `.next`). A flip that
//! hits no content must be proven to: the database reads the same to the last value, the settings mean the same, a certificate is the
//! same certificate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sago_core::settings::Settings;

use super::audit::{Verdict, audit};
use super::database::dump;
use super::holdings::Holdings;
use super::{DATABASE, Flipped};
use crate::cast::{Seeded, rounds};

/// Why a flip may pass unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unseen {
    /// The database reads the same to the last value: free pages, unused bytes, freed cells.
    NoContent,
    /// It hit rows that only the key of a sealed unit can judge, and the report says that they were not checked.
    SealedRows,
    /// The settings mean the same, or differ in what people change by hand.
    Settings,
    /// The anchor is the same certificate, or one that only names another as its issuer: nothing rests on who issued an anchor.
    Certificate,
    /// It is in a text for people, and a warning names it.
    TextForPeople,
}

/// The repository as it was before any flip.
struct Pristine {
    files: BTreeMap<String, Vec<u8>>,
    dump: Vec<String>,
    settings: Settings,
    /// Ids by which rows of the sealed unit are known.
    sealed: BTreeSet<String>,
}

#[test]
fn soak_flips() {
    let mut random = Seeded::from_environment();
    println!("seed {}", random.0);
    let holdings = Holdings::new();
    let root = &holdings.stage.repo;
    let pristine = Pristine::read(&holdings);
    let names: Vec<&String> = pristine.files.iter().filter(|(name, bytes)| is_content(name) && !bytes.is_empty()).map(|(name, _)| name).collect();
    let (rounds, mut unseen, mut seen) = (rounds(60), BTreeMap::new(), BTreeMap::new());
    for round in 0..rounds {
        // The database is one file among a hundred and has half of all bytes.
        let name = if random.below(10) < 3 { DATABASE } else { names[usize::try_from(random.below(names.len() as u64)).unwrap()] };
        let at = usize::try_from(random.below(pristine.files[name].len() as u64)).unwrap();
        let bit = u32::try_from(random.below(8)).unwrap();
        let flipped = Flipped::new(root, name, at, bit);
        // Read before the audit: opening a database may write to it.
        let now = (name == DATABASE).then(|| dump(&root.join(DATABASE))).flatten();
        let verdict = audit(root);
        let place = format!("round {round}: bit {bit} of byte {at} of {name}");
        if verdict.is_sound() {
            let why = pristine.excuse(root, name, now.as_deref(), &verdict).unwrap_or_else(|| panic!("{place} was flipped and nothing was said"));
            *unseen.entry(why).or_insert(0_u64) += 1;
        } else {
            let things = things_of(name);
            assert!(verdict.names(&things), "{place}: none of {things:?} is named in\n{}", verdict.words());
            *seen.entry(name.split('/').next().unwrap().to_owned()).or_insert(0_u64) += 1;
        }
        drop(flipped);
        assert_eq!(pristine.changed(&holdings), Vec::<String>::new(), "{place}: the audit changed these");
        // Where every byte is as before, so is the verdict; now and then it is asked for all the same.
        if round % 20 == 19 || round + 1 == rounds {
            assert!(audit(root).is_sound(), "{place}: not sound after it was put back");
        }
    }
    println!("{rounds} flips; seen: {seen:?}; unseen, and proven to be no content or said to be unchecked: {unseen:?}");
}

fn is_content(name: &str) -> bool {
    !name.starts_with("staging/")
        && !name.starts_with("derived/")
        && !name.starts_with("index/")
        && !name.ends_with(".held")
        && !name.ends_with(".new")
        && !name.ends_with(".next")
}

/// What may be named when this file is damaged.
fn things_of(name: &str) -> Vec<String> {
    let parts: Vec<&str> = name.split('/').collect();
    let things: &[&str] = match parts[0] {
        DATABASE => &["database"],
        // What a flipped path leads away from.
        "sago.toml" => &["sago.toml", "storage root", "keys-unusable", "vault", "database"],
        // A flipped `keys/current` leads to an epoch that is not there.
        "keys" => &[name, "The passphrase is wrong", "keys-unusable"],
        "anchors" => &[name, "stamps/"],
        "store" if parts.len() > 4 => &[&parts[..5].join("/"), &parts[4].replace("%3a", ":")],
        "store" => &[name, "is not an OCFL 1.1 storage root"],
        "stamps" => &[&parts[..3].join("/")],
        "log" if name.ends_with(".vkey") => &[name, &name.replace(".vkey", "/checkpoint")],
        _ => &[name],
    };
    things.iter().map(|thing| (*thing).to_owned()).collect()
}

impl Pristine {
    fn read(holdings: &Holdings) -> Self {
        let root = &holdings.stage.repo;
        let files: BTreeMap<_, _> = holdings.files().into_iter().map(|name| (name.clone(), std::fs::read(root.join(&name)).unwrap())).collect();
        let dump = dump(&root.join(DATABASE)).unwrap();
        // The unit, the ids in rows that name it (accessions, row keys), and in rows that name those (objects).
        let mut sealed = BTreeSet::from([holdings.sealed_unit.clone()]);
        for _ in 0..2 {
            let of_interest = ["accessions ", "row_keys ", "objects "];
            let rows = dump.iter().filter(|line| of_interest.iter().any(|table| line.starts_with(table)));
            let rows: Vec<_> = rows.filter(|line| sealed.iter().any(|id| line.contains(id.as_str()))).collect();
            sealed.extend(rows.iter().map(|line| line.split('\'').nth(1).unwrap().to_owned()));
        }
        Self { files, dump, settings: Settings::read(root).unwrap(), sealed }
    }

    /// Files that are not as they were.
    fn changed(&self, holdings: &Holdings) -> Vec<String> {
        let mut names: BTreeSet<String> = holdings.files().into_iter().collect();
        names.extend(self.files.keys().cloned());
        let is_changed = |name: &String| self.files.get(name) != std::fs::read(holdings.stage.repo.join(name)).ok().as_ref();
        names.into_iter().filter(is_changed).collect()
    }

    /// Why a flip may pass unseen, proven; `None` when it may not. Asked while the bit is flipped.
    fn excuse(&self, root: &Path, name: &str, dump: Option<&[String]>, verdict: &Verdict) -> Option<Unseen> {
        match name {
            DATABASE => {
                let dump = dump?;
                if dump == self.dump {
                    return Some(Unseen::NoContent);
                }
                let Verdict::Judged(report) = verdict else { return None };
                let is_said = report.not_checked.iter().any(|one| one.why.contains("sealed or destroyed"));
                (is_said && dump.len() == self.dump.len() && self.is_sealed_only(dump)).then_some(Unseen::SealedRows)
            }
            "sago.toml" => {
                let (now, then) = (Settings::read(root).ok()?, &self.settings);
                let identity = |settings: &Settings| (settings.format, settings.repository, settings.domain_unit, format!("{:?}", settings.paths));
                (identity(&now) == identity(then)).then_some(Unseen::Settings)
            }
            _ if super::is_text_for_people(name) => verdict.warns_of(name).then_some(Unseen::TextForPeople),
            _ if name.starts_with("anchors/") => {
                let path = root.join(name);
                let now = sago_verify::read_anchors(&path).ok()?;
                let then = sago_stamp::certificates_from_pem(std::str::from_utf8(&self.files[name]).unwrap()).0;
                let is_other_issuer =
                    now.len() == then.len() && now.iter().zip(&then).all(|(now, then)| now.subject == then.subject && now.issuer != then.issuer);
                (now == then || is_other_issuer).then_some(Unseen::Certificate)
            }
            _ => None,
        }
    }

    /// Whether every row that reads otherwise belongs to the sealed unit, in a table that only its key can judge.
    fn is_sealed_only(&self, dump: &[String]) -> bool {
        let tables = ["row_keys ", "items ", "accessions ", "findings ", "contents ", "events "];
        let of_unit = |line: &str| tables.iter().any(|table| line.starts_with(table)) && self.sealed.iter().any(|id| line.contains(id.as_str()));
        self.dump.iter().zip(dump).filter(|(then, now)| then != now).all(|(then, _)| of_unit(then))
    }
}

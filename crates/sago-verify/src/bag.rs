//! The bag around an export: valid as BagIt has it, and in the one form in which exports are written.
//!
//! BagIt allows more than one spelling of the same manifest (upper case, tabs). An export has one, so that not a single byte of it can be
//! changed unnoticed: `sago-packages` judges the bag, here the form is held.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sago_packages::bagit::{self, Bag, BagFile};
use sago_packages::{Algorithm, DiskTree, MultiHasher, Tree};

use crate::codes;
use crate::files::{self, Measured};
use crate::finding::Finding;
use crate::report::Report;
use crate::{Error, Options};

const DECLARATION: &[u8] = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";

/// Digests of the files of a bag, as its manifests promise and the files were found to be.
pub(crate) struct Sums {
    measured: BTreeMap<String, Measured>,
}

/// Judges the bag of an export.
pub(crate) fn check(root: &Path, options: &Options, report: &mut Report) -> Result<Sums, Error> {
    let (bag, findings) = bagit::validate(root, &options.packages())?;
    let mut doubtful = BTreeSet::new();
    for finding in findings {
        if finding.is_error() {
            doubtful.insert(finding.path.clone());
        }
        report.add(finding.into());
    }
    check_form(&DiskTree::new(root), &bag, report);
    let mut measured = BTreeMap::new();
    for file in bag.files.iter().chain(&bag.tag_files) {
        if let Some(sums) = promised(file).filter(|_| !doubtful.contains(&file.path)) {
            measured.insert(file.path.clone(), sums);
        }
    }
    report.checked(format!("{} payload files and {} other files of the bag against its manifests", bag.files.len(), bag.tag_files.len()));
    Ok(Sums { measured })
}

impl Sums {
    /// The digests of a file: as the bag's judge found them, or read anew when it found them wrong or nothing lists the file.
    pub fn of(&mut self, tree: &dyn Tree, path: &str) -> Result<Measured, Error> {
        if let Some(known) = self.measured.get(path) {
            return Ok(known.clone());
        }
        let measured = files::measure(tree, path)?;
        self.measured.insert(path.to_owned(), measured.clone());
        Ok(measured)
    }
}

/// What the manifests promise of a file that is there and has both digests.
fn promised(file: &BagFile) -> Option<Measured> {
    let get = |wanted| file.digests.iter().find(|(algorithm, _)| *algorithm == wanted).map(|(_, digest)| digest.clone());
    Some(Measured { sha256: get(Algorithm::Sha256)?, sha512: get(Algorithm::Sha512)?, bytes: file.size_bytes? })
}

fn check_form(tree: &dyn Tree, bag: &Bag, report: &mut Report) {
    if files::read(tree, "bagit.txt").is_ok_and(|bytes| bytes != DECLARATION) {
        report.add(Finding::new(&codes::BAG_FORM, "bagit.txt", "not the declaration of BagIt 1.0 as exports write it"));
    }
    for (algorithm, digits) in [("sha256", 64), ("sha512", 128)] {
        for name in [format!("manifest-{algorithm}.txt"), format!("tagmanifest-{algorithm}.txt")] {
            match files::read_text(tree, &name, &codes::BAG_FORM) {
                Ok(text) if is_plain(&text, digits) => {}
                Ok(_) => report.add(Finding::new(&codes::BAG_FORM, name, "a line is not a lower-case digest, two spaces and a path")),
                Err(refusal) => report.add(Finding::new(&codes::BAG_FORM, name, refusal.message)),
            }
        }
    }
    let listed = |file: &BagFile, algorithm| file.digests.iter().any(|(known, _)| *known == algorithm);
    for file in bag.files.iter().chain(bag.tag_files.iter().filter(|file| !file.path.starts_with("tagmanifest-"))) {
        let missing = [Algorithm::Sha256, Algorithm::Sha512].into_iter().find(|algorithm| !listed(file, *algorithm));
        if let (Some(algorithm), Some(_)) = (missing, file.size_bytes) {
            let message = format!("no manifest with {algorithm} lists it");
            report.add(Finding::new(&codes::BAG_UNLISTED, file.path.as_str(), message));
        }
    }
}

fn is_plain(text: &str, digits: usize) -> bool {
    let is_line = |line: &str| {
        let parts = line.split_at_checked(digits).and_then(|(digest, rest)| Some((digest, rest.strip_prefix("  ")?)));
        parts.is_some_and(|(digest, path)| !path.is_empty() && !path.starts_with([' ', '\t']) && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
    };
    text.strip_suffix('\n').is_some_and(|lines| lines.split('\n').all(is_line))
}

/// SHA-512 of bytes in lower-case hexadecimal.
pub(crate) fn sha512(bytes: &[u8]) -> String {
    let mut hasher = MultiHasher::new(&[Algorithm::Sha512]);
    hasher.update(bytes);
    hasher.finish().get(Algorithm::Sha512).unwrap_or_default().to_owned()
}

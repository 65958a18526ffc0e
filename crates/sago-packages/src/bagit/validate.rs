//! Judging a bag to the last byte: everything that reading finds, and every digest.

use std::path::Path;
use std::sync::Mutex;

use super::listing::BagFile;
use super::read::{Bag, read_into};
use crate::digest::Algorithm;
use crate::error::Error;
use crate::finding::{Finding, Findings, Severity};
use crate::tree::{DiskTree, Tree};
use crate::work::{Meter, Options, spread};

/// Judges a bag: complete and valid as RFC 8493 section 3 has it.
///
/// A bag without an error among its findings is complete and valid. `Err` only when `dir` cannot be listed. Each file is read once, however many manifests
/// list it; without [`Options::content`] only tag files are read.
pub fn validate(dir: &Path, options: &Options) -> Result<(Bag, Vec<Finding>), Error> {
    let mut findings = Findings::new(options.max_findings);
    let tree = DiskTree::new(dir);
    let bag = read_into(&tree, &mut findings)?;
    let meter = Meter::new(options);
    check(&tree, &bag.tag_files, "bag-tag-digest-mismatch", options.threads, &meter, &mut findings);
    if options.content {
        check(&tree, &bag.files, "bag-payload-digest-mismatch", options.threads, &meter, &mut findings);
    }
    Ok((bag, findings.into_vec()))
}

fn check(tree: &dyn Tree, files: &[BagFile], code: &str, threads: usize, meter: &Meter, findings: &mut Findings) {
    let jobs: Vec<&BagFile> = files.iter().filter(|file| file.size_bytes.is_some() && !file.digests.is_empty()).collect();
    let found: Mutex<Vec<Finding>> = Mutex::new(Vec::new());
    spread(jobs.len(), threads, &|index| {
        let wrong = check_file(tree, jobs[index], code, meter);
        if !wrong.is_empty() {
            found.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(wrong);
        }
    });
    for finding in found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        findings.add(finding);
    }
}

fn check_file(tree: &dyn Tree, file: &BagFile, code: &str, meter: &Meter) -> Vec<Finding> {
    let finding = |code: &str, message: String| Finding { code: code.to_owned(), path: file.path.clone(), message, severity: Severity::Error };
    let algorithms: Vec<Algorithm> = file.digests.iter().map(|(algorithm, _)| *algorithm).collect();
    let digests = match meter.hash_file(tree, &file.path, file.size_bytes.unwrap_or_default(), &algorithms) {
        Ok(digests) => digests,
        Err(error) => {
            return vec![finding("bag-unreadable", format!("The file cannot be read: {error}."))];
        }
    };
    let mut wrong = Vec::new();
    for (algorithm, promised) in &file.digests {
        let actual = digests.get(*algorithm).unwrap_or_default();
        if actual != promised {
            wrong.push(finding(code, format!("{algorithm} is {actual}, the manifest says {promised}.")));
        }
    }
    wrong
}

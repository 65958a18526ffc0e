//! Time-stamps over checkpoints (formats, section 8): `<base>/<log id>/<size>/` with the stamped note and what authorities answered.
//!
//! A token is judged by `sago-stamp`; here it is tied to the checkpoint and the checkpoint to the log's keys.

use std::collections::{BTreeMap, BTreeSet};

use sago_ledger::checkpoint::Checkpoint;
use sago_packages::Tree;
use sago_stamp::{Expected, Imprint, certificates_from_pem, verify_der};
use sha2::{Digest as _, Sha256};

use crate::Options;
use crate::codes;
use crate::files;
use crate::finding::{Finding, Refusal};
use crate::report::Report;
use crate::trust::Trust;

/// A checkpoint that an authority has stamped: origin, size and root.
pub(crate) type Stamped = BTreeSet<(String, u64, [u8; 32])>;

/// What identifies the tree of a checkpoint.
pub(crate) fn identity(checkpoint: &Checkpoint) -> (String, u64, [u8; 32]) {
    (checkpoint.origin.clone(), checkpoint.size, checkpoint.root.0)
}

/// The name of the folder of a log's time-stamps: 16 hexadecimal digits.
pub fn log_id(origin: &str) -> String {
    hex::encode(Sha256::digest(origin))[..16].to_owned()
}

/// Checks every folder below `base`, a prefix of `paths` that ends with `/` or is empty.
///
/// Answers the trees with at least one token that proves something. Files of no use to a verifier are named in the report.
pub(crate) fn check_stamps(tree: &dyn Tree, base: &str, paths: &[String], trust: &mut Trust, options: &Options, report: &mut Report) -> Stamped {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in paths.iter().filter(|path| path.starts_with(base)) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        folders.entry(folder).or_default().push(name);
    }
    let mut stamped = Stamped::new();
    let mut tokens = 0;
    for (folder, names) in folders {
        let is_begun = !names.contains(&"checkpoint") && !names.iter().any(|name| name.ends_with(".tsr"));
        if is_begun {
            // Nothing here states anything: an authority was about to be asked. A reply without its checkpoint is another matter.
            names.iter().for_each(|name| report.add(Finding::new(&codes::NOT_COVERED, format!("{folder}/{name}"), "no proof covers this file")));
            continue;
        }
        match check_folder(tree, base, folder, &names, trust, options, report) {
            Ok((checkpoint, sound)) => {
                tokens += sound;
                if sound > 0 {
                    stamped.insert(identity(&checkpoint));
                }
            }
            Err(refusal) => report.add(refusal.at(&format!("{folder}/checkpoint"))),
        }
    }
    if tokens > 0 {
        report.checked(format!("{tokens} time-stamp tokens over {} checkpoints", stamped.len()));
        report.not_checked("revocation of the time-stamping authorities' certificates", "no revocation data travels with them");
        if options.anchors.is_empty() {
            report.not_checked("whether the time-stamping authorities can be trusted", "no root certificate was given (--anchor)");
        }
    }
    stamped
}

fn check_folder(
    tree: &dyn Tree,
    base: &str,
    folder: &str,
    names: &[&str],
    trust: &mut Trust,
    options: &Options,
    report: &mut Report,
) -> Result<(Checkpoint, usize), Refusal> {
    let note = files::read(tree, &format!("{folder}/checkpoint"))?;
    let checkpoint = trust.checkpoint(&note, report)?;
    if folder != format!("{base}{}/{}", log_id(&checkpoint.origin), checkpoint.size) {
        report.add(Finding::new(&codes::STAMP_FOLDER, folder, "the folder is named after another log or size than its checkpoint"));
    }
    let mut sound = 0;
    for name in names {
        let token = name.strip_suffix(".tsr").and_then(|stem| Some((stem.rsplit_once('.')?, format!("{folder}/{name}"))));
        let Some(((authority, algorithm @ ("sha256" | "sha512")), path)) = token else {
            if *name != "checkpoint" {
                report.add(Finding::new(&codes::NOT_COVERED, format!("{folder}/{name}"), "no proof covers this file"));
            }
            continue;
        };
        let imprint = if algorithm == "sha256" { Imprint::sha256(&note) } else { Imprint::sha512(&note) };
        let chain = format!("{authority}.chain.pem");
        let chain = names.contains(&chain.as_str()).then_some(chain);
        match check_token(tree, folder, &path, chain.as_deref(), imprint, options, report) {
            Ok(true) => sound += 1,
            Ok(false) => {}
            Err(refusal) => report.add(refusal.at(&path)),
        }
    }
    Ok((checkpoint, sound))
}

/// Judges one token; the answer is whether it proves something.
fn check_token(
    tree: &dyn Tree,
    folder: &str,
    path: &str,
    chain: Option<&str>,
    imprint: Imprint,
    options: &Options,
    report: &mut Report,
) -> Result<bool, Refusal> {
    let token = files::read(tree, path)?;
    let mut intermediates = Vec::new();
    if let Some(chain) = chain {
        let place = format!("{folder}/{chain}");
        let pem = files::read(tree, &place)?;
        let (certificates, findings) = certificates_from_pem(&String::from_utf8_lossy(&pem));
        intermediates = certificates;
        findings.into_iter().for_each(|finding| report.add(Finding::from(finding).under(&place)));
    }
    let trust = sago_stamp::Trust { anchors: &options.anchors, intermediates: &intermediates };
    let (verified, findings) = verify_der(&token, Expected::Imprints(&[imprint]), &trust, &sago_stamp::Options::at(options.at));
    findings.into_iter().for_each(|finding| report.add(Finding::from(finding).under(path)));
    if let Some(verified) = &verified
        && !verified.trusted
    {
        let message = format!("states {} by {}, which nobody vouches for here", verified.gen_time, verified.tsa);
        report.add(Finding::new(&codes::STAMP_UNANCHORED, path, message));
    }
    Ok(verified.is_some())
}

//! Files that stand beside holdings and log: the settings, the texts of the storage root, people's key files.

use sago_verify::{Finding, Report, codes};
use sha2::{Digest, Sha256};

use crate::error::{IoContext, Result};
use crate::ledger::rebuild::Summary;
use crate::repository::Repository;
use crate::store::texts::{self, Differs};

/// Holds what the settings say of the repository's identity against its first event. The other settings are people's to change.
pub(super) fn check_settings(repo: &Repository, summary: &Summary, report: &mut Report, findings: &mut Vec<Finding>) {
    let named = (repo.settings.repository, repo.settings.domain_unit);
    if summary.repository.is_some_and(|told| told != named) {
        let message = "The repository or the domain unit is not the one that the first event of the log names.";
        findings.push(Finding::new(&codes::SETTINGS_DIFFER, crate::settings::FILE, message));
    }
    report.checked("the repository's and the domain unit's id in sago.toml against the log");
    report.not_checked("the other settings in sago.toml", "they are changed by hand");
}

/// Holds every person's sealed key file against the digest in the event that entered the person.
pub(super) fn check_person_keys(repo: &Repository, summary: &Summary, report: &mut Report, findings: &mut Vec<Finding>) -> Result<()> {
    for (person, sha256) in &summary.person_keys {
        let path = crate::user::key_path(&repo.places.keys, *person);
        let place = format!("keys/agents/{person}.age");
        match std::fs::read(&path) {
            Ok(sealed) if hex::encode(Sha256::digest(&sealed)) == *sha256 => {}
            Ok(_) => findings.push(Finding::new(&codes::PERSON_KEY, place, "It is not the file that was made when the person was entered.")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                findings.push(Finding::new(&codes::PERSON_KEY, place, "It is missing."));
            }
            Err(error) => return Err(error).doing("Could not read", &path),
        }
    }
    report.checked(format!("{} people's key files against the log", summary.person_keys.len()));
    Ok(())
}

/// Holds the texts and declarations of the storage root against what every root has.
pub(super) fn check_root_texts(repo: &Repository, report: &mut Report, findings: &mut Vec<Finding>) -> Result<()> {
    for (name, differs) in texts::differences(&repo.places.store)? {
        let (code, message) = match differs {
            Differs::Declaration => (&codes::STORE_DECLARATION, "It is missing or altered.".to_owned()),
            Differs::Missing => (&codes::STORE_TEXT, "It is missing.".to_owned()),
            Differs::Unknown { sha256 } => {
                (&codes::STORE_TEXT, format!("It is of no release that this Sago knows (SHA-256 {sha256}): altered, or written by a newer Sago."))
            }
            Differs::Earlier { version } => (&codes::STORE_TEXT_EARLIER, format!("It is the text of release {version}.")),
        };
        findings.push(Finding::new(code, format!("store/{name}"), message));
    }
    report.checked("the texts and declarations of the storage root");
    Ok(())
}

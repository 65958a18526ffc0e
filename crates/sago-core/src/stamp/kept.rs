//! The kept files of time-stamps against the log and against each other: `sago verify` with the keys.
//!
//! Whether a token proves anything is judged in [`sago_verify`], which every stranger has; here every byte that was kept is accounted for:
//! a reply by its digest in the log, a query by being the one that the checkpoint and its nonce make, a certificate by standing in a reply
//! or among the configured anchors.

use std::collections::BTreeSet;

use sago_stamp::{Certificate, Expected, Imprint, Options, Reply, Trust, certificates_from_pem, certificates_to_pem, code, verify};
use sago_verify::{Finding, Report, codes};
use sqlx::Row;

use super::Algorithm;
use super::authority::Judge;
use super::folder::{Folder, token_digest};
use super::query::Query;
use crate::error::Result;
use crate::ledger::event::Log;
use crate::ledger::rebuild::last_head;
use crate::ledger::{sequencer, unsigned};
use crate::repository::Repository;

/// Accounts for every kept file.
pub(crate) async fn check_kept(repo: &Repository, report: &mut Report, findings: &mut Vec<Finding>) -> Result<()> {
    let rows = sqlx::query("SELECT generation, log_size, token_sha256 FROM stamps").fetch_all(repo.db().read()).await?;
    let mut told = BTreeSet::new();
    for row in rows {
        told.insert((unsigned(row.try_get(0)?)?, unsigned(row.try_get(1)?)?, row.try_get::<String, _>(2)?));
    }
    let anchors = anchors(repo);
    let mut files = 0;
    for generation in sequencer::generations(&repo.places)? {
        // A log that cannot be read is said elsewhere.
        let Ok(head) = last_head(&repo.places, &repo.locks(), Log::Custody, generation).await else { continue };
        for folder in Folder::all(&repo.places, &head.origin)? {
            let replies = check_folder(&folder, &anchors, &mut files, findings)?;
            for (generation, size, _) in told.iter().filter(|(of, size, digest)| (*of, *size) == (generation, folder.size) && !replies.contains(digest)) {
                let message = format!("A reply over generation {generation} at size {size} that the log knows is missing or altered.");
                findings.push(Finding::new(&codes::STAMP_KEPT, format!("stamps/{}", folder.name), message));
            }
            told.retain(|(of, size, _)| (*of, *size) != (generation, folder.size));
        }
    }
    for (generation, size, digest) in told {
        let message = format!("The reply with SHA-256 {digest} over generation {generation} at size {size} is missing.");
        findings.push(Finding::new(&codes::STAMP_KEPT, "stamps", message));
    }
    if files > 0 {
        report.checked(format!("{files} files kept with time-stamps against the log and against each other"));
    }
    Ok(())
}

/// Certificates that are believed, of all authorities; one whose file cannot be read has none here.
fn anchors(repo: &Repository) -> Vec<Certificate> {
    let judges = repo.settings.authority.iter().filter_map(|authority| Judge::read(&repo.places, authority).ok());
    judges.flat_map(|judge| judge.anchors().to_vec()).collect()
}

/// Checks queries and chains of a folder; answers the digests of its replies.
fn check_folder(folder: &Folder, anchors: &[Certificate], files: &mut usize, findings: &mut Vec<Finding>) -> Result<BTreeSet<String>> {
    let mut digests = BTreeSet::new();
    let note = folder.checkpoint()?.unwrap_or_default();
    let mut wrong = |name: String, message: &str| findings.push(Finding::new(&codes::STAMP_KEPT, format!("stamps/{}/{name}", folder.name), message));
    for authority in folder.authorities()? {
        let (mut certificates, mut replies) = (anchors.to_vec(), Vec::new());
        for algorithm in Algorithm::ALL {
            let Some(reply) = folder.reply(&authority, algorithm)? else { continue };
            *files += 1;
            digests.insert(token_digest(&reply));
            let parsed = Reply::parse(&reply).ok();
            let token = parsed.as_ref().and_then(|reply| reply.token.as_ref());
            certificates.extend(token.into_iter().flat_map(|token| token.certificates.clone()));
            let nonce = token.and_then(|token| token.info().nonce.clone());
            if let Some(bytes) = folder.query(&authority, algorithm)? {
                *files += 1;
                let query = Query::read(&bytes, &algorithm.imprint(&note));
                let answers = |query: &Query| nonce.as_deref().is_none_or(|nonce| nonce == query.nonce);
                if !query.as_ref().is_some_and(answers) {
                    wrong(format!("{authority}.{}.tsq", algorithm.name()), "It is not the query that was answered.");
                }
            }
            replies.extend(parsed.map(|reply| (reply, algorithm.imprint(&note))));
        }
        let Some(pem) = folder.chain_text(&authority)? else { continue };
        *files += 1;
        let name = format!("{authority}.chain.pem");
        let chain = certificates_from_pem(&String::from_utf8_lossy(&pem)).0;
        if certificates_to_pem(&chain).into_bytes() != pem {
            wrong(name, "It is not as it was written.");
        } else if !chain.iter().all(|one| certificates.iter().any(|known| known.der() == one.der()) || is_root_of(one, &replies)) {
            wrong(name, "It holds a certificate that stands neither in a reply nor among the configured anchors, and is not the root of a reply.");
        }
    }
    Ok(digests)
}

/// Whether a certificate is the root under which one of the replies was made, whole to its own signature: an anchor that was configured then.
fn is_root_of(certificate: &Certificate, replies: &[(Reply, Imprint)]) -> bool {
    let trust = Trust { anchors: &[], intermediates: std::slice::from_ref(certificate) };
    let fingerprint = certificate.sha256();
    replies.iter().any(|(reply, imprint)| {
        // Judged at the stamped time: whether it still holds today is another question. Nobody is believed here, so the chain of an unaltered
        // root ends at a certificate that signed itself, and that of an altered one breaks off.
        let Some(at) = reply.token.as_ref().map(|token| token.info().gen_time) else { return false };
        let (verified, findings) = verify(reply, Expected::Imprints(&[*imprint]), &trust, &Options::at(at));
        let ends_there = verified.is_some_and(|verified| verified.chain.last().is_some_and(|link| link.sha256 == fingerprint));
        ends_there && findings.iter().any(|finding| finding.code == code::ROOT_UNTRUSTED)
    })
}

//! The configured authorities: their anchors, and the judgement of what they answer.
//!
//! The only place where a token becomes a [`Token`]: no other code decides that bytes prove something.

use std::collections::BTreeSet;

use sago_stamp::{Certificate, Expected, Finding, Moment, Options, Reply, Severity, Trust, code, verify};

use super::folder::token_digest;
use super::query::Query;
use super::round::Failure;
use super::{Algorithm, Judges, Token};
use crate::error::{Error, Result};
use crate::repository::Repository;
use crate::settings::{Authority, Places};

/// An authority with the certificates that are believed for it.
#[derive(Debug)]
pub(super) struct Judge {
    pub name: String,
    pub url: String,
    anchors: Vec<Certificate>,
}

/// A judged reply.
#[derive(Debug)]
pub(super) struct Judged {
    pub token: Token,
    /// The token's certificates and the anchor its chain ends at: what a stranger needs beside the token.
    pub certificates: Vec<Certificate>,
    pub findings: Vec<Finding>,
}

/// Reads the settings' authorities; an anchor that cannot be read is that authority's error alone.
pub(super) fn configured(repo: &Repository) -> Result<Judges> {
    let authorities = &repo.settings.authority;
    if authorities.is_empty() {
        return Err(Error::invalid("No time-stamping authority is configured: nothing was asked.")
            .hint("Choose two authorities in different countries, if you can one that is qualified under eIDAS.")
            .hint("Get each one's root certificate (PEM) from its own site, compare its fingerprint by a second way, and put it below the repository's folder.")
            .hint("Add for each, at the end of sago.toml:  [[authority]]  name = \"short-name\"  url = \"https://tsa.example/tsr\"  anchor = \"anchors/short-name.pem\"  (four lines)."));
    }
    let mut names = BTreeSet::new();
    for authority in authorities {
        // Names become file names, and some file systems do not tell capital letters from small ones.
        if !names.insert(authority.name.to_ascii_lowercase()) {
            return Err(
                Error::invalid(format!("Two authorities are named “{}”.", authority.name)).hint("Give each [[authority]] in sago.toml a name of its own.")
            );
        }
    }
    Ok(authorities.iter().map(|one| (one.name.clone(), Judge::read(&repo.places, one))).collect())
}

impl Judge {
    pub fn read(places: &Places, authority: &Authority) -> Result<Self> {
        let path = places.root.join(&authority.anchor);
        let anchors = sago_verify::read_anchors(&path).map_err(|error| {
            Error::invalid(format!("The anchor of “{}” cannot be used: {error}.", authority.name))
                .hint("`anchor` in sago.toml must name a file with the authority's root certificate as PEM (-----BEGIN CERTIFICATE-----).")
        })?;
        Ok(Self { name: authority.name.clone(), url: authority.url.clone(), anchors })
    }

    /// The certificates that are believed for it.
    pub fn anchors(&self) -> &[Certificate] {
        &self.anchors
    }

    /// An authority for which nobody vouches: its tokens hold together or not, and are never trusted.
    pub fn without_anchor(name: &str) -> Self {
        Self { name: name.to_owned(), url: String::new(), anchors: Vec::new() }
    }

    /// Judges a reply over `note` offline. `query`: its nonce must be in the token; `chain`: certificates that may help, not believed.
    pub fn judge(&self, note: &[u8], algorithm: Algorithm, query: Option<&Query>, reply: &[u8], chain: &[Certificate], at: Moment) -> Result<Judged, Failure> {
        let imprints = [algorithm.imprint(note)];
        let trust = Trust { anchors: &self.anchors, intermediates: chain };
        let options = Options { nonce: query.map(|query| query.nonce), ..Options::at(at) };
        let parsed = Reply::parse(reply).map_err(|finding| self.refuse(algorithm, vec![finding]))?;
        let (verified, findings) = verify(&parsed, Expected::Imprints(&imprints), &trust, &options);
        let (Some(verified), Some(token)) = (verified, parsed.token) else {
            return Err(self.refuse(algorithm, findings));
        };
        let in_chain = |anchor: &&Certificate| {
            let fingerprint = anchor.sha256();
            verified.chain.iter().any(|link| link.sha256 == fingerprint)
        };
        let anchors = self.anchors.iter().filter(in_chain).cloned();
        let certificates = token.certificates.into_iter().chain(anchors).collect();
        Ok(Judged {
            token: Token {
                algorithm,
                token_sha256: token_digest(reply),
                gen_time: verified.gen_time,
                tsa: verified.tsa,
                trusted: verified.trusted,
                renew_before: verified.not_after,
            },
            certificates,
            findings: of_weight(findings, Severity::Warning),
        })
    }

    fn refuse(&self, algorithm: Algorithm, findings: Vec<Finding>) -> Failure {
        let errors = of_weight(findings, Severity::Error);
        let shown: Vec<String> = errors.iter().take(3).map(|finding| format!("[{}] {}", finding.code, finding.message)).collect();
        let mut error =
            Error::invalid(format!("The reply of “{}” over the {} proves nothing: {}. Nothing of it was kept.", self.name, algorithm.name(), shown.join("; ")));
        let mut hints: Vec<&str> = errors.iter().map(|finding| advice(finding.code)).collect();
        hints.dedup();
        for hint in hints.into_iter().take(3) {
            error = error.hint(hint);
        }
        Failure { error, findings: errors }
    }
}

fn of_weight(mut findings: Vec<Finding>, least: Severity) -> Vec<Finding> {
    findings.retain(|finding| finding.severity >= least);
    findings
}

/// What a person can do about a refusal.
fn advice(found: &str) -> &'static str {
    match found {
        code::MALFORMED => "The answer is no time-stamp: check the authority's `url` in sago.toml, and whether a proxy or sign-in page answers in its place.",
        code::STATUS_REJECTED => "The authority refused; its words are above. It must stamp both SHA-256 and SHA-512 without a sign-in.",
        code::ROOT_UNTRUSTED | code::CHAIN_INCOMPLETE | code::SELF_SIGNED | code::CERTIFICATE_MISSING => {
            "Compare the authority's `anchor` in sago.toml with the root certificate that the authority publishes now; do not take one from a reply."
        }
        code::TIME_IN_FUTURE => "Compare the machine's clock with another one.",
        code::IMPRINT_MISMATCH | code::NONCE_MISMATCH => {
            "The reply answers another query than ours: check that every reply has the name of its query, and ask again."
        }
        _ => "Report it to the authority, or choose another one.",
    }
}

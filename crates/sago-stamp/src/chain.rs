//! Builds the chain from the authority's certificate to an anchor, out of certificates in any order, and judges it at the stamped time.
//!
//! Path validation after RFC 5280 section 6.1 without policies, name constraints (critical ones are a finding) and revocation.
//! Cross-signed roots give several paths; the one with the fewest faults that reaches an anchor is taken.

use crate::certificate::{Certificate, KEY_CERT_SIGN};
use crate::finding::{Finding, Severity, code};
use crate::moment::Moment;
use crate::oid;
use crate::signature::{self, Refusal, Strength};
use crate::signer::note_strength;
use std::collections::HashMap;

/// Certificates in one chain, the authority's own and the anchor included.
const MAX_LENGTH: usize = 10;
/// Paths compared, and signatures checked, for one token.
const MAX_PATHS: usize = 64;
const MAX_SIGNATURES: usize = 256;

/// A chain and what is to be said about it.
pub(crate) struct Chain<'a> {
    /// From the authority's certificate upwards.
    pub(crate) links: Vec<&'a Certificate>,
    /// Whether the last link is an anchor.
    pub(crate) anchored: bool,
    pub(crate) findings: Vec<Finding>,
}

/// How a path ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Anchor,
    SelfSigned,
    NoIssuer,
    /// A certificate of the issuer's name is there, but it did not sign.
    NotSigned,
}

struct Search<'a> {
    pool: Vec<&'a Certificate>,
    anchors: &'a [Certificate],
    /// By subject and issuer, as indexes into the pool.
    checked: HashMap<(usize, usize), Result<Strength, Refusal>>,
    paths: Vec<(Vec<usize>, End)>,
    limited: bool,
}

/// The best chain from `leaf` through `others`, judged at `at`.
pub(crate) fn build<'a>(leaf: &'a Certificate, others: &[&'a Certificate], anchors: &'a [Certificate], at: Moment) -> Chain<'a> {
    let mut pool = vec![leaf];
    for certificate in anchors.iter().chain(others.iter().copied()) {
        if !pool.contains(&certificate) {
            pool.push(certificate);
        }
    }
    let mut search = Search { pool, anchors, checked: HashMap::new(), paths: Vec::new(), limited: false };
    search.climb(&mut vec![0]);
    let paths = std::mem::take(&mut search.paths);
    let judged = paths.into_iter().map(|(path, end)| {
        let findings = search.judge(&path, end, at);
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        let rank = (errors, end != End::Anchor, findings.len(), path.len());
        (rank, Chain { links: path.iter().map(|index| search.pool[*index]).collect(), anchored: end == End::Anchor, findings })
    });
    let best = judged.min_by_key(|(rank, _)| *rank).map(|(_, chain)| chain);
    // The search always yields a path, at least the leaf alone; should it ever not, nothing is believed.
    let mut chain = best.unwrap_or_else(|| Chain {
        links: vec![leaf],
        anchored: false,
        findings: vec![Finding::error(code::CHAIN_INCOMPLETE, "chain", "no chain was found")],
    });
    if search.limited {
        let message = format!("stopped after {MAX_PATHS} paths, {MAX_SIGNATURES} signatures or {MAX_LENGTH} certificates in a row");
        chain.findings.push(Finding::warning(code::CHAIN_LIMIT, "chain", message));
    }
    chain
}

impl Search<'_> {
    /// Follows every issuer of the last certificate of `path`, depth first.
    fn climb(&mut self, path: &mut Vec<usize>) {
        if self.paths.len() >= MAX_PATHS {
            self.limited = true;
            return;
        }
        let (last, certificate) = (path[path.len() - 1], self.pool[path[path.len() - 1]]);
        if self.anchors.contains(certificate) {
            self.paths.push((path.clone(), End::Anchor));
            return;
        }
        if certificate.is_self_issued() && self.signed(last, last).is_ok() {
            self.paths.push((path.clone(), End::SelfSigned));
            return;
        }
        let named: Vec<usize> = (0..self.pool.len()).filter(|index| !path.contains(index) && self.pool[*index].subject.matches(&certificate.issuer)).collect();
        if path.len() >= MAX_LENGTH {
            self.limited |= !named.is_empty();
            self.paths.push((path.clone(), End::NoIssuer));
            return;
        }
        let issuers: Vec<usize> = named.iter().copied().filter(|issuer| self.signed(last, *issuer).is_ok()).collect();
        if issuers.is_empty() {
            self.paths.push((path.clone(), if named.is_empty() { End::NoIssuer } else { End::NotSigned }));
        }
        for issuer in issuers {
            path.push(issuer);
            self.climb(path);
            path.pop();
        }
    }

    fn signed(&mut self, subject: usize, issuer: usize) -> Result<Strength, Refusal> {
        if let Some(known) = self.checked.get(&(subject, issuer)) {
            return known.clone();
        }
        if self.checked.len() >= MAX_SIGNATURES {
            self.limited = true;
            return Err(Refusal::Unsupported("the limit of signatures to check was reached".to_owned()));
        }
        let (certificate, key) = (self.pool[subject], &self.pool[issuer].key);
        let verdict = signature::check(key, &certificate.signature_algorithm, None, certificate.signed(), &certificate.signature);
        self.checked.insert((subject, issuer), verdict.clone());
        verdict
    }

    fn judge(&mut self, path: &[usize], end: End, at: Moment) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut intermediates = 0;
        for (position, index) in path.iter().enumerate() {
            let certificate = self.pool[*index];
            let place = format!("chain/{position}");
            let is_anchor = end == End::Anchor && position + 1 == path.len();
            judge_alone(certificate, &place, at, &mut findings);
            if position > 0 {
                judge_issuer(certificate, &place, is_anchor, intermediates, &mut findings);
                intermediates += usize::from(!certificate.is_self_issued());
            }
            if let Some(issuer) = path.get(position + 1)
                && let Ok(strength) = self.signed(*index, *issuer)
            {
                note_strength(strength, &place, &mut findings);
            }
        }
        findings.extend(self.judge_end(path, end));
        findings
    }

    /// Without anchors nothing can be trusted, and nothing is wrong with that: a warning. With anchors, missing them is an error.
    fn judge_end(&mut self, path: &[usize], end: End) -> Option<Finding> {
        let place = format!("chain/{}", path.len() - 1);
        let (position, top) = (path.len() - 1, self.pool[path[path.len() - 1]]);
        let severity = if self.anchors.is_empty() { Severity::Warning } else { Severity::Error };
        let named = format!("{} (SHA-256 {})", top.subject, top.sha256());
        let (code, message, severity) = match end {
            End::Anchor => return None,
            End::SelfSigned if position == 0 => {
                (code::SELF_SIGNED, format!("the authority vouches for itself: {named} is signed by its own key and is not a given anchor"), Severity::Error)
            }
            End::SelfSigned => (code::ROOT_UNTRUSTED, format!("the chain ends at {named}, which is not a given anchor"), severity),
            End::NoIssuer => (
                code::CHAIN_INCOMPLETE,
                format!("the chain ends at {named}, which is not a given anchor; the certificate of its issuer {} is not there", top.issuer),
                severity,
            ),
            End::NotSigned => {
                let bottom = path[position];
                let refusals = self.checked.iter().filter(|((subject, _), _)| *subject == bottom);
                let why = refusals.filter_map(|(_, verdict)| match verdict {
                    Err(Refusal::Unsupported(why)) => Some(why.clone()),
                    _ => None,
                });
                match why.min() {
                    Some(why) => (code::ALGORITHM_UNSUPPORTED, format!("the signature on {named} was not checked: {why}"), Severity::Error),
                    None => (
                        code::CHAIN_SIGNATURE_BAD,
                        format!("{named} is not signed by the certificate of its issuer {} that is there", top.issuer),
                        Severity::Error,
                    ),
                }
            }
        };
        Some(Finding { severity, ..Finding::error(code, place, message) })
    }
}

/// What holds for every certificate of a chain.
fn judge_alone(certificate: &Certificate, place: &str, at: Moment, findings: &mut Vec<Finding>) {
    if at < certificate.not_before {
        let message = format!("{} is valid from {}; the stamp is of {at}", certificate.subject, certificate.not_before);
        findings.push(Finding::error(code::CERTIFICATE_NOT_YET_VALID, place, message));
    }
    // The last second belongs to the validity, with all its fractions.
    if at.seconds > certificate.not_after.seconds {
        let message = format!("{} was valid until {}; the stamp is of {at}", certificate.subject, certificate.not_after);
        findings.push(Finding::error(code::CERTIFICATE_EXPIRED, place, message));
    }
    for extension in &certificate.extensions.unknown_critical {
        let message = format!("{} has the critical extension {extension}, which is not understood here", certificate.subject);
        findings.push(Finding::error(code::CRITICAL_EXTENSION, place, message));
    }
}

/// What holds for certificates that sign certificates; `below` counts the intermediate ones under it.
fn judge_issuer(certificate: &Certificate, place: &str, is_anchor: bool, below: usize, findings: &mut Vec<Finding>) {
    let mut fail = |code, what: &str| findings.push(Finding::error(code, place, format!("{} {what}", certificate.subject)));
    match &certificate.extensions.basic_constraints {
        Some(constraints) if constraints.ca => {
            if constraints.path_length.is_some_and(|limit| below > limit as usize) {
                fail(code::PATH_TOO_LONG, "does not allow as many certificates below it");
            }
        }
        // Roots from before extensions existed are trusted by being named as anchors.
        None if is_anchor && certificate.version == 1 => {}
        _ => fail(code::ISSUER_NOT_CA, "is not a certificate authority"),
    }
    if certificate.extensions.key_usage.is_some_and(|usage| usage & KEY_CERT_SIGN == 0) {
        fail(code::ISSUER_KEY_USAGE, "may not sign certificates");
    }
    if let Some(usage) = &certificate.extensions.extended_key_usage
        && !is_anchor
        && !usage.purposes.iter().any(|purpose| [oid::KP_TIME_STAMPING, oid::KP_ANY].contains(purpose))
    {
        fail(code::ISSUER_EKU, "is limited to purposes without time-stamping");
    }
}

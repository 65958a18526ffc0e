//! The verdict on a reply: every check in order, every failure a finding, and [`Verified`] only when nothing failed.

use crate::certificate::Certificate;
use crate::chain::{self, Chain};
use crate::finding::{Finding, Severity, code};
use crate::moment::Moment;
use crate::reply::{PkiStatus, Reply};
use crate::request::Imprint;
use crate::signer;
use crate::token::{Accuracy, Token, TstInfo};
use der::asn1::ObjectIdentifier as Oid;

/// How far a stamp may lie after the moment of judgement: the clocks of judge and authority are not one clock.
const MAX_CLOCK_SKEW_SECONDS: i64 = 300;

/// What the token is expected to stamp.
#[derive(Debug, Clone, Copy)]
pub enum Expected<'a> {
    /// The stamped bytes themselves.
    Bytes(&'a [u8]),
    /// Their imprints: the one made with the token's hash function must be its imprint.
    Imprints(&'a [Imprint]),
}

/// Which certificates are believed, and which may help to reach them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trust<'a> {
    /// Where a chain may end: roots, or any other certificate the caller believes. None: nothing can be trusted, all else is checked.
    pub anchors: &'a [Certificate],
    /// Certificates that may be missing in the token; not believed by themselves.
    pub intermediates: &'a [Certificate],
}

/// The circumstances of the judgement.
#[derive(Debug, Clone)]
pub struct Options {
    /// The moment of judgement: today for most, the day of the question for a court.
    pub at: Moment,
    /// The nonce of the request, if the judge has it.
    pub nonce: Option<[u8; 8]>,
    /// The policies that are good enough; empty means all.
    pub allowed_policies: Vec<Oid>,
}

impl Options {
    /// Judges at `at`, without a nonce, under any policy.
    pub fn at(at: Moment) -> Self {
        Self { at, nonce: None, allowed_policies: Vec::new() }
    }
}

/// One certificate of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its subject.
    pub subject: String,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// The end of its validity.
    pub not_after: Moment,
}

/// What a token proves once no check failed: these bytes existed at that time, says this authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The stamped time.
    pub gen_time: Moment,
    /// How far it may be off, if the token says so.
    pub accuracy: Option<Accuracy>,
    /// The token's serial number, hexadecimal.
    pub serial: String,
    /// The authority's policy.
    pub policy: Oid,
    /// The imprint that was found to be right.
    pub imprint: Imprint,
    /// The subject of the authority's certificate.
    pub tsa: String,
    /// From the authority's certificate to the last one reached.
    pub chain: Vec<Link>,
    /// Whether the chain ends at a given anchor. False only when none was given: then the authority could be anyone.
    pub trusted: bool,
    /// The earliest end of validity in the chain: a newer stamp should cover this one before.
    pub not_after: Moment,
}

/// Reads and verifies a reply or token; see [`verify()`].
pub fn verify_der(der: &[u8], expected: Expected<'_>, trust: &Trust<'_>, options: &Options) -> (Option<Verified>, Vec<Finding>) {
    match Reply::parse(der) {
        Ok(reply) => verify(&reply, expected, trust, options),
        Err(finding) => (None, vec![finding]),
    }
}

/// Verifies a reply against what it should stamp and whom the caller believes.
///
/// `Verified` is there exactly when no finding is an error; every check that can be made is made, so that one fault does not hide
/// another. Revocation is not checked, and a finding says so.
pub fn verify(reply: &Reply, expected: Expected<'_>, trust: &Trust<'_>, options: &Options) -> (Option<Verified>, Vec<Finding>) {
    let mut findings = reply.remarks.clone();
    let chain = check_status(reply, &mut findings).and_then(|token| {
        check_imprint(token.info(), expected, &mut findings);
        check_info(token.info(), options, &mut findings);
        let chain = check_signer(token, trust, &mut findings)?;
        check_times(token, &chain, options.at, &mut findings);
        Some((token, chain))
    });
    let failed = findings.iter().any(|finding| finding.severity == Severity::Error);
    let verified = chain.filter(|_| !failed).and_then(|(token, chain)| Verified::from(token, &chain));
    (verified, findings)
}

impl Verified {
    fn from(token: &Token, chain: &Chain<'_>) -> Option<Self> {
        let link =
            |certificate: &&Certificate| Link { subject: certificate.subject.to_string(), sha256: certificate.sha256(), not_after: certificate.not_after };
        Some(Self {
            gen_time: token.info().gen_time,
            accuracy: token.info().accuracy,
            serial: token.info().serial.clone(),
            policy: token.info().policy,
            imprint: token.info().imprint()?,
            tsa: chain.links.first()?.subject.to_string(),
            chain: chain.links.iter().map(link).collect(),
            trusted: chain.anchored,
            not_after: chain.links.iter().map(|certificate| certificate.not_after).min()?,
        })
    }
}

fn check_status<'a>(reply: &'a Reply, findings: &mut Vec<Finding>) -> Option<&'a Token> {
    const STATUS: &str = "reply/status";
    if let Some(status) = &reply.status {
        if !status.status.is_granted() {
            findings.push(Finding::error(code::STATUS_REJECTED, STATUS, format!("the authority answered: {status}")));
            return None;
        }
        if !status.failures.is_empty() {
            findings.push(Finding::error(code::STATUS_CONTRADICTORY, STATUS, format!("granted, and yet: {status}")));
        }
        if status.status == PkiStatus::GrantedWithMods {
            findings.push(Finding::warning(code::GRANTED_WITH_MODS, STATUS, format!("the authority changed the request: {status}")));
        }
    }
    if reply.token.is_none() {
        findings.push(Finding::error(code::TOKEN_MISSING, "reply", "the reply says granted and holds no token"));
    }
    reply.token.as_ref()
}

fn check_imprint(info: &TstInfo, expected: Expected<'_>, findings: &mut Vec<Finding>) {
    const IMPRINT: &str = "token/info/imprint";
    let Some(imprint) = info.imprint() else {
        let message = format!("an imprint of {} bytes under {} is not accepted", info.imprint_digest.len(), info.imprint_algorithm);
        findings.push(Finding::error(code::IMPRINT_ALGORITHM, IMPRINT, message));
        return;
    };
    let algorithm = imprint.algorithm();
    let fits = match expected {
        Expected::Bytes(bytes) => imprint.digest() == algorithm.digest(bytes),
        Expected::Imprints(imprints) => {
            // All given imprints are of the same bytes: one that contradicts the token's spoils the rest.
            let mut same = imprints.iter().filter(|expected| expected.algorithm() == algorithm).peekable();
            same.peek().is_some() && same.all(|expected| *expected == imprint)
        }
    };
    if !fits {
        let message = format!("the token stamps the {algorithm} digest {}, which is not the one expected", hex::encode(imprint.digest()));
        findings.push(Finding::error(code::IMPRINT_MISMATCH, IMPRINT, message));
    }
}

fn check_info(info: &TstInfo, options: &Options, findings: &mut Vec<Finding>) {
    if let Some(expected) = options.nonce {
        let significant = |number: &[u8]| number[number.iter().take_while(|byte| **byte == 0).count()..].to_vec();
        // A negative number is nobody's nonce here; its first byte has the sign bit.
        let given = info.nonce.as_deref().filter(|nonce| nonce.first().is_some_and(|byte| *byte < 0x80));
        if given.map(significant) != Some(significant(&expected)) {
            let found = info.nonce.as_ref().map_or_else(|| "none".to_owned(), hex::encode);
            let message = format!("the request had the nonce {}, the token has {found}", hex::encode(expected));
            findings.push(Finding::error(code::NONCE_MISMATCH, "token/info/nonce", message));
        }
    }
    if !options.allowed_policies.is_empty() && !options.allowed_policies.contains(&info.policy) {
        let message = format!("the token is issued under {}, which is not allowed", info.policy);
        findings.push(Finding::error(code::POLICY_NOT_ALLOWED, "token/info/policy", message));
    }
    for extension in &info.unknown_critical {
        let message = format!("the critical extension {extension} is not understood here");
        findings.push(Finding::error(code::CRITICAL_EXTENSION, "token/info/extensions", message));
    }
}

fn check_signer<'a>(token: &'a Token, trust: &Trust<'a>, findings: &mut Vec<Finding>) -> Option<Chain<'a>> {
    let [signer_info] = token.signers.as_slice() else {
        let message = format!("{} signers instead of one", token.signers.len());
        findings.push(Finding::error(code::SIGNER_COUNT, "token/signer", message));
        return None;
    };
    let others: Vec<&Certificate> = token.certificates.iter().chain(trust.intermediates).collect();
    let Some(leaf) = signer::find(signer_info, others.iter().copied().chain(trust.anchors)) else {
        let message = "the certificate of the signer is not in the token and was not given";
        findings.push(Finding::error(code::CERTIFICATE_MISSING, "token/signer", message));
        return None;
    };
    signer::check(token, signer_info, leaf, findings);
    signer::check_purpose(leaf, findings);
    if let Some(name) = &token.info().tsa
        && !name.matches(&leaf.subject)
    {
        let message = format!("the token says it is by {name}, its certificate is {}", leaf.subject);
        findings.push(Finding::warning(code::TSA_NAME_MISMATCH, "token/info/tsa", message));
    }
    let mut chain = chain::build(leaf, &others, trust.anchors, token.info().gen_time);
    findings.append(&mut chain.findings);
    Some(chain)
}

fn check_times(token: &Token, chain: &Chain<'_>, at: Moment, findings: &mut Vec<Finding>) {
    let gen_time = token.info().gen_time;
    if gen_time > at.plus_seconds(MAX_CLOCK_SKEW_SECONDS) {
        let message = format!("the stamp is of {gen_time}, the judgement of {at}");
        findings.push(Finding::error(code::TIME_IN_FUTURE, "token/info/genTime", message));
    }
    for (position, certificate) in chain.links.iter().enumerate() {
        let not_after = certificate.not_after.seconds;
        if (gen_time.seconds..at.seconds).contains(&not_after) {
            let message =
                format!("{} expired on {}: valid when it stamped, but a later stamp should cover this one", certificate.subject, certificate.not_after);
            findings.push(Finding::warning(code::CERTIFICATE_EXPIRED_SINCE, format!("chain/{position}"), message));
        }
    }
    let carried = match token.revocation_entries {
        0 => "the token carries none".to_owned(),
        count => format!("the token carries {count} entries that were not read"),
    };
    let message = format!("no revocation list or answer was consulted; {carried}");
    findings.push(Finding::info(code::REVOCATION_NOT_CHECKED, "chain", message));
}

//! The tokens of `../shared/data/timestamps`, and what the tests need to ask about them.

use sago_stamp::{Certificate, Expected, Finding, Imprint, Moment, Options, Reply, Severity, Trust, Verified, verify};
use std::path::PathBuf;

pub const FILES: [&str; 5] =
    ["digicert.tsr", "rfc3161-client-issue-104.tsr", "self_signed.tsr", "timestamp_token_http-timestamp-identrust-com", "valid_timestamp.tsr"];

/// 2025-06-01: after every token, before any of their certificates expired.
pub const SOON_AFTER: Moment = Moment::from_seconds(1_748_736_000);

pub fn read(name: &str) -> Vec<u8> {
    let root = std::env::var_os("SAGO_SHARED_DATA").map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")), PathBuf::from);
    let path = root.join("timestamps").join(name);
    std::fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}; set SAGO_SHARED_DATA to the folder of shared test data", path.display()))
}

pub fn reply(name: &str) -> Reply {
    Reply::parse(&read(name)).unwrap()
}

/// The last certificate of the chain that the token itself carries.
pub fn top(reply: &Reply) -> Certificate {
    let (verified, findings) = judge(reply, &[], SOON_AFTER);
    let top = verified.unwrap_or_else(|| panic!("{findings:#?}")).chain.pop().unwrap();
    reply.token.as_ref().unwrap().certificates.iter().find(|certificate| certificate.sha256() == top.sha256).unwrap().clone()
}

/// The imprint the token itself states: for tests that are not about it.
pub fn own_imprint(reply: &Reply) -> Imprint {
    reply.token.as_ref().unwrap().info().imprint().unwrap()
}

pub fn judge(reply: &Reply, anchors: &[Certificate], at: Moment) -> (Option<Verified>, Vec<Finding>) {
    let imprint = own_imprint(reply);
    verify(reply, Expected::Imprints(&[imprint]), &Trust { anchors, intermediates: &[] }, &Options::at(at))
}

/// The codes of a severity, in the order found.
pub fn codes(findings: &[Finding], severity: Severity) -> Vec<&'static str> {
    findings.iter().filter(|finding| finding.severity == severity).map(|finding| finding.code).collect()
}

pub fn errors(findings: &[Finding]) -> Vec<&'static str> {
    codes(findings, Severity::Error)
}

pub fn warnings(findings: &[Finding]) -> Vec<&'static str> {
    codes(findings, Severity::Warning)
}

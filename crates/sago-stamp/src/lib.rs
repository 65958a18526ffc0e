//! RFC 3161 time-stamps over log checkpoints: what to ask an authority, and what its answer proves.
//!
//! Here live the request ([`request()`]), the reading of replies and bare tokens ([`Reply`]), and their offline verification
//! against trust anchors the caller names ([`verify()`]). Sending requests, keeping replies and choosing authorities do not.
//! Pure: no network, no clock (the moment of judgement is an input), no revocation check (a finding says so).
//!
//! Weighed: `sigstore-tsa` 0.15 checks offline, but stops at the first fault, lets webpki decide on chains and does not read ESSCertID.
//! `x509-tsp` 0.1 and `cms` 0.2 stay on `der` 0.7 (a second generation of RustCrypto); `ring` has C and assembly, no P-521, one PSS salt length.
//! Taken: TSP, CMS and X.509 read here on `der` 0.8, signed bytes kept as received; signatures by `rsa`, `p256`, `p384`, `p521`: all Rust.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod algorithm;
mod certificate;
mod chain;
mod finding;
mod moment;
mod name;
mod oid;
mod pem;
mod reply;
mod request;
mod signature;
mod signer;
mod tlv;
mod token;
mod verify;

pub use algorithm::HashAlgorithm;
pub use certificate::Certificate;
pub use der::asn1::ObjectIdentifier as Oid;
pub use finding::{Finding, Severity, code};
pub use moment::Moment;
pub use name::Name;
pub use pem::{certificates_from_pem, certificates_to_pem};
pub use reply::{MAX_REPLY_BYTES, PkiStatus, Reply, Status};
pub use request::{Imprint, request};
pub use token::{Accuracy, Token, TstInfo};
pub use verify::{Expected, Link, Options, Trust, Verified, verify, verify_der};

//! Witnesses (C2SP tlog-witness, tlog-cosignature, tlog-policy): others who remember how far a log came and what it said.
//!
//! Pure: what is asked ([`AddCheckpoint`]), what a witness decides ([`decide()`]), what it answers ([`Answer`]), and how many of
//! which witnesses must have cosigned ([`WitnessPolicy`]). Who keeps the state, and who speaks over a network, is elsewhere.

mod answer;
mod decide;
mod quorum;
mod request;

pub use answer::{Answer, SIZE_CONTENT_TYPE};
pub use decide::{Accepted, Refusal, Tree, decide};
pub use quorum::{Cosigned, LineError, WitnessPolicy, WitnessPolicyError, Witnessed};
pub use request::{AddCheckpoint, MAX_PROOF_LINES, MAX_REQUEST_BYTES, RequestError};

use crate::merkle::Hash;

/// The path below a witness's address at which its newest cosigned checkpoint of a log is read: `<SHA-256 of the origin>/checkpoint`.
pub fn monitor_path(origin: &str) -> String {
    format!("{}/checkpoint", origin_digest(origin))
}

/// SHA-256 of an origin, 64 lower-case hexadecimal digits.
pub fn origin_digest(origin: &str) -> String {
    Hash::of(&[origin.as_bytes()]).to_hex()
}

//! Who acts, when, and what that person may do: the first argument of every operation.
//!
//! Rights are the first line of every operation (invariant 3): `ctx.require(Right::Deposit)?`. No door checks rights, and no door can skip them.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result};

/// Version of the rules that decide rights; written into every event.
pub const POLICY: &str = "rights/1";

/// Name and version of the software; written into every event.
pub const SOFTWARE: &str = concat!("sago/", env!("CARGO_PKG_VERSION"));

/// What a person does for the repository. Duties are separated: no role has every right (invariant 12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Receives, keeps, checks and hands over.
    Custodian,
    /// Signs requests of others; does nothing else.
    Approver,
    /// Reads the log, not the content.
    Auditor,
    /// Runs the machine: settings, backup, repair. Reads no content.
    Administrator,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] = [Self::Custodian, Self::Approver, Self::Auditor, Self::Administrator];

    /// The code written in events.
    pub fn code(self) -> &'static str {
        match self {
            Self::Custodian => "custodian",
            Self::Approver => "approver",
            Self::Auditor => "auditor",
            Self::Administrator => "administrator",
        }
    }

    fn rights(self) -> &'static [Right] {
        use Right::{AddAgent, Approve, Audit, Backup, Check, Deposit, Destroy, Export, ManageKeys, Open, Read, Search, See};
        match self {
            Self::Custodian => &[Deposit, See, Open, Read, Search, Export, Check, ManageKeys, Destroy, AddAgent, Backup, Audit],
            Self::Approver => &[Approve, Audit],
            Self::Auditor => &[Audit, Check],
            Self::Administrator => &[Check, Backup, Audit],
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|role| role.code() == text)
            .ok_or_else(|| Error::invalid(format!("There is no role “{text}”.")).hint("The roles are: custodian, approver, auditor, administrator."))
    }
}

/// Something an operation may require.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Receive material.
    Deposit,
    /// See numbers, names and titles.
    See,
    /// Open an original.
    Open,
    /// Have text taken out of originals, by the machine.
    Read,
    /// Search what was read; passages of it are shown.
    Search,
    /// Hand over a package.
    Export,
    /// Check fixity, verify, rebuild.
    Check,
    /// Seal, unseal, rotate.
    ManageKeys,
    /// Ask for the destruction of a key.
    Destroy,
    /// Sign the request of another.
    Approve,
    /// Enter people.
    AddAgent,
    /// Copy the repository.
    Backup,
    /// Read the log.
    Audit,
}

/// Where time comes from.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// Always the same moment: tests, and rebuilding.
    Fixed(Timestamp),
}

impl Clock {
    /// The present moment.
    pub fn now(self) -> Timestamp {
        match self {
            Self::System => system_now(),
            Self::Fixed(at) => at,
        }
    }
}

/// The machine's clock; a test may set it wrong by `SAGO_FAULT_CLOCK` seconds, in builds with debug assertions alone.
fn system_now() -> Timestamp {
    let now = Timestamp::now();
    #[cfg(debug_assertions)]
    if let Some(seconds) = std::env::var("SAGO_FAULT_CLOCK").ok().and_then(|text| text.parse::<i64>().ok()) {
        return now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(now);
    }
    now
}

/// Who acts, with which roles, by which door, on which clock.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The person's pseudonym; `urn:uuid:` is put before it in records.
    pub agent: Uuid,
    /// The person's roles.
    pub roles: Vec<Role>,
    /// Where time comes from.
    pub clock: Clock,
    /// Whether the repository lives elsewhere, so that only rights that enter nothing are given.
    pub is_read_only: bool,
}

impl Ctx {
    /// Who checks without saying who they are: no row of the database is asked, since it is what is being checked. Enters no events.
    pub fn unnamed_auditor(clock: Clock) -> Self {
        Self { agent: Uuid::nil(), roles: vec![Role::Auditor], clock, is_read_only: false }
    }

    /// Says whether the person has the right.
    pub fn may(&self, right: Right) -> bool {
        self.roles.iter().any(|role| role.rights().contains(&right))
    }

    /// Fails unless the person has the right.
    pub fn require(&self, right: Right) -> Result<()> {
        if self.is_read_only && !matches!(right, Right::See | Right::Check | Right::Audit) {
            return Err(Error::conflict("This place is read-only: the repository was moved from it, or it is a replica. Nothing was done.")
                .hint("What a person does must be entered in the log, and the log goes on elsewhere. Use the folder where the repository lives."));
        }
        if self.may(right) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Forbidden, "You have no right to do this.").hint("Ask a custodian, or act as a person whose role allows it (`--as CODE`)."))
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Time as it stands in payloads: UTC, six digits of a second.
pub fn time_text(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// Microseconds since 1970: time as it stands in rows.
pub fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_role_has_every_right() {
        for role in Role::ALL {
            let ctx = Ctx { agent: Uuid::nil(), roles: vec![role], clock: Clock::System, is_read_only: false };
            assert!(!(ctx.may(Right::Destroy) && ctx.may(Right::Approve)), "{role} may both ask and approve");
        }
    }

    #[test]
    fn a_stranger_has_no_right() {
        let ctx = Ctx { agent: Uuid::nil(), roles: vec![], clock: Clock::System, is_read_only: false };
        assert_eq!(ctx.require(Right::See).unwrap_err().kind, ErrorKind::Forbidden);
    }

    #[test]
    fn times_have_six_digits_and_end_in_z() {
        let at = Timestamp::from_microsecond(1_773_482_520_000_001).unwrap();
        assert_eq!(time_text(at), "2026-03-14T10:02:00.000001Z");
    }
}

//! Every event there is: one enum, so that one place shows all that can happen to a repository.
//!
//! An event has two halves (docs/formats.md, sections 2 and 3). The **skeleton** names what happened to which opaque ids and may be opened
//! without opening anything personal; the **detail** is sealed to the consent unit it is about. The encoders here are explicit and for
//! ever: a member is never renamed or re-used; a new meaning gets a new kind.

// size: one enum of all events, so that one place shows all that can happen.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::{Error, Result};

/// Which of the two logs an event belongs to: what changes the holdings, or who read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Log {
    /// What was received, changed, decided, handed over.
    Custody,
    /// Who listed, showed, opened.
    Access,
}

impl Log {
    /// Both logs, in the order in which they are integrated: the custody log anchors the access log.
    pub const ALL: [Self; 2] = [Self::Access, Self::Custody];

    /// The name of its folder and of its rows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Custody => "custody",
            Self::Access => "access",
        }
    }
}

/// A type that can stand in an event.
pub trait Member: Sized {
    /// The JSON form.
    fn write(&self) -> Value;
    /// Reads the JSON form back.
    fn read(value: Option<&Value>) -> Option<Self>;
    /// Adds the ids it names.
    fn subjects(&self, _into: &mut Vec<Uuid>) {}
}

impl Member for String {
    fn write(&self) -> Value {
        Value::String(self.clone())
    }
    fn read(value: Option<&Value>) -> Option<Self> {
        value?.as_str().map(Into::into)
    }
}

impl Member for u64 {
    fn write(&self) -> Value {
        Value::from(*self)
    }
    fn read(value: Option<&Value>) -> Option<Self> {
        value?.as_u64()
    }
}

impl Member for bool {
    fn write(&self) -> Value {
        Value::Bool(*self)
    }
    fn read(value: Option<&Value>) -> Option<Self> {
        value?.as_bool()
    }
}

impl Member for Uuid {
    fn write(&self) -> Value {
        Value::String(self.to_string())
    }
    fn read(value: Option<&Value>) -> Option<Self> {
        Self::parse_str(value?.as_str()?).ok()
    }
    fn subjects(&self, into: &mut Vec<Uuid>) {
        into.push(*self);
    }
}

impl<T: Member> Member for Option<T> {
    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, Member::write)
    }
    fn read(value: Option<&Value>) -> Option<Self> {
        match value {
            None | Some(Value::Null) => Some(None),
            some => T::read(some).map(Some),
        }
    }
    fn subjects(&self, into: &mut Vec<Uuid>) {
        if let Some(inner) = self {
            inner.subjects(into);
        }
    }
}

impl<T: Member> Member for Vec<T> {
    fn write(&self) -> Value {
        Value::Array(self.iter().map(Member::write).collect())
    }
    fn read(value: Option<&Value>) -> Option<Self> {
        value?.as_array()?.iter().map(|one| T::read(Some(one))).collect()
    }
    fn subjects(&self, into: &mut Vec<Uuid>) {
        self.iter().for_each(|one| one.subjects(into));
    }
}

/// An OCFL object and the SHA-512 of its inventory file: what the log commits to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// The object's id (`urn:uuid:` is put before it in the inventory).
    pub id: Uuid,
    /// SHA-512 of `inventory.json`, lower-case hexadecimal.
    pub inventory_sha512: String,
}

impl Member for ObjectRef {
    fn write(&self) -> Value {
        serde_json::json!({ "id": self.id.to_string(), "inventory_sha512": self.inventory_sha512 })
    }
    fn read(value: Option<&Value>) -> Option<Self> {
        let object = value?.as_object()?;
        Some(Self { id: Uuid::read(object.get("id"))?, inventory_sha512: String::read(object.get("inventory_sha512"))? })
    }
    fn subjects(&self, into: &mut Vec<Uuid>) {
        into.push(self.id);
    }
}

macro_rules! events {
    ($(
        $(#[doc = $doc:literal])+
        $log:ident $name:ident $detail:ident $kind:literal
        { $($(#[doc = $sdoc:literal])+ $sfield:ident: $stype:ty),* $(,)? }
        { $($(#[doc = $ddoc:literal])+ $dfield:ident: $dtype:ty),* $(,)? }
    )*) => {
        /// All that can happen. The second half is absent when its unit is sealed or destroyed.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event { $( $(#[doc = $doc])+ $name($name, Option<$detail>), )* }

        $(
            #[doc = concat!("Skeleton of `", $kind, "`.")]
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub struct $name { $( $(#[doc = $sdoc])+ pub $sfield: $stype, )* }

            #[doc = concat!("Detail of `", $kind, "`.")]
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub struct $detail { $( $(#[doc = $ddoc])+ pub $dfield: $dtype, )* }

            impl $name {
                /// Joins the two halves.
                pub fn with(self, detail: $detail) -> Event {
                    Event::$name(self, Some(detail))
                }
            }
        )*

        impl Event {
            /// The code of its kind, as written in the skeleton.
            pub fn kind(&self) -> &'static str {
                match self { $( Self::$name(..) => $kind, )* }
            }

            /// The log it is entered in.
            pub fn log(&self) -> Log {
                match self { $( Self::$name(..) => Log::$log, )* }
            }

            /// Members of the skeleton beside those every skeleton has.
            pub fn skeleton(&self) -> Map<String, Value> {
                match self { $(
                    #[allow(unused_variables)]
                    Self::$name(skeleton, _) => {
                        #[allow(unused_mut)]
                        let mut map = Map::new();
                        $( map.insert(stringify!($sfield).into(), skeleton.$sfield.write()); )*
                        map
                    }
                )* }
            }

            /// Members of the detail; `None` when that half is not at hand.
            pub fn detail(&self) -> Option<Map<String, Value>> {
                match self { $(
                    #[allow(unused_variables)]
                    Self::$name(_, detail) => detail.as_ref().map(|detail| {
                        #[allow(unused_mut)]
                        let mut map = Map::new();
                        $( map.insert(stringify!($dfield).into(), detail.$dfield.write()); )*
                        map
                    }),
                )* }
            }

            /// The ids the skeleton names.
            pub fn subjects(&self) -> Vec<Uuid> {
                let mut found = Vec::new();
                match self { $(
                    #[allow(unused_variables)]
                    Self::$name(skeleton, _) => { $( skeleton.$sfield.subjects(&mut found); )* }
                )* }
                found.sort_unstable();
                found.dedup();
                found
            }

            /// Reads the two halves back. An unknown kind or a missing member is an error: the log was written by a newer Sago or is damaged.
            pub fn read(kind: &str, skeleton: &Map<String, Value>, detail: Option<&Map<String, Value>>) -> Result<Self> {
                match kind {
                    $( $kind => {
                        let missing = |member: &str| Error::corrupt(format!("An event of kind {kind} lacks “{member}”."));
                        #[allow(unused_variables)]
                        let skeleton = $name {
                            $( $sfield: Member::read(skeleton.get(stringify!($sfield))).ok_or_else(|| missing(stringify!($sfield)))?, )*
                        };
                        #[allow(unused_variables)]
                        let detail = match detail {
                            None => None,
                            Some(detail) => Some($detail {
                                $( $dfield: Member::read(detail.get(stringify!($dfield))).ok_or_else(|| missing(stringify!($dfield)))?, )*
                            }),
                        };
                        Ok(Self::$name(skeleton, detail))
                    } )*
                    other => Err(Error::invalid(format!("This Sago does not know events of the kind “{other}”."))
                        .hint("The repository was written by a newer Sago: use that version or a later one.")),
                }
            }
        }

        /// One row of the reference of events: log, kind, meaning, members of the skeleton, members of the detail.
        pub struct EventKind {
            /// Which log.
            pub log: Log,
            /// Code.
            pub kind: &'static str,
            /// Meaning.
            pub meaning: &'static str,
            /// Members of the skeleton.
            pub skeleton: &'static [&'static str],
            /// Members of the detail.
            pub detail: &'static [&'static str],
        }

        /// The reference of all kinds, in the order of the enum.
        pub const KINDS: &[EventKind] = &[ $( EventKind {
            log: Log::$log,
            kind: $kind,
            meaning: concat!($($doc),+),
            skeleton: &[$(stringify!($sfield)),*],
            detail: &[$(stringify!($dfield)),*],
        }, )* ];
    };
}

events! {
    /// The repository was made; the first entry of its first custody log.
    Custody RepositoryCreated RepositoryCreatedDetail "repository-created"
    { /// The repository.
      repository: Uuid, /// The unit that holds what belongs to no person.
      domain_unit: Uuid }
    { /// What people call the repository.
      name: String, /// How many custodians hold shares.
      custodians: u64, /// How many of them are needed.
      threshold: u64, /// SHA-256 of the wrapped domain key in the vault.
      vault_sha256: String, /// When the first epoch ends.
      epoch_ends: String }

    /// The log could not be continued (a restore); this entry commits to the last checkpoints known of the generation before.
    Custody LogRestarted LogRestartedDetail "log-restarted"
    { /// The repository.
      repository: Uuid, /// Number of the new generation.
      generation: u64, /// Last custody checkpoint known (its three lines).
      custody_before: String, /// Last access checkpoint known.
      access_before: String }
    { /// Why, and where the bytes came from.
      reason: String }

    /// A person who works with the repository was entered.
    Custody AgentAdded AgentAddedDetail "agent-added"
    { /// The person's pseudonym.
      subject: Uuid, /// Short code people say aloud (`P-02`).
      code: String, /// Roles.
      roles: Vec<String>, /// Ed25519 key with which the person signs approvals, hexadecimal.
      public_key: Option<String> }
    { /// The person's name.
      name: String, /// SHA-256 of the person's sealed key file, hexadecimal.
      key_sha256: Option<String> }

    /// A consent unit and its key were made.
    Custody UnitCreated UnitCreatedDetail "unit-created"
    { /// The unit.
      unit: Uuid, /// Whether the server can open it (`working`) or only add to it (`sealed`).
      mode: String, /// SHA-256 of the wrapped key in the vault.
      vault_sha256: String }
    {}

    /// A unit was sealed: the server can add to it but no longer open it.
    Custody UnitSealed UnitSealedDetail "unit-sealed"
    { /// The unit.
      unit: Uuid, /// SHA-256 of the wrapped key in the vault.
      vault_sha256: String }
    { /// Why.
      reason: String }

    /// A sealed unit was opened again, with the shares of enough custodians.
    Custody UnitUnsealed UnitUnsealedDetail "unit-unsealed"
    { /// The unit.
      unit: Uuid, /// SHA-256 of the wrapped key in the vault.
      vault_sha256: String }
    { /// Why.
      reason: String }

    /// The destruction of a unit's key was asked for.
    Custody DestructionRequested DestructionRequestedDetail "destruction-requested"
    { /// The request.
      request: Uuid, /// Its number, said aloud (`R-2026-0003`).
      number: String, /// The unit.
      unit: Uuid }
    { /// Why.
      reason: String, /// The exact words the approvers sign.
      statement: String }

    /// An approver signed a request.
    Custody ApprovalGiven ApprovalGivenDetail "approval-given"
    { /// The request.
      request: Uuid, /// Who approved.
      approver: Uuid, /// Ed25519 signature over the statement, hexadecimal.
      signature: String, /// The approver's key, hexadecimal.
      public_key: String }
    {}

    /// A unit's key was destroyed, on two approvals. What was sealed to it cannot be opened again.
    Custody UnitDestroyed UnitDestroyedDetail "unit-destroyed"
    { /// The unit.
      unit: Uuid, /// The request.
      request: Uuid, /// Who approved.
      approvers: Vec<Uuid>, /// After this time unknown copies of the wrapped key cannot be opened either, once custodians have destroyed the epoch's shares.
      epoch_ends: String }
    { /// Why.
      reason: String }

    /// A new epoch began: every living unit key was wrapped anew, the old wrapping removed.
    Custody EpochRotated EpochRotatedDetail "epoch-rotated"
    { /// The epoch that ended.
      from: u64, /// The epoch that began.
      to: u64 }
    { /// Units wrapped anew and the SHA-256 of their wrapped keys, `<unit> <sha256>` each.
      vault: Vec<String>, /// How many custodians hold shares.
      custodians: u64, /// How many of them are needed.
      threshold: u64, /// When the new epoch ends.
      epoch_ends: String }

    /// A custodian stated that a share of an ended epoch was destroyed.
    Custody ShareDestroyed ShareDestroyedDetail "share-destroyed"
    { /// The epoch.
      epoch: u64 }
    { /// Who stated it and how.
      statement: String }

    /// The operating key was lost and made anew with the shares of enough custodians.
    Custody OperatingKeyRecovered OperatingKeyRecoveredDetail "operating-key-recovered"
    { /// The epoch.
      epoch: u64 }
    { /// Why.
      reason: String, /// Units wrapped anew, `<unit> <sha256>` each.
      vault: Vec<String> }

    /// A deposit began and its number was taken; numbers are never used twice.
    Custody AccessionOpened AccessionOpenedDetail "accession-opened"
    { /// The accession.
      accession: Uuid, /// The unit that receives it.
      unit: Uuid, /// Its number.
      number: String }
    { /// Who hands over.
      contributor: String, /// What it is called.
      title: String }

    /// A deposit is whole in staging and about to be put in place.
    Custody AccessionPrepared AccessionPreparedDetail "accession-prepared"
    { /// The accession.
      accession: Uuid, /// The unit.
      unit: Uuid, /// The objects and their inventories.
      objects: Vec<ObjectRef> }
    {}

    /// A deposit was received: every byte hashed, sealed, kept.
    Custody AccessionReceived AccessionReceivedDetail "accession-received"
    { /// The accession.
      accession: Uuid, /// The unit.
      unit: Uuid, /// The objects and their inventories.
      objects: Vec<ObjectRef>, /// Whether it was completed after an interruption.
      recovered: bool }
    { /// Its number.
      number: String, /// RFC 6962 root over the lines of the manifest, hexadecimal.
      manifest_root: String, /// Lines in the manifest.
      manifest_lines: u64, /// Items received.
      items: u64, /// Bytes of the originals.
      bytes: u64, /// Files seen that could not be taken, each a finding.
      not_taken: u64 }

    /// A deposit was given up before it was received; its number stays taken.
    Custody AccessionAbandoned AccessionAbandonedDetail "accession-abandoned"
    { /// The accession.
      accession: Uuid }
    { /// Why.
      reason: String }

    /// A stored object was not what had been prepared and was set aside.
    Custody AccessionQuarantined AccessionQuarantinedDetail "accession-quarantined"
    { /// The accession.
      accession: Uuid, /// The object.
      object: Uuid }
    { /// What was found.
      reason: String }

    /// Items were handed over as a package.
    Custody ExportMade ExportMadeDetail "export-made"
    { /// The export.
      export: Uuid, /// The accessions it draws on.
      accessions: Vec<Uuid>, /// How many items.
      items: u64 }
    { /// For whom.
      recipient: String, /// Why.
      reason: String, /// The items' numbers, or the accession's when all of it went.
      numbers: Vec<String> }

    /// The package of an export was finished; commits to every byte of it.
    Custody ExportSealed ExportSealedDetail "export-sealed"
    { /// The export.
      export: Uuid, /// SHA-256 of the bag's `tagmanifest-sha256.txt`.
      tagmanifest_sha256: String }
    {}

    /// Stored files were read and compared with their recorded digests.
    Custody FixityChecked FixityCheckedDetail "fixity-checked"
    { /// Files read.
      files: u64, /// Bytes read.
      bytes: u64, /// Files that were not what they should be.
      failures: u64 }
    { /// `<object>/<content> <outcome>` each.
      results: Vec<String> }

    /// Items and the files in them were read: text taken out, or a finding that says why not.
    Custody ItemsRead ItemsReadDetail "items-read"
    { /// The accession.
      accession: Uuid, /// The unit.
      unit: Uuid, /// How many items.
      items: u64 }
    { /// Name and version of the software that read them.
      software: String, /// An outcome each, as JSON: item, digests of input and output, state, format, counts.
      results: Vec<String> }

    /// Samples of keys were tried against what they must open.
    Custody KeysChecked KeysCheckedDetail "keys-checked"
    { /// Units tried.
      units: u64, /// Units whose key did not fit.
      failures: u64 }
    { /// The units that failed.
      failed: Vec<Uuid> }

    /// A time-stamp over a checkpoint was received and verified.
    Custody TimestampReceived TimestampReceivedDetail "timestamp-received"
    { /// Size of the custody tree that was stamped.
      size: u64, /// SHA-256 of the token's bytes.
      token_sha256: String, /// The authority's time.
      gen_time: String }
    { /// The authority, as configured.
      authority: String, /// Folder of the files, below `stamps/`.
      folder: String }

    /// The access log's head, entered in the custody log so that reads cannot be taken back either.
    Custody AccessCheckpointed AccessCheckpointedDetail "access-checkpointed"
    { /// Size of the access tree.
      size: u64, /// Its root, base64.
      root: String }
    {}

    /// A copy was made and tested.
    Custody BackupMade BackupMadeDetail "backup-made"
    { /// The backup.
      backup: Uuid, /// `records` (storage root, log, stamps) or `vault`.
      what: String, /// Files in it.
      files: u64, /// Bytes in it.
      bytes: u64 }
    { /// The folder it was written to, as given.
      folder: String }

    /// The repository moved: from the next entry on, only the new place continues the log.
    Custody RepositoryMoved RepositoryMovedDetail "repository-moved"
    { /// The place it left; all zeros for the one where it was made.
      from: Uuid, /// The place where it lives now.
      to: Uuid }
    { /// Engines it left: of the database, of the storage root, of the vault.
      left: String, /// Engines it went to.
      reached: String }

    /// A second site of storage root, logs and time-stamps holds all of them for the first time.
    Custody ReplicaAdded ReplicaAddedDetail "replica-added"
    { /// The replica.
      replica: Uuid }
    { /// Its name.
      name: String, /// Where it lies.
      address: String }

    /// A replica was lost or given up.
    Custody ReplicaLost ReplicaLostDetail "replica-lost"
    { /// The replica.
      replica: Uuid }
    { /// Why.
      reason: String }

    /// Damaged files were fetched again, by their digests, from the replica or to it.
    Custody ReplicaRepaired ReplicaRepairedDetail "replica-repaired"
    { /// The replica.
      replica: Uuid, /// Files fetched from it.
      fetched: u64, /// Files sent to it.
      sent: u64 }
    { /// The files, and which side they were damaged on.
      files: Vec<String> }

    /// The database was made anew from storage root, log and keys.
    Custody DatabaseRebuilt DatabaseRebuiltDetail "database-rebuilt"
    { /// Events replayed.
      events: u64, /// Differences from the database before.
      differences: u64 }
    { /// The first differences.
      examples: Vec<String> }

    /// The clock went backwards since the last entry.
    Custody ClockJumped ClockJumpedDetail "clock-jumped"
    { /// Time of the last entry.
      last: String, /// Time now.
      now: String }
    {}

    /// A list was shown.
    Access ListShown ListShownDetail "list-shown"
    {}
    { /// What was listed.
      what: String, /// How many rows.
      rows: u64 }

    /// A record with its names was shown.
    Access RecordShown RecordShownDetail "record-shown"
    { /// The accession or item.
      record: Uuid }
    { /// Its number.
      number: String }

    /// An original was opened. Entered before the first byte was released.
    Access ItemOpened ItemOpenedDetail "item-opened"
    { /// The item.
      item: Uuid, /// Its accession.
      accession: Uuid }
    { /// Its number.
      number: String, /// Why.
      reason: String }

    /// The text of an item was opened.
    Access TextOpened TextOpenedDetail "text-opened"
    { /// The item.
      item: Uuid, /// Its accession.
      accession: Uuid }
    { /// Its number.
      number: String, /// Why.
      reason: String }

    /// What was read was searched.
    Access SearchMade SearchMadeDetail "search-made"
    { /// How many items and files in them matched.
      total: u64 }
    { /// The question.
      query: String, /// Numbers of those that were shown.
      shown: Vec<String> }

    /// Opening an original was refused.
    Access OpenRefused OpenRefusedDetail "open-refused"
    { /// The item.
      item: Uuid }
    { /// What the person gave as reason.
      reason: String, /// Why it was refused.
      refusal: String }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_unique_and_read_back() {
        let mut kinds: Vec<_> = KINDS.iter().map(|kind| kind.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), KINDS.len());
        let event = AccessionPrepared {
            accession: Uuid::from_u128(1),
            unit: Uuid::from_u128(2),
            objects: vec![ObjectRef { id: Uuid::from_u128(3), inventory_sha512: "ab".into() }],
        }
        .with(AccessionPreparedDetail {});
        let read = Event::read(event.kind(), &event.skeleton(), event.detail().as_ref()).unwrap();
        assert_eq!(read, event);
        assert_eq!(event.subjects(), [Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3)]);
    }

    #[test]
    fn a_kind_of_the_future_is_refused_with_advice() {
        let error = Event::read("from-the-future", &Map::new(), None).unwrap_err();
        assert!(error.hints[0].contains("newer Sago"));
    }
}

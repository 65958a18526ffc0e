//! What a custody log says has become of its units and deposits, read from its skeletons alone, and whether its generations follow each other.
//!
//! A restore asks this before it takes a key out of a backup of the vault: the log decides which keys are destroyed, not the backup.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

use crate::error::Result;
use crate::key::Keyring;
use crate::ledger::event::{Event, Log, ObjectRef};
use crate::ledger::rebuild::last_head_here;
use crate::ledger::replay::Replay;
use crate::ledger::sequencer;
use crate::settings::Places;

/// What the log says of a unit's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The server may open it.
    Working,
    /// Only the custodians may.
    Sealed,
    /// Nobody may, ever again.
    Destroyed,
}

/// How far a deposit had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Opened,
    Prepared,
    Received,
    /// Given up, or set aside.
    Ended,
}

/// A deposit.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub number: String,
    pub unit: Uuid,
    pub stage: Stage,
    pub objects: Vec<ObjectRef>,
}

/// What a log says, at its end.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The epoch in force.
    pub epoch: u64,
    pub units: BTreeMap<Uuid, Standing>,
    pub accessions: BTreeMap<Uuid, Account>,
    /// The place that may continue the log.
    pub place: Uuid,
    /// People with a key of their own, and their codes.
    pub signers: BTreeMap<Uuid, String>,
    /// The first person, in whose name a restore acts.
    pub first_agent: Option<Uuid>,
    /// Time of the latest entry of both logs.
    pub last_at: Option<Timestamp>,
}

impl History {
    /// Walks all generations. Needs the key of the domain unit and no other.
    pub(super) fn read(places: &Places, keyring: &Keyring) -> Result<Self> {
        let mut history = Self { epoch: 1, ..Self::default() };
        for generation in sequencer::generations(places)? {
            for log in Log::ALL {
                let mut replay = Replay::open(places, keyring, log, last_head_here(places, log, generation)?)?;
                while let Some(entry) = replay.next_event()? {
                    history.last_at = history.last_at.max(Some(entry.at));
                    history.apply(entry.event);
                }
            }
        }
        Ok(history)
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::RepositoryCreated(event, _) => {
                self.units.insert(event.domain_unit, Standing::Working);
            }
            Event::AgentAdded(event, _) => {
                self.first_agent.get_or_insert(event.subject);
                if event.public_key.is_some() {
                    self.signers.insert(event.subject, event.code);
                }
            }
            Event::UnitCreated(event, _) => {
                self.units.insert(event.unit, if event.mode == "sealed" { Standing::Sealed } else { Standing::Working });
            }
            Event::UnitSealed(event, _) => {
                self.units.insert(event.unit, Standing::Sealed);
            }
            Event::UnitUnsealed(event, _) => {
                self.units.insert(event.unit, Standing::Working);
            }
            Event::UnitDestroyed(event, _) => {
                self.units.insert(event.unit, Standing::Destroyed);
            }
            Event::RepositoryMoved(event, _) => self.place = event.to,
            Event::EpochRotated(event, _) => self.epoch = self.epoch.max(event.to),
            Event::OperatingKeyRecovered(event, _) => self.epoch = self.epoch.max(event.epoch),
            Event::AccessionOpened(event, _) => {
                self.accessions.insert(event.accession, Account { number: event.number, unit: event.unit, stage: Stage::Opened, objects: Vec::new() });
            }
            Event::AccessionPrepared(event, _) => self.accession(event.accession, |account| {
                account.stage = Stage::Prepared;
                account.objects = event.objects;
            }),
            Event::AccessionReceived(event, _) => self.accession(event.accession, |account| {
                account.stage = Stage::Received;
                account.objects = event.objects;
            }),
            Event::AccessionAbandoned(event, _) => self.accession(event.accession, |account| account.stage = Stage::Ended),
            Event::AccessionQuarantined(event, _) => self.accession(event.accession, |account| account.stage = Stage::Ended),
            _ => {}
        }
    }

    fn accession(&mut self, id: Uuid, change: impl FnOnce(&mut Account)) {
        if let Some(account) = self.accessions.get_mut(&id) {
            change(account);
        }
    }

    /// Units whose keys are destroyed.
    pub(super) fn destroyed(&self) -> BTreeSet<Uuid> {
        self.units.iter().filter(|(_, standing)| **standing == Standing::Destroyed).map(|(unit, _)| *unit).collect()
    }

    /// Objects received, and the SHA-512 of their inventories.
    pub(super) fn received(&self) -> Vec<(Uuid, String)> {
        let received = self.accessions.values().filter(|account| account.stage == Stage::Received);
        received.flat_map(|account| &account.objects).map(|object| (object.id, object.inventory_sha512.clone())).collect()
    }

    /// Numbers of the accessions of a unit, in order.
    pub(super) fn numbers(&self, unit: Uuid) -> Vec<String> {
        let mut numbers: Vec<String> = self.accessions.values().filter(|account| account.unit == unit).map(|account| account.number.clone()).collect();
        numbers.sort_unstable();
        numbers
    }
}

/// The three lines that a checkpoint signs: what a new generation commits to of the one before.
pub(super) fn three_lines(checkpoint: &str) -> String {
    checkpoint.split_once("\n\n").map_or_else(|| checkpoint.to_owned(), |(lines, _)| format!("{lines}\n"))
}

/// Checks that every generation's first custody entry commits to the ends of both logs of the generation before.
///
/// Answers what is wrong, each with its place (`log/2/custody`); nothing when all is well. Needs the key of the domain unit.
pub fn succession_problems(places: &Places, keyring: &Keyring) -> Result<Vec<(String, String)>> {
    let generations = sequencer::generations(places)?;
    let mut problems = Vec::new();
    for pair in generations.windows(2) {
        let &[before, generation] = pair else { continue };
        let place = format!("log/{generation}/custody");
        let mut replay = Replay::open(places, keyring, Log::Custody, last_head_here(places, Log::Custody, generation)?)?;
        let Some(Event::LogRestarted(restarted, _)) = replay.next_event()?.map(|entry| entry.event) else {
            problems.push((place, format!("The first entry of generation {generation} does not say what it continues.")));
            continue;
        };
        for (log, committed) in [(Log::Custody, &restarted.custody_before), (Log::Access, &restarted.access_before)] {
            let ended = last_head_here(places, log, before)?;
            if three_lines(&ended.checkpoint) != *committed {
                let message = format!(
                    "The first entry of generation {generation} commits to another end of the {} log of generation {before} than the one that is here.",
                    log.name()
                );
                problems.push((place.clone(), message));
            }
        }
        if restarted.generation != generation {
            problems.push((place, format!("The first entry says that it begins generation {}.", restarted.generation)));
        }
    }
    Ok(problems)
}

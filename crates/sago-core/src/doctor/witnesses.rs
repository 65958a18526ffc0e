//! Whether others remember the log, and since when.

use super::{State, Visit};
use crate::error::Result;
use crate::ledger::event::Log;
use crate::ledger::{rebuild, sequencer};
use crate::settings::{Places, Settings};
use crate::witness::{last_quorum, policy};

/// A quorum older than this is one that nobody looks after. Days.
const OLD_DAYS: i64 = 7;

/// Hours after which entries should have been shown to the witnesses.
const PATIENCE_SECONDS: i64 = 24 * 60 * 60;

pub(super) fn witnesses(visit: &mut Visit, places: &Places, settings: &Settings) -> Result<()> {
    let Some(policy) = policy(places, settings)? else {
        visit.add(
            "witnesses",
            State::Advice,
            "The log is not independently witnessed: nobody outside remembers how far it came, so a roll-back of everything at once would not show.",
            Some("Ask other bodies to run `sago witness serve`, add [[witness]] to sago.toml, and run `sago witness ask` daily.".to_owned()),
        );
        return Ok(());
    };
    let newest = sequencer::generations(places)?.into_iter().max().unwrap_or(1);
    for log in Log::ALL {
        let name = log.name();
        let head = rebuild::last_head_here(places, log, newest)?;
        let folder = crate::witness::folder(places, newest, log);
        if !folder.list("contradicting")?.is_empty() {
            visit.broken(
                "witnesses",
                format!("A witness has seen another history of the {name} log: {} holds its checkpoint.", folder.show("contradicting")),
                "Stop writing to this repository until you know which history is the true one; `sago verify` compares them.",
            );
            continue;
        }
        let demand = policy.demand();
        let last = last_quorum(places, &policy, newest, log)?;
        let at = last.and_then(|last| Some((last, jiff::Timestamp::from_second(i64::try_from(last.at).ok()?).ok()?)));
        let Some((last, at)) = at else {
            if head.size > 0 {
                visit.needs_you(
                    "witnesses",
                    format!("The {name} log was never cosigned by {demand}."),
                    "Run `sago witness ask`: it says what each witness answers.",
                );
            }
            continue;
        };
        let (age, waiting) = (visit.ago(at), head.size.saturating_sub(last.size));
        let text = format!("The {name} log was cosigned by {demand} {age}, at {} of {} entries.", last.size, head.size);
        let is_late = waiting > 0 && visit.now.as_second() - at.as_second() > PATIENCE_SECONDS;
        if is_late || visit.days_since(at) > OLD_DAYS {
            visit.needs_you("witnesses", text, "Run `sago witness ask`, best by a schedule.");
        } else {
            visit.well("witnesses", text);
        }
    }
    Ok(())
}

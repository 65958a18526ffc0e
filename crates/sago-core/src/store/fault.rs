//! Named points at which a test ends this process as a power cut or `kill -9` would, so that every commit point is tried, not only those
//! that chance hits.
//!
//! `SAGO_FAULT_AT=label` aborts the process when it passes that point, `label:3` when it passes it for the third time. The points exist
//! only in builds with debug assertions; in a release they are nothing. Each stands where something has just become durable and what
//! follows has not: whoever adds a commit point adds its row here and its `point("…")` there, and the test that walks through [`POINTS`]
//! asks for nothing else. What must hold after each: nothing receipted is lost, nothing half-made is visible, the same command completes.

mod operations;

pub use operations::{Injected, OPERATIONS, Operation, Turn, Writing, tried};

/// Label and meaning of every point.
pub const POINTS: &[(&str, &str)] = &[
    ("file-flushed", "a file is durable under its temporary name"),
    ("files-flushed", "many files are durable under their temporary names"),
    ("file-of-many-placed", "one of many files has its name, the others have not"),
    ("vault-next-written", "a new wrapped key waits in the vault, no event speaks of it"),
    ("vault-next-half-taken", "the recipient of a unit is in its place, the new wrapped key is not"),
    ("deposit-staging-begun", "the staging folder is there, the number is not taken"),
    ("deposit-numbered", "the number is taken, the new unit's key still waits"),
    ("deposit-journaled", "files are sealed and in the journal"),
    ("deposit-built", "the objects are finished in staging"),
    ("deposit-prepared", "the log knows the objects, none is in place"),
    ("deposit-object-placed", "one object is in place"),
    ("deposit-placed", "all objects are in place, the accession is not received"),
    ("deposit-received", "the accession is received, the log's head does not cover it"),
    ("deposit-integrated", "all is done, the staging folder is still there"),
    ("log-files-written", "entries and tiles are durable, the lock is the old one"),
    ("log-locked", "the lock holds the new checkpoint, the published one is old"),
    ("log-published", "the new checkpoint is published, the database still keeps the payload"),
    ("seal-entered", "a unit's new mode is in the log, its key is still wrapped the old way"),
    ("rotate-wrapped", "the new epoch is written, its pages are not"),
    ("rotate-pages-written", "the custodians' new pages are written, the log knows nothing"),
    ("rotate-entered", "the log knows the new epoch, the old one is in force"),
    ("rotate-switched", "the new epoch is in force, the old one still lies there"),
    ("destroy-approved", "the last approval is in the log, nothing is destroyed"),
    ("destroy-entered", "the log says destroyed, the key still lies in the vault"),
    ("destroy-erased", "the key is erased, the log's head does not cover the event"),
    ("open-entered", "the opening is in the log, no byte is released"),
    ("open-written", "the original is written, it has not its name"),
    ("export-entered", "the export is in the log, no byte is released"),
    ("export-written", "the package is whole, the log does not commit to it"),
    ("fixity-read", "stored files were read, the result is not entered"),
    ("items-read", "text was taken out of originals and put in place, no event speaks of it"),
    ("job-claimed", "a job is claimed, nothing of it is done"),
    ("job-planned", "jobs are planned, the one that planned them is not finished"),
    ("job-worked", "the work of a job is done, its row does not say so"),
    ("rebuild-replayed", "the new database is whole beside the old one"),
    ("rebuild-kept", "the old database also has the name under which it is kept"),
    ("rebuild-cleared", "the old database's side files are out of the way"),
    ("rebuild-placed", "the new database is in place, the event is not entered"),
    ("migrate-noted", "the new place is begun and empty"),
    ("migrate-copied", "the files are in the new place, the rows are not"),
    ("migrate-rows-copied", "the rows are there too, the locks are not"),
    ("migrate-verified", "both sides are sound, the old place is the live one"),
    ("migrate-entered", "the log says that the repository moved, the new place does not know it"),
    ("migrate-sent", "the new place has everything and is no repository yet"),
    ("migrate-placed", "the new place is the live one, its note is still there"),
];

/// Ends the process here if the environment asks for it.
#[cfg(debug_assertions)]
pub fn point(label: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};
    debug_assert!(POINTS.iter().any(|(known, _)| *known == label), "the point “{label}” is not in the table");
    let Ok(wanted) = std::env::var("SAGO_FAULT_AT") else { return };
    let (wanted, turn) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    // One label is asked for in one process, so one count is enough.
    static PASSED: AtomicU64 = AtomicU64::new(0);
    if wanted == label && turn.parse() == Ok(PASSED.fetch_add(1, Ordering::SeqCst) + 1) {
        std::process::abort();
    }
}

/// Nothing, in a release.
#[cfg(not(debug_assertions))]
pub fn point(_label: &str) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_faults_tells_every_operation_and_point() {
        let page = include_str!("../../../../docs/faults.md");
        let operations: Vec<_> = OPERATIONS
            .iter()
            .map(|(_, name, what, has_effect)| format!("| `{name}` | {what} | {} |", if *has_effect { "before, after" } else { "before" }))
            .collect();
        let points: Vec<_> = POINTS.iter().map(|(label, meaning)| format!("| `{label}` | {meaning} |")).collect();
        for table in [operations, points] {
            assert!(
                page.contains(&format!("| --- |\n{}\n\n", table.join("\n"))),
                "docs/faults.md does not hold these rows and no others:\n{}",
                table.join("\n")
            );
        }
    }
}

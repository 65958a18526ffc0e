//! Measures durable entries: `cargo run --release -p sago-core --example ledger_speed -- FOLDER [EVENTS [TASKS]]`.
//!
//! Makes a repository in a folder that must not exist, enters events from many tasks through one group, and prints, on one line of JSON,
//! entries per second and how long tasks waited for their acknowledgement; then how long it took to sign a head over all of them.
//! `tests/group.rs` kills such a process and looks whether everything acknowledged is there.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use sago_core::ctx::Clock;
use sago_core::ledger::event::{ListShown, ListShownDetail};
use sago_core::ledger::group::group;
use sago_core::repository::{NewRepository, Repository};
use sago_core::user::act_as;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("name a folder to make"));
    let mut number = |usual: u64| arguments.next().map_or(usual, |text| text.parse().expect("a number"));
    let (events, tasks) = (number(50_000), number(256));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run(folder, events, tasks));
}

async fn run(folder: PathBuf, events: u64, tasks: u64) {
    let new = NewRepository {
        name: "speed".into(),
        custodians: 3,
        threshold: 2,
        passphrase: "seven words that only this benchmark may use".to_owned().into(),
        work_factor: 10,
        elsewhere: sago_core::settings::Elsewhere::default(),
        first_person: "Custodian".into(),
    };
    let repo = Repository::create(&folder, &new, Clock::System).await.unwrap().repository;
    let ctx = act_as(&repo, None, Clock::System).await.unwrap();
    let domain = repo.settings.domain_unit;
    let (entry, committer) = group();
    let begun = Instant::now();
    let writers: Vec<_> = (0..tasks)
        .map(|task| {
            let entry = entry.clone();
            tokio::spawn(async move {
                let mut waits = Vec::new();
                for rows in (task..events).step_by(usize::try_from(tasks).unwrap()) {
                    let asked = Instant::now();
                    entry.enter(domain, ListShown {}.with(ListShownDetail { what: "items".into(), rows })).await.unwrap();
                    waits.push(asked.elapsed());
                }
                waits
            })
        })
        .collect();
    drop(entry);
    let transactions = committer.run(&repo, &ctx).await;
    let took = begun.elapsed();
    let mut waits: Vec<Duration> = Vec::new();
    for writer in writers {
        waits.extend(writer.await.unwrap());
    }
    waits.sort_unstable();
    let at = |share: usize| waits[(waits.len() * share / 100).min(waits.len() - 1)].as_secs_f64() * 1e3;
    let begun = Instant::now();
    repo.integrate(&ctx).await.unwrap();
    println!(
        "{{\"entries\": {events}, \"tasks\": {tasks}, \"transactions\": {transactions}, \"entries_per_second\": {:.0}, \"wait_ms_p50\": {:.1}, \
         \"wait_ms_p99\": {:.1}, \"wait_ms_most\": {:.1}, \"sign_seconds\": {:.2}}}",
        events as f64 / took.as_secs_f64(),
        at(50),
        at(99),
        at(100),
        begun.elapsed().as_secs_f64()
    );
    repo.close().await;
}

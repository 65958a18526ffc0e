//! `cargo xtask soak`: the soak tests with long settings.
//!
//! Soak tests are ordinary tests whose names begin with `soak_`; the normal run gives them few rounds. They read
//! `SAGO_SOAK_SEED` and `SAGO_SOAK_ROUNDS`, and a failure can be repeated with the seed printed before it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::Args;

use crate::run;
use crate::servers::Servers;
use crate::tools;
use crate::workspace::Workspace;

/// Rounds of one pass when nothing is said.
const ROUNDS: u64 = 200;

/// Arguments of `cargo xtask soak`.
#[derive(Args)]
pub struct Soak {
    /// First seed; default: taken from the clock and printed
    #[arg(long)]
    seed: Option<u64>,
    /// Passes with seeds counting up until this many minutes are over
    #[arg(long, conflicts_with = "rounds")]
    minutes: Option<u64>,
    /// Rounds of one single pass
    #[arg(long)]
    rounds: Option<u64>,
    /// Only soak tests with this in their name
    name: Option<String>,
}

impl Soak {
    /// Runs the verb.
    pub fn run(self, ws: &Workspace) -> Result<()> {
        let places = tools::for_tests(ws)?;
        let mut seed = match self.seed {
            Some(seed) => seed,
            None => SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?.as_secs(),
        };
        let rounds = self.rounds.unwrap_or(ROUNDS);
        let filter = self.name.map_or_else(|| "test(soak_)".to_owned(), |name| format!("test(soak_) & test({name})"));
        let started = Instant::now();
        let limit = Duration::from_secs(60 * self.minutes.unwrap_or(0));
        loop {
            // Fresh ones for each pass: what a pass leaves in the buckets goes with them.
            let servers = Servers::start(ws, true)?;
            let mut pass = tools::nextest(ws)?;
            pass.args(["run", "--workspace", "--locked", "--profile", "soak", "-E", &filter]);
            pass.envs(places.iter().map(|(name, place)| (*name, place)))
                .envs(servers.variables())
                .env("SAGO_SHARED_DATA", &ws.shared_data)
                .env("SAGO_SOAK_SEED", seed.to_string())
                .env("SAGO_SOAK_ROUNDS", rounds.to_string());
            run::loud(&format!("soak: --seed {seed} --rounds {rounds}"), &mut pass)?;
            if started.elapsed() >= limit {
                return Ok(());
            }
            seed = seed.wrapping_add(1);
        }
    }
}

//! The few words in which the engines differ and one SQL text does not serve both.

use super::db::Engine;

/// Longest lease there is, in seconds. One that ends later than this from now was made by a clock that stood wrong, and counts as ended.
pub const LEASE_MAX_SECONDS: u32 = 3600;

/// The present moment by the database's own clock, microseconds since 1970: the clocks of nodes differ, this one they all share.
pub(crate) fn now(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "CAST(unixepoch('now', 'subsec') * 1000000 AS INTEGER)",
        Engine::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
    }
}

/// What follows a subquery that picks one row to be taken: on a server, rows that another transaction is just taking are passed over.
pub(crate) fn skip_locked(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "",
        Engine::Postgres => "FOR UPDATE SKIP LOCKED",
    }
}

/// The condition that a lease in `column` does not hold now.
pub(crate) fn lease_ended(engine: Engine, column: &str) -> String {
    let now = now(engine);
    format!("({column} IS NULL OR {column} < {now} OR {column} > {now} + {})", micros_of(LEASE_MAX_SECONDS))
}

/// Seconds as the database counts them.
pub(crate) fn micros_of(seconds: u32) -> i64 {
    i64::from(seconds) * 1_000_000
}

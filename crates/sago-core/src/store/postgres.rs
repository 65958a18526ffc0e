//! What is particular to a PostgreSQL server: how it is reached, what it must promise, and its errors.

use sqlx::{AnyConnection, Executor, Row};

use crate::error::{Error, ErrorKind, Result};

/// Said on every connection: a commit that was reported survives a power cut, and nobody waits for ever.
pub(super) const SETTINGS: &str = "SET synchronous_commit = on; SET lock_timeout = '60s'; SET client_min_messages = warning";

/// Refuses an address over which rows would travel in clear, or to a server that nobody has checked.
pub(super) fn check_address(address: &str) -> Result<()> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
    let option = |name: &str| options.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let server = place.split('/').next().unwrap_or_default();
    let server = server.rsplit_once('@').map_or(server, |(_, server)| server);
    let host = option("host").unwrap_or_else(|| server.rsplit_once(':').map_or(server, |(host, _)| host));
    let is_here = host.is_empty()
        || host.starts_with('/')
        || host.starts_with("%2F")
        || host == "localhost"
        || host == "[::1]"
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    let mode = option("sslmode").map(str::to_owned).or_else(|| std::env::var("PGSSLMODE").ok());
    if is_here || mode.as_deref() == Some("verify-full") {
        return Ok(());
    }
    Err(Error::invalid(format!("The database server {host} is another machine, and its address does not ask for a checked, encrypted connection."))
        .hint("Add `?sslmode=verify-full` to the address (and `&sslrootcert=FILE` for a certificate authority of your own)."))
}

/// Refuses a database that would not keep what it reports, or that cannot hold every text.
pub(super) async fn check_promises(connection: &mut AnyConnection) -> Result<()> {
    let text = "SELECT pg_encoding_to_char(encoding)::text FROM pg_database WHERE datname = current_database()";
    let encoding: String = sqlx::query_scalar(text).fetch_one(&mut *connection).await?;
    if encoding != "UTF8" {
        return Err(Error::invalid(format!("The database keeps texts as {encoding}; Sago needs UTF8."))
            .hint("Make another one: `createdb --encoding UTF8 --template template0 NAME`."));
    }
    // Tests that do not pull the plug may have a quick server; a release knows no such servers.
    let is_excused = cfg!(debug_assertions) && std::env::var_os("SAGO_UNSAFE_DATABASE").is_some();
    let promises = [
        ("fsync", "SHOW fsync", "a power cut may lose what was reported as received"),
        ("full_page_writes", "SHOW full_page_writes", "a power cut may leave torn pages"),
    ];
    for (setting, show, why) in promises {
        let value: String = connection.fetch_one(show).await?.try_get(0)?;
        if value != "on" && !is_excused {
            return Err(Error::invalid(format!("The database server runs with `{setting} = {value}`: {why}."))
                .hint(format!("Set `{setting} = on` in postgresql.conf and reload the server.")));
        }
    }
    Ok(())
}

/// What a server's error means to a person.
pub(crate) fn explain(error: &sqlx::Error) -> Option<Error> {
    let unavailable = |what: &str| {
        Error::new(ErrorKind::Unavailable, format!("The database server {what}. Nothing that was receipted is lost."))
            .hint("When it answers again, run the same command once more: it goes on where it stopped.")
    };
    match error {
        sqlx::Error::Io(error) => return Some(unavailable(&format!("broke off the connection: {error}"))),
        sqlx::Error::PoolTimedOut => return Some(unavailable("gave no connection in time")),
        sqlx::Error::PoolClosed => return Some(unavailable("was left by this process")),
        _ => {}
    }
    let database = error.as_database_error()?;
    let code = database.code()?;
    // SQLSTATE, PostgreSQL manual appendix A. SQLite's codes are decimal numbers of other lengths.
    if code.len() != 5 {
        return None;
    }
    let message = database.message();
    Some(match code.as_ref() {
        "53100" => Error::new(ErrorKind::Unavailable, "The database server's disk is full. Nothing that was receipted is lost.")
            .hint("Free some space and run the same command again."),
        "55P03" => unavailable("kept this process waiting for another one for more than a minute"),
        "25006" => unavailable("takes no writes: it is a standby"),
        "XX001" | "XX002" | "42P01" | "42703" => Error::corrupt(format!("The database is damaged ({message}). Evidence and log are kept apart from it."))
            .hint("Run `sago rebuild`: it makes the database anew from the storage root, the log and the keys, and keeps the old one beside it."),
        "28P01" | "28000" => Error::new(ErrorKind::Forbidden, format!("The database server does not let us in: {message}"))
            .hint("Give the password by PGPASSWORD or PGPASSFILE."),
        "42501" => Error::new(ErrorKind::Forbidden, format!("The database server does not allow it: {message}"))
            .hint("The role that Sago uses must own its database: `ALTER DATABASE NAME OWNER TO ROLE`."),
        "3D000" => {
            Error::invalid(format!("There is no such database: {message}")).hint("Correct `database` under [paths] in sago.toml, or make it: `createdb NAME`.")
        }
        "40001" | "40P01" | "57P01" | "57P02" | "57P03" | "53300" => unavailable(&format!("ended the work: {message}")),
        code if code.starts_with("08") => unavailable(&format!("broke off the connection: {message}")),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_asked_only_over_a_checked_connection() {
        for here in
            ["postgres://sago@localhost/db", "postgres://sago@127.0.0.1:5432/db", "postgres:///db", "postgres://sago@localhost:5/db?host=/run/postgresql"]
        {
            check_address(here).unwrap();
        }
        check_address("postgres://sago@db.example/db?sslmode=verify-full").unwrap();
        for bad in ["postgres://sago@db.example/db", "postgres://sago@db.example/db?sslmode=require", "postgres://sago@localhost/db?host=db.example"] {
            assert!(check_address(bad).unwrap_err().hints[0].contains("verify-full"), "{bad}");
        }
    }
}

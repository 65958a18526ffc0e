//! PostgreSQL: a cluster of its own in a temporary folder, on a free port of 127.0.0.1, with a password.
//!
//! It flushes as it does in earnest (`fsync` is on): what is measured or killed here is what people will run.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt as _, chown};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::{Running, Variables, dies_with_us, free_port, secret};
use crate::run;
use crate::tools::Programs;
use crate::workspace::Workspace;

/// Who owns the databases of the tests.
const USER: &str = "sago";

/// Whom the server runs as when we are root: it refuses to be root.
const SYSTEM_USER: &str = "postgres";

/// A running cluster.
pub struct Postgres {
    /// Held to be dropped.
    _running: Running,
    bin: PathBuf,
    data: PathBuf,
    port: u16,
    password: String,
}

impl Postgres {
    /// Makes the cluster and starts it.
    pub fn start(ws: &Workspace, programs: &Programs) -> Result<Self> {
        // Not below the build folder: that may lie where the server's user may not go, and a socket's path must be short.
        #[expect(clippy::disallowed_methods, reason = "a database of made-up stories, removed at the end")]
        let mut running = Running::prepare("postgres", "QUIT", &std::env::temp_dir())?;
        let (bin, data, port, password) = (programs.postgres.clone(), running.folder.join("data"), free_port()?, secret(16)?);
        let secret_file = running.folder.join("password");
        fs::create_dir(&data)?;
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&secret_file)?;
        fs::write(&secret_file, format!("{password}\n"))?;
        if run::is_root() {
            let (user, group) = (id("-u")?, id("-g")?);
            for path in [&running.folder, &data, &secret_file] {
                chown(path, Some(user), Some(group)).with_context(|| format!("cannot give {} to {SYSTEM_USER}", path.display()))?;
            }
        }
        let mut make = as_server(ws, programs, "initdb");
        make.arg("--pgdata").arg(&data).arg("--pwfile").arg(&secret_file);
        make.args(["--username", USER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"]);
        run::text(&mut make).context("cannot make a PostgreSQL cluster")?;
        fs::remove_file(&secret_file)?;

        let mut serve = as_server(ws, programs, "postgres");
        serve.arg("-D").arg(&data).arg("-p").arg(port.to_string());
        let folder = running.folder.display().to_string();
        for setting in [
            "listen_addresses=127.0.0.1",
            &format!("unix_socket_directories={folder}"),
            // Many stories at once, each with several commands, each with several connections.
            "max_connections=400",
            "shared_buffers=64MB",
            // No replica reads this log: the least that survives a crash.
            "wal_level=minimal",
            "max_wal_senders=0",
            "log_line_prefix=%m [%p] %d ",
        ] {
            serve.arg("-c").arg(setting);
        }
        let answers = || {
            let mut ask = Command::new(bin.join("pg_isready"));
            ask.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]).stdin(Stdio::null());
            ask.status().is_ok_and(|status| status.success())
        };
        running.start(serve, answers)?;
        Ok(Self { _running: running, bin, data, port, password })
    }

    /// What tests find in their environment.
    pub fn variables(&self) -> Variables {
        vec![
            ("SAGO_TEST_POSTGRES".into(), format!("postgres://{USER}@127.0.0.1:{}", self.port)),
            ("SAGO_TEST_POSTGRES_BIN".into(), self.bin.display().to_string()),
            ("SAGO_TEST_POSTGRES_DATA".into(), self.data.display().to_string()),
            ("PGPASSWORD".into(), self.password.clone()),
        ]
    }
}

/// A program of PostgreSQL, run as a user who is not root, that ends at once when we die.
fn as_server(ws: &Workspace, programs: &Programs, program: &str) -> Command {
    let mut command = dies_with_us(ws, programs, "QUIT");
    if run::is_root() {
        command.args([format!("--reuid={SYSTEM_USER}"), format!("--regid={SYSTEM_USER}"), "--clear-groups".to_owned()]);
    }
    // The root of the checkout may be closed to that user.
    command.arg(programs.postgres.join(program)).current_dir("/");
    command
}

/// A number of the system's user.
fn id(flag: &str) -> Result<u32> {
    let text = run::text(Command::new("id").args([flag, SYSTEM_USER]))?;
    text.trim().parse().with_context(|| format!("the system's user {SYSTEM_USER} has no number"))
}

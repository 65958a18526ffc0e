//! `cargo xtask servers`: a real PostgreSQL server and a real S3 server for as long as a command runs.
//!
//! The servers belong to a keeper: this program started once more, in a process group of its own. It starts them, says on its
//! standard output where they are, and waits for the end of its standard input. That end comes when we let go of it, and also when
//! we panic, are interrupted or are killed; then it stops both at once and removes their folders. Should the keeper itself be killed,
//! the kernel stops the servers (`setpriv --pdeathsig`). So no test run leaves a server or a folder behind.
//!
//! PostgreSQL flushes as it does in earnest, because Sago refuses one that does not; the S3 server does it for soaks only (`--flush`).
//!
//! What tests find in their environment:
//!
//! | Variable | What it is |
//! | --- | --- |
//! | `SAGO_TEST_POSTGRES` | address without database and without password: `postgres://sago@127.0.0.1:PORT` |
//! | `PGPASSWORD` | the password of that user, who may make databases |
//! | `SAGO_TEST_POSTGRES_BIN` | folder of `psql`, `pg_dump` and the rest |
//! | `SAGO_TEST_POSTGRES_DATA` | the server's data folder |
//! | `SAGO_TEST_S3`, `SAGO_TEST_S3_VAULTS` | two buckets, `s3://NAME`: one for vaults, one for everything else |
//! | `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` | how it is reached |
//! | `SAGO_TEST_S3_DATA` | the folder of the S3 server's data and metadata |

mod garage;
mod postgres;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::run;
use crate::tools::{self, Programs};
use crate::workspace::Workspace;

/// A server that does not answer after this long will not.
const START: Duration = Duration::from_secs(60);

/// A server that still runs this long after it was asked to stop is killed.
const STOP: Duration = Duration::from_secs(20);

/// Variables and their values.
pub type Variables = Vec<(String, String)>;

/// Arguments of `cargo xtask servers`.
#[derive(Args)]
pub struct ServersVerb {
    /// The keeper itself; started by this program only
    #[arg(long, hide = true)]
    keep: bool,
    /// Let the S3 server flush every write to the disk, as people will run it; PostgreSQL always does
    #[arg(long)]
    flush: bool,
    /// What to run, for example `cargo nextest run -p sago`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required_unless_present = "keep")]
    command: Vec<String>,
}

impl ServersVerb {
    /// Runs the verb.
    pub fn run(self, ws: &Workspace) -> Result<()> {
        if self.keep {
            return keep(ws, self.flush);
        }
        let places = tools::for_tests(ws)?;
        let servers = Servers::start(ws, self.flush)?;
        let (program, arguments) = self.command.split_first().context("no command was given")?;
        let mut command = ws.command(program);
        // Where the person stands, not the root: this is any command of theirs.
        command.current_dir(std::env::current_dir().context("the current folder is gone")?);
        command.args(arguments).envs(places).envs(servers.variables()).env("SAGO_SHARED_DATA", &ws.shared_data);
        run::loud(program, &mut command)
    }
}

/// Both servers, running until this is dropped.
pub struct Servers {
    keeper: Child,
    variables: Variables,
}

impl Servers {
    /// Installs both servers if they are not there, starts them and waits until they answer. `flush`: see [`ServersVerb`].
    pub fn start(ws: &Workspace, flush: bool) -> Result<Self> {
        // Here, not in the keeper: an interruption ends an installation.
        tools::servers(ws)?;
        run::say("· start PostgreSQL and Garage");
        // This very program, as it runs: `cargo build --workspace` may have put a new file in its place, and
        // `current_exe` then names one that is gone.
        let mut command = ws.command("/proc/self/exe");
        command.args(["servers", "--keep"]).env("CARGO_MANIFEST_DIR", ws.root.join("xtask"));
        if flush {
            command.arg("--flush");
        }
        // A group of its own: Ctrl-C at a terminal reaches us and the tests, and the servers outlive those.
        let keeper = command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start the servers' keeper")?;
        let mut servers = Self { keeper, variables: Variables::new() };
        let output = servers.keeper.stdout.take().context("the keeper has no output")?;
        for line in BufReader::new(output).lines() {
            let line = line.context("the servers' keeper is not understood")?;
            if line.is_empty() {
                return Ok(servers);
            }
            let (name, value) = line.split_once('=').with_context(|| format!("the servers' keeper said: {line}"))?;
            servers.variables.push((name.to_owned(), value.to_owned()));
        }
        bail!("the servers did not start: see above")
    }

    /// What tests find in their environment.
    pub fn variables(&self) -> Variables {
        self.variables.clone()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if let Err(error) = self.keeper.wait() {
            run::say(format_args!("the servers' keeper is lost: {error}"));
        }
    }
}

/// Keeps both servers until standard input ends.
fn keep(ws: &Workspace, flush: bool) -> Result<()> {
    let programs = tools::servers(ws)?;
    let database = postgres::Postgres::start(ws, &programs)?;
    let objects = garage::Garage::start(ws, &programs, flush)?;
    let mut output = std::io::stdout().lock();
    for (name, value) in database.variables().into_iter().chain(objects.variables()) {
        writeln!(output, "{name}={value}")?;
    }
    writeln!(output)?;
    output.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new()).context("standard input cannot be read")?;
    drop((database, objects));
    Ok(())
}

/// A server's process and its folder. Dropping it stops the process and removes the folder.
struct Running {
    /// What people call it.
    name: &'static str,
    /// The signal that ends it at once: what it holds is removed anyway.
    stop: &'static str,
    child: Option<Child>,
    folder: PathBuf,
    /// Its output.
    log: PathBuf,
}

impl Running {
    /// Makes the folder; nothing runs yet.
    fn prepare(name: &'static str, stop: &'static str, parent: &Path) -> Result<Self> {
        let folder = parent.join(format!("sago-{name}-{}", std::process::id()));
        fs::DirBuilder::new().mode(0o755).create(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let log = folder.join("log");
        Ok(Self { name, stop, child: None, folder, log })
    }

    /// Starts the program so that it dies with us, and waits until it answers.
    fn start(&mut self, mut command: Command, answers: impl Fn() -> bool) -> Result<()> {
        let log = fs::File::create(&self.log).with_context(|| format!("cannot write {}", self.log.display()))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = self.child.insert(command.spawn().with_context(|| format!("cannot start {}", self.name))?);
        let begun = Instant::now();
        while !answers() {
            let ended = child.try_wait()?;
            if ended.is_some() || begun.elapsed() > START {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                let what = ended.map_or_else(|| format!("does not answer after {} s", START.as_secs()), |status| format!("ended with {status}"));
                bail!("{} {what}; it said:\n{}", self.name, log.trim_end());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Stops the program, by force when it does not obey.
    fn stop(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        run::text(Command::new("kill").args(["-s", self.stop, &child.id().to_string()]))?;
        let begun = Instant::now();
        while child.try_wait()?.is_none() {
            if begun.elapsed() > STOP {
                run::say(format_args!("{} did not stop within {} s and is killed", self.name, STOP.as_secs()));
                child.kill()?;
                child.wait()?;
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            run::say(format_args!("{} could not be stopped: {error:#}", self.name));
        }
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            run::say(format_args!("{} could not be removed: {error}", self.folder.display()));
        }
    }
}

/// `setpriv`, told to give its program this signal when we die.
fn dies_with_us(ws: &Workspace, programs: &Programs, signal: &str) -> Command {
    let mut command = ws.command(&programs.setpriv);
    command.arg(format!("--pdeathsig={signal}"));
    command
}

/// A port of this machine that was free a moment ago.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port of 127.0.0.1 is free")?;
    Ok(listener.local_addr()?.port())
}

/// Random hexadecimal digits, for secrets that live as long as the servers.
fn secret(bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    fs::File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut random)).context("cannot read /dev/urandom")?;
    ensure!(random.iter().any(|byte| *byte != 0), "/dev/urandom gives zeros");
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_that_ends_or_never_answers_leaves_no_folder_and_says_why() {
        let temporary = tempfile::tempdir().unwrap();
        let mut running = Running::prepare("nothing", "TERM", temporary.path()).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such luck; exit 3"]);
        let error = running.start(command, || false).unwrap_err().to_string();
        assert!(error.contains("ended with exit status: 3") && error.contains("no such luck"), "{error}");
        drop(running);
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
    }

    #[test]
    fn server_is_stopped_when_dropped() {
        let temporary = tempfile::tempdir().unwrap();
        let mut running = Running::prepare("sleeper", "TERM", temporary.path()).unwrap();
        let mut command = Command::new("sleep");
        command.arg("1000");
        running.start(command, || true).unwrap();
        let process = PathBuf::from(format!("/proc/{}", running.child.as_ref().unwrap().id()));
        assert!(process.exists());
        drop(running);
        assert!(!process.exists());
    }

    #[test]
    fn secrets_are_as_long_as_asked_and_differ() {
        let (one, two) = (secret(32).unwrap(), secret(32).unwrap());
        assert_eq!((one.len(), one == two), (64, false));
    }
}

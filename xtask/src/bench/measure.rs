//! Measuring a program: seconds on the wall and the peak of its memory.
//!
//! Memory is what GNU time reports (`ru_maxrss`): the largest of the program and the children it waited for, not
//! their sum. Without GNU time the column stays empty.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// A program to run, with arguments and variables.
pub struct Invocation {
    program: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
}

impl Invocation {
    /// A program without arguments yet.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), arguments: Vec::new(), variables: Vec::new() }
    }

    /// Adds arguments.
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Adds one argument; for paths between words.
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    fn command(&self, time: Option<(&Path, &Path)>) -> Command {
        let mut command = match time {
            Some((time, file)) => {
                let mut command = Command::new(time);
                command.args(["--quiet", "-f", "%M", "-o"]).arg(file).arg("--").arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        command.args(&self.arguments).stdin(Stdio::null());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// What one step of one contestant took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// Seconds on the wall, of all programs of the step together.
    pub seconds: f64,
    /// Largest peak among them, in KiB.
    pub peak_kib: Option<u64>,
}

/// Runs a preparation.
pub fn untimed(invocation: &Invocation) -> Result<()> {
    finish(invocation, &mut invocation.command(None))
}

/// Runs the programs of a step, one after the other. `peak_file` is where GNU time may write.
pub fn timed(invocations: &[Invocation], time: Option<&Path>, peak_file: &Path) -> Result<Measure> {
    // Otherwise a contestant would pay for what the one before it left in memory.
    untimed(&Invocation::new("sync"))?;
    let mut sum = Measure { seconds: 0.0, peak_kib: None };
    for invocation in invocations {
        let mut command = invocation.command(time.map(|time| (time, peak_file)));
        let started = Instant::now();
        finish(invocation, &mut command)?;
        sum.seconds += started.elapsed().as_secs_f64();
        if time.is_some() {
            let text = fs::read_to_string(peak_file).context("GNU time wrote nothing")?;
            let peak = text.trim().parse().with_context(|| format!("GNU time wrote {text:?}"))?;
            sum.peak_kib = sum.peak_kib.max(Some(peak));
            fs::remove_file(peak_file)?;
        }
    }
    Ok(sum)
}

fn finish(invocation: &Invocation, command: &mut Command) -> Result<()> {
    let name = invocation.program.display();
    let output = command.output().with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        std::io::stderr().write_all(&output.stdout)?;
        std::io::stderr().write_all(&output.stderr)?;
        bail!("{name} {} ended with {}", invocation.arguments.join(" ".as_ref()).display(), output.status);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_a_step_are_added_up_and_failures_are_errors() {
        let temporary = tempfile::tempdir().unwrap();
        let peak_file = temporary.path().join("peak");
        let sleep = || Invocation::new("sleep").arg("0.05");
        let measure = timed(&[sleep(), sleep()], None, &peak_file).unwrap();
        assert!(measure.seconds >= 0.1, "{measure:?}");
        assert_eq!(measure.peak_kib, None);
        assert!(timed(&[Invocation::new("false")], None, &peak_file).is_err());
    }

    #[test]
    fn variables_and_arguments_reach_the_program() {
        let invocation = Invocation::new("sh").args(["-c", "test \"$WORD$1\" = ab", "sh"]).arg("b").env("WORD", "a");
        untimed(&invocation).unwrap();
    }
}

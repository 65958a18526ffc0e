//! Starting programs: quietly, with the output kept for the case of failure, or with the terminal handed over.
//!
//! Every step prints one line before it starts and, when it took a second or more, how long it took. Progress goes
//! to standard error: standard output is for results (a table, paths for a shell).

use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Steps shorter than this do not say how long they took.
const WORTH_SAYING: Duration = Duration::from_secs(1);

/// Runs a step without showing its output, unless it fails: then all of it is shown.
pub fn quiet(step: &str, command: &mut Command) -> Result<()> {
    say(format_args!("· {step}"));
    let started = Instant::now();
    let output = command.stdin(Stdio::null()).output().with_context(|| cannot_start(command))?;
    if !output.status.success() {
        std::io::stderr().write_all(&output.stdout)?;
        std::io::stderr().write_all(&output.stderr)?;
        bail!("{step}: {} ended with {}", shown(command), output.status);
    }
    let took = started.elapsed();
    if took >= WORTH_SAYING {
        say(format_args!("  {step}: {:.0} s", took.as_secs_f64()));
    }
    Ok(())
}

/// Runs a step with the terminal handed over to it.
pub fn loud(step: &str, command: &mut Command) -> Result<()> {
    say(format_args!("· {step}"));
    let status = command.status().with_context(|| cannot_start(command))?;
    if !status.success() {
        bail!("{step}: {} ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs a program and returns its standard output as text.
pub fn text(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| cannot_start(command))?;
    if !output.status.success() {
        bail!("{} ended with {}\n{}", shown(command), output.status, String::from_utf8_lossy(&output.stderr).trim_end());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} printed bytes that are not UTF-8", shown(command)))
}

/// The place of a program on the search path.
pub fn which(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| is_executable(candidate))
}

/// Whether a file exists and someone may execute it.
pub fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// Whether we run as the machine's administrator.
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

/// Prints one line of progress.
pub fn say(line: impl std::fmt::Display) {
    eprintln!("{line}");
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start {}", command.get_program().to_string_lossy())
}

/// The command line, shortened: enough to know what ran.
fn shown(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args().take(6) {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    if command.get_args().count() > 6 {
        line.push_str(" …");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_of_a_step_is_an_error_that_names_step_and_program() {
        let error = quiet("fail on purpose", &mut Command::new("false")).unwrap_err().to_string();
        assert!(error.starts_with("fail on purpose: false ended with"), "{error}");
        assert!(loud("fail aloud", &mut Command::new("false")).is_err());
        assert!(text(&mut Command::new("false")).is_err());
        let error = quiet("start nothing", &mut Command::new("no-such-program-here")).unwrap_err();
        assert!(error.to_string().contains("cannot start no-such-program-here"), "{error}");
    }

    #[test]
    fn program_is_found_on_the_path_or_not_at_all() {
        assert!(which("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(which("no-such-program-here"), None);
    }
}

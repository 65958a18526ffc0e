//! `sago-verify`: the stranger's program. Reads what it is given, prints what it found, needs nothing else.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use sago_stamp::Moment;
use sago_verify::{Error, Options, Report, Severity, codes, read_anchors, read_pinned, read_witnesses, verify_path};

/// Verifies an export, a receipt, a proof, a log, a repository, a bag or an OCFL folder, offline.
///
/// Ends with 0: sound; 1: findings that matter; 2: could not be done.
#[derive(Parser)]
#[command(name = "sago-verify", version)]
struct Arguments {
    /// Print one finding a line, as JSON
    #[arg(long)]
    json: bool,
    /// Verifier keys of the log, obtained from elsewhere; with any, keys in the package are not believed
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// Root certificates (PEM) of time-stamping authorities that are to be trusted
    #[arg(long, value_name = "PEM")]
    anchor: Vec<PathBuf>,
    /// Policy of witnesses (C2SP tlog-policy), or a file of their verifier keys: demands their cosignatures
    #[arg(long, value_name = "FILE")]
    witness: Vec<PathBuf>,
    /// So many witnesses are enough, with files of keys; all of them unless given
    #[arg(long, value_name = "K", requires = "witness")]
    quorum: Option<usize>,
    /// Print every code, what it means and what to do
    #[arg(long)]
    codes: bool,
    /// What to verify
    #[arg(required_unless_present = "codes")]
    path: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut out = String::new();
    let code = match run(&arguments, &mut out) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "could not verify: {}", plain(&error.to_string()));
            2
        }
    };
    match std::io::stdout().lock().write_all(out.as_bytes()) {
        Ok(()) => ExitCode::from(code),
        // An answer that did not arrive is none.
        Err(_) => ExitCode::from(2),
    }
}

fn run(arguments: &Arguments, out: &mut String) -> Result<u8, Error> {
    let Some(path) = arguments.path.as_ref().filter(|_| !arguments.codes) else {
        for row in codes::all() {
            let severity = row.severity.map_or("varies", Severity::word);
            out.push_str(&format!("{} ({severity})\n  {}\n  {}\n", row.code, row.meaning, row.action));
        }
        return Ok(0);
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut options = Options::at(Moment::from_seconds(i64::try_from(now).unwrap_or(i64::MAX)));
    for file in &arguments.key {
        options.pinned.extend(read_pinned(file)?);
    }
    for file in &arguments.anchor {
        options.anchors.extend(read_anchors(file)?);
    }
    if !arguments.witness.is_empty() {
        let policy = read_witnesses(&arguments.witness, arguments.quorum)?;
        options.pinned.extend(policy.logs().iter().cloned());
        options.witnesses = Some(policy);
    }
    let report = verify_path(path, &options)?;
    if arguments.json {
        print_json(&report, out)
    } else {
        print_report(&report, out)
    }
    Ok(report.exit_code())
}

fn print_json(report: &Report, out: &mut String) {
    for finding in &report.findings {
        // A finding is four strings; writing them cannot fail.
        out.push_str(&serde_json::to_string(finding).unwrap_or_default());
        out.push('\n');
    }
}

fn print_report(report: &Report, out: &mut String) {
    out.push_str(&format!("This is: {}.\n\n", report.target));
    for finding in &report.findings {
        let place = if finding.path.is_empty() { String::new() } else { format!(" {}", finding.path) };
        out.push_str(&plain(&format!("{:<7} {}{place}: {}", finding.severity.word(), finding.code, finding.message)));
        out.push('\n');
    }
    out.push_str("\nChecked:\n");
    report.checked.iter().for_each(|what| out.push_str(&format!("  {}\n", plain(what))));
    out.push_str("Not checked:\n");
    report.not_checked.iter().for_each(|not| out.push_str(&format!("  {}\n", plain(&format!("{}: {}", not.what, not.why)))));
    let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
    let verdict = if report.is_sound() { "SOUND" } else { "NOT SOUND" };
    out.push_str(&format!("\n{verdict}: {errors} errors, {warnings} warnings.\n"));
}

/// Names are a stranger's choice: shown without characters that move or turn text, or they could write over the verdict.
fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turns(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }).collect()
}

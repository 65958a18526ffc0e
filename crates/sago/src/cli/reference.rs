//! `sago reference`: tables of the documents that are generated from the code.

use clap::{Args, Command as Clap, CommandFactory as _, ValueEnum};
use sago_core::Result;
use sago_core::ledger::event::KINDS;

use super::{Arguments, Done, out};

/// Arguments of `sago reference`.
#[derive(Debug, Args)]
pub struct Reference {
    /// Which table.
    #[arg(value_enum)]
    table: Table,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Table {
    Commands,
    Events,
    Findings,
    Formats,
    Reading,
    Settings,
}

impl Reference {
    pub fn run(self) -> Result<Done> {
        match self.table {
            Table::Commands => commands(),
            Table::Events => events(),
            Table::Findings => findings(),
            Table::Formats => formats(),
            Table::Reading => reading(),
            Table::Settings => out::line(sago_core::settings::REFERENCE.trim_end()),
        }
        Ok(Done::Sound)
    }
}

/// Every format by its kind: who reads it, and which names it has.
fn formats() {
    out::line("| Code | Format | Extensions | PRONOM | Read |\n| --- | --- | --- | --- | --- |");
    for format in sago_formats::table::FORMATS {
        // Identifiers of ours stand in the code; those of PRONOM say which versions are meant.
        let puids: Vec<&str> = format.puids.iter().copied().filter(|puid| !puid.starts_with("sago/")).collect();
        let puids = if puids.len() > 6 { format!("{} and {} more", puids[..6].join(" "), puids.len() - 6) } else { puids.join(" ") };
        let read = if format.reader.is_some() { "yes" } else { "named, not read" };
        out::line(format!("| `{}` | {} | {} | {puids} | {read} |", format.code, format.name, format.extensions.join(" ")));
    }
}

/// Every code of a finding of a reader.
fn reading() {
    out::line("| Code | Weight | Meaning |\n| --- | --- | --- |");
    for code in sago_formats::Code::ALL {
        let weight = match code.severity() {
            sago_formats::Severity::Note => "note",
            sago_formats::Severity::Loss => "in part",
            sago_formats::Severity::Unreadable => "not read",
        };
        out::line(format!("| `{}` | {weight} | {} |", code.code(), code.meaning()));
    }
}

fn commands() {
    let mut root = Arguments::command();
    root.build();
    out::line("Every command understands:\n");
    for argument in root.get_arguments().filter(|argument| argument.is_global_set()) {
        out::line(option(argument));
    }
    for command in root.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help") {
        command_text(command, "sago");
    }
}

fn command_text(command: &Clap, before: &str) {
    let name = format!("{before} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    out::line(format!("\n### `{name}`\n\n{}.\n", about.trim_end_matches('.')));
    let subcommands: Vec<&Clap> = command.get_subcommands().filter(|command| command.get_name() != "help").collect();
    for argument in command.get_arguments().filter(|argument| !argument.is_global_set() && !matches!(argument.get_id().as_str(), "help" | "version")) {
        out::line(option(argument));
    }
    subcommands.into_iter().for_each(|command| command_text(command, &name));
}

fn option(argument: &clap::Arg) -> String {
    let value = argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default();
    let takes_value = argument.get_num_args().is_some_and(|count| count.takes_values());
    let name = match argument.get_long() {
        Some(long) if takes_value => format!("--{long} {value}"),
        Some(long) => format!("--{long}"),
        None => value,
    };
    let environment = argument.get_env().map(|name| format!(" (or `{}`)", name.to_string_lossy())).unwrap_or_default();
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    format!("- `{}`{environment}: {}.", name.trim(), help.trim_end_matches('.'))
}

fn events() {
    out::line("| Log | Kind | Meaning | Skeleton | Detail |\n| --- | --- | --- | --- | --- |");
    for kind in KINDS {
        let members = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        out::line(format!("| {} | `{}` | {} | {} | {} |", kind.log.name(), kind.kind, kind.meaning.trim(), members(kind.skeleton), members(kind.detail)));
    }
}

fn findings() {
    out::line("Findings of a deposit:\n\n| Code | Meaning | What to do |\n| --- | --- | --- |");
    for code in sago_core::intake::CODES.iter().copied().chain(sago_core::accession::finding::CODES) {
        out::line(format!("| `{}` | {} | {} |", code.code, code.meaning, code.advice));
    }
    out::line(
        "\nFindings of a verification (those of OCFL carry the standard's own codes, E001 to E112 and W001 to W016):\n\n| Code | Weight | Meaning | What to do |\n| --- | --- | --- | --- |",
    );
    for row in sago_verify::codes::all() {
        out::line(format!("| `{}` | {} | {} | {} |", row.code, row.severity.map_or("depends", sago_verify::Severity::word), row.meaning, row.action));
    }
}

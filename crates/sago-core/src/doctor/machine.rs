//! The machine around the repository: swap, core dumps, the cost of a passphrase, and who else watches the log.

use rustix::process::{Resource, getrlimit};

use super::{State, Visit};
use crate::settings::Settings;

/// A work factor below this makes trying passphrases cheap.
const LEAST_WORK_FACTOR: u8 = 16;

/// Swap and core dumps: what is in memory should not reach a disk.
pub(super) fn machine(visit: &mut Visit) {
    match std::fs::read_to_string("/proc/swaps") {
        Ok(text) if swaps(&text).is_empty() => visit.well("swap", "No swap on a disk."),
        Ok(text) => visit.add(
            "swap",
            State::Advice,
            format!("Swap is on ({}): keys that are open in memory may be written to it.", swaps(&text).join(", ")),
            Some("Turn it off (`swapoff -a`), or see that it is encrypted with a key that is forgotten at shutdown.".to_owned()),
        ),
        Err(error) => visit.not_checked("swap", format!("Whether swap is on: {error}.")),
    }
    if getrlimit(Resource::Core).current == Some(0) {
        visit.well("core-dumps", "Core dumps are off.");
    } else {
        visit.add(
            "core-dumps",
            State::Advice,
            "Core dumps are on: a crash may write the memory of this program, with open keys, to a disk.",
            Some("Run `ulimit -c 0` before, or set it for the service.".to_owned()),
        );
    }
}

/// The walls around readers of strangers' files: tried with a small text, as a reading would.
pub(super) fn walls(visit: &mut Visit, settings: &Settings) {
    let mut text = std::io::Cursor::new(b"a text".to_vec());
    let read = sago_sandbox::read(&crate::reading::program(), &sago_sandbox::Bounds::default(), &mut text, "a.txt", &mut sago_formats::Collected::default());
    match read {
        Ok(summary) if summary.blocks == 1 => visit.well("walls", "What reads the files of strangers is walled in: no file, no network, bounded memory."),
        Ok(_) => {
            visit.add("walls", State::Broken, "The process that reads the files of strangers does not answer.", Some("Run `sago read` to see why.".to_owned()))
        }
        Err(error) if settings.reading.without_walls => visit.add(
            "walls",
            State::Broken,
            format!("Files of strangers are read without walls, as the settings say: {error}. A hostile file runs with the rights of Sago."),
            Some("Use Linux 5.13 or later with Landlock and seccomp, and take `without_walls` out of sago.toml.".to_owned()),
        ),
        Err(error) => visit.add(
            "walls",
            State::NeedsYou,
            format!("Nothing can be read here: {error}."),
            Some("Use Linux 5.13 or later with Landlock and seccomp.".to_owned()),
        ),
    }
}

/// Places that are swapped to, except compressed memory.
pub(super) fn swaps(text: &str) -> Vec<String> {
    let names = text.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| !name.starts_with("/dev/zram")).map(str::to_owned).collect()
}

/// The cost of trying one passphrase.
pub(super) fn work_factor(visit: &mut Visit, settings: &Settings) {
    let factor = settings.epoch.work_factor;
    if factor < LEAST_WORK_FACTOR {
        visit.add(
            "work-factor",
            State::Advice,
            format!("Trying one passphrase is cheap: the work factor is {factor}."),
            Some("Set `work_factor = 18` under [epoch] in sago.toml; the next epoch (`sago key rotate`) uses it.".to_owned()),
        );
    } else {
        visit.well("work-factor", format!("The work factor of passphrases is {factor}."));
    }
}

/// Who outside can say that the log was not rewritten.
pub(super) fn outside(visit: &mut Visit, settings: &Settings) {
    if settings.authority.is_empty() {
        visit.add(
            "authorities",
            State::Advice,
            "No time-stamping authority is configured: the times of the log rest on this machine's clock.",
            Some("Add [[authority]] to sago.toml, two of them at best, and run `sago stamp` daily.".to_owned()),
        );
    }
}

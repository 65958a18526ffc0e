//! Asking the disk without disturbing it, and saying in words what it answers.
//!
//! The few system calls and sentences that [`super::walk`] and [`super::reader`] share.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::{Finding, code};

/// Opens without following a link and, where we may, without changing the time of last access.
pub(super) fn open_quietly(folder: impl AsFd, name: &[u8], also: OFlags) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | also;
    // Only the owner of a file (or root) may ask that its access time stays.
    match rustix::fs::openat(&folder, name, flags | OFlags::NOATIME, Mode::empty()) {
        Err(Errno::PERM) => rustix::fs::openat(&folder, name, flags, Mode::empty()),
        answer => answer,
    }
}

/// The kind of a special file, as in "this is …".
pub(super) fn kind_in_words(kind: FileType) -> &'static str {
    match kind {
        FileType::Fifo => "a named pipe (FIFO)",
        FileType::Socket => "a socket",
        FileType::CharacterDevice => "a character device",
        FileType::BlockDevice => "a block device",
        FileType::Symlink => "a symbolic link",
        _ => "an entry of an unknown kind",
    }
}

/// The finding for a file that cannot be read from `offset` on.
pub(super) fn unreadable(path_bytes: &[u8], offset: u64, errno: Errno) -> Finding {
    let reason = in_words(errno);
    if matches!(errno, Errno::MFILE | Errno::NFILE | Errno::NOMEM) {
        let message = format!(
            "This file could not be opened: {reason}. It is named and not kept; deposit it again when the \
            computer is less busy."
        );
        return Finding::not_taken(&code::OWN_LIMIT, path_bytes.to_vec(), message);
    }
    let message = if offset == 0 {
        format!(
            "This file could not be read: {reason}. It is named and not kept; give the right to read it or \
            ask the sender for another copy."
        )
    } else {
        format!(
            "This file could not be read beyond byte {offset}: {reason}. It is named and not kept, because a \
            part is not the file; ask the sender for another copy."
        )
    };
    Finding::not_taken(&code::FILE_UNREADABLE, path_bytes.to_vec(), message)
}

/// The finding for a folder that cannot be read, or only partly.
pub(super) fn folder_unreadable(path: &[u8], errno: Errno, partly: bool) -> Finding {
    let reason = in_words(errno);
    let (code, how) = match errno {
        Errno::MFILE | Errno::NFILE | Errno::NOMEM => (&code::OWN_LIMIT, "deposit it again when the computer is less busy"),
        _ => (&code::FOLDER_UNREADABLE, "give the right to read it, or ask the sender for another copy"),
    };
    let what = if partly { "not read to its end" } else { "not read" };
    let message = format!("This folder was {what}: {reason}. What else is in it is unknown; {how}.");
    Finding::not_taken(code, path.to_vec(), message)
}

/// Says a system error in words, as the reason inside a sentence.
fn in_words(errno: Errno) -> String {
    let known = match errno {
        Errno::ACCESS | Errno::PERM => "this computer's user has no right to read it",
        Errno::IO => "the disk answered with a read error (a bad sector or a failing disk)",
        Errno::NAMETOOLONG => "its path is too long for this system",
        Errno::TXTBSY | Errno::BUSY | Errno::AGAIN => "another program keeps it locked",
        Errno::STALE => "the network disk no longer knows it",
        Errno::NOTCONN | Errno::NODEV | Errno::NXIO => "the disk is no longer connected",
        Errno::MFILE | Errno::NFILE => "too many files are open on this computer",
        Errno::NOMEM => "this computer has no memory left",
        _ => return format!("the system says: {}", std::io::Error::from(errno)),
    };
    known.to_owned()
}

/// Time of last change in microseconds since 1970 (UTC), rounded down; before 1970 it is negative.
pub(super) fn modified_micros(stat: &Stat) -> i64 {
    // The fields differ in type between processors; nanoseconds are below 10^9 everywhere.
    let micros = i64::try_from(stat.st_mtime_nsec / 1000).unwrap_or(0);
    stat.st_mtime.saturating_mul(1_000_000).saturating_add(micros)
}

/// Size in bytes; a negative size (a broken file system) counts as nothing.
pub(super) fn size_bytes(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

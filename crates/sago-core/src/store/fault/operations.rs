//! Outside work that a test makes fail: each kind of it, before it takes effect or after.
//!
//! `SAGO_FAULT_FAIL=KIND:N:SIDE:ERROR` makes the N-th operation of a kind in this process fail with a real error of the system; `N+` also
//! every later one, as a disk that stays full does. SIDE is `before` (nothing happened) or `after` (it happened, and we are told that it
//! failed); ERROR is `enospc`, `eio` or `timeout`. KIND `disk` means every kind that needs room on a disk. `SAGO_FAULT_COUNT=FILE` writes
//! the kind of every operation into a file, a line each, so that a test can walk through all of them. Only in builds with debug
//! assertions; in a release these functions are nothing. What must hold after each failure stands in docs/faults.md.

use std::io::{self, Write};

/// A kind of work outside this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Making a file.
    FileCreate,
    /// Writing into a file.
    FileWrite,
    /// Flushing a file.
    FileFlush,
    /// Flushing a whole file system.
    DiskFlush,
    /// Giving a file or folder its name.
    Rename,
    /// Making a folder.
    FolderMake,
    /// Flushing the entries of a folder.
    FolderFlush,
    /// Removing a file or folder.
    Remove,
    /// Writing a file of a package that is handed over.
    PackageWrite,
    /// Beginning a writing transaction.
    DbBegin,
    /// Committing a transaction.
    DbCommit,
    /// A single statement that writes.
    DbWrite,
    /// Moving the lock of a log in the database.
    LockSwap,
    /// Writing into a bucket.
    S3Put,
    /// Removing from a bucket.
    S3Delete,
    /// Reading from a bucket.
    S3Get,
    /// Listing a bucket.
    S3List,
}

/// Every kind with its name, what it is, and whether it can fail after its effect (a read has none).
pub const OPERATIONS: &[(Operation, &str, &str, bool)] = &[
    (Operation::FileCreate, "file-create", "making a file under a temporary name, in staging, in a backup or for an original that is opened", true),
    (Operation::FileWrite, "file-write", "writing bytes into it", true),
    (Operation::FileFlush, "file-flush", "fsync of a file", true),
    (Operation::DiskFlush, "disk-flush", "syncfs, one flush for many files", true),
    (Operation::Rename, "rename", "giving a file or an object its name, with or without replacing", true),
    (Operation::FolderMake, "folder-make", "making a folder", true),
    (Operation::FolderFlush, "folder-flush", "fsync of a folder", true),
    (Operation::Remove, "remove", "removing or overwriting a file, removing a folder", true),
    (Operation::PackageWrite, "package-write", "writing a file of an export, and its end", true),
    (Operation::DbBegin, "db-begin", "beginning a writing transaction, which waits for the writer's place", false),
    (Operation::DbCommit, "db-commit", "COMMIT of events and rows", true),
    (Operation::DbWrite, "db-write", "a single statement about the machines' own work (nodes, jobs, leases)", true),
    (Operation::LockSwap, "lock-swap", "moving the lock of a log in the database (in a folder it is a file)", true),
    (Operation::S3Put, "s3-put", "PUT of an object, or of one in parts", true),
    (Operation::S3Delete, "s3-delete", "DELETE of an object", true),
    (Operation::S3Get, "s3-get", "GET or HEAD of an object", false),
    (Operation::S3List, "s3-list", "LIST of a prefix", false),
];

/// What an operation that must fail is told. Becomes the error of whatever it was.
#[derive(Debug)]
pub struct Injected(io::Error);

impl From<Injected> for io::Error {
    fn from(injected: Injected) -> Self {
        injected.0
    }
}

impl From<Injected> for sqlx::Error {
    fn from(injected: Injected) -> Self {
        // As SQLite says it, or as a connection that broke off.
        match injected.0.kind() {
            io::ErrorKind::StorageFull => Self::Protocol("(code: 13) database or disk is full".to_owned()),
            io::ErrorKind::TimedOut => Self::Io(io::ErrorKind::ConnectionReset.into()),
            _ => Self::Protocol("(code: 778) disk I/O error".to_owned()),
        }
    }
}

impl From<Injected> for object_store::Error {
    fn from(injected: Injected) -> Self {
        Self::Generic { store: "S3", source: Box::new(injected.0) }
    }
}

impl From<Injected> for crate::error::Error {
    fn from(injected: Injected) -> Self {
        Self::io("Could not write", std::path::Path::new("the package"), &injected.0)
    }
}

/// Does one piece of work, unless it must fail before; tells it as failed when it must fail after.
pub fn tried<T, E: From<Injected>>(operation: Operation, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let turn = Turn::of(operation);
    turn.before()?;
    let done = work()?;
    turn.after()?;
    Ok(done)
}

/// A writer each of whose writes is one piece of work.
pub struct Writing<W>(pub W);

impl<W: Write> Write for Writing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        tried(Operation::FileWrite, || self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// What one piece of work must do.
#[derive(Debug)]
pub struct Turn {
    #[cfg(debug_assertions)]
    fails: Option<(Side, i32)>,
}

#[cfg(debug_assertions)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

#[cfg(not(debug_assertions))]
impl Turn {
    /// Nothing, in a release.
    #[inline]
    pub fn of(_operation: Operation) -> Self {
        Self {}
    }

    /// Nothing, in a release.
    #[inline]
    pub fn before<E: From<Injected>>(&self) -> Result<(), E> {
        Ok(())
    }

    /// Nothing, in a release.
    #[inline]
    pub fn after<E: From<Injected>>(&self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(debug_assertions)]
impl Turn {
    /// Counts a piece of work and finds out what it must do.
    pub fn of(operation: Operation) -> Self {
        Self { fails: wanted::fails(operation) }
    }

    /// Fails here if it must fail before its effect.
    pub fn before<E: From<Injected>>(&self) -> Result<(), E> {
        self.at(Side::Before)
    }

    /// Fails here if it must fail after its effect.
    pub fn after<E: From<Injected>>(&self) -> Result<(), E> {
        self.at(Side::After)
    }

    fn at<E: From<Injected>>(&self, here: Side) -> Result<(), E> {
        match self.fails {
            Some((side, code)) if side == here => Err(Injected(io::Error::from_raw_os_error(code)).into()),
            _ => Ok(()),
        }
    }
}

#[cfg(debug_assertions)]
mod wanted {
    //! What the environment asks for.

    use std::fs::File;
    use std::io::Write as _;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{OPERATIONS, Operation, Side};

    const DISK: &[Operation] =
        &[Operation::FileCreate, Operation::FileWrite, Operation::FolderMake, Operation::Rename, Operation::PackageWrite, Operation::DbCommit];

    struct Wanted {
        kind: String,
        turn: u64,
        and_later: bool,
        side: Side,
        code: i32,
        passed: AtomicU64,
    }

    fn name(operation: Operation) -> &'static str {
        OPERATIONS.iter().find(|(known, ..)| *known == operation).map_or("", |(_, name, ..)| name)
    }

    fn parse(text: &str) -> Option<Wanted> {
        let mut parts = text.split(':');
        let kind = parts.next()?.to_owned();
        let turn = parts.next().unwrap_or("1");
        let side = if parts.next().unwrap_or("before") == "after" { Side::After } else { Side::Before };
        let errno = match parts.next().unwrap_or("eio") {
            "enospc" => rustix::io::Errno::NOSPC,
            "timeout" => rustix::io::Errno::TIMEDOUT,
            _ => rustix::io::Errno::IO,
        };
        let (turn, and_later) = turn.strip_suffix('+').map_or((turn, false), |turn| (turn, true));
        Some(Wanted { kind, turn: turn.parse().ok()?, and_later, side, code: errno.raw_os_error(), passed: AtomicU64::new(0) })
    }

    /// Side and code of the error with which this piece of work must fail.
    pub(super) fn fails(operation: Operation) -> Option<(Side, i32)> {
        static COUNTED: OnceLock<Option<File>> = OnceLock::new();
        let counted = COUNTED.get_or_init(|| {
            let path = std::env::var_os("SAGO_FAULT_COUNT")?;
            File::options().append(true).create(true).open(path).ok()
        });
        if let Some(mut file) = counted.as_ref() {
            // The test that asked for it fails when lines are missing.
            let _ = file.write_all(format!("{}\n", name(operation)).as_bytes());
        }
        static WANTED: OnceLock<Option<Wanted>> = OnceLock::new();
        let wanted = WANTED.get_or_init(|| std::env::var("SAGO_FAULT_FAIL").ok().as_deref().and_then(parse)).as_ref()?;
        let is_meant = wanted.kind == name(operation) || (wanted.kind == "disk" && DISK.contains(&operation));
        if !is_meant {
            return None;
        }
        let turn = wanted.passed.fetch_add(1, Ordering::SeqCst) + 1;
        (turn == wanted.turn || (wanted.and_later && turn > wanted.turn)).then_some((wanted.side, wanted.code))
    }
}

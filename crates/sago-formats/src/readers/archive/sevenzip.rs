//! 7z, by `sevenz-rust2`: block by block, so that a damaged one costs only its own members.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sevenz_rust2::{Archive, ArchiveEntry, BlockDecoder, Error, Password};

use super::checked::Checked;
use super::member::{Tally, Writing, file_time};
use crate::document::{Child, Sink};
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let memory_kib = usize::try_from(context.limits.memory_bytes / 1024).unwrap_or(usize::MAX);
    let opened = catch_unwind(AssertUnwindSafe(|| Archive::read_with_memory_limit(source, &Password::empty(), memory_kib)));
    let archive = match opened {
        Ok(Ok(archive)) => archive,
        Ok(Err(error)) => return sink.finding(refused(&error)),
        Err(_) => return sink.finding(Finding::new(Code::Damaged, "The directory of the archive makes no sense.")),
    };
    let mut tally = Tally::default();
    tally.expect(archive.files.len() as u64);
    for (index, entry) in archive.files.iter().enumerate() {
        if archive.is_file_encrypted(index) {
            let child = describe(entry, &mut tally, sink)?;
            tally.lost(&child.name, Code::ChildEncrypted, Code::ChildEncrypted.meaning(), sink)?;
        } else if !entry.has_stream() {
            let child = describe(entry, &mut tally, sink)?;
            if entry.is_directory() {
                tally.folder();
            } else {
                tally.give(child, &mut std::io::empty(), sink)?;
            }
        }
    }
    for block in 0..archive.blocks.len() {
        one_block(source, &archive, (block, memory_kib), &mut tally, sink)?;
    }
    tally.finish(sink)
}

fn one_block(source: &mut Source<'_>, archive: &Archive, (block, memory_kib): (usize, usize), tally: &mut Tally, sink: &mut dyn Sink) -> Result<(), Stop> {
    let password = Password::empty();
    let indices: Vec<usize> = (0..archive.files.len()).filter(|index| archive.stream_map.file_block_index.get(*index) == Some(&Some(block))).collect();
    if indices.iter().any(|index| archive.is_file_encrypted(*index)) {
        return Ok(());
    }
    let mut stopped = None;
    let mut given = 0_usize;
    // One thread: the reader may run where no other can be started.
    let decoder = BlockDecoder::new_with_memory_limit(1, memory_kib, block, archive, &password, source);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        decoder.for_each_entries(&mut |entry, bytes| {
            if !entry.has_stream() {
                return Ok(true);
            }
            given += 1;
            let told = describe(entry, tally, sink).and_then(|child| tally.give(child, &mut Checked::new(bytes).with_size(Some(entry.size())), sink));
            match told {
                Ok(()) => Ok(true),
                Err(stop) => {
                    stopped = Some(stop);
                    Ok(false)
                }
            }
        })
    }));
    if let Some(stop) = stopped {
        return Err(stop);
    }
    let reason = match outcome {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the decoder gave up".to_owned(),
    };
    // The last that was begun has its own finding when its bytes failed; the others were not reached.
    let mut is_told = false;
    for index in indices.iter().skip(given) {
        if let Some(entry) = archive.files.get(*index) {
            is_told = true;
            let child = describe(entry, tally, sink)?;
            tally.lost(&child.name, Code::ChildFailed, reason.clone(), sink)?;
        }
    }
    if is_told { Ok(()) } else { sink.finding(Finding::new(Code::PartDamaged, reason)) }
}

fn describe(entry: &ArchiveEntry, tally: &mut Tally, sink: &mut dyn Sink) -> Result<Child, Stop> {
    let mut child = tally.child(entry.name().as_bytes(), Writing::Utf8, sink)?;
    child.size_bytes = Some(entry.size());
    child.modified = entry.has_last_modified_date.then(|| file_time(u64::from(entry.last_modified_date()))).flatten();
    Ok(child)
}

fn refused(error: &Error) -> Finding {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => Finding::new(Code::Encrypted, "Even the names need the password."),
        Error::UnsupportedCompressionMethod(method) if method.contains("AES") => Finding::new(Code::Encrypted, "Even the names need the password."),
        Error::UnsupportedVersion { major, minor } => Finding::new(Code::Version, format!("Version {major}.{minor}.")),
        Error::MaxMemLimited { .. } => Finding::new(Code::LimitMemory, error.to_string()),
        other => Finding::new(Code::Damaged, other.to_string()),
    }
}

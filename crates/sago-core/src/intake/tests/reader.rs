//! Reading files that hold still, change, vanish, break off or are not files.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::super::reader::{ReadOutcome, Reader};
use super::super::walk::{Entry, Options, Seen, Walk};
use super::{Finding, assert_well_said};

/// The entry of one file given as a source.
fn entry(path: &Path) -> Entry {
    let mut seen: Vec<Seen> = Walk::new(&[path.to_owned()], Options::default()).collect();
    match (seen.pop(), seen.pop()) {
        (Some(Seen::File(entry)), None) => entry,
        other => panic!("{path:?} is not one file: {other:?}"),
    }
}

/// Waits until a new change of a file gets another time than one made before.
fn until_the_clock_moves(folder: &Path) {
    let probe = folder.join("probe");
    fs::write(&probe, "").unwrap();
    let first = fs::metadata(&probe).unwrap().modified().unwrap();
    while fs::metadata(&probe).unwrap().modified().unwrap() == first {
        fs::write(&probe, "x").unwrap();
    }
}

fn finding(result: Result<Reader, Finding>) -> (&'static str, String) {
    let finding = result.expect_err("this must not open");
    assert_well_said(&finding);
    assert!(!finding.taken);
    (finding.code, finding.message)
}

fn changed(outcome: ReadOutcome) -> (&'static str, String) {
    let finding = outcome.changed.expect("the change must be noticed");
    assert_well_said(&finding);
    assert!(finding.taken);
    assert_eq!(outcome.unreadable, None);
    (finding.code, finding.message)
}

#[test]
fn every_byte_of_a_quiet_file_is_given_once() {
    let folder = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    for size in [0, 1, 4096, 2_999_999] {
        let path = folder.path().join("file");
        fs::write(&path, &content[..size]).unwrap();
        let entry = entry(&path);
        assert_eq!((entry.size_bytes, entry.path_bytes.as_slice()), (size as u64, b"file".as_slice()));
        let modified = fs::metadata(&path).unwrap().modified().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(entry.modified_micros, i64::try_from(modified.as_micros()).unwrap());
        let mut reader = entry.open().unwrap();
        assert_eq!((reader.size_bytes(), reader.modified_micros()), (entry.size_bytes, entry.modified_micros));
        let mut got = Vec::new();
        reader.read_to_end(&mut got).unwrap();
        assert!(got == content[..size]);
        assert_eq!(reader.finish(), ReadOutcome { bytes: size as u64, changed: None, unreadable: None });
    }
}

#[test]
fn times_before_1970_and_far_ahead_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old");
    for (time, micros) in [
        (SystemTime::UNIX_EPOCH - Duration::from_micros(1_500_000), -1_500_000),
        (SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800), 4_102_444_800_000_000),
    ] {
        fs::File::create(&path).unwrap().set_modified(time).unwrap();
        assert_eq!(entry(&path).modified_micros, micros);
    }
}

#[test]
fn a_change_before_reading_is_told_and_the_new_bytes_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "before").unwrap();
    let entry = entry(&path);
    fs::write(&path, "afterwards").unwrap();
    let mut reader = entry.open().unwrap();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), reader.size_bytes()), ("afterwards", 10));
    let (code, message) = changed(reader.finish());
    assert_eq!(code, "file-changed-before-read");
    assert!(message.contains("6 bytes then, 10 bytes"), "{message}");
}

#[test]
fn changes_while_reading_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    type Change = fn(&Path);
    let changes: [(Change, &str); 4] = [
        (
            |path| fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap(),
            "100000 bytes at the beginning and 100004 at the end, and 100004 were read",
        ),
        (
            |path| fs::OpenOptions::new().write(true).open(path).unwrap().set_len(70_000).unwrap(),
            "100000 bytes at the beginning and 70000 at the end, and 70000 were read",
        ),
        (
            |path| {
                let file = fs::OpenOptions::new().write(true).open(path).unwrap();
                file.write_all_at(b"X", 99_999).unwrap();
                file.set_modified(SystemTime::now() + Duration::from_secs(5)).unwrap();
            },
            "it was written to",
        ),
        // Written to and set back to the old time: only the time of the change itself betrays it.
        (
            |path| {
                let file = fs::OpenOptions::new().write(true).open(path).unwrap();
                let before = file.metadata().unwrap().modified().unwrap();
                until_the_clock_moves(path.parent().unwrap());
                file.write_all_at(b"X", 99_999).unwrap();
                file.set_modified(before).unwrap();
            },
            "the disk does not say which",
        ),
    ];
    for (change, words) in changes {
        fs::write(&path, vec![b'a'; 100_000]).unwrap();
        let mut reader = entry(&path).open().unwrap();
        let mut start = [0; 50_000];
        reader.read_exact(&mut start).unwrap();
        change(&path);
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        let (code, message) = changed(reader.finish());
        assert_eq!(code, "file-changed-while-read");
        assert!(message.contains(words), "{message}");
    }
}

/// The files of `/proc` say that they have no bytes, as some network disks do of files that have.
#[test]
fn a_file_whose_size_is_not_true_is_read_to_its_end_and_told() {
    let mut reader = entry(Path::new("/proc/version")).open().unwrap();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("Linux"));
    let (code, message) = changed(reader.finish());
    assert_eq!(code, "file-changed-while-read");
    assert!(message.contains(&format!("0 bytes at the beginning and 0 at the end, and {} were read", text.len())), "{message}");
}

#[test]
fn a_file_removed_while_it_is_read_is_still_whole_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "all of it").unwrap();
    let mut reader = entry(&path).open().unwrap();
    until_the_clock_moves(folder.path());
    fs::remove_file(&path).unwrap();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "all of it");
    assert_eq!(changed(reader.finish()).0, "file-changed-while-read");
}

#[test]
fn stopping_early_is_never_a_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "0123456789").unwrap();
    let mut reader = entry(&path).open().unwrap();
    reader.read_exact(&mut [0; 4]).unwrap();
    let (code, message) = changed(reader.finish());
    assert_eq!(code, "file-changed-while-read");
    assert!(message.contains("stopped after 4 bytes"), "{message}");
}

#[test]
fn a_file_that_grows_for_ever_is_not_read_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "0123456789").unwrap();
    let mut reader = entry(&path).open().unwrap();
    reader.growth_limit_bytes = 1_000;
    let mut writer = fs::OpenOptions::new().append(true).open(&path).unwrap();
    let mut total = 0;
    loop {
        writer.write_all(&[b'x'; 64]).unwrap();
        let count = reader.read(&mut [0; 64]).unwrap();
        if count == 0 {
            break;
        }
        total += count;
        assert!(total <= 1_010);
    }
    assert_eq!(total, 1_010);
    assert!(changed(reader.finish()).1.contains("stopped after 1010 bytes"));
}

#[test]
fn what_became_of_a_file_before_it_was_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let again = || {
        let _ = fs::remove_file(&path);
        fs::write(&path, "x").unwrap();
        let entry = entry(&path);
        fs::remove_file(&path).unwrap();
        entry
    };
    assert_eq!(finding(again().open()).0, "file-vanished");
    let gone = again();
    symlink("/etc/passwd", &path).unwrap();
    assert_eq!(finding(gone.open()).0, "link-not-followed");
    let gone = again();
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    let begun = Instant::now();
    let (code, message) = finding(gone.open());
    assert_eq!(code, "special-file");
    assert!(message.contains("a named pipe"), "{message}");
    assert!(begun.elapsed() < Duration::from_secs(2), "opening a pipe must not wait");
    let gone = again();
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    assert_eq!(finding(gone.open()).0, "special-file");
    let gone = again();
    fs::create_dir(&path).unwrap();
    assert_eq!(finding(gone.open()).0, "file-vanished");
}

/// The kernel answers EIO where a process's memory is not mapped: a read error in the middle of a "file", on any Linux.
#[test]
fn a_read_error_names_the_offset_and_the_file_is_not_taken() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let ranges: Vec<(u64, u64)> = maps
        .lines()
        .filter_map(|line| {
            let (range, rest) = line.split_once(' ')?;
            let (start, end) = range.split_once('-')?;
            let ends = (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
            rest.starts_with('r').then_some(ends)
        })
        .collect();
    let all_starts: Vec<u64> = maps.lines().filter_map(|line| u64::from_str_radix(line.split_once('-')?.0, 16).ok()).collect();
    let edge = ranges.iter().map(|range| range.1).find(|end| !all_starts.contains(end)).expect("some mapping must end before a gap");
    let mut reader = entry(Path::new("/proc/self/mem")).open().unwrap();
    reader.bytes = edge - 4096;
    reader.growth_limit_bytes = u64::MAX;
    let mut all = Vec::new();
    let error = reader.read_to_end(&mut all).unwrap_err();
    assert_eq!(all.len(), 4096);
    let told = Finding::of_io_error(&error).expect("the error must carry its finding").clone();
    assert_well_said(&told);
    assert_eq!((told.code, told.taken, told.path_bytes.as_slice()), ("file-unreadable", false, b"mem".as_slice()));
    assert!(told.message.contains(&format!("beyond byte {edge}")) && told.message.contains("bad sector"), "{}", told.message);
    assert!(reader.read(&mut [0; 8]).is_err(), "a failed file stays failed");
    assert_eq!(reader.finish(), ReadOutcome { bytes: edge, changed: None, unreadable: Some(told) });
    let from_start = entry(Path::new("/proc/self/mem")).open().unwrap().read(&mut [0; 8]).unwrap_err();
    assert!(Finding::of_io_error(&from_start).unwrap().message.starts_with("This file could not be read: "));
    assert_eq!(Finding::of_io_error(&std::io::Error::other("our own disk")), None);
}

#[test]
fn a_sparse_file_of_50_gb_opens_and_reads_at_both_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.dd");
    let size = 50_000_000_000_u64;
    let file = fs::File::create(&path).unwrap();
    file.set_len(size).unwrap();
    file.write_all_at(b"head", 0).unwrap();
    file.write_all_at(b"tail", size - 4).unwrap();
    let begun = Instant::now();
    let entry = entry(&path);
    assert_eq!(entry.size_bytes, size);
    let mut reader = entry.open().unwrap();
    // 1 GiB from the beginning, then the end.
    let mut buffer = vec![1; 1 << 20];
    reader.read_exact(&mut buffer).unwrap();
    assert!(buffer.starts_with(b"head") && buffer[4..].iter().all(|byte| *byte == 0));
    for _ in 1..1024 {
        reader.read_exact(&mut buffer).unwrap();
    }
    assert!(buffer.iter().all(|byte| *byte == 0));
    reader.bytes = size - 1000;
    let mut end = Vec::new();
    reader.read_to_end(&mut end).unwrap();
    assert_eq!((end.len(), &end[996..]), (1000, b"tail".as_slice()));
    assert_eq!(reader.finish(), ReadOutcome { bytes: size, changed: None, unreadable: None });
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn reading_leaves_the_time_of_last_access_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "x").unwrap();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let times = fs::FileTimes::new().set_accessed(long_ago).set_modified(SystemTime::now());
    fs::File::options().write(true).open(&path).unwrap().set_times(times).unwrap();
    let mut reader = entry(&path).open().unwrap();
    reader.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(reader.finish().changed, None);
    assert_eq!(fs::metadata(&path).unwrap().accessed().unwrap(), long_ago);
    // Read-only for everybody is still readable.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    assert!(entry(&path).open().is_ok());
}

//! The walls, from outside: what a reader that was taken over can do, and what the parent makes of it.

#![allow(clippy::unwrap_used)]

use std::io::{Cursor, Read};
use std::time::Duration;

use sago_formats::{Child, Code, Collected, Part, Severity, Sink, Stop, Summary, Taken};
use sago_sandbox::{Bounds, Program, SandboxError, read};

/// An example of this crate: built with its tests, beside them.
fn program(name: &str) -> Program {
    let me = std::env::current_exe().unwrap();
    let path = me.parent().and_then(std::path::Path::parent).unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is missing: build it with `cargo build -p sago-sandbox --examples`", path.display());
    Program { path, arguments: Vec::new() }
}

fn bounds() -> Bounds {
    Bounds { memory_bytes: 512 << 20, idle: Duration::from_secs(2), work: Duration::from_secs(4), ..Bounds::default() }
}

/// What it said, and what became of it.
fn takeover(what: &str, bounds: &Bounds) -> (Vec<String>, Collected, Summary) {
    let mut told = Collected::default();
    let mut source = Cursor::new(b"0123456789abcdef".to_vec());
    let summary = read(&program("hostile_reader"), bounds, &mut source, what, &mut told).unwrap();
    (told.blocks.iter().map(|block| block.text.clone()).collect(), told, summary)
}

#[test]
fn a_reader_sees_the_file_it_was_given_and_no_other() {
    assert_eq!(takeover("source", &bounds()).0, ["before", "3456789ab", "after"]);
    for what in ["open", "list", "write"] {
        assert_eq!(takeover(what, &bounds()).0, ["before", "Err(PermissionDenied)", "after"], "{what}");
    }
    assert!(!std::path::Path::new("/tmp/sago-was-here").exists());
}

#[test]
fn it_starts_nothing() {
    let (said, told, _) = takeover("start", &bounds());
    assert!(said == ["before"] && told.has(Code::Crashed) || said == ["before", "Err(PermissionDenied)", "after"], "{said:?} {:?}", told.findings);
    assert_eq!(takeover("thread", &bounds()).0, ["before", "Err(PermissionDenied)", "after"]);
}

#[test]
fn it_is_ended_when_it_asks_for_the_network() {
    for what in ["socket", "unix"] {
        let (said, told, summary) = takeover(what, &bounds());
        assert_eq!(said, ["before"], "{what}");
        assert!(told.findings[0].text.contains("forbid"), "{:?}", told.findings);
        assert_eq!((told.findings[0].code, summary.weight), (Code::Crashed, Some(Severity::Loss)));
    }
}

#[test]
fn a_crash_keeps_what_was_told_and_says_how_it_ended() {
    for (what, code, word) in [
        ("panic", Code::Crashed, "as the file wanted"),
        ("abort", Code::Crashed, "signal 6"),
        ("deep", Code::Crashed, "overflow"),
        ("memory", Code::OutOfMemory, "memory"),
        ("nonsense", Code::Crashed, ""),
    ] {
        let (said, told, summary) = takeover(what, &bounds());
        assert_eq!(said, ["before"], "{what}");
        assert_eq!(told.findings.len(), 1, "{what}: {:?}", told.findings);
        assert_eq!(told.findings[0].code, code, "{what}: {:?}", told.findings);
        assert!(told.findings[0].text.contains(word), "{what}: {:?}", told.findings);
        assert_eq!(summary.findings.get(code.code()), Some(&1));
    }
}

#[test]
fn a_reader_that_stalls_or_never_ends_is_ended() {
    let (said, told, _) = takeover("loop", &bounds());
    assert_eq!((said, told.findings[0].code), (vec!["before".to_owned()], Code::TimedOut));
    let (_, told, _) = takeover("stderr", &bounds());
    assert_eq!(told.findings[0].code, Code::TimedOut);
}

/// Counts, keeps nothing.
#[derive(Default)]
struct Counting {
    parts: u64,
    children: u64,
    bytes: u64,
    findings: Vec<Code>,
}

impl Sink for Counting {
    fn part(&mut self, part: Part) -> Result<(), Stop> {
        self.parts += 1;
        if let Part::Finding(finding) = part {
            self.findings.push(finding.code);
        }
        Ok(())
    }

    fn child(&mut self, _: Child, bytes: &mut dyn Read) -> Result<Taken, Stop> {
        self.children += 1;
        let mut is_whole = true;
        let mut piece = vec![0; 1 << 16];
        loop {
            match bytes.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => self.bytes += count as u64,
                Err(_) => {
                    is_whole = false;
                    break;
                }
            }
        }
        Ok(Taken { bytes: self.bytes, is_whole })
    }
}

#[test]
fn a_reader_that_ignores_its_limits_is_ended_by_the_parent() {
    let mut bounds = bounds();
    bounds.limits.text_bytes = 1 << 20;
    bounds.limits.children = 100;
    bounds.limits.child_bytes = 1 << 20;
    for what in ["text", "properties", "children", "child"] {
        let mut sink = Counting::default();
        let summary = read(&program("hostile_reader"), &bounds, &mut Cursor::new(vec![0; 16]), what, &mut sink).unwrap();
        assert_eq!(summary.weight, Some(Severity::Loss), "{what}");
        assert!(matches!(sink.findings.as_slice(), [Code::Crashed | Code::TimedOut]), "{what}: {:?}", sink.findings);
        assert!(sink.children <= 101 && sink.bytes <= 1 << 20, "{what}: {} {}", sink.children, sink.bytes);
    }
}

#[test]
fn a_contained_file_that_breaks_off_is_kept_as_far_as_it_goes() {
    let (said, told, _) = takeover("child-broken", &bounds());
    assert_eq!(said, ["before", "after"]);
    assert_eq!(told.children[0].1, b"the beginning");
}

#[test]
fn a_sink_that_refuses_ends_the_reading() {
    struct Full;
    impl Sink for Full {
        fn part(&mut self, _: Part) -> Result<(), Stop> {
            Err(Stop::Io(std::io::Error::other("the disk is full")))
        }
        fn child(&mut self, _: Child, _: &mut dyn Read) -> Result<Taken, Stop> {
            Err(Stop::Limit)
        }
    }
    let error = read(&program("hostile_reader"), &bounds(), &mut Cursor::new(vec![0; 16]), "source", &mut Full).unwrap_err();
    assert!(matches!(error, SandboxError::Io(ref error) if error.to_string() == "the disk is full"), "{error}");
}

#[test]
fn a_program_that_cannot_be_started_is_an_error_not_a_finding() {
    let nobody = Program { path: "/nonexistent/reader".into(), arguments: Vec::new() };
    let error = read(&nobody, &bounds(), &mut Cursor::new(vec![0; 16]), "source", &mut Counting::default()).unwrap_err();
    assert!(matches!(error, SandboxError::Start(_)), "{error}");
}

#[test]
fn real_text_comes_through_whole() {
    let text: String = (0..200_000).map(|line| format!("{line} 증언 testimony\n")).collect();
    let mut told = Collected::default();
    let summary = read(&program("walled_reader"), &Bounds::default(), &mut Cursor::new(text.clone().into_bytes()), "a.txt", &mut told).unwrap();
    assert_eq!(told.text() + "\n", text);
    assert_eq!((summary.blocks, summary.format.as_deref()), (200_000, Some("text")));
}

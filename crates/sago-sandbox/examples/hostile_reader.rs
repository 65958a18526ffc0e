//! A reader taken over by the file it reads: the name says what it tries. For the tests of the walls.

#![allow(clippy::print_stderr)]

use std::io;
use std::process::ExitCode;

use sago_formats::{Anchor, Block, Child, ChildRole, Part, Property, Request, Sink, Stop, Summary};

fn main() -> ExitCode {
    sago_sandbox::serve_with(misbehave)
}

fn misbehave(request: Request<'_, '_>, sink: &mut dyn Sink) -> io::Result<Summary> {
    let says = |sink: &mut dyn Sink, what: String| sink.block(Block::paragraph(Anchor::paragraph(1), what)).map_err(io::Error::other);
    says(sink, "before".to_owned())?;
    // What was told a moment ago is on its way; the next word pushes it.
    let begun = std::time::Instant::now();
    while begun.elapsed() < std::time::Duration::from_millis(3) {
        std::hint::spin_loop();
    }
    sink.part(Part::Property(Property { name: "pushes".to_owned(), value: "on".to_owned() })).map_err(io::Error::other)?;
    match request.name {
        "open" => says(sink, format!("{:?}", std::fs::read("/etc/passwd").map_err(|error| error.kind())))?,
        "list" => says(sink, format!("{:?}", std::fs::read_dir("/").map(|_| ()).map_err(|error| error.kind())))?,
        "write" => says(sink, format!("{:?}", std::fs::write("/tmp/sago-was-here", b"x").map_err(|error| error.kind())))?,
        "socket" => drop(std::net::TcpStream::connect("127.0.0.1:9")),
        "unix" => drop(std::os::unix::net::UnixStream::connect("/run/nothing")),
        "start" => says(sink, format!("{:?}", std::process::Command::new("/bin/true").spawn().map(|_| ()).map_err(|error| error.kind())))?,
        "thread" => says(sink, format!("{:?}", std::thread::Builder::new().spawn(|| ()).map(|_| ()).map_err(|error| error.kind())))?,
        "memory" => {
            let mut kept: Vec<Vec<u8>> = Vec::new();
            while kept.len() < 1 << 20 {
                kept.push(vec![1; 16 << 20]);
            }
            says(sink, format!("{}", kept.len()))?;
        }
        "loop" => loop {
            std::hint::spin_loop();
        },
        "panic" => panic!("as the file wanted"),
        "abort" => std::process::abort(),
        "deep" => says(sink, deep(0).to_string())?,
        "stderr" => loop {
            eprintln!("noise noise noise noise noise noise noise noise");
        },
        "text" => loop {
            says(sink, "text without end ".repeat(4000))?;
        },
        "properties" => loop {
            sink.part(Part::Property(Property { name: "a".to_owned(), value: "b".repeat(100_000) })).map_err(io::Error::other)?;
        },
        "children" => loop {
            sink.child(Child::new(ChildRole::Member, "one"), &mut io::empty()).map_err(io::Error::other)?;
        },
        "child" => drop(sink.child(Child::new(ChildRole::Member, "one"), &mut io::repeat(7))),
        "child-broken" => {
            let mut child = io::Read::chain(&b"the beginning"[..], Broken);
            if let Err(Stop::Io(error)) = sink.child(Child::new(ChildRole::Member, "one"), &mut child) {
                return Err(error);
            }
        }
        "nonsense" => {
            use std::io::Write;
            let mut out = io::stdout();
            out.write_all(b"?????????????????????")?;
            out.flush()?;
        }
        "source" => {
            let bytes = request.source.at(3, 9)?;
            says(sink, String::from_utf8_lossy(&bytes).into_owned())?;
        }
        other => return Err(io::Error::other(format!("nothing is called {other}"))),
    }
    says(sink, "after".to_owned())?;
    Ok(Summary::default())
}

struct Broken;

impl io::Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("a bad checksum"))
    }
}

#[allow(unconditional_recursion)]
fn deep(level: u64) -> u64 {
    let here = std::hint::black_box([level; 512]);
    deep(level + 1) + here[usize::try_from(level % 512).unwrap_or(0)]
}

//! A writer that is killed.

use std::io::{BufRead, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sago_search::{Index, IndexOptions, Request, WriterOptions};

use crate::shelf::{block, item, key};

const FOLDER: &str = "SAGO_SEARCH_TEST_CHILD_FOLDER";
const OF_ONE_COMMIT: u64 = 40;

/// The child: adds and commits until it is killed.
fn write_for_ever(folder: &str) -> ! {
    let folder = std::path::Path::new(folder);
    let index = if folder.join("head").exists() {
        Index::open(folder, &key(), IndexOptions::default())
    } else {
        Index::create(folder, &key(), IndexOptions::default())
    };
    let index = index.unwrap();
    let mut writer = index.writer(WriterOptions { memory_bytes: 15_000_000, threads: 2 }).unwrap();
    let mut position = writer.position().unwrap_or(0);
    let begun = position;
    loop {
        for _ in 0..OF_ONE_COMMIT {
            writer.add(&item(position), [block(&format!("everywhere 보위부 word{position}"))]).unwrap();
            position += 1;
        }
        writer.commit(position).unwrap();
        if position == begun + OF_ONE_COMMIT {
            eprintln!("ready");
        }
    }
}

#[test]
fn a_writer_killed_at_any_moment_leaves_the_last_commit_and_the_next_one_goes_on() {
    if let Ok(folder) = std::env::var(FOLDER) {
        write_for_ever(&folder);
    }
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("index");
    let mut last = 0;
    for round in 0..8u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::a_writer_killed_at_any_moment_leaves_the_last_commit_and_the_next_one_goes_on", "--nocapture"])
            .env(FOLDER, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = std::io::BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        if line.trim() != "ready" {
            said.read_to_string(&mut line).unwrap();
            panic!("round {round}: the child ended before its first commit: {line}");
        }
        // It has committed once; let it go on, differently long in each round.
        let since = Instant::now();
        let moment = Duration::from_millis(round * 61);
        while since.elapsed() < moment {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let index = Index::open(&path, &key(), IndexOptions::default()).unwrap();
        index.verify().unwrap();
        let position = index.position().unwrap().unwrap_or(0);
        let found = index.search(&Request { query: "everywhere".into(), ..Request::default() }).unwrap().total;
        assert_eq!(found, position, "round {round}: all of every commit, nothing of the one that was under way");
        assert_eq!(position % OF_ONE_COMMIT, 0);
        assert!(position > last, "each child commits before it is killed");
        last = position;
    }
}

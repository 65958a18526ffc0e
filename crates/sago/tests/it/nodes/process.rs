//! A node that runs beside the test: what it says, line by line, and how it ends.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cast::Stage;

/// Longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process of the real binary; killed when dropped.
pub struct Running {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
    /// What it said about itself when it was ready.
    pub ready: String,
}

impl Running {
    /// Starts a node and waits until it says that it is at work.
    #[track_caller]
    pub fn begin(stage: &Stage, words: &[&str]) -> Self {
        let mut running = Self::begin_with(stage, words, &[]);
        running.wait_ready();
        running
    }

    /// Starts a node with more variables in its environment; does not wait.
    #[track_caller]
    pub fn begin_with(stage: &Stage, words: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = stage.command(words);
        command.envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = lines(child.stdout.take().unwrap());
        let err = lines(child.stderr.take().unwrap());
        Self { child, out, err, ready: String::new() }
    }

    /// Waits until the node says that it is at work.
    #[track_caller]
    pub fn wait_ready(&mut self) {
        let mut said = Vec::new();
        while let Ok(line) = self.err.recv_timeout(PATIENCE) {
            if line.contains(": node ") {
                self.ready = line;
                return;
            }
            said.push(line);
        }
        panic!("the node was never ready: {said:?}");
    }

    /// Where it answers.
    #[track_caller]
    pub fn address(&self) -> String {
        let (_, rest) = self.ready.split_once("http://").expect("an address");
        rest.split(';').next().unwrap().to_owned()
    }

    /// The objects it printed since the last time.
    pub fn objects(&mut self) -> Vec<Value> {
        self.out.try_iter().map(|line| serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }

    /// Expects it to end by a signal, as a power cut would end it.
    #[track_caller]
    pub fn dies(mut self) {
        let status = self.wait();
        assert_eq!(status.code(), None, "{status}: {:?}", self.err.try_iter().collect::<Vec<_>>());
    }

    /// Asks it to end and expects it to do so well, within seconds.
    #[track_caller]
    pub fn ends_when_asked(mut self) {
        let asked = Instant::now();
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM).unwrap();
        let status = self.wait();
        let said: Vec<_> = self.err.iter().collect();
        assert_eq!(status.code(), Some(0), "{said:?}");
        assert!(asked.elapsed() < Duration::from_secs(30), "it took {:?} to end", asked.elapsed());
        assert!(said.iter().any(|line| line.contains("nothing is held")), "{said:?}");
    }

    /// Expects it to end by itself with this code; answers what it said on standard error.
    #[track_caller]
    pub fn ends_by_itself(mut self, code: i32) -> String {
        let status = self.wait();
        let said: Vec<_> = self.err.iter().collect();
        assert_eq!(status.code(), Some(code), "{said:?}");
        said.join("\n")
    }

    #[track_caller]
    fn wait(&mut self) -> std::process::ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "the node does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (send, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// Asks again and again until it is so.
#[track_caller]
pub fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it never came to be so");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Changes a number in the settings.
#[track_caller]
pub fn set(repo: &Path, name: &str, value: u64) {
    let path = repo.join("sago.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let start = format!("{name} = ");
    assert_eq!(text.lines().filter(|line| line.starts_with(&start)).count(), 1, "{name} in {text}");
    let lines: Vec<String> = text.lines().map(|line| if line.starts_with(&start) { format!("{start}{value}") } else { line.to_owned() }).collect();
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
}

/// Every file below a folder.
pub fn tree(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

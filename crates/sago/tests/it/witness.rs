//! Others remember: witnesses in processes of their own cosign, die, come back, and refuse a log that tells two stories.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::cast::{Answer, Stage, answer, tool};
use crate::pairs::also_on_servers;

also_on_servers!(two_of_three_witnesses_are_enough_and_one_that_died_catches_up, cosignatures_go_to_a_second_site_and_with_a_move,);

/// Another body: its folder, its process, where it listens.
struct Body {
    dir: PathBuf,
    process: Child,
    address: String,
}

impl Drop for Body {
    fn drop(&mut self) {
        // A process that ended already is what we want.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Body {
    /// A new witness that knows the logs of this stage's repository.
    fn new(stage: &Stage, name: &str) -> Self {
        let dir = stage.path(name);
        let key_name = format!("{name}.example/w1");
        stage
            .sago([OsStr::new("witness"), "init".as_ref(), dir.as_os_str(), "--name".as_ref(), key_name.as_ref(), "--work-factor".as_ref(), "10".as_ref()])
            .ends(0);
        for log in ["custody", "access"] {
            let keys = stage.local("log").join(format!("1/{log}.vkey"));
            stage.sago([OsStr::new("witness"), "add-log".as_ref(), dir.as_os_str(), keys.as_os_str()]).ends(0);
        }
        let (process, address) = serve(stage, &dir, "127.0.0.1:0");
        Self { dir, process, address }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn come_back(&mut self, stage: &Stage) {
        let (process, address) = serve(stage, &self.dir, &self.address);
        self.process = process;
        assert_eq!(address, self.address);
    }

    fn keys(&self) -> PathBuf {
        self.dir.join("witness.vkey")
    }
}

fn serve(stage: &Stage, dir: &Path, listen: &str) -> (Child, String) {
    let mut command = stage.command([OsStr::new("witness"), "serve".as_ref(), dir.as_os_str(), "--listen".as_ref(), listen.as_ref(), "--json".as_ref()]);
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    (process, said["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned())
}

/// Enters witnesses in a repository's settings: name, address, file of keys.
fn configure(repo: &Path, quorum: usize, witnesses: &[(&str, &str, &Path)]) {
    let path = repo.join("sago.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut text = text.replacen("format = 1\n", &format!("format = 1\nwitness_quorum = {quorum}\n"), 1);
    for (name, address, keys) in witnesses {
        text.push_str(&format!("\n[[witness]]\nname = \"{name}\"\nurl = \"http://{address}/\"\nkeys = \"{}\"\n", keys.display()));
    }
    std::fs::write(path, text).unwrap();
}

/// Runs the command line on a repository, straight to the loopback whatever proxy the machine has.
fn on(stage: &Stage, repo: &Path, arguments: &[&OsStr]) -> Answer {
    let mut command = stage.command(arguments);
    answer(command.env("SAGO_REPO", repo).env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1").output().unwrap())
}

fn ask(stage: &Stage, repo: &Path, code: i32) -> Vec<Value> {
    on(stage, repo, &["witness", "ask", "--json"].map(OsStr::new)).ends(code).objects()
}

/// What was said of a log: each witness's name and word, sorted.
fn words<'a>(said: &'a [Value], log: &str) -> Vec<(&'a str, &'a str)> {
    let mut words: Vec<_> =
        said.iter().filter(|one| one["log"] == log).map(|one| (one["witness"].as_str().unwrap(), one["outcome"].as_str().unwrap())).collect();
    words.sort_unstable();
    words
}

/// Verifies a path, or the repository, demanding `quorum` of these witnesses; answers the codes of errors.
fn demand(stage: &Stage, repo: &Path, path: &Path, quorum: usize, bodies: &[&Body], code: i32) -> Vec<String> {
    let (quorum, keys): (_, Vec<_>) = (quorum.to_string(), bodies.iter().map(|body| body.keys()).collect());
    let mut arguments: Vec<&OsStr> = vec!["verify".as_ref(), path.as_os_str(), "--json".as_ref(), "--quorum".as_ref(), quorum.as_ref()];
    for keys in &keys {
        arguments.extend([OsStr::new("--witness"), keys.as_os_str()]);
    }
    let objects = on(stage, repo, &arguments).ends(code).objects();
    objects.iter().filter(|one| one["severity"] == "error").map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

fn deposit(stage: &Stage, repo: &Path, name: &str) {
    let file = stage.file(name, name);
    let arguments = ["deposit".as_ref(), file.as_os_str(), "--contributor".as_ref(), "P".as_ref(), "--title".as_ref(), "T".as_ref()];
    on(stage, repo, &arguments).ends(0);
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

#[test]
fn two_of_three_witnesses_are_enough_and_one_that_died_catches_up() {
    let stage = Stage::new();
    let (a, b, mut c) = (Body::new(&stage, "a"), Body::new(&stage, "b"), Body::new(&stage, "c"));
    configure(&stage.repo, 2, &[("a", &a.address, &a.keys()), ("b", &b.address, &b.keys()), ("c", &c.address, &c.keys())]);
    deposit(&stage, &stage.repo, "first");
    assert_eq!(demand(&stage, &stage.repo, &stage.repo, 2, &[&a, &b, &c], 1), ["witness-quorum"]);
    assert_eq!(words(&ask(&stage, &stage.repo, 0), "custody"), [("a", "cosigned"), ("b", "cosigned"), ("c", "cosigned")]);
    assert_eq!(demand(&stage, &stage.repo, &stage.repo, 3, &[&a, &b, &c], 0), [""; 0]);

    c.kill();
    deposit(&stage, &stage.repo, "second");
    // What came since is remembered by nobody yet.
    assert_eq!(demand(&stage, &stage.repo, &stage.repo, 2, &[&a, &b, &c], 1), ["witness-quorum"]);
    let said = ask(&stage, &stage.repo, 1);
    assert_eq!(words(&said, "custody"), [("a", "cosigned"), ("b", "cosigned"), ("c", "failed")]);
    assert_eq!(demand(&stage, &stage.repo, &stage.repo, 2, &[&a, &b, &c], 0), [""; 0]);
    assert_eq!(demand(&stage, &stage.repo, &stage.repo, 3, &[&a, &b, &c], 1), ["witness-quorum"]);
    let doctor = on(&stage, &stage.repo, &["doctor", "--json"].map(OsStr::new));
    assert!(doctor.out.contains("was cosigned by 2 of 3 witnesses"), "{}", doctor.out);

    // Receipt, proof and export carry the cosignatures; the export is made while one witness is down.
    let (receipt, proof, export) = (stage.path("receipt"), stage.path("event.tlog-proof"), stage.path("export"));
    on(&stage, &stage.repo, &["receipt".as_ref(), "A-2026-0001".as_ref(), "--output".as_ref(), receipt.as_os_str()]).ends(0);
    on(&stage, &stage.repo, &["log".as_ref(), "--prove".as_ref(), "3".as_ref(), "--output".as_ref(), proof.as_os_str()]).ends(0);
    let handed = ["--recipient".as_ref(), "Court".as_ref(), "--reason".as_ref(), "Order".as_ref()];
    let arguments: Vec<&OsStr> = ["export".as_ref(), "A-2026-0001".as_ref(), "--output".as_ref(), export.as_os_str()].into_iter().chain(handed).collect();
    on(&stage, &stage.repo, &arguments).ends(0);
    std::fs::copy(stage.local("log").join("1/custody.vkey"), stage.path("custody.vkey")).unwrap();
    for path in [&receipt, &proof, &export] {
        assert_eq!(demand(&stage, &stage.repo, path, 2, &[&a, &b, &c], 0), [""; 0], "{}", path.display());
    }
    // Receipt and proof stand in the head that all three saw; what the export says of itself came after the third died.
    for path in [&receipt, &proof] {
        assert_eq!(demand(&stage, &stage.repo, path, 3, &[&a, &b, &c], 0), [""; 0], "{}", path.display());
    }
    let codes = demand(&stage, &stage.repo, &export, 3, &[&a, &b, &c], 1);
    assert!(!codes.is_empty() && codes.iter().all(|code| code == "witness-quorum"), "{codes:?}");
    // The second verifier passes over lines of keys that it does not know.
    let mut python = Command::new(tool("SAGO_TOOL_PYTHON"));
    answer(python.arg(export.join("data/verify/sago_verify.py")).arg(&export).output().unwrap()).ends(0);

    c.come_back(&stage);
    let said = ask(&stage, &stage.repo, 0);
    assert_eq!(words(&said, "custody"), [("a", "cosigned"), ("b", "cosigned"), ("c", "cosigned")]);
    assert_eq!(demand(&stage, &stage.repo, &stage.repo, 3, &[&a, &b, &c], 0), [""; 0]);
    // A policy file says the same in another way.
    let first = |body: &Body| std::fs::read_to_string(body.keys()).unwrap().lines().next().unwrap().to_owned();
    let policy = format!("witness A {}\nwitness B {}\ngroup both all A B\nquorum both\n", first(&a), first(&b));
    let policy = stage.file("policy", policy);
    on(&stage, &stage.repo, &["verify".as_ref(), "--witness".as_ref(), policy.as_os_str()]).ends(0);
    // Cosignatures that were altered are found without anybody demanding them.
    let published = || std::fs::read_to_string(stage.local("log").join("1/custody/checkpoint")).unwrap();
    let publish = |text: &str| stage.put("log", "1/custody/checkpoint", Some(text.as_bytes().to_vec()));
    let text = published();
    let line = text.lines().find(|line| line.starts_with("— a.example/w1 ")).unwrap();
    let (front, back) = line.split_at(line.len() - 20);
    let altered = format!("{front}{}{}", if back.starts_with('A') { 'B' } else { 'A' }, &back[1..]);
    publish(&text.replace(line, &altered));
    let report = on(&stage, &stage.repo, &["verify", "--json"].map(OsStr::new)).ends(1);
    assert!(report.out.contains("cosignature-invalid"), "{}", report.out);
    // Something that is no signature line is neither published further nor written over.
    publish(&format!("{text}more\n"));
    assert_eq!(words(&ask(&stage, &stage.repo, 1), "custody"), [("a", "failed"), ("b", "failed"), ("c", "failed")]);
    assert_eq!(published(), format!("{text}more\n"));
    publish(&text);
    stage.verify_everything();
}

#[test]
fn cosignatures_go_to_a_second_site_and_with_a_move() {
    let stage = Stage::new();
    let a = Body::new(&stage, "a");
    configure(&stage.repo, 1, &[("a", &a.address, &a.keys())]);
    let (site, new) = (stage.path("site"), stage.path("new"));
    let settings = std::fs::read_to_string(stage.repo.join("sago.toml")).unwrap();
    std::fs::write(stage.repo.join("sago.toml"), format!("{settings}\n[[replica]]\nname = \"hill\"\naddress = \"{}\"\n", site.display())).unwrap();
    deposit(&stage, &stage.repo, "first");
    on(&stage, &stage.repo, &["replicate".as_ref()]).ends(0);
    assert_eq!(demand(&stage, &site, &site, 1, &[&a], 1), ["witness-quorum"]);
    // Once more for the head that is cosigned by then, and again for one that was cosigned anew.
    for _ in 0..2 {
        ask(&stage, &stage.repo, 0);
        on(&stage, &stage.repo, &["replicate".as_ref()]).ends(0);
        assert_eq!(demand(&stage, &site, &site, 1, &[&a], 0), [""; 0]);
    }
    on(&stage, &stage.repo, &["replicate".as_ref(), "hill".as_ref(), "--check".as_ref()]).ends(0);

    on(&stage, &stage.repo, &["migrate".as_ref(), "--to".as_ref(), new.as_os_str()]).ends(0);
    assert_eq!(demand(&stage, &new, &new, 1, &[&a], 1), ["witness-quorum"]);
    // The new place knows the witness, and continues the log that it saw.
    assert_eq!(words(&ask(&stage, &new, 0), "custody"), [("a", "cosigned")]);
    assert_eq!(demand(&stage, &new, &new, 1, &[&a], 0), [""; 0]);
}

#[test]
fn a_forked_log_is_refused_and_the_two_stories_are_kept() {
    let stage = Stage::new();
    let (a, b) = (Body::new(&stage, "a"), Body::new(&stage, "b"));
    configure(&stage.repo, 2, &[("a", &a.address, &a.keys()), ("b", &b.address, &b.keys())]);
    deposit(&stage, &stage.repo, "first");
    ask(&stage, &stage.repo, 0);
    let (fork, yesterday) = (stage.path("fork"), stage.path("yesterday"));
    copy(&stage.repo, &fork);
    copy(&stage.repo, &yesterday);

    deposit(&stage, &stage.repo, "true");
    ask(&stage, &stage.repo, 0);
    deposit(&stage, &fork, "false");
    // Of the same size, and then longer: neither is cosigned.
    for turn in 0..2 {
        let said = ask(&stage, &fork, 1);
        assert_eq!(words(&said, "custody"), [("a", "forked"), ("b", "forked")], "turn {turn}: {said:?}");
        for one in &said {
            assert!(one["message"].as_str().unwrap().starts_with("FORKED"), "{one}");
            assert!(Path::new(one["evidence"].as_str().unwrap()).is_file(), "{one}");
        }
        let codes = demand(&stage, &fork, &fork, 2, &[&a, &b], 1);
        assert!(codes.contains(&"witness-quorum".to_owned()) && codes.contains(&"known-checkpoint-mismatch".to_owned()), "{codes:?}");
        // Who demands nobody's word still sees what the witness showed.
        let codes = on(&stage, &fork, &["verify", "--json"].map(OsStr::new)).ends(1).out;
        assert!(codes.contains("known-checkpoint-mismatch"), "{codes}");
        deposit(&stage, &fork, &format!("false again {turn}"));
    }
    let doctor = on(&stage, &fork, &["doctor", "--json"].map(OsStr::new));
    assert!(doctor.out.contains("another history"), "{}", doctor.out);

    // The witness keeps both checkpoints and the request, and says so.
    let known = on(&stage, &stage.repo, &["witness".as_ref(), "logs".as_ref(), a.dir.as_os_str(), "--json".as_ref()]).ends(1).objects();
    let evidence = known.iter().find_map(|log| log["evidence"].as_str()).unwrap();
    let kept: Vec<_> = std::fs::read_dir(evidence).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 2);
    for place in kept {
        for name in ["known.checkpoint", "presented.checkpoint", "request", "READ-ME.txt"] {
            assert!(place.join(name).is_file(), "{name}");
        }
    }
    assert_eq!(demand(&stage, &stage.repo, &stage.repo, 2, &[&a, &b], 0), [""; 0]);

    // Yesterday's copy is told that there is more of it.
    let said = ask(&stage, &yesterday, 1);
    assert_eq!(words(&said, "custody"), [("a", "ahead"), ("b", "ahead")]);
    assert!(said.iter().all(|one| one["message"].as_str().unwrap().starts_with("ROLLED BACK")), "{said:?}");
    let codes = demand(&stage, &yesterday, &yesterday, 2, &[&a, &b], 1);
    assert!(codes.contains(&"log-shorter-than-known".to_owned()), "{codes:?}");
    stage.verify_everything();
}

#[test]
fn a_witness_that_talks_nonsense_is_said_and_stops_nothing() {
    let stage = Stage::new();
    let a = Body::new(&stage, "a");
    let html = "<html>Welcome</html>\n";
    let talk = |answer: String| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 65536]);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        address
    };
    let with = |status: &str, body: &str| talk(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (page, moved, broken, silent) = (with("200 OK", html), with("302 Found", ""), with("500 Oops", html), talk(String::new()));
    // The right name and the right id, and nobody's signature.
    let forged_keys = other_keys(&stage, "forged");
    let id = hex::decode(forged_keys.split('+').nth(1).unwrap()).unwrap();
    let line = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [id, vec![1; 72]].concat());
    let forged = with("200 OK", &format!("— forged.example {line}\n"));
    let keys = a.keys();
    let addresses = [("a", &a.address), ("page", &page), ("moved", &moved), ("broken", &broken), ("silent", &silent), ("closed", &closed), ("forged", &forged)];
    // The quorum counts keys, so each needs some of its own; they never sign with them.
    let mut witnesses = Vec::new();
    for (name, address) in addresses {
        let file = match name {
            "a" => keys.clone(),
            "forged" => stage.file("forged.vkey", &forged_keys),
            other => stage.file(&format!("{other}.vkey"), other_keys(&stage, other)),
        };
        witnesses.push((name, address.as_str(), file));
    }
    let borrowed: Vec<_> = witnesses.iter().map(|(name, address, file)| (*name, *address, file.as_path())).collect();
    configure(&stage.repo, 1, &borrowed);
    deposit(&stage, &stage.repo, "first");
    let said = ask(&stage, &stage.repo, 1);
    let message = said.iter().find(|one| one["witness"] == "forged").unwrap()["message"].to_string();
    assert!(message.contains("false cosignature"), "{message}");
    for (name, word) in words(&said, "custody") {
        assert_eq!(word, if name == "a" { "cosigned" } else { "failed" }, "{name}");
    }
    deposit(&stage, &stage.repo, "second");
    stage.verify_everything();
}

fn other_keys(stage: &Stage, name: &str) -> String {
    let dir = stage.path(&format!("{name}-keys"));
    let key_name = format!("{name}.example");
    let made =
        stage.sago([OsStr::new("witness"), "init".as_ref(), dir.as_os_str(), "--name".as_ref(), key_name.as_ref(), "--work-factor".as_ref(), "10".as_ref()]);
    made.ends(0);
    std::fs::read_to_string(dir.join("witness.vkey")).unwrap()
}

#[test]
fn a_witness_keeps_its_limits() {
    let stage = Stage::new();
    let a = Body::new(&stage, "a");
    let say = |request: &[u8]| {
        let mut stream = TcpStream::connect(&a.address).unwrap();
        // The server may answer and hang up before it has read everything.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
    };
    let post = |length: usize| {
        [format!("POST /add-checkpoint HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n").into_bytes(), vec![b'x'; length]].concat()
    };
    assert!(say(&post(10)).contains(" 400 "));
    assert!(say(&post(0)).contains(" 400 "));
    assert!(say(&post(128 * 1024 + 1)).contains(" 413 "));
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").into_bytes();
    assert!(say(&get("/add-checkpoint")).contains(" 405 "));
    assert!(say(&get(&format!("/{}/checkpoint", "0".repeat(64)))).contains(" 404 "));
    assert!(say(&get("/..%2Fwitness.key.age/checkpoint")).contains(" 404 "));
    assert!(say(b"nonsense\r\n\r\n").contains(" 400 "));
}

#[test]
fn an_independent_witness_cosigns_our_log() {
    let program = tool("SAGO_TOOL_WITNESS_LOG");
    let stage = Stage::new();
    let dir = stage.path("theirs");
    let vkeys = std::fs::read_to_string(stage.repo.join("log/1/custody.vkey")).unwrap();
    let ed25519 = vkeys.lines().next().unwrap();
    let origin = ed25519.split('+').next().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let run = |arguments: &[&OsStr]| Command::new(&program).arg("witness").args(arguments).env("NO_PROXY", "127.0.0.1").output().unwrap();
    let serve = || {
        let mut process = Command::new(&program);
        process.args(["witness", "serve"]).arg(&dir).args(["--listen", &port]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let wait = || {
        for _ in 0..200 {
            if TcpStream::connect(&port).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("the independent witness does not listen");
    };
    let made = answer(run(&["init".as_ref(), dir.as_os_str(), "--name".as_ref(), "theirs.example/w1".as_ref()])).ends(0);
    answer(run(&["add-log".as_ref(), dir.as_os_str(), origin.as_ref(), ed25519.as_ref()])).ends(0);
    let body = Body { process: serve(), dir: dir.clone(), address: port.clone() };
    wait();
    let vkey = made.err.split_whitespace().find(|word| word.parse::<sago_ledger::note::Verifier>().is_ok());
    let keys = stage.file("theirs.vkey", format!("{}\n", vkey.unwrap_or_else(|| panic!("no key in {made:?}"))));
    configure(&stage.repo, 1, &[("theirs", &body.address, &keys)]);
    for name in ["first", "second"] {
        deposit(&stage, &stage.repo, name);
        assert_eq!(words(&ask(&stage, &stage.repo, 0), "custody"), [("theirs", "cosigned")]);
        let arguments: Vec<&OsStr> = vec!["verify".as_ref(), "--witness".as_ref(), keys.as_os_str()];
        on(&stage, &stage.repo, &arguments).ends(0);
    }
    // A fork of the same size, and a longer one.
    let fork = stage.path("fork");
    copy(&stage.repo, &fork);
    deposit(&stage, &stage.repo, "true");
    ask(&stage, &stage.repo, 0);
    deposit(&stage, &fork, "false");
    assert_eq!(words(&ask(&stage, &fork, 1), "custody"), [("theirs", "forked")]);
    deposit(&stage, &fork, "false again");
    assert_eq!(words(&ask(&stage, &fork, 1), "custody"), [("theirs", "forked")]);
}

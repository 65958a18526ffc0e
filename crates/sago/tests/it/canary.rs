//! Canaries: marked words in every place where a person can put words, and a search of every byte the repository keeps.
//!
//! Integrity.md B1.2. Every mark begins with one of two stems, so that one search finds them all and says which one sang.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use memchr::memmem;
use sago_packages::Algorithm;
use serde_json::Value;

use crate::cast::{Answer, PASSPHRASE, Stage, answer};
use crate::shredding::tree;

/// Begins every mark in Latin letters.
const STEM: &str = "KanariMarke";

/// Begins every mark in Korean.
const KOREAN_STEM: &str = "카나리표";

/// The Korean stem as an old Windows disk writes it (CP949).
const KOREAN_STEM_CP949: &[u8] = b"\xc4\xab\xb3\xaa\xb8\xae\xc7\xa5";

/// A mark for one place.
fn mark(place: &str) -> String {
    format!("{STEM}.{place}.{KOREAN_STEM}")
}

/// One way in which a secret could stand somewhere.
struct Form {
    what: String,
    finder: memmem::Finder<'static>,
}

/// All the ways in which bytes could stand somewhere: as they are, in hexadecimal, in base64 at each of its three alignments.
fn forms(what: &str, bytes: &[u8]) -> Vec<Form> {
    let mut found = vec![(format!("{what}, raw"), bytes.to_vec())];
    found.push((format!("{what}, hex"), hex::encode(bytes).into_bytes()));
    found.push((format!("{what}, HEX"), hex::encode_upper(bytes).into_bytes()));
    for (engine, name) in [(&STANDARD, "base64"), (&URL_SAFE, "base64url")] {
        for shift in 0..3 {
            let mut shifted = vec![0; shift];
            shifted.extend(bytes);
            let whole = shifted.len() / 3 * 3;
            let text = engine.encode(&shifted[..whole]);
            // The first letters also carry bits of what stands before: they are left out.
            found.push((format!("{what}, {name} at {shift}"), text.as_bytes()[if shift == 0 { 0 } else { 4 }..].to_vec()));
        }
    }
    found.into_iter().map(|(what, bytes)| Form { what, finder: memmem::Finder::new(&bytes).into_owned() }).collect()
}

fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

/// Every form of every mark.
fn all_marks() -> Vec<Form> {
    let mut found = Vec::new();
    for (name, stem) in [("a mark", STEM), ("a Korean mark", KOREAN_STEM)] {
        found.extend(forms(&format!("{name} (UTF-8)"), stem.as_bytes()));
        found.extend(forms(&format!("{name} (UTF-16LE)"), &utf16(stem, u16::to_le_bytes)));
        found.extend(forms(&format!("{name} (UTF-16BE)"), &utf16(stem, u16::to_be_bytes)));
    }
    found.extend(forms("a Korean mark (CP949)", KOREAN_STEM_CP949));
    let escaped: String = KOREAN_STEM.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    found.push(Form { what: "a Korean mark (JSON escapes)".to_owned(), finder: memmem::Finder::new(escaped.as_bytes()).into_owned() });
    found
}

/// What sings in some bytes.
fn songs(bytes: &[u8], forms: &[Form]) -> Vec<String> {
    let heard = forms.iter().filter_map(|form| {
        let at = form.finder.find(bytes)?;
        let around = &bytes[at.saturating_sub(16)..bytes.len().min(at + 48)];
        Some(format!("{} at byte {at}: {}", form.what, String::from_utf8_lossy(around).escape_debug()))
    });
    heard.collect()
}

/// Searches every file below a folder, and every name.
fn search(folder: &Path, forms: &[Form]) -> Vec<String> {
    let mut heard = Vec::new();
    for path in tree(folder) {
        let name = path.strip_prefix(folder).unwrap();
        heard.extend(songs(name.as_os_str().as_bytes(), forms).iter().map(|song| format!("the name {}: {song}", name.display())));
        heard.extend(songs(&std::fs::read(&path).unwrap(), forms).iter().map(|song| format!("{}: {song}", name.display())));
    }
    heard
}

#[track_caller]
fn assert_silent(folder: &Path, forms: &[Form]) {
    let files = tree(folder);
    let heard = search(folder, forms);
    assert!(heard.is_empty(), "{} of {} files sing:\n{}", heard.len(), files.len(), heard.join("\n"));
}

/// A stage whose commands leave their temporary files in a folder of their own, are as talkative as they can be, and are listened to.
struct Aviary {
    stage: Stage,
    heard_on_stderr: Vec<String>,
    forms: Vec<Form>,
}

impl Aviary {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.stage.command(arguments);
        for name in ["TMPDIR", "TMP", "TEMP", "SQLITE_TMPDIR", "HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
            command.env(name, self.stage.path("temporary"));
        }
        command.current_dir(self.stage.path("temporary")).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        command
    }

    /// Runs a command and listens to its standard error, whatever becomes of it.
    fn run(&mut self, arguments: &[&str]) -> Answer {
        let answer = answer(self.command(arguments).output().unwrap());
        self.listen(arguments, &answer);
        answer
    }

    /// Nothing that the repository keeps sings, wherever it lies.
    #[track_caller]
    fn assert_silent(&self) {
        assert_silent(&self.stage.repo, &self.forms);
        if let Some(remote) = &self.stage.remote {
            let kept = remote.kept();
            assert!(kept.len() > 20, "the servers hold almost nothing");
            let heard: Vec<_> =
                kept.iter().flat_map(|(name, bytes)| songs(bytes, &self.forms).into_iter().map(move |song| format!("{name}: {song}"))).collect();
            assert!(heard.is_empty(), "{} of {} files and keys sing:\n{}", heard.len(), kept.len(), heard.join("\n"));
        }
    }

    fn listen(&mut self, arguments: &[&str], answer: &Answer) {
        let songs = songs(answer.err.as_bytes(), &self.forms);
        self.heard_on_stderr.extend(songs.iter().map(|song| format!("{}: {song}", arguments[0])));
    }

    fn path(&self, name: &str) -> String {
        self.stage.path(name).to_str().unwrap().to_owned()
    }

    /// A disk with marks in every name and every file.
    fn disk(&self, disk: &str) -> String {
        let folder = self.stage.path(disk);
        let name = |place: &str| mark(&format!("{disk}-{place}"));
        std::fs::create_dir_all(folder.join(name("folder")).join(name("empty folder"))).unwrap();
        let inside = folder.join(name("folder"));
        std::fs::write(inside.join(format!("{} 사진.txt", name("file name"))), name("content")).unwrap();
        std::fs::write(folder.join("copy.txt"), name("content")).unwrap();
        std::fs::write(folder.join("utf16.txt"), utf16(&name("content of sixteen bits"), u16::to_le_bytes)).unwrap();
        let mut old = STEM.as_bytes().to_vec();
        old.extend(KOREAN_STEM_CP949);
        std::fs::write(folder.join(OsString::from_vec(old)), [KOREAN_STEM_CP949, b"\n"].concat()).unwrap();
        std::fs::write(folder.join(OsString::from_vec([STEM.as_bytes(), b"\xff\xfe"].concat())), "bytes of no encoding").unwrap();
        std::os::unix::fs::symlink(name("target of a link"), folder.join(name("link"))).unwrap();
        let list = format!(
            "# {}\n{}  copy.txt\n{}  {}\nnot a line: {}\n",
            name("comment in the list"),
            "0".repeat(64),
            "1".repeat(64),
            name("listed and not received"),
            name("unreadable line")
        );
        std::fs::write(self.stage.path(&name("list")), list).unwrap();
        folder.to_str().unwrap().to_owned()
    }

    fn deposit(&mut self, disk: &str, extra: &[&str]) -> Value {
        let folder = self.disk(disk);
        let name = |place: &str| mark(&format!("{disk}-{place}"));
        let list = self.path(&name("list"));
        let words = ["contributor", "title", "agreement", "condition"].map(name);
        let mut arguments = vec!["deposit", &folder, "--manifest", &list, "--json"];
        for (flag, word) in ["--contributor", "--title", "--agreement", "--condition"].iter().zip(&words) {
            arguments.extend([flag, word.as_str()]);
        }
        arguments.extend(extra);
        self.run(&arguments).ends(0).object()
    }
}

fn aviary() -> Aviary {
    let stage = Stage::empty();
    std::fs::create_dir(stage.path("temporary")).unwrap();
    let mut aviary = Aviary { stage, heard_on_stderr: Vec::new(), forms: all_marks() };
    let (repo, shares) = (aviary.path("repository"), aviary.path("shares"));
    let (name, custodian) = (mark("repository"), mark("custodian"));
    let arguments = [
        "init",
        &repo,
        "--name",
        &name,
        "--custodian-name",
        &custodian,
        "--custodians",
        "2",
        "--threshold",
        "2",
        "--work-factor",
        "10",
        "--shares-dir",
        &shares,
    ];
    let lies = aviary.stage.where_it_lies();
    let arguments: Vec<_> = arguments.into_iter().chain(lies.iter().map(String::as_str)).collect();
    aviary.run(&arguments).ends(0);
    aviary
}

#[test]
fn marked_words_are_found_nowhere_in_what_the_repository_keeps() {
    let mut aviary = aviary();
    for (role, place) in [("approver", "approver one"), ("approver", "approver two"), ("auditor", "auditor")] {
        let passphrase = aviary.stage.file(place, format!("{}\n", mark(&format!("passphrase of {place}"))));
        aviary.run(&["agent", "add", "--name", &mark(place), "--role", role, "--agent-passphrase-file", passphrase.to_str().unwrap()]).ends(0);
    }
    let working = aviary.deposit("working", &[]);
    let sealed = aviary.deposit("sealed", &["--sealed", "--quiet"]);
    let (working, sealed) = (working["accession"].as_str().unwrap().to_owned(), sealed["accession"].as_str().unwrap().to_owned());
    aviary.deposit("added", &["--unit", &sealed]);
    let piped = ["deposit", "-", "--stdin-name", &mark("stdin name"), "--contributor", &mark("stdin contributor"), "--title", &mark("stdin title")];
    let mut child = aviary.command(&piped).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), mark("stdin").as_bytes()).unwrap();
    let piped_answer = answer(child.wait_with_output().unwrap()).ends(0);
    aviary.listen(&piped, &piped_answer);
    aviary.assert_silent();

    // Interrupted: staging holds a journal, sealed files and a plan; the database its write-ahead log.
    let contributor = mark("interrupted contributor");
    let arguments = ["--contributor", &contributor, "--title", &mark("interrupted title")];
    interrupt_deposit(&aviary.stage, &mark("interrupted"), |n| format!("{} {n:04}", mark("interrupted file")), &arguments);
    assert!(tree(&aviary.stage.repo.join("staging")).len() > 2_000, "the interruption left nothing to search");
    aviary.assert_silent();
    std::fs::remove_file(aviary.stage.path(&mark("interrupted")).join("z.bin")).unwrap();
    let source = aviary.path(&mark("interrupted"));
    let resumed = aviary.run(&["deposit", &source, "--json", arguments[0], arguments[1], arguments[2], arguments[3]]).ends(0).object();
    assert!(resumed["resumed"].as_u64().unwrap() > 0, "{resumed}");
    aviary.assert_silent();

    let (item, output) = (format!("{working}.00001"), aviary.path("out"));
    for line in ["list", "list --json", "list items", "list items --json --quiet", "fixity --all", "key check", "key list", "agent list"] {
        aviary.run(&line.split(' ').collect::<Vec<_>>()).ends(0);
    }
    for what in [&working, &item, &sealed] {
        aviary.run(&["show", what]).ends(0);
        aviary.run(&["show", what, "--json"]).ends(0);
    }
    aviary.run(&["open", &item, "--reason", &mark("reason to open"), "--output", &format!("{output} 1")]).ends(0);
    aviary.run(&["open", &format!("{sealed}.00001"), "--reason", &mark("reason refused"), "--output", &format!("{output} 2")]).ends(2);
    aviary.run(&["export", &working, "--recipient", &mark("recipient"), "--reason", &mark("reason to export"), "--output", &format!("{output} 3")]).ends(0);
    aviary.run(&["export", &item, "--recipient", &mark("recipient of one"), "--reason", &mark("reason of one"), "--output", &format!("{output} 4")]).ends(0);
    aviary.run(&["receipt", &working, "--output", &format!("{output} 5")]).ends(0);
    aviary.assert_silent();

    // Texts and index hold every mark, sealed.
    aviary.run(&["read", &working]).ends(0);
    aviary.run(&["coverage"]).ends(0);
    aviary.run(&["text", &item, "--reason", &mark("reason to read")]).ends(0);
    let found = aviary.run(&["search", KOREAN_STEM, "--json"]).ends(0).object();
    assert!(found["total"].as_u64().unwrap() >= 3, "{found}");
    assert!(!tree(&aviary.stage.repo.join("index")).is_empty() && !tree(&aviary.stage.local("derived")).is_empty());
    aviary.run(&["search", &format!("(\"{}\"", mark("query that cannot be understood"))]).ends(2);
    aviary.assert_silent();

    let share = |folder: &str, n: u8| aviary.stage.path(folder).join(format!("share-{n}-of-2.txt")).to_str().unwrap().to_owned();
    let (one, two) = (share("shares", 1), share("shares", 2));
    aviary.run(&["key", "unseal", &sealed, "--reason", &mark("reason to unseal"), "--share", &one, "--share", &two]).ends(0);
    aviary.run(&["key", "seal", &sealed, "--reason", &mark("reason to seal")]).ends(0);
    let asked = aviary.run(&["key", "destroy", &working, "--reason", &mark("reason to destroy"), "--json"]).ends(0).object();
    aviary.assert_silent();
    let request = asked["request"].as_str().unwrap();
    aviary.run(&["key", "requests"]).ends(0);
    for (code, place) in [("P-02", "approver one"), ("P-03", "approver two")] {
        let passphrase = aviary.path(place);
        aviary.run(&["--as", code, "key", "approve", request, "--agent-passphrase-file", &passphrase]).ends(0);
    }
    aviary.run(&["show", &working]).ends(0);
    aviary.run(&["key", "recover", "--reason", &mark("reason to recover"), "--share", &one, "--share", &two]).ends(0);
    let shares = aviary.path("shares of 2");
    aviary.run(&["key", "rotate", "--custodians", "2", "--threshold", "2", "--shares-dir", &shares, "--share", &one, "--share", &two]).ends(0);
    aviary.run(&["key", "attest", "--epoch", "1", "--statement", &mark("attested")]).ends(0);
    aviary.run(&["rebuild"]).ends(0);
    aviary.run(&["verify"]).ends(0);
    aviary.run(&["verify", "--json", "--quiet"]).ends(0);

    aviary.assert_silent();
    assert!(aviary.heard_on_stderr.is_empty(), "standard error sings:\n{}", aviary.heard_on_stderr.join("\n"));
    assert_eq!(tree(&aviary.stage.path("temporary")), Vec::<PathBuf>::new(), "something was left in the folder for temporary files");
    aviary.stage.verify_everything();
}

#[test]
fn the_search_finds_what_is_planted_in_every_form() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let forms = all_marks();
    let mark = mark("planted");
    let mut planted: Vec<(String, Vec<u8>)> = vec![
        ("as it is".into(), mark.clone().into_bytes()),
        ("in the middle of bytes".into(), [&[0xff; 1000][..], mark.as_bytes(), &[0; 1000]].concat()),
        ("on an old disk".into(), KOREAN_STEM_CP949.to_vec()),
        ("sixteen bits".into(), utf16(&mark, u16::to_le_bytes)),
        ("sixteen bits, the other way".into(), utf16(&mark, u16::to_be_bytes)),
        ("hex".into(), hex::encode(&mark).into_bytes()),
        ("HEX".into(), hex::encode_upper(&mark).into_bytes()),
        ("JSON".into(), format!("{{\"a\":\"{mark}\"}}").into_bytes()),
        ("JSON in ASCII".into(), KOREAN_STEM.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>().into_bytes()),
    ];
    for before in 0..3 {
        let text = [&b"abc"[..before], mark.as_bytes()].concat();
        planted.push((format!("base64 after {before}"), STANDARD.encode(&text).into_bytes()));
        planted.push((format!("base64url after {before}"), URL_SAFE.encode(&text).into_bytes()));
        let korean = [&b"abc"[..before], KOREAN_STEM.as_bytes()].concat();
        planted.push((format!("Korean base64 after {before}"), STANDARD.encode(korean).into_bytes()));
    }
    for (name, bytes) in &planted {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        assert!(!search(folder.path(), &forms).is_empty(), "a mark planted {name} is not found");
        std::fs::remove_file(path).unwrap();
        assert_silent(folder.path(), &forms);
    }
    std::fs::write(folder.path().join(&mark), "").unwrap();
    assert!(!search(folder.path(), &forms).is_empty(), "a mark in a name is not found");

    // In a real repository too, and in its database, through the engine that writes it.
    let aviary = aviary();
    assert_silent(&aviary.stage.repo, &aviary.forms);
    aviary.stage.change(&format!("INSERT INTO meta VALUES ('planted', '{mark}')"));
    let heard = search(&aviary.stage.repo, &aviary.forms);
    assert!(heard.iter().any(|song| song.starts_with("index.db")), "{heard:?}");
}

#[test]
fn who_holds_a_known_file_cannot_confirm_that_the_repository_holds_it_too() {
    let stage = Stage::new();
    // Large enough that no digest of its pieces is the digest of the whole; the enemy has the very same bytes.
    let known: Vec<u8> = crate::cast::Seeded(7).bytes(300_000);
    stage.file("disk/known.mp4", &known);
    stage.file("disk/again/known copy.mp4", &known);
    let algorithms = [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512];
    let list: String = algorithms.iter().map(|algorithm| format!("{}  known.mp4\n", algorithm.hash(&known))).collect();
    let list = stage.file("list.txt", list);
    let mut forms_of_digests = Vec::new();
    for algorithm in algorithms {
        forms_of_digests.extend(forms(&format!("{} of a known file", algorithm.name()), &hex::decode(algorithm.hash(&known)).unwrap()));
    }
    let folder = stage.path("disk");
    for extra in [&[][..], &["--sealed"][..]] {
        let mut arguments = vec!["deposit", folder.to_str().unwrap(), "--manifest", list.to_str().unwrap(), "--contributor", "c", "--title", "t"];
        arguments.extend(extra);
        stage.sago(arguments).ends(0);
    }
    interrupt_deposit(&stage, "more", |n| format!("{n:04}"), &["--contributor", "c", "--title", "t"]);
    stage.say("list items").ends(0);
    stage.say("fixity --all").ends(0);
    // In staging lie files whose content the enemy knows as well.
    for n in [0, 1_000, 1_999] {
        forms_of_digests.extend(forms("SHA-256 of a file in staging", &hex::decode(Algorithm::Sha256.hash(staged_content(n).as_bytes())).unwrap()));
    }
    assert_silent(&stage.repo, &forms_of_digests);
    let planted = stage.repo.join("planted");
    std::fs::write(&planted, Algorithm::Sha512.hash(&known)).unwrap();
    assert!(!search(&stage.repo, &forms_of_digests).is_empty(), "the search does not find a digest that is there");
    std::fs::remove_file(planted).unwrap();
    stage.verify_everything();
}

/// What stands in the small files of an interrupted deposit.
fn staged_content(number: usize) -> String {
    format!("{} {number}", mark("interrupted content"))
}

/// Begins a deposit of `name`, which is made here (`a/` with files named by `file`, then one of so many bytes that takes long), and returns it
/// when its journal speaks of sealed files.
pub fn begin_deposit(stage: &Stage, name: &str, file: impl Fn(usize) -> String, last_bytes: u64, arguments: &[&str]) -> Child {
    let folder = stage.path(name);
    std::fs::create_dir_all(folder.join("a")).unwrap();
    for number in 0..2_100 {
        std::fs::write(folder.join("a").join(file(number)), staged_content(number)).unwrap();
    }
    std::fs::File::create(folder.join("z.bin")).unwrap().set_len(last_bytes).unwrap();
    let mut command = stage.command(["deposit", folder.to_str().unwrap()].iter().chain(arguments));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    let has_journal =
        || tree(&stage.repo.join("staging")).iter().any(|path| path.ends_with("journal") && path.metadata().is_ok_and(|journal| journal.len() > 0));
    while !has_journal() {
        assert_eq!(child.try_wait().unwrap(), None, "the deposit ended before it could be met half-way");
        assert!(begun.elapsed() < Duration::from_secs(60), "the deposit wrote no journal");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

/// Begins a deposit in the same way and kills it with signal 9.
pub fn interrupt_deposit(stage: &Stage, name: &str, file: impl Fn(usize) -> String, arguments: &[&str]) {
    let mut child = begin_deposit(stage, name, file, 8 << 30, arguments);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn passphrases_and_words_of_shares_are_found_nowhere() {
    let stage = Stage::new();
    stage.file("disk/one.txt", "one");
    stage.deposit(&stage.path("disk"));
    let mut secrets = forms("the passphrase", PASSPHRASE.as_bytes());
    for page in tree(&stage.path("shares")) {
        let text = std::fs::read_to_string(page).unwrap();
        let words: Vec<&str> = text
            .split("---- BEGIN WORDS ----")
            .nth(1)
            .unwrap()
            .split("---- END")
            .next()
            .unwrap()
            .split_whitespace()
            .filter(|word| word.chars().all(char::is_alphabetic))
            .collect();
        assert_eq!(words.len(), 33, "{text}");
        // Three words in a row stand on a page only.
        secrets.extend(forms("words of a share", words[4..7].join(" ").as_bytes()));
    }
    secrets.extend(forms("a key in clear", b"AGE-SECRET-KEY-PQ-1"));
    assert_silent(&stage.repo.join("keys"), &secrets);
    for folder in ["vault", "log", "lock", "stamps", "staging"] {
        assert_silent(&stage.repo.join(folder), &secrets);
    }
    for file in ["index.db", "sago.toml"] {
        assert_eq!(songs(&std::fs::read(stage.repo.join(file)).unwrap(), &secrets), Vec::<String>::new(), "{file}");
    }
    stage.verify_everything();
}

crate::pairs::also_on_servers!(
    marked_words_are_found_nowhere_in_what_the_repository_keeps,
    who_holds_a_known_file_cannot_confirm_that_the_repository_holds_it_too,
);

//! Time-stamps that the binary obtained from an authority on this machine, before OpenSSL, another library, both verifiers and VERIFY.md.
//!
//! How bad authorities and interrupted rounds are dealt with is tested beside the code (sago-core, stamp); here strangers look at the result.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use super::verifiers::{by_both, follow_verify_md, keys};
use super::{export, find, flip, put_back, run, with_strange_disk};
use crate::cast::{Answer, Stage, answer, tool};

/// A time-stamping authority: a root and a signer made by OpenSSL, behind a server on a free port. Ends with the value.
pub struct Authority {
    folder: TempDir,
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let settings = "[req]\ndistinguished_name = n\nprompt = no\n[n]\n\
                        [ca]\nbasicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign\n\
                        [tsa]\nbasicConstraints = critical,CA:FALSE\nkeyUsage = critical,digitalSignature\nextendedKeyUsage = critical,timeStamping\n\
                        [ts]\nserial = serial\nsigner_digest = sha256\ndefault_policy = 1.3.6.1.4.1.99999.1\ndigests = sha256, sha512\nordering = no\n\
                        tsa_name = no\ness_cert_id_chain = no\ness_cert_id_alg = sha256\n";
        std::fs::write(folder.path().join("settings"), settings).unwrap();
        std::fs::write(folder.path().join("serial"), "01\n").unwrap();
        let new_key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config settings";
        for line in [
            format!("req -x509 {new_key} -extensions ca -days 3650 -subj /CN={name}-root -keyout root.key -out root.pem"),
            format!("req -new {new_key} -subj /CN={name}-signer -keyout signer.key -out signer.csr"),
            "x509 -req -in signer.csr -CA root.pem -CAkey root.key -set_serial 2 -days 3000 -extfile settings -extensions tsa -out signer.pem".to_owned(),
        ] {
            openssl(folder.path(), &line).ends(0);
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let (place, end) = (folder.path().to_owned(), is_over.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    break;
                }
                serve(&place, stream.unwrap());
            }
        });
        Self { folder, address, is_over }
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// Enters the authority in the settings of the stage's repository.
    pub fn enter(&self, stage: &Stage, name: &str) {
        let anchor = format!("anchors/{name}.pem");
        std::fs::create_dir_all(stage.repo.join("anchors")).unwrap();
        std::fs::copy(self.root(), stage.repo.join(&anchor)).unwrap();
        let file = stage.repo.join("sago.toml");
        let settings = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, format!("{settings}\n[[authority]]\nname = \"{name}\"\nurl = \"http://{}/tsr\"\nanchor = \"{anchor}\"\n", self.address)).unwrap();
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // The server waits for somebody to come before it looks.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(place: &Path, mut stream: TcpStream) {
    let mut reader = BufReader::new(&stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.to_ascii_lowercase().strip_prefix("content-length:") {
            Some(number) => length = number.trim().parse().unwrap(),
            None if line.trim().is_empty() => break,
            None => {}
        }
    }
    let mut query = vec![0; length];
    reader.read_exact(&mut query).unwrap();
    std::fs::write(place.join("query"), query).unwrap();
    openssl(place, "ts -reply -config settings -section ts -queryfile query -signer signer.pem -inkey signer.key -out reply").ends(0);
    let reply = std::fs::read(place.join("reply")).unwrap();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", reply.len());
    stream.write_all(&[head.as_bytes(), &reply].concat()).unwrap();
}

fn openssl(folder: &Path, line: &str) -> Answer {
    answer(Command::new(tool("SAGO_TOOL_OPENSSL")).current_dir(folder).args(line.split_whitespace()).output().unwrap())
}

/// `sago stamp`, which must not go through a proxy to this machine.
pub fn stamp(stage: &Stage) -> Vec<Value> {
    answer(stage.command(["stamp", "--json"]).env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1").output().unwrap()).ends(0).objects()
}

/// What OpenSSL says of a token over a file, with this root alone believed.
fn openssl_accepts(token: &Path, stamped: &Path, root: &Path, chain: &Path) -> bool {
    let mut command = Command::new(tool("SAGO_TOOL_OPENSSL"));
    // `-untrusted` takes a list with blanks between, so the chain is named from its own folder.
    command.current_dir(chain.parent().unwrap()).args(["ts", "-verify", "-in"]).arg(token).arg("-data").arg(stamped);
    command.arg("-CAfile").arg(root).arg("-untrusted").arg(chain.file_name().unwrap());
    let said = answer(command.output().unwrap());
    assert!(said.out == if said.code == 0 { "Verification: OK\n" } else { "Verification: FAILED\n" } && !said.err.contains("Could not"), "{said:?}");
    said.code == 0
}

/// What the Python library rfc3161-client says of the same.
fn rfc3161_client_accepts(stage: &Stage, token: &Path, stamped: &Path, root: &Path) -> bool {
    let script = stage.file(
        "judge.py",
        "import sys\nfrom cryptography import x509\nfrom rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response\n\
         token, stamped, root = (open(name, 'rb').read() for name in sys.argv[1:])\n\
         verifier = VerifierBuilder().add_root_certificate(x509.load_pem_x509_certificate(root)).build()\n\
         try:\n    verifier.verify_message(decode_timestamp_response(token), stamped)\n\
         except VerificationError as error:\n    sys.exit(f'refused: {error}')\nprint('accepted')\n",
    );
    let said = run(tool("SAGO_TOOL_RFC3161"), [&script, token, stamped, root]);
    let is_accepted = said.out == "accepted\n";
    assert!(is_accepted || said.err.starts_with("refused: "), "{said:?}");
    is_accepted
}

/// The tokens in a folder of time-stamps, with the checkpoint and the chain beside each.
fn tokens(folder: &Path) -> Vec<(PathBuf, PathBuf, PathBuf)> {
    let mut found: Vec<_> = super::files_in(folder).into_iter().filter(|path| path.extension().is_some_and(|end| end == "tsr")).collect();
    found.sort();
    let beside = |token: &Path, name: &str| token.parent().unwrap().join(name);
    let authority = |token: &Path| token.file_name().unwrap().to_str().unwrap().split('.').next().unwrap().to_owned();
    found.into_iter().map(|token| (token.clone(), beside(&token, "checkpoint"), beside(&token, &format!("{}.chain.pem", authority(&token))))).collect()
}

#[test]
fn openssl_and_another_library_accept_the_tokens_and_nothing_else() {
    let (stage, authority, stranger) = (Stage::new(), Authority::new("house"), Authority::new("stranger"));
    authority.enter(&stage, "house");
    with_strange_disk(&stage);
    let answers = stamp(&stage);
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(|token| token["trusted"] == true && token["is_new"] == true), "{answers:?}");

    let kept = tokens(&stage.local("stamps"));
    assert_eq!(kept.len(), 2, "one for each digest");
    let other = stage.file("other", "something else");
    for (token, checkpoint, chain) in &kept {
        assert!(openssl_accepts(token, checkpoint, &authority.root(), chain));
        assert!(!openssl_accepts(token, checkpoint, &stranger.root(), chain));
        assert!(!openssl_accepts(token, &other, &authority.root(), chain));
        assert!(rfc3161_client_accepts(&stage, token, checkpoint, &authority.root()));
        assert!(!rfc3161_client_accepts(&stage, token, checkpoint, &stranger.root()));
        assert!(!rfc3161_client_accepts(&stage, token, &other, &authority.root()));
    }

    // The auditor believes the anchor in the settings, so nothing is left open about the authority.
    let custody_and_access = keys(&stage);
    let options: Vec<&str> = custody_and_access.iter().flat_map(|key| ["--key", key.to_str().unwrap()]).collect();
    let judged = stage.sago(["verify", "--json"].into_iter().chain(options)).ends(0).objects();
    assert!(judged.iter().all(|line| line["code"] != "stamp-unanchored"), "{judged:?}");
    let report = judged.last().unwrap();
    assert_eq!((&report["sound"], &report["warnings"]), (&true.into(), &0.into()), "{report}");
    assert!(report["checked"].as_array().unwrap().iter().any(|what| what.as_str().unwrap().ends_with("2 time-stamp tokens over 1 checkpoints")), "{report}");

    // What was fetched from a bucket is changed there too.
    let send = |file: &Path| {
        if let Ok(name) = file.strip_prefix(stage.path("fetched stamps")) {
            stage.put("stamps", name.to_str().unwrap(), Some(std::fs::read(file).unwrap()));
        }
    };
    // The end of a token is its signature.
    for file in [&kept[0].0, &kept[0].1] {
        let before = super::change(file, |bytes| *bytes.last_mut().unwrap() ^= 1);
        send(file);
        assert_eq!(stage.say("verify --json").ends(1).object()["sound"], false, "{}", file.display());
        put_back(file, &before);
        send(file);
    }
    // Somebody else's root under the authority's name.
    std::fs::copy(stranger.root(), stage.repo.join("anchors/house.pem")).unwrap();
    stage.say("verify --json").ends(1);
    std::fs::copy(authority.root(), stage.repo.join("anchors/house.pem")).unwrap();
    stage.verify_everything();
}

#[test]
fn the_log_remembers_every_token() {
    let (stage, authority) = (Stage::new(), Authority::new("house"));
    authority.enter(&stage, "house");
    stage.file("disk/one.txt", "one");
    stage.deposit(&stage.path("disk"));
    stamp(&stage);
    stage.verify_everything();
    let kept = tokens(&stage.local("stamps"));
    let (token, _, _) = &kept[0];
    let judge = || stage.say("verify --json").code;
    // The certificate inside the token also lies in the chain beside it, so the token still convinces; it is not the one that was entered.
    let before = super::change(token, |bytes| {
        let key_usage = bytes.windows(5).position(|five| five == [0x06, 0x03, 0x55, 0x1d, 0x0f]).unwrap();
        bytes[key_usage + 4] ^= 1;
    });
    assert_eq!(judge(), 1, "a token is not the one whose SHA-256 the log holds");
    put_back(token, &before);
    assert_eq!(judge(), 0);
    std::fs::remove_file(token).unwrap();
    assert_eq!(judge(), 1, "a token that the log speaks of is gone");
    put_back(token, &before);
    let stamps = stage.repo.join("stamps");
    std::fs::rename(&stamps, stage.path("elsewhere")).unwrap();
    std::fs::create_dir(&stamps).unwrap();
    assert_eq!(judge(), 1, "all time-stamps are gone");
}

#[test]
fn a_package_made_after_the_stamp_carries_it_to_a_stranger() {
    let (stage, authority, stranger) = (Stage::new(), Authority::new("house"), Authority::new("stranger"));
    authority.enter(&stage, "house");
    let number = with_strange_disk(&stage);
    stamp(&stage);
    let package = export(&stage, &number);
    let carried = tokens(&package.join("data/stamps"));
    assert_eq!(carried.len(), 2);
    for (token, checkpoint, chain) in &carried {
        assert!(openssl_accepts(token, checkpoint, &authority.root(), chain));
    }
    let keys = keys(&stage);
    let anchor = [authority.root()];
    assert!(by_both(&package, &keys, &anchor).is_sound);
    let ours = |anchors: &[PathBuf]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sago"));
        command.env_clear().args(["verify", "--json"]).arg(&package);
        keys.iter().for_each(|key| _ = command.arg("--key").arg(key));
        anchors.iter().for_each(|anchor| _ = command.arg("--anchor").arg(anchor));
        answer(command.output().unwrap())
    };
    let has = |said: &Answer, code: &str| said.objects().iter().any(|line| line["code"] == code);
    assert!(!has(&ours(&anchor).ends(0), "stamp-unanchored"));
    assert!(has(&ours(&[]).ends(0), "stamp-unanchored"), "without a root nobody vouches for the authority");
    ours(&[stranger.root()]).ends(1);

    let markdown = std::fs::read_to_string(package.join("data/VERIFY.md")).unwrap();
    assert!(!markdown.contains("This package holds no time-stamp"));
    assert!(follow_verify_md(&stage, &package) >= 2);

    // The checkpoint is other than the stamped one: both see it. The token's signature is broken: ours sees it, and OpenSSL does.
    let (token, checkpoint, chain) = &carried[0];
    let before = flip(checkpoint);
    assert!(!by_both(&package, &keys, &anchor).is_sound);
    put_back(checkpoint, &before);
    let before = super::change(token, |bytes| *bytes.last_mut().unwrap() ^= 1);
    assert!(!openssl_accepts(token, checkpoint, &authority.root(), chain));
    ours(&anchor).ends(1);
    put_back(token, &before);
    std::fs::remove_file(find(&package.join("data/stamps"), ".chain.pem")).unwrap();
    assert!(!by_both(&package, &keys, &anchor).is_sound, "the bag misses a file");
    // OpenSSL is asked about the time of the token; a reader sees that time.
    assert!(markdown.contains(" -attime "), "VERIFY.md does not give the time of the token, so its commands fail when the certificates expire");
}

crate::pairs::also_on_servers!(openssl_and_another_library_accept_the_tokens_and_nothing_else, a_package_made_after_the_stamp_carries_it_to_a_stranger,);

//! A real package on disk: originals, manifest, two Merkle trees, a signed checkpoint, a time-stamp, the descriptions, the bag's manifests.
//!
//! Keys, signatures and time-stamps are OpenSSL's and the trees are written from the definition in RFC 6962, section 2.1: nothing here
//! shares code with what is tested.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sago_packages::describe::*;
use serde_json::json;
use sha2::{Digest, Sha256, Sha512};
use tempfile::TempDir;

use super::sample::{self, ORIGIN};

/// Runs a program in a folder and gives what it wrote.
pub fn run(folder: &Path, program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed for this test and could not be started: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    Sha256::digest(parts.concat()).to_vec()
}

/// RFC 6962, section 2.1: the tree's hash, by its recursive definition.
fn root(leaves: &[Vec<u8>]) -> Vec<u8> {
    match leaves {
        [one] => one.clone(),
        many => {
            let (left, right) = many.split_at(split(many.len()));
            sha256(&[&[1], &root(left), &root(right)])
        }
    }
}

/// RFC 6962, section 2.1.1: the audit path, by its recursive definition.
fn path(index: usize, leaves: &[Vec<u8>]) -> Vec<Vec<u8>> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut found, sibling) = if index < k { (path(index, left), root(right)) } else { (path(index - k, right), root(left)) };
    found.push(sibling);
    found
}

fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}

/// Makes a package and gives its temporary folder, the bag's folder in it, and its dossier.
///
/// The manifest has `line_count` lines, the second of which is the worked example; the log has `log_size` entries.
pub fn make(line_count: usize, log_size: usize, withheld: Option<&str>) -> (TempDir, PathBuf, Dossier) {
    let work = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let keys = work.path().join("keys");
    let bag = work.path().join("bag");
    fs::create_dir_all(&keys).unwrap();
    fs::create_dir_all(&bag).unwrap();
    let write = |path: &str, bytes: &[u8]| {
        let path = bag.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let mut dossier = sample::sample();
    dossier.export.name = "bag".into();
    // A quote, a space and an apostrophe must survive the shell.
    dossier.items[0].evidence = "data/evidence/A-2026-0001.00001/진술서 \"그'날\" (1).hwp".into();
    for (i, item) in dossier.items.iter_mut().enumerate() {
        let bytes = format!("Original {i}\n").repeat(100 + i);
        item.size = bytes.len() as u64;
        item.sha256 = hex::encode(Sha256::digest(&bytes));
        item.sha512 = hex::encode(Sha512::digest(&bytes));
        write(&item.evidence, bytes.as_bytes());
    }

    // The manifest: the accession, the items, then other lines nobody here sees.
    let mut lines = vec![json!({"accession": "A-2026-0001", "line": "sago-accession/1", "salt": "AAAA"}).to_string()];
    lines.extend(dossier.items.iter().map(|item| {
        json!({"bytes": item.size, "item": item.number, "line": "sago-item/1", "path": item.path, "sha256": item.sha256, "sha512": item.sha512}).to_string()
    }));
    lines.extend((lines.len()..line_count).map(|n| json!({"line": "sago-finding/1", "n": n}).to_string()));
    let leaves: Vec<_> = lines.iter().map(|line| sha256(&[&[0], line.as_bytes()])).collect();
    let manifest_root = hex::encode(root(&leaves));
    let mut item_proofs = Vec::new();
    for (i, item) in dossier.items.iter().enumerate() {
        let proof = json!({
            "event_index": 5, "item_proof": "sago-item-proof/1", "line": lines[i + 1], "line_index": i + 1, "line_count": lines.len(),
            "log": ORIGIN, "path": path(i + 1, &leaves).iter().map(hex::encode).collect::<Vec<_>>(),
        })
        .to_string();
        write(&item.proof, proof.as_bytes());
        item_proofs.push(proof);
    }

    let (vkey, sign) = log_key(&keys);
    for log in &mut dossier.repository.logs {
        log.content = format!("another.example+00000000+Bgo=\n{vkey}\n");
        write(&log.file, log.content.as_bytes());
    }

    // The log: entry 5 is the reception, the others are only leaves here.
    let halves =
        [("skeleton", r#"{"kind":"accession-received"}"#.to_owned()), ("detail", json!({"manifest_root": manifest_root, "title": "진술 “3”"}).to_string())];
    let mut opening = json!({"index": 5, "log": ORIGIN, "opening": "sago-opening/1", "seconds": 1_773_482_520});
    let mut commitments = Vec::new();
    for (half, payload) in halves {
        let nonce = [half.len() as u8; 32];
        let commitment = sha256(&[format!("sago/{half}/1\n").as_bytes(), &nonce, payload.as_bytes()]);
        opening[half] = if withheld == Some(half) {
            json!({"commitment": STANDARD.encode(&commitment)})
        } else {
            json!({"nonce": STANDARD.encode(nonce), "payload": payload})
        };
        commitments.push(commitment);
    }
    let commitment = sha256(&[b"sago/leaf/1\n", &commitments[0], &commitments[1]]);
    let entry = format!("sago-leaf/1 1773482520 {}\n", STANDARD.encode(commitment));
    let mut records: Vec<_> = (0..log_size).map(|n| sha256(&[&[0], format!("entry {n}").as_bytes()])).collect();
    records[5] = sha256(&[&[0], entry.as_bytes()]);
    let note = format!("{ORIGIN}\n{log_size}\n{}\n", STANDARD.encode(root(&records)));
    let checkpoint = format!("{note}\n— witness.example AAAAAAAA\n{}\n", sign(&note));
    let hashes: String = path(5, &records).iter().map(|hash| STANDARD.encode(hash) + "\n").collect();
    let proof = format!("c2sp.org/tlog-proof@v1\nextra {}\nindex 5\n{hashes}\n{checkpoint}", STANDARD.encode(opening.to_string()));
    write("data/proofs/custody-5.tlog-proof", proof.as_bytes());
    dossier.example = Some(Example { item_proof: item_proofs.swap_remove(0), tlog_proof: proof, tlog_proof_file: "data/proofs/custody-5.tlog-proof".into() });

    let folder = format!("data/stamps/0011223344556677/{log_size}");
    write(&format!("{folder}/checkpoint"), checkpoint.as_bytes());
    let stamp = &mut dossier.stamps[0];
    stamp.size = log_size as u64;
    stamp.checkpoint = format!("{folder}/checkpoint");
    stamp.chain = format!("{folder}/test.chain.pem");
    stamp.tokens = time_stamp(&keys, &bag.join(&folder))
        .iter()
        .map(|digest| StampToken { digest: (*digest).into(), response: format!("{folder}/test.{digest}.tsr") })
        .collect();
    stamp.gen_time = String::from_utf8(run(&keys, "date", &["-u", "+%Y-%m-%dT%H:%M:%S.000000Z"])).unwrap().trim().to_owned();
    write(VERIFIER_PLACE, b"# the independent verifier\n");
    finish(&bag, &mut dossier);
    (work, bag, dossier)
}

const VERIFIER_PLACE: &str = "data/verify/sago_verify.py";

/// An Ed25519 key of the log: its verifier key, and what signs a note with it.
fn log_key(keys: &Path) -> (String, impl Fn(&str) -> String) {
    run(keys, "openssl", &["genpkey", "-algorithm", "ed25519", "-out", "log.pem"]);
    let der = run(keys, "openssl", &["pkey", "-in", "log.pem", "-pubout", "-outform", "DER"]);
    let public = [&[1], &der[der.len() - 32..]].concat();
    let id = sha256(&[ORIGIN.as_bytes(), b"\n", &public])[..4].to_vec();
    let vkey = format!("{ORIGIN}+{}+{}", hex::encode(&id), STANDARD.encode(public));
    let keys = keys.to_owned();
    let sign = move |note: &str| {
        fs::write(keys.join("note"), note).unwrap();
        run(&keys, "openssl", &["pkeyutl", "-sign", "-inkey", "log.pem", "-rawin", "-in", "note", "-out", "signature"]);
        let signature = fs::read(keys.join("signature")).unwrap();
        format!("— {ORIGIN} {}", STANDARD.encode([id.clone(), signature].concat()))
    };
    (vkey, sign)
}

/// A time-stamping authority of one's own stamps the file `checkpoint` in a folder, twice.
fn time_stamp(keys: &Path, folder: &Path) -> [&'static str; 2] {
    fs::write(
        keys.join("tsa.cnf"),
        "[req]\ndistinguished_name = dn\n[dn]\n[ca]\nbasicConstraints = critical, CA:TRUE\n[tsa_ext]\nextendedKeyUsage = critical, timeStamping\n\
         [tsa]\ndefault_tsa = here\n[here]\nserial = serial\ncrypto_device = builtin\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\n\
         digests = sha256, sha512\ness_cert_id_alg = sha256\n",
    )
    .unwrap();
    fs::write(keys.join("serial"), "01\n").unwrap();
    let subject = |name: &str| format!("/CN={name}");
    for (name, extension) in [("ca", "ca"), ("tsa", "tsa_ext")] {
        let (key, cert, subject) = (format!("{name}.key"), format!("{name}.pem"), subject(name));
        let mut arguments = vec!["req", "-config", "tsa.cnf", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-sha256"];
        arguments.extend(["-keyout", &key, "-out", &cert, "-subj", &subject, "-extensions", extension]);
        if name == "tsa" {
            arguments.extend(["-CA", "ca.pem", "-CAkey", "ca.key"]);
        }
        run(keys, "openssl", &arguments);
    }
    let chain = [fs::read(keys.join("tsa.pem")).unwrap(), fs::read(keys.join("ca.pem")).unwrap()].concat();
    fs::write(folder.join("test.chain.pem"), chain).unwrap();
    let data = folder.join("checkpoint");
    for digest in ["sha256", "sha512"] {
        let response = folder.join(format!("test.{digest}.tsr"));
        let flag = format!("-{digest}");
        run(keys, "openssl", &["ts", "-query", "-data", data.to_str().unwrap(), &flag, "-cert", "-out", "query.tsq"]);
        let reply = ["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", "-signer", "tsa.pem", "-inkey", "tsa.key"];
        run(keys, "openssl", &[&reply[..], &["-out", response.to_str().unwrap()]].concat());
    }
    ["sha256", "sha512"]
}

/// Writes the four descriptions, lists every file, and makes the bag's manifests with coreutils.
fn finish(bag: &Path, dossier: &mut Dossier) {
    let made = ["data/READ-ME-FIRST.html", "data/VERIFY.md", "data/ro-crate-metadata.json", "data/provenance/premis.xml"];
    dossier.files.retain(|file| made.contains(&file.path.as_str()));
    for file in &mut dossier.files {
        (file.size, file.sha256) = (None, None);
    }
    let listed = String::from_utf8(run(bag, "find", &["data", "-type", "f"])).unwrap();
    for path in listed.lines().filter(|path| !made.contains(path)) {
        let bytes = fs::read(bag.join(path)).unwrap();
        dossier.files.push(BagFile {
            path: path.into(),
            size: Some(bytes.len() as u64),
            sha256: Some(hex::encode(Sha256::digest(&bytes))),
            media_type: "application/octet-stream".into(),
            description: format!("File {path}."),
        });
    }
    for event in &mut dossier.events {
        // Only the proof of the worked example is on disk.
        "data/proofs/custody-5.tlog-proof".clone_into(&mut event.proof);
    }
    fs::create_dir_all(bag.join("data/provenance")).unwrap();
    let texts = [story_html(dossier), verify_md(dossier), ro_crate_json(dossier), premis_xml(dossier)];
    for (path, text) in made.iter().zip(texts) {
        fs::write(bag.join(path), text).unwrap();
    }
    fs::write(bag.join("bagit.txt"), "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n").unwrap();
    for digest in ["sha256", "sha512"] {
        let script = format!("find data -type f -print0 | LC_ALL=C sort -z | xargs -0 {digest}sum > manifest-{digest}.txt");
        run(bag, "bash", &["-c", &script]);
    }
    for digest in ["sha256", "sha512"] {
        run(bag, "bash", &["-c", &format!("{digest}sum bagit.txt manifest-*.txt > tagmanifest-{digest}.txt")]);
    }
}

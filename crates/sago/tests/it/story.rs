//! The path every day takes: deposit, list, show, open, receipt, export, verify, fixity, rebuild.

use std::ffi::OsStr;

use crate::cast::{Stage, shared_data};

#[test]
fn the_whole_path_works_and_a_stranger_verifies_it() {
    let stage = Stage::new();
    stage.file("disk/진술서.txt", "온성 구류장");
    stage.file("disk/copy/진술서 사본.txt", "온성 구류장");
    stage.file("disk/empty.txt", "");
    let deposited = stage.deposit(&stage.path("disk"));
    assert_eq!(deposited["items"], 3);
    assert_eq!(deposited["duplicates"], 1);
    assert_eq!(deposited["files_seen"], 3);
    let number = deposited["accession"].as_str().unwrap().to_owned();

    let items = stage.say("list items --json").ends(0).objects();
    assert_eq!(items.len(), 3);
    let item = items.iter().find(|item| item["path"].as_str().unwrap().ends_with("/진술서.txt")).unwrap();
    let opened = stage.path("opened.txt");
    stage
        .sago([OsStr::new("open"), item["item"].as_str().unwrap().as_ref(), "--reason".as_ref(), "to read".as_ref(), "--output".as_ref(), opened.as_os_str()])
        .ends(0);
    assert_eq!(std::fs::read_to_string(&opened).unwrap(), "온성 구류장");

    let shown = stage.say(&format!("show {} --json", item["item"].as_str().unwrap())).ends(0).object();
    assert!(shown["history"].as_array().unwrap().iter().any(|event| event["kind"] == "item-opened" && event["detail"]["reason"] == "to read"));

    for (what, folder) in [(number.as_str(), "whole"), (item["item"].as_str().unwrap(), "one")] {
        let package = stage.path(folder);
        stage
            .sago([
                OsStr::new("export"),
                what.as_ref(),
                "--output".as_ref(),
                package.as_os_str(),
                "--recipient".as_ref(),
                "Court".as_ref(),
                "--reason".as_ref(),
                "asked".as_ref(),
            ])
            .ends(0);
        let log = stage.local("log");
        let keys = [log.join("1/custody.vkey"), log.join("1/access.vkey")];
        let mut stranger = std::process::Command::new(env!("CARGO_BIN_EXE_sago"));
        stranger.args(["verify", "--json"]).arg(&package).arg("--key").arg(&keys[0]).arg("--key").arg(&keys[1]).env_clear();
        let report = crate::cast::answer(stranger.output().unwrap()).ends(0).object();
        assert_eq!((&report["sound"], &report["warnings"]), (&true.into(), &0.into()), "{report}");
    }
    // The package of one item names no other.
    let told = std::fs::read_to_string(stage.path("one/data/provenance/premis.xml")).unwrap();
    assert!(told.contains("진술서.txt") && !told.contains("empty.txt") && !told.contains("사본"));

    let receipt = stage.path("receipt");
    stage.sago([OsStr::new("receipt"), number.as_ref(), "--output".as_ref(), receipt.as_os_str()]).ends(0);
    stage.sago([OsStr::new("verify"), receipt.as_os_str()]).ends(0);
    assert_eq!(stage.say("fixity --all --json").ends(0).object()["failures"], 0);
    stage.verify_everything();
    let rebuilt = stage.say("rebuild --json").ends(0).object();
    assert_eq!(rebuilt["differences"], 0);
    stage.verify_everything();
}

#[test]
fn the_real_documents_are_received_and_the_counts_add_up() {
    let stage = Stage::new();
    let deposited = stage.deposit(&shared_data("documents"));
    let count = std::fs::read_dir(shared_data("documents")).unwrap().count() as u64;
    assert_eq!(deposited["files_seen"], count);
    assert_eq!(deposited["items"].as_u64().unwrap() + deposited["findings"].as_u64().unwrap(), count);
    assert_eq!(deposited["findings"], 0);
    stage.verify_everything();
    // Every original comes out as it went in: the manifest's digests are those of the files.
    for item in stage.say("list items --json").ends(0).objects() {
        let name = item["path"].as_str().unwrap().strip_prefix("documents/").unwrap();
        if let Ok(bytes) = std::fs::read(shared_data("documents").join(name)) {
            assert_eq!(item["sha256"], sha256(&bytes), "{name}");
        }
    }
}

#[test]
fn the_senders_list_is_compared_file_by_file() {
    let stage = Stage::new();
    stage.file("disk/right.txt", "right");
    stage.file("disk/wrong.txt", "wrong");
    stage.file("disk/unlisted.txt", "unlisted");
    let list = format!("{}  right.txt\n{}  wrong.txt\n{}  missing.txt\n", sha256(b"right"), sha256(b"other"), sha256(b"missing"));
    let list = stage.file("list.sha256", list);
    let deposited = stage
        .sago([
            OsStr::new("deposit"),
            stage.path("disk").as_os_str(),
            "--manifest".as_ref(),
            list.as_os_str(),
            "--contributor".as_ref(),
            "P".as_ref(),
            "--title".as_ref(),
            "T".as_ref(),
            "--json".as_ref(),
        ])
        .ends(0)
        .object();
    assert_eq!(deposited["mismatches"], 1);
    let codes: Vec<_> = deposited["details"].as_array().unwrap().iter().map(|detail| detail["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"sender-mismatch") && codes.contains(&"listed-not-received"), "{codes:?}");
    let by_name = |name: &str| {
        stage.say("list items --json").objects().into_iter().find(|item| item["path"].as_str().unwrap().ends_with(name)).unwrap()["sender"].clone()
    };
    assert_eq!(by_name("right.txt"), "match");
    assert_eq!(by_name("wrong.txt"), "mismatch");
    assert_eq!(by_name("unlisted.txt"), "not-listed");
    stage.verify_everything();
}

#[test]
fn a_bag_is_validated_and_taken_apart() {
    let stage = Stage::new();
    stage.file("bag/bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");
    stage.file("bag/data/a.txt", "a");
    stage.file("bag/data/b.txt", "changed on the way");
    stage.file("bag/manifest-sha256.txt", format!("{}  data/a.txt\n{}  data/b.txt\n", sha256(b"a"), sha256(b"b")));
    let deposited = stage.deposit(&stage.path("bag"));
    assert_eq!((&deposited["items"], &deposited["mismatches"]), (&4.into(), &1.into()));
    stage.verify_everything();
}

#[test]
fn what_the_unit_holds_already_is_recognised_and_stored_once() {
    let stage = Stage::new();
    stage.file("disk/one.txt", "the same bytes");
    let first = stage.deposit(&stage.path("disk"));
    let again = stage
        .sago([
            OsStr::new("deposit"),
            stage.path("disk").as_os_str(),
            "--unit".as_ref(),
            first["unit"].as_str().unwrap().as_ref(),
            "--contributor".as_ref(),
            "Partner".as_ref(),
            "--title".as_ref(),
            "Again".as_ref(),
            "--json".as_ref(),
        ])
        .ends(0)
        .object();
    assert_eq!((&again["duplicates"], &again["stored_bytes"], &again["items"]), (&1.into(), &0.into(), &1.into()));
    let opened = stage.path("opened");
    stage
        .sago([
            OsStr::new("open"),
            format!("{}.00001", again["accession"].as_str().unwrap()).as_ref(),
            "--reason".as_ref(),
            "r".as_ref(),
            "--output".as_ref(),
            opened.as_os_str(),
        ])
        .ends(0);
    assert_eq!(std::fs::read(opened).unwrap(), b"the same bytes");
    // Another unit is never compared: that would leak, and would defeat its destruction.
    assert_eq!(stage.deposit(&stage.path("disk"))["duplicates"], 0);
    stage.verify_everything();
}

#[test]
fn standard_input_becomes_one_item() {
    let stage = Stage::new();
    let mut command = stage.command(["deposit", "-", "--stdin-name", "from the pipe.txt", "--contributor", "P", "--title", "T", "--json"]);
    let mut child = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"piped").unwrap();
    let deposited = crate::cast::answer(child.wait_with_output().unwrap()).ends(0).object();
    assert_eq!((&deposited["items"], &deposited["bytes"]), (&1.into(), &5.into()));
    assert_eq!(stage.say("list items --json").object()["path"], "from the pipe.txt");
    stage.verify_everything();
}

#[test]
fn a_sealed_unit_takes_evidence_and_opens_only_with_the_custodians() {
    let stage = Stage::new();
    stage.file("disk/one.txt", "sealed at once");
    let sealed = stage
        .sago([
            OsStr::new("deposit"),
            stage.path("disk").as_os_str(),
            "--sealed".as_ref(),
            "--contributor".as_ref(),
            "P".as_ref(),
            "--title".as_ref(),
            "T".as_ref(),
            "--json".as_ref(),
        ])
        .ends(0)
        .object();
    let number = sealed["accession"].as_str().unwrap();
    let opened = stage.path("opened");
    let open =
        || stage.sago([OsStr::new("open"), format!("{number}.00001").as_ref(), "--reason".as_ref(), "r".as_ref(), "--output".as_ref(), opened.as_os_str()]);
    assert!(open().ends(2).err.contains("sealed"));
    stage.verify_everything();
    // Evidence can still be added.
    stage.file("disk2/two.txt", "more");
    stage
        .sago([
            OsStr::new("deposit"),
            stage.path("disk2").as_os_str(),
            "--unit".as_ref(),
            number.as_ref(),
            "--contributor".as_ref(),
            "P".as_ref(),
            "--title".as_ref(),
            "T2".as_ref(),
        ])
        .ends(0);
    let shares = stage.path("shares");
    let unseal = |share: &str| {
        stage.sago([
            OsStr::new("key"),
            "unseal".as_ref(),
            number.as_ref(),
            "--reason".as_ref(),
            "court order".as_ref(),
            "--share".as_ref(),
            shares.join("share-1-of-3.txt").as_os_str(),
            "--share".as_ref(),
            shares.join(share).as_os_str(),
        ])
    };
    assert!(unseal("share-1-of-3.txt").ends(2).err.contains("shares"));
    unseal("share-3-of-3.txt").ends(0);
    open().ends(0);
    assert_eq!(std::fs::read(&opened).unwrap(), b"sealed at once");
    stage.verify_everything();
}

pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(bytes))
}

crate::pairs::also_on_servers!(
    the_whole_path_works_and_a_stranger_verifies_it,
    the_real_documents_are_received_and_the_counts_add_up,
    the_senders_list_is_compared_file_by_file,
    a_bag_is_validated_and_taken_apart,
    what_the_unit_holds_already_is_recognised_and_stored_once,
    standard_input_becomes_one_item,
    a_sealed_unit_takes_evidence_and_opens_only_with_the_custodians,
);

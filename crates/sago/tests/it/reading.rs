//! From bytes to words: everything is read or said not to be, counts add up, people find what was read, strangers do not, and nothing of it lies in clear.

use std::io::Write as _;

use serde_json::Value;

use crate::cast::{Stage, shared_data};
use crate::pairs::also_on_servers;

also_on_servers!(
    a_disk_is_read_searched_and_opened_down_to_a_file_in_a_file_in_a_file,
    what_is_lost_of_texts_and_index_is_made_anew,
    who_may_not_read_finds_nothing,
    a_sealed_unit_is_neither_read_nor_found_until_it_is_opened_again,
    real_hangul_documents_give_their_words_through_every_step,
    a_node_reads_what_was_received_by_itself,
);

/// A partner's disk of many kinds.
fn disk(stage: &Stage) {
    stage.file("disk/진술서.txt", "2011년 3월 온성군 보위부 구류장에서 김정은이 아닌 김철수가 말하였다.\n둘째 줄");
    // CP949, as an old Windows disk has it.
    let (cp949, _, _) = encoding_rs::EUC_KR.encode("증거목록: 회령시 전거리 교화소 수감자 명단");
    stage.file("disk/목록.txt", &cp949);
    stage.file(
        "disk/letter.eml",
        "From: Kim <kim@example.org>\r\nTo: b@example.org\r\nSubject: The prison at Chongori\r\nContent-Type: text/plain\r\n\r\nHe was beaten.\r\n",
    );
    stage.file("disk/empty.doc", "");
    stage.file("disk/zeros.pdf", vec![0; 5000]);
    stage.file("disk/noise.bin", (0..4000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect::<Vec<_>>());
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("안/inside.txt", options).unwrap();
    zip.write_all("the hidden word is Samjiyon".as_bytes()).unwrap();
    let inner = {
        let mut inner = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        inner.start_file("deep.txt", options).unwrap();
        inner.write_all("무산군의 증인".as_bytes()).unwrap();
        inner.finish().unwrap().into_inner()
    };
    zip.start_file("inner.zip", options).unwrap();
    zip.write_all(&inner).unwrap();
    stage.file("disk/archive.zip", zip.finish().unwrap().into_inner());
}

fn numbers(found: &[Value]) -> Vec<&str> {
    found.iter().filter_map(|hit| hit["number"].as_str()).collect()
}

/// Hits and the last line.
fn search(stage: &Stage, query: &str) -> (Vec<Value>, Value) {
    let mut lines = stage.sago(["search", query, "--json"]).ends(0).objects();
    let sum = lines.pop().unwrap();
    assert_eq!(sum["shown"].as_u64().unwrap() as usize, lines.len());
    (lines, sum)
}

fn item_of(stage: &Stage, name: &str) -> String {
    let path = format!("disk/{name}");
    let items = stage.say("list items --json").ends(0).objects();
    items.iter().find(|item| item["path"] == path.as_str()).unwrap_or_else(|| panic!("there is no {path}"))["item"].as_str().unwrap().to_owned()
}

#[test]
fn a_disk_is_read_searched_and_opened_down_to_a_file_in_a_file_in_a_file() {
    let stage = Stage::new();
    disk(&stage);
    stage.deposit(&stage.path("disk"));
    let waiting = stage.say("coverage --json").ends(0).object();
    assert_eq!((&waiting["items"]["all"], &waiting["items"]["waiting"]), (&7.into(), &7.into()), "{waiting}");
    let read = stage.say("read --json").ends(0).object();
    assert_eq!((&read["items"], &read["members"]), (&7.into(), &3.into()), "{read}");
    let coverage = stage.say("coverage --json").ends(0).object();
    for (what, all) in [("items", 7), ("members", 3)] {
        let counts = ["read", "partly", "unreadable", "waiting"].map(|state| coverage[what][state].as_u64().unwrap());
        assert_eq!(counts.iter().sum::<u64>(), all, "{what}: {coverage}");
    }
    assert_eq!(coverage["items"]["unreadable"], 2, "{coverage}");
    assert_eq!(coverage["findings"]["format-zero-filled"], 1, "{coverage}");
    // Reading again finds nothing to do; the same bytes give the same words.
    assert_eq!(stage.say("read --json").ends(0).object()["items"], 0);

    let statement = item_of(&stage, "진술서.txt");
    // Particles, spacing, and what is inside.
    for query in ["김철수", "온성군 보위부", "구류장"] {
        let (hits, _) = search(&stage, query);
        assert_eq!(numbers(&hits), [statement.as_str()], "{query}: {hits:?}");
    }
    assert_eq!(numbers(&search(&stage, "교화소").0), [item_of(&stage, "목록.txt").as_str()]);
    let archive = item_of(&stage, "archive.zip");
    let (hits, sum) = search(&stage, "무산군");
    assert_eq!(numbers(&hits), [format!("{archive}/2/1").as_str()], "{hits:?}");
    assert!(sum["not_searched"]["with_gaps"].as_u64().unwrap() >= 2, "{sum}");
    let passage = &hits[0]["passages"][0];
    assert_eq!(passage["text"], "무산군의 증인", "{hits:?}");
    assert_eq!(search(&stage, "subject:Chongori").1["total"], 1);
    assert_eq!(search(&stage, "없는단어").1["total"], 0);
    let bad = stage.sago(["search", "(open", "--json"]).ends(2);
    assert!(bad.err.contains("Nothing was searched"), "{bad:?}");

    // The file in the file in the file, byte for byte.
    let out = stage.path("deep.txt");
    let member = format!("{archive}/2/1");
    stage.sago(["open", &member, "--reason", "to check", "--output", out.to_str().unwrap()]).ends(0);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "무산군의 증인");
    stage.sago(["open", &format!("{archive}/9"), "--reason", "x", "--output", stage.path("no").to_str().unwrap()]).ends(2);

    // Every look at content is in the log, with what was asked.
    let events = stage.say("log access --all --json").ends(0).objects();
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "search-made").count(), 7, "{kinds:?}");
    assert!(
        events.iter().any(|event| event["kind"] == "search-made" && event["detail"]["query"] == "무산군" && event["detail"]["shown"][0] == member.as_str())
    );
    assert!(events.iter().any(|event| event["kind"] == "item-opened" && event["detail"]["number"] == member.as_str()));
    stage.verify_everything();
    assert_eq!(stage.say("rebuild --json").ends(0).object()["differences"], 0);
    assert_eq!(search(&stage, "무산군").1["total"], 1);
}

#[test]
fn what_is_lost_of_texts_and_index_is_made_anew() {
    let stage = Stage::new();
    disk(&stage);
    stage.deposit(&stage.path("disk"));
    stage.say("read").ends(0);
    assert_eq!(search(&stage, "무산군").1["total"], 1);
    // One flipped bit in a text: it is named, and made anew.
    let texts = crate::shredding::tree(&stage.local("derived"));
    assert_eq!(texts.len(), 7);
    let archive = item_of(&stage, "archive.zip");
    for path in &texts {
        let name = path.strip_prefix(stage.local("derived")).unwrap().to_str().unwrap().to_owned();
        let mut bytes = std::fs::read(path).unwrap();
        let middle = bytes.len() - 40;
        bytes[middle] ^= 4;
        stage.put("derived", &name, Some(bytes));
    }
    let damaged = stage.sago(["text", &archive, "--reason", "to see", "--json"]).ends(2);
    assert!(damaged.err.contains("is damaged") && damaged.err.contains("--again"), "{damaged:?}");
    assert_eq!(stage.say("read --again --json").ends(0).object()["items"], 7);
    let words = stage.sago(["text", &archive, "--reason", "to see", "--json"]).ends(0);
    assert!(words.out.contains("Samjiyon"), "{words:?}");
    // The index: a flipped bit, then nothing of it left.
    for path in crate::shredding::tree(&stage.repo.join("index")) {
        let mut bytes = std::fs::read(&path).unwrap();
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
    }
    assert_eq!(search(&stage, "무산군").1["total"], 1);
    std::fs::remove_dir_all(stage.repo.join("index")).unwrap();
    assert_eq!(search(&stage, "무산군").1["total"], 1);
    assert_eq!(stage.say("index --anew --json").ends(0).object()["items"], 7);
    stage.verify_everything();
}

#[test]
fn who_may_not_read_finds_nothing() {
    let stage = Stage::new();
    disk(&stage);
    stage.deposit(&stage.path("disk"));
    stage.say("read").ends(0);
    let item = item_of(&stage, "진술서.txt");
    for role in ["auditor", "administrator"] {
        let code = stage.sago(["agent", "add", "--name", role, "--role", role, "--json"]).ends(0).object()["agent"].as_str().unwrap().to_owned();
        for words in [vec!["search", "김철수"], vec!["text", &item, "--reason", "x"], vec!["read"], vec!["coverage"], vec!["index"]] {
            let refused = stage.sago([vec!["--as", &code], words.clone()].concat());
            assert_eq!(refused.code, 2, "{role} {words:?}: {refused:?}");
            assert!(!refused.out.contains("김철수") && !refused.err.contains("온성"), "{refused:?}");
        }
    }
    let nobody = stage.sago(["--as", "P-99", "search", "김철수"]).ends(2);
    assert!(nobody.out.is_empty(), "{nobody:?}");
}

#[test]
fn a_sealed_unit_is_neither_read_nor_found_until_it_is_opened_again() {
    let stage = Stage::new();
    disk(&stage);
    let deposit = stage.deposit(&stage.path("disk"));
    let number = deposit["accession"].as_str().unwrap();
    stage.say("read").ends(0);
    assert_eq!(search(&stage, "무산군").1["total"], 1);
    stage.sago(["key", "seal", number, "--reason", "asked for"]).ends(0);
    let (hits, sum) = search(&stage, "무산군");
    assert_eq!((hits.len(), &sum["total"], &sum["not_searched"]["sealed"]), (0, &0.into(), &7.into()), "{sum}");
    let item = item_of_number(&stage);
    stage.sago(["text", &item, "--reason", "x"]).ends(2);
    assert_eq!(stage.say("read --again --json").ends(0).object()["sealed"], 7);
    let shares = [1, 3].map(|n| stage.path(&format!("shares/share-{n}-of-3.txt")).to_str().unwrap().to_owned());
    let mut words = vec!["key", "unseal", number, "--reason", "agreed"];
    for share in &shares {
        words.extend(["--share", share]);
    }
    stage.sago(words).ends(0);
    assert_eq!(search(&stage, "무산군").1["total"], 1);
    stage.verify_everything();
}

/// The number of the first item, whatever its name.
fn item_of_number(stage: &Stage) -> String {
    stage.say("list items --json").ends(0).objects()[0]["item"].as_str().unwrap().to_owned()
}

#[test]
fn real_hangul_documents_give_their_words_through_every_step() {
    let stage = Stage::new();
    stage.deposit(&shared_data("hwp"));
    let read = stage.say("read --json").ends(0).object();
    assert_eq!(read["items"], 19, "{read}");
    assert!(read["read"].as_u64().unwrap() + read["partly"].as_u64().unwrap() >= 18, "{read}");
    let coverage = stage.say("coverage --json").ends(0).object();
    assert!(coverage["text_bytes"].as_u64().unwrap() > 10_000, "{coverage}");
    stage.verify_everything();
}

#[test]
fn a_node_reads_what_was_received_by_itself() {
    let stage = Stage::new();
    disk(&stage);
    stage.deposit(&stage.path("disk"));
    let jobs = stage.say("work --once --json").ends(0).objects();
    let read: Vec<&Value> = jobs.iter().filter(|job| job["job"] == "read" && job["subject"] != "").collect();
    assert_eq!(read.len(), 1, "{jobs:?}");
    assert_eq!((&read[0]["outcome"], &read[0]["items"], &read[0]["files"]), (&"done".into(), &7.into(), &10.into()), "{read:?}");
    assert_eq!(stage.say("coverage --json").ends(0).object()["items"]["waiting"], 0);
    // Nothing is left to do, and what was read is found.
    assert_eq!(stage.say("read --json").ends(0).object()["items"], 0);
    assert_eq!(search(&stage, "무산군").1["total"], 1);
    stage.verify_everything();
}

//! The public log over the network: a stranger fetches and verifies it, and nothing else comes out.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use sago_ledger::checkpoint::Checkpoint;
use sago_ledger::tile::{TILE_LEVELS, TileKind, TilePath};

use super::process::{Running, set};
use crate::cast::Stage;

struct Response {
    status: u16,
    head: String,
    body: Vec<u8>,
}

/// One request, with the path exactly as given.
fn request(address: &str, method: &str, path: &str) -> Response {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: sago\r\nConnection: close\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Response { status, head, body: bytes[end + 4..].to_vec() }
}

fn get(address: &str, path: &str) -> Response {
    request(address, "GET", path)
}

fn serving() -> (Stage, Running, String) {
    let stage = Stage::new();
    let source = stage.file("disk/one.txt", "one");
    stage.deposit(source.parent().unwrap());
    let node = Running::begin(&stage, &["serve", "--listen", "127.0.0.1:0"]);
    let address = node.address();
    (stage, node, address)
}

#[test]
fn a_stranger_walks_the_served_log_and_verifies_it() {
    let (stage, node, address) = serving();
    for log in ["custody", "access"] {
        let folder = stage.path(&format!("fetched/{log}"));
        let note = get(&address, &format!("/log/1/{log}/checkpoint"));
        assert_eq!(note.status, 200);
        assert!(note.head.contains("content-type: text/plain; charset=utf-8") && note.head.contains("cache-control: no-cache"), "{}", note.head);
        let text = String::from_utf8(note.body.clone()).unwrap();
        let size = Checkpoint::parse(&format!("{}\n", text.split("\n\n").next().unwrap())).unwrap().size;
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("checkpoint"), &note.body).unwrap();
        let kinds = std::iter::once(TileKind::Entries).chain((0..TILE_LEVELS).map(TileKind::Hashes));
        let mut fetched = 0;
        for kind in kinds {
            for tile in (0..).map_while(|index| TilePath::in_tree(kind, index, size)) {
                let got = get(&address, &format!("/log/1/{log}/{tile}"));
                assert_eq!(got.status, 200, "{tile}");
                assert!(got.head.contains("content-type: application/octet-stream") && got.head.contains("immutable"), "{}", got.head);
                let path = folder.join(tile.to_string());
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, got.body).unwrap();
                fetched += 1;
            }
        }
        assert!(fetched >= if size == 0 { 0 } else { 2 }, "{log} of {size} entries has {fetched} tiles");
        let key = stage.repo.join(format!("log/1/{log}.vkey"));
        let report = stage.sago(["verify", folder.to_str().unwrap(), "--key", key.to_str().unwrap(), "--json"]).ends(0).object();
        assert_eq!(report["sound"], true, "{report}");
    }
    node.ends_when_asked();
}

#[test]
fn nothing_but_the_public_log_comes_out() {
    let (stage, node, address) = serving();
    let payload = super::process::tree(&stage.repo.join("log/1/payload"));
    assert!(!payload.is_empty());
    let mut paths: Vec<String> = payload.iter().map(|path| format!("/log/{}", path.strip_prefix(stage.repo.join("log")).unwrap().display())).collect();
    for path in [
        "/",
        "/log",
        "/log/",
        "/log/1",
        "/log/1/custody",
        "/log/1/custody/",
        "/log/1/custody.vkey",
        "/log/1/payload",
        "/log/01/custody/checkpoint",
        "/log/0/custody/checkpoint",
        "/log/2/custody/checkpoint",
        "/log/+1/custody/checkpoint",
        "/log/1/Custody/checkpoint",
        "/log/1/lock/checkpoint",
        "/log/1/custody/./checkpoint",
        "/log/1/custody//checkpoint",
        "/log//1/custody/checkpoint",
        "/log/1/custody/checkpoint/",
        "/log/1/custody/check%70oint",
        "/log/1/custody/../custody/checkpoint",
        "/log/1/custody/../../../sago.toml",
        "/log/../sago.toml",
        "/log/%2e%2e/sago.toml",
        "/log/1/custody/%2e%2e/%2e%2e/%2e%2e/sago.toml",
        "/log/1/custody/..%2f..%2f..%2fsago.toml",
        "/log/1/custody/tile/../../../../keys/current",
        "/log/1/custody/tile/0/000.p/0",
        "/log/1/custody/tile/0/000.p/255",
        "/log/1/custody/tile/0/000",
        "/log/1/custody/tile/0/0",
        "/log/1/custody/tile/00/000.p/1",
        "/log/1/custody/tile/0/x000/000.p/1",
        "/log/1/custody/tile/entries",
        "/lock/custody-1",
        "/stamps/",
        "/vault/1",
        "/keys/current",
        "/index.db",
        "/sago.toml",
        "/store/0=ocfl_1.1",
        "/log/1/custody/checkpoint%00",
        "/healthz/",
    ] {
        paths.push(path.to_owned());
    }
    for path in paths {
        let got = get(&address, &path);
        assert_eq!((got.status, got.body.as_slice()), (404, b"not found\n".as_slice()), "{path}");
        assert!(got.head.contains("x-content-type-options: nosniff") && got.head.contains("no-store"), "{path}: {}", got.head);
    }
    // A query is no part of the name.
    assert_eq!(get(&address, "/log/1/custody/checkpoint?x=../payload").status, 200);
    assert_eq!(request(&address, "POST", "/log/1/custody/checkpoint").status, 405);
    assert_eq!(request(&address, "HEAD", "/log/1/custody/checkpoint").body.len(), 0);
    node.ends_when_asked();
}

#[test]
fn a_node_says_whether_what_it_stands_on_answers() {
    let (stage, node, address) = serving();
    assert_eq!(get(&address, "/healthz").status, 200);
    let ready = get(&address, "/readyz");
    assert_eq!(ready.status, 200);
    let body: serde_json::Value = serde_json::from_slice(&ready.body).unwrap();
    assert_eq!((&body["ready"], &body["failing"]), (&true.into(), &serde_json::json!([])));
    let custody = body["logs"].as_array().unwrap().iter().find(|one| one["log"] == "custody").unwrap();
    assert!(custody["size"].as_u64().unwrap() >= 5 && custody["waiting"] == 0 && custody["age_seconds"].as_u64().unwrap() < 600, "{body}");
    std::fs::rename(stage.repo.join("vault"), stage.repo.join("vault.away")).unwrap();
    let unready = get(&address, "/readyz");
    let text = String::from_utf8(unready.body).unwrap();
    assert!(unready.status == 503 && text.contains("keys") && !text.contains("vault"), "{text}");
    assert_eq!(get(&address, "/healthz").status, 200);
    std::fs::rename(stage.repo.join("vault.away"), stage.repo.join("vault")).unwrap();
    assert_eq!(get(&address, "/readyz").status, 200);
    node.ends_when_asked();
}

#[test]
fn a_serving_node_does_jobs_unless_told_otherwise() {
    let stage = Stage::new();
    let source = stage.file("disk/one.txt", "one");
    stage.deposit(source.parent().unwrap());
    set(&stage.repo, "interval_days", 0);
    let idle = Running::begin(&stage, &["serve", "--listen", "127.0.0.1:0", "--no-jobs", "--json"]);
    let mut busy = Running::begin(&stage, &["serve", "--listen", "127.0.0.1:0", "--json"]);
    let mut did = false;
    super::process::until(|| {
        did |= busy.objects().iter().any(|line| super::files_of_fixity(line).is_some());
        did
    });
    let mut idle = idle;
    assert_eq!(idle.objects(), Vec::<serde_json::Value>::new());
    idle.ends_when_asked();
    busy.ends_when_asked();
    stage.verify_everything();
}

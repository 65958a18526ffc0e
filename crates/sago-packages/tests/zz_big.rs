#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]
use sago_packages::*;
use sago_packages::ocfl::write::*;
use std::time::Instant;
fn hwm() -> String { std::fs::read_to_string("/proc/self/status").unwrap().lines().filter(|l| l.starts_with("VmHWM")).collect() }
#[test]
fn big() {
    let dir = tempfile::tempdir().unwrap();
    let n = 300_000usize;
    let t = Instant::now();
    let obj = dir.path().join("o");
    let data = dir.path().join("bag/data");
    let mut files = Vec::new();
    let (mut m256, mut m512) = (String::new(), String::new());
    for i in 0..n {
        let d = obj.join(format!("v1/content/{:03}", i / 1000));
        let e = data.join(format!("{:03}", i / 1000));
        if i % 1000 == 0 { std::fs::create_dir_all(&d).unwrap(); std::fs::create_dir_all(&e).unwrap(); }
        let b = i.to_string();
        std::fs::write(d.join(format!("{i}.age")), &b).unwrap();
        std::fs::write(e.join(format!("{i}.age")), &b).unwrap();
        let f = NewFile { logical_path: format!("{:03}/{i}.age", i / 1000), sha512: Algorithm::Sha512.hash(b.as_bytes()), sha256: Algorithm::Sha256.hash(b.as_bytes()) };
        m256 += &format!("{}  data/{}\n", f.sha256, f.logical_path);
        m512 += &format!("{}  data/{}\n", f.sha512, f.logical_path);
        files.push(f);
    }
    println!("made {:?} {}", t.elapsed(), hwm());
    let t = Instant::now();
    let inv = first_version("urn:x:1", VersionInfo { created: "2026-01-01T00:00:00Z".into(), message: "m".into(), user_name: "n".into(), user_address: "urn:x:2".into() }, &files).unwrap();
    drop(files);
    let bytes = inventory_bytes(&inv);
    drop(inv);
    println!("inventory {} MB {:?} {}", bytes.len() / 1_000_000, t.elapsed(), hwm());
    for f in [obj.clone(), obj.join("v1")] { std::fs::write(f.join("inventory.json"), &bytes).unwrap(); std::fs::write(f.join("inventory.json.sha512"), sidecar_text(&bytes)).unwrap(); }
    std::fs::write(obj.join(OBJECT_DECLARATION.0), OBJECT_DECLARATION.1).unwrap();
    let bag = dir.path().join("bag");
    std::fs::write(bag.join("bagit.txt"), "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n").unwrap();
    std::fs::write(bag.join("manifest-sha256.txt"), m256).unwrap();
    std::fs::write(bag.join("manifest-sha512.txt"), m512).unwrap();
    drop(bytes);
    let t = Instant::now();
    let (s, f) = ocfl::validate_object(&obj, &Options::default()).unwrap();
    println!("ocfl {s:?} {} {:?} {}", f.len(), t.elapsed(), hwm());
    let t = Instant::now();
    let (b, f) = bagit::validate(&bag, &Options::default()).unwrap();
    println!("bag {} {} {:?} {}", b.files.len(), f.len(), t.elapsed(), hwm());
    // many objects
    let root = dir.path().join("root");
    for (p, b) in storage_root_files() { let p = root.join(p); std::fs::create_dir_all(p.parent().unwrap()).unwrap(); std::fs::write(p, b).unwrap(); }
    for i in 0..5000 {
        let id = format!("urn:x:{i}");
        let o = root.join(object_path_0003(&id));
        std::fs::create_dir_all(o.join("v1/content")).unwrap();
        std::fs::write(o.join("v1/content/a"), b"x").unwrap();
        let inv = first_version(&id, VersionInfo { created: "2026-01-01T00:00:00Z".into(), message: "m".into(), user_name: "n".into(), user_address: "urn:x:2".into() }, &[NewFile { logical_path: "a".into(), sha512: Algorithm::Sha512.hash(b"x"), sha256: Algorithm::Sha256.hash(b"x") }]).unwrap();
        let bytes = inventory_bytes(&inv);
        for f in [o.clone(), o.join("v1")] { std::fs::write(f.join("inventory.json"), &bytes).unwrap(); std::fs::write(f.join("inventory.json.sha512"), sidecar_text(&bytes)).unwrap(); }
        std::fs::write(o.join(OBJECT_DECLARATION.0), OBJECT_DECLARATION.1).unwrap();
    }
    let t = Instant::now();
    let (s, f) = ocfl::validate_root(&root, &Options::default()).unwrap();
    println!("root {s:?} {} {:?} {}", f.len(), t.elapsed(), hwm());
}

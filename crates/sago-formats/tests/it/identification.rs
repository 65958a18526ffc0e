//! Formats of real files, beside fido's judgement (opf-fido, the same release of PRONOM). Each difference has its reason here.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use sago_formats::Source;
use sago_formats::identify::{Basis, Identified, identify};

/// Folders of the shared data that are judged.
const FOLDERS: &[&str] = &["documents", "hwp", "hwpx", "web-archives", "timestamps"];

/// Our identifier, what fido finds by signature, and why both are right in their way.
const PAIRS: &[(&str, &str, &str)] = &[
    ("fmt/291", "fmt/290", "fido does not look for the version in content.xml"),
    ("fmt/293", "fmt/292", "fido does not look for the version in content.xml"),
    ("fmt/295", "fmt/294", "fido does not look for the version in content.xml"),
    ("fmt/136", "fmt/290", "fido does not look for the version in content.xml"),
    ("sago/mp3", "fmt/134", "fido replaces PRONOM's signature of MP3 by its own"),
    ("sago/rtf", "fmt/45", "fido replaces PRONOM's signature of RTF by its own"),
    ("fmt/720", "fmt/950", "a mailbox begins with a message; PRONOM has no signature for mailboxes"),
    ("fmt/720", "fmt/96", "a mailbox whose message quotes a page"),
    ("sago/fodf", "fmt/101", "XML of a kind that PRONOM has no signature for"),
    ("fmt/278", "fmt/950", "a message that begins as one of a mailbox does"),
];

/// Files whose difference is of their own kind.
const FILES: &[(&str, &str)] = &[
    ("testASiCE.asice", "PRONOM asks for all of three files inside, of which two are not there; fido asks for one"),
    ("testOpenOffice-autotext.bau", "its type inside is empty; fido matches the version elsewhere in the archive"),
    ("testEXCEL_template.xlt", "PRONOM tells templates by what lies inside; fido reports the sheets they are made of"),
    ("testWORD_protected_passtika.doc", "PRONOM tells protected Word files by a flag inside; fido reports Word"),
    ("testWPSAttachment.doc", "told by what lies in the root; fido finds the name of PowerPoint's stream in an attachment"),
    ("testWPSAttachment.xls", "told by what lies in the root; fido finds the name of PowerPoint's stream in an attachment"),
];

fn shared() -> PathBuf {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    let root = std::env::var_os("SAGO_SHARED_DATA").map_or(beside, PathBuf::from);
    assert!(root.join("documents").is_dir(), "the test data {} is not there: set SAGO_SHARED_DATA", root.display());
    root
}

fn walk(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            walk(&entry.unwrap().path(), files);
        }
    } else {
        files.push(path.to_owned());
    }
}

fn judge(path: &Path) -> Option<Identified> {
    let mut cursor = Cursor::new(std::fs::read(path).unwrap());
    identify(&mut Source::new(&mut cursor).unwrap(), &path.file_name().unwrap().to_string_lossy()).unwrap()
}

/// What fido finds: identifiers by signature or container, and by extension alone.
#[derive(Default)]
struct Theirs {
    found: BTreeSet<String>,
    by_extension: BTreeSet<String>,
}

fn fido(folders: &[PathBuf]) -> BTreeMap<PathBuf, Theirs> {
    let program = std::env::var_os("SAGO_TOOL_FIDO").expect("SAGO_TOOL_FIDO names fido of opf-fido 1.6.1; `cargo xtask tools` installs it");
    let format = "OK\t%(info.puid)s\t%(info.matchtype)s\t%(info.filename)s\n";
    let output = Command::new(program).args(["-q", "-recurse", "-matchprintf", format, "-nomatchprintf", ""]).args(folders).output().unwrap();
    let mut all: BTreeMap<PathBuf, Theirs> = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let fields: Vec<&str> = line.splitn(4, '\t').collect();
        if let ["OK", puid, kind, path] = fields.as_slice() {
            let theirs = all.entry(PathBuf::from(path)).or_default();
            let puids = if *kind == "extension" { &mut theirs.by_extension } else { &mut theirs.found };
            puids.insert((*puid).to_owned());
        }
    }
    assert!(all.len() > 500, "fido said too little: {}", String::from_utf8_lossy(&output.stderr));
    all
}

/// Why two judgements differ, or nothing when there is no good reason.
fn reason(name: &str, ours: Option<&Identified>, theirs: &Theirs) -> Option<&'static str> {
    if let Some((_, why)) = FILES.iter().find(|(file, _)| *file == name) {
        return Some(why);
    }
    let outside = |puid: &String| matches!(puid.as_str(), "fmt/111" | "fmt/189" | "x-fmt/263");
    let Some(ours) = ours else {
        return theirs.found.is_empty().then_some("bytes without a sign of their format: an extension alone is believed only when it is one format's");
    };
    let puid = ours.puid.as_deref().unwrap_or_default();
    if theirs.found.is_empty() {
        return Some(match ours.basis {
            Basis::Text => "told by how it reads; PRONOM has no signature",
            Basis::Extension => "told by its extension, as fido would if it knew it",
            _ if puid.starts_with("sago/") => "a signature of ours",
            _ => "a signature that fido's own patterns leave out",
        });
    }
    if ours.basis == Basis::Container && theirs.found.iter().all(|puid| puid.starts_with("fido-fmt/")) {
        return Some("fido has rough identifiers of its own for Office Open XML");
    }
    if ours.basis == Basis::Container && theirs.found.iter().all(outside) {
        return Some("told by what is inside; fido stops at the container");
    }
    PAIRS.iter().find(|(our, their, _)| *our == puid && theirs.found.contains(*their)).map(|(_, _, why)| *why)
}

#[test]
fn each_difference_from_fido_has_its_reason() {
    let root = shared();
    let folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| root.join(folder)).collect();
    let mut theirs = fido(&folders);
    let mut files = Vec::new();
    folders.iter().for_each(|folder| walk(folder, &mut files));
    files.sort();
    let (mut same, mut reasons, mut unexplained) = (0, BTreeMap::<&str, Vec<String>>::new(), Vec::new());
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let ours = judge(file);
        let theirs = theirs.remove(file).unwrap_or_default();
        let mut puids: Vec<String> = ours.iter().flat_map(|ours| ours.puid.clone().into_iter().chain(ours.also.clone())).collect();
        puids.dedup();
        let told = if theirs.found.is_empty() { &theirs.by_extension } else { &theirs.found };
        if puids.iter().any(|puid| told.contains(puid)) || (puids.is_empty() && told.is_empty()) {
            same += 1;
            continue;
        }
        match reason(&name, ours.as_ref(), &theirs) {
            Some(why) => reasons.entry(why).or_default().push(name),
            None => unexplained.push(format!("{name}: ours {puids:?} ({:?}), fido {told:?}", ours.map(|ours| ours.basis))),
        }
    }
    println!("{} files, {same} the same", files.len());
    for (why, names) in &reasons {
        println!("{:4}  {why}: {}", names.len(), names.iter().take(4).cloned().collect::<Vec<_>>().join(", "));
    }
    assert!(unexplained.is_empty(), "{} differ without a reason:\n{}", unexplained.len(), unexplained.join("\n"));
    assert!(same * 100 >= files.len() * 60, "only {same} of {} are the same", files.len());
}

//! A BagIt bag among the sources: validated, and taken apart; its payload manifests serve as the sender's list.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use sago_packages::bagit;

use crate::accession::finding;
use crate::error::{Error, Result};
use crate::intake::Finding;
use crate::intake::sender_list::SenderList;

/// Reads the payload manifests of the bag that is the only source, if it is one. Whatever breaks a rule becomes a finding; nothing is refused.
pub(super) fn expectations(sources: &[PathBuf], notes: &mut Vec<Finding>) -> Result<Option<(SenderList, String)>> {
    let [source] = sources else { return Ok(None) };
    if !source.join("bagit.txt").is_file() {
        return Ok(None);
    }
    let unreadable = |error: sago_packages::Error| Error::invalid(format!("The bag {} cannot be read: {error}", source.display()));
    // Digests are compared while receiving, so the bag is not read twice.
    let (bag, findings) = bagit::read(source).map_err(unreadable)?;
    let name = source.file_name().unwrap_or(source.as_os_str()).as_bytes().to_vec();
    let shown = String::from_utf8_lossy(&name).into_owned();
    notes.extend(findings.iter().map(|one| finding::bag(&format!("{shown}/{}", one.path), &one.message)));
    let mut text = Vec::new();
    for file in bag.files.iter().chain(&bag.tag_files) {
        for (_, digest) in &file.digests {
            text.extend(list_line(&name, file.path.as_bytes(), digest));
        }
    }
    let (list, findings) = SenderList::parse(b"manifests of the bag", &text);
    notes.extend(findings);
    Ok((!list.is_empty()).then(|| (list, format!("manifests of the bag {shown}"))))
}

/// A line as `sha256sum` writes it, with its escapes.
fn list_line(bag: &[u8], path: &[u8], digest: &str) -> Vec<u8> {
    let mut name = bag.to_vec();
    name.push(b'/');
    name.extend_from_slice(path);
    let needs_escape = name.iter().any(|byte| matches!(byte, b'\n' | b'\\' | b'\r'));
    let mut line = Vec::new();
    if needs_escape {
        line.push(b'\\');
    }
    line.extend_from_slice(digest.as_bytes());
    line.extend_from_slice(b"  ");
    for byte in name {
        match byte {
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            b'\\' => line.extend_from_slice(b"\\\\"),
            other => line.push(other),
        }
    }
    line.push(b'\n');
    line
}

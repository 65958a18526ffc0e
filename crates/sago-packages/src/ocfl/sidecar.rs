//! The sidecar of an inventory, which gives its digest (OCFL section 3.6).

use crate::digest::Algorithm;
use crate::finding::Findings;
use crate::tree::{Entry, Tree, join, read_limited};

/// Largest sidecar that is read.
const SIDECAR_LIMIT_BYTES: u64 = 4096;

/// Holds the inventory of a folder, given by its entries and its place, against its sidecar (section 3.6). Where the algorithm is not known, any sidecar with a known one is used.
pub(crate) fn judge_sidecar(tree: &dyn Tree, folder: (&[Entry], &str), inventory: &[u8], algorithm: Option<Algorithm>, findings: &mut Findings) {
    let (entries, place) = folder;
    let mut found = false;
    for entry in entries.iter().filter(|entry| entry.is_file()) {
        let Some(suffix) = entry.name.strip_prefix("inventory.json.") else {
            continue;
        };
        let path = join(place, &entry.name);
        let named = Algorithm::from_ocfl(suffix);
        if named.is_none() || algorithm.is_some_and(|algorithm| Some(algorithm) != named) {
            findings.error(if place.is_empty() { "E001" } else { "E015" }, &path, "This file is not the sidecar of the inventory.");
            if named.is_some() {
                findings.error("E059", path, "The sidecar is not by the inventory's digestAlgorithm.");
            }
            continue;
        }
        let Some(named) = named else { continue };
        found = true;
        let text = match read_limited(tree, &entry.path, SIDECAR_LIMIT_BYTES) {
            Ok(bytes) => bytes.and_then(|bytes| String::from_utf8(bytes).ok()),
            Err(error) => {
                findings.error("ocfl-unreadable", path, format!("The file cannot be read: {error}."));
                continue;
            }
        };
        match text.as_deref().and_then(sidecar_digest) {
            None => findings.error("E061", path, "A sidecar must hold the digest, blanks and 'inventory.json'."),
            Some(digest) => {
                let actual = named.hash(inventory);
                if !digest.eq_ignore_ascii_case(&actual) {
                    findings.error("E060", path, format!("The inventory's {named} is {actual}, the sidecar says {digest}."));
                }
            }
        }
    }
    if !found {
        findings.error("E058", join(place, "inventory.json"), "The inventory has no sidecar.");
    }
}

/// Gives the digest in the text of a sidecar.
fn sidecar_digest(text: &str) -> Option<&str> {
    let line = text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n')).unwrap_or(text);
    let (digest, rest) = line.split_once([' ', '\t'])?;
    let name = rest.trim_start_matches([' ', '\t']);
    (name == "inventory.json" && !digest.is_empty() && digest.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sidecars_are_read_strictly() {
        assert_eq!(sidecar_digest("ab12 inventory.json\n"), Some("ab12"));
        assert_eq!(sidecar_digest("AB12\t  inventory.json"), Some("AB12"));
        assert_eq!(sidecar_digest("ab inventory.json\r\n"), Some("ab"));
        for text in ["", "ab", "ab\n", "ab inventory.jsonx", "ab inventory.json\n\n", " ab inventory.json", "xy inventory.json", "ab *inventory.json"] {
            assert_eq!(sidecar_digest(text), None, "{text:?}");
        }
    }
}

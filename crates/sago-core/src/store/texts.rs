//! Files that lie in the storage root itself: what makes it an OCFL root, and texts so that it can be read without Sago.
//!
//! Nothing commits to them. The declarations are the same in every root of this layout. The texts grow with Sago, so a root made by an
//! earlier version holds other ones; `preservation/published.sha256` lists those that were ever released, and the release adds to it.

use sago_packages::ocfl::write as ocfl;
use sha2::{Digest, Sha256};

use crate::ctx::{Ctx, Right};
use crate::error::Result;
use crate::repository::Repository;
use crate::store::shelf::Shelf;

/// Texts that lie in the storage root so that it can be read without Sago.
const TEXTS: &[(&str, &str)] = &[
    ("RECOVERY.md", include_str!("../../preservation/RECOVERY.md")),
    ("spec-ocfl.md", include_str!("../../preservation/spec-ocfl.md")),
    ("spec-age.md", include_str!("../../preservation/spec-age.md")),
    ("spec-tlog.md", include_str!("../../preservation/spec-tlog.md")),
    ("spec-slip39.md", include_str!("../../preservation/spec-slip39.md")),
    ("spec-sago.md", include_str!("../../../../docs/formats.md")),
];

/// Texts of every release: SHA-256, two spaces, version, stroke, name, a line each; lines with `#` are remarks.
const PUBLISHED: &str = include_str!("../../preservation/published.sha256");

/// How a file of the root itself differs from what this Sago writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Differs {
    /// A declaration of the root is missing or altered: the root is not the one that was made.
    Declaration,
    /// A text is missing.
    Missing,
    /// A text is that of an earlier release.
    Earlier {
        /// The release.
        version: String,
    },
    /// A text is of no release that this Sago knows.
    Unknown {
        /// Its digest, hexadecimal.
        sha256: String,
    },
}

/// A text that was brought up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refreshed {
    /// Its name in the storage root.
    pub name: String,
    /// What lay there before.
    pub was: Differs,
}

/// What lies in the root itself when it is made: path and bytes.
pub(super) fn root_files() -> Vec<(String, Vec<u8>)> {
    let mut files = ocfl::storage_root_files();
    files.extend(TEXTS.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())));
    files
}

/// Files of the root itself that are not as this Sago writes them.
pub(crate) fn differences(root: &Shelf) -> Result<Vec<(String, Differs)>> {
    let mut found = Vec::new();
    for (name, bytes) in ocfl::storage_root_files() {
        if root.read(&name)?.is_none_or(|there| there != bytes) {
            found.push((name, Differs::Declaration));
        }
    }
    for (name, text) in TEXTS {
        let differs = match root.read(name)? {
            Some(there) if there == text.as_bytes() => continue,
            Some(there) => judge(PUBLISHED, name, &there),
            None => Differs::Missing,
        };
        found.push(((*name).to_owned(), differs));
    }
    Ok(found)
}

/// Writes the texts of this Sago over those that differ, and says what lay there before. Declarations are never written again.
///
/// Each text is replaced whole. If we crash between two of them, the rest differ as before and the next call writes them.
pub fn refresh_texts(repo: &Repository, ctx: &Ctx) -> Result<Vec<Refreshed>> {
    ctx.require(Right::Check)?;
    refresh(&repo.places.store)
}

fn refresh(root: &Shelf) -> Result<Vec<Refreshed>> {
    let mut refreshed = Vec::new();
    for (name, was) in differences(root)? {
        let Some((_, text)) = TEXTS.iter().find(|(text, _)| *text == name) else { continue };
        root.write(&name, text.as_bytes())?;
        refreshed.push(Refreshed { name, was });
    }
    Ok(refreshed)
}

fn judge(published: &str, name: &str, bytes: &[u8]) -> Differs {
    let sha256 = hex::encode(Sha256::digest(bytes));
    let version = published.lines().find_map(|line| {
        let (digest, place) = line.split_once("  ")?;
        let (version, text) = place.split_once('/')?;
        (digest == sha256 && text == name).then(|| version.to_owned())
    });
    match version {
        Some(version) => Differs::Earlier { version },
        None => Differs::Unknown { sha256 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::blobs::Blobs;

    #[test]
    fn a_text_of_an_earlier_release_is_known_under_its_own_name_only() {
        let digest = hex::encode(Sha256::digest(b"once"));
        let published = format!("# remark\n{digest}  0.1.0/spec-age.md\n");
        assert_eq!(judge(&published, "spec-age.md", b"once"), Differs::Earlier { version: "0.1.0".to_owned() });
        assert_eq!(judge(&published, "spec-ocfl.md", b"once"), Differs::Unknown { sha256: digest });
        assert!(matches!(judge(&published, "spec-age.md", b"twice"), Differs::Unknown { .. }));
    }

    #[test]
    fn the_list_of_published_texts_can_be_read_to_its_end() {
        for line in PUBLISHED.lines().filter(|line| !line.starts_with('#')) {
            let (digest, place) = line.split_once("  ").unwrap();
            assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)), "{line}");
            let (version, name) = place.split_once('/').unwrap();
            assert_eq!(version.split('.').filter(|part| part.parse::<u32>().is_ok()).count(), 3, "{line}");
            assert!(TEXTS.iter().any(|(text, _)| *text == name), "{line}");
        }
    }

    #[test]
    fn texts_are_brought_up_to_date_and_declarations_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("store");
        let shelf = Shelf::from(root.as_path());
        Blobs::create(&shelf).unwrap();
        assert_eq!(differences(&shelf).unwrap(), []);
        std::fs::remove_file(root.join("RECOVERY.md")).unwrap();
        std::fs::write(root.join("spec-age.md"), "other").unwrap();
        std::fs::write(root.join("ocfl_layout.json"), "{}").unwrap();
        let unknown = Differs::Unknown { sha256: hex::encode(Sha256::digest(b"other")) };
        let texts = [("RECOVERY.md".to_owned(), Differs::Missing), ("spec-age.md".to_owned(), unknown)];
        let layout = ("ocfl_layout.json".to_owned(), Differs::Declaration);
        assert_eq!(differences(&shelf).unwrap(), [vec![layout.clone()], texts.to_vec()].concat());
        let refreshed: Vec<_> = refresh(&shelf).unwrap().into_iter().map(|one| (one.name, one.was)).collect();
        assert_eq!(refreshed, texts);
        assert_eq!(differences(&shelf).unwrap(), [layout]);
        assert_eq!(std::fs::read_to_string(root.join("ocfl_layout.json")).unwrap(), "{}");
    }
}

//! Reading folders and small files of a stranger: nothing is followed, nothing is read without a limit.

use std::io::{ErrorKind, Read as _};

use sago_packages::tree::{Kind, join, read_limited};
use sago_packages::{Algorithm, MultiHasher, Tree};

use crate::Error;
use crate::codes;
use crate::finding::{Finding, Refusal};

/// Largest file that is read whole: proofs, keys, stamps, manifests. Evidence is read in pieces, at any size.
pub(crate) const MAX_SMALL_BYTES: u64 = 256 * 1024 * 1024;

/// Folders nested deeper are not entered.
const MAX_DEPTH: usize = 64;

/// Every plain file of a tree, sorted, `/` between parts; whatever else lies there becomes a finding.
pub(crate) fn walk(tree: &dyn Tree, findings: &mut Vec<Finding>) -> Result<Vec<String>, Error> {
    let mut files = Vec::new();
    let listing = tree.listing("", &|_| false).map_err(Error::at_tree(tree, ""))?;
    let mut folders = vec![(String::new(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in listing.list(&folder).map_err(Error::at_tree(tree, &folder))? {
            let path = join(&folder, &entry.name);
            let mut refuse = |message: &str| findings.push(Finding::new(&codes::NOT_A_PLAIN_FILE, path.as_str(), message));
            match entry.kind {
                _ if !entry.exact => refuse("the name is not UTF-8, so no proof can be about it"),
                Kind::Folder if depth < MAX_DEPTH => folders.push((path, depth + 1)),
                Kind::File { .. } => files.push(path),
                Kind::Folder | Kind::Link | Kind::Special => refuse("a link, a device or a folder nested too deeply"),
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Says whether a folder lies at `path`.
pub(crate) fn is_folder(tree: &dyn Tree, path: &str) -> Result<bool, Error> {
    Ok(tree.stat(path).map_err(Error::at_tree(tree, path))? == Some(Kind::Folder))
}

/// Reads a file of a package whole.
pub(crate) fn read(tree: &dyn Tree, path: &str) -> Result<Vec<u8>, Refusal> {
    match read_limited(tree, path, MAX_SMALL_BYTES) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(Refusal::new(&codes::FILE_TOO_LARGE, format!("{path} is larger than {MAX_SMALL_BYTES} bytes"))),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(Refusal::new(&codes::FILE_MISSING, format!("{path} is not there")))
        }
        Err(error) => match tree.stat(path) {
            Ok(Some(Kind::Folder | Kind::Link | Kind::Special)) => Err(Refusal::new(&codes::NOT_A_PLAIN_FILE, format!("{path} is not a plain file"))),
            _ => Err(Refusal::new(&codes::FILE_UNREADABLE, format!("{path}: {error}"))),
        },
    }
}

/// Reads a file of a package whole, as text.
pub(crate) fn read_text(tree: &dyn Tree, path: &str, code: &'static codes::Code) -> Result<String, Refusal> {
    String::from_utf8(read(tree, path)?).map_err(|_| Refusal::new(code, format!("{path} is not UTF-8")))
}

/// Digests and size of one file, in one pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Measured {
    pub sha256: String,
    pub sha512: String,
    pub bytes: u64,
}

/// Reads a file of any size.
pub(crate) fn measure(tree: &dyn Tree, path: &str) -> Result<Measured, Error> {
    let mut file = tree.open(path).map_err(Error::at_tree(tree, path))?;
    let mut hasher = MultiHasher::new(&[Algorithm::Sha256, Algorithm::Sha512]);
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::at_tree(tree, path)(error)),
        }
    }
    let digests = hasher.finish();
    let get = |algorithm| digests.get(algorithm).unwrap_or_default().to_owned();
    Ok(Measured { sha256: get(Algorithm::Sha256), sha512: get(Algorithm::Sha512), bytes: digests.size_bytes })
}

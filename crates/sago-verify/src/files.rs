//! Reading folders and small files of a stranger: nothing is followed, nothing is read without a limit.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use sago_packages::{Algorithm, MultiHasher};

use crate::Error;
use crate::codes;
use crate::finding::{Finding, Refusal};

/// Largest file that is read whole: proofs, keys, stamps, manifests. Evidence is read in pieces, at any size.
pub(crate) const MAX_SMALL_BYTES: u64 = 256 * 1024 * 1024;

/// Folders nested deeper are not entered.
const MAX_DEPTH: usize = 64;

/// Every plain file below `root`, sorted, `/` between parts; whatever else lies there becomes a finding.
pub(crate) fn walk(root: &Path, findings: &mut Vec<Finding>) -> Result<Vec<String>, Error> {
    let mut files = Vec::new();
    let mut folders = vec![(root.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(Error::at(&folder))? {
            let entry = entry.map_err(Error::at(&folder))?;
            let kind = entry.file_type().map_err(Error::at(&folder))?;
            let name = entry.file_name();
            let path = format!("{prefix}{}", name.to_string_lossy());
            let mut refuse = |message: &str| findings.push(Finding::new(&codes::NOT_A_PLAIN_FILE, path.as_str(), message));
            if name.to_str().is_none() {
                refuse("the name is not UTF-8, so no proof can be about it");
            } else if kind.is_dir() && depth < MAX_DEPTH {
                folders.push((entry.path(), format!("{path}/"), depth + 1));
            } else if kind.is_file() {
                files.push(path);
            } else {
                refuse("a link, a device or a folder nested too deeply");
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Reads a file of a package whole.
pub(crate) fn read(root: &Path, path: &str) -> Result<Vec<u8>, Refusal> {
    let place = root.join(path);
    let refuse = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Refusal::new(&codes::FILE_MISSING, format!("{path} is not there")),
        _ => Refusal::new(&codes::FILE_UNREADABLE, format!("{path}: {error}")),
    };
    let metadata = fs::symlink_metadata(&place).map_err(refuse)?;
    if !metadata.is_file() {
        return Err(Refusal::new(&codes::NOT_A_PLAIN_FILE, format!("{path} is not a plain file")));
    }
    let mut bytes = Vec::new();
    fs::File::open(&place).map_err(refuse)?.take(MAX_SMALL_BYTES + 1).read_to_end(&mut bytes).map_err(refuse)?;
    if bytes.len() as u64 > MAX_SMALL_BYTES {
        return Err(Refusal::new(&codes::FILE_TOO_LARGE, format!("{path} is larger than {MAX_SMALL_BYTES} bytes")));
    }
    Ok(bytes)
}

/// Reads a file of a package whole, as text.
pub(crate) fn read_text(root: &Path, path: &str, code: &'static codes::Code) -> Result<String, Refusal> {
    String::from_utf8(read(root, path)?).map_err(|_| Refusal::new(code, format!("{path} is not UTF-8")))
}

/// Digests and size of one file, in one pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Measured {
    pub sha256: String,
    pub sha512: String,
    pub bytes: u64,
}

/// Reads a file of any size.
pub(crate) fn measure(root: &Path, path: &str) -> Result<Measured, Error> {
    let place: PathBuf = root.join(path);
    let mut file = fs::File::open(&place).map_err(Error::at(&place))?;
    let mut hasher = MultiHasher::new(&[Algorithm::Sha256, Algorithm::Sha512]);
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(Error::at(&place))? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    let digests = hasher.finish();
    let get = |algorithm| digests.get(algorithm).unwrap_or_default().to_owned();
    Ok(Measured { sha256: get(Algorithm::Sha256), sha512: get(Algorithm::Sha512), bytes: digests.size_bytes })
}

//! `stamps/<log id>/<size>/`: the files of one stamped checkpoint (docs/formats.md, section 8).
//!
//! A reply is written after all that belongs to it, so that a `.tsr` is never there without its checkpoint, query and chain.

use std::collections::BTreeSet;
use std::path::Path;

use sago_stamp::{Certificate, HashAlgorithm, MAX_REPLY_BYTES, certificates_from_pem, certificates_to_pem};

use super::Algorithm;
use crate::error::{Error, IoContext, Result};
use crate::settings::Places;
use crate::store::shelf::Shelf;

/// The file of the stamped bytes: the signed note.
pub(super) const CHECKPOINT: &str = "checkpoint";

/// The folder of one checkpoint; it may not be there yet.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    place: Shelf,
    /// `<log id>/<size>`, as events name it.
    pub name: String,
    pub size: u64,
}

/// Name of the file with the query or the reply of an authority.
pub(super) fn file_name(authority: &str, algorithm: Algorithm, extension: &str) -> String {
    format!("{authority}.{}.{extension}", algorithm.name())
}

/// What the log holds of a reply: the SHA-256 of its file, as `sha256sum` shows it.
pub(super) fn token_digest(reply: &[u8]) -> String {
    hex::encode(HashAlgorithm::Sha256.digest(reply))
}

fn chain_name(authority: &str) -> String {
    format!("{authority}.chain.pem")
}

impl Folder {
    /// The folder of a checkpoint.
    pub fn of(places: &Places, origin: &str, size: u64) -> Self {
        let name = format!("{}/{size}", sago_verify::stamp::log_id(origin));
        Self { place: places.stamps.below(&name), name, size }
    }

    /// The folders of a log that are there, smallest checkpoint first.
    pub fn all(places: &Places, origin: &str) -> Result<Vec<Self>> {
        let mut sizes = Vec::new();
        for name in names_in(&places.stamps.below(&sago_verify::stamp::log_id(origin)))? {
            // Only the one way in which sizes are written: `07` is nobody's folder.
            let size = name.parse::<u64>().ok();
            sizes.extend(size.filter(|size| size.to_string() == name));
        }
        sizes.sort_unstable();
        Ok(sizes.into_iter().map(|size| Self::of(places, origin, size)).collect())
    }

    /// The authorities of which a reply is there, in the order of their names.
    pub fn authorities(&self) -> Result<Vec<String>> {
        let mut found = BTreeSet::new();
        for name in names_in(&self.place)? {
            let is_reply = |algorithm: &Algorithm| name.strip_suffix(&format!(".{}.tsr", algorithm.name())).map(str::to_owned);
            found.extend(Algorithm::ALL.iter().find_map(is_reply));
        }
        Ok(found.into_iter().collect())
    }

    /// The stamped bytes.
    pub fn checkpoint(&self) -> Result<Option<Vec<u8>>> {
        read_from(&self.place, CHECKPOINT)
    }

    /// A kept query.
    pub fn query(&self, authority: &str, algorithm: Algorithm) -> Result<Option<Vec<u8>>> {
        read_from(&self.place, &file_name(authority, algorithm, "tsq"))
    }

    /// A kept reply.
    pub fn reply(&self, authority: &str, algorithm: Algorithm) -> Result<Option<Vec<u8>>> {
        read_from(&self.place, &file_name(authority, algorithm, "tsr"))
    }

    /// The certificates kept for an authority.
    pub fn chain(&self, authority: &str) -> Result<Vec<Certificate>> {
        let pem = self.chain_text(authority)?.unwrap_or_default();
        Ok(certificates_from_pem(&String::from_utf8_lossy(&pem)).0)
    }

    /// The file of these certificates.
    pub fn chain_text(&self, authority: &str) -> Result<Option<Vec<u8>>> {
        read_from(&self.place, &chain_name(authority))
    }

    /// Keeps what is to be asked, durably, so that a reply that comes by another way can be known.
    pub fn keep_queries(&self, note: &[u8], authority: &str, queries: &[(Algorithm, &[u8])]) -> Result<()> {
        self.place.write_all(self.query_files(note, authority, queries))
    }

    /// Keeps the verified replies of an authority, durably, with the certificates that a stranger needs beside them.
    ///
    /// If we crash here, replies may be absent or only one of them there; each that is there has all that belongs to it.
    pub fn keep(&self, note: &[u8], authority: &str, answers: &[(Algorithm, &[u8], &[u8])], certificates: Vec<Certificate>) -> Result<()> {
        let mut chain = self.chain(authority)?;
        for certificate in certificates {
            if !chain.iter().any(|known| known.der() == certificate.der()) {
                chain.push(certificate);
            }
        }
        let queries: Vec<_> = answers.iter().map(|(algorithm, query, _)| (*algorithm, *query)).collect();
        let mut files = self.query_files(note, authority, &queries);
        let chain = certificates_to_pem(&chain).into_bytes();
        files.push((chain_name(authority), chain));
        self.place.write_all(files)?;
        let replies: Vec<_> = answers
            .iter()
            .map(|(algorithm, _, reply)| {
                let name = file_name(authority, *algorithm, "tsr");
                (name, reply.to_vec())
            })
            .collect();
        self.place.write_all(replies)
    }

    fn query_files(&self, note: &[u8], authority: &str, queries: &[(Algorithm, &[u8])]) -> Vec<(String, Vec<u8>)> {
        let mut files = vec![(CHECKPOINT.to_owned(), note.to_vec())];
        files.extend(queries.iter().map(|(algorithm, query)| {
            let name = file_name(authority, *algorithm, "tsq");
            (name, query.to_vec())
        }));
        files
    }
}

/// Reads a file of at most [`MAX_REPLY_BYTES`]; `None` when there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("Could not read", path, &error)),
    };
    if !about.is_file() || about.len() > MAX_REPLY_BYTES as u64 {
        return Err(Error::invalid(format!("{} is no file of less than 1 MiB.", path.display())));
    }
    std::fs::read(path).doing("Could not read", path).map(Some)
}

/// Names in a folder, sorted; none when it is not there. Names that are not UTF-8 are nobody's of ours.
pub(super) fn names_in(folder: &Shelf) -> Result<Vec<String>> {
    Ok(folder.list("")?.into_iter().map(|child| child.name).collect())
}

/// Reads a kept file of at most [`MAX_REPLY_BYTES`]; `None` when there is none.
fn read_from(place: &Shelf, name: &str) -> Result<Option<Vec<u8>>> {
    match place.length(name)? {
        None => Ok(None),
        Some(length) if length > MAX_REPLY_BYTES as u64 => Err(Error::invalid(format!("{} is no file of less than 1 MiB.", place.show(name)))),
        Some(_) => place.read(name),
    }
}

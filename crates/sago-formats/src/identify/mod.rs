//! Which format bytes have, by their content first and by their name last.

use std::io;

use crate::source::Source;
use crate::table::{self, Format};

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// A signature of the bytes.
    Signature,
    /// What lies inside a container.
    Container,
    /// The bytes read as text.
    Text,
    /// The extension of the name alone.
    Extension,
}

/// A format that bytes may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// PRONOM's unique identifier, for example `fmt/276`.
    pub puid: Option<String>,
    /// Name and version as PRONOM or the table say them.
    pub name: String,
    /// Media type.
    pub media_type: Option<String>,
    /// The row of our table that reads it.
    pub format: Option<&'static Format>,
    /// What decided.
    pub basis: Basis,
}

/// Judges a file. Nothing when neither bytes nor name tell.
pub fn identify(_source: &mut Source<'_>, name: &str) -> io::Result<Option<Identified>> {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let format = extension.and_then(|extension| table::FORMATS.iter().find(|format| format.extensions.contains(&extension.as_str())));
    Ok(format.map(|format| Identified {
        puid: None,
        name: format.name.to_owned(),
        media_type: format.media_types.first().map(|kind| (*kind).to_owned()),
        format: Some(format),
        basis: Basis::Extension,
    }))
}

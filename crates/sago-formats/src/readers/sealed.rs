//! Files that only a key opens: age and OpenPGP messages. Nothing inside can be read; that is said, so that they are never taken for empty.

use crate::document::Sink;
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// How much of an age file is looked at for its header.
const HEADER_BYTES: usize = 64 << 10;

/// Says that the file is sealed, and, for age, for how many recipients of which kind.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let header = source.at(0, HEADER_BYTES)?;
    let header = String::from_utf8_lossy(&header);
    let stanzas = header.lines().take_while(|line| !line.starts_with("---")).filter_map(|line| line.strip_prefix("-> "));
    for kind in stanzas.filter_map(|stanza| stanza.split(' ').next()) {
        sink.property("age:recipient", kind.to_owned())?;
    }
    sink.finding(Finding::new(Code::Encrypted, format!("{}: only a key or passphrase opens it.", context.format.name)))
}

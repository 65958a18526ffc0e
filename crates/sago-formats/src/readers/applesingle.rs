//! AppleSingle and AppleDouble (RFC 1740, appendices A and B): a file of the old Macintosh in one file, its two forks and what its system kept of it.

use std::io::{Seek, SeekFrom};

use crate::document::{Child, ChildRole, Sink};
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Magic, version, filler and number of entries.
const HEAD_BYTES: usize = 26;

/// Id, offset and length.
const ENTRY_BYTES: usize = 12;

/// The data fork: the bytes that other systems call the file.
const DATA_FORK: u32 = 1;

/// Fonts, pictures and dialogs of the file, in Macintosh's own form.
const RESOURCE_FORK: u32 = 2;

/// The file's name.
const REAL_NAME: u32 = 3;

/// A remark in its window of information.
const COMMENT: u32 = 4;

/// Longest name or remark that is taken.
const TEXT_BYTES: u32 = 4096;

/// Reads one.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let head = source.at(0, HEAD_BYTES)?;
    let Some(count) = head.get(24..26).map(|bytes| usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))) else {
        return sink.finding(Finding::new(Code::Damaged, "The file ends within its head."));
    };
    let table = source.at(HEAD_BYTES as u64, count * ENTRY_BYTES)?;
    if table.len() < count * ENTRY_BYTES {
        sink.finding(Finding::new(Code::Truncated, "The file ends within the table of its entries."))?;
    }
    let number = |bytes: &[u8]| bytes.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
    let entries: Vec<(u32, u32, u32)> = table.chunks_exact(ENTRY_BYTES).map(|entry| (number(&entry[..4]), number(&entry[4..8]), number(&entry[8..]))).collect();
    let mut name = context.name.strip_prefix("._").unwrap_or(context.name).to_owned();
    let mut name_bytes = None;
    for (id, offset, length) in &entries {
        if [REAL_NAME, COMMENT].contains(id) && *length > 0 {
            let bytes = source.at(u64::from(*offset), (*length).min(TEXT_BYTES) as usize)?;
            let decoded = crate::charset::decode_name(&bytes);
            if *id == COMMENT {
                sink.property("applesingle:comment", decoded.text)?;
            } else {
                name = decoded.text;
                name_bytes = Some(bytes).filter(|bytes| bytes != name.as_bytes());
            }
        }
    }
    for (id, offset, length) in entries {
        let role = match id {
            DATA_FORK => ChildRole::Content,
            RESOURCE_FORK => ChildRole::Embedded,
            _ => continue,
        };
        if length == 0 {
            continue;
        }
        if u64::from(offset) + u64::from(length) > source.size_bytes() {
            let text = format!("The fork at {offset} should have {length} bytes; the file ends before.");
            sink.finding(Finding::new(Code::Truncated, text))?;
        }
        let mut child = Child::new(role, if id == DATA_FORK { name.clone() } else { format!("{name}.rsrc") });
        child.size_bytes = Some(length.into());
        if id == DATA_FORK {
            child.name_bytes.clone_from(&name_bytes);
        }
        source.seek(SeekFrom::Start(offset.into()))?;
        sink.child(child, &mut std::io::Read::take(&mut *source, length.into()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Code, Collected, Limits};

    fn made(length: u32) -> Vec<u8> {
        let mut bytes = vec![0, 5, 0x16, 0, 0, 2, 0, 0];
        bytes.extend([0; 16]);
        bytes.extend(2_u16.to_be_bytes());
        for entry in [[3, 50, 5], [1, 55, length]] {
            bytes.extend(entry.iter().flat_map(|number: &u32| number.to_be_bytes()));
        }
        bytes.extend(b"a.txthello");
        bytes
    }

    #[test]
    fn the_data_fork_is_the_file_under_its_own_name() {
        let read = Collected::of("x.as", &made(5), &Limits::default()).unwrap();
        assert_eq!(read.children.len(), 1, "{:?}", read.findings);
        assert_eq!((read.children[0].0.name.as_str(), read.children[0].1.as_slice()), ("a.txt", b"hello".as_slice()));
        let cut = Collected::of("x.as", &made(500), &Limits::default()).unwrap();
        assert!(cut.has(Code::Truncated) && cut.children[0].1 == b"hello", "{:?}", cut.findings);
        assert!(Collected::of("x.as", &made(5)[..20], &Limits::default()).unwrap().has(Code::Damaged));
    }
}

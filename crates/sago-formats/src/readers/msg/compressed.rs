//! RTF as Outlook packs it (MS-OXRTFCP).

use crate::readers::little::{size_at, u32_at};

/// What the window holds before the first byte (MS-OXRTFCP 2.2.1.1).
const START: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
/// Length of the window.
const WINDOW: usize = 4096;

/// The RTF, and whether it is whole. Nothing when the bytes are not packed RTF.
pub(super) fn unpack(bytes: &[u8]) -> Option<(Vec<u8>, bool)> {
    let wanted = size_at(bytes, 4)?;
    let kind = u32_at(bytes, 8)?;
    let body = bytes.get(16..)?;
    match kind {
        0x414c_454d => Some((body[..body.len().min(wanted)].to_vec(), body.len() >= wanted)),
        0x7546_5a4c => Some(inflate(body, wanted)),
        _ => None,
    }
}

fn inflate(body: &[u8], wanted: usize) -> (Vec<u8>, bool) {
    let mut window = [b' '; WINDOW];
    window[..START.len()].copy_from_slice(START);
    let mut write = START.len();
    // A reference of two bytes gives at most 17, so what a length promises beyond that is not believed.
    let mut out = Vec::with_capacity(wanted.min(body.len().saturating_mul(9)));
    let mut at = 0;
    while let Some(control) = body.get(at) {
        at += 1;
        for bit in 0..8 {
            if control >> bit & 1 == 0 {
                let Some(byte) = body.get(at) else { return end(out, wanted) };
                at += 1;
                out.push(*byte);
                window[write] = *byte;
                write = (write + 1) % WINDOW;
            } else {
                let Some(pair) = body.get(at..at + 2) else { return end(out, wanted) };
                at += 2;
                let reference = usize::from(u16::from_be_bytes([pair[0], pair[1]]));
                let (from, length) = (reference >> 4, (reference & 0xf) + 2);
                if from == write {
                    return end(out, wanted);
                }
                for step in 0..length {
                    let byte = window[(from + step) % WINDOW];
                    out.push(byte);
                    window[write] = byte;
                    write = (write + 1) % WINDOW;
                }
            }
        }
    }
    end(out, wanted)
}

fn end(out: Vec<u8>, wanted: usize) -> (Vec<u8>, bool) {
    let is_whole = out.len() >= wanted;
    (out, is_whole)
}

#[cfg(test)]
mod tests {
    use super::unpack;

    #[test]
    fn the_examples_of_the_specification_are_unpacked() {
        // MS-OXRTFCP 3.2.1 and 3.2.2.
        let first = b"\x2d\0\0\0\x2b\0\0\0\x4c\x5a\x46\x75\xf1\xc5\xc7\xa7\x03\0\x0a\0\x72\x63\x70\x67\x31\x32\x35\x42\x32\x0a\xf3\x20\x68\x65\x6c\x09\0\x20\x62\x77\x05\xb0\x6c\x64\x7d\x0a\x80\x0f\xa0";
        assert_eq!(unpack(first), Some((b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n".to_vec(), true)));
        let second = b"\x1a\0\0\0\x1c\0\0\0\x4c\x5a\x46\x75\xe2\xd4\x4b\x51\x41\0\x04\x20\x57\x58\x59\x5a\x0d\x6e\x7d\x01\x0e\xb0";
        assert_eq!(unpack(second), Some((b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}".to_vec(), true)));
        assert_eq!(unpack(&second[..20]).map(|(_, is_whole)| is_whole), Some(false));
        assert_eq!(unpack(b"short"), None);
    }
}

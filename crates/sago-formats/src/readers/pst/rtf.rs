//! Compressed RTF (MS-OXRTFCP).

/// What every text begins as if it had seen (MS-OXRTFCP 2.1.2.1).
const PREBUFFER: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// Unpacks it; nothing when it is no such text. A damaged one gives what comes before the fault.
pub(super) fn unpack(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let size = usize::try_from(super::file::u32_at(bytes, 4)).ok()?.min(most);
    let body = bytes.get(16..)?;
    match bytes.get(8..12)? {
        b"MELA" => return Some(body[..size.min(body.len())].to_vec()),
        b"LZFu" => {}
        _ => return None,
    }
    let mut window = [b' '; 4096];
    window[..PREBUFFER.len()].copy_from_slice(PREBUFFER);
    let mut at = PREBUFFER.len();
    let mut out = Vec::new();
    let mut input = body.iter().copied();
    'all: while let Some(control) = input.next() {
        for bit in 0..8 {
            if out.len() >= size {
                break 'all;
            }
            if control >> bit & 1 == 0 {
                let Some(byte) = input.next() else { break 'all };
                out.push(byte);
                window[at] = byte;
                at = (at + 1) % 4096;
                continue;
            }
            let (Some(high), Some(low)) = (input.next(), input.next()) else { break 'all };
            let word = usize::from(high) << 8 | usize::from(low);
            let (from, length) = (word >> 4, (word & 15) + 2);
            // A reference to where it stands ends the text.
            if from == at {
                break 'all;
            }
            for step in 0..length {
                let byte = window[(from + step) % 4096];
                out.push(byte);
                window[at] = byte;
                at = (at + 1) % 4096;
            }
        }
    }
    out.truncate(size);
    Some(out)
}

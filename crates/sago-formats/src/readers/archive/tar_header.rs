//! One header block of TAR (POSIX.1-2001 ustar and pax, GNU, and those before them), and the extended headers.

/// A block.
pub(super) const BLOCK: usize = 512;

/// What a header block says.
#[derive(Debug, Clone, Default)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) kind: u8,
    pub(super) size_bytes: u64,
    pub(super) modified: Option<i64>,
    pub(super) owner: Vec<u8>,
    /// Pieces of a sparse file of the old GNU kind: offset and length.
    pub(super) pieces: Vec<(u64, u64)>,
    /// Whether more blocks of pieces follow, and how long the file is with its holes.
    pub(super) has_more_pieces: bool,
    pub(super) real_bytes: Option<u64>,
}

/// Reads a header block; nothing when its checksum is wrong.
pub(super) fn header(block: &[u8; BLOCK]) -> Option<Header> {
    let sum = number(&block[148..156])?;
    let blank = 8 * u64::from(b' ');
    let bytes = || block[..148].iter().chain(&block[156..]);
    let unsigned: u64 = bytes().map(|byte| u64::from(*byte)).sum::<u64>() + blank;
    // Some old programs summed signed bytes.
    let signed: i64 = bytes().map(|byte| i64::from(byte.cast_signed())).sum::<i64>() + blank.cast_signed();
    if sum != unsigned && i64::try_from(sum) != Ok(signed) {
        return None;
    }
    let is_ustar = &block[257..263] == b"ustar\0";
    let is_gnu = &block[257..265] == b"ustar  \0";
    let mut name = text(&block[..100]).to_vec();
    if is_ustar && block[345] != 0 {
        name = [text(&block[345..500]), b"/", &name].concat();
    }
    let mut header = Header {
        name,
        link: text(&block[157..257]).to_vec(),
        kind: block[156],
        size_bytes: number(&block[124..136])?,
        modified: number(&block[136..148]).and_then(|seconds| i64::try_from(seconds).ok()),
        owner: if is_ustar || is_gnu { text(&block[265..297]).to_vec() } else { Vec::new() },
        ..Header::default()
    };
    if header.kind == b'S' {
        header.pieces = pieces(&block[386..482]);
        header.has_more_pieces = block[482] != 0;
        header.real_bytes = number(&block[483..495]);
    }
    Some(header)
}

/// Offset and length of pieces, 24 bytes each, until an empty one.
pub(super) fn pieces(bytes: &[u8]) -> Vec<(u64, u64)> {
    bytes.chunks_exact(24).take_while(|piece| piece[0] != 0).filter_map(|piece| Some((number(&piece[..12])?, number(&piece[12..])?))).collect()
}

/// Octal digits, or binary of base 256 when the first bit is set. Blank is zero.
pub(super) fn number(field: &[u8]) -> Option<u64> {
    if let Some((first, rest)) = field.split_first()
        && first & 0x80 != 0
    {
        if *first == 0xFF {
            return None;
        }
        let start = u64::from(first & 0x7F);
        return rest.iter().try_fold(start, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let digits = field.iter().copied().skip_while(|byte| *byte == b' ').take_while(|byte| !matches!(byte, 0 | b' '));
    digits.into_iter().try_fold(0_u64, |sum, byte| if (b'0'..=b'7').contains(&byte) { sum.checked_mul(8)?.checked_add(u64::from(byte - b'0')) } else { None })
}

fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Records of an extended header: `length key=value\n`. What makes no sense ends them.
pub(super) fn pax_records(mut bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut records = Vec::new();
    while let Some(space) = bytes.iter().position(|byte| *byte == b' ') {
        let length = std::str::from_utf8(&bytes[..space]).ok().and_then(|digits| digits.parse::<usize>().ok());
        let Some(record) = length.and_then(|length| bytes.get(space + 1..length)) else { break };
        if let Some(equals) = record.iter().position(|byte| *byte == b'=') {
            let value = record[equals + 1..].strip_suffix(b"\n").unwrap_or(&record[equals + 1..]);
            records.push((String::from_utf8_lossy(&record[..equals]).into_owned(), value.to_vec()));
        }
        bytes = &bytes[length.unwrap_or(bytes.len())..];
    }
    records
}

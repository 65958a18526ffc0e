//! Transfer encodings (RFC 2045, section 6), as tolerant as the mail that is about.

/// Decodes base64; characters that do not belong are passed over and counted. A cut end gives what it holds.
pub(crate) fn base64(bytes: &[u8]) -> (Vec<u8>, u64) {
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    let (mut group, mut count, mut strange) = (0_u32, 0_u32, 0_u64);
    for byte in bytes {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                // Padding ends a piece: some clients join encoded pieces.
                finish(&mut out, &mut group, &mut count);
                continue;
            }
            _ => {
                strange += u64::from(!byte.is_ascii_whitespace());
                continue;
            }
        };
        group = group << 6 | u32::from(value);
        count += 1;
        if count == 4 {
            out.extend_from_slice(&group.to_be_bytes()[1..]);
            (group, count) = (0, 0);
        }
    }
    finish(&mut out, &mut group, &mut count);
    (out, strange)
}

fn finish(out: &mut Vec<u8>, group: &mut u32, count: &mut u32) {
    let whole = *group << (6 * (4 - (*count).min(4)));
    match count {
        2 => out.extend_from_slice(&whole.to_be_bytes()[1..2]),
        3 => out.extend_from_slice(&whole.to_be_bytes()[1..3]),
        _ => {}
    }
    (*group, *count) = (0, 0);
}

/// Decodes quoted-printable; in header words `_` is a space. Escapes that make no sense stay as they are.
pub(super) fn quoted(bytes: &[u8], is_word: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        place += 1;
        match byte {
            b'_' if is_word => out.push(b' '),
            b'=' => {
                let hex = bytes.get(place..place + 2).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
                if let Some(value) = hex {
                    out.push(value);
                    place += 2;
                } else if let Some(length) = soft_break(&bytes[place..]) {
                    place += length;
                } else {
                    out.push(b'=');
                }
            }
            _ => out.push(*byte),
        }
    }
    out
}

/// White space and a line end after `=`: the line goes on.
fn soft_break(bytes: &[u8]) -> Option<usize> {
    let blank = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
    match bytes.get(blank) {
        Some(b'\n') => Some(blank + 1),
        None => Some(blank),
        Some(_) => None,
    }
}

/// Decodes one uuencoded line; nothing when it is none.
pub(super) fn uu_line(line: &[u8]) -> Option<Vec<u8>> {
    let (first, rest) = line.split_first()?;
    let length = usize::from(first.checked_sub(b' ')? & 63);
    let mut out = Vec::with_capacity(length + 2);
    for four in rest.chunks(4) {
        let mut group = 0_u32;
        for place in 0..4 {
            let byte = four.get(place).copied().unwrap_or(b' ');
            group = group << 6 | u32::from(byte.checked_sub(b' ')? & 63);
        }
        out.extend_from_slice(&group.to_be_bytes()[1..]);
    }
    (out.len() >= length && out.len() < length + 6).then(|| {
        out.truncate(length);
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_read_with_their_faults() {
        assert_eq!(base64(b"aGVs\r\nbG8=").0, b"hello");
        assert_eq!(base64(b"aGVsbG8").0, b"hello");
        assert_eq!(base64(b"aGVs!bG8"), (b"hello".to_vec(), 1));
        assert_eq!(base64(b"A"), (Vec::new(), 0));
        assert_eq!(quoted(b"a=3Db=\r\nc=ZZ _", false), b"a=bc=ZZ _");
        assert_eq!(uu_line(b"#0V%T").as_deref(), Some(&b"Cat"[..]));
    }
}

//! Records of SQLite (file format 2.1): numbers of variable length, serial types, values.

/// A stored value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// How text is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl Value {
    /// As text: binary values as text when they are UTF-8, else as hexadecimal digits.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Integer(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Blob(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) if !text.contains(|letter: char| letter.is_control() && !letter.is_whitespace()) => text.to_owned(),
                _ => bytes.iter().fold("x'".to_owned(), |text, byte| text + &format!("{byte:02x}")) + "'",
            },
        }
    }
}

/// A number of one to nine bytes and how many it took.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (place, byte) in bytes.iter().take(9).enumerate() {
        if place == 8 {
            return Some((value << 8 | u64::from(*byte), 9));
        }
        value = value << 7 | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return Some((value, place + 1));
        }
    }
    None
}

/// The values of a record; nothing when it is damaged.
pub(super) fn values(bytes: &[u8], encoding: Encoding) -> Option<Vec<Value>> {
    let (head, mut place) = varint(bytes)?;
    let head = usize::try_from(head).ok().filter(|head| *head <= bytes.len())?;
    let mut body = bytes.get(head..)?;
    let mut values = Vec::new();
    while place < head {
        let (kind, length) = varint(bytes.get(place..head)?)?;
        place += length;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => usize::try_from((kind - 12) / 2).ok()?,
        };
        let own = body.get(..size)?;
        body = &body[size..];
        values.push(match kind {
            0 => Value::Null,
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            7 => Value::Real(f64::from_be_bytes(*own.first_chunk()?)),
            1..=6 => {
                let negative = own.first().is_some_and(|first| first & 0x80 != 0);
                Value::Integer(own.iter().fold(if negative { -1_i64 } else { 0 }, |sum, byte| sum << 8 | i64::from(*byte)))
            }
            _ if kind % 2 == 0 => Value::Blob(own.to_vec()),
            _ => Value::Text(text(own, encoding)),
        });
    }
    Some(values)
}

fn text(bytes: &[u8], encoding: Encoding) -> String {
    let units = |join: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(move |pair| join([pair[0], pair[1]]));
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match encoding {
        // Programs have been seen to store other sets in databases that say UTF-8.
        Encoding::Utf8 => std::str::from_utf8(bytes).map_or_else(|_| crate::charset::decode(bytes, None).text, str::to_owned),
        Encoding::Utf16Le => units(u16::from_le_bytes),
        Encoding::Utf16Be => units(u16::from_be_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read() {
        let record = [5, 1, 0x13, 7, 0, 0xFF, b'a', b'b', b'c', 0x3F, 0xF8, 0, 0, 0, 0, 0, 0];
        let expected = vec![Value::Integer(-1), Value::Text("abc".to_owned()), Value::Real(1.5), Value::Null];
        assert_eq!(values(&record, Encoding::Utf8), Some(expected));
        assert_eq!(values(&record[..8], Encoding::Utf8), None);
        assert_eq!(varint(&[0x81, 0x00]), Some((128, 2)));
    }
}

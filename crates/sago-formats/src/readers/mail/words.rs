//! Encoded words (RFC 2047) and the bytes around them. Words of one character set side by side are decoded together: clients cut letters in two.

use super::transfer;
use crate::charset;

/// A decoded value.
#[derive(Debug, Default)]
pub(super) struct Value {
    pub(super) text: String,
    /// Which character set was judged from the bytes, when none was declared.
    pub(super) guessed: Option<&'static str>,
    /// How many sequences of bytes meant nothing.
    pub(super) undecodable: u64,
}

struct Word<'a> {
    label: &'a str,
    bytes: Vec<u8>,
    length: usize,
}

/// Decodes a header's value. Control characters are taken out.
pub(super) fn decode(raw: &[u8]) -> Value {
    let mut value = Value::default();
    let mut rest = raw;
    let mut plain: Vec<u8> = Vec::new();
    // The last word waits: the next of its character set may belong to the same letter.
    let mut open: Option<(String, Vec<u8>)> = None;
    while let Some(first) = rest.first() {
        if let Some(word) = word(rest) {
            match &mut open {
                Some((label, bytes)) if plain.iter().all(u8::is_ascii_whitespace) => {
                    plain.clear();
                    if label.eq_ignore_ascii_case(word.label) && !label.to_ascii_lowercase().starts_with("iso-2022") {
                        bytes.extend(word.bytes);
                    } else {
                        let next = (word.label.to_owned(), word.bytes);
                        value.take(open.replace(next));
                    }
                }
                _ => {
                    value.take(open.take());
                    value.take_plain(&mut plain);
                    open = Some((word.label.to_owned(), word.bytes));
                }
            }
            rest = &rest[word.length..];
        } else {
            plain.push(*first);
            rest = &rest[1..];
        }
    }
    value.take(open);
    value.take_plain(&mut plain);
    value.text = charset::without_controls(&value.text).into_owned();
    value
}

impl Value {
    fn take(&mut self, word: Option<(String, Vec<u8>)>) {
        if let Some((label, bytes)) = word {
            let decoded = charset::decode(&bytes, Some(&label));
            self.undecodable += decoded.undecodable;
            self.text.push_str(&decoded.text);
        }
    }

    fn take_plain(&mut self, plain: &mut Vec<u8>) {
        if plain.is_empty() {
            return;
        }
        let decoded = charset::decode(plain, None);
        if decoded.basis == charset::Basis::Guessed {
            self.guessed = Some(decoded.charset);
        }
        self.undecodable += decoded.undecodable;
        self.text.push_str(&decoded.text);
        plain.clear();
    }
}

fn word(bytes: &[u8]) -> Option<Word<'_>> {
    let inner = bytes.strip_prefix(b"=?")?;
    let label_end = inner.iter().take(64).position(|byte| *byte == b'?')?;
    // RFC 2231 puts a language after a star.
    let label = std::str::from_utf8(inner.get(..label_end)?).ok()?.split('*').next()?;
    let kind = inner.get(label_end + 1)?;
    let text = inner.get(label_end + 2..)?.strip_prefix(b"?")?;
    let end = text.windows(2).position(|pair| pair == b"?=")?;
    let content = &text[..end];
    let decoded = match kind {
        b'B' | b'b' => transfer::base64(content).0,
        b'Q' | b'q' => transfer::quoted(content, true),
        _ => return None,
    };
    Some(Word { label, bytes: decoded, length: 2 + label_end + 3 + end + 2 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn korean_words_are_decoded_even_when_a_letter_is_cut() {
        assert_eq!(decode("=?ks_c_5601-1987?B?x9GxuQ==?= x".as_bytes()).text, "한국 x");
        // 한국 in EUC-KR is C7 D1 B1 B9, cut after three bytes.
        assert_eq!(decode(b"=?euc-kr?Q?=C7=D1=B1?=\r\n =?euc-kr?Q?=B9_a?=").text, "한국 a");
        assert_eq!(decode("=?UTF-8?B?7ZWc?= =?UTF-8?B?6riA?=".as_bytes()).text, "한글");
        assert_eq!(decode(b"=?iso-2022-kr?B?GyQpQw5HUTE5Dw==?=").text, "한국");
    }

    #[test]
    fn what_is_no_word_stays() {
        assert_eq!(decode(b"a =?broken b?= c").text, "a =?broken b?= c");
        assert_eq!(decode(b"=?x?Z?abc?=").text, "=?x?Z?abc?=");
    }
}

//! Names of files: readable text beside the bytes that the sender's disk holds.
//!
//! The bytes are the evidence and are kept as they are; the text made here is for people and for comparing lists.
//! A path is read part by part, since one disk may mix writers: UTF-8 first (macOS writes hangul in pieces, which are
//! joined: Unicode form NFC), then Korean Windows (CP949), else the bytes are shown as `\xNN`. What a reader could not
//! see, or what would turn the line around, is shown as `\u{NNNN}`. Mojibake is not guessed back.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::{Code, Finding, code};

/// In which writing a name was found; of a path, the least certain of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameEncoding {
    /// Valid UTF-8, already in form NFC.
    Utf8,
    /// Valid UTF-8 that joining (NFC) changed, as macOS writes it.
    Utf8Nfd,
    /// Korean Windows code page 949, a guess.
    Cp949,
    /// None of these.
    UnknownBytes,
}

impl NameEncoding {
    /// The word that stands in manifests: `utf-8`, `utf-8-nfd`, `cp949` or `unknown-bytes`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf8Nfd => "utf-8-nfd",
            Self::Cp949 => "cp949",
            Self::UnknownBytes => "unknown-bytes",
        }
    }
}

/// A name for reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readable {
    /// NFC, one line, no control characters; never to be used to open a file.
    pub text: String,
    /// How the bytes were read.
    pub encoding: NameEncoding,
    /// Says that the text is a guess, incomplete, or hides something.
    pub note: Option<Finding>,
}

/// Makes a path readable; never fails.
pub fn readable(path_bytes: &[u8]) -> Readable {
    let mut encoding = NameEncoding::Utf8;
    let mut hidden = false;
    let mut text = String::with_capacity(path_bytes.len());
    for (index, part) in path_bytes.split(|byte| *byte == b'/').enumerate() {
        if index > 0 {
            text.push('/');
        }
        let (decoded, found) = decode(part);
        encoding = encoding.max(found);
        match decoded {
            Some(decoded) => hidden |= push_visible(&mut text, &decoded),
            None => hidden |= push_bytes(&mut text, part),
        }
    }
    let note = note(path_bytes, encoding, hidden, &text);
    Readable { text, encoding, note }
}

/// The text by which two writings of one path are the same; `None` when a part is in no known encoding.
pub(super) fn comparable(path_bytes: &[u8]) -> Option<String> {
    let parts: Option<Vec<String>> = path_bytes.split(|byte| *byte == b'/').map(|part| decode(part).0).collect();
    parts.map(|parts| parts.join("/"))
}

/// Reads one part of a path as text in NFC.
fn decode(part: &[u8]) -> (Option<String>, NameEncoding) {
    if let Ok(text) = str::from_utf8(part) {
        let joined: String = text.nfc().collect();
        let encoding = if joined == text { NameEncoding::Utf8 } else { NameEncoding::Utf8Nfd };
        return (Some(joined), encoding);
    }
    match korean(part) {
        Some(text) => (Some(text.nfc().collect()), NameEncoding::Cp949),
        None => (None, NameEncoding::UnknownBytes),
    }
}

/// Reads bytes as CP949 if that gives plausible Korean.
///
/// Half of what is not ASCII must be hangul, and half of the hangul must be among the 2,350 syllables of KS X 1001,
/// which are nearly all that Korean uses; names in other double-byte encodings mostly hit the 8,822 rare ones or hanja.
/// A Chinese name in GBK can still pass: the text is a guess and says so.
fn korean(part: &[u8]) -> Option<String> {
    let text = encoding_rs::EUC_KR.decode_without_bom_handling_and_without_replacement(part)?;
    let foreign = text.chars().filter(|letter| !letter.is_ascii()).count();
    let hangul = text.chars().filter(|letter| ('가'..='힣').contains(letter) || ('ㄱ'..='ㅣ').contains(letter)).count();
    let mut rare = 0;
    let mut bytes = part.iter();
    while let Some(&lead) = bytes.next() {
        if lead.is_ascii() {
            continue;
        }
        let trail = bytes.next().copied().unwrap_or(0);
        if lead < 0xA1 || trail < 0xA1 {
            rare += 1;
        }
    }
    (hangul > 0 && hangul * 2 >= foreign && rare * 2 <= hangul).then(|| text.into_owned())
}

/// Appends text with everything unseen made visible; says whether there was any.
fn push_visible(text: &mut String, decoded: &str) -> bool {
    let mut hidden = false;
    for letter in decoded.chars() {
        if is_unseen(letter) {
            text.push_str(&format!("\\u{{{:04X}}}", u32::from(letter)));
            hidden = true;
        } else {
            text.push(letter);
        }
    }
    hidden
}

/// Appends bytes of no known encoding: what is valid UTF-8 as text (a name cut off in the middle of a letter stays
/// readable), the rest as `\xNN`.
fn push_bytes(text: &mut String, part: &[u8]) -> bool {
    let mut hidden = false;
    for chunk in part.utf8_chunks() {
        let joined: String = chunk.valid().nfc().collect();
        let mut rest = joined.as_str();
        // An accent would join the last digit of the byte shown before it.
        while let Some(mark) = rest.chars().next().filter(|letter| is_combining_mark(*letter)) {
            text.push_str(&format!("\\u{{{:04X}}}", u32::from(mark)));
            rest = &rest[mark.len_utf8()..];
        }
        hidden |= push_visible(text, rest);
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    hidden
}

/// Whether a character cannot be seen, breaks the line or changes the direction of others.
///
/// The joiners U+200C and U+200D are left alone: Persian names and emoji need them.
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            // Fillers of hangul: letters without ink.
            | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}'
            | '\u{E0000}'..='\u{E007F}')
}

fn note(path_bytes: &[u8], encoding: NameEncoding, hidden: bool, text: &str) -> Option<Finding> {
    let unseen = "It holds characters that cannot be seen or that turn the text around; they are shown as \
    \\u{NNNN}, so read it with care.";
    let (code, mut message): (&'static Code, String) = match encoding {
        NameEncoding::UnknownBytes => (
            &code::NAME_UNKNOWN_BYTES,
            format!(
                "The name “{text}” is not in an encoding that could be recognised. Its bytes are kept; bytes \
                that could not be read are shown as \\xNN."
            ),
        ),
        NameEncoding::Cp949 => (
            &code::NAME_READ_AS_CP949,
            format!(
                "The name “{text}” is not Unicode and was read as Korean (CP949). Its bytes are kept; if it \
                makes no sense, ask the sender."
            ),
        ),
        NameEncoding::Utf8 | NameEncoding::Utf8Nfd if hidden => {
            (&code::NAME_HIDDEN_CHARACTERS, format!("The name “{text}” is not what it seems. {unseen} Its bytes are kept."))
        }
        // How macOS writes is recorded as the encoding; it is nothing to tell a person about.
        NameEncoding::Utf8 | NameEncoding::Utf8Nfd => return None,
    };
    if hidden && encoding >= NameEncoding::Cp949 {
        message.push(' ');
        message.push_str(unseen);
    }
    Some(Finding::note(code, path_bytes.to_vec(), message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::CODES;

    fn check(bytes: &[u8], text: &str, encoding: &str, code: Option<&str>) {
        let found = readable(bytes);
        assert_eq!(found.text, text, "text of {bytes:02X?}");
        assert_eq!(found.encoding.as_str(), encoding, "encoding of {bytes:02X?}");
        assert_eq!(found.note.as_ref().map(|note| note.code), code, "note of {bytes:02X?}");
        if let Some(note) = found.note {
            assert_eq!(note.path_bytes, bytes);
            assert!(note.taken);
        }
    }

    /// Bytes of a Korean text as Windows would have written them.
    fn cp949(text: &str) -> Vec<u8> {
        let (bytes, _, failed) = encoding_rs::EUC_KR.encode(text);
        assert!(!failed, "{text} cannot be written in CP949");
        bytes.into_owned()
    }

    #[test]
    fn utf8_stays_as_it_is() {
        check(b"", "", "utf-8", None);
        check(b"disk/report.pdf", "disk/report.pdf", "utf-8", None);
        check("디스크/진술서.hwp".as_bytes(), "디스크/진술서.hwp", "utf-8", None);
        check("caf\u{E9}/\u{1F468}\u{200D}\u{1F469}.jpg".as_bytes(), "caf\u{E9}/\u{1F468}\u{200D}\u{1F469}.jpg", "utf-8", None);
        check(br"a\x41", r"a\x41", "utf-8", None);
    }

    #[test]
    fn hangul_in_pieces_is_joined_for_reading() {
        let pieces: String = "진술서.hwp".nfd().collect();
        assert_ne!(pieces, "진술서.hwp");
        check(pieces.as_bytes(), "진술서.hwp", "utf-8-nfd", None);
        check(format!("정상/{pieces}").as_bytes(), "정상/진술서.hwp", "utf-8-nfd", None);
    }

    #[test]
    fn korean_windows_names_are_read() {
        check(&cp949("증거목록.txt"), "증거목록.txt", "cp949", Some("name-read-as-cp949"));
        // A syllable outside KS X 1001, hanja, jamo and signs among common syllables.
        check(&cp949("똠방각하.hwp"), "똠방각하.hwp", "cp949", Some("name-read-as-cp949"));
        check(&cp949("진술(金哲)ㅋ①.hwp"), "진술(金哲)ㅋ①.hwp", "cp949", Some("name-read-as-cp949"));
        let mixed = [b"disk/".as_slice(), "사진".as_bytes(), b"/", &cp949("구금시설 배치도.jpg")].concat();
        check(&mixed, "disk/사진/구금시설 배치도.jpg", "cp949", Some("name-read-as-cp949"));
    }

    #[test]
    fn other_encodings_are_not_called_korean() {
        check(b"caf\xE9.txt", r"caf\xE9.txt", "unknown-bytes", Some("name-unknown-bytes"));
        check(b"\x80", r"\x80", "unknown-bytes", Some("name-unknown-bytes"));
        check(b"\xFF\xFE/ok", r"\xFF\xFE/ok", "unknown-bytes", Some("name-unknown-bytes"));
        // Japanese in Shift JIS.
        let (japanese, _, _) = encoding_rs::SHIFT_JIS.encode("報告しょるい.txt");
        assert_eq!(readable(&japanese).encoding, NameEncoding::UnknownBytes);
        // One hangul among hanja is more likely Chinese.
        assert_eq!(readable(&cp949("가金哲李朴崔")).encoding, NameEncoding::UnknownBytes);
        // Cyrillic in windows-1251 falls among the hanja.
        let (russian, _, _) = encoding_rs::WINDOWS_1251.encode("протокол допроса.doc");
        assert_eq!(readable(&russian).encoding, NameEncoding::UnknownBytes);
    }

    #[test]
    fn a_name_cut_off_in_a_letter_stays_readable() {
        let mut cut = "아주 긴 진술서".as_bytes().to_vec();
        cut.pop();
        check(&cut, "아주 긴 진술\\xEC\\x84", "unknown-bytes", Some("name-unknown-bytes"));
        // An accent after a shown byte does not change that byte.
        check(b"\xFA\xCC\x81", "\\xFA\\u{0301}", "unknown-bytes", Some("name-unknown-bytes"));
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        check(b"a\nb\tc\x1B[2J\x7F", r"a\u{000A}b\u{0009}c\u{001B}[2J\u{007F}", "utf-8", Some("name-hidden-characters"));
        check("photo\u{202E}gpj.exe".as_bytes(), r"photo\u{202E}gpj.exe", "utf-8", Some("name-hidden-characters"));
        check(
            "a\u{2066}b\u{2069}\u{2028}\u{200B}\u{FEFF}\u{85}\u{3164}".as_bytes(),
            r"a\u{2066}b\u{2069}\u{2028}\u{200B}\u{FEFF}\u{0085}\u{3164}",
            "utf-8",
            Some("name-hidden-characters"),
        );
        let mut both = cp949("증거");
        both.push(b'\n');
        check(&both, r"증거\u{000A}", "cp949", Some("name-read-as-cp949"));
        assert!(readable(&both).note.unwrap().message.contains("cannot be seen"));
        check(b"\xFF\n", "\\xFF\\u{000A}", "unknown-bytes", Some("name-unknown-bytes"));
    }

    #[test]
    fn any_bytes_give_one_clean_line_in_nfc() {
        // Three sources of bytes: anything at all, valid text of awkward letters, and double-byte pairs.
        let awkward: Vec<char> = "a/\\가각ᄀ\u{1161}\u{11A8}\u{301}é\u{202E}\n\0\u{7F}\u{85}\u{2069}樂\u{F914}\u{1F600}\u{10FFFF}".chars().collect();
        let mut state = 0x5A60_u64;
        let mut random = move |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        for round in 0..60_000 {
            let length = random(40);
            let mut bytes = Vec::new();
            for _ in 0..length {
                match (round + random(2)) % 3 {
                    0 => bytes.push(u8::try_from(random(256)).unwrap()),
                    1 => bytes.extend(awkward[random(awkward.len())].to_string().bytes()),
                    _ => bytes.extend([0xB0 + u8::try_from(random(0x19)).unwrap(), 0xA1 + u8::try_from(random(0x5E)).unwrap()]),
                }
            }
            let found = readable(&bytes);
            assert!(!found.text.chars().any(|letter| letter.is_control() || is_unseen(letter)), "{bytes:02X?} gave {:?}", found.text);
            assert!(unicode_normalization::is_nfc(&found.text), "{bytes:02X?} gave {:?}", found.text);
            assert_eq!(found.encoding == NameEncoding::UnknownBytes, comparable(&bytes).is_none());
            if let Some(note) = found.note {
                assert!(CODES.iter().any(|code| code.code == note.code));
            }
        }
    }
}

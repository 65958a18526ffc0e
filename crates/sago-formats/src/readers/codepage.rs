//! Code pages by the numbers that Windows and Office give them.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, IBM866, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_10,
    ISO_8859_13, ISO_8859_14, ISO_8859_15, KOI8_R, KOI8_U, MACINTOSH, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_874, WINDOWS_1250, WINDOWS_1251,
    WINDOWS_1252, WINDOWS_1253, WINDOWS_1254, WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258, X_MAC_CYRILLIC,
};

/// The upper half of code page 437, the letters of the first PCs.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
/// The upper half of code page 850, the letters of later PCs in the west of Europe.
const CP850: &str =
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

/// A code page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodePage {
    /// One of the sets of the Encoding Standard.
    Standard(&'static Encoding),
    /// A set of 256 letters; the upper half.
    Table(&'static str),
    /// The symbol fonts of Windows: their letters are pictures, kept in the private area at U+F000 as Office does.
    Symbol,
}

/// Text from bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// The text; what means nothing is the replacement character.
    pub text: String,
    /// Whether some bytes meant nothing.
    pub has_errors: bool,
}

impl CodePage {
    /// What Office means when it says nothing.
    pub const WESTERN: Self = Self::Standard(WINDOWS_1252);

    /// The code page with this number; nothing when we do not know it.
    pub fn by_number(number: u32) -> Option<Self> {
        Some(Self::Standard(match number {
            42 => return Some(Self::Symbol),
            437 => return Some(Self::Table(CP437)),
            850 | 858 => return Some(Self::Table(CP850)),
            0 | 1 | 3 | 1252 | 20127 | 28591 | 0x8001 => WINDOWS_1252,
            866 => IBM866,
            874 => WINDOWS_874,
            932 | 10001 => SHIFT_JIS,
            936 | 10008 => GBK,
            949 | 10003 | 20949 | 51949 => EUC_KR,
            950 | 10002 => BIG5,
            1200 => UTF_16LE,
            1201 => UTF_16BE,
            1250 => WINDOWS_1250,
            1251 => WINDOWS_1251,
            1253 => WINDOWS_1253,
            1254 => WINDOWS_1254,
            1255 => WINDOWS_1255,
            1256 => WINDOWS_1256,
            1257 => WINDOWS_1257,
            1258 => WINDOWS_1258,
            2 | 10000 | 0x8000 => MACINTOSH,
            10007 => X_MAC_CYRILLIC,
            20866 => KOI8_R,
            21866 => KOI8_U,
            20932 | 51932 => EUC_JP,
            28592 => ISO_8859_2,
            28593 => ISO_8859_3,
            28594 => ISO_8859_4,
            28595 => ISO_8859_5,
            28596 => ISO_8859_6,
            28597 => ISO_8859_7,
            28598 => ISO_8859_8,
            28599 => WINDOWS_1254,
            28600 => ISO_8859_10,
            28603 => ISO_8859_13,
            28604 => ISO_8859_14,
            28605 => ISO_8859_15,
            51936 => GBK,
            54936 => GB18030,
            65001 => UTF_8,
            _ => return None,
        }))
    }

    /// The code page of a font by its `charset` byte (MS-WMF 2.1.1.5).
    pub fn by_font(charset: u32) -> Option<Self> {
        Self::by_number(match charset {
            0 | 1 => return None,
            2 => 42,
            77 => 10000,
            78 => 10001,
            79 => 10003,
            80 => 10008,
            81 => 10002,
            89 => 10007,
            128 => 932,
            129 => 949,
            130 => return None,
            134 => 936,
            136 => 950,
            161 => 1253,
            162 => 1254,
            163 => 1258,
            177 => 1255,
            178 => 1256,
            186 => 1257,
            204 => 1251,
            222 => 874,
            238 => 1250,
            254 => 437,
            255 => 850,
            _ => return None,
        })
    }

    /// The code page of a language by its Windows number (MS-LCID).
    pub fn by_language(language: u32) -> Option<Self> {
        Self::by_number(match language & 0x3ff {
            0x01 | 0x20 | 0x29 => 1256,
            0x04 if matches!(language, 0x0404 | 0x0c04 | 0x1404) => 950,
            0x04 => 936,
            0x05 | 0x0e | 0x15 | 0x18 | 0x1a | 0x1b | 0x1c | 0x24 => 1250,
            0x02 | 0x19 | 0x22 | 0x23 | 0x2f => 1251,
            0x08 => 1253,
            0x0d => 1255,
            0x11 => 932,
            0x12 => 949,
            0x1e => 874,
            0x1f => 1254,
            0x25..=0x27 => 1257,
            0x2a => 1258,
            0x00 => return None,
            _ => 1252,
        })
    }

    /// Decodes bytes; no mark at the beginning is looked for.
    pub fn decode(self, bytes: &[u8]) -> Decoded {
        match self {
            Self::Standard(encoding) => {
                let (text, has_errors) = encoding.decode_without_bom_handling(bytes);
                Decoded { text: text.into_owned(), has_errors }
            }
            Self::Table(upper) => {
                let letter = |byte: &u8| if *byte < 0x80 { char::from(*byte) } else { upper.chars().nth(usize::from(*byte - 0x80)).unwrap_or('\u{fffd}') };
                Decoded { text: bytes.iter().map(letter).collect(), has_errors: false }
            }
            Self::Symbol => {
                let letter = |byte: &u8| if *byte < 0x20 { char::from(*byte) } else { char::from_u32(0xf000 + u32::from(*byte)).unwrap_or('\u{fffd}') };
                Decoded { text: bytes.iter().map(letter).collect(), has_errors: false }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CP437, CP850, CodePage};

    #[test]
    fn korean_pages_are_one_and_tables_are_full() {
        assert_eq!(CodePage::by_number(949).unwrap().decode(&[0xc7, 0xd1, 0xb1, 0xdb]).text, "한글");
        assert_eq!(CodePage::by_font(129), CodePage::by_language(0x412));
        assert_eq!(CP437.chars().count(), 128);
        assert_eq!(CP850.chars().count(), 128);
        assert_eq!(CodePage::by_number(850).unwrap().decode(&[b'a', 0x9b]).text, "aø");
    }
}

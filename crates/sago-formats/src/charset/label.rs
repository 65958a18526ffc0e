//! Names of character sets, and what they mean to us.

use encoding_rs::Encoding;

/// A character set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(pub(super) Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One of the WHATWG's Encoding standard, which says for `EUC-KR` what Windows calls 949.
    Web(&'static Encoding),
    Utf32 {
        is_big_endian: bool,
    },
    Utf7,
    Johab,
    Iso2022Kr,
    Hz,
    /// A code page of DOS: the characters of bytes 80 to FF.
    Dos(&'static str, &'static str),
}

const CP437: &str =
    concat!("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀", "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}");
const CP850: &str =
    concat!("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀", "ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}");

impl Charset {
    /// UTF-8.
    pub const UTF_8: Self = Self(Kind::Web(encoding_rs::UTF_8));
    /// UTF-16, smaller byte first.
    pub const UTF_16LE: Self = Self(Kind::Web(encoding_rs::UTF_16LE));
    /// UTF-16, larger byte first.
    pub const UTF_16BE: Self = Self(Kind::Web(encoding_rs::UTF_16BE));
    /// UTF-32, smaller byte first.
    pub const UTF_32LE: Self = Self(Kind::Utf32 { is_big_endian: false });
    /// UTF-32, larger byte first.
    pub const UTF_32BE: Self = Self(Kind::Utf32 { is_big_endian: true });
    /// EUC-KR with the extension of Windows code page 949.
    pub const CP949: Self = Self(Kind::Web(encoding_rs::EUC_KR));
    /// Code page 1361.
    pub const JOHAB: Self = Self(Kind::Johab);
    /// Korean in seven bits, of old mail.
    pub const ISO_2022_KR: Self = Self(Kind::Iso2022Kr);
    /// Japanese of Windows.
    pub const SHIFT_JIS: Self = Self(Kind::Web(encoding_rs::SHIFT_JIS));
    /// Simplified Chinese.
    pub const GB18030: Self = Self(Kind::Web(encoding_rs::GB18030));
    /// Traditional Chinese.
    pub const BIG5: Self = Self(Kind::Web(encoding_rs::BIG5));
    /// Western Europe of Windows, a superset of ISO 8859-1.
    pub const WINDOWS_1252: Self = Self(Kind::Web(encoding_rs::WINDOWS_1252));
    /// Western Europe of Macintosh.
    pub const MACINTOSH: Self = Self(Kind::Web(encoding_rs::MACINTOSH));
    /// The first code page of the PC.
    pub const CP437: Self = Self(Kind::Dos("CP437", CP437));

    /// The character set with this name: those of the WHATWG's Encoding standard, IANA, Windows, Java and Python.
    pub fn of_label(label: &str) -> Option<Self> {
        let wanted = label.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
        // Before the standard's own list, which maps some of these to a set that reads nothing.
        match wanted.as_str() {
            "cp949" | "ms949" | "uhc" | "x-windows-949" | "ms-949" | "ks_x_1001" | "ksx1001" | "euc_kr" | "5601" | "x-mac-korean" | "windows-949-2000" => {
                return Some(Self::CP949);
            }
            "johab" | "cp1361" | "x-johab" | "ms1361" | "windows-1361" | "ksc5601-1992" | "ksc_5601-1992" => return Some(Self::JOHAB),
            "iso-2022-kr" | "csiso2022kr" | "iso2022kr" | "iso2022-kr" => return Some(Self::ISO_2022_KR),
            "hz-gb-2312" | "hz" => return Some(Self(Kind::Hz)),
            "utf-7" | "utf7" | "unicode-1-1-utf-7" | "csunicode11utf7" | "x-unicode-2-0-utf-7" => return Some(Self(Kind::Utf7)),
            "utf-32" | "utf32" | "utf-32le" | "utf32le" | "ucs-4le" => return Some(Self::UTF_32LE),
            "utf-32be" | "utf32be" | "ucs-4" | "iso-10646-ucs-4" | "ucs-4be" => return Some(Self::UTF_32BE),
            "utf16" | "utf16le" | "utf_16" => return Some(Self::UTF_16LE),
            "utf16be" => return Some(Self::UTF_16BE),
            "cp932" | "ms932" | "x-ms-cp932" => return Some(Self::SHIFT_JIS),
            "cp936" | "ms936" => return Some(Self::GB18030),
            "cp950" | "ms950" => return Some(Self::BIG5),
            "utf8mb4" => return Some(Self::UTF_8),
            "cp437" | "ibm437" | "437" => return Some(Self::CP437),
            "cp850" | "ibm850" | "850" => return Some(Self(Kind::Dos("CP850", CP850))),
            "macroman" | "x-mac-roman" | "mac-roman" => return Some(Self::MACINTOSH),
            _ => {}
        }
        match Encoding::for_label_no_replacement(wanted.as_bytes()) {
            Some(encoding) => Some(Self(Kind::Web(encoding))),
            None => {
                let number = wanted.strip_prefix("cp").or_else(|| wanted.strip_prefix("ms")).or_else(|| wanted.strip_prefix("windows-"));
                number.and_then(|number| number.parse().ok()).and_then(Self::of_code_page)
            }
        }
    }

    /// The character set of a code page number of Windows, as RTF, MSG, DBF and others say it.
    pub fn of_code_page(number: u32) -> Option<Self> {
        let encoding = match number {
            437 => return Some(Self::CP437),
            850 => return Some(Self(Kind::Dos("CP850", CP850))),
            866 => encoding_rs::IBM866,
            874 => encoding_rs::WINDOWS_874,
            932 | 10001 => encoding_rs::SHIFT_JIS,
            936 | 10008 | 20936 => encoding_rs::GBK,
            949 | 10003 | 20949 | 51949 => encoding_rs::EUC_KR,
            950 | 10002 => encoding_rs::BIG5,
            1200 => encoding_rs::UTF_16LE,
            1201 => encoding_rs::UTF_16BE,
            1250 => encoding_rs::WINDOWS_1250,
            1251 => encoding_rs::WINDOWS_1251,
            1252 | 20127 | 28591 => encoding_rs::WINDOWS_1252,
            1253 => encoding_rs::WINDOWS_1253,
            1254 | 28599 => encoding_rs::WINDOWS_1254,
            1255 => encoding_rs::WINDOWS_1255,
            1256 => encoding_rs::WINDOWS_1256,
            1257 => encoding_rs::WINDOWS_1257,
            1258 => encoding_rs::WINDOWS_1258,
            1361 => return Some(Self::JOHAB),
            10000 => encoding_rs::MACINTOSH,
            10007 | 10017 => encoding_rs::X_MAC_CYRILLIC,
            12000 => return Some(Self::UTF_32LE),
            12001 => return Some(Self::UTF_32BE),
            20866 => encoding_rs::KOI8_R,
            21866 => encoding_rs::KOI8_U,
            28592 => encoding_rs::ISO_8859_2,
            28593 => encoding_rs::ISO_8859_3,
            28594 => encoding_rs::ISO_8859_4,
            28595 => encoding_rs::ISO_8859_5,
            28596 => encoding_rs::ISO_8859_6,
            28597 => encoding_rs::ISO_8859_7,
            28598 => encoding_rs::ISO_8859_8,
            28603 => encoding_rs::ISO_8859_13,
            28605 => encoding_rs::ISO_8859_15,
            38598 => encoding_rs::ISO_8859_8_I,
            50220..=50222 => encoding_rs::ISO_2022_JP,
            50225 => return Some(Self::ISO_2022_KR),
            51932 => encoding_rs::EUC_JP,
            51936 | 54936 => encoding_rs::GB18030,
            52936 => return Some(Self(Kind::Hz)),
            65000 => return Some(Self(Kind::Utf7)),
            65001 => encoding_rs::UTF_8,
            _ => return None,
        };
        Some(Self(Kind::Web(encoding)))
    }

    /// The character set of a font's `fcharset` number, as RTF and the metafiles of Windows say it.
    pub fn of_font(number: u32) -> Option<Self> {
        let page = match number {
            0 => 1252,
            77 => 10000,
            78 => 10001,
            79 => 10003,
            80 | 134 => 936,
            81 | 136 => 950,
            128 => 932,
            129 => 949,
            130 => 1361,
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
        };
        Self::of_code_page(page)
    }

    /// Its name, as IANA or, where IANA has none, Windows says it.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Web(encoding) if encoding == encoding_rs::EUC_KR => "CP949",
            Kind::Web(encoding) => encoding.name(),
            Kind::Utf32 { is_big_endian: false } => "UTF-32LE",
            Kind::Utf32 { is_big_endian: true } => "UTF-32BE",
            Kind::Utf7 => "UTF-7",
            Kind::Johab => "Johab",
            Kind::Iso2022Kr => "ISO-2022-KR",
            Kind::Hz => "HZ-GB-2312",
            Kind::Dos(name, _) => name,
        }
    }

    /// Whether every byte is a character of its own, so that nothing can be wrong and a declaration proves little.
    pub(super) fn is_single_byte(self) -> bool {
        match self.0 {
            Kind::Web(encoding) => encoding.is_single_byte(),
            Kind::Dos(..) => true,
            _ => false,
        }
    }

    /// Whether units are longer than a byte.
    pub(crate) fn is_wide(self) -> bool {
        matches!(self.0, Kind::Utf32 { .. }) || self == Self::UTF_16LE || self == Self::UTF_16BE
    }
}

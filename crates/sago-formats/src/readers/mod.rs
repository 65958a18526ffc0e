//! A file or folder for each format, or for a family of them that share a container. `crate::table` names them all.

pub mod applesingle;
pub mod archive;
pub mod cms;
pub(crate) mod codepage;
pub(crate) mod compound;
pub mod dbf;
pub mod epub;
mod flow;
pub mod html;
pub mod hwp;
pub mod hwpx;
pub mod image;
pub(crate) mod little;
pub mod mail;
mod markup;
pub mod media;
pub mod mhtml;
pub mod msg;
mod namespaces;
pub mod office;
pub(crate) mod officeart;
pub(crate) mod ole;
pub mod ooxml;
pub mod opendocument;
mod package;
pub mod pdf;
pub(crate) mod printable;
pub mod pst;
pub mod rtf;
pub mod sealed;
pub mod sqlite;
pub mod text;
pub mod tnef;
mod told;
pub mod warc;
pub mod xmp;

/// Bytes without a declared character set, as short metadata has them: UTF-8, else CP949 when every sign of it is Korean, else Windows-1252.
pub(crate) fn guessed(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let (korean, had_errors) = encoding_rs::EUC_KR.decode_without_bom_handling(bytes);
    let high = bytes.iter().filter(|byte| **byte >= 0x80).count();
    let syllables = korean.chars().filter(|sign| ('\u{AC00}'..='\u{D7A3}').contains(sign)).count();
    if !had_errors && syllables * 2 >= high {
        return korean.into_owned();
    }
    encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
}

/// Text without control characters but line ends and tabs.
pub(crate) fn printable(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(|sign| !sign.is_control() || matches!(sign, '\n' | '\t')).collect()
}

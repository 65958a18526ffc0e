//! Names in archives: short, without a declaration, from disks of many countries.

use super::decoder::Decoder;
use super::judge::judge;
use super::label::Charset;
use super::{Basis, Decoded};

/// Decodes a name. Archivers of DOS and the PC write Latin letters in code page 437 where nothing else speaks for another set.
pub fn decode_name(bytes: &[u8]) -> Decoded {
    let judged = judge(bytes, None);
    // Wide units do not stand in names of archives: two letters and a zero are damage.
    let is_weak = judged.charset.is_wide() || (judged.basis == Basis::Guessed && judged.confidence <= 60);
    let (charset, confidence) = if is_weak && reads_as_dos_latin(bytes) { (Charset::CP437, 50) } else { (judged.charset, judged.confidence) };
    let mut decoder = Decoder::new(charset);
    let mut text = String::new();
    decoder.push(bytes.get(judged.bom_bytes..).unwrap_or_default(), true, &mut text);
    Decoded { text, charset: charset.name(), basis: judged.basis, confidence, undecodable: decoder.undecodable(), refused: None }
}

/// Letters with marks of code page 437 stand in 80 to A5, E1 is the German sharp s; each stands alone among letters without marks.
fn reads_as_dos_latin(bytes: &[u8]) -> bool {
    let is_alone = bytes.array_windows::<2>().all(|pair| pair.iter().any(u8::is_ascii));
    is_alone && bytes.iter().any(u8::is_ascii_alphabetic) && bytes.iter().all(|byte| byte.is_ascii() || matches!(byte, 0x80..=0xa5 | 0xe1))
}

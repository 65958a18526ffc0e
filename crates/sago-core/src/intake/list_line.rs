//! One line of a list of digests, as the public tools write it.
//!
//! Forms: GNU coreutils (`<hex>  name`, escaped names, `--zero`), BSD and `--tag` (`SHA256 (name) = <hex>`), `md5 -r`,
//! `openssl dgst`. What the lines mean together is [`super::sender_list`]'s matter.

use std::borrow::Cow;

/// The digests a list may give and that Sago compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// 16 bytes; broken against forgers.
    Md5,
    /// 20 bytes; broken against forgers.
    Sha1,
    /// 28 bytes.
    Sha224,
    /// 32 bytes.
    Sha256,
    /// 48 bytes.
    Sha384,
    /// 64 bytes.
    Sha512,
}

impl Algorithm {
    /// All of them, shortest digest first.
    pub const ALL: [Self; 6] = [Self::Md5, Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    /// Length of the digest in bytes; no two are alike.
    pub fn digest_bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The name for people: `MD5`, `SHA-1`, `SHA-256` and so on.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// Whether somebody could make another file with the same digest.
    pub fn is_weak(self) -> bool {
        matches!(self, Self::Md5 | Self::Sha1)
    }

    /// The algorithm of a BSD or OpenSSL line, as it is written there.
    fn of_tag(tag: &[u8]) -> Option<Self> {
        let plain: Vec<u8> = tag.iter().filter(|byte| **byte != b'-').map(u8::to_ascii_uppercase).collect();
        match plain.as_slice() {
            b"MD5" => Some(Self::Md5),
            b"SHA1" => Some(Self::Sha1),
            b"SHA224" | b"SHA2224" => Some(Self::Sha224),
            b"SHA256" | b"SHA2256" => Some(Self::Sha256),
            b"SHA384" | b"SHA2384" => Some(Self::Sha384),
            b"SHA512" | b"SHA2512" => Some(Self::Sha512),
            _ => None,
        }
    }
}

/// One digest of one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    /// How it was made.
    pub algorithm: Algorithm,
    /// Its bytes, exactly [`Algorithm::digest_bytes`].
    pub value: Vec<u8>,
}

/// The list without its byte-order mark, and as UTF-8 if it is UTF-16 (`>` in PowerShell).
pub(super) fn without_mark(bytes: &[u8]) -> Cow<'_, [u8]> {
    match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, mark)) if encoding == encoding_rs::UTF_8 => bytes[mark..].into(),
        // UTF-16: a lone half of a pair becomes U+FFFD, and that name will match nothing.
        Some((encoding, mark)) => {
            let (text, _) = encoding.decode_without_bom_handling(&bytes[mark..]);
            text.into_owned().into_bytes().into()
        }
        None => bytes.into(),
    }
}

/// One line: GNU (`<hex>  name`, `<hex> *name`), BSD and OpenSSL (`SHA256 (name) = <hex>`).
pub(super) fn parse_line(line: &[u8], zero: bool) -> Result<(Vec<u8>, Digest), &'static str> {
    // GNU puts a backslash before the line when the name had to be escaped.
    let (escaped, line) = match line.strip_prefix(b"\\") {
        Some(rest) if !zero => (true, rest),
        _ => (false, line),
    };
    let (name, digest) = match gnu(line) {
        Some(parts) => parts,
        None => tagged(line)?,
    };
    let name = if escaped { unescape(name).ok_or("its name has an unknown escape")? } else { name.to_vec() };
    let mut plain = name.as_slice();
    while let Some(rest) = plain.strip_prefix(b"./") {
        plain = rest;
    }
    if plain.is_empty() {
        return Err("it names no file");
    }
    Ok((plain.to_vec(), digest))
}

fn gnu(line: &[u8]) -> Option<(&[u8], Digest)> {
    let end = line.iter().position(|byte| *byte == b' ' || *byte == b'\t')?;
    let value = hex::decode(&line[..end]).ok()?;
    let algorithm = Algorithm::ALL.into_iter().find(|algorithm| algorithm.digest_bytes() == value.len())?;
    // Two characters part the digest from the name: a space, and a space or `*` for the mode. `md5 -r` writes one.
    let name = match &line[end + 1..] {
        [b' ' | b'*', name @ ..] if line[end] == b' ' => name,
        name => name,
    };
    Some((name, Digest { algorithm, value }))
}

fn tagged(line: &[u8]) -> Result<(&[u8], Digest), &'static str> {
    let no_form = "it is neither a digest and a name nor an algorithm, a name and a digest";
    let open = line.iter().position(|byte| *byte == b'(').ok_or(no_form)?;
    // From the right: the name itself may hold ") = ".
    let close = line.windows(2).rposition(|pair| pair == b")=" || pair == b") ").ok_or(no_form)?;
    let tag = line[..open].trim_ascii();
    let name = line.get(open + 1..close).ok_or(no_form)?;
    let value = line[close + 1..].trim_ascii().strip_prefix(b"=").ok_or(no_form)?.trim_ascii();
    let value = hex::decode(value).map_err(|_| no_form)?;
    let algorithm = Algorithm::of_tag(tag).ok_or("its kind of digest is not one that Sago compares")?;
    if value.len() != algorithm.digest_bytes() {
        return Err("its digest has the wrong length");
    }
    Ok((name, Digest { algorithm, value }))
}

/// Undoes GNU's escapes `\\`, `\n` and `\r`.
fn unescape(name: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(name.len());
    let mut bytes = name.iter();
    while let Some(&byte) = bytes.next() {
        plain.push(match byte {
            b'\\' => match bytes.next()? {
                b'\\' => b'\\',
                b'n' => b'\n',
                b'r' => b'\r',
                _ => return None,
            },
            byte => byte,
        });
    }
    Some(plain)
}

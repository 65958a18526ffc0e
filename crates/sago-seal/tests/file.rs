//! Sealing and opening of streams: sizes around chunk borders, damage, wrong keys, the lint of headers.

#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{self, Read, Write};

use proptest::prelude::*;
use sago_seal::{HybridIdentity, Part, SealError, open_any, open_with, open_with_passphrase, seal_to, seal_with_passphrase, stanza_count};

const CHUNK: usize = 65_536;

fn identity() -> HybridIdentity {
    HybridIdentity::from_seed(&[1; 32])
}

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|i| ((i * 31) >> 4) as u8).collect()
}

fn seal(text: &[u8]) -> Vec<u8> {
    let mut sealer = seal_to(&[&identity().recipient()], Vec::new()).unwrap();
    sealer.write_all(text).unwrap();
    sealer.finish().unwrap()
}

fn open(file: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut out = Vec::new();
    open_with(&[&identity()], file)?.read_to_end(&mut out)?;
    Ok(out)
}

fn header_bytes(file: &[u8]) -> usize {
    let last = file.windows(5).position(|bytes| bytes == b"\n--- ").unwrap() + 1;
    last + file[last..].iter().position(|b| *b == b'\n').unwrap() + 1
}

#[test]
fn every_length_around_chunk_borders_comes_back() {
    for chunks in 0..4 {
        for near in [-2, -1, 0, 1, 2] {
            let Some(length) = (chunks * CHUNK).checked_add_signed(near) else {
                continue;
            };
            let file = seal(&text(length));
            assert!(open(&file).unwrap() == text(length), "{length} bytes");
            let sealed_chunks = length.div_ceil(CHUNK).max(1);
            assert_eq!(file.len(), header_bytes(&file) + 16 + length + 16 * sealed_chunks);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_bytes_in_any_pieces_come_back(
        bytes in prop::collection::vec(any::<u8>(), 0..3 * CHUNK),
        write in 1..2 * CHUNK,
        read in 1..2 * CHUNK,
    ) {
        let mut sealer = seal_to(&[&identity().recipient()], Vec::new()).unwrap();
        for piece in bytes.chunks(write) {
            sealer.write_all(piece).unwrap();
        }
        let file = sealer.finish().unwrap();
        let mut opener = open_with(&[&identity()], file.as_slice()).unwrap();
        let mut out = Vec::new();
        let mut buffer = vec![0; read];
        loop {
            match opener.read(&mut buffer).unwrap() {
                0 => break,
                length => out.extend_from_slice(&buffer[..length]),
            }
        }
        prop_assert!(out == bytes);
    }

    #[test]
    fn a_flipped_bit_anywhere_is_an_error_and_nothing_false_comes_out(
        length in 0..2 * CHUNK + 2,
        place in any::<prop::sample::Index>(),
        bit in 0..8u8,
    ) {
        let mut file = seal(&text(length));
        let at = place.index(file.len());
        file[at] ^= 1 << bit;
        let mut out = Vec::new();
        let ended = open_with(&[&identity()], file.as_slice())
            .and_then(|mut opener| Ok(opener.read_to_end(&mut out)?));
        prop_assert!(ended.is_err(), "byte {}", at);
        prop_assert!(text(length).starts_with(&out), "byte {}", at);
    }

    #[test]
    fn a_cut_anywhere_is_an_error_and_nothing_false_comes_out(
        length in 0..2 * CHUNK + 2,
        place in any::<prop::sample::Index>(),
    ) {
        let file = seal(&text(length));
        let cut = place.index(file.len());
        let mut out = Vec::new();
        let ended = open_with(&[&identity()], &file[..cut])
            .and_then(|mut opener| Ok(opener.read_to_end(&mut out)?));
        let named = matches!(
            ended,
            Err(SealError::Truncated { .. } | SealError::Damaged { .. } | SealError::NotAge)
        );
        prop_assert!(named);
        prop_assert!(text(length).starts_with(&out));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(open(&bytes).is_err());
        let with_start = [b"age-encryption.org/v1\n-> ".as_slice(), &bytes].concat();
        prop_assert!(open(&with_start).is_err());
        let _ = stanza_count(with_start.as_slice());
        let mut out = Vec::new();
        let armored = [b"-----BEGIN AGE ENCRYPTED FILE-----\n".as_slice(), &bytes].concat();
        prop_assert!(sago_seal::armor::ArmorReader::new(armored.as_slice()).read_to_end(&mut out).is_err());
    }
}

#[test]
fn every_byte_of_header_and_of_a_small_content_matters() {
    let file = seal(b"testimony");
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(open(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn every_cut_of_a_small_file_is_an_error() {
    let file = seal(b"testimony");
    for cut in 0..file.len() {
        let error = open(&file[..cut]).unwrap_err();
        match cut {
            0 => assert!(matches!(error, SealError::NotAge)),
            _ if cut < header_bytes(&file) + 16 => {
                assert!(matches!(error, SealError::Truncated { part: Part::Header }), "{cut}: {error:?}");
            }
            _ => assert!(
                matches!(error, SealError::Truncated { part: Part::Payload { chunk: 0 } } | SealError::Damaged { part: Part::Payload { chunk: 0 }, .. }),
                "{cut}: {error:?}"
            ),
        }
    }
}

#[test]
fn a_file_cut_between_chunks_is_truncated_and_says_where() {
    let file = seal(&text(3 * CHUNK));
    let two = header_bytes(&file) + 16 + 2 * (CHUNK + 16);
    assert!(matches!(open(&file[..two]), Err(SealError::Truncated { part: Part::Payload { chunk: 2 } })));
}

#[test]
fn moved_dropped_doubled_and_added_chunks_are_noticed() {
    let file = seal(&text(3 * CHUNK));
    let start = header_bytes(&file) + 16;
    let chunk = |n: usize| &file[start + n * (CHUNK + 16)..start + (n + 1) * (CHUNK + 16)];
    let build = |chunks: &[&[u8]]| [&[&file[..start]], chunks].concat().concat();
    assert!(open(&build(&[chunk(0), chunk(1), chunk(2)])).is_ok());
    for chunks in [
        &[chunk(1), chunk(0), chunk(2)][..],
        &[chunk(0), chunk(2)],
        &[chunk(0), chunk(0), chunk(1), chunk(2)],
        &[chunk(0), chunk(1), chunk(2), chunk(2)],
        &[chunk(0), chunk(1), chunk(2), b"x"],
        &[chunk(2)],
    ] {
        assert!(open(&build(chunks)).is_err());
    }
}

#[test]
fn another_key_is_a_wrong_key() {
    let file = seal(b"testimony");
    let other = HybridIdentity::from_seed(&[2; 32]);
    assert!(matches!(open_with(&[&other], file.as_slice()), Err(SealError::WrongKey)));
    assert!(matches!(open_with(&[], file.as_slice()), Err(SealError::WrongKey)));
    let classic = age::x25519::Identity::generate();
    assert!(matches!(open_any(&[&classic], file.as_slice()), Err(SealError::WrongKey)));
    assert!(matches!(open_with_passphrase("testimony", 22, file.as_slice()), Err(SealError::WrongKey)));
    assert!(open_with(&[&other, &identity()], file.as_slice()).is_ok());
}

#[test]
fn any_of_several_recipients_opens() {
    let other = HybridIdentity::generate().unwrap();
    let mut sealer = seal_to(&[&identity().recipient(), &other.recipient()], Vec::new()).unwrap();
    sealer.write_all(b"key").unwrap();
    let file = sealer.finish().unwrap();
    for identity in [identity(), other] {
        let mut out = Vec::new();
        open_with(&[&identity], file.as_slice()).unwrap().read_to_end(&mut out).unwrap();
        assert_eq!(out, b"key");
    }
    let stanzas = stanza_count(file.as_slice()).unwrap();
    assert_eq!(stanzas.types, ["mlkem768x25519", "mlkem768x25519"]);
    assert_eq!(stanzas.count(), 2);
    assert!(!stanzas.is_content_file());
}

#[test]
fn lint_tells_content_files_from_others() {
    assert!(stanza_count(seal(b"").as_slice()).unwrap().is_content_file());
    let sealer = seal_with_passphrase("passphrase", 10, Vec::new()).unwrap();
    let stanzas = stanza_count(sealer.finish().unwrap().as_slice()).unwrap();
    assert_eq!(stanzas.types, ["scrypt"]);
    assert!(!stanzas.is_content_file());
    assert!(matches!(stanza_count(&b"%PDF-1.7\n"[..]), Err(SealError::NotAge)));
    assert!(matches!(stanza_count(&b"age-encryption.org/v2\n"[..]), Err(SealError::UnknownVersion)));
}

#[test]
fn passphrases_open_and_are_bounded() {
    let mut sealer = seal_with_passphrase("사고 passphrase", 12, Vec::new()).unwrap();
    sealer.write_all(b"operating key").unwrap();
    let file = sealer.finish().unwrap();
    let mut out = Vec::new();
    open_with_passphrase("사고 passphrase", 12, file.as_slice()).unwrap().read_to_end(&mut out).unwrap();
    assert_eq!(out, b"operating key");
    assert!(matches!(open_with_passphrase("사고 passphrasE", 22, file.as_slice()), Err(SealError::WrongKey)));
    assert!(matches!(open_with_passphrase("사고 passphrase", 11, file.as_slice()), Err(SealError::WorkFactorTooHigh { found: 12, limit: 11 })));
    assert!(matches!(open_with(&[&identity()], file.as_slice()), Err(SealError::WrongKey)));
}

#[test]
fn what_must_not_be_made_is_refused() {
    let refused = |made: Result<_, SealError>| matches!(made, Err(SealError::Refused(_)));
    let recipient = identity().recipient();
    assert!(refused(seal_to(&[], Vec::new())));
    assert!(refused(seal_to(&[&recipient, &recipient], Vec::new())));
    for work_factor in [0, 9, 23, 64, 255] {
        assert!(refused(seal_with_passphrase("passphrase", work_factor, Vec::new())));
    }
    assert!(refused(seal_with_passphrase("", 10, Vec::new())));
}

/// Takes the header and nonce, then fails once in the middle of a chunk.
struct FailsOnce {
    written: usize,
    failed: bool,
}

impl Write for FailsOnce {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.written > 2000 && !self.failed {
            self.failed = true;
            return Err(io::Error::other("disk full"));
        }
        self.written += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn after_a_failed_write_nothing_more_is_sealed() {
    let writer = FailsOnce { written: 0, failed: false };
    let mut sealer = seal_to(&[&identity().recipient()], writer).unwrap();
    sealer.write_all(&text(CHUNK)).unwrap();
    sealer.write_all(&text(CHUNK)).unwrap();
    assert_eq!(sealer.write_all(b"x").unwrap_err().to_string(), "disk full");
    assert!(matches!(SealError::from(sealer.write_all(b"x").unwrap_err()), SealError::Refused(_)));
    assert!(matches!(sealer.finish(), Err(SealError::Refused(_))));
}

#[test]
fn after_damage_the_opener_stays_in_error() {
    let mut file = seal(&text(2 * CHUNK));
    let at = header_bytes(&file) + 16 + 100;
    file[at] ^= 1;
    let mut opener = open_with(&[&identity()], file.as_slice()).unwrap();
    let mut buffer = [0; 10];
    for _ in 0..3 {
        let error = SealError::from(opener.read(&mut buffer).unwrap_err());
        assert!(matches!(error, SealError::Damaged { part: Part::Payload { chunk: 0 }, .. }), "{error:?}");
    }
}

#[test]
fn failures_of_the_disk_are_told_from_damage() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "no"))
        }
    }
    let file = seal(b"testimony");
    let at = header_bytes(&file);
    let reader = file[..at + 20].chain(Broken);
    let mut opener = open_with(&[&identity()], reader).unwrap();
    let error = opener.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(matches!(SealError::from(error), SealError::Io(e) if e.kind() == io::ErrorKind::PermissionDenied));
}

#[test]
fn endless_headers_are_refused() {
    let endless = b"age-encryption.org/v1\n-> ".chain(io::repeat(b'a'));
    assert!(matches!(open_with(&[&identity()], endless), Err(SealError::Damaged { part: Part::Header, .. })));
    assert!(matches!(open_with(&[&identity()], io::repeat(b'a')), Err(SealError::NotAge)));
}

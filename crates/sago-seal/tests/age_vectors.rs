//! The 143 vectors of the Community Cryptography Test Vectors for age (C2SP/CCTV), all of them, without exceptions.
//!
//! For each: is the file accepted or refused for the stated reason, and is exactly the stated plaintext released, also
//! when the file breaks half-way.

#![allow(clippy::unwrap_used, missing_docs)]

use std::io::Read;
use std::path::PathBuf;
use std::str::FromStr;

use sago_seal::armor::ArmorReader;
use sago_seal::{HybridIdentity, Part, SealError, open_any, open_with_passphrase};
use sha2::{Digest, Sha256};

const COUNT: usize = 143;

#[derive(Default)]
struct Vector {
    expect: String,
    payload: Option<String>,
    identities: Vec<String>,
    passphrases: Vec<String>,
    armored: bool,
    file: Vec<u8>,
}

fn folder() -> PathBuf {
    std::env::var_os("SAGO_SHARED_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")), PathBuf::from)
        .join("age-vectors")
}

fn parse(bytes: &[u8]) -> Vector {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
    let mut vector = Vector { file: bytes[end + 2..].to_vec(), ..Vector::default() };
    for line in std::str::from_utf8(&bytes[..end]).unwrap().lines() {
        let (name, value) = line.split_once(": ").unwrap();
        let value = value.to_owned();
        match name {
            "expect" => vector.expect = value,
            "payload" => vector.payload = Some(value),
            "identity" => vector.identities.push(value),
            "passphrase" => vector.passphrases.push(value),
            "armored" => vector.armored = value == "yes",
            "compressed" => {
                assert_eq!(value, "zlib");
                let mut file = Vec::new();
                flate2::read::ZlibDecoder::new(vector.file.as_slice()).read_to_end(&mut file).unwrap();
                vector.file = file;
            }
            "comment" | "file key" => {}
            other => panic!("unknown line {other}"),
        }
    }
    vector
}

/// What was released, and how it ended.
fn open(vector: &Vector) -> (Vec<u8>, Result<(), SealError>) {
    let mut out = Vec::new();
    let reader: Box<dyn Read> = if vector.armored { Box::new(ArmorReader::new(vector.file.as_slice())) } else { Box::new(vector.file.as_slice()) };
    let opened = match vector.passphrases.first() {
        Some(passphrase) => open_with_passphrase(passphrase, 22, reader),
        None => {
            let identities: Vec<Box<dyn age::Identity>> = vector
                .identities
                .iter()
                .map(|text| -> Box<dyn age::Identity> {
                    if text.starts_with("AGE-SECRET-KEY-PQ-1") {
                        Box::new(HybridIdentity::from_str(text).unwrap())
                    } else {
                        Box::new(age::x25519::Identity::from_str(text).unwrap())
                    }
                })
                .collect();
            let identities: Vec<&dyn age::Identity> = identities.iter().map(AsRef::as_ref).collect();
            open_any(&identities, reader)
        }
    };
    let ended = opened.and_then(|mut opener| {
        let mut buffer = [0; 777];
        loop {
            match opener.read(&mut buffer)? {
                0 => return Ok(()),
                length => out.extend_from_slice(&buffer[..length]),
            }
        }
    });
    (out, ended)
}

fn verdict(ended: &Result<(), SealError>) -> &'static str {
    match ended {
        Ok(()) => "success",
        Err(SealError::WrongKey) => "no match",
        Err(SealError::Damaged { part, .. } | SealError::Truncated { part }) => match part {
            Part::Armor => "armor failure",
            Part::Header => "header failure",
            Part::HeaderMac => "HMAC failure",
            Part::Payload { .. } => "payload failure",
        },
        Err(SealError::NotAge | SealError::UnknownVersion | SealError::WorkFactorTooHigh { .. }) => "header failure",
        Err(SealError::Refused(_)) => "refused",
        Err(SealError::Io(_)) => "io",
    }
}

#[test]
fn all_vectors_give_what_they_say() {
    let folder = folder();
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("the age vectors are missing at {folder:?} ({e}); set SAGO_SHARED_DATA"));
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert_eq!(names.len(), COUNT, "vectors in {folder:?}");

    let mut wrong = Vec::new();
    for path in names {
        let vector = parse(&std::fs::read(&path).unwrap());
        // Every vector that has both is refused before any key is tried; the passphrase stands for the key then.
        let (out, ended) = open(&vector);
        let found = verdict(&ended);
        if found != vector.expect {
            wrong.push(format!("{path:?}: expected {}, found {found} ({ended:?})", vector.expect));
        } else if let Some(payload) = &vector.payload {
            if hex::encode(Sha256::digest(&out)) != *payload {
                wrong.push(format!("{path:?}: other plaintext, {} bytes", out.len()));
            }
        } else if !out.is_empty() {
            wrong.push(format!("{path:?}: released {} bytes", out.len()));
        }
    }
    assert!(wrong.is_empty(), "{} of {COUNT} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Our identities and recipients in the age crate's own reader and writer: an independent header and payload.
#[test]
fn age_crate_and_we_read_each_other() {
    use std::io::Write;
    let identity = HybridIdentity::from_seed(&[5; 32]);
    let recipient = identity.recipient();
    let text: Vec<u8> = (0..200_000u32).map(|i| ((i * 7) >> 3) as u8).collect();

    let mut theirs = Vec::new();
    let mut writer = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).unwrap().wrap_output(&mut theirs).unwrap();
    writer.write_all(&text).unwrap();
    writer.finish().unwrap();
    let mut out = Vec::new();
    sago_seal::open_with(&[&identity], theirs.as_slice()).unwrap().read_to_end(&mut out).unwrap();
    assert!(out == text);

    let mut sealer = sago_seal::seal_to(&[&recipient], Vec::new()).unwrap();
    sealer.write_all(&text).unwrap();
    let ours = sealer.finish().unwrap();
    assert_eq!(ours.len(), theirs.len() - grease_bytes(&theirs) + grease_bytes(&ours));
    let mut out = Vec::new();
    age::Decryptor::new(ours.as_slice()).unwrap().decrypt(std::iter::once(&identity as &dyn age::Identity)).unwrap().read_to_end(&mut out).unwrap();
    assert!(out == text);

    let mut sealer = sago_seal::seal_with_passphrase("말모이", 10, Vec::new()).unwrap();
    sealer.write_all(&text).unwrap();
    let ours = sealer.finish().unwrap();
    let identity = age::scrypt::Identity::new("말모이".to_owned().into());
    let mut out = Vec::new();
    age::Decryptor::new(ours.as_slice()).unwrap().decrypt(std::iter::once(&identity as &dyn age::Identity)).unwrap().read_to_end(&mut out).unwrap();
    assert!(out == text);
}

/// Bytes of the header that are not ours: the age crate may add a stanza of random type.
fn grease_bytes(file: &[u8]) -> usize {
    let end = file.windows(5).position(|bytes| bytes == b"\n--- ").unwrap();
    let header = std::str::from_utf8(&file[..end]).unwrap();
    header.split("\n-> ").skip(1).filter(|stanza| !stanza.starts_with("mlkem768x25519 ")).map(|stanza| stanza.len() + "\n-> ".len()).sum()
}

#[test]
fn age_crate_refuses_to_mix_hybrid_and_classic_recipients() {
    let hybrid = HybridIdentity::from_seed(&[5; 32]).recipient();
    let classic = age::x25519::Identity::generate().to_public();
    let both: [&dyn age::Recipient; 2] = [&hybrid, &classic];
    assert!(matches!(age::Encryptor::with_recipients(both.into_iter()), Err(age::EncryptError::IncompatibleRecipients { .. })));
    let other = HybridIdentity::from_seed(&[6; 32]).recipient();
    let two: [&dyn age::Recipient; 2] = [&hybrid, &other];
    assert!(age::Encryptor::with_recipients(two.into_iter()).is_ok());
}

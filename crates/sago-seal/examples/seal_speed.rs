//! Measures sealing and opening in memory: `cargo run --release -p sago-seal --example seal_speed`.
//!
//! Compares this crate with the age crate's own payload code and with bare ciphers over 64 KiB chunks.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::{Read, Write, sink};
use std::time::Instant;

use sago_seal::{HybridIdentity, open_with, seal_to};

const BYTES: usize = 512 << 20;
const CHUNK: usize = 64 * 1024;

fn time(what: &str, mut run: impl FnMut()) {
    let best = (0..3)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    println!("{what:44} {:6.0} MB/s", BYTES as f64 / best / 1e6);
}

fn main() {
    let identity = HybridIdentity::from_seed(&[1; 32]);
    let recipient = identity.recipient();
    let piece = vec![0x5a; 1 << 20];

    let seal = |out: &mut dyn Write| {
        let mut sealer = seal_to(&[&recipient], out).unwrap();
        for _ in 0..BYTES / piece.len() {
            sealer.write_all(&piece).unwrap();
        }
        sealer.finish().unwrap();
    };
    time("sago-seal, sealing", || seal(&mut sink()));
    let mut file = Vec::with_capacity(BYTES + (BYTES / CHUNK + 1) * 16 + 4096);
    seal(&mut file);
    time("sago-seal, opening", || {
        let mut opener = open_with(&[&identity], file.as_slice()).unwrap();
        let mut buffer = vec![0; 1 << 20];
        while opener.read(&mut buffer).unwrap() > 0 {}
    });

    time("age crate, sealing", || {
        let mut writer =
            age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
                .unwrap()
                .wrap_output(sink())
                .unwrap();
        for _ in 0..BYTES / piece.len() {
            writer.write_all(&piece).unwrap();
        }
        writer.finish().unwrap();
    });
    time("age crate, opening", || {
        let mut reader = age::Decryptor::new(file.as_slice())
            .unwrap()
            .decrypt(std::iter::once(&identity as &dyn age::Identity))
            .unwrap();
        let mut buffer = vec![0; 1 << 20];
        while reader.read(&mut buffer).unwrap() > 0 {}
    });

    let mut chunk = vec![0x5a; CHUNK];
    {
        use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
        let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &[1; 32]).unwrap());
        time("bare ring", || {
            for _ in 0..BYTES / CHUNK {
                let nonce = Nonce::assume_unique_for_key([0; 12]);
                let _tag = key
                    .seal_in_place_separate_tag(nonce, Aad::empty(), &mut chunk)
                    .unwrap();
            }
        });
    }
    {
        use chacha20poly1305_10::aead::{AeadInPlace, KeyInit};
        let key = chacha20poly1305_10::ChaCha20Poly1305::new(&[1; 32].into());
        time("bare chacha20poly1305 0.10", || {
            for _ in 0..BYTES / CHUNK {
                key.encrypt_in_place_detached(&[0; 12].into(), b"", &mut chunk)
                    .unwrap();
            }
        });
    }
    {
        use chacha20poly1305::aead::{AeadInOut, KeyInit};
        let key = chacha20poly1305::ChaCha20Poly1305::new(&[1; 32].into());
        time("bare chacha20poly1305 0.11", || {
            for _ in 0..BYTES / CHUNK {
                key.encrypt_inout_detached(&[0; 12].into(), b"", chunk.as_mut_slice().into())
                    .unwrap();
            }
        });
    }
}

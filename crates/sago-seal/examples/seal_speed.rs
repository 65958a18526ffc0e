//! Measures sealing and opening in memory: `cargo run --release -p sago-seal --example seal_speed`.
//!
//! Compares this crate with the age crate's own header and payload code on the same identity.

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
        let mut writer = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).unwrap().wrap_output(sink()).unwrap();
        for _ in 0..BYTES / piece.len() {
            writer.write_all(&piece).unwrap();
        }
        writer.finish().unwrap();
    });
    time("age crate, opening", || {
        let mut reader = age::Decryptor::new(file.as_slice()).unwrap().decrypt(std::iter::once(&identity as &dyn age::Identity)).unwrap();
        let mut buffer = vec![0; 1 << 20];
        while reader.read(&mut buffer).unwrap() > 0 {}
    });
}

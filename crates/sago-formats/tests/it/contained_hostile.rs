//! Real files, flipped, cut, mixed and lengthened: no panic, no hang, nothing beyond the limits. `SAGO_FUZZ_ROUNDS` sets how many for each file.

use std::time::{Duration, Instant};

use sago_formats::{Collected, Limits};

use crate::contained_archives::{Member, zip};
use crate::contained_real::file;

const FILES: &[&str] = &[
    "documents/test-documents.7z",
    "documents/test-documents.rar",
    "documents/test-documents.tar",
    "documents/test-documents.zip",
    "documents/test-documents.tbz2",
    "documents/testZip_with_DataDescriptor.zip",
    "documents/testZSTD.zst",
    "documents/test-documents.tar.Z",
    "documents/multiple.gz",
    "documents/testEML_embedded_xhtml_and_img.eml",
    "documents/testRFC822_multipart_attachments.eml",
    "documents/testEMLX.emlx",
    "documents/complex.mbox",
    "documents/testPST_variousBodyTypes.pst",
    "documents/testPKCS7_signed_data_ind.p7m",
    "documents/testPKCS7_compressed_ind.p7z",
    "documents/Test1.txt.tsd",
    "documents/testDBF.dbf",
    "documents/testWARC_multiple.warc",
    "documents/testWARC_multiple.warc.gz",
    "documents/testARC.arc",
    "web-archives/warc/example-iana.org-chunked.warc",
];

/// Extensions under which the same bytes are tried too: content that is another format than it says.
const NAMES: &[&str] = &[
    "zip", "tar", "7z", "rar", "gz", "bz2", "xz", "lzma", "lz", "zst", "lz4", "z", "zlib", "ar", "cpio", "cab", "lzh", "iso", "alz", "egg", "eml", "mbox",
    "emlx", "warc", "pst", "p7m", "tsd", "sqlite", "dbf",
];

/// A small generator (xorshift64*): the same rounds each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most.max(1) as u64) as usize
    }
}

fn mutated(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=random.below(6) {
        let place = random.below(out.len());
        match random.below(6) {
            0 => out.truncate(place),
            1 => out.splice(place..place, std::iter::repeat_n(0xFF, random.below(64))).for_each(drop),
            2 => {
                let end = (place + random.below(64)).min(out.len());
                out.drain(place..end);
            }
            3 if place + 4 <= out.len() => out[place..place + 4].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0x7F]),
            4 => {
                let end = (place + random.below(256)).min(out.len());
                let copy = out[place..end].to_vec();
                let to = random.below(out.len());
                out.splice(to..to, copy);
            }
            _ if !out.is_empty() => {
                let bit = random.below(8);
                out[place] ^= 1 << bit;
            }
            _ => {}
        }
    }
    out
}

fn limits() -> Limits {
    Limits {
        memory_bytes: 64 << 20,
        children_bytes: 64 << 20,
        child_bytes: 32 << 20,
        ratio_free_bytes: 32 << 20,
        text_bytes: 16 << 20,
        children: 5_000,
        ..Limits::default()
    }
}

fn survive(name: &str, bytes: &[u8], what: &str) {
    let started = Instant::now();
    let read = Collected::of(name, bytes, &limits()).unwrap();
    assert!(started.elapsed() < Duration::from_secs(20), "{what}: {:?}", started.elapsed());
    let taken: usize = read.children.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(taken <= 64 << 20, "{what}: {taken} bytes were taken");
    assert!(read.blocks.iter().all(|block| !block.text.trim().is_empty()), "{what}: an empty block");
    // Nothing passes silently: text, something contained, or a finding.
    assert!(!read.blocks.is_empty() || !read.children.is_empty() || !read.findings.is_empty(), "{what}: nothing came and nothing was said");
}

fn rounds() -> usize {
    std::env::var("SAGO_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(30)
}

#[test]
fn broken_copies_of_real_files_end_well() {
    let mut random = Random(0x5A60_5A60_5A60_5A60);
    for path in FILES {
        let bytes = file(path);
        let name = path.rsplit('/').next().unwrap_or_default();
        for round in 0..rounds() {
            survive(name, &mutated(&bytes, &mut random), &format!("{path}, round {round}"));
        }
    }
}

#[test]
fn bytes_under_every_name_end_well() {
    let mut random = Random(0x0DD_BA11);
    let heads: [&[u8]; 14] = [
        b"PK\x03\x04",
        b"7z\xBC\xAF\x27\x1C\0\x04",
        b"Rar!\x1A\x07\x01\0",
        b"Rar!\x1A\x07\0",
        b"\x1F\x8B\x08\x1F",
        b"\xFD7zXZ\0\0\x04",
        b"\x28\xB5\x2F\xFD",
        b"\x04\x22\x4D\x18",
        b"MSCF\0\0\0\0",
        b"!BDN",
        b"SQLite format 3\0\x02\0",
        b"ALZ\x01\0\0\0\0BLZ\x01",
        b"EGGA\0\x01\0\0",
        b"0\x80\x06\x09*\x86H\x86\xf7\x0d\x01\x07\x02",
    ];
    for name in NAMES {
        for round in 0..rounds() {
            let head = heads[random.below(heads.len())];
            let mut bytes = head.to_vec();
            let length = 1 + random.below(5_000);
            bytes.extend((0..length).map(|_| random.next() as u8));
            survive(&format!("x.{name}"), &bytes, &format!("random {name}, round {round}"));
        }
        let (local, end) = zip(&[Member::new(b"a", &[0; 100_000])]);
        survive(&format!("x.{name}"), &[local, end].concat(), name);
        survive(&format!("x.{name}"), &file("documents/complex.mbox"), name);
    }
}

//! Bits of real tokens are turned, one at a time. A turned token is refused, unless the bit lies outside everything signed; where
//! that is, each test says: the bit between granted and grantedWithMods (told as a warning), and the token's own copy of a
//! certificate that the judge brought along as anchor, which is then not needed.

use crate::tokens::{SOON_AFTER, own_imprint, read, reply, top};
use sago_stamp::{Certificate, Expected, Imprint, Options, Trust, Verified, verify_der};
use std::ops::Range;

/// The last bit of the status number, in a reply of more than 255 bytes: 30 82 xx xx 30 03 02 01 >00<.
const GRANTED_WITH_MODS: usize = 8 * 8 + 7;

fn position(bytes: &[u8], part: &[u8]) -> Range<usize> {
    let start = bytes.windows(part.len()).position(|window| window == part).unwrap();
    start..start + part.len()
}

struct Turned<'a> {
    bytes: &'a [u8],
    imprint: Imprint,
    anchors: &'a [Certificate],
}

impl Turned<'_> {
    fn judge(&self, bytes: &[u8]) -> Option<Verified> {
        let trust = Trust { anchors: self.anchors, intermediates: &[] };
        verify_der(bytes, Expected::Imprints(&[self.imprint]), &trust, &Options::at(SOON_AFTER)).0
    }

    /// Turns each of `bits`, alone, and returns those that were accepted with the verdict. Two threads share the work.
    fn accepted(&self, bits: &[usize]) -> Vec<(usize, Verified)> {
        let judge = |bit: &usize| {
            let mut turned = self.bytes.to_vec();
            turned[bit / 8] ^= 0x80 >> (bit % 8);
            self.judge(&turned).map(|verified| (*bit, verified))
        };
        let (lower, upper) = bits.split_at(bits.len() / 2);
        std::thread::scope(|scope| {
            let upper = scope.spawn(|| upper.iter().filter_map(judge).collect::<Vec<_>>());
            let mut all: Vec<_> = lower.iter().filter_map(judge).collect();
            all.extend(upper.join().unwrap());
            all
        })
    }
}

#[test]
fn no_bit_of_a_token_can_be_turned_unnoticed() {
    // The smallest token, all 23,240 bits. Its one certificate is the anchor too, and bound by its digest in the signed attributes.
    let (bytes, reply) = (read("self_signed.tsr"), reply("self_signed.tsr"));
    let anchors = [top(&reply)];
    let turned = Turned { bytes: &bytes, imprint: own_imprint(&reply), anchors: &anchors };
    let untouched = turned.judge(&bytes).unwrap();
    let spare = position(&bytes, anchors[0].der());
    // The tag before the copy of the anchor: [0] certificates may become [1] revocation lists, which are not read.
    let tag_of_certificates = (spare.start - 4) * 8 + 7;
    let every: Vec<usize> = (0..bytes.len() * 8).collect();
    let accepted = turned.accepted(&every);
    for (bit, verified) in &accepted {
        let is_outside = [GRANTED_WITH_MODS, tag_of_certificates].contains(bit) || spare.contains(&(bit / 8));
        assert!(is_outside, "bit {bit} of byte {} may be turned", bit / 8);
        assert_eq!(*verified, untouched, "bit {bit}");
    }
    for bit in [GRANTED_WITH_MODS, tag_of_certificates] {
        assert!(accepted.iter().any(|(accepted, _)| *accepted == bit), "bit {bit}");
    }
    // The copy of the anchor really is not needed: all its bits may be turned but those that hold the structure around it.
    assert!(accepted.len() > (spare.len() - 8) * 8, "{} of {}", accepted.len(), spare.len() * 8);
}

#[test]
fn no_bit_of_a_token_with_a_chain_can_be_turned_unnoticed() {
    // Every bit outside the two certificates; inside them one bit of each byte, each in its turn.
    let (bytes, reply) = (read("valid_timestamp.tsr"), reply("valid_timestamp.tsr"));
    let anchors = [top(&reply)];
    let turned = Turned { bytes: &bytes, imprint: own_imprint(&reply), anchors: &anchors };
    let untouched = turned.judge(&bytes).unwrap();
    let spare = position(&bytes, anchors[0].der());
    let certificates = &reply.token.as_ref().unwrap().certificates;
    let inside: Vec<_> = certificates.iter().map(|certificate| position(&bytes, certificate.der())).collect();
    let is_chosen = |bit: &usize| bit % 8 == bit / 8 % 8 || !inside.iter().any(|range| range.contains(&(bit / 8)));
    let chosen: Vec<usize> = (0..bytes.len() * 8).filter(is_chosen).collect();
    for (bit, verified) in turned.accepted(&chosen) {
        let is_outside = bit == GRANTED_WITH_MODS || spare.contains(&(bit / 8));
        assert!(is_outside, "bit {bit} of byte {} may be turned", bit / 8);
        assert_eq!(verified, untouched, "bit {bit}");
    }
}

#[test]
fn without_an_anchor_the_last_certificate_is_known_by_its_digest() {
    // Nobody signs the last certificate of an incomplete chain, so the verdict names it by digest: no turned one passes for it.
    let (bytes, reply) = (read("valid_timestamp.tsr"), reply("valid_timestamp.tsr"));
    let last = top(&reply);
    let turned = Turned { bytes: &bytes, imprint: own_imprint(&reply), anchors: &[] };
    let chosen: Vec<usize> = position(&bytes, last.der()).map(|byte| byte * 8 + byte % 8).collect();
    let accepted = turned.accepted(&chosen);
    assert!(!accepted.is_empty());
    for (bit, verified) in accepted {
        assert!(!verified.trusted);
        assert_ne!(verified.chain.last().unwrap().sha256, last.sha256(), "bit {bit}");
    }
}

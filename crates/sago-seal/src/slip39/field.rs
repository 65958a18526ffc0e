//! Arithmetic in GF(256) and Shamir's sharing over it (SLIP-0039, "Shamir's secret sharing scheme").
//!
//! The field is that of AES, reduced by x⁸+x⁴+x³+x+1. No tables and no branches on secret bytes: only the numbers of
//! the shares, which everyone may know, decide what is computed.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{FillRandom, SplitError};

/// Where on the polynomial the secret stands, and the digest that shows it was found.
const SECRET_AT: u8 = 255;
const DIGEST_AT: u8 = 254;
const DIGEST_BYTES: usize = 4;

/// One point of the polynomial, for every byte of the secret.
#[derive(Clone)]
pub(super) struct Point {
    pub(super) at: u8,
    pub(super) value: Zeroizing<Vec<u8>>,
}

fn multiply(a: u8, b: u8) -> u8 {
    let mut product = 0;
    let mut a = a;
    for bit in 0..8 {
        product ^= a & 0u8.wrapping_sub((b >> bit) & 1);
        let carry = 0u8.wrapping_sub(a >> 7);
        a = (a << 1) ^ (carry & 0x1b);
    }
    product
}

/// a²⁵⁴, which is 1/a, and 0 for 0.
fn invert(a: u8) -> u8 {
    let mut result = 1;
    let mut power = a;
    for _ in 0..7 {
        power = multiply(power, power);
        result = multiply(result, power);
    }
    result
}

/// The polynomial through `points`, which stand at different places, taken at `at`.
pub(super) fn interpolate(points: &[Point], at: u8) -> Zeroizing<Vec<u8>> {
    let length = points.first().map_or(0, |point| point.value.len());
    let mut result = Zeroizing::new(vec![0; length]);
    for (i, point) in points.iter().enumerate() {
        let mut above = 1;
        let mut below = 1;
        for (j, other) in points.iter().enumerate() {
            if i != j {
                above = multiply(above, at ^ other.at);
                below = multiply(below, point.at ^ other.at);
            }
        }
        let weight = multiply(above, invert(below));
        for (sum, byte) in result.iter_mut().zip(point.value.iter()) {
            *sum ^= multiply(*byte, weight);
        }
    }
    result
}

/// Cuts `secret` into `count` points of which any `threshold` give it back.
pub(super) fn split(secret: &[u8], threshold: u8, count: u8, random: FillRandom<'_>) -> Result<Vec<Point>, SplitError> {
    let point = |at, value| Point { at, value };
    if threshold == 1 {
        return Ok((0..count).map(|at| point(at, Zeroizing::new(secret.to_vec()))).collect());
    }
    let mut points = Vec::new();
    for at in 0..threshold - 2 {
        let mut value = Zeroizing::new(vec![0; secret.len()]);
        random(&mut value)?;
        points.push(point(at, value));
    }
    let mut check = Zeroizing::new(vec![0; secret.len()]);
    random(&mut check[DIGEST_BYTES..])?;
    let digest = digest(&check[DIGEST_BYTES..], secret);
    check[..DIGEST_BYTES].copy_from_slice(&digest);

    let mut base = points.clone();
    base.push(point(DIGEST_AT, check));
    base.push(point(SECRET_AT, Zeroizing::new(secret.to_vec())));
    for at in threshold - 2..count {
        points.push(point(at, interpolate(&base, at)));
    }
    Ok(points)
}

/// The points do not lie on one polynomial, or its secret does not have the digest beside it.
pub(super) struct DoNotFit;

/// Finds the secret; `points` are at least `threshold`, at different places, and of one length.
pub(super) fn recover(threshold: u8, points: &[Point]) -> Result<Zeroizing<Vec<u8>>, DoNotFit> {
    let (used, surplus) = points.split_at(usize::from(threshold));
    for point in surplus {
        if interpolate(used, point.at) != point.value {
            return Err(DoNotFit);
        }
    }
    if threshold == 1 {
        return Ok(used[0].value.clone());
    }
    let secret = interpolate(used, SECRET_AT);
    let check = interpolate(used, DIGEST_AT);
    let (found, random) = check.split_at(DIGEST_BYTES);
    if digest(random, &secret) != found {
        return Err(DoNotFit);
    }
    Ok(secret)
}

fn digest(key: &[u8], secret: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(secret);
    let full = mac.finalize().into_bytes();
    std::array::from_fn(|i| full[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Multiplication as polynomials, reduced at the end: another way to the same field.
    fn slow_multiply(a: u8, b: u8) -> u8 {
        let mut product = 0u16;
        for bit in 0..8 {
            if b >> bit & 1 == 1 {
                product ^= u16::from(a) << bit;
            }
        }
        for bit in (8..16).rev() {
            if product >> bit & 1 == 1 {
                product ^= 0x11b << (bit - 8);
            }
        }
        product as u8
    }

    #[test]
    fn multiplication_is_that_of_the_field() {
        for a in 0..=255 {
            for b in 0..=255 {
                assert_eq!(multiply(a, b), slow_multiply(a, b), "{a} times {b}");
            }
        }
        assert_eq!(multiply(0x57, 0x83), 0xc1); // FIPS 197, section 4.2
    }

    #[test]
    fn every_number_but_zero_has_an_inverse() {
        for a in 1..=255 {
            assert_eq!(multiply(a, invert(a)), 1, "{a}");
        }
        assert_eq!(invert(0), 0);
    }
}

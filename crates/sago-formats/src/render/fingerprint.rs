//! Fingerprints of pictures that stay nearly the same when a picture is scaled, compressed anew, or lightly cut.
//!
//! A difference hash of two directions: the picture in grey, averaged to 9 by 9 fields; 32 bits say whether a field is brighter than its right neighbour, 32
//! whether brighter than the one below, for every other field. Two pictures are compared by [`distance`]. It finds copies; it proves nothing.

use image::DynamicImage;
use image::imageops::FilterType;

/// Fields along each side.
const FIELDS: u32 = 9;

/// The 64-bit fingerprint of a picture.
pub fn fingerprint(image: &DynamicImage) -> u64 {
    let grey = image.to_luma8();
    // First averaged to a coarse picture, so that the weights of the second step do not depend on the size of the first.
    let coarse = image::imageops::thumbnail(&grey, FIELDS * 8, FIELDS * 8);
    let small = image::imageops::resize(&coarse, FIELDS, FIELDS, FilterType::Triangle);
    let field = |x: u32, y: u32| small.get_pixel(x, y).0[0];
    let mut bits = 0_u64;
    for y in 0..FIELDS - 1 {
        for x in 0..FIELDS - 1 {
            let is_brighter = if (x + y) % 2 == 0 { field(x, y) > field(x + 1, y) } else { field(x, y) > field(x, y + 1) };
            bits = bits << 1 | u64::from(is_brighter);
        }
    }
    bits
}

/// How many bits of two fingerprints differ: 0 for the same, up to about 10 for copies, about 32 for pictures that have nothing in common.
pub fn distance(a: u64, b: u64) -> u32 {
    (a ^ b).count_ones()
}

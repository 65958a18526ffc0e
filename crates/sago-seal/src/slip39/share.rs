//! One share: its fields, its words, its checksum (SLIP-0039, "Format of the share mnemonic").
//!
//! Knows nothing of other shares; whether shares belong together is decided in [`super`].

use zeroize::{Zeroize, Zeroizing};

use super::ShareError;
use super::words;

const CHECKSUM_WORDS: usize = 3;
const HEAD_WORDS: usize = 4;
const MIN_WORDS: usize = 20;
/// Longer texts are no shares: room for secrets of 240 bytes.
const MAX_WORDS: usize = 200;

/// What all shares of one splitting have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set {
    /// 15 random bits.
    pub(super) identifier: u16,
    pub(super) extendable: bool,
    /// 0 to 15.
    pub(super) iteration_exponent: u8,
    /// 1 to 16.
    pub(super) group_threshold: u8,
    /// 1 to 16.
    pub(super) group_count: u8,
}

impl Set {
    fn customization(&self) -> &'static [u8] {
        if self.extendable { b"shamir_extendable" } else { b"shamir" }
    }

    /// What the cipher mixes in; nothing for extendable sets.
    pub(super) fn salt(&self) -> Vec<u8> {
        if self.extendable {
            return Vec::new();
        }
        [self.customization(), &self.identifier.to_be_bytes()].concat()
    }
}

/// One share of one member of one group.
pub(super) struct Share {
    pub(super) set: Set,
    /// 0 to 15.
    pub(super) group: u8,
    /// 0 to 15.
    pub(super) member: u8,
    /// 1 to 16.
    pub(super) threshold: u8,
    pub(super) value: Zeroizing<Vec<u8>>,
}

impl Share {
    pub(super) fn to_words(&self) -> Vec<&'static str> {
        let set = &self.set;
        let mut numbers = Zeroizing::new(Vec::with_capacity(MAX_WORDS));
        let mut bits = Bits::default();
        bits.push(set.identifier, 15, &mut numbers);
        bits.push(u16::from(set.extendable), 1, &mut numbers);
        for four in [set.iteration_exponent, self.group, set.group_threshold - 1, set.group_count - 1, self.member, self.threshold - 1] {
            bits.push(u16::from(four), 4, &mut numbers);
        }
        let padding = (10 - self.value.len() * 8 % 10) % 10;
        bits.push(0, padding, &mut numbers);
        for byte in self.value.iter() {
            bits.push(u16::from(*byte), 8, &mut numbers);
        }
        numbers.extend([0; CHECKSUM_WORDS]);
        let checksum = polymod(set.customization(), &numbers) ^ 1;
        let at = numbers.len() - CHECKSUM_WORDS;
        for (i, number) in numbers[at..].iter_mut().enumerate() {
            *number = (checksum >> (10 * (CHECKSUM_WORDS - 1 - i)) & 1023) as u16;
        }
        numbers.iter().map(|number| words::word(*number)).collect()
    }

    /// Reads the words of the share that the person gave as number `number`, counted from 1.
    pub(super) fn parse(text: &str, number: usize) -> Result<Self, ShareError> {
        let share = number;
        let mut numbers = Zeroizing::new(Vec::with_capacity(MAX_WORDS));
        let count = text.split_whitespace().count();
        // Words before length: a stray character is the likelier slip and the more useful answer.
        for (i, typed) in text.split_whitespace().take(MAX_WORDS).enumerate() {
            let typed = Zeroizing::new(typed.to_lowercase());
            numbers.push(words::index(&typed).ok_or_else(|| ShareError::UnknownWord { share, word: i + 1, suggestion: words::nearest(&typed) })?);
        }
        let value_bits = count.saturating_sub(HEAD_WORDS + CHECKSUM_WORDS) * 10;
        let padding = value_bits % 16;
        if !(MIN_WORDS..=MAX_WORDS).contains(&count) || padding > 8 {
            return Err(ShareError::Length { share, words: count });
        }

        let mut head = 0u64;
        for number in &numbers[..HEAD_WORDS] {
            head = head << 10 | u64::from(*number);
        }
        let four = |shift: u32| (head >> shift & 15) as u8;
        let set = Set {
            identifier: (head >> 25) as u16,
            extendable: head >> 24 & 1 == 1,
            iteration_exponent: four(20),
            group_threshold: four(12) + 1,
            group_count: four(8) + 1,
        };
        if polymod(set.customization(), &numbers) != 1 {
            return Err(ShareError::Checksum { share, suspect: suspect(set.customization(), &numbers).map(|at| at + 1) });
        }
        if set.group_threshold > set.group_count {
            return Err(ShareError::Malformed { share, why: "it asks for more groups than there are" });
        }
        let mut value = Zeroizing::new(Vec::with_capacity(value_bits / 8));
        let mut bits = 0u32;
        let mut held = 0;
        let content = &numbers[HEAD_WORDS..numbers.len() - CHECKSUM_WORDS];
        for (i, number) in content.iter().enumerate() {
            bits = bits << 10 | u32::from(*number);
            held += 10;
            if i == 0 {
                held -= padding;
                if bits >> held != 0 {
                    return Err(ShareError::Malformed { share, why: "its padding is not zero" });
                }
            }
            while held >= 8 {
                held -= 8;
                value.push((bits >> held) as u8);
                bits &= (1 << held) - 1;
            }
        }
        Ok(Share { set, group: four(16), member: four(4), threshold: four(0) + 1, value })
    }
}

/// Gathers bits, highest first, into numbers of ten bits.
#[derive(Default)]
struct Bits {
    held: u32,
    count: usize,
}

impl Bits {
    fn push(&mut self, value: u16, bits: usize, into: &mut Vec<u16>) {
        self.held = self.held << bits | u32::from(value);
        self.count += bits;
        while self.count >= 10 {
            self.count -= 10;
            into.push((self.held >> self.count) as u16);
            self.held &= (1 << self.count) - 1;
        }
    }
}

impl Drop for Bits {
    fn drop(&mut self) {
        self.held.zeroize();
    }
}

/// The Reed-Solomon code over GF(1024) of the standard; 1 for an unharmed share.
fn polymod(customization: &[u8], numbers: &[u16]) -> u32 {
    let customization = customization.iter().map(|byte| u16::from(*byte));
    customization.chain(numbers.iter().copied()).fold(1, step)
}

fn step(checksum: u32, number: u16) -> u32 {
    const GENERATOR: [u32; 10] =
        [0x00e0_e040, 0x01c1_c080, 0x0383_8100, 0x0707_0200, 0x0e0e_0009, 0x1c0c_2412, 0x3808_6c24, 0x3090_fc48, 0x21b1_f890, 0x03f3_f120];
    let top = checksum >> 20;
    let mut next = (checksum & 0xf_ffff) << 10 ^ u32::from(number);
    for (bit, generator) in GENERATOR.iter().enumerate() {
        next ^= generator & 0u32.wrapping_sub(top >> bit & 1);
    }
    next
}

/// The place of the one word whose change would make the checksum right, if there is one.
///
/// The code keeps any two shares four words apart, so there is at most one. Only the place is told, never the word: a
/// person must read it again (SLIP-0039, "Checksum").
fn suspect(customization: &[u8], numbers: &[u16]) -> Option<usize> {
    // The code is linear: changing a word moves the result by the sum of what its changed bits, followed by as many
    // zeros as words stand behind it, become. Counting in Gray code adds one bit at a time.
    let wrong = polymod(customization, numbers) ^ 1;
    let mut bits: [u32; 10] = std::array::from_fn(|bit| 1 << bit);
    for at in (0..numbers.len()).rev() {
        let mut sum = 0;
        for change in 1..1024u32 {
            sum ^= bits[change.trailing_zeros() as usize];
            if sum == wrong {
                return Some(at);
            }
        }
        bits = bits.map(|bit| step(bit, 0));
    }
    None
}

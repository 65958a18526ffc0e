//! LZW as Unix `compress` writes it (`.Z`): codes of 9 to 16 bits, least significant bit first, in groups of eight.

use std::io::{self, Read};

use super::checked::damaged;

const CLEAR: u16 = 256;

/// Unpacks a `.Z` file, its two magic bytes included.
pub(super) struct LzwReader<R> {
    inner: R,
    is_block_mode: bool,
    most_bits: u32,
    bits: u32,
    prefix: Vec<u16>,
    suffix: Vec<u8>,
    previous: Option<u16>,
    first: u8,
    group: Vec<u8>,
    group_bits: usize,
    group_at: usize,
    ready: Vec<u8>,
    is_ended: bool,
}

impl<R: Read> LzwReader<R> {
    pub(super) fn new(mut inner: R) -> io::Result<Self> {
        let mut head = [0; 3];
        inner.read_exact(&mut head)?;
        let most_bits = u32::from(head[2] & 0x1F);
        if head[..2] != [0x1F, 0x9D] || !(9..=16).contains(&most_bits) {
            return Err(damaged("the header of compress (.Z) is wrong"));
        }
        let is_block_mode = head[2] & 0x80 != 0;
        let first_free = if is_block_mode { 257 } else { 256 };
        Ok(Self {
            inner,
            is_block_mode,
            most_bits,
            bits: 9,
            prefix: vec![0; first_free],
            suffix: (0..first_free).map(|code| u8::try_from(code & 0xFF).unwrap_or(0)).collect(),
            previous: None,
            first: 0,
            group: Vec::new(),
            group_bits: 0,
            group_at: 0,
            ready: Vec::new(),
            is_ended: false,
        })
    }

    /// Codes come in groups of eight of the same width; when the width changes, the rest of the group is padding.
    fn next_code(&mut self) -> io::Result<Option<u16>> {
        if self.group_at + self.bits as usize > self.group_bits {
            self.group.clear();
            let count = Read::take(&mut self.inner, u64::from(self.bits)).read_to_end(&mut self.group)?;
            self.group_bits = count * 8;
            self.group_at = 0;
            if self.group_bits < self.bits as usize {
                return Ok(None);
            }
        }
        let mut code = 0_u32;
        for bit in 0..self.bits as usize {
            let place = self.group_at + bit;
            let byte = self.group.get(place / 8).copied().unwrap_or(0);
            code |= u32::from(byte >> (place % 8) & 1) << bit;
        }
        self.group_at += self.bits as usize;
        Ok(u16::try_from(code).ok())
    }

    fn drop_group(&mut self) {
        self.group_at = self.group_bits;
    }

    fn step(&mut self) -> io::Result<()> {
        if self.prefix.len() >= 1 << self.bits && self.bits < self.most_bits {
            self.bits += 1;
            self.drop_group();
        }
        let Some(code) = self.next_code()? else {
            self.is_ended = true;
            return Ok(());
        };
        if code == CLEAR && self.is_block_mode {
            self.prefix.truncate(257);
            self.suffix.truncate(257);
            self.bits = 9;
            self.previous = None;
            self.drop_group();
            return Ok(());
        }
        let Some(previous) = self.previous else {
            self.first = u8::try_from(code).map_err(|_| damaged("the first code is not a byte"))?;
            self.ready.push(self.first);
            self.previous = Some(code);
            return Ok(());
        };
        let mut walk = code;
        if usize::from(code) > self.prefix.len() {
            return Err(damaged("a code stands for nothing yet"));
        }
        if usize::from(code) == self.prefix.len() {
            self.ready.push(self.first);
            walk = previous;
        }
        while walk >= 256 {
            let place = usize::from(walk);
            self.ready.push(self.suffix.get(place).copied().unwrap_or(0));
            walk = self.prefix.get(place).copied().unwrap_or(0);
        }
        self.first = u8::try_from(walk).unwrap_or(0);
        self.ready.push(self.first);
        self.ready.reverse();
        if self.prefix.len() < 1 << self.most_bits {
            self.prefix.push(previous);
            self.suffix.push(self.first);
        }
        self.previous = Some(code);
        Ok(())
    }
}

impl<R: Read> Read for LzwReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // `ready` holds one string at a time, in order; what does not fit waits.
        let mut written = 0;
        while written < buffer.len() {
            if self.ready.is_empty() {
                if self.is_ended {
                    break;
                }
                match self.step() {
                    Ok(()) => continue,
                    Err(error) if written == 0 => return Err(error),
                    // The same error comes again at the next call.
                    Err(_) => break,
                }
            }
            let count = self.ready.len().min(buffer.len() - written);
            buffer[written..written + count].copy_from_slice(&self.ready[..count]);
            self.ready.drain(..count);
            written += count;
        }
        Ok(written)
    }
}

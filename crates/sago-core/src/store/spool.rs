//! A list of texts that may be too long for memory: its beginning waits in memory, and whole blocks go, sealed, to a file without a name.
//!
//! The key is made for the list and is never kept: what a crash leaves of the file on the disk opens for nobody. A short list never
//! touches the disk. What the texts mean is the caller's matter.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sago_seal::column::RowKey;

use crate::error::{Error, IoContext, Result};
use crate::key::random_seed;

/// Bytes of text that wait in memory at most.
const BLOCK_BYTES: usize = 1 << 20;

/// Texts, in the order in which they were added.
#[derive(Default)]
pub struct Spool {
    /// Where the file is made. Without it everything stays in memory.
    folder: Option<PathBuf>,
    spilled: Option<Spilled>,
    /// What is not spilled, and its bytes.
    tail: Vec<String>,
    tail_bytes: usize,
    count: u64,
}

struct Spilled {
    file: File,
    key: RowKey,
    /// Offset and length of each block.
    blocks: Vec<(u64, usize)>,
    end: u64,
}

impl Spool {
    /// An empty list whose file, should it need one, is made in this folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..Self::default() }
    }

    /// Adds a text.
    pub fn push(&mut self, mut text: String) -> Result<()> {
        text.shrink_to_fit();
        self.tail_bytes += text.len();
        self.count += 1;
        self.tail.push(text);
        match &self.folder {
            Some(folder) if self.tail_bytes >= BLOCK_BYTES => self.spill(&folder.clone()),
            _ => Ok(()),
        }
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All texts, in order. An error says that the file could not be read, or was altered while it lay there.
    pub fn iter(&self) -> Iter<'_> {
        Iter { spool: self, next_block: 0, texts: Vec::new().into_iter(), in_tail: 0 }
    }

    fn spill(&mut self, folder: &Path) -> Result<()> {
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            None => {
                let file = tempfile::tempfile_in(folder).doing("Could not make a temporary file in", folder)?;
                self.spilled.insert(Spilled { file, key: RowKey::from_bytes(&*random_seed()?), blocks: Vec::new(), end: 0 })
            }
        };
        let mut block = Vec::with_capacity(self.tail_bytes + 4 * self.tail.len());
        for text in &self.tail {
            let length = u32::try_from(text.len()).map_err(|_| Error::internal("a text is too long to be kept"))?;
            block.extend(length.to_be_bytes());
            block.extend(text.as_bytes());
        }
        let number = spilled.blocks.len().to_string();
        let sealed = spilled.key.seal("spool", "block", &number, &block).map_err(|error| Error::internal(format!("Sealing failed: {error}")))?;
        spilled.file.write_all(&sealed).doing("Could not write a temporary file in", folder)?;
        spilled.blocks.push((spilled.end, sealed.len()));
        spilled.end += sealed.len() as u64;
        self.tail.clear();
        self.tail_bytes = 0;
        Ok(())
    }
}

impl Spilled {
    fn read(&self, number: usize) -> Result<Vec<String>> {
        let altered = || Error::corrupt("A temporary file was altered while it was in use.").hint("Run the same command again.");
        let (at, length) = *self.blocks.get(number).ok_or_else(altered)?;
        let mut sealed = vec![0; length];
        self.file.read_exact_at(&mut sealed, at).doing("Could not read", Path::new("a temporary file"))?;
        let block = self.key.open("spool", "block", &number.to_string(), &sealed).map_err(|_| altered())?;
        let mut texts = Vec::new();
        let mut rest = block.as_slice();
        while let Some((length, more)) = rest.split_first_chunk::<4>() {
            let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| altered())?;
            let (text, more) = more.split_at_checked(length).ok_or_else(altered)?;
            texts.push(std::str::from_utf8(text).map_err(|_| altered())?.to_owned());
            rest = more;
        }
        Ok(texts)
    }
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spool").field("count", &self.count).finish_non_exhaustive()
    }
}

/// Reads a list from its beginning; holds one block.
pub struct Iter<'a> {
    spool: &'a Spool,
    next_block: usize,
    texts: std::vec::IntoIter<String>,
    in_tail: usize,
}

impl Iterator for Iter<'_> {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(text) = self.texts.next() {
                return Some(Ok(text));
            }
            match &self.spool.spilled {
                Some(spilled) if self.next_block < spilled.blocks.len() => {
                    self.next_block += 1;
                    match spilled.read(self.next_block - 1) {
                        Ok(texts) => self.texts = texts.into_iter(),
                        Err(error) => {
                            // Nothing after a block that cannot be read is given out as if it followed what came before.
                            (self.next_block, self.in_tail) = (usize::MAX, usize::MAX);
                            return Some(Err(error));
                        }
                    }
                }
                _ => {
                    let text = self.spool.tail.get(self.in_tail)?.clone();
                    self.in_tail += 1;
                    return Some(Ok(text));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(folder: &Path, count: usize) -> (Spool, Vec<String>) {
        let texts: Vec<String> = (0..count).map(|at| format!("line {at} {}", "진술".repeat(at % 40))).collect();
        let mut spool = Spool::in_folder(folder);
        texts.iter().for_each(|text| spool.push(text.clone()).unwrap());
        (spool, texts)
    }

    #[test]
    fn what_was_added_comes_back_in_order_from_memory_and_from_disk() {
        let folder = tempfile::tempdir().unwrap();
        for count in [0, 1, 100, 40_000] {
            let (spool, texts) = filled(folder.path(), count);
            assert_eq!(spool.spilled.is_some(), count == 40_000);
            assert_eq!((spool.len(), spool.is_empty()), (count as u64, count == 0));
            for _ in 0..2 {
                assert!(spool.iter().map(Result::unwrap).eq(texts.iter().cloned()));
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
    }

    #[test]
    fn the_file_holds_ciphertext_and_an_altered_block_ends_the_list_with_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, _) = filled(folder.path(), 40_000);
        let spilled = spool.spilled.as_ref().unwrap();
        let mut bytes = vec![0; usize::try_from(spilled.end).unwrap()];
        spilled.file.read_exact_at(&mut bytes, 0).unwrap();
        assert!(!bytes.windows(5).any(|window| window == b"line "));
        spilled.file.write_all_at(&[bytes[100] ^ 1], 100).unwrap();
        let mut all = spool.iter();
        assert!(all.next().unwrap().is_err());
        assert!(all.next().is_none());
    }
}

//! The head: the only file that is replaced. It holds a counter and the contents of tantivy's two small files.
//!
//! `.managed.json` names every segment file before it is made, and `meta.json` the ones in use. Because both lie in one
//! sealed file, an older head alone is found out: the folder then holds files that it does not name, or lacks files that
//! it says are in use. An older copy of the whole folder can only be found out by who remembers the counter.

use std::collections::{BTreeMap, BTreeSet};

use super::Damage;

const MAGIC: &[u8] = b"sago-index-head/1\n";
/// Contents in one head, and bytes of each: far above what two small JSON files need.
const MAX_ENTRIES: u32 = 16;
const MAX_ENTRY_BYTES: usize = 64 * 1024 * 1024;

/// The decrypted head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// How often the head was written. It only grows; a caller that remembers it can see a roll-back of the whole folder.
    pub counter: u64,
    pub(crate) contents: BTreeMap<String, Vec<u8>>,
}

impl Head {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&self.counter.to_be_bytes());
        bytes.extend_from_slice(&(self.contents.len() as u32).to_be_bytes());
        for (name, content) in &self.contents {
            bytes.extend_from_slice(&(name.len() as u32).to_be_bytes());
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(&(content.len() as u32).to_be_bytes());
            bytes.extend_from_slice(content);
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(Damage::MalformedHead("version"))?;
        let counter = u64::from_be_bytes(take(&mut rest, 8)?.try_into().map_err(|_| Damage::MalformedHead("counter"))?);
        let entries = length(&mut rest)? as u32;
        if entries > MAX_ENTRIES {
            return Err(Damage::MalformedHead("too many contents"));
        }
        let mut contents = BTreeMap::new();
        for _ in 0..entries {
            let name_bytes = length(&mut rest)?;
            let name = std::str::from_utf8(take(&mut rest, name_bytes)?).map_err(|_| Damage::MalformedHead("a name"))?.to_owned();
            let content_bytes = length(&mut rest)?;
            contents.insert(name, take(&mut rest, content_bytes)?.to_vec());
        }
        if rest.is_empty() { Ok(Head { counter, contents }) } else { Err(Damage::MalformedHead("bytes after its end")) }
    }

    pub(crate) fn accepts(name: &str, content: &[u8]) -> bool {
        name.len() <= 255 && content.len() <= MAX_ENTRY_BYTES
    }

    /// All files that tantivy has announced (`.managed.json`, a JSON list of names).
    pub(crate) fn announced(&self, managed: &str) -> Result<BTreeSet<String>, Damage> {
        let Some(content) = self.contents.get(managed) else { return Ok(BTreeSet::new()) };
        serde_json::from_slice(content).map_err(|_| Damage::MalformedHead("its list of files"))
    }
}

fn take<'a>(rest: &mut &'a [u8], bytes: usize) -> Result<&'a [u8], Damage> {
    let (taken, left) = rest.split_at_checked(bytes).ok_or(Damage::MalformedHead("a length"))?;
    *rest = left;
    Ok(taken)
}

fn length(rest: &mut &[u8]) -> Result<usize, Damage> {
    let bytes = take(rest, 4)?.try_into().map_err(|_| Damage::MalformedHead("a length"))?;
    Ok(u32::from_be_bytes(bytes) as usize)
}

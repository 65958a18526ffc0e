//! What a cosignature signs (C2SP tlog-cosignature).

use super::NoteError;
use crate::checkpoint::Checkpoint;
use crate::merkle::Hash;

/// The latest time a cosignature can state.
pub(super) const MAX_TIMESTAMP: u64 = i64::MAX as u64;

/// Returns the message of an Ed25519 cosignature: two lines and the whole text of the checkpoint.
pub(super) fn ed25519_cosignature(text: &str, timestamp: u64) -> Result<String, NoteError> {
    Checkpoint::parse(text)?;
    if timestamp > MAX_TIMESTAMP {
        return Err(NoteError::NotCosignable("the time of a cosignature is at most 2^63 - 1"));
    }
    Ok(format!("cosignature/v1\ntime {timestamp}\n{text}"))
}

/// Returns the `cosigned_message` structure of an ML-DSA-44 cosignature over a whole tree.
///
/// It has no place for extension lines: a checkpoint that has some is refused, or they would go unsigned.
pub(super) fn ml_dsa_44_cosignature(cosigner: &str, text: &str, timestamp: u64) -> Result<Vec<u8>, NoteError> {
    let checkpoint = Checkpoint::parse(text)?;
    if !checkpoint.extensions.is_empty() {
        return Err(NoteError::NotCosignable("a checkpoint with extension lines cannot be signed with ML-DSA-44"));
    }
    if checkpoint.size == 0 && checkpoint.root != Hash::EMPTY_ROOT {
        return Err(NoteError::NotCosignable("the root of an empty tree is the hash of nothing"));
    }
    if timestamp > MAX_TIMESTAMP {
        return Err(NoteError::NotCosignable("the time of a cosignature is at most 2^63 - 1"));
    }
    let mut message = b"subtree/v1\n\0".to_vec();
    push_short(&mut message, cosigner)?;
    message.extend(timestamp.to_be_bytes());
    push_short(&mut message, &checkpoint.origin)?;
    message.extend(0u64.to_be_bytes());
    message.extend(checkpoint.size.to_be_bytes());
    message.extend(checkpoint.root.0);
    Ok(message)
}

/// Adds a text of 1 to 255 bytes after its length in one byte.
fn push_short(message: &mut Vec<u8>, text: &str) -> Result<(), NoteError> {
    let length = u8::try_from(text.len()).ok().filter(|length| *length > 0);
    message.push(length.ok_or(NoteError::NotCosignable("names and origins have 1 to 255 bytes"))?);
    message.extend_from_slice(text.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::leaf_hash;

    #[test]
    fn the_messages_are_those_of_the_specification() {
        let root = leaf_hash(b"x");
        let text = format!("example.com/log\n258\n{}\n", root.to_base64());
        let mut expect = b"subtree/v1\n\0\x0fwitness.example".to_vec();
        expect.extend(b"\0\0\0\0\0\0\0\x07\x0fexample.com/log\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x02");
        expect.extend(root.0);
        assert_eq!(ml_dsa_44_cosignature("witness.example", &text, 7), Ok(expect));
        let message = ed25519_cosignature(&text, 1_679_315_147).unwrap();
        assert_eq!(message, format!("cosignature/v1\ntime 1679315147\n{text}"));
    }

    #[test]
    fn what_cannot_be_said_is_not_signed() {
        let root = leaf_hash(b"x").to_base64();
        let refused = |name: &str, text: String, time| ml_dsa_44_cosignature(name, &text, time).unwrap_err();
        assert!(matches!(refused("w", format!("o\n1\n{root}\nextension\n"), 1), NoteError::NotCosignable(_)));
        assert!(matches!(refused("w", format!("o\n0\n{root}\n"), 1), NoteError::NotCosignable(_)));
        assert!(matches!(refused("w", format!("o\n1\n{root}\n"), 1 << 63), NoteError::NotCosignable(_)));
        assert!(matches!(refused(&"w".repeat(256), format!("o\n1\n{root}\n"), 1), NoteError::NotCosignable(_)));
        assert!(matches!(refused("w", format!("{}\n1\n{root}\n", "o".repeat(256)), 1), NoteError::NotCosignable(_)));
        assert!(matches!(refused("w", "not a checkpoint\n".to_owned(), 1), NoteError::NotCheckpoint(_)));
    }
}

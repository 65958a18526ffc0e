//! An opening: what lets a person read one leaf (formats, section 3).
//!
//! Either half may be withheld; its commitment then stands in its place, so the leaf can still be rebuilt.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::json::{JsonError, MAX_INTEGER, canonical_json, parse_canonical};
use crate::leaf::{Half, HalfKind, Leaf, LeafError, commitment};
use crate::merkle::Hash;

/// The longest opening, in bytes.
pub const MAX_OPENING_BYTES: usize = 16 * 1024 * 1024;

const VERSION: &str = "sago-opening/1";

/// One half as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Shown, with its nonce.
    Open(Half),
    /// Kept back: only its commitment is shown.
    Withheld(Hash),
}

impl Part {
    /// Returns the commitment, computed or given.
    pub fn commitment(&self, kind: HalfKind) -> Hash {
        match self {
            Self::Open(half) => half.commitment(kind),
            Self::Withheld(commitment) => *commitment,
        }
    }

    /// Returns the half if it is shown.
    pub fn half(&self) -> Option<&Half> {
        match self {
            Self::Open(half) => Some(half),
            Self::Withheld(_) => None,
        }
    }

    /// Returns the same part kept back.
    pub fn withheld(&self, kind: HalfKind) -> Self {
        Self::Withheld(self.commitment(kind))
    }
}

/// What was entered as one leaf of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Origin of the log.
    pub log: String,
    /// Index of the leaf, from 0.
    pub index: u64,
    /// Time in the leaf, in whole seconds since 1970-01-01T00:00:00Z.
    pub seconds: u64,
    /// What happened to which identifiers.
    pub skeleton: Part,
    /// Everything else.
    pub detail: Part,
}

/// Why bytes are no opening.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpeningError {
    /// Longer than [`MAX_OPENING_BYTES`].
    #[error("an opening of {0} bytes is longer than {MAX_OPENING_BYTES}")]
    TooLong(usize),
    /// Not canonical JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Another version, or none.
    #[error("`opening` is not `{VERSION}`")]
    Version,
    /// A member is missing, of another type, or not one of those an opening has.
    #[error("{0}")]
    Member(String),
    /// The time cannot stand in a leaf.
    #[error(transparent)]
    Leaf(#[from] LeafError),
}

impl Opening {
    /// Rebuilds the leaf that this opens.
    pub fn leaf(&self) -> Result<Leaf, LeafError> {
        let skeleton = self.skeleton.commitment(HalfKind::Skeleton);
        Leaf::new(self.seconds, commitment(&skeleton, &self.detail.commitment(HalfKind::Detail)))
    }

    /// Writes the canonical JSON; fails above [`MAX_OPENING_BYTES`] or for numbers that JSON cannot carry.
    pub fn encode(&self) -> Result<Vec<u8>, OpeningError> {
        self.leaf()?;
        let bytes = canonical_json(&self.to_value())?;
        if bytes.len() > MAX_OPENING_BYTES {
            return Err(OpeningError::TooLong(bytes.len()));
        }
        Ok(bytes)
    }

    /// Returns the JSON object, for use inside another.
    pub fn to_value(&self) -> Value {
        json!({
            "detail": part_value(&self.detail),
            "index": self.index,
            "log": self.log,
            "opening": VERSION,
            "seconds": self.seconds,
            "skeleton": part_value(&self.skeleton),
        })
    }

    /// Reads an opening; its bytes must be canonical JSON with exactly the members of the format.
    pub fn parse(bytes: &[u8]) -> Result<Self, OpeningError> {
        if bytes.len() > MAX_OPENING_BYTES {
            return Err(OpeningError::TooLong(bytes.len()));
        }
        Self::from_value(parse_canonical(bytes)?)
    }

    /// Reads an opening from a JSON object that stood inside another.
    pub fn from_value(value: Value) -> Result<Self, OpeningError> {
        let mut members = object(value, "the opening")?;
        if members.remove("opening") != Some(Value::from(VERSION)) {
            return Err(OpeningError::Version);
        }
        let opening = Self {
            log: text(&mut members, "log")?,
            index: integer(&mut members, "index")?,
            seconds: integer(&mut members, "seconds")?,
            skeleton: part(&mut members, HalfKind::Skeleton)?,
            detail: part(&mut members, HalfKind::Detail)?,
        };
        no_more(&members)?;
        if opening.log.is_empty() {
            return Err(OpeningError::Member("`log` is empty".to_owned()));
        }
        opening.leaf()?;
        Ok(opening)
    }
}

fn part_value(part: &Part) -> Value {
    match part {
        Part::Open(half) => {
            json!({ "nonce": STANDARD.encode(half.nonce), "payload": half.payload })
        }
        Part::Withheld(commitment) => json!({ "commitment": commitment.to_base64() }),
    }
}

fn part(members: &mut Map<String, Value>, kind: HalfKind) -> Result<Part, OpeningError> {
    let name = kind.to_string();
    let value = members.remove(&name).ok_or_else(|| missing(&name))?;
    let mut inner = object(value, &format!("`{name}`"))?;
    let part = if inner.contains_key("commitment") {
        Part::Withheld(bytes_32(&mut inner, "commitment")?)
    } else {
        let Hash(nonce) = bytes_32(&mut inner, "nonce")?;
        let payload = text(&mut inner, "payload")?;
        Part::Open(Half { nonce, payload })
    };
    no_more(&inner)?;
    Ok(part)
}

fn object(value: Value, what: &str) -> Result<Map<String, Value>, OpeningError> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(OpeningError::Member(format!("{what} is not an object"))),
    }
}

fn text(members: &mut Map<String, Value>, name: &str) -> Result<String, OpeningError> {
    match members.remove(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(OpeningError::Member(format!("`{name}` is not a string"))),
        None => Err(missing(name)),
    }
}

fn integer(members: &mut Map<String, Value>, name: &str) -> Result<u64, OpeningError> {
    let value = members.remove(name).ok_or_else(|| missing(name))?;
    let number = value.as_u64().filter(|number| *number <= MAX_INTEGER);
    number.ok_or_else(|| OpeningError::Member(format!("`{name}` is not an integer from 0 to 2^53 - 1")))
}

fn bytes_32(members: &mut Map<String, Value>, name: &str) -> Result<Hash, OpeningError> {
    Hash::from_base64(&text(members, name)?).map_err(|_| OpeningError::Member(format!("`{name}` is not the base64 of 32 bytes")))
}

fn no_more(members: &Map<String, Value>) -> Result<(), OpeningError> {
    match members.keys().next() {
        Some(name) => Err(OpeningError::Member(format!("`{name}` is not a member of the format"))),
        None => Ok(()),
    }
}

fn missing(name: &str) -> OpeningError {
    OpeningError::Member(format!("`{name}` is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Opening {
        Opening {
            log: "example.org/log".to_owned(),
            index: 17,
            seconds: 1_773_482_520,
            skeleton: Part::Open(Half { nonce: [1; 32], payload: r#"{"kind":"test"}"#.to_owned() }),
            detail: Part::Open(Half { nonce: [2; 32], payload: r#"{"name":"진술서"}"#.to_owned() }),
        }
    }

    #[test]
    fn the_bytes_of_an_opening_are_for_ever() {
        let (n1, n2) = ("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=");
        let expect = format!(
            r#"{{"detail":{{"nonce":"{n2}","payload":"{{\"name\":\"진술서\"}}"}},"index":17,"log":"example.org/log","opening":"sago-opening/1","seconds":1773482520,"skeleton":{{"nonce":"{n1}","payload":"{{\"kind\":\"test\"}}"}}}}"#
        );
        assert_eq!(String::from_utf8(sample().encode().unwrap()).unwrap(), expect);
        assert_eq!(Opening::parse(expect.as_bytes()), Ok(sample()));
    }

    #[test]
    fn a_withheld_half_rebuilds_the_same_leaf() {
        let whole = sample();
        for (skeleton, detail) in [(true, false), (false, true), (true, true)] {
            let mut shown = whole.clone();
            if skeleton {
                shown.skeleton = whole.skeleton.withheld(HalfKind::Skeleton);
            }
            if detail {
                shown.detail = whole.detail.withheld(HalfKind::Detail);
            }
            let read = Opening::parse(&shown.encode().unwrap()).unwrap();
            assert_eq!(read, shown);
            assert_eq!(read.leaf(), whole.leaf());
            assert_eq!((read.skeleton.half().is_none(), read.detail.half().is_none()), (skeleton, detail));
        }
    }

    #[test]
    fn a_payload_is_never_refused_or_changed_for_its_form() {
        for payload in ["{ \"b\": 1.50, \"a\": 2 }", "", "no JSON"] {
            let mut odd = sample();
            odd.detail = Part::Open(Half { nonce: [2; 32], payload: payload.to_owned() });
            let read = Opening::parse(&odd.encode().unwrap()).unwrap();
            assert_eq!(read.detail.half().unwrap().payload, payload);
            assert_eq!(read.leaf(), odd.leaf());
        }
    }

    #[test]
    fn halves_are_bound_to_their_places() {
        let mut swapped = sample();
        std::mem::swap(&mut swapped.skeleton, &mut swapped.detail);
        assert_ne!(swapped.leaf(), sample().leaf());
    }

    #[test]
    fn other_bytes_are_no_opening() {
        let good = String::from_utf8(sample().encode().unwrap()).unwrap();
        let check = |from: &str, to: &str| {
            assert!(good.contains(from), "{from}");
            Opening::parse(good.replacen(from, to, 1).as_bytes()).unwrap_err()
        };
        assert_eq!(check("sago-opening/1", "sago-opening/2"), OpeningError::Version);
        assert_eq!(check(r#""opening":"sago-opening/1","#, ""), OpeningError::Version);
        assert!(matches!(check(r#""index":17,"#, ""), OpeningError::Member(_)));
        assert!(matches!(check(r#""index":17"#, r#""index":"17""#), OpeningError::Member(_)));
        assert!(matches!(check(r#""index":17"#, r#""index":-1"#), OpeningError::Member(_)));
        assert!(matches!(check(r#""index":17"#, r#""extra":1,"index":17"#), OpeningError::Member(_)));
        assert!(matches!(check("AQEB", "AQE"), OpeningError::Member(_)));
        assert!(matches!(check(r#"{"detail""#, r#"{ "detail""#), OpeningError::Json(JsonError::NotCanonical)));
        assert!(matches!(check("example.org/log", ""), OpeningError::Member(_)));
        assert!(matches!(check("1773482520", "253402300800"), OpeningError::Leaf(LeafError::Seconds)));
        let both = r#"{"commitment":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","nonce":"#;
        assert!(matches!(check(r#"{"nonce":"#, both), OpeningError::Member(_)));
        assert!(matches!(Opening::parse(b"[]"), Err(OpeningError::Member(_))));
        let long = vec![b' '; MAX_OPENING_BYTES + 1];
        assert_eq!(Opening::parse(&long), Err(OpeningError::TooLong(MAX_OPENING_BYTES + 1)));
    }

    #[test]
    fn debug_shows_no_payload() {
        assert!(!format!("{:?}", sample()).contains("진술서"));
    }
}

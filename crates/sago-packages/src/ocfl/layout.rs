//! Storage layouts: where an object of an id must lie (registered extensions 0002, 0003, 0004, 0006, 0007 and 0012).

use super::extension::is_registered;
use super::json::{Json, member};
use crate::digest::Algorithm;
use crate::finding::Findings;
use crate::tree::{Tree, join, read_limited};

/// Largest `ocfl_layout.json` or `config.json` that is read.
const CONFIG_LIMIT_BYTES: u64 = 1024 * 1024;

/// The name of the layout Sago writes.
pub const LAYOUT_0003: &str = "0003-hash-and-id-n-tuple-storage-layout";

/// How ids become paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// Extension 0002: the id itself.
    FlatDirect,
    /// Extensions 0003 and 0012: tuples of the id's hash, then the encoded id, without the prefix that ends with a delimiter.
    HashAndId {
        /// What the id is hashed with.
        tuples: HashTuples,
        /// None for 0003.
        delimiters: Vec<String>,
    },
    /// Extension 0004: tuples of the id's hash, then the hash.
    HashedTuple {
        /// What the id is hashed with.
        tuples: HashTuples,
        /// Whether the last element is only the rest of the hash.
        short_object_root: bool,
    },
    /// Extension 0006: the id after its prefix.
    FlatOmitPrefix {
        /// The last occurrence ends the prefix.
        delimiter: String,
    },
    /// Extension 0007: tuples of the id after its prefix, then that.
    TupleOmitPrefix {
        /// The last occurrence ends the prefix.
        delimiter: String,
        /// Characters in a tuple.
        tuple_size: usize,
        /// Number of tuples.
        number_of_tuples: usize,
        /// Whether zeros go to the left of short ids.
        pad_left: bool,
        /// Whether the tuples are cut from the reversed id.
        reverse: bool,
    },
}

/// How a hash is cut into folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashTuples {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Characters in a tuple.
    pub tuple_size: usize,
    /// Number of tuples.
    pub number_of_tuples: usize,
}

impl HashTuples {
    /// The default of 0003 and 0004, and what Sago uses.
    pub const DEFAULT: Self = Self { algorithm: Algorithm::Sha256, tuple_size: 3, number_of_tuples: 3 };

    /// Gives the tuples and the rest; `None` when the digest is too short for them.
    fn cut<'a>(&self, digest: &'a str) -> Option<(Vec<&'a str>, &'a str)> {
        let mut rest = digest;
        let mut tuples = Vec::new();
        for _ in 0..self.number_of_tuples {
            let (tuple, after) = rest.split_at_checked(self.tuple_size)?;
            tuples.push(tuple);
            rest = after;
        }
        Some((tuples, rest))
    }
}

impl Layout {
    /// Gives the path of an object under the storage root; `None` when the layout has none for this id.
    #[must_use]
    pub fn object_path(&self, id: &str) -> Option<String> {
        match self {
            Self::FlatDirect => Some(id.to_owned()),
            Self::HashAndId { tuples, delimiters } => {
                let id = without_prefix(id, delimiters);
                let digest = tuples.algorithm.hash(id.as_bytes());
                let (mut elements, _) = tuples.cut(&digest)?;
                let name = encapsulate(id, &digest);
                elements.push(&name);
                Some(elements.join("/"))
            }
            Self::HashedTuple { tuples, short_object_root } => {
                let digest = tuples.algorithm.hash(id.as_bytes());
                let (mut elements, rest) = tuples.cut(&digest)?;
                elements.push(if *short_object_root { rest } else { &digest });
                Some(elements.join("/"))
            }
            Self::FlatOmitPrefix { delimiter } => after_last(id, delimiter).map(str::to_owned),
            Self::TupleOmitPrefix { delimiter, tuple_size, number_of_tuples, pad_left, reverse } => {
                let name = after_last(id, delimiter)?;
                let missing = tuple_size.checked_mul(*number_of_tuples)?.saturating_sub(name.chars().count());
                let zeros = "0".repeat(missing);
                let padded = if *pad_left { format!("{zeros}{name}") } else { format!("{name}{zeros}") };
                let mut characters: Vec<char> = padded.chars().collect();
                if *reverse {
                    characters.reverse();
                }
                let tuples = characters.chunks((*tuple_size).max(1)).take(*number_of_tuples);
                let mut elements: Vec<String> = tuples.map(|tuple| tuple.iter().collect()).collect();
                elements.push(name.to_owned());
                Some(elements.join("/"))
            }
        }
    }

    /// Reads the layout a storage root declares (section 4.1); `None` when it declares none, or one that cannot be checked.
    pub(crate) fn read(tree: &dyn Tree, findings: &mut Findings) -> Option<Self> {
        let place = "ocfl_layout.json";
        let members = match read_object(tree, place) {
            Read::Absent => return None,
            Read::Object(members) => members,
            Read::Broken(message) => {
                findings.error("E070", place, message);
                return None;
            }
        };
        match member(&members, "description") {
            Some(Json::Text(_)) => {}
            _ => findings.error("E070", place, "The key description is missing or not a string."),
        }
        let name = match member(&members, "extension") {
            None => {
                findings.error("E070", place, "The key extension is missing.");
                return None;
            }
            Some(Json::Text(name)) => name,
            Some(other) => {
                findings.error("E071", place, format!("The extension must be a string, not {}.", other.kind()));
                return None;
            }
        };
        if !is_registered(name) {
            findings.warning("ocfl-layout-unknown", place, format!("The layout {name:?} is not registered; places of objects are not checked."));
            return None;
        }
        Self::read_config(tree, name, findings)
    }

    fn read_config(tree: &dyn Tree, name: &str, findings: &mut Findings) -> Option<Self> {
        let place = join(&join("extensions", name), "config.json");
        let members = match read_object(tree, &place) {
            Read::Absent => Vec::new(),
            Read::Object(members) => members,
            Read::Broken(message) => {
                findings.error("ocfl-layout-config", place, message);
                return None;
            }
        };
        let config = Config { members: &members };
        let named = member(&members, "extensionName");
        if named.is_some_and(|value| value.as_text() != Some(name)) {
            findings.error("ocfl-layout-config", &place, "The extensionName is not that of the folder.");
        }
        let layout = match name {
            "0002-flat-direct-storage-layout" => Ok(Self::FlatDirect),
            LAYOUT_0003 => config.hash_tuples().map(|tuples| Self::HashAndId { tuples, delimiters: Vec::new() }),
            "0004-hashed-n-tuple-storage-layout" => config.hashed_tuple(),
            "0006-flat-omit-prefix-storage-layout" => config.delimiter(None).map(|delimiter| Self::FlatOmitPrefix { delimiter }),
            "0007-n-tuple-omit-prefix-storage-layout" => config.tuple_omit_prefix(),
            "0012-hash-and-no-prefix-id-n-tuple-storage-layout" => config.hash_and_no_prefix_id(),
            _ => {
                findings.info("ocfl-layout-not-checked", "ocfl_layout.json", format!("Places of objects are not checked against {name}."));
                return None;
            }
        };
        layout.map_err(|message| findings.error("ocfl-layout-config", place, message)).ok()
    }
}

/// Gives what comes after the last delimiter. Delimiters are matched without regard to ASCII case (0006, 0007); an id that ends with one has no path.
fn after_last<'a>(id: &'a str, delimiter: &str) -> Option<&'a str> {
    let lower = id.to_ascii_lowercase();
    let name = match lower.rfind(&delimiter.to_ascii_lowercase()) {
        Some(at) => &id[at + delimiter.len()..],
        None => id,
    };
    (!name.is_empty()).then_some(name)
}

/// Removes a prefix as 0012 says: up to the last delimiter that does not end the id.
fn without_prefix<'a>(id: &'a str, delimiters: &[String]) -> &'a str {
    let Some((last, _)) = id.char_indices().last() else {
        return id;
    };
    let ends = delimiters.iter().filter_map(|delimiter| id[..last].rfind(delimiter.as_str()).map(|at| at + delimiter.len()));
    ends.max().map_or(id, |end| &id[end..])
}

/// The encapsulation directory of 0003: safe characters stay, other bytes become `%xx`, long names end with the digest.
fn encapsulate(id: &str, digest: &str) -> String {
    let mut name = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02x}"));
        }
    }
    if name.len() > 100 {
        name.truncate(100);
        name = format!("{name}-{digest}");
    }
    name
}

enum Read {
    Absent,
    Object(Vec<(String, Json)>),
    Broken(String),
}

fn read_object(tree: &dyn Tree, path: &str) -> Read {
    match read_limited(tree, path, CONFIG_LIMIT_BYTES) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Read::Absent,
        Err(error) => Read::Broken(format!("The file cannot be read: {error}.")),
        Ok(None) => Read::Broken("The file is too large.".to_owned()),
        Ok(Some(bytes)) => match Json::parse(&bytes) {
            Ok(Json::Object(members)) => Read::Object(members),
            Ok(other) => Read::Broken(format!("The document must be a JSON object, not {}.", other.kind())),
            Err(error) => Read::Broken(format!("The document is not JSON: {error}.")),
        },
    }
}

/// Parameters of an extension.
struct Config<'a> {
    members: &'a [(String, Json)],
}

impl Config<'_> {
    fn number(&self, name: &str, default: usize, range: std::ops::RangeInclusive<usize>) -> Result<usize, String> {
        let value = match member(self.members, name) {
            None => return Ok(default),
            Some(Json::Number(number)) => range.clone().find(|candidate| f64::from(u32::try_from(*candidate).unwrap_or(u32::MAX)) == *number),
            Some(_) => None,
        };
        value.ok_or_else(|| format!("The parameter {name} must be an integer from {} to {}.", range.start(), range.end()))
    }

    fn flag(&self, name: &str) -> Result<bool, String> {
        match member(self.members, name) {
            None => Ok(false),
            Some(Json::Bool(value)) => Ok(*value),
            Some(_) => Err(format!("The parameter {name} must be true or false.")),
        }
    }

    fn hash_tuples(&self) -> Result<HashTuples, String> {
        let algorithm = match member(self.members, "digestAlgorithm") {
            None => HashTuples::DEFAULT.algorithm,
            Some(value) => value
                .as_text()
                .and_then(Algorithm::from_ocfl)
                .filter(|algorithm| *algorithm != Algorithm::Size)
                .ok_or("The parameter digestAlgorithm is not an algorithm of OCFL.")?,
        };
        let tuple_size = self.number("tupleSize", 3, 0..=32)?;
        let number_of_tuples = self.number("numberOfTuples", 3, 0..=32)?;
        if (tuple_size == 0) != (number_of_tuples == 0) {
            return Err("If one of tupleSize and numberOfTuples is 0, both must be.".to_owned());
        }
        if tuple_size * number_of_tuples > algorithm.hash(b"").len() {
            return Err("The tuples are longer than the digest.".to_owned());
        }
        Ok(HashTuples { algorithm, tuple_size, number_of_tuples })
    }

    fn hashed_tuple(&self) -> Result<Layout, String> {
        let tuples = self.hash_tuples()?;
        let short_object_root = self.flag("shortObjectRoot")?;
        let rest = tuples.algorithm.hash(b"").len() - tuples.tuple_size * tuples.number_of_tuples;
        if short_object_root && rest == 0 {
            return Err("The tuples use the whole digest, so shortObjectRoot must be false.".to_owned());
        }
        Ok(Layout::HashedTuple { tuples, short_object_root })
    }

    fn hash_and_no_prefix_id(&self) -> Result<Layout, String> {
        let message = "The parameter delimiters must be an array of strings that are not empty.";
        let delimiters = match member(self.members, "delimiters") {
            None => Vec::new(),
            Some(Json::List(list)) => {
                list.iter().map(|value| value.as_text().filter(|text| !text.is_empty()).map(str::to_owned).ok_or(message)).collect::<Result<_, _>>()?
            }
            Some(_) => return Err(message.to_owned()),
        };
        Ok(Layout::HashAndId { tuples: self.hash_tuples()?, delimiters })
    }

    fn delimiter(&self, default: Option<&str>) -> Result<String, String> {
        let value = match member(self.members, "delimiter") {
            None => default,
            Some(value) => value.as_text().filter(|text| !text.is_empty()),
        };
        value.map(str::to_owned).ok_or_else(|| "The parameter delimiter must be a string that is not empty.".to_owned())
    }

    fn tuple_omit_prefix(&self) -> Result<Layout, String> {
        let pad_left = match member(self.members, "zeroPadding").map(Json::as_text) {
            None | Some(Some("left")) => true,
            Some(Some("right")) => false,
            Some(_) => return Err("The parameter zeroPadding must be left or right.".to_owned()),
        };
        Ok(Layout::TupleOmitPrefix {
            delimiter: self.delimiter(Some(":"))?,
            tuple_size: self.number("tupleSize", 3, 1..=32)?,
            number_of_tuples: self.number("numberOfTuples", 3, 1..=32)?,
            pad_left,
            reverse: self.flag("reverseObjectRoot")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuples(algorithm: Algorithm, tuple_size: usize, number_of_tuples: usize) -> HashTuples {
        HashTuples { algorithm, tuple_size, number_of_tuples }
    }

    #[test]
    fn objects_lie_where_the_extensions_examples_say() {
        let by_id = |tuples, delimiters: &[&str]| Layout::HashAndId { tuples, delimiters: delimiters.iter().map(|d| (*d).to_owned()).collect() };
        let by_hash = |tuples, short_object_root| Layout::HashedTuple { tuples, short_object_root };
        let default = HashTuples::DEFAULT;
        let md5 = tuples(Algorithm::Md5, 2, 15);
        let none = tuples(Algorithm::Sha256, 0, 0);
        let long = "abcdefghij".repeat(26);
        let long_path = format!("55b/432/806/{}-55b432806f4e270da0cf23815ed338742179002153cd8d896f23b3e2d8a14359", "abcdefghij".repeat(10));
        let object_01 = "3c0ff4240c1e116dba14c7627f2319b58aa3d77606d0d90dfc6161608ac987d4";
        let omit = |delimiter: &str, tuple_size, number_of_tuples, pad_left, reverse| Layout::TupleOmitPrefix {
            delimiter: delimiter.to_owned(),
            tuple_size,
            number_of_tuples,
            pad_left,
            reverse,
        };
        let flat = |delimiter: &str| Layout::FlatOmitPrefix { delimiter: delimiter.to_owned() };
        let full = format!("3c0/ff4/240/{object_01}");
        for (layout, id, path) in [
            (Layout::FlatDirect, "object-01", "object-01"),
            (by_id(default, &[]), "object-01", "3c0/ff4/240/object-01"),
            (by_id(default, &[]), "..hor/rib:le-$id", "487/326/d8c/%2e%2ehor%2frib%3ale-%24id"),
            (by_id(default, &[]), "..Hor/rib:lè-$id", "373/529/21a/%2e%2eHor%2frib%3al%c3%a8-%24id"),
            (by_id(default, &[]), &long, &long_path),
            (by_id(md5, &[]), "object-01", "ff/75/53/44/92/48/5e/ab/b3/9f/86/35/67/28/88/object-01"),
            (by_id(none, &[]), "object-01", "object-01"),
            (by_id(md5, &["/"]), "..hor/rib:le-$id", "5d/6e/4e/8c/b5/cd/0c/7a/8f/bf/65/c1/29/51/27/rib%3ale-%24id"),
            (by_id(none, &["d"]), "abcd", "abcd"),
            (by_id(none, &["c", "d"]), "abcd", "d"),
            (by_id(none, &["d"]), "abcdd", "d"),
            (by_hash(default, false), "object-01", &full),
            (by_hash(md5, true), "object-01", "ff/75/53/44/92/48/5e/ab/b3/9f/86/35/67/28/88/4e"),
            (by_hash(none, false), "object-01", object_01),
            (flat(":"), "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", "6e8bc430-9c3a-11d9-9669-0800200c9a66"),
            (flat("EDU/"), "https://institution.edu/abc/edu/f8.05v", "f8.05v"),
            (omit(":", 4, 2, true, true), "namespace:12887296", "6927/8821/12887296"),
            (omit(":", 4, 2, true, true), "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", "66a9/c002/6e8bc430-9c3a-11d9-9669-0800200c9a66"),
            (omit(":", 4, 2, true, true), "abc123", "321c/ba00/abc123"),
            (omit("edu/", 3, 3, false, false), "https://institution.edu/3448793", "344/879/300/3448793"),
            (omit("edu/", 3, 3, false, false), "https://institution.edu/abc/edu/f8.05v", "f8./05v/000/f8.05v"),
        ] {
            assert_eq!(layout.object_path(id).as_deref(), Some(path), "{layout:?} {id}");
        }
        assert_eq!(flat(":").object_path("urn:"), None);
    }
}

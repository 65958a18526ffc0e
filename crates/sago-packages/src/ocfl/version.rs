//! Version numbers: of the OCFL specification (`1.1`) and of an object (`v3`, `v003`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A version of the OCFL specification that we can judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SpecVersion {
    /// OCFL 1.0 (July 2020).
    #[serde(rename = "1.0")]
    V1_0,
    /// OCFL 1.1 (October 2022).
    #[serde(rename = "1.1")]
    V1_1,
}

impl SpecVersion {
    /// Reads `1.0` or `1.1`.
    #[must_use]
    pub fn from_number(number: &str) -> Option<Self> {
        match number {
            "1.0" => Some(Self::V1_0),
            "1.1" => Some(Self::V1_1),
            _ => None,
        }
    }

    /// Gives `1.0` or `1.1`.
    #[must_use]
    pub fn number(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
        }
    }

    /// Gives the value of an inventory's `type`.
    #[must_use]
    pub fn inventory_type(self) -> &'static str {
        match self {
            Self::V1_0 => "https://ocfl.io/1.0/spec/#inventory",
            Self::V1_1 => "https://ocfl.io/1.1/spec/#inventory",
        }
    }

    pub(crate) fn from_inventory_type(text: &str) -> Option<Self> {
        [Self::V1_0, Self::V1_1].into_iter().find(|spec| spec.inventory_type() == text)
    }
}

impl fmt::Display for SpecVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number())
    }
}

/// The number of an object's version with the way its folder name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionNum {
    /// 1, 2, 3 …
    pub number: u32,
    /// Digits after `v` when zero-padded, 0 when not.
    pub width: u8,
}

impl VersionNum {
    /// The first version, not padded.
    pub const FIRST: Self = Self { number: 1, width: 0 };

    /// Reads a folder name such as `v1` or `v0001` (section 3.3); `v0` is none.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let digits = name.strip_prefix('v')?;
        if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number: u32 = digits.parse().ok()?;
        let width = if digits.starts_with('0') { u8::try_from(digits.len()).ok()? } else { 0 };
        (number > 0).then_some(Self { number, width })
    }

    /// Gives the next version in the same naming; `None` when a padded name has no digit left or the number does not fit.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        let next = Self { number: self.number.checked_add(1)?, width: self.width };
        let digits = next.number.to_string().len();
        (self.width == 0 || digits < usize::from(self.width)).then_some(next)
    }
}

impl fmt::Display for VersionNum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{:0width$}", self.number, width = usize::from(self.width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_names_are_read_strictly_and_written_back_as_they_were() {
        for name in ["v1", "v10", "v01", "v0001", "v4294967295"] {
            assert_eq!(VersionNum::parse(name).unwrap().to_string(), name);
        }
        for name in ["", "v", "v0", "v00", "1", "V1", "v1 ", "v-1", "v+1", "v1.0", "v4294967296", "ｖ1", "v١"] {
            assert_eq!(VersionNum::parse(name), None, "{name}");
        }
    }

    #[test]
    fn padded_names_end_before_the_zero_is_used_up() {
        assert_eq!(VersionNum::parse("v09").unwrap().next(), None);
        assert_eq!(VersionNum::parse("v009").unwrap().next().unwrap().to_string(), "v010");
        assert_eq!(VersionNum::parse("v9").unwrap().next().unwrap().to_string(), "v10");
        assert_eq!(VersionNum::parse("v4294967295").unwrap().next(), None);
    }
}

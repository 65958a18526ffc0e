//! Versions of Sago, as far as nodes must agree on them.

use std::fmt;
use std::str::FromStr;

/// A version: the first two numbers decide who works beside whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    major: u64,
    minor: u64,
    text: String,
}

impl Version {
    /// The version of this program. In builds with debug assertions a test may say another with `SAGO_TEST_VERSION`.
    pub fn own() -> Self {
        #[cfg(debug_assertions)]
        if let Some(version) = std::env::var("SAGO_TEST_VERSION").ok().and_then(|text| text.parse().ok()) {
            return version;
        }
        let number = |text: &str| text.parse().unwrap_or(0);
        Self { major: number(env!("CARGO_PKG_VERSION_MAJOR")), minor: number(env!("CARGO_PKG_VERSION_MINOR")), text: env!("CARGO_PKG_VERSION").to_owned() }
    }

    /// Whether two nodes of these versions may work on one repository at the same time.
    pub fn is_within_a_step(&self, other: &Self) -> bool {
        self.major == other.major && self.minor.abs_diff(other.minor) <= 1
    }
}

impl FromStr for Version {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut numbers = text.splitn(3, '.').map(|part| part.parse::<u64>());
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok(Self { major, minor, text: text.to_owned() }),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_minor_version_is_one_step_and_another_first_number_is_more() {
        for (one, other, expected) in [
            ("0.3.0", "0.3.9", true),
            ("0.3.0", "0.4.0", true),
            ("0.4.1", "0.3.7-rc.1", true),
            ("0.3.0", "0.5.0", false),
            ("0.9.0", "1.0.0", false),
            ("1.0.0", "1.1.0", true),
        ] {
            let (one, other) = (one.parse::<Version>().unwrap(), other.parse::<Version>().unwrap());
            assert_eq!(one.is_within_a_step(&other), expected, "{one} {other}");
            assert_eq!(other.is_within_a_step(&one), expected, "{other} {one}");
        }
        assert!("newest".parse::<Version>().is_err());
    }
}

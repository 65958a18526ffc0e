//! Labels: how confidential something is. New material carries the highest until a person lowers it (invariant 5).

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// Level of confidentiality, lowest first. The words are those of the United Nations' levels with a public one below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Label {
    /// May be shown to anyone.
    Public,
    /// For people who work with the repository.
    Restricted,
    /// For people who need it for their work.
    Confidential,
    /// For named people only. The default of everything that arrives.
    #[default]
    StrictlyConfidential,
}

impl Label {
    /// All levels, lowest first.
    pub const ALL: [Self; 4] = [Self::Public, Self::Restricted, Self::Confidential, Self::StrictlyConfidential];

    /// The code written in manifests and events.
    pub fn code(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Restricted => "restricted",
            Self::Confidential => "confidential",
            Self::StrictlyConfidential => "strictly-confidential",
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Label {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|label| label.code() == text).ok_or_else(|| {
            Error::invalid(format!("There is no label “{text}”.")).hint("The labels are: public, restricted, confidential, strictly-confidential.")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_material_carries_the_highest_label() {
        assert_eq!(Some(Label::default()), Label::ALL.into_iter().max());
    }

    #[test]
    fn codes_read_back() {
        for label in Label::ALL {
            assert_eq!(label.code().parse::<Label>().unwrap(), label);
        }
        assert!("secret".parse::<Label>().is_err());
    }
}

//! SLIP-0039: a secret as word lists, of which any k of n custodians' give it back.
//!
//! Splits and recovers; errors say what a custodian can do about them. Where the words are printed and who may take part
//! is decided elsewhere. The words *are* the secret: callers print or check them and keep nothing, and never log a
//! [`ShareError`] together with who typed it.
//!
//! Written for this project, because no well-kept crate reads the standard; checked against its 45 published vectors.
//! Sets are made without the *extendable* flag and with iteration exponent 1: so every version of the reference tool
//! `shamir-mnemonic`, and hardware older than the flag, recovers them without options. Both kinds are read.

mod cipher;
mod field;
mod share;
mod words;

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use field::{DoNotFit, Point};
use share::{Set, Share};

/// Most members of a group, and most groups.
pub const MAX_SHARES: u8 = 16;
/// Shortest secret.
pub const MIN_SECRET_BYTES: usize = 16;
/// Longest secret.
pub const MAX_SECRET_BYTES: usize = 64;

/// A source of random bytes; [`os_random`] outside of tests.
pub type FillRandom<'a> = &'a mut dyn FnMut(&mut [u8]) -> Result<(), getrandom::Error>;

/// Fills from the system's randomness.
pub fn os_random(bytes: &mut [u8]) -> Result<(), getrandom::Error> {
    getrandom::fill(bytes)
}

/// Why a secret was not split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// The numbers asked for make no sense.
    #[error("the secret cannot be shared like that: {0}")]
    Refused(&'static str),
    /// The system has no randomness.
    #[error("no randomness: {0}")]
    NoRandomness(#[from] getrandom::Error),
}

/// Why shares do not give a secret. Shares and words are counted from 1, in the order given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// No share at all.
    #[error("no share was given")]
    NoShares,
    /// A word is not one of the 1,024.
    #[error("word {word} of share {share} is not in the list{}", suggest(*.suggestion))]
    UnknownWord {
        /// Number of the share.
        share: usize,
        /// Place of the word.
        word: usize,
        /// A word of the list that looks like it.
        suggestion: Option<&'static str>,
    },
    /// Words are missing, or there are too many.
    #[error("share {share} has {words} words; a share of a recovery key has 33")]
    Length {
        /// Number of the share.
        share: usize,
        /// Words found.
        words: usize,
    },
    /// All words are in the list, but at least one is not the one that was printed, or two are swapped.
    #[error("a word of share {share} is wrong{}", place(*.suspect))]
    Checksum {
        /// Number of the share.
        share: usize,
        /// Place of the wrong word, if only one is.
        suspect: Option<usize>,
    },
    /// The words are as printed, but no share of this standard.
    #[error("share {share} is not a valid share: {why}")]
    Malformed {
        /// Number of the share.
        share: usize,
        /// What rule it breaks.
        why: &'static str,
    },
    /// Two shares come from two splittings.
    #[error("share {share} belongs to another set than share {other}; shares of one set begin with the same two words")]
    DifferentSets {
        /// Number of the share.
        share: usize,
        /// An earlier share.
        other: usize,
    },
    /// The same share twice.
    #[error("share {share} is the same as share {other}: another person's share is needed")]
    Duplicate {
        /// Number of the share.
        share: usize,
        /// The earlier one.
        other: usize,
    },
    /// Two shares claim the same place with different content: one of them is forged or from a faulty tool.
    #[error("shares {share} and {other} contradict each other")]
    Contradiction {
        /// Number of the share.
        share: usize,
        /// The earlier one.
        other: usize,
    },
    /// More shares are needed.
    #[error("{have} shares, but {need} are needed")]
    TooFew {
        /// Group, counted from 1.
        group: u8,
        /// Shares of that group given.
        have: usize,
        /// Shares of that group needed.
        need: usize,
    },
    /// More groups are needed.
    #[error("{have} complete groups of shares, but {need} are needed")]
    TooFewGroups {
        /// Complete groups given.
        have: usize,
        /// Groups needed.
        need: usize,
    },
    /// Shares, each well formed, do not lie on one polynomial: at least one is forged or from a faulty tool.
    #[error("the shares do not fit together: at least one is not genuine")]
    DoNotFit,
    /// The secret is genuine but not 32 bytes long.
    #[error("these shares hold a secret of {0} bytes, not a recovery key of 32")]
    NotARecoveryKey(usize),
}

fn suggest(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |word| format!("; did you mean “{word}”?"))
}

fn place(suspect: Option<usize>) -> String {
    suspect.map_or_else(String::new, |word| format!("; look again at word {word} and its neighbours"))
}

/// A recovered secret; wiped when dropped, hidden from `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The secret bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The secret as the seed of a recovery identity; fails with [`ShareError::NotARecoveryKey`].
    pub fn to_seed(&self) -> Result<Zeroizing<[u8; 32]>, ShareError> {
        let mut seed = Zeroizing::new([0; 32]);
        if self.0.len() != seed.len() {
            return Err(ShareError::NotARecoveryKey(self.0.len()));
        }
        seed.copy_from_slice(&self.0);
        Ok(seed)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// What one share says about itself; nothing of this is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareInfo {
    /// Number of the set: equal for shares that belong together.
    pub identifier: u16,
    /// Group, counted from 1.
    pub group: u8,
    /// Groups needed; 1 for Sago's own sets.
    pub groups_needed: u8,
    /// Number of the share in its group, counted from 1.
    pub number: u8,
    /// Shares of the group needed.
    pub needed: u8,
}

/// How to split beyond the usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options<'a> {
    /// Printable ASCII; empty for none. A wrong passphrase gives a wrong secret, never an error.
    pub passphrase: &'a str,
    /// Lets later sets be made for the same passphrase; not read by tools from before 2024.
    pub extendable: bool,
    /// 0 to 15: the passphrase costs 10,000·2^e iterations.
    pub iteration_exponent: u8,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options { passphrase: "", extendable: false, iteration_exponent: 1 }
    }
}

/// Splits a 32-byte seed among `count` custodians, any `threshold` of whom give it back.
///
/// One share of 33 words for each. `threshold` from 1 to `count`, `count` to 16; a threshold of 1 only for one custodian.
pub fn split(seed: &[u8; 32], threshold: u8, count: u8, random: FillRandom<'_>) -> Result<Vec<Vec<&'static str>>, SplitError> {
    let groups = split_groups(seed, 1, &[(threshold, count)], Options::default(), random)?;
    Ok(groups.into_iter().flatten().collect())
}

/// Splits a secret among groups of `(threshold, count)` members, `group_threshold` of which give it back.
///
/// Secrets of 16 to 64 bytes, an even number.
pub fn split_groups(
    secret: &[u8],
    group_threshold: u8,
    groups: &[(u8, u8)],
    options: Options<'_>,
    random: FillRandom<'_>,
) -> Result<Vec<Vec<Vec<&'static str>>>, SplitError> {
    check_plan(secret, group_threshold, groups, options)?;
    let mut identifier = [0; 2];
    random(&mut identifier)?;
    let set = Set {
        identifier: u16::from_be_bytes(identifier) & 0x7fff,
        extendable: options.extendable,
        iteration_exponent: options.iteration_exponent,
        group_threshold,
        group_count: groups.len() as u8,
    };
    let encrypted = cipher::encrypt(secret, options.passphrase.as_bytes(), &set);
    let group_points = field::split(&encrypted, group_threshold, set.group_count, &mut *random)?;
    let mut all = Vec::new();
    for (group, (threshold, count)) in group_points.into_iter().zip(groups) {
        let members = field::split(&group.value, *threshold, *count, &mut *random)?;
        let words = members
            .into_iter()
            .map(|member| Share { set: set.clone(), group: group.at, member: member.at, threshold: *threshold, value: member.value }.to_words());
        all.push(words.collect());
    }
    Ok(all)
}

fn check_plan(secret: &[u8], group_threshold: u8, groups: &[(u8, u8)], options: Options<'_>) -> Result<(), SplitError> {
    let refuse = |why| Err(SplitError::Refused(why));
    if !(MIN_SECRET_BYTES..=MAX_SECRET_BYTES).contains(&secret.len()) || !secret.len().is_multiple_of(2) {
        return refuse("a secret has 16 to 64 bytes, an even number");
    }
    if groups.is_empty() || groups.len() > usize::from(MAX_SHARES) {
        return refuse("there are 1 to 16 groups");
    }
    if group_threshold == 0 || usize::from(group_threshold) > groups.len() {
        return refuse("the groups needed are from 1 to all of them");
    }
    for (threshold, count) in groups {
        if *threshold == 0 || threshold > count || *count > MAX_SHARES {
            return refuse("the shares needed are from 1 to all of them, and there are at most 16");
        }
        if *threshold == 1 && *count > 1 {
            return refuse("if one share is enough, there must be only one");
        }
    }
    if options.iteration_exponent > 15 {
        return refuse("the iteration exponent is at most 15");
    }
    if !options.passphrase.bytes().all(|b| (32..127).contains(&b)) {
        return refuse("the passphrase must be printable ASCII");
    }
    Ok(())
}

/// Reads one share alone, so that a custodian learns at once whether it was typed rightly.
pub fn inspect(share: &str) -> Result<ShareInfo, ShareError> {
    let share = Share::parse(share, 1)?;
    Ok(ShareInfo {
        identifier: share.set.identifier,
        group: share.group + 1,
        groups_needed: share.set.group_threshold,
        number: share.member + 1,
        needed: share.threshold,
    })
}

/// Recovers a secret that was split without a passphrase.
///
/// Every share is the text of its words, in any case, with any white space. More shares than needed are welcome: they
/// are checked against the others.
pub fn recover(shares: &[impl AsRef<str>]) -> Result<Secret, ShareError> {
    recover_with_passphrase(shares, "")
}

/// Recovers a secret; a wrong passphrase gives a wrong secret, by design of the standard.
pub fn recover_with_passphrase(shares: &[impl AsRef<str>], passphrase: &str) -> Result<Secret, ShareError> {
    let mut parsed: Vec<Share> = Vec::new();
    for (i, text) in shares.iter().enumerate() {
        let share = Share::parse(text.as_ref(), i + 1)?;
        for (j, earlier) in parsed.iter().enumerate() {
            check_pair(&share, i + 1, earlier, j + 1)?;
        }
        parsed.push(share);
    }
    let set = parsed.first().ok_or(ShareError::NoShares)?.set.clone();

    let mut groups: BTreeMap<u8, (u8, Vec<Point>)> = BTreeMap::new();
    for share in parsed {
        let (_, points) = groups.entry(share.group).or_insert_with(|| (share.threshold, Vec::new()));
        points.push(Point { at: share.member, value: share.value });
    }
    let mut group_points = Vec::new();
    let mut short = None;
    for (at, (threshold, points)) in groups {
        if points.len() < usize::from(threshold) {
            short.get_or_insert(ShareError::TooFew { group: at + 1, have: points.len(), need: usize::from(threshold) });
            continue;
        }
        let value = field::recover(threshold, &points)?;
        group_points.push(Point { at, value });
    }
    if group_points.len() < usize::from(set.group_threshold) {
        // Whoever brought part of a group is told how many more of it are missing.
        return Err(short.unwrap_or(ShareError::TooFewGroups { have: group_points.len(), need: usize::from(set.group_threshold) }));
    }
    let encrypted = field::recover(set.group_threshold, &group_points)?;
    Ok(Secret(cipher::decrypt(&encrypted, passphrase.as_bytes(), &set)))
}

fn check_pair(share: &Share, number: usize, earlier: &Share, other: usize) -> Result<(), ShareError> {
    let same_group = share.group == earlier.group;
    if share.set != earlier.set || share.value.len() != earlier.value.len() || (same_group && share.threshold != earlier.threshold) {
        return Err(ShareError::DifferentSets { share: number, other });
    }
    if same_group && share.member == earlier.member {
        return Err(if share.value == earlier.value {
            ShareError::Duplicate { share: number, other }
        } else {
            ShareError::Contradiction { share: number, other }
        });
    }
    Ok(())
}

impl From<DoNotFit> for ShareError {
    fn from(_: DoNotFit) -> Self {
        ShareError::DoNotFit
    }
}

//! How many of which witnesses must have cosigned (C2SP tlog-policy), and whether they have.
//!
//! A policy comes from a policy file or from a plain list of keys with a number. In a list, keys of one name are one witness, and
//! every one of them must have cosigned: who breaks one algorithm must not be able to leave out the other.

use crate::decimal::parse_decimal;
use crate::note::{Algorithm, Note, NoteError, Verifier, VerifierKeyError};

/// The longest policy file, in bytes.
const MAX_POLICY_BYTES: usize = 4 * 1024 * 1024;

/// The greatest number of logs, of witnesses and of groups.
const MAX_OF_A_KIND: usize = 256;

/// Which logs and witnesses are known, and the quorum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessPolicy {
    logs: Vec<Verifier>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    quorum: Option<Member>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Witness {
    name: String,
    keys: Vec<Verifier>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    name: String,
    threshold: usize,
    members: Vec<Member>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// Why bytes are no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessPolicyError {
    /// Longer than any policy, or more than 256 of a kind.
    #[error("a policy has at most {MAX_POLICY_BYTES} bytes and {MAX_OF_A_KIND} logs, witnesses and groups each")]
    TooLong,
    /// The last line may have been cut off.
    #[error("the last line does not end with a newline: is the file whole?")]
    Unfinished,
    /// What is wrong with one line, counted from 1.
    #[error("line {0}: {1}")]
    Line(usize, LineError),
    /// No line says which witnesses are enough.
    #[error("there is no `quorum` line")]
    NoQuorum,
    /// A list of keys without any.
    #[error("there is no key of a witness")]
    NoKeys,
    /// More witnesses are asked for than there are, or none.
    #[error("{wanted} of {there} witnesses is not possible")]
    Threshold {
        /// How many were asked for.
        wanted: usize,
        /// How many there are.
        there: usize,
    },
    /// A policy file says itself how many witnesses are enough.
    #[error("the policy has its own quorum; a number can be given with a list of keys only")]
    OwnQuorum,
}

/// What is wrong with a line of a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// A control character, or a name that is not UTF-8.
    #[error("it has a control character, or is not UTF-8")]
    Characters,
    /// Not a line of any of the four kinds.
    #[error("expected `log KEY [URL]`, `witness NAME KEY [URL]`, `group NAME all|any|K NAME…` or `quorum NAME`")]
    Form,
    /// Not a verifier key.
    #[error(transparent)]
    Key(#[from] VerifierKeyError),
    /// A key whose kind of signature is not for this.
    #[error("a key of kind {0} is not for this")]
    KindOfKey(Algorithm),
    /// A public key that stands there already, under whatever name.
    #[error("the same public key stands on an earlier line")]
    SameKey,
    /// A name that stands there already, or `none`.
    #[error("the name {0} is taken")]
    Taken(String),
    /// A name that no earlier line defines.
    #[error("no earlier line defines {0}")]
    Undefined(String),
    /// A member twice in one group, or in two groups.
    #[error("{0} is a member already; a name can be a member once")]
    MemberTwice(String),
    /// A threshold that is not between 1 and the number of members.
    #[error("the threshold of a group is `all`, `any`, or 1 to the number of its members")]
    Threshold,
    /// A second quorum.
    #[error("there is more than one `quorum` line")]
    SecondQuorum,
}

/// A witness whose keys have cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// Its name in the policy.
    pub witness: String,
    /// When it says it saw this tree as the largest: the earliest of its keys' times, in seconds since 1970-01-01T00:00:00Z.
    pub timestamp: u64,
}

/// Who has cosigned a checkpoint, as far as a policy knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Witnessed {
    /// The witnesses that have.
    pub cosigned: Vec<Cosigned>,
    /// Signatures in the name of a known key that do not verify.
    pub invalid: Vec<NoteError>,
    /// Whether they are enough.
    pub is_quorum: bool,
}

impl Witnessed {
    /// The time at which the last witness needed had seen the tree: no statement is older than this one.
    pub fn since(&self) -> Option<u64> {
        self.cosigned.iter().map(|one| one.timestamp).min()
    }
}

impl WitnessPolicy {
    /// Reads a policy file, or a list of verifier keys, one a line, of which `wanted` witnesses are enough (all, unless given).
    pub fn read(bytes: &[u8], wanted: Option<usize>) -> Result<Self, WitnessPolicyError> {
        let is_list = lines(bytes).all(|(_, line)| words(line).count() == 1);
        match (is_list, wanted) {
            (false, Some(_)) => Err(WitnessPolicyError::OwnQuorum),
            (false, None) => Self::parse(bytes),
            (true, _) => {
                let mut keys: Vec<Verifier> = Vec::new();
                for (number, line) in lines(bytes) {
                    let key = key_of(words(line).next().unwrap_or_default()).map_err(|error| WitnessPolicyError::Line(number, error))?;
                    keys.push(key);
                }
                Self::of_keys(keys, wanted)
            }
        }
    }

    /// Makes a policy of keys: those of one name are one witness. All witnesses are needed unless `wanted` says how many.
    pub fn of_keys(keys: Vec<Verifier>, wanted: Option<usize>) -> Result<Self, WitnessPolicyError> {
        let mut policy = Self { logs: Vec::new(), witnesses: Vec::new(), groups: Vec::new(), quorum: None };
        for (number, key) in (1..).zip(keys) {
            let name = key.name().to_owned();
            policy.check_witness_key(&key).map_err(|error| WitnessPolicyError::Line(number, error))?;
            match policy.witnesses.iter_mut().find(|witness| witness.name == name) {
                Some(witness) => witness.keys.push(key),
                None => policy.witnesses.push(Witness { name, keys: vec![key] }),
            }
        }
        let there = policy.witnesses.len();
        if there == 0 {
            return Err(WitnessPolicyError::NoKeys);
        }
        let threshold = wanted.unwrap_or(there);
        if threshold == 0 || threshold > there || there > MAX_OF_A_KIND {
            return Err(WitnessPolicyError::Threshold { wanted: threshold, there });
        }
        policy.groups.push(Group { name: "witnesses".to_owned(), threshold, members: (0..there).map(Member::Witness).collect() });
        policy.quorum = Some(Member::Group(0));
        Ok(policy)
    }

    /// Reads a policy file (C2SP tlog-policy).
    pub fn parse(bytes: &[u8]) -> Result<Self, WitnessPolicyError> {
        if bytes.len() > MAX_POLICY_BYTES {
            return Err(WitnessPolicyError::TooLong);
        }
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            return Err(WitnessPolicyError::Unfinished);
        }
        let mut policy = Self { logs: Vec::new(), witnesses: Vec::new(), groups: Vec::new(), quorum: None };
        let (mut has_quorum, mut used) = (false, Vec::new());
        for (number, line) in lines(bytes) {
            policy.take(line, &mut has_quorum, &mut used).map_err(|error| WitnessPolicyError::Line(number, error))?;
            if [policy.logs.len(), policy.witnesses.len(), policy.groups.len()].into_iter().any(|count| count > MAX_OF_A_KIND) {
                return Err(WitnessPolicyError::TooLong);
            }
        }
        if has_quorum { Ok(policy) } else { Err(WitnessPolicyError::NoQuorum) }
    }

    fn take(&mut self, line: &[u8], has_quorum: &mut bool, used: &mut Vec<Member>) -> Result<(), LineError> {
        if line.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
            return Err(LineError::Characters);
        }
        let words: Vec<&str> = words(line).map(str::from_utf8).collect::<Result<_, _>>().map_err(|_| LineError::Characters)?;
        match words.as_slice() {
            ["log", key] | ["log", key, _] => {
                let key = key_of(key)?;
                if key.algorithm() == Algorithm::Ed25519Cosignature {
                    return Err(LineError::KindOfKey(key.algorithm()));
                }
                if self.logs.iter().any(|other| other.public_key() == key.public_key()) {
                    return Err(LineError::SameKey);
                }
                self.logs.push(key);
            }
            ["witness", name, key] | ["witness", name, key, _] => {
                let key = key_of(key)?;
                self.check_name(name)?;
                self.check_witness_key(&key)?;
                self.witnesses.push(Witness { name: (*name).to_owned(), keys: vec![key] });
            }
            ["group", name, threshold, members @ ..] if !members.is_empty() => {
                self.check_name(name)?;
                let mut found = Vec::new();
                for name in members {
                    let member = self.find(name)?;
                    if used.contains(&member) {
                        return Err(LineError::MemberTwice((*name).to_owned()));
                    }
                    used.push(member);
                    found.push(member);
                }
                let threshold = match *threshold {
                    "all" => Some(found.len()),
                    "any" => Some(1),
                    number => parse_decimal(number).and_then(|number| usize::try_from(number).ok()),
                };
                let threshold = threshold.filter(|number| (1..=found.len()).contains(number)).ok_or(LineError::Threshold)?;
                self.groups.push(Group { name: (*name).to_owned(), threshold, members: found });
            }
            ["quorum", name] => {
                if *has_quorum {
                    return Err(LineError::SecondQuorum);
                }
                self.quorum = if *name == "none" { None } else { Some(self.find(name)?) };
                *has_quorum = true;
            }
            _ => return Err(LineError::Form),
        }
        Ok(())
    }

    fn check_name(&self, name: &str) -> Result<(), LineError> {
        let is_taken = name == "none" || self.find(name).is_ok();
        if is_taken { Err(LineError::Taken(name.to_owned())) } else { Ok(()) }
    }

    fn check_witness_key(&self, key: &Verifier) -> Result<(), LineError> {
        if key.algorithm() == Algorithm::Ed25519 {
            return Err(LineError::KindOfKey(key.algorithm()));
        }
        let mut keys = self.witnesses.iter().flat_map(|witness| &witness.keys);
        if keys.any(|other| other.public_key() == key.public_key()) { Err(LineError::SameKey) } else { Ok(()) }
    }

    fn find(&self, name: &str) -> Result<Member, LineError> {
        let witness = self.witnesses.iter().position(|witness| witness.name == name).map(Member::Witness);
        let group = || self.groups.iter().position(|group| group.name == name).map(Member::Group);
        witness.or_else(group).ok_or_else(|| LineError::Undefined(name.to_owned()))
    }

    /// Returns the same witnesses without a quorum: their signatures are checked, none is demanded.
    #[must_use]
    pub fn without_quorum(mut self) -> Self {
        self.quorum = None;
        self
    }

    /// Returns the keys of the logs that the policy lists; none in a list of keys.
    pub fn logs(&self) -> &[Verifier] {
        &self.logs
    }

    /// Returns every key of every witness.
    pub fn keys(&self) -> impl Iterator<Item = &Verifier> {
        self.witnesses.iter().flat_map(|witness| &witness.keys)
    }

    /// Returns how many witnesses are listed.
    pub fn witness_count(&self) -> usize {
        self.witnesses.len()
    }

    /// Says whether any cosignature is demanded.
    pub fn has_quorum(&self) -> bool {
        self.quorum.is_some()
    }

    /// Checks the cosignatures in a note and says whether they are enough.
    ///
    /// Unknown keys are passed over. A bad signature in a known key's name is said, and that witness does not count, whatever else
    /// stands in its name: somebody put it there.
    pub fn check(&self, note: &Note) -> Witnessed {
        let mut witnessed = Witnessed::default();
        let mut have = vec![false; self.witnesses.len()];
        for (witness, have) in self.witnesses.iter().zip(&mut have) {
            let (mut times, mut is_sound) = (Vec::new(), true);
            for key in &witness.keys {
                let own = note.signatures().iter().filter(|signature| key.is_key_of(signature));
                let checked: Vec<_> = own.map(|signature| key.verify(note.text(), signature)).collect();
                is_sound &= !checked.is_empty() && checked.iter().all(Result::is_ok);
                for result in checked {
                    match result {
                        Ok(signature) => times.extend(signature.timestamp),
                        Err(error) => witnessed.invalid.push(error),
                    }
                }
            }
            // A time of 0 says nothing about when, or whether this was the largest tree (tlog-cosignature): no witness's statement.
            if let Some(timestamp) = times.into_iter().min().filter(|time| is_sound && *time > 0) {
                *have = true;
                witnessed.cosigned.push(Cosigned { witness: witness.name.clone(), timestamp });
            }
        }
        witnessed.is_quorum = self.quorum.is_none_or(|member| self.holds(member, &have));
        witnessed
    }

    /// Members stand on earlier lines than their group, so this ends.
    fn holds(&self, member: Member, have: &[bool]) -> bool {
        match member {
            Member::Witness(at) => have[at],
            Member::Group(at) => {
                let group = &self.groups[at];
                group.members.iter().filter(|member| self.holds(**member, have)).count() >= group.threshold
            }
        }
    }

    /// Says in words what is demanded: `2 of 3 witnesses`, or the name of the quorum.
    pub fn demand(&self) -> String {
        match self.quorum {
            None => "no witness".to_owned(),
            Some(Member::Witness(at)) => format!("witness {}", self.witnesses[at].name),
            Some(Member::Group(at)) => {
                let group = &self.groups[at];
                let of = if group.members.iter().all(|member| matches!(member, Member::Witness(_))) { "witnesses" } else { "groups" };
                format!("{} of {} {of}", group.threshold, group.members.len())
            }
        }
    }
}

/// The lines that say something, numbered from 1.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let numbered = (1..).zip(bytes.split(|byte| *byte == b'\n'));
    numbered.filter(|(_, line)| words(line).next().is_some_and(|word| !word.starts_with(b"#")))
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty())
}

fn key_of(word: impl AsRef<[u8]>) -> Result<Verifier, LineError> {
    let text = str::from_utf8(word.as_ref()).map_err(|_| LineError::Characters)?;
    Ok(text.parse()?)
}

//! What is asked to be masked: named groups, and places by JSON pointer.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A group of values that are masked together, wherever they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MaskGroup {
    /// Persons: their identities, aliases, devices, and the names of their documents.
    Users,
    /// MC service groups.
    Groups,
    /// Who answered, withdrew or revoked, and whom to ask.
    Reviewers,
    /// The accounts that called.
    Accounts,
    /// Where somebody is.
    Locations,
    /// What was written freely.
    Reasons,
}

impl MaskGroup {
    /// Every group.
    pub const ALL: [Self; 6] = [
        Self::Users,
        Self::Groups,
        Self::Reviewers,
        Self::Accounts,
        Self::Locations,
        Self::Reasons,
    ];

    /// The word by which it is asked for.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Reviewers => "reviewers",
            Self::Accounts => "accounts",
            Self::Locations => "locations",
            Self::Reasons => "reasons",
        }
    }

    /// Who it is can be told apart from others by a pseudonym; where somebody is, and what was written, cannot.
    fn usual(self) -> Treatment {
        match self {
            Self::Users | Self::Groups | Self::Reviewers | Self::Accounts => Treatment::Pseudonym,
            Self::Locations | Self::Reasons => Treatment::Remove,
        }
    }
}

/// What becomes of a value that is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// It is left out.
    Remove,
    /// A name takes its place that is the same for the same value.
    Pseudonym,
}

impl Treatment {
    fn as_str(self) -> &'static str {
        match self {
            Self::Remove => "remove",
            Self::Pseudonym => "pseudonym",
        }
    }
}

/// What is masked in an export, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mask {
    groups: BTreeMap<MaskGroup, Treatment>,
    pointers: BTreeMap<String, Treatment>,
}

/// Why a text names nothing that can be masked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be masked: name `users`, `groups`, `reviewers`, `accounts`, `locations`, `reasons` or a JSON pointer into \
     a record such as `/parts/*/body/caller`, each perhaps with `=remove` or `=pseudonym`, with commas between them"
)]
pub struct InvalidMask(String);

impl Mask {
    /// Whether nothing is masked.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.pointers.is_empty()
    }

    /// Everything that either masks; what both do, as the other says.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.groups.extend(other.groups);
        self.pointers.extend(other.pointers);
        self
    }

    /// What becomes of the values of a group.
    pub(super) fn of(&self, group: MaskGroup) -> Option<Treatment> {
        self.groups.get(&group).copied()
    }

    /// What becomes of the value at a place, where a pointer names it.
    pub(super) fn at_pointer(&self, place: &str) -> Option<(String, Treatment)> {
        let mut pointers = self.pointers.iter();
        let found = pointers.find(|(pointer, _)| fits(pointer, place))?;
        Some((found.0.clone(), *found.1))
    }

    /// What was asked for, in words.
    pub(super) fn words(&self) -> Vec<String> {
        let groups = self.groups.iter();
        let groups = groups.map(|(group, treatment)| (group.as_str(), treatment));
        let pointers = self.pointers.iter();
        let pointers = pointers.map(|(pointer, treatment)| (pointer.as_str(), treatment));
        let all = groups.chain(pointers);
        all.map(|(name, treatment)| format!("{name}={}", treatment.as_str()))
            .collect()
    }
}

/// As it was asked for.
impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(","))
    }
}

/// Whether a pointer names a place; `*` stands for any one member or element.
fn fits(pointer: &str, place: &str) -> bool {
    let mut places = place.split('/');
    let fit = pointer
        .split('/')
        .all(|asked| places.next().is_some_and(|it| asked == "*" || asked == it));
    fit && places.next().is_none()
}

impl FromStr for Mask {
    type Err = InvalidMask;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut mask = Self::default();
        for word in text.split(',') {
            let invalid = || InvalidMask(word.to_owned());
            let (name, treatment) = match word.trim().rsplit_once('=') {
                Some((name, "remove")) => (name, Some(Treatment::Remove)),
                Some((name, "pseudonym")) => (name, Some(Treatment::Pseudonym)),
                Some(_) => return Err(invalid()),
                None => (word.trim(), None),
            };
            if name.starts_with('/') {
                let treatment = treatment.unwrap_or(Treatment::Remove);
                mask.pointers.insert(name.to_owned(), treatment);
                continue;
            }
            let mut groups = MaskGroup::ALL.into_iter();
            let group = groups.find(|group| group.as_str() == name);
            let group = group.ok_or_else(invalid)?;
            let treatment = treatment.unwrap_or_else(|| group.usual());
            mask.groups.insert(group, treatment);
        }
        Ok(mask)
    }
}

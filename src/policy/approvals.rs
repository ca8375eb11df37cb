//! How many approvals a policy asks for before what it holds is granted, and how many denials refuse it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::role::InvalidRole;
use crate::domain::role::Role;

/// The most persons that one group, or a policy as a whole, may ask for.
pub const COUNT_MAX: u16 = 20;

/// The most groups that one policy may ask for.
pub const GROUPS_MAX: usize = 20;

/// What `@approvals` asks for: so many distinct persons, among them so many of each group.
///
/// Nobody counts for two groups at once, so there are never fewer persons than the groups ask for together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approvals {
    // INVARIANT (room for the groups): not fewer than all groups together, and not none.
    persons: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    groups: BTreeMap<Role, u16>,
}

/// What `@denials` asks for: so many distinct persons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Denials(u16);

/// Why a text asks for nothing that can be counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalsError {
    /// Nothing where a count was expected.
    #[error("it asks for nobody")]
    Empty,
    /// Neither a number nor `group:number`.
    #[error("`{0}` is neither a number of persons nor `group:number`")]
    Form(String),
    /// A count of nobody, or of too many.
    #[error("`{0}` persons cannot be asked for; 1 to {COUNT_MAX} can")]
    Count(String),
    /// A group that no user can be in.
    #[error(transparent)]
    Group(#[from] InvalidRole),
    /// The same group, or a number alone, twice.
    #[error("`{0}` is asked for twice")]
    Doubled(String),
    /// More groups than a policy may name.
    #[error("{0} groups are asked for; {GROUPS_MAX} at most can be")]
    TooMany(usize),
}

impl Approvals {
    /// One person, whoever may answer: what is asked for where a policy does not say.
    pub fn one() -> Self {
        Self {
            persons: 1,
            groups: BTreeMap::new(),
        }
    }

    /// How many distinct persons.
    pub fn persons(&self) -> u16 {
        self.persons
    }

    /// How many of them of each group.
    pub fn groups(&self) -> &BTreeMap<Role, u16> {
        &self.groups
    }

    /// What both ask for: of each group the larger count.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut groups = self.groups.clone();
        for (group, count) in &other.groups {
            let asked = groups.entry(group.clone()).or_default();
            *asked = (*asked).max(*count);
        }
        let least = self.persons.max(other.persons);
        Self::of(least, groups)
    }

    /// Whether whoever meets this meets the other too.
    pub fn includes(&self, other: &Self) -> bool {
        let mut groups = other.groups.iter();
        let of = |group: &Role| self.groups.get(group).copied().unwrap_or_default();
        self.persons >= other.persons && groups.all(|(group, count)| of(group) >= *count)
    }

    fn of(least: u16, groups: BTreeMap<Role, u16>) -> Self {
        let together = groups
            .values()
            .fold(0_u16, |sum, count| sum.saturating_add(*count));
        Self {
            persons: least.max(together).max(1),
            groups,
        }
    }
}

impl FromStr for Approvals {
    type Err = ApprovalsError;

    /// Reads `2`, `duty-officer:1, security-officer:1`, or both: `3, duty-officer:1`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Err(ApprovalsError::Empty);
        }
        let mut persons = None;
        let mut groups = BTreeMap::new();
        for asked in text.split(',').map(str::trim) {
            let is_new = match asked.split_once(':') {
                Some((group, number)) => {
                    let group: Role = group.trim().parse()?;
                    groups.insert(group, count(asked, number)?).is_none()
                }
                None => persons.replace(count(asked, asked)?).is_none(),
            };
            if !is_new {
                return Err(ApprovalsError::Doubled(asked.to_owned()));
            }
        }
        if groups.len() > GROUPS_MAX {
            return Err(ApprovalsError::TooMany(groups.len()));
        }
        Ok(Self::of(persons.unwrap_or_default(), groups))
    }
}

impl fmt::Display for Approvals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.persons)?;
        for (group, count) in &self.groups {
            write!(f, ", {group}:{count}")?;
        }
        Ok(())
    }
}

impl Denials {
    /// One person: what is asked for where a policy does not say.
    pub const ONE: Self = Self(1);

    /// How many.
    pub fn persons(self) -> u16 {
        self.0
    }
}

impl FromStr for Denials {
    type Err = ApprovalsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ApprovalsError::Empty);
        }
        count(text, text).map(Self)
    }
}

fn count(asked: &str, number: &str) -> Result<u16, ApprovalsError> {
    let number = number.trim();
    if number.is_empty() || !number.chars().all(|c| c.is_ascii_digit()) {
        return Err(ApprovalsError::Form(asked.to_owned()));
    }
    match number.parse() {
        Ok(count) if (1..=COUNT_MAX).contains(&count) => Ok(count),
        Ok(_) | Err(_) => Err(ApprovalsError::Count(number.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::Approvals;
    use super::ApprovalsError;
    use super::Denials;

    fn read(text: &str) -> Approvals {
        text.parse().unwrap()
    }

    #[test]
    fn groups_and_persons_are_read() {
        assert_eq!(read("1"), Approvals::one());
        let both = read("duty-officer:1, security-officer : 2");
        assert_eq!(both.persons(), 3);
        assert_eq!(both.to_string(), "3, duty-officer:1, security-officer:2");
        assert_eq!(read("duty-officer:1,5").persons(), 5);
        assert_eq!(read("1, duty-officer:2").persons(), 2);
        assert_eq!(" 2 ".parse::<Denials>().unwrap().persons(), 2);
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        type Error = ApprovalsError;
        for (text, error) in [
            ("", Error::Empty),
            (" ", Error::Empty),
            ("duty-officer", Error::Form("duty-officer".to_owned())),
            ("duty-officer:", Error::Form("duty-officer:".to_owned())),
            (
                "duty-officer:one",
                Error::Form("duty-officer:one".to_owned()),
            ),
            ("duty-officer:-1", Error::Form("duty-officer:-1".to_owned())),
            ("1,", Error::Form(String::new())),
            ("0", Error::Count("0".to_owned())),
            ("duty-officer:0", Error::Count("0".to_owned())),
            ("21", Error::Count("21".to_owned())),
            ("99999999", Error::Count("99999999".to_owned())),
            ("1, 2", Error::Doubled("2".to_owned())),
            ("a:1, a:1", Error::Doubled("a:1".to_owned())),
        ] {
            assert_eq!(text.parse::<Approvals>(), Err(error), "{text}");
        }
        let group = "Duty Officer:1".parse::<Approvals>();
        assert!(matches!(group, Err(Error::Group(_))), "{group:?}");
        let many: Vec<String> = (0..21).map(|number| format!("g{number}:1")).collect();
        let many = many.join(",").parse::<Approvals>();
        assert_eq!(many, Err(Error::TooMany(21)));
        for text in ["", "0", "duty-officer:1", "1, 1", "21"] {
            assert!(text.parse::<Denials>().is_err(), "{text}");
        }
    }

    #[test]
    fn both_ask_for_the_larger_count_of_each_group() {
        let both = read("a:1, b:2").and(&read("b:1, c:1"));
        assert_eq!(both, read("a:1, b:2, c:1"));
        assert_eq!(read("1").and(&read("a:1")), read("a:1"));
        assert_eq!(read("3").and(&read("a:1")), read("3, a:1"));
        assert!(read("a:2").includes(&read("a:1")));
        assert!(read("a:1").includes(&read("1")));
        assert!(!read("2").includes(&read("a:1")));
        assert!(!read("a:1").includes(&read("2")));
    }
}

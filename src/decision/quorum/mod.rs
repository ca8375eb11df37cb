//! Who has to agree before a held item is granted, and how many refuse it (ruling 26).
//!
//! What the holding forbids ask for adds up; of the manual permits that apply, any one suffices. Persons are
//! distinct over the whole of it: nobody counts for two groups.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::role::Role;
use crate::policy::approvals::Approvals;
use crate::policy::approvals::Denials;
use crate::policy::bundle::PolicyClass;
use crate::policy::bundle::PolicyInfo;

/// The most sets of approvals of which any one suffices; beyond it, all of them together are asked for.
pub const ALTERNATIVES_MAX: usize = 32;

/// What a held item waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quorum {
    // INVARIANT (least and in order): not empty, none includes another, ascending.
    approvals: Vec<Approvals>,
    denials: Denials,
}

/// One approval and one denial: what is asked for where no policy says otherwise.
impl Default for Quorum {
    fn default() -> Self {
        Self {
            approvals: vec![Approvals::one()],
            denials: Denials::ONE,
        }
    }
}

/// How far one set of approvals has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Distinct persons that count.
    pub persons: Count,
    /// Of them, those of each group.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<Role, Count>,
}

/// How many of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// How many are needed.
    pub needed: usize,
    /// How many there are.
    pub given: usize,
}

impl Quorum {
    /// What the policies that hold ask for together.
    pub fn of<'p>(holding: impl IntoIterator<Item = &'p PolicyInfo>) -> Self {
        let (mut all, mut any, mut denials) = (Vec::new(), Vec::new(), None::<Denials>);
        for policy in holding {
            let asked = policy.approvals.clone().unwrap_or_else(Approvals::one);
            match policy.class() {
                PolicyClass::HoldingForbid => all.push(asked),
                PolicyClass::ManualPermit => any.push(asked),
                PolicyClass::AutomaticPermit | PolicyClass::HardForbid => continue,
            }
            let refuse = policy.denials.unwrap_or(Denials::ONE);
            denials = Some(denials.map_or(refuse, |other| other.min(refuse)));
        }
        Self::combine(&all, &any, denials.unwrap_or(Denials::ONE))
    }

    /// What holding forbids ask for adds up; of what manual permits ask for, any one suffices; so many deny.
    pub fn combine(forbids: &[Approvals], permits: &[Approvals], denials: Denials) -> Self {
        let together = forbids.iter().fold(Approvals::one(), |all, it| all.and(it));
        let approvals = if permits.is_empty() {
            vec![together]
        } else {
            permits.iter().map(|permit| together.and(permit)).collect()
        };
        Self {
            approvals: least(approvals),
            denials,
        }
    }

    /// What both ask for: the approvals of the one and of the other, and the fewer denials.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let pairs = self.approvals.iter();
        let pairs = pairs.flat_map(|one| other.approvals.iter().map(|also| one.and(also)));
        Self {
            approvals: least(pairs.collect()),
            denials: self.denials.min(other.denials),
        }
    }

    /// Sets of approvals, any one of which suffices.
    pub fn approvals(&self) -> &[Approvals] {
        &self.approvals
    }

    /// How many persons refuse it.
    pub fn denials(&self) -> Denials {
        self.denials
    }

    /// The groups that are asked for.
    pub fn groups(&self) -> BTreeSet<Role> {
        let groups = self.approvals.iter().flat_map(|it| it.groups().keys());
        groups.cloned().collect()
    }

    /// Whether the approvals given suffice, each by its person's roles.
    pub fn is_met(&self, given: &[BTreeSet<Role>]) -> bool {
        let mut sets = self.approvals.iter();
        sets.any(|asked| seated(asked, given) == usize::from(asked.persons()))
    }

    /// Whether so many denials refuse.
    pub fn is_refused(&self, denials: usize) -> bool {
        denials >= usize::from(self.denials.persons())
    }

    /// Whether one more approval, of a person with these roles, would count.
    ///
    /// One that does not count now never will: whoever else approves, the seats for these roles stay taken.
    pub fn advances(&self, given: &[BTreeSet<Role>], roles: &BTreeSet<Role>) -> bool {
        let mut more = given.to_vec();
        more.push(roles.clone());
        let mut sets = self.approvals.iter();
        sets.any(|asked| seated(asked, &more) > seated(asked, given))
    }

    /// How far each set of approvals has come.
    pub fn progress(&self, given: &[BTreeSet<Role>]) -> Vec<Progress> {
        let progress = |asked: &Approvals| {
            let seats = Seats::filled(asked, given);
            let mut groups: BTreeMap<Role, Count> = BTreeMap::new();
            for (seat, taken) in seats.seats.iter().zip(&seats.taken) {
                if let Some(group) = seat {
                    let count = groups.entry((*group).clone()).or_default();
                    count.needed += 1;
                    count.given += usize::from(taken.is_some());
                }
            }
            let persons = Count {
                needed: usize::from(asked.persons()),
                given: seats.taken.iter().flatten().count(),
            };
            Progress { persons, groups }
        };
        self.approvals.iter().map(progress).collect()
    }

    /// Whether it is what is asked for where no policy says otherwise.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The sets that include no other, in order; so many that nobody could keep them apart become one that includes all.
fn least(mut sets: Vec<Approvals>) -> Vec<Approvals> {
    sets.sort();
    sets.dedup();
    let is_least = |set: &&Approvals| {
        let mut others = sets.iter().filter(|other| other != set);
        !others.any(|other| set.includes(other))
    };
    let kept: Vec<Approvals> = sets.iter().filter(is_least).cloned().collect();
    if kept.len() > ALTERNATIVES_MAX {
        return vec![kept.iter().fold(Approvals::one(), |all, it| all.and(it))];
    }
    kept
}

/// How many persons find a seat.
fn seated(asked: &Approvals, given: &[BTreeSet<Role>]) -> usize {
    Seats::filled(asked, given).taken.iter().flatten().count()
}

/// One seat for each person that is asked for: those of a group, and those of anybody.
struct Seats<'a> {
    seats: Vec<Option<&'a Role>>,
    /// Who sits there, by number.
    taken: Vec<Option<usize>>,
}

impl<'a> Seats<'a> {
    /// Seats as many persons as there is room for, none twice: a largest matching.
    fn filled(asked: &'a Approvals, given: &[BTreeSet<Role>]) -> Self {
        let groups = asked.groups().iter();
        let mut seats: Vec<Option<&Role>> = groups
            .flat_map(|(group, count)| std::iter::repeat_n(Some(group), usize::from(*count)))
            .collect();
        seats.resize(usize::from(asked.persons()).max(seats.len()), None);
        let taken = vec![None; seats.len()];
        let mut filled = Self { seats, taken };
        for person in 0..given.len() {
            let mut tried = vec![false; filled.seats.len()];
            filled.seat(person, given, &mut tried);
        }
        filled
    }

    /// Finds a seat for a person, for which others may have to move.
    fn seat(&mut self, person: usize, given: &[BTreeSet<Role>], tried: &mut [bool]) -> bool {
        for number in 0..self.seats.len() {
            let fits = match self.seats.get(number) {
                Some(Some(group)) => given.get(person).is_some_and(|it| it.contains(*group)),
                Some(None) => true,
                None => false,
            };
            let mut is_new = || {
                let tried = tried.get_mut(number);
                tried.is_some_and(|tried| !std::mem::replace(tried, true))
            };
            if !fits || !is_new() {
                continue;
            }
            let sitting = self.taken.get(number).copied().flatten();
            if sitting.is_none_or(|other| self.seat(other, given, tried)) {
                if let Some(seat) = self.taken.get_mut(number) {
                    *seat = Some(person);
                }
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests;

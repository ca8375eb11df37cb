//! Who has answered an item that still waits: enough to count distinct persons, and nothing that names one.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::role::Role;
use crate::store::command::PersonDigest;
use crate::store::command::Vote;

/// The approvals and denials of an item that did not settle it yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Who approved it since the last time that what it waits for changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// Who denied it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denials: Vec<PersonDigest>,
}

/// One person's approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The person.
    pub person: PersonDigest,
    /// Those of their roles that the item waited for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<Role>,
}

impl Tally {
    /// Whether the person may answer so: an approval only once and not after a denial, a denial only once.
    pub fn admits(&self, person: &PersonDigest, vote: &Vote) -> bool {
        match vote {
            Vote::Approval { .. } => !self.has_approved(person) && !self.has_denied(person),
            Vote::Denial { .. } => !self.has_denied(person),
            Vote::Afresh => true,
        }
    }

    /// Whether the person approved it.
    pub fn has_approved(&self, person: &PersonDigest) -> bool {
        self.approvals.iter().any(|it| it.person == *person)
    }

    /// Whether the person denied it.
    pub fn has_denied(&self, person: &PersonDigest) -> bool {
        self.denials.contains(person)
    }

    /// Takes in an answer; whoever denies takes back what they approved.
    pub fn count(&mut self, person: PersonDigest, vote: &Vote) {
        match vote {
            Vote::Approval { roles } => self.approvals.push(Approval {
                person,
                roles: roles.clone(),
            }),
            Vote::Denial { afresh } => {
                self.approvals.retain(|it| !afresh && it.person != person);
                self.denials.push(person);
            }
            Vote::Afresh => self.approvals.clear(),
        }
    }

    /// The roles of each who approved.
    pub fn given(&self) -> Vec<BTreeSet<Role>> {
        self.approvals.iter().map(|it| it.roles.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;
    use crate::store::command::PersonDigest;
    use crate::store::command::Vote;

    const ONE: PersonDigest = PersonDigest::from_bytes([1; 32]);
    const OTHER: PersonDigest = PersonDigest::from_bytes([2; 32]);

    fn approval() -> Vote {
        Vote::Approval {
            roles: ["duty-officer".parse().unwrap()].into(),
        }
    }

    #[test]
    fn nobody_counts_twice() {
        let mut tally = Tally::default();
        assert!(tally.admits(&ONE, &approval()));
        tally.count(ONE, &approval());
        assert!(!tally.admits(&ONE, &approval()));
        assert!(tally.admits(&OTHER, &approval()));
        tally.count(OTHER, &approval());
        assert_eq!(tally.given().len(), 2);
        // Whoever has second thoughts may deny, and counts for the approval no more.
        let denial = Vote::Denial { afresh: false };
        assert!(tally.admits(&ONE, &denial));
        tally.count(ONE, &denial);
        assert!(tally.has_approved(&OTHER) && !tally.has_approved(&ONE));
        assert!(!tally.admits(&ONE, &denial) && !tally.admits(&ONE, &approval()));
    }

    #[test]
    fn once_more_is_asked_for_only_denials_stand() {
        let mut tally = Tally::default();
        tally.count(ONE, &approval());
        tally.count(OTHER, &Vote::Denial { afresh: false });
        tally.count(ONE, &Vote::Afresh);
        assert!(tally.given().is_empty());
        assert_eq!(tally.denials, [OTHER]);
        assert!(tally.admits(&ONE, &approval()));
        tally.count(ONE, &approval());
        let third = PersonDigest::from_bytes([3; 32]);
        tally.count(third, &Vote::Denial { afresh: true });
        assert!(tally.given().is_empty());
        assert_eq!(tally.denials, [OTHER, third]);
    }

    #[test]
    fn it_is_written_and_read_and_says_nothing_of_nothing() {
        let mut tally = Tally::default();
        assert_eq!(serde_json::to_value(&tally).unwrap(), serde_json::json!({}));
        tally.count(ONE, &approval());
        tally.count(OTHER, &Vote::Denial { afresh: false });
        let json = serde_json::to_value(&tally).unwrap();
        assert_eq!(serde_json::from_value::<Tally>(json).unwrap(), tally);
    }
}

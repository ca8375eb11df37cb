//! Who has answered an item that still waits: enough to count distinct persons, and nothing that names one.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::role::Role;
use crate::store::command::Person;
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
    /// The names of those who did.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub denied_as: BTreeSet<PersonDigest>,
}

/// One person's approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The person.
    pub person: PersonDigest,
    /// The same person by their names.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub also: BTreeSet<PersonDigest>,
    /// Those of their roles that the item waited for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<Role>,
}

impl Approval {
    /// Whether it is this person's, whatever document and names they have by now.
    fn is_of(&self, person: &Person) -> bool {
        self.person == person.id || !self.also.is_disjoint(&person.also)
    }
}

impl Tally {
    /// Whether the person may answer so: an approval only once and not after a denial, a denial only once.
    pub fn admits(&self, person: &Person, vote: &Vote) -> bool {
        match vote {
            Vote::Approval { .. } => !self.has_approved(person) && !self.has_denied(person),
            Vote::Denial { .. } => !self.has_denied(person),
            Vote::Afresh => true,
        }
    }

    /// Whether the person approved it.
    pub fn has_approved(&self, person: &Person) -> bool {
        self.approvals.iter().any(|it| it.is_of(person))
    }

    /// Whether the person denied it.
    pub fn has_denied(&self, person: &Person) -> bool {
        self.denials.contains(&person.id) || !self.denied_as.is_disjoint(&person.also)
    }

    /// Approvals of persons who may not answer any more count no more; they may be given anew.
    pub fn lapse(&mut self, persons: impl Iterator<Item = PersonDigest>) {
        let persons: BTreeSet<PersonDigest> = persons.collect();
        self.approvals.retain(|it| !persons.contains(&it.person));
    }

    /// Takes in an answer; whoever denies takes back what they approved.
    pub fn count(&mut self, person: &Person, vote: &Vote) {
        match vote {
            Vote::Approval { roles } => self.approvals.push(Approval {
                person: person.id,
                also: person.also.clone(),
                roles: roles.clone(),
            }),
            Vote::Denial { afresh } => {
                self.approvals.retain(|it| !afresh && !it.is_of(person));
                self.denials.push(person.id);
                self.denied_as.extend(&person.also);
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
    use crate::store::command::Person;
    use crate::store::command::PersonDigest;
    use crate::store::command::Vote;

    fn person(number: u8) -> Person {
        PersonDigest::from_bytes([number; 32]).into()
    }

    fn approval() -> Vote {
        Vote::Approval {
            roles: ["duty-officer".parse().unwrap()].into(),
        }
    }

    #[test]
    fn nobody_counts_twice() {
        let mut tally = Tally::default();
        assert!(tally.admits(&person(1), &approval()));
        tally.count(&person(1), &approval());
        assert!(!tally.admits(&person(1), &approval()));
        assert!(tally.admits(&person(2), &approval()));
        tally.count(&person(2), &approval());
        assert_eq!(tally.given().len(), 2);
        // Whoever has second thoughts may deny, and counts for the approval no more.
        let denial = Vote::Denial { afresh: false };
        assert!(tally.admits(&person(1), &denial));
        tally.count(&person(1), &denial);
        assert!(tally.has_approved(&person(2)) && !tally.has_approved(&person(1)));
        assert!(!tally.admits(&person(1), &denial) && !tally.admits(&person(1), &approval()));
    }

    #[test]
    fn once_more_is_asked_for_only_denials_stand() {
        let mut tally = Tally::default();
        tally.count(&person(1), &approval());
        tally.count(&person(2), &Vote::Denial { afresh: false });
        tally.count(&person(1), &Vote::Afresh);
        assert!(tally.given().is_empty());
        assert_eq!(tally.denials, [person(2).id]);
        assert!(tally.admits(&person(1), &approval()));
        tally.count(&person(1), &approval());
        let third = person(3);
        tally.count(&third, &Vote::Denial { afresh: true });
        assert!(tally.given().is_empty());
        assert_eq!(tally.denials, [person(2).id, third.id]);
    }

    /// Another document with a name of theirs is no second person; who may not answer any more may be asked again.
    #[test]
    fn a_person_is_the_person_under_any_of_their_names() {
        let name = |number: u8| PersonDigest::from_bytes([number; 32]);
        let known = |number: u8, names: &[u8]| Person {
            id: name(number),
            also: names.iter().map(|it| name(*it)).collect(),
        };
        let mut tally = Tally::default();
        tally.count(&known(1, &[11, 12]), &approval());
        let again = known(2, &[12, 13]);
        assert!(tally.has_approved(&again) && !tally.admits(&again, &approval()));
        assert!(tally.admits(&known(3, &[13]), &approval()));
        tally.lapse([name(1)].into_iter());
        assert!(tally.approvals.is_empty() && tally.admits(&again, &approval()));
        tally.count(&again, &Vote::Denial { afresh: false });
        let third = known(3, &[13]);
        assert!(tally.has_denied(&third) && !tally.admits(&third, &approval()));
    }

    #[test]
    fn it_is_written_and_read_and_says_nothing_of_nothing() {
        let mut tally = Tally::default();
        assert_eq!(serde_json::to_value(&tally).unwrap(), serde_json::json!({}));
        tally.count(&person(1), &approval());
        tally.count(&person(2), &Vote::Denial { afresh: false });
        let json = serde_json::to_value(&tally).unwrap();
        assert_eq!(serde_json::from_value::<Tally>(json).unwrap(), tally);
    }
}

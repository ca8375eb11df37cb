//! Who approved what still waits, and whether they still may: an approval counts as long as its person may give it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::app::App;
use crate::app::reviewer::Answerers;
use crate::app::reviewer::Eligible;
use crate::app::reviewer::Reviewer;
use crate::decision::facts::Facts;
use crate::decision::facts::ReadKey;
use crate::domain::identity::McServiceId;
use crate::domain::registry::Revision;
use crate::domain::request::InterSystemRequest;
use crate::domain::role::Role;
use crate::store::command::PersonDigest;
use crate::store::state::RequestEntry;
use crate::store::state::Tally;

/// Who answered a request before, as their records name them; who was erased is in none.
pub(in crate::app) type Voters = BTreeMap<PersonDigest, McServiceId>;

/// Those of them who are enabled users of ours still, and may answer as far as no policy has to be asked.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct Approvers(BTreeMap<PersonDigest, Reviewer>);

impl App {
    /// Reads afresh who approved, of those who answered. Whoever has another document by now is asked again.
    pub(in crate::app) fn approvers<'a>(
        &self,
        voters: &Voters,
        tallies: impl Iterator<Item = &'a Tally>,
        about: (&RequestEntry, &InterSystemRequest, &Facts),
    ) -> Approvers {
        let (eligible, id) = (Eligible::new(self, about), about.0.id);
        let approved = tallies.flat_map(|tally| &tally.approvals);
        let approved: BTreeSet<PersonDigest> = approved.map(|it| it.person).collect();
        let found = approved.into_iter().filter_map(|person| {
            let found = eligible.find(voters.get(&person)?).ok()?;
            let now = found.document_digest(self.sealing_key(), id);
            (now == Some(person)).then_some((person, found))
        });
        Approvers(found.collect())
    }
}

impl Approvers {
    /// What it rests on that their approvals count.
    pub(in crate::app) fn reads(&self) -> impl Iterator<Item = (ReadKey, Option<Revision>)> {
        self.0.values().map(Reviewer::read)
    }

    /// The approvals of an item that count now, each for the roles that its person still has; and those that do not.
    pub(in crate::app) fn counting(
        &self,
        mut tally: Tally,
        (categories, escalated_to): (&[String], &BTreeSet<Role>),
        answerers: &mut Answerers<'_>,
    ) -> (Tally, Vec<PersonDigest>) {
        let mut lapsed = Vec::new();
        tally.approvals.retain_mut(|approval| {
            let person = self.0.get(&approval.person);
            let person = person.filter(|it| answerers.may_answer(it, categories, escalated_to));
            let roles = person.map(|person| person.roles_among(&approval.roles));
            // Who approved for a group and is in none of those any more approved for nothing.
            let roles = roles.filter(|roles| !roles.is_empty() || approval.roles.is_empty());
            let counts = roles.is_some();
            if let Some(roles) = roles {
                approval.roles = roles;
            } else {
                lapsed.push(approval.person);
            }
            counts
        });
        (tally, lapsed)
    }
}

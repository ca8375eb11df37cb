//! Why an approval that was given does not count any more, though nobody took it back: what would be granted is something
//! else, or those who gave it may not give it any more.

use serde::Deserialize;
use serde::Serialize;

use crate::app::App;
use crate::app::access_request::Why;
use crate::app::requests::Standing;
use crate::app::reviewer::Answerers;
use crate::decision::decide::ItemDecision;
use crate::decision::facts::ReadKey;
use crate::domain::registry::Revision;

/// Something that was looked at.
pub(in crate::app) type Read = (ReadKey, Option<Revision>);

/// What an approval rested on that is so no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lapsed {
    /// More would be granted than its reviewers saw, or with other obligations.
    Terms,
    /// Those who gave it and may still are too few.
    Approvers,
}

impl Lapsed {
    /// The same in the words of the profile.
    pub(super) fn why(self) -> Why {
        match self {
            Self::Terms => Why::OutOfScope,
            Self::Approvers => Why::ApprovalExpired,
        }
    }
}

impl App {
    /// Reads afresh who gave an approval, as an answer to what waits does: what it rests on that they suffice, if they do.
    pub(super) fn still_given(
        &self,
        standing: &Standing,
        item: &ItemDecision,
    ) -> Option<Vec<Read>> {
        // Older records do not say who gave it.
        let Some(given) = &standing.given else {
            return Some(Vec::new());
        };
        let request = &standing.record.request;
        let about = (&standing.entry, request, &standing.record.facts);
        let tallies = std::iter::once(&given.tally);
        let approvers = self.approvers(&standing.voters, tallies, about);
        let asked = (item.categories.as_slice(), &given.escalated_to);
        let mut answerers = Answerers::new(self, request);
        let (tally, _) = approvers.counting(given.tally.clone(), asked, &mut answerers);
        let quorum = standing.quorums().into_iter().next()?;
        quorum
            .is_met(&tally.given())
            .then(|| approvers.reads().collect())
    }
}

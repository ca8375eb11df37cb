//! Names that whoever is concerned had when a request was made, and that somebody else has by now.

use std::collections::BTreeSet;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::reviewer::Concerned;
use crate::app::reviewer::Reviewer;
use crate::app::reviewer::own_names;
use crate::app::reviewer::spellings;
use crate::decision::facts::Facts;
use crate::decision_log::LogIndex;
use crate::domain::document::Document;
use crate::domain::registry::Revision;
use crate::domain::request::InterSystemRequest;
use crate::domain::user::User;
use crate::store::event::DocumentChange;

/// What a user is called; functional aliases several users may hold.
fn identities(user: &User) -> impl Iterator<Item = String> {
    let identities = user.identities.iter();
    identities.flat_map(|(_, identity)| spellings(identity.uri()))
}

impl App {
    /// Whether a reviewer has a name that whoever asked for a request, or gets something by it, had when it was made: an
    /// identity that was moved to another document since is the same person.
    pub(in crate::app) fn was_concerned(
        &self,
        reviewer: &Reviewer,
        request: &InterSystemRequest,
        then: &Facts,
    ) -> Result<bool, AppError> {
        let own: BTreeSet<String> = reviewer.user().into_iter().flat_map(identities).collect();
        let concerned = Concerned::of(&request.body);
        let people = then.requester.iter().chain(&then.subjects);
        let people = people.chain(&then.resource);
        let written: BTreeSet<Revision> = people
            .filter_map(|person| Some(person.profile.as_ref()?.revision))
            .collect();
        for revision in written {
            let entry = self.entry(LogIndex(revision.0))?;
            for change in entry.event.body.changes() {
                if let DocumentChange::Put(_, document) = change
                    && let Document::User(user) = document.as_ref()
                    && own_names(user).any(|name| concerned.names(name))
                    && identities(user).any(|name| own.contains(&name))
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

//! Who is concerned by a request is a person: whoever has, by now, the document that one of them had when it was made, or
//! a name that they had then, is them still.

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
use crate::domain::registry::DocumentKey;
use crate::domain::registry::Revision;
use crate::domain::user::User;
use crate::store::event::DocumentChange;

/// What a user is called; functional aliases several users may hold.
fn identities(user: &User) -> impl Iterator<Item = String> {
    let identities = user.identities.iter();
    identities.flat_map(|(_, identity)| spellings(identity.uri()))
}

/// Those of our users who asked for a request, or get something by it, as they were when it was made.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    documents: BTreeSet<DocumentKey>,
    identities: BTreeSet<String>,
}

impl Earlier {
    /// Whether a reviewer is one of them: by the document, whatever they are called by now, or by an identity that was
    /// moved to another document since.
    pub(super) fn includes(&self, reviewer: &Reviewer) -> bool {
        let mut own = reviewer.user().into_iter().flat_map(identities);
        self.documents.contains(reviewer.key()) || own.any(|name| self.identities.contains(&name))
    }
}

impl App {
    /// The documents of then stand in the log: the facts of a request name the revisions in which they were read.
    pub(super) fn concerned_earlier(
        &self,
        concerned: &Concerned,
        then: &Facts,
    ) -> Result<Earlier, AppError> {
        let people = then.requester.iter().chain(&then.subjects);
        let people = people.chain(&then.resource);
        let written: BTreeSet<Revision> = people
            .filter_map(|person| Some(person.profile.as_ref()?.revision))
            .collect();
        let mut earlier = Earlier::default();
        for revision in written {
            let entry = self.entry(LogIndex(revision.0))?;
            for change in entry.event.body.changes() {
                if let DocumentChange::Put(key, document) = change
                    && let Document::User(user) = document.as_ref()
                    && own_names(user).any(|name| concerned.names(name))
                {
                    earlier.documents.insert(key.clone());
                    earlier.identities.extend(identities(user));
                }
            }
        }
        Ok(earlier)
    }
}

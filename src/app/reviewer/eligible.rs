//! Who may answer a request as far as no policy has to be asked: one rule for whoever answers, for those who did before,
//! and for those who are listed.

use std::cell::OnceCell;
use std::sync::Arc;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::reviewer::Concerned;
use crate::app::reviewer::Reviewer;
use crate::app::reviewer::administers;
use crate::app::reviewer::earlier::Earlier;
use crate::decision::facts::Facts;
use crate::domain::document::Document;
use crate::domain::identity::McServiceId;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::Revision;
use crate::domain::request::InterSystemRequest;
use crate::store::state::RequestEntry;

/// A request, and whom it concerns.
#[derive(Debug)]
pub(in crate::app) struct Eligible<'a> {
    app: &'a App,
    entry: &'a RequestEntry,
    request: &'a InterSystemRequest,
    /// What was known when it was made.
    then: &'a Facts,
    concerned: Concerned,
    /// Read once somebody was written since.
    earlier: OnceCell<Earlier>,
}

impl<'a> Eligible<'a> {
    pub(in crate::app) fn new(
        app: &'a App,
        (entry, request, then): (&'a RequestEntry, &'a InterSystemRequest, &'a Facts),
    ) -> Self {
        Self {
            app,
            entry,
            request,
            then,
            concerned: Concerned::of(&request.body),
            earlier: OnceCell::new(),
        }
    }

    /// Finds who is said to answer, and refuses the originator, the subjects, and whoever is what they are by this
    /// very request (ruling 26).
    pub(in crate::app) fn find(&self, identity: &McServiceId) -> Result<Reviewer, AppError> {
        if self.concerned.names(identity.uri()) {
            return Err(AppError::Originator);
        }
        let found = self
            .app
            .store()
            .view(|state| Reviewer::look_up(state, identity));
        self.checked(found.ok_or(AppError::UnknownReviewer)?)
    }

    /// The same of a user of the registry.
    pub(in crate::app) fn of_user(
        &self,
        (key, revision): (DocumentKey, Revision),
        document: &Arc<Document>,
    ) -> Option<Reviewer> {
        let reviewer = Reviewer {
            key,
            revision,
            document: Arc::clone(document),
        };
        self.checked(reviewer).ok()
    }

    fn checked(&self, reviewer: Reviewer) -> Result<Reviewer, AppError> {
        reviewer.check(self.entry, &self.concerned)?;
        let user = reviewer.user().ok_or(AppError::UnknownReviewer)?;
        administers(user, self.request)?;
        // Who was not written since is who they were, and would bear a name of somebody concerned.
        if reviewer.is_written_since(self.entry.submitted) && self.earlier()?.includes(&reviewer) {
            return Err(AppError::Originator);
        }
        Ok(reviewer)
    }

    fn earlier(&self) -> Result<&Earlier, AppError> {
        if let Some(known) = self.earlier.get() {
            return Ok(known);
        }
        let read = self.app.concerned_earlier(&self.concerned, self.then)?;
        Ok(self.earlier.get_or_init(|| read))
    }
}

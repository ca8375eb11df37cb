//! Pending ACM data (TS 23.280, 10.17.3.1): every request that waits for one user.

use serde::Serialize;

use crate::app::App;
use crate::app::answer::RequestAnswer;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::reviewer::is_addressee;
use crate::decision::facts::Lookup;
use crate::decision_log::LogIndex;
use crate::domain::document::Document;
use crate::domain::identity::McServiceId;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::request::InterSystemRequest;
use crate::domain::user::User;
use crate::identity::caller::Caller;
use crate::store::command::RequestId;

/// How many requests are handed over at once, at most.
pub const REQUESTS_MAX: usize = 100;

/// The response, by the names of its information elements.
#[derive(Clone, Debug, Serialize)]
pub struct PendingAcmData {
    /// The user who asked.
    pub mc_service_id: McServiceId,
    /// The requests that wait for this user, oldest first.
    pub acm_data: Vec<AcmData>,
    /// After which request the next page begins; null where these are the last.
    pub next: Option<u64>,
}

/// One request that waits, as it came and as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct AcmData {
    /// What was asked.
    pub request: InterSystemRequest,
    /// Where it stands.
    #[serde(flatten)]
    pub answer: RequestAnswer,
}

impl App {
    /// What waits for a user: requests that are addressed to them, or to an alias that they may hold, in the order of their
    /// submission from the one after `after` on.
    ///
    /// Every request that waits is read, so this takes the longer the more there are.
    pub fn pending_acm_data(
        &self,
        caller: &Caller,
        identity: &McServiceId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<PendingAcmData, AppError> {
        let action = Action::ReadPendingAcmData;
        self.permit_on_requests_of(caller, action, &caller.name)?;
        let user = self.enabled_user(identity)?;
        let limit = limit.clamp(1, REQUESTS_MAX);
        let open: Vec<(LogIndex, RequestId)> = self.store().view(|state| {
            let open = state.open_requests(after.map(LogIndex));
            let readable = open.filter(|entry| {
                let may = self.permit_on_requests_of(caller, action, &entry.caller);
                may.is_ok()
            });
            readable.map(|entry| (entry.submitted, entry.id)).collect()
        });
        let mut acm_data = Vec::new();
        let (mut last, mut next) = (None, None);
        for (index, id) in open {
            match self.waiting_for(caller, id, &user) {
                Ok(Some(_)) if acm_data.len() == limit => {
                    next = last;
                    break;
                }
                Ok(Some(found)) => {
                    acm_data.push(found);
                    last = Some(index.0);
                }
                Ok(None) => {}
                // One record that cannot be read must not hide the others.
                Err(error) => {
                    tracing::warn!(request = %id, %error, "left out of pending ACM data");
                }
            }
        }
        Ok(PendingAcmData {
            mc_service_id: identity.clone(),
            acm_data,
            next,
        })
    }

    fn enabled_user(&self, identity: &McServiceId) -> Result<User, AppError> {
        let user = self.store().view(|state| {
            let id = state.person(identity)?;
            let kind = DocumentKind::User;
            let found = state.document(&DocumentKey { kind, id })?;
            if let Document::User(user) = found.value.as_ref() {
                Some(user.clone())
            } else {
                None
            }
        });
        user.filter(|user| user.enabled)
            .ok_or_else(|| AppError::UnknownUser(identity.to_string()))
    }

    fn waiting_for(
        &self,
        caller: &Caller,
        id: RequestId,
        user: &User,
    ) -> Result<Option<AcmData>, AppError> {
        // As it stands now: what is overdue waits no more.
        let entry = self.request_entry(id)?;
        let request = self.submitted_record(&entry)?.request;
        if !entry.is_open() || !is_addressee(user, &request) {
            return Ok(None);
        }
        let answer = self.request_answer(id)?;
        Ok(Some(AcmData {
            request,
            answer: self.shown_to(caller, id, answer),
        }))
    }
}

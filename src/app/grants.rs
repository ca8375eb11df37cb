//! What is granted now with a partner: since when, until when, by which request and item.
//!
//! What the registry holds of grants is listed: what a grant leaves behind is in force as long as it stands there and its
//! time has not passed. Grants that leave nothing behind here are found among the requests.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;
use uuid::Uuid;

use crate::app::App;
use crate::app::affected::PAGE_AFFECTED_MAX;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::decision::record::DecisionRecord;
use crate::domain::document::Document;
use crate::domain::given::Given;
use crate::domain::given::given;
use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::lapse::Interrupted;
use crate::domain::lapse::Lapse;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::request::OperationBody;
use crate::domain::service::McService;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::command::RequestId;

/// A page of what is granted with a partner.
#[derive(Clone, Debug, Serialize)]
pub struct Grants {
    /// The partner.
    pub partner: McSystemId,
    /// The moment at which it is so.
    pub now: Timestamp,
    /// Why our half of the agreement is out of force, so that nothing is; absent while it is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lapse: Option<Lapse>,
    /// What is granted, in the order of kinds and ids.
    pub grants: Vec<Grant>,
    /// From where the next page goes on; null at the end.
    pub next: Option<String>,
}

/// A grant in force.
#[derive(Clone, Debug, Serialize)]
pub struct Grant {
    /// The document that holds it.
    pub key: String,
    /// What kind of grant it is, by the kind of that document.
    pub kind: DocumentKind,
    /// Whom it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<McServiceId>,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// The service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<McService>,
    /// The system that serves the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serving_system: Option<McSystemId>,
    /// Since when.
    pub since: Timestamp,
    /// The first moment at which it holds no longer; absent where it has no end of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why it is not in force though it stands in the registry: the agreement is, or was since, out of force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interrupted: Option<Lapse>,
    /// The request that was granted.
    pub request_id: Uuid,
    /// The number of the item, where the request is one of this log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<usize>,
}

impl App {
    /// What is granted now with a partner, page by page.
    pub fn grants(
        &self,
        caller: &Caller,
        partner: &McSystemId,
        after: Option<&DocumentKey>,
        limit: usize,
    ) -> Result<Grants, AppError> {
        self.permit(caller, Action::ReadRegistry)?;
        let now = self.now();
        let limit = limit.clamp(1, PAGE_AFFECTED_MAX);
        let (mut grants, next, lapse) = self.store().view(|state| {
            let lapse = Lapse::of(state.agreement(partner), now);
            let over = state.interrupted(partner);
            let between = state.involving(partner, after);
            let mut held = between.filter_map(|(key, document)| {
                let mut grant = grant(key, document, now)?;
                // Until the housekeeping comes to it.
                let written = state.revision(key).map(|revision| revision.0);
                let is_before = |over: &Interrupted| written.is_some_and(|at| at < over.index);
                let is_known = state.submission(RequestId(grant.request_id)).is_some();
                let over = over.filter(|over| is_known && is_before(over));
                grant.interrupted = lapse.or(over.map(|over| over.lapse));
                Some(grant)
            });
            let page: Vec<Grant> = held.by_ref().take(limit).collect();
            let last = page.last().map(|grant| grant.key.clone());
            (page, last.filter(|_| held.next().is_some()), lapse)
        });
        let mut records = BTreeMap::new();
        for grant in &mut grants {
            let record = match records.entry(grant.request_id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(self.granting_record(grant.request_id)?),
            };
            grant.item = record.as_ref().and_then(|record| item_of(record, grant));
        }
        Ok(Grants {
            partner: partner.clone(),
            now,
            lapse,
            grants,
            next,
        })
    }

    /// The record of a request that granted something; nothing where the document was written by hand.
    fn granting_record(&self, id: Uuid) -> Result<Option<DecisionRecord>, AppError> {
        match self.request_entry(RequestId(id)) {
            Ok(entry) => match self.submitted_record(&entry) {
                Err(AppError::RecordErased(_)) => Ok(None),
                record => record.map(Some),
            },
            Err(AppError::UnknownRequest(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn grant(key: &DocumentKey, document: &Document, now: Timestamp) -> Option<Grant> {
    let given: Given<'_> = given(document).filter(|given| given.holds(now))?;
    Some(Grant {
        key: key.to_string(),
        kind: key.kind,
        subject: given.subject.cloned(),
        group: given.group.cloned(),
        service: given.service,
        serving_system: given.serving_system.cloned(),
        since: given.since,
        until: given.until,
        interrupted: None,
        request_id: given.request_id,
        item: None,
    })
}

/// Which item of a request a grant came by.
fn item_of(record: &DecisionRecord, grant: &Grant) -> Option<usize> {
    let listed = matches!(
        record.request.body,
        OperationBody::GroupMembershipUpdate(_) | OperationBody::MigrationUsersUpdate(_)
    );
    let mut items = record.items.iter();
    items.position(|decision| {
        let item = &decision.item;
        let is_subject = item.subject == grant.subject || grant.subject.is_none();
        let is_service = item.service.is_none() || item.service == grant.service;
        let system = item.system.as_ref();
        let is_system = listed || system.is_none() || system == grant.serving_system.as_ref();
        is_subject && is_service && is_system
    })
}

//! What an entry of the log that took an agreement out of force lists: each grant that was in force, and what undoes it.
//!
//! Nothing is cut by it. Calls in emergency or imminent peril are never cut automatically (ruling 22).

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use crate::app::App;
use crate::app::affected::PAGE_AFFECTED_MAX;
use crate::app::affected::Revocation;
use crate::app::affected::revocations_of;
use crate::app::answer::Receipt;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::requests::receipt;
use crate::app::requests::record_parts;
use crate::decision::facts::Lookup;
use crate::decision_log::LogIndex;
use crate::domain::given::given;
use crate::domain::identity::McSystemId;
use crate::domain::lapse::Lapse;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::in_force::InForce;
use crate::store::in_force::InForcePart;
use crate::store::in_force::LapsePart;

/// What stood under an agreement when it lapsed.
#[derive(Clone, Debug, Serialize)]
pub struct Lapsed {
    /// The partner.
    pub partner: McSystemId,
    /// Why the agreement was out of force.
    pub lapse: Lapse,
    /// When.
    pub lapsed_at: Timestamp,
    /// The entry that did it.
    pub record: Receipt,
    /// How many grants were in force.
    pub in_force: usize,
    /// Whether all of them are listed in the entry, and none was erased since.
    pub complete: bool,
    /// One page of them.
    pub revocations: Vec<LapsedGrant>,
    /// From where the next page goes on; null at the end.
    pub next: Option<String>,
}

/// A grant that was in force, and what undoes it.
#[derive(Clone, Debug, Serialize)]
pub struct LapsedGrant {
    /// What was granted.
    #[serde(flatten)]
    pub grant: InForce,
    /// Whether it stands still in the registry, by the same request.
    pub stands: bool,
    /// What has to be done.
    pub obligations: Vec<Revocation>,
}

impl App {
    /// What an entry lists that took the agreement with a partner out of force; by default the last one that did.
    pub fn lapsed(
        &self,
        caller: &Caller,
        partner: &McSystemId,
        entry: Option<u64>,
        (after, limit): (Option<&str>, usize),
    ) -> Result<Lapsed, AppError> {
        self.permit(caller, Action::ReadRegistry)?;
        let agreement = partner.as_str().parse();
        let agreement = DocumentKey {
            kind: DocumentKind::Agreement,
            id: agreement.map_err(|error| AppError::Broken(Box::new(error)))?,
        };
        // Entries from before the state knew of them are those that wrote the agreement.
        let last = || {
            self.store().view(|state| {
                let interrupted = state.interrupted(partner).map(|it| it.index);
                interrupted.or_else(|| state.revision(&agreement).map(|revision| revision.0))
            })
        };
        let index = entry.or_else(last);
        let index = index.ok_or(AppError::UnknownDocument(agreement.clone()))?;
        let known = self.store().view(crate::store::State::applied);
        if index >= known.0 {
            return Err(AppError::UnknownRecord(index));
        }
        let stored = self.entry(LogIndex(index))?;
        let parts = record_parts(&stored);
        let lapse = parts
            .iter()
            .filter_map(|part| serde_json::from_slice::<LapsePart>(&part.body).ok())
            .find(|part| part.partner == *partner)
            .ok_or(AppError::NoLapse(index))?;
        let listed = parts
            .iter()
            .filter_map(|part| serde_json::from_slice::<InForcePart>(&part.body).ok())
            .filter(|part| part.partner == *partner)
            .flat_map(|part| part.grants);
        let listed: BTreeMap<String, InForce> =
            listed.map(|grant| (grant.key.clone(), grant)).collect();
        let complete = listed.len() == lapse.in_force;
        let mut rest = listed
            .into_iter()
            .filter(|(key, _)| after.is_none_or(|after| key.as_str() > after));
        let page: Vec<LapsedGrant> = rest
            .by_ref()
            .take(limit.clamp(1, PAGE_AFFECTED_MAX))
            .map(|(_, grant)| self.lapsed_grant(grant))
            .collect();
        let next = page.last().map(|it| it.grant.key.clone());
        Ok(Lapsed {
            partner: partner.clone(),
            lapse: lapse.lapse,
            lapsed_at: stored.event.at,
            record: receipt(stored.index, &stored),
            in_force: lapse.in_force,
            complete,
            next: next.filter(|_| rest.next().is_some()),
            revocations: page,
        })
    }

    fn lapsed_grant(&self, grant: InForce) -> LapsedGrant {
        let key = document_key(&grant.key);
        let local = self.local_system();
        let is_served_here = grant.serving_system.as_ref() == Some(local);
        let obligations = key.as_ref().map_or_else(Vec::new, |key| {
            revocations_of(key.kind, is_served_here, local)
        });
        let stands = key.is_some_and(|key| self.stands(&key, grant.request_id));
        LapsedGrant {
            grant,
            stands,
            obligations,
        }
    }

    fn stands(&self, key: &DocumentKey, request_id: Uuid) -> bool {
        let now = self.now();
        self.store().view(|state| {
            let found = state.document(key);
            let given = found.as_ref().and_then(|found| given(&found.value));
            given.is_some_and(|given| given.holds(now) && given.request_id == request_id)
        })
    }
}

fn document_key(text: &str) -> Option<DocumentKey> {
    let (kind, id) = text.split_once('/')?;
    Some(DocumentKey {
        kind: DocumentKind::from_plural(kind)?,
        id: id.parse().ok()?,
    })
}

//! What stands under an agreement at the moment at which it lapses, written in the entry that takes it out of force.
//!
//! What was granted is not cut by that: the list says what has to be undone, and by which requests it came.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::domain::document::Document;
use crate::domain::given::given;
use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::lapse::Interruption;
use crate::domain::lapse::Lapse;
use crate::domain::registry::DocumentKey;
use crate::domain::service::McService;
use crate::domain::time::Timestamp;
use crate::store::event::Event;
use crate::store::state::State;

/// How many grants one entry lists for one partner; how many there are is said all the same.
pub const LISTED_MAX: usize = 10_000;

/// Under what a part is found that is about nobody in particular.
const NOBODY: &str = "text";

/// That an agreement lapsed, and how much stood under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "part", rename = "lapse")]
pub struct LapsePart {
    /// The partner.
    pub partner: McSystemId,
    /// Why the agreement is out of force.
    pub lapse: Lapse,
    /// How many grants were in force.
    pub in_force: usize,
    /// How many of them are listed.
    pub listed: usize,
}

/// The grants of one person that were in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "part", rename = "in-force-at-lapse")]
pub struct InForcePart {
    /// The partner.
    pub partner: McSystemId,
    /// The grants.
    pub grants: Vec<InForce>,
}

/// A grant that was in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InForce {
    /// The document that held it, as `kind/id`.
    pub key: String,
    /// Whom it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<McServiceId>,
    /// The group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// The service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<McService>,
    /// The system that serves the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving_system: Option<McSystemId>,
    /// Since when.
    pub since: Timestamp,
    /// The first moment at which it holds no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The request that was granted.
    pub request_id: Uuid,
}

/// The parts that say what stands under the agreements which an event takes out of force.
///
/// `state` is that before the event.
pub(super) fn parts(state: &State, event: &Event) -> Result<Vec<RecordPart>, serde_json::Error> {
    let mut parts = Vec::new();
    for interruption in &event.interrupted {
        parts.extend(of_partner(state, event, interruption)?);
    }
    Ok(parts)
}

fn of_partner(
    state: &State,
    event: &Event,
    interruption: &Interruption,
) -> Result<Vec<RecordPart>, serde_json::Error> {
    let partner = &interruption.partner;
    let gone = |key: &DocumentKey| event.body.changes().iter().any(|it| it.key() == key);
    let between = state.involving(partner, None);
    let mut standing = between.filter_map(|(key, document)| {
        let grant = in_force(key, document, event.at)?;
        (!gone(key)).then_some(grant)
    });
    let mut by_subject: BTreeMap<String, Vec<InForce>> = BTreeMap::new();
    let mut listed = 0;
    for grant in standing.by_ref().take(LISTED_MAX) {
        let subject = grant.subject.as_ref().map(ToString::to_string);
        let subject = subject.unwrap_or_else(|| NOBODY.to_owned());
        by_subject.entry(subject).or_default().push(grant);
        listed += 1;
    }
    let said = LapsePart {
        partner: partner.clone(),
        lapse: interruption.lapse,
        in_force: listed + standing.count(),
        listed,
    };
    let mut parts = vec![part(PartClass::State, &said)?];
    for (subject, grants) in by_subject {
        let listed = InForcePart {
            partner: partner.clone(),
            grants,
        };
        parts.push(part(PartClass::Personal(subject), &listed)?);
    }
    Ok(parts)
}

fn in_force(key: &DocumentKey, document: &Document, at: Timestamp) -> Option<InForce> {
    let given = given(document).filter(|given| given.holds(at))?;
    Some(InForce {
        key: key.to_string(),
        subject: given.subject.cloned(),
        group: given.group.cloned(),
        service: given.service,
        serving_system: given.serving_system.cloned(),
        since: given.since,
        until: given.until,
        request_id: given.request_id,
    })
}

fn part(class: PartClass, body: &impl Serialize) -> Result<RecordPart, serde_json::Error> {
    let body = serde_json::to_vec(body)?;
    Ok(RecordPart { class, body })
}

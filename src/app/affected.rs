//! What is affected when our half of an agreement is out of force: listed for a person, each with what has to be done.
//!
//! Nothing is cut by listing it. Emergency and imminent-peril calls are never cut automatically (ruling 22).

use std::collections::BTreeMap;

use serde::Serialize;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::domain::document::Document;
use crate::domain::given::given;
use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::lapse::Lapse;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::scheduled_change::ScheduledChange;
use crate::domain::service::McService;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::state::RequestEntry;
use crate::store::state::State;

/// How many affected things one page holds at the most.
pub const PAGE_AFFECTED_MAX: usize = 1_000;

/// How many the answer to a change of the cooperation shows.
pub(in crate::app) const FIRST_PAGE: usize = 100;

/// The calls that no revocation cuts.
pub(in crate::app) const NEVER_CUT: [&str; 2] = ["emergency", "imminent-peril"];

/// What stands between us and a partner.
#[derive(Clone, Debug, Serialize)]
pub struct Affected {
    /// The partner.
    pub partner: McSystemId,
    /// Why our half of the agreement is not in force; absent while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lapse: Option<Lapse>,
    /// How much there is, by kind.
    pub counts: BTreeMap<&'static str, usize>,
    /// Requests that wait under the agreement for a person.
    pub pending_requests: usize,
    /// Requests that wait under the agreement for the partner's answer.
    pub requests_at_partner: usize,
    /// Changes that were granted for later.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scheduled: Vec<ScheduledChange>,
    /// One page of it.
    pub affected: Vec<AffectedThing>,
    /// From where the next page goes on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One thing that stands under an agreement, and what has to be done to revoke it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AffectedThing {
    /// The document.
    pub key: String,
    /// Whom it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<McServiceId>,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// The partner's members that stand in the group's own document.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<McServiceId>,
    /// The service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<McService>,
    /// The system that serves the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serving_system: Option<McSystemId>,
    /// Since when it is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What has to be done.
    pub obligations: Vec<Revocation>,
}

/// Something to be done so that what was given is given no longer.
#[derive(Clone, Debug, Serialize)]
pub struct Revocation {
    /// What is to be done.
    pub name: &'static str,
    /// The system that does it.
    pub system: McSystemId,
    /// The function of that system.
    pub function: &'static str,
    /// Calls that it does not cut: a person decides about them.
    pub never_cut: [&'static str; 2],
}

impl App {
    /// What is affected when our half of the agreement with a partner is not in force, page by page.
    pub fn affected(
        &self,
        caller: &Caller,
        partner: &McSystemId,
        after: Option<&DocumentKey>,
        limit: usize,
    ) -> Result<Affected, AppError> {
        self.permit(caller, Action::ReadRegistry)?;
        Ok(self.affected_by(partner, after, limit.clamp(1, PAGE_AFFECTED_MAX)))
    }

    pub(in crate::app) fn affected_by(
        &self,
        partner: &McSystemId,
        after: Option<&DocumentKey>,
        limit: usize,
    ) -> Affected {
        let now = self.now();
        let local = self.local_system();
        self.store().view(|state| {
            let holding = |after| {
                let between = state.involving(partner, after);
                between.filter(|(_, document)| holds(document, now))
            };
            let mut counts = BTreeMap::new();
            for (key, _) in holding(None) {
                *counts.entry(key.kind.plural()).or_insert(0) += 1;
            }
            let mut rest = holding(after);
            let page: Vec<_> = rest.by_ref().take(limit).collect();
            let next = match (page.last(), rest.next()) {
                (Some((key, _)), Some(_)) => Some(key.to_string()),
                (_, _) => None,
            };
            let things = page.into_iter();
            Affected {
                partner: partner.clone(),
                lapse: Lapse::of(state.agreement(partner), now),
                counts,
                pending_requests: waiting(state, partner, RequestEntry::is_open),
                requests_at_partner: waiting(state, partner, |it| !it.is_open()),
                scheduled: scheduled(state, partner),
                affected: things
                    .map(|(key, document)| thing(key, document, partner, local))
                    .collect(),
                next,
            }
        })
    }
}

fn waiting(state: &State, partner: &McSystemId, is: impl Fn(&RequestEntry) -> bool) -> usize {
    let waiting = state.waiting_under(partner);
    let entries = waiting.filter_map(|id| state.request(id));
    entries.filter(|entry| is(entry)).count()
}

fn scheduled(state: &State, partner: &McSystemId) -> Vec<ScheduledChange> {
    let changes = state.documents(DocumentKind::ScheduledChange, None);
    let changes = changes.filter_map(|(_, found)| found.value.scheduled_change());
    changes
        .filter(|change| change.partner == *partner)
        .cloned()
        .collect()
}

/// Whether something is still given at a moment.
fn holds(document: &Document, now: Timestamp) -> bool {
    match document {
        Document::Migration(migration) => migration.holds(now),
        Document::AccessGrant(grant) => grant.holds(now),
        Document::Membership(membership) => membership.holds(now),
        Document::MigrationUser(listed) => listed.is_listed(now),
        Document::System(_)
        | Document::Agreement(_)
        | Document::User(_)
        | Document::Group(_)
        | Document::MigratedProfile(_)
        | Document::Link(_)
        | Document::UeConfiguration(_)
        | Document::OpenDeletion(_)
        | Document::AreaMap(_)
        | Document::PartnerKeys(_)
        | Document::ResponseSettings(_)
        | Document::HomeRefusal(_)
        | Document::ScheduledChange(_)
        | Document::SharedGroup(_)
        | Document::GroupOverride(_) => true,
    }
}

fn thing(
    key: &DocumentKey,
    document: &Document,
    partner: &McSystemId,
    local: &McSystemId,
) -> AffectedThing {
    let bare = AffectedThing {
        key: key.to_string(),
        obligations: revocations(document, local),
        ..AffectedThing::default()
    };
    match document {
        Document::Migration(migration) => AffectedThing {
            subject: Some(migration.user.clone()),
            service: Some(migration.service),
            serving_system: Some(migration.serving_system.clone()),
            since: Some(migration.since),
            ..bare
        },
        Document::AccessGrant(grant) => AffectedThing {
            subject: Some(grant.user.clone()),
            serving_system: Some(grant.serving_system.clone()),
            since: Some(grant.since),
            ..bare
        },
        Document::Membership(membership) => AffectedThing {
            subject: Some(membership.member.clone()),
            group: Some(membership.group.clone()),
            since: Some(membership.since),
            ..bare
        },
        Document::MigrationUser(listed) => AffectedThing {
            subject: Some(listed.user.clone()),
            serving_system: Some(listed.serving_system.clone()),
            since: Some(listed.since),
            ..bare
        },
        Document::Group(group) => AffectedThing {
            group: Some(group.id.clone()),
            members: group
                .partner(partner)
                .map(|partner| partner.members.iter().cloned().collect())
                .unwrap_or_default(),
            ..bare
        },
        Document::SharedGroup(shared) => AffectedThing {
            group: Some(shared.group.clone()),
            since: Some(shared.since),
            ..bare
        },
        Document::System(_)
        | Document::Agreement(_)
        | Document::User(_)
        | Document::MigratedProfile(_)
        | Document::Link(_)
        | Document::UeConfiguration(_)
        | Document::OpenDeletion(_)
        | Document::AreaMap(_)
        | Document::PartnerKeys(_)
        | Document::ResponseSettings(_)
        | Document::HomeRefusal(_)
        | Document::ScheduledChange(_)
        | Document::GroupOverride(_) => bare,
    }
}

/// What has to be done, and by which function of ours.
pub(in crate::app) fn revocations(document: &Document, local: &McSystemId) -> Vec<Revocation> {
    let given = given(document);
    let serving = given.and_then(|given| given.serving_system);
    revocations_of(document.kind(), serving == Some(local), local)
}

/// The same for a document of this kind; `is_served_here` where the user whom it is about is served by us.
pub(in crate::app) fn revocations_of(
    kind: DocumentKind,
    is_served_here: bool,
    local: &McSystemId,
) -> Vec<Revocation> {
    let names: &[(&'static str, &'static str)] = match kind {
        DocumentKind::Migration if is_served_here => &[("end-migration", "MC-service-server")],
        DocumentKind::Migration => &[
            ("recall-user", "MC-service-server"),
            ("revoke-sip-identities", "SIP-database"),
        ],
        DocumentKind::AccessGrant => &[("revoke-sip-identities", "SIP-database")],
        DocumentKind::Membership => &[
            ("end-affiliation", "MC-service-server"),
            ("renew-group-keys", "KMS"),
        ],
        DocumentKind::MigrationUser => &[("withdraw-migration-users", "CMS")],
        DocumentKind::Group => &[
            ("end-affiliations", "MC-service-server"),
            ("withhold-group-configuration", "GMS"),
        ],
        DocumentKind::SharedGroup => &[
            ("end-affiliations", "MC-service-server"),
            ("release-group-configuration", "GMS"),
        ],
        DocumentKind::System
        | DocumentKind::Agreement
        | DocumentKind::User
        | DocumentKind::MigratedProfile
        | DocumentKind::Link
        | DocumentKind::UeConfiguration
        | DocumentKind::OpenDeletion
        | DocumentKind::AreaMap
        | DocumentKind::PartnerKeys
        | DocumentKind::ResponseSettings
        | DocumentKind::HomeRefusal
        | DocumentKind::ScheduledChange
        | DocumentKind::GroupOverride => &[],
    };
    let revocation = |(name, function): &(&'static str, &'static str)| Revocation {
        name,
        system: local.clone(),
        function,
        never_cut: NEVER_CUT,
    };
    names.iter().map(revocation).collect()
}

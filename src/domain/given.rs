//! What a document of the registry gives somebody, and by which request.

use uuid::Uuid;

use super::access_grant::AccessGrant;
use super::document::Document;
use super::identity::GroupId;
use super::identity::McServiceId;
use super::identity::McSystemId;
use super::membership::Membership;
use super::migration_user::MigrationUser;
use super::service::McService;
use super::time::Timestamp;

/// What a grant gives somebody.
#[derive(Clone, Debug)]
pub struct Given<'a> {
    /// The request that was granted.
    pub request_id: Uuid,
    /// Whom it is about.
    pub subject: Option<&'a McServiceId>,
    /// The group.
    pub group: Option<&'a GroupId>,
    /// The service.
    pub service: Option<McService>,
    /// The system that serves the user.
    pub serving_system: Option<&'a McSystemId>,
    /// Since when.
    pub since: Timestamp,
    /// The first moment at which it no longer holds.
    pub until: Option<Timestamp>,
    /// Whether it is in force now, as far as time does not say: somebody on a list, or taken off it; its end not written
    /// down yet.
    pub stands: bool,
}

impl Given<'_> {
    /// Whether it is in force at a moment.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.stands && self.until.is_none_or(|until| now < until)
    }
}

/// What a document gives; nothing where it is no grant.
pub fn given(document: &Document) -> Option<Given<'_>> {
    Some(match document {
        Document::Migration(entry) => Given {
            request_id: entry.request_id,
            subject: Some(&entry.user),
            group: None,
            service: Some(entry.service),
            serving_system: Some(&entry.serving_system),
            since: entry.since,
            until: entry.expires_at,
            stands: !entry.awaiting_consent,
        },
        Document::AccessGrant(grant) => Given {
            request_id: grant.request_id,
            subject: Some(&grant.user),
            group: None,
            service: None,
            serving_system: Some(&grant.serving_system),
            since: grant.since,
            until: grant.expires_at,
            stands: grant.ended_at.is_none(),
        },
        Document::Membership(membership) => Given {
            request_id: membership.request_id,
            subject: Some(&membership.member),
            group: Some(&membership.group),
            service: None,
            serving_system: None,
            since: membership.since,
            until: membership.expires_at,
            stands: membership.ended_at.is_none(),
        },
        Document::MigrationUser(listed) => Given {
            request_id: listed.request_id,
            subject: Some(&listed.user),
            group: None,
            service: None,
            serving_system: Some(&listed.serving_system),
            since: listed.since,
            until: listed.expires_at,
            stands: listed.listed && listed.ended_at.is_none(),
        },
        Document::SharedGroup(shared) => Given {
            request_id: shared.request_id,
            subject: None,
            group: Some(&shared.group),
            service: None,
            serving_system: None,
            since: shared.since,
            until: None,
            stands: true,
        },
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
        | Document::GroupOverride(_) => return None,
    })
}

/// The document once it is written down that its time was over; nothing where the document goes instead.
pub fn ended(document: &Document, at: Timestamp) -> Option<Document> {
    let ended_at = Some(at);
    match document {
        Document::AccessGrant(grant) => Some(Document::AccessGrant(AccessGrant {
            ended_at,
            ..grant.clone()
        })),
        Document::Membership(membership) => Some(Document::Membership(Membership {
            ended_at,
            ..membership.clone()
        })),
        Document::MigrationUser(listed) => Some(Document::MigrationUser(MigrationUser {
            ended_at,
            ..listed.clone()
        })),
        Document::Migration(_)
        | Document::SharedGroup(_)
        | Document::System(_)
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
        | Document::GroupOverride(_) => None,
    }
}

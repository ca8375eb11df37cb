//! Whole documents that a grant may change, looked up with the facts: decisions read them without contacts and members.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::app::cooperation::Cooperation;
use crate::decision::facts::AccessKey;
use crate::decision::facts::Lookup;
use crate::decision::facts::ReadKey;
use crate::decision::facts::ReadSet;
use crate::decision::facts::other_system;
use crate::domain::access_grant::AccessGrant;
use crate::domain::agreement::Agreement;
use crate::domain::document::Document;
use crate::domain::group::Group;
use crate::domain::identity::GroupId;
use crate::domain::identity::McSystemId;
use crate::domain::operation::Direction;
use crate::domain::registry::DocumentId;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Versioned;
use crate::domain::request::CooperationChange;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::MembershipChange;
use crate::domain::request::MigrationUsersUpdate;
use crate::domain::request::OperationBody;
use crate::domain::scheduled_change::ScheduledChange;
use crate::store::state::State;

/// What a grant may change.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct Standing {
    /// The agreement whose status the request is about.
    pub(in crate::app) cooperation: Option<Cooperation>,
    /// The group from which the request deletes.
    pub(in crate::app) group: Option<Group>,
    /// What goes by a change of the list of users for migration, as far as it is there: access of those who are taken
    /// from it, and that they were taken from it of those who are added.
    pub(in crate::app) listed: BTreeSet<DocumentKey>,
    /// Access that ends when this is granted: of those who had the UE before, and of the user to other partners.
    pub(in crate::app) access: BTreeMap<DocumentKey, AccessGrant>,
}

/// Looks up what the request's grant may change; all of it joins the read set.
pub(in crate::app) fn standing(
    request: &InterSystemRequest,
    local: &McSystemId,
    state: &State,
    read_set: &mut ReadSet,
) -> Standing {
    let mut looking = Looking { state, read_set };
    let mut standing = Standing::default();
    if let OperationBody::CooperationStatusChange(_) = &request.body {
        standing.cooperation = looking.cooperation(other_system(request));
    }
    let is_inbound = request.direction == Direction::Inbound;
    if let OperationBody::GroupMembershipUpdate(update) = &request.body
        && is_inbound
        && update.change == MembershipChange::Delete
    {
        standing.group = looking.group(&update.group);
    }
    if let OperationBody::MigrationUsersUpdate(update) = &request.body {
        let serving = if is_inbound {
            local
        } else {
            other_system(request)
        };
        standing.listed = looking.listed(update, serving);
    }
    match (request.direction, &request.body) {
        (Direction::Outbound, OperationBody::PartnerConnectionDetails(_)) => {
            standing.access = looking.access(request, local);
        }
        (Direction::Inbound, OperationBody::PartnerSystemAccess(_)) => {
            standing.access = looking.access(request, &request.requesting_system);
        }
        (_, _) => {}
    }
    looking.read_set.entries.sort();
    looking.read_set.entries.dedup();
    standing
}

struct Looking<'a> {
    state: &'a State,
    read_set: &'a mut ReadSet,
}

impl Looking<'_> {
    fn document(&mut self, kind: DocumentKind, id: DocumentId) -> Option<Versioned<&Document>> {
        let key = DocumentKey { kind, id };
        let revision = self.state.revision(&key);
        let value = self.state.document_under(&key);
        self.read_set
            .entries
            .push((ReadKey::Document(key), revision));
        Some(Versioned {
            revision: revision?,
            value: value?,
        })
    }

    fn cooperation(&mut self, partner: &McSystemId) -> Option<Cooperation> {
        let mut scheduled = Vec::new();
        for (_, change) in CooperationChange::WORDS {
            let id = ScheduledChange::id(partner, change).ok()?;
            let found = self.document(DocumentKind::ScheduledChange, id);
            if let Some(Document::ScheduledChange(found)) = found.map(|found| found.value) {
                scheduled.push(found.clone());
            }
        }
        let id = partner.as_str().parse().ok()?;
        let found = self.document(DocumentKind::Agreement, id)?;
        let agreement: &Agreement = found.value.agreement()?;
        Some(Cooperation {
            agreement: Versioned {
                revision: found.revision,
                value: agreement.clone(),
            },
            scheduled,
        })
    }

    fn group(&mut self, group: &GroupId) -> Option<Group> {
        let id = group.as_str().parse().ok()?;
        let found = self.document(DocumentKind::Group, id)?;
        if let Document::Group(group) = found.value {
            Some(group.clone())
        } else {
            None
        }
    }

    /// Access from the UE of a request, whoever has it, and where the home chooses a partner the user's own from that UE.
    fn access(
        &mut self,
        request: &InterSystemRequest,
        home: &McSystemId,
    ) -> BTreeMap<DocumentKey, AccessGrant> {
        let elements = request.body.elements();
        let of_ue = elements.ue().map(|ue| AccessKey::Ue {
            home: home.clone(),
            ue: ue.clone(),
        });
        let of_user = elements.subject().map(AccessKey::of_user);
        let mut found = BTreeMap::new();
        for found_by in of_ue.into_iter().chain(of_user) {
            let grants = self.state.access_grants(&found_by);
            let read = ReadKey::Access(found_by);
            self.read_set.entries.push((read, grants.revision));
            for id in grants.ids {
                let kind = DocumentKind::AccessGrant;
                let document = self.document(kind, id.clone()).map(|found| found.value);
                if let Some(Document::AccessGrant(grant)) = document
                    && grant.home_system == *home
                    && grant.ue.as_ref() == elements.ue()
                {
                    found.insert(DocumentKey { kind, id }, grant.clone());
                }
            }
        }
        found
    }

    fn listed(
        &mut self,
        update: &MigrationUsersUpdate,
        serving: &McSystemId,
    ) -> BTreeSet<DocumentKey> {
        let kind = match update.change {
            MembershipChange::Add => DocumentKind::MigrationUser,
            MembershipChange::Delete => DocumentKind::AccessGrant,
        };
        let ids = update
            .users
            .iter()
            .map(|user| AccessGrant::id(user, serving));
        let ids: BTreeSet<DocumentId> = ids.filter_map(Result::ok).collect();
        let mut there = BTreeSet::new();
        for id in ids {
            if self.document(kind, id.clone()).is_some() {
                there.insert(DocumentKey { kind, id });
            }
        }
        there
    }
}

//! What a grant or a clearance changes in the registry, written in the same entry of the log as the decision.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::app::cooperation::GrantedChange;
use crate::app::error::AppError;
use crate::app::submit::CONSENT_WAIT_MILLISECONDS;
use crate::app::submit::Evaluation;
use crate::decision::decide::ItemDecision;
use crate::decision::query::serving_system;
use crate::domain::access_grant::AccessGrant;
use crate::domain::document::Document;
use crate::domain::kept_configuration::ConfigurationVersion;
use crate::domain::kept_configuration::KeptUeConfiguration;
use crate::domain::membership::Membership;
use crate::domain::migration::Migration;
use crate::domain::migration::UsedCredential;
use crate::domain::migration_user::MigrationUser;
use crate::domain::open_deletion::OpenDeletion;
use crate::domain::operation::Direction;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::InvalidDocumentId;
use crate::domain::registry::Revision;
use crate::domain::request::CooperationStatusChange;
use crate::domain::request::GroupConfigurationShare;
use crate::domain::request::GroupMembershipUpdate;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::JointGroupCreation;
use crate::domain::request::MembershipChange;
use crate::domain::request::MigrationUsersUpdate;
use crate::domain::request::OperationBody;
use crate::domain::request::PushedConfiguration;
use crate::domain::request::UeConfigurationPush;
use crate::domain::request::elements::Need;
use crate::domain::shared_group::SharedGroup;
use crate::store::command::Expected;
use crate::store::command::RequestId;
use crate::store::command::Write;

/// A decision, and which of its items are granted.
pub(in crate::app) struct Granted<'a> {
    pub(in crate::app) request: &'a InterSystemRequest,
    pub(in crate::app) request_id: RequestId,
    pub(in crate::app) evaluation: &'a Evaluation,
    /// The entry that submitted the request, if it is another than this.
    pub(in crate::app) submitted: Option<Revision>,
    /// The numbers of the items granted now.
    pub(in crate::app) items: Vec<usize>,
}

/// Changes by key: what two items of one request change alike is changed once.
type Changes = BTreeMap<DocumentKey, Option<Document>>;

impl Granted<'_> {
    /// The documents to write with the grant.
    pub(in crate::app) fn writes(&self) -> Result<Vec<Write>, AppError> {
        if self.items.is_empty() {
            return Ok(Vec::new());
        }
        let changes = self
            .changes()
            .map_err(|error| AppError::Broken(Box::new(error)))?;
        let writes = changes.into_iter().map(|(key, document)| Write {
            key,
            // What was there is in the read set.
            expected: Expected::Any,
            document: document.map(Arc::new),
        });
        Ok(writes.collect())
    }

    fn changes(&self) -> Result<Changes, InvalidDocumentId> {
        let body = &self.request.body;
        match (self.request.direction, body) {
            (Direction::Outbound, OperationBody::GroupMembershipUpdate(update)) => {
                self.deletions(update)
            }
            (Direction::Outbound, OperationBody::AutomaticResponseChange(_)) => self.responses(),
            (Direction::Inbound, OperationBody::GroupMembershipUpdate(update)) => {
                self.membership(update)
            }
            (
                Direction::Inbound | Direction::Outbound,
                OperationBody::MigrationUsersUpdate(update),
            ) => self.migration_users(update),
            (Direction::Inbound, OperationBody::GroupConfigurationShare(shared)) => {
                self.shared_group(shared)
            }
            (Direction::Inbound, OperationBody::UeConfigurationPush(push)) => self.pushed(push),
            (Direction::Inbound, OperationBody::JointGroupCreation(asked)) => {
                self.joint_group(asked)
            }
            (Direction::Inbound, OperationBody::MigrationServiceAuthorization(_)) => {
                self.provisional()
            }
            (_, OperationBody::MigrationServiceAuthorization(_))
            | (
                Direction::Inbound,
                OperationBody::LinkFailureMigration(_) | OperationBody::LimitedMigration(_),
            ) => self.registered(),
            (_, OperationBody::MigrationReturn(_)) => self.returned(),
            (
                _,
                OperationBody::PartnerConnectionDetails(_) | OperationBody::PartnerSystemAccess(_),
            ) => self.access(),
            (_, OperationBody::OutboundMigrationIdentities(_)) => Ok(self.bound()),
            (_, OperationBody::UeRelease(_)) => self.released(),
            (_, OperationBody::CooperationStatusChange(change)) => self.cooperation(change),
            (_, _) => Ok(Changes::new()),
        }
    }

    /// Our half of the agreement, where its status changes, now or later.
    fn cooperation(&self, change: &CooperationStatusChange) -> Result<Changes, InvalidDocumentId> {
        let Some(cooperation) = &self.evaluation.standing.cooperation else {
            return Ok(Changes::new());
        };
        let granted = GrantedChange {
            change,
            direction: self.request.direction,
            is_answered: false,
            request_id: self.request_id,
            now: self.evaluation.now,
        };
        Ok(cooperation.changed(&granted)?.into_iter().collect())
    }

    /// A group that is defined here, unless it is there already.
    pub(in crate::app) fn joint_group(
        &self,
        asked: &JointGroupCreation,
    ) -> Result<Changes, InvalidDocumentId> {
        let facts = &self.evaluation.facts.shared;
        let is_there = facts
            .joint_group
            .as_ref()
            .is_none_or(|group| group.existing.is_some());
        let Some(decision) = self.decisions().next() else {
            return Ok(Changes::new());
        };
        if asked.home_system != facts.local || is_there {
            return Ok(Changes::new());
        }
        let group = Document::Group(asked.defined(decision.limits.priority_cap));
        Ok(Changes::from([(group.key()?, Some(group))]))
    }

    /// Who returns is in the register no longer, if the register has them in that system.
    fn returned(&self) -> Result<Changes, InvalidDocumentId> {
        let serving = serving_system(self.request);
        let person = self.evaluation.facts.subjects.first();
        let mut changes = Changes::new();
        for item in self.decisions() {
            let found = item
                .item
                .service
                .and_then(|service| person?.register.get(&service));
            let entry = found.and_then(|found| found.entry.as_ref());
            if let Some(entry) = entry
                && Some(&entry.value.serving_system) == serving
            {
                changes.insert(Document::Migration(entry.value.clone()).key()?, None);
            }
        }
        Ok(changes)
    }

    /// Whom a partner gives access, or who may ask it for some; later steps ask for that (ruling 13).
    fn access(&self) -> Result<Changes, InvalidDocumentId> {
        let facts = &self.evaluation.facts;
        let elements = self.request.body.elements();
        let home = facts.subjects.first().and_then(|user| user.home.as_ref());
        let mut changes = Changes::new();
        for item in self.decisions() {
            let serving = item.item.system.as_ref().or(serving_system(self.request));
            let (Some(user), Some(home), Some(serving)) = (elements.subject(), home, serving)
            else {
                continue;
            };
            let key = DocumentKey {
                kind: DocumentKind::AccessGrant,
                id: AccessGrant::id(user, serving)?,
            };
            // What the home bound for the partner stays bound when it is asked where to go again.
            let bound = self.evaluation.standing.access.get(&key);
            let bound = bound.filter(|bound| bound.ue.as_ref() == elements.ue());
            let grant = Document::AccessGrant(AccessGrant {
                user: user.clone(),
                home_system: home.clone(),
                serving_system: serving.clone(),
                ue: elements.ue().cloned(),
                services: elements.services().iter().copied().collect(),
                sip: elements
                    .sip()
                    .or_else(|| bound.and_then(|bound| bound.sip.clone())),
                aliased: bound.is_some_and(|bound| bound.aliased),
                since: self.evaluation.now,
                expires_at: item.limits.end_time,
                ended_at: None,
                request_id: self.request_id.0,
            });
            changes.insert(key, Some(grant));
        }
        if changes.is_empty() {
            return Ok(changes);
        }
        for ended in self.evaluation.standing.access.keys() {
            changes.entry(ended.clone()).or_insert(None);
        }
        Ok(changes)
    }

    /// Which SIP identities the home bound for the partner: the partner asks for these when the user registers there.
    fn bound(&self) -> Changes {
        let person = self.evaluation.facts.subjects.first();
        let access = person.and_then(|person| person.access.as_ref());
        let grant = access.and_then(|access| access.grant.as_ref());
        let grant = grant.and_then(|grant| {
            let grant = Document::AccessGrant(AccessGrant {
                sip: self.request.body.elements().sip(),
                aliased: true,
                ..grant.value.clone()
            });
            Some((grant.key().ok()?, Some(grant)))
        });
        grant.into_iter().collect()
    }

    /// What was given for another UE stays.
    fn released(&self) -> Result<Changes, InvalidDocumentId> {
        let person = self.evaluation.facts.subjects.first();
        let access = person.and_then(|person| person.access.as_ref());
        let grant = access.and_then(|access| access.grant.as_ref());
        let mut changes = Changes::new();
        let released = self.request.body.elements().ue();
        if let Some(grant) = grant
            && (grant.value.ue.is_none() || grant.value.ue.as_ref() == released)
        {
            changes.insert(Document::AccessGrant(grant.value.clone()).key()?, None);
        }
        Ok(changes)
    }

    /// The register of current systems: in the serving system its visitor, in the home its user
    /// (TR 23.781 clause 5.2.5).
    fn registered(&self) -> Result<Changes, InvalidDocumentId> {
        let mut changes = Changes::new();
        for entry in self.decisions().filter_map(|item| self.entry(item)) {
            let entry = Document::Migration(entry);
            changes.insert(entry.key()?, Some(entry));
        }
        Ok(changes)
    }

    /// A visitor whose home is asked has a place and is not served, for as long as the home has to answer
    /// (ruling 11). Who is served already, because the home could not be asked before, is so until it answers.
    fn provisional(&self) -> Result<Changes, InvalidDocumentId> {
        let now = self.evaluation.now;
        let last = now.plus_milliseconds(CONSENT_WAIT_MILLISECONDS);
        let mut changes = Changes::new();
        for entry in self.decisions().filter_map(|item| self.entry(item)) {
            let present = self.evaluation.register.get(&entry.service);
            if present.is_some_and(|present| present.holds(now)) {
                continue;
            }
            let entry = Document::Migration(Migration {
                expires_at: Some(entry.expires_at.map_or(last, |end| end.min(last))),
                verified: false,
                awaiting_consent: true,
                ..entry
            });
            changes.insert(entry.key()?, Some(entry));
        }
        Ok(changes)
    }

    /// What the register says of a user once an item is granted.
    pub(in crate::app) fn entry(&self, item: &ItemDecision) -> Option<Migration> {
        let elements = self.request.body.elements();
        let facts = &self.evaluation.facts;
        let home = facts.subjects.first().and_then(|user| user.home.as_ref());
        let link = facts.shared.link.as_ref();
        Some(Migration {
            user: elements.subject()?.clone(),
            service: item.item.service?,
            home_system: home?.clone(),
            serving_system: serving_system(self.request)?.clone(),
            serving_mc_service_id: elements.serving_identity().cloned(),
            since: self.evaluation.now,
            expires_at: item.limits.end_time,
            request_id: self.request_id.0,
            // Who comes on a credential comes without the home, which is asked when it can be (ruling 22).
            verified: !elements.needs_to_know(Need::Credential),
            awaiting_consent: false,
            credential: self.used_credential(),
            interconnection: link.map(|link| link.value.status),
        })
    }

    /// The token on which the items are granted, and since when anything is.
    fn used_credential(&self) -> Option<UsedCredential> {
        let credential = self.request.body.elements().credential()?.verified()?;
        let person = self.evaluation.facts.subjects.first();
        let before = person.and_then(|person| person.token_use);
        let first = before.and_then(|before| before.first_granted_at);
        Some(UsedCredential {
            token_id_hash: credential.token_id_hash.clone(),
            first_granted_at: first.unwrap_or(self.evaluation.now),
        })
    }

    /// Deletions that we ask a partner for (ruling 15).
    fn deletions(&self, update: &GroupMembershipUpdate) -> Result<Changes, InvalidDocumentId> {
        let mut changes = Changes::new();
        if update.change != MembershipChange::Delete {
            return Ok(changes);
        }
        for number in &self.items {
            let member = update.members.get(*number);
            let facts = self.evaluation.facts.subjects.get(*number);
            let (Some(member), Some(facts)) = (member, facts) else {
                continue;
            };
            // Who is nobody of ours affiliates to nothing, deleted or not.
            let Some(person) = facts.profile.as_ref().map(|found| &found.value.user) else {
                continue;
            };
            let deletion = Document::OpenDeletion(OpenDeletion {
                group: update.group.clone(),
                person: person.clone(),
                member: member.clone(),
                request_id: self.request_id.0,
                since: self.evaluation.now,
            });
            changes.insert(deletion.key()?, Some(deletion));
        }
        Ok(changes)
    }

    /// The partner's members of a group of ours: those whom it added, and without those whom it took out.
    fn membership(&self, update: &GroupMembershipUpdate) -> Result<Changes, InvalidDocumentId> {
        let facts = &self.evaluation.facts;
        let mut changes = Changes::new();
        let mut group = self.evaluation.standing.group.clone();
        for number in &self.items {
            let member = update.members.get(*number);
            let person = facts.subjects.get(*number);
            let decision = self.evaluation.items.get(*number);
            let (Some(member), Some(person), Some(decision)) = (member, person, decision) else {
                continue;
            };
            let (Some(member_home), Some(group_home)) = (&person.home, &facts.shared.group_home)
            else {
                continue;
            };
            let membership = Document::Membership(Membership {
                group: update.group.clone(),
                group_home: group_home.clone(),
                member: member.clone(),
                member_home: member_home.clone(),
                since: self.evaluation.now,
                expires_at: decision.limits.end_time,
                ended_at: None,
                request_id: self.request_id.0,
            });
            match update.change {
                MembershipChange::Add => {
                    changes.insert(membership.key()?, Some(membership));
                }
                MembershipChange::Delete => {
                    if person.membership.is_some() {
                        changes.insert(membership.key()?, None);
                    }
                    if let Some(group) = &mut group
                        && group.remove_member(member_home, member)
                    {
                        let document = Document::Group(group.clone());
                        changes.insert(document.key()?, Some(document));
                    }
                }
            }
        }
        Ok(changes)
    }

    /// The list of users who may migrate. Inbound it is what we accepted. Outbound we know whom we took back at once, and
    /// of whom we add only that we did not; the partner's answer is another matter.
    fn migration_users(&self, update: &MigrationUsersUpdate) -> Result<Changes, InvalidDocumentId> {
        let facts = &self.evaluation.facts;
        let is_inbound = self.request.direction == Direction::Inbound;
        let serving = &self.request.receiving_system;
        let there = &self.evaluation.standing.listed;
        let mut changes = Changes::new();
        for number in &self.items {
            let user = update.users.get(*number);
            let person = facts.subjects.get(*number);
            let decision = self.evaluation.items.get(*number);
            let (Some(user), Some(person), Some(decision)) = (user, person, decision) else {
                continue;
            };
            let Some(home) = &person.home else {
                continue;
            };
            let is_added = update.change == MembershipChange::Add;
            let entry = Document::MigrationUser(MigrationUser {
                user: user.clone(),
                home_system: home.clone(),
                serving_system: serving.clone(),
                listed: is_added,
                services: update.services.iter().copied().collect(),
                since: self.evaluation.now,
                expires_at: decision.limits.end_time.filter(|_| is_added),
                ended_at: None,
                request_id: self.request_id.0,
            });
            let key = entry.key()?;
            if is_inbound || !is_added {
                changes.insert(key, Some(entry));
            } else if there.contains(&key) {
                changes.insert(key, None);
            }
            let access = DocumentKey {
                kind: DocumentKind::AccessGrant,
                id: MigrationUser::id(user, serving)?,
            };
            if there.contains(&access) {
                changes.insert(access, None);
            }
        }
        Ok(changes)
    }

    /// A partner's group with the parameters that apply here: ours before those that arrived, and none above the ceiling.
    fn shared_group(&self, shared: &GroupConfigurationShare) -> Result<Changes, InvalidDocumentId> {
        let facts = &self.evaluation.facts.shared;
        let (Some(decision), Some(home)) = (self.decisions().next(), &facts.group_home) else {
            return Ok(Changes::new());
        };
        let agreement = facts.agreement.as_ref();
        let ceiling = agreement.and_then(|found| found.value.priority_ceiling);
        let capped = |arrived: Option<u8>| Some(arrived?.min(ceiling?));
        let limits = &decision.limits;
        let document = Document::SharedGroup(SharedGroup {
            group: shared.group.clone(),
            home_system: home.clone(),
            services: shared.services.iter().copied().collect(),
            group_priority: limits.group_priority.or(capped(shared.group_priority)),
            user_priority: limits.user_priority.or(capped(shared.user_priority)),
            local_settings: shared.local_settings.iter().copied().collect(),
            since: self.evaluation.now,
            request_id: self.request_id.0,
        });
        Ok(Changes::from([(document.key()?, Some(document))]))
    }

    /// Accepted configuration becomes the newest version, with which the next push is compared.
    fn pushed(&self, push: &UeConfigurationPush) -> Result<Changes, InvalidDocumentId> {
        let PushedConfiguration::Sealed(stored) = &push.configuration else {
            return Ok(Changes::new());
        };
        let before = self.evaluation.kept_configuration.as_ref();
        let document = Document::UeConfiguration(KeptUeConfiguration {
            version: Some(ConfigurationVersion::after(
                before.map(|found| (found.revision, &found.value)),
                self.request_id.0,
                self.submitted,
                self.evaluation.now,
            )),
            ..stored.clone().into()
        });
        Ok(Changes::from([(document.key()?, Some(document))]))
    }

    /// How categories are answered from now on (ruling 25).
    fn responses(&self) -> Result<Changes, InvalidDocumentId> {
        let settings = self.evaluation.response_settings.clone();
        match settings.map(Document::ResponseSettings) {
            Some(document) => Ok(Changes::from([(document.key()?, Some(document))])),
            None => Ok(Changes::new()),
        }
    }

    fn decisions(&self) -> impl Iterator<Item = &ItemDecision> {
        let items = self.items.iter();
        items.filter_map(|number| self.evaluation.items.get(*number))
    }
}

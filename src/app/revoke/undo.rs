//! What a grant wrote, so that revoking it takes that back.

use std::sync::Arc;

use crate::app::affected::NEVER_CUT;
use crate::app::affected::revocations;
use crate::app::undone::undoing;
use crate::decision::decide::ItemKey;
use crate::decision::facts::Lookup;
use crate::decision::obligation::Obligation;
use crate::decision::obligation::ObligationParameters;
use crate::decision::query::serving_system;
use crate::domain::access_grant::AccessGrant;
use crate::domain::document::Document;
use crate::domain::given::ended;
use crate::domain::given::given;
use crate::domain::identity::McSystemId;
use crate::domain::membership::Membership;
use crate::domain::migration::Migration;
use crate::domain::migration_user::MigrationUser;
use crate::domain::operation::Direction;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::InvalidDocumentId;
use crate::domain::registry::Revision;
use crate::domain::registry::Versioned;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::OperationBody;
use crate::domain::request::elements::Particular;
use crate::domain::time::Timestamp;
use crate::store::command::Expected;
use crate::store::command::RequestId;
use crate::store::command::Write;
use crate::store::state::State;

/// Who does in our own system what no policy obliged to.
const OURS: &str = "local";

/// Why what a request granted cannot be taken back by revoking it; `None` if it can.
pub(super) fn bar(request: &InterSystemRequest) -> Option<&'static str> {
    let body = &request.body;
    if body.elements().is_reducing() {
        return Some("it only took access away: ask for that access again");
    }
    match body {
        OperationBody::AutomaticResponseChange(_) => {
            Some("how categories are answered changes by another approved change (A12)")
        }
        OperationBody::UeConfigurationPush(_) => {
            Some("configuration that was accepted is replaced by another push (A1)")
        }
        OperationBody::ConfigurationInformation(_) => {
            Some("what was disclosed cannot be taken back")
        }
        OperationBody::JointGroupCreation(_) => {
            Some("a group that was created is deleted in the registry")
        }
        OperationBody::CooperationStatusChange(_) => {
            Some("a cooperation that goes on is suspended or ended (A9)")
        }
        OperationBody::AcmConnection(_)
        | OperationBody::Affiliation(_)
        | OperationBody::CurrentSystemReport(_)
        | OperationBody::GroupConfigurationShare(_)
        | OperationBody::GroupIdentityProvision(_)
        | OperationBody::GroupMembershipUpdate(_)
        | OperationBody::InboundMigrationIdentities(_)
        | OperationBody::InterDomainUserAuthorization(_)
        | OperationBody::InterconnectionGroupCall(_)
        | OperationBody::LimitedMigration(_)
        | OperationBody::LinkFailureMigration(_)
        | OperationBody::LocationInformationSharing(_)
        | OperationBody::LoggingDataDelivery(_)
        | OperationBody::McdataTransaction(_)
        | OperationBody::McpttPrivateCall(_)
        | OperationBody::McvideoCall(_)
        | OperationBody::MigratingUserProfileRetrieval(_)
        | OperationBody::MigrationReturn(_)
        | OperationBody::MigrationServiceAuthorization(_)
        | OperationBody::MigrationUsersUpdate(_)
        | OperationBody::OutboundMigrationIdentities(_)
        | OperationBody::PartnerConnectionDetails(_)
        | OperationBody::PartnerKeyMaterial(_)
        | OperationBody::PartnerSystemAccess(_)
        | OperationBody::PreconfiguredRegroup(_)
        | OperationBody::SipRegistration(_)
        | OperationBody::UeRelease(_)
        | OperationBody::UserConfigurationChange(_)
        | OperationBody::VisitingServiceChange(_) => None,
    }
}

/// Whether it is a call in emergency or imminent peril: it is left standing, and a person decides about it.
pub(super) fn is_never_cut(request: &InterSystemRequest) -> bool {
    let particulars = request.body.elements().particulars();
    let mut particulars = particulars.into_iter();
    particulars.any(|(name, particular)| match particular {
        Particular::Text(state) => name == "call_state" && NEVER_CUT.contains(&state),
        Particular::Bool(_)
        | Particular::Long(_)
        | Particular::Texts(_)
        | Particular::System(_)
        | Particular::Systems(_)
        | Particular::Moment(_) => false,
    })
}

/// Whether a grant lasts only as long as a document that it wrote.
fn leaves_a_document(request: &InterSystemRequest) -> bool {
    let only_inbound = matches!(
        request.body,
        OperationBody::GroupMembershipUpdate(_)
            | OperationBody::MigrationUsersUpdate(_)
            | OperationBody::GroupConfigurationShare(_)
            | OperationBody::LinkFailureMigration(_)
            | OperationBody::LimitedMigration(_)
    );
    let always = matches!(
        request.body,
        OperationBody::MigrationServiceAuthorization(_)
            | OperationBody::PartnerConnectionDetails(_)
            | OperationBody::PartnerSystemAccess(_)
    );
    always || (only_inbound && request.direction == Direction::Inbound)
}

/// What one granted item wrote that is there still.
#[derive(Debug)]
pub(super) struct Written {
    documents: Vec<(DocumentKey, Versioned<Arc<Document>>, After)>,
    lasts: bool,
}

/// What becomes of a document.
#[derive(Debug)]
enum After {
    Deleted,
    Changed(Box<Document>),
}

impl Written {
    /// Looks it up.
    pub(super) fn find(
        state: &State,
        (request, id): (&InterSystemRequest, RequestId),
        (number, item): (usize, &ItemKey),
        now: Timestamp,
    ) -> Result<Self, InvalidDocumentId> {
        let mut documents: Vec<(_, Versioned<Arc<Document>>, _)> = Vec::new();
        for key in keys(request, number, item)? {
            if let Some(found) = state.document(&key)
                && let Some(after) = after(&found.value, request, id)
            {
                documents.push((key, found, after));
            }
        }
        let mut given = documents
            .iter()
            .filter_map(|(_, found, _)| given(&found.value));
        let lasts = !leaves_a_document(request) || given.any(|given| given.holds(now));
        Ok(Self { documents, lasts })
    }

    /// Whether the grant is still what it was: what it wrote has not been taken away or replaced since.
    pub(super) fn lasts(&self) -> bool {
        self.lasts
    }

    /// Takes it back.
    pub(super) fn writes(self) -> impl Iterator<Item = Write> {
        self.documents.into_iter().map(|(key, found, after)| Write {
            key,
            expected: Expected::Revision(found.revision),
            document: match after {
                After::Deleted => None,
                After::Changed(document) => Some(Arc::from(document)),
            },
        })
    }

    /// The documents that are the grant's own, and in which revision.
    pub(super) fn own(&self) -> impl Iterator<Item = (&DocumentKey, &Document, Revision)> {
        let own = self.documents.iter();
        let own = own.filter(|(_, _, after)| matches!(after, After::Deleted));
        own.map(|(key, found, _)| (key, found.value.as_ref(), found.revision))
    }

    /// Writes down that they have ended: most stay, so that it can be told later.
    pub(super) fn endings(self, at: Timestamp) -> impl Iterator<Item = Write> {
        let own = self.documents.into_iter();
        let own = own.filter(|(_, _, after)| matches!(after, After::Deleted));
        own.map(move |(key, found, _)| Write {
            key,
            expected: Expected::Revision(found.revision),
            document: ended(&found.value, at).map(Arc::new),
        })
    }

    /// What has to be done: what follows from the documents that go, and what undoes what the grant obliged to.
    pub(super) fn obligations(
        &self,
        granted: &[Obligation],
        local: &McSystemId,
    ) -> Vec<Obligation> {
        let mut obligations: Vec<Obligation> = Vec::new();
        for (_, found, after) in &self.documents {
            if matches!(after, After::Changed(_)) {
                continue;
            }
            let given = given(&found.value);
            let parameters = ObligationParameters {
                subject: given.as_ref().and_then(|it| it.subject.cloned()),
                group: given.as_ref().and_then(|it| it.group.cloned()),
                service: given.as_ref().and_then(|it| it.service),
                ..ObligationParameters::default()
            };
            let due = revocations(&found.value, local).into_iter();
            obligations.extend(due.map(|due| Obligation {
                name: due.name.to_owned(),
                system: Some(due.system),
                role: OURS.to_owned(),
                function: due.function.to_owned(),
                due: None,
                parameters: parameters.clone(),
            }));
        }
        obligations.extend(granted.iter().map(undoing));
        obligations
    }
}

/// What becomes of a document if it is the request's: a later grant in its place stays.
fn after(document: &Document, request: &InterSystemRequest, id: RequestId) -> Option<After> {
    if given(document).is_some_and(|given| given.stands && given.request_id == id.0) {
        return Some(After::Deleted);
    }
    // Which identities the home bound stands in the grant of another request.
    let asked = request.body.elements();
    if let (OperationBody::OutboundMigrationIdentities(_), Document::AccessGrant(grant)) =
        (&request.body, document)
        && grant.aliased
        && grant.sip == asked.sip()
    {
        let unbound = AccessGrant {
            sip: None,
            aliased: false,
            ..grant.clone()
        };
        return Some(After::Changed(Box::new(Document::AccessGrant(unbound))));
    }
    None
}

/// Where the documents would be that such an item writes.
fn keys(
    request: &InterSystemRequest,
    number: usize,
    item: &ItemKey,
) -> Result<Vec<DocumentKey>, InvalidDocumentId> {
    let mut keys = Vec::new();
    let mut add = |kind, id| keys.push(DocumentKey { kind, id });
    let body = &request.body;
    if let OperationBody::GroupMembershipUpdate(update) = body
        && let Some(member) = update.members.get(number)
    {
        let id = Membership::id(&update.group, member)?;
        add(DocumentKind::Membership, id);
    }
    if let OperationBody::MigrationUsersUpdate(update) = body
        && let Some(user) = update.users.get(number)
    {
        let id = MigrationUser::id(user, &request.receiving_system)?;
        add(DocumentKind::MigrationUser, id);
    }
    if let OperationBody::GroupConfigurationShare(shared) = body {
        add(DocumentKind::SharedGroup, shared.group.as_str().parse()?);
    }
    let user = body.elements().subject();
    if let (Some(user), Some(service)) = (user, item.service) {
        add(DocumentKind::Migration, Migration::id(user, service)?);
    }
    let serving = item.system.as_ref().or(serving_system(request));
    if let (Some(user), Some(serving)) = (user, serving) {
        add(DocumentKind::AccessGrant, AccessGrant::id(user, serving)?);
    }
    Ok(keys)
}

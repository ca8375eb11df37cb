//! The items of a request, and what its operation is called in the schema.

use crate::decision::decide::ItemKey;
use crate::domain::identity::McSystemId;
use crate::domain::operation::Direction;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::MembershipChange;
use crate::domain::request::OperationBody;
use crate::domain::service::McService;

/// The items of a request, in its order; what is listed twice is two items.
pub fn items(request: &InterSystemRequest) -> Vec<ItemKey> {
    (0..item_count(request))
        .filter_map(|number| item(request, number))
        .collect()
}

/// How many items a request has.
pub fn item_count(request: &InterSystemRequest) -> usize {
    match &request.body {
        OperationBody::GroupMembershipUpdate(update) => update.members.len(),
        OperationBody::MigrationServiceAuthorization(authorization) => authorization.services.len(),
        OperationBody::Affiliation(_) | OperationBody::UeConfigurationPush(_) => 1,
    }
}

/// One item, by its number.
pub fn item(request: &InterSystemRequest, number: usize) -> Option<ItemKey> {
    let (subject, service) = match &request.body {
        OperationBody::GroupMembershipUpdate(update) => (update.members.get(number)?, None),
        OperationBody::MigrationServiceAuthorization(authorization) => (
            &authorization.user,
            Some(*authorization.services.get(number)?),
        ),
        OperationBody::Affiliation(affiliation) => (&affiliation.user, Some(affiliation.service)),
        OperationBody::UeConfigurationPush(push) => (&push.requester.mc_service_id, None),
    };
    let is_single = !matches!(
        request.body,
        OperationBody::GroupMembershipUpdate(_) | OperationBody::MigrationServiceAuthorization(_)
    );
    (number == 0 || !is_single).then(|| ItemKey {
        subject: subject.clone(),
        service,
    })
}

/// The name of the action in the schema.
pub fn action(body: &OperationBody) -> &'static str {
    match body {
        OperationBody::GroupMembershipUpdate(update) => match update.change {
            MembershipChange::Add => "addGroupMember",
            MembershipChange::Delete => "removeGroupMember",
        },
        OperationBody::Affiliation(_) => "affiliate",
        OperationBody::MigrationServiceAuthorization(_) => "authorizeMigrationService",
        OperationBody::UeConfigurationPush(_) => "pushUeConfiguration",
    }
}

/// Whether the request only takes away (ruling 14).
pub(crate) fn is_reducing(body: &OperationBody) -> bool {
    match body {
        OperationBody::GroupMembershipUpdate(update) => update.change == MembershipChange::Delete,
        OperationBody::Affiliation(_)
        | OperationBody::MigrationServiceAuthorization(_)
        | OperationBody::UeConfigurationPush(_) => false,
    }
}

/// The system that serves the migrating user.
pub(crate) fn serving_system(request: &InterSystemRequest) -> Option<&McSystemId> {
    match &request.body {
        OperationBody::Affiliation(affiliation) => Some(&affiliation.serving_system),
        OperationBody::MigrationServiceAuthorization(_) => Some(match request.direction {
            Direction::HomeConsent => &request.requesting_system,
            Direction::Inbound | Direction::Outbound => &request.receiving_system,
        }),
        OperationBody::GroupMembershipUpdate(_) | OperationBody::UeConfigurationPush(_) => None,
    }
}

/// The services of an item's question, as policies name them.
pub(crate) fn service_word(service: Option<McService>) -> &'static str {
    service.map_or("", McService::as_str)
}

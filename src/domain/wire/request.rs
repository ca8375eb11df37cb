//! The flat JSON shape of an inter-system request.

use std::collections::HashMap;

use serde_json::Map;
use serde_json::Value;

use super::Problem;
use super::WireLimits;
use super::configuration::configuration;
use super::element::Element;
use super::element::Members;
use super::element::Report;
use super::json::strict_json;
use crate::domain::identity::McServiceId;
use crate::domain::operation::Direction;
use crate::domain::operation::Operation;
use crate::domain::request::Affiliation;
use crate::domain::request::GroupMembershipUpdate;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::MembershipChange;
use crate::domain::request::MigrationServiceAuthorization;
use crate::domain::request::OperationBody;
use crate::domain::request::Peer;
use crate::domain::request::PushedConfiguration;
use crate::domain::request::Requester;
use crate::domain::request::Target;
use crate::domain::request::UeConfigurationPush;
use crate::domain::request::Urgency;
use crate::domain::service::McService;

const CORRELATION_ID_CHARACTERS_MAX: usize = 128;
const JUSTIFICATION_BYTES_MAX: usize = 4_096;
const ORGANISATION_BYTES_MAX: usize = 255;

/// The members that every request may have.
const COMMON: [&str; 8] = [
    "operation",
    "direction",
    "correlation_id",
    "peer",
    "requesting_system",
    "receiving_system",
    "urgency",
    "justification",
];

const URGENCIES: [Urgency; 4] = [
    Urgency::Low,
    Urgency::Normal,
    Urgency::High,
    Urgency::Critical,
];

/// Reads a submitted request from its JSON text; an error holds every problem that was found.
pub fn parse_request(bytes: &[u8], limits: WireLimits) -> Result<InterSystemRequest, Vec<Problem>> {
    let value = strict_json(bytes, limits).map_err(|problem| vec![problem])?;
    read_request(&value, limits)
}

/// Reads a submitted request from JSON that was read strictly; an error holds every problem that was found.
pub fn read_request(value: &Value, limits: WireLimits) -> Result<InterSystemRequest, Vec<Problem>> {
    let report = Report::default();
    let read = Element::root(value, &report)
        .object()
        .and_then(|members| request(&members, limits));
    report.finish(read)
}

/// The flat JSON of a request; fails on configuration data in clear, which is never written down.
pub fn write_request(request: &InterSystemRequest) -> Result<Value, serde_json::Error> {
    let mut flat = Map::new();
    if let Value::Object(members) = serde_json::to_value(request)? {
        for (name, value) in members {
            match (name.as_str(), value) {
                ("body", Value::Object(body)) => flat.extend(body),
                (_, value) => {
                    flat.insert(name, value);
                }
            }
        }
    }
    Ok(Value::Object(flat))
}

fn request(members: &Members<'_>, limits: WireLimits) -> Option<InterSystemRequest> {
    let operation = members
        .required("operation")
        .and_then(|word| word.word("an operation", &Operation::ALL.map(|o| (o.as_str(), o))));
    refuse_unknown(members, operation);
    let direction = members.required("direction").and_then(|element| {
        let direction = direction_word(&element)?;
        refuse_side(&element, operation, direction);
        Some(direction)
    });
    let correlation_id = members
        .required("correlation_id")
        .and_then(|id| correlation_id(&id));
    let peer = peer(members, direction);
    let requesting_system = members
        .required("requesting_system")
        .and_then(|system| system.parsed());
    let receiving_system = members
        .required("receiving_system")
        .and_then(|system| system.parsed());
    let body = operation.and_then(|operation| body(members, operation, limits));
    let urgency = members
        .optional("urgency")
        .map(|word| word.word("an urgency", &URGENCIES.map(|u| (u.as_str(), u))));
    let justification = members
        .optional("justification")
        .and_then(|text| text.bounded_text(JUSTIFICATION_BYTES_MAX));
    Some(InterSystemRequest {
        direction: direction?,
        correlation_id: correlation_id?,
        peer,
        requesting_system: requesting_system?,
        receiving_system: receiving_system?,
        body: body?,
        urgency: urgency.unwrap_or(Some(Urgency::default()))?,
        justification,
    })
}

fn members_of(operation: Operation) -> &'static [&'static str] {
    match operation {
        Operation::GroupMembershipUpdate => &["requester", "target", "group", "members", "change"],
        Operation::Affiliation => &["user", "group", "service", "serving_system"],
        Operation::MigrationServiceAuthorization => {
            &["user", "serving_mc_service_id", "services", "profile_index"]
        }
        Operation::UeConfigurationPush => &["requester", "mc_system_id", "configuration"],
    }
}

/// An operation that is not known cannot say which members it has; then those of all are let pass.
fn refuse_unknown(members: &Members<'_>, operation: Option<Operation>) {
    let mut known = COMMON.to_vec();
    match operation {
        Some(operation) => known.extend(members_of(operation)),
        None => known.extend(Operation::ALL.into_iter().flat_map(members_of)),
    }
    members.refuse_unknown(&known);
}

fn direction_word(element: &Element<'_>) -> Option<Direction> {
    let all = [
        Direction::Outbound,
        Direction::Inbound,
        Direction::HomeConsent,
    ];
    element.word("a direction", &all.map(|d| (d.as_str(), d)))
}

fn refuse_side(element: &Element<'_>, operation: Option<Operation>, direction: Direction) {
    if let Some(operation) = operation
        && !operation.directions().contains(&direction)
    {
        let decided: Vec<&str> = operation.directions().iter().map(|d| d.as_str()).collect();
        element.refuse(format!(
            "`{operation}` is not decided `{direction}`, only {}",
            decided.join(", ")
        ));
    }
}

fn correlation_id(element: &Element<'_>) -> Option<String> {
    let text = element.text()?;
    if text.is_empty()
        || text.len() > CORRELATION_ID_CHARACTERS_MAX
        || !text.bytes().all(|byte| byte.is_ascii_graphic())
    {
        element.refuse(format!(
            "must be 1 to {CORRELATION_ID_CHARACTERS_MAX} visible ASCII characters"
        ));
        return None;
    }
    Some(text.to_owned())
}

fn peer(members: &Members<'_>, direction: Option<Direction>) -> Option<Peer> {
    let element = match direction {
        Some(Direction::Outbound) => {
            if members.optional("peer").is_some() {
                members.refuse_member(
                    "peer",
                    "an outbound request has no peer yet; leave it out".to_owned(),
                );
            }
            return None;
        }
        Some(Direction::Inbound | Direction::HomeConsent) => members.required("peer")?,
        None => members.optional("peer")?,
    };
    let peer = element.object_of(&["system", "certificate"])?;
    let system = peer.required("system").and_then(|id| id.parsed());
    let certificate = peer
        .required("certificate")
        .and_then(|thumbprint| thumbprint.parsed());
    Some(Peer {
        system: system?,
        certificate: certificate?,
    })
}

fn body(members: &Members<'_>, operation: Operation, limits: WireLimits) -> Option<OperationBody> {
    Some(match operation {
        Operation::GroupMembershipUpdate => {
            OperationBody::GroupMembershipUpdate(membership_update(members, limits)?)
        }
        Operation::Affiliation => OperationBody::Affiliation(affiliation(members)?),
        Operation::MigrationServiceAuthorization => {
            OperationBody::MigrationServiceAuthorization(migration(members)?)
        }
        Operation::UeConfigurationPush => OperationBody::UeConfigurationPush(push(members)?),
    })
}

fn membership_update(members: &Members<'_>, limits: WireLimits) -> Option<GroupMembershipUpdate> {
    let changes = [
        ("add", MembershipChange::Add),
        ("delete", MembershipChange::Delete),
    ];
    let requester = members
        .required("requester")
        .and_then(|who| requester(&who));
    let target = members.required("target").and_then(|whom| target(&whom));
    let group = members.required("group").and_then(|id| id.identity());
    let users = members
        .required("members")
        .and_then(|list| users(&list, limits));
    let change = members
        .required("change")
        .and_then(|word| word.word("a change", &changes));
    Some(GroupMembershipUpdate {
        requester: requester?,
        target: target?,
        group: group?,
        members: users?,
        change: change?,
    })
}

fn affiliation(members: &Members<'_>) -> Option<Affiliation> {
    let user = members.required("user").and_then(|id| id.identity());
    let group = members.required("group").and_then(|id| id.identity());
    let service = members.required("service").and_then(|word| service(&word));
    let serving_system = members
        .required("serving_system")
        .and_then(|system| system.parsed());
    Some(Affiliation {
        user: user?,
        group: group?,
        service: service?,
        serving_system: serving_system?,
    })
}

fn migration(members: &Members<'_>) -> Option<MigrationServiceAuthorization> {
    let user = members.required("user").and_then(|id| id.identity());
    let serving_mc_service_id = members
        .optional("serving_mc_service_id")
        .and_then(|id| id.identity());
    let services = members
        .required("services")
        .and_then(|list| services(&list));
    let profile_index = members
        .optional("profile_index")
        .and_then(|index| index.small_number());
    Some(MigrationServiceAuthorization {
        user: user?,
        serving_mc_service_id,
        services: services?,
        profile_index,
    })
}

fn push(members: &Members<'_>) -> Option<UeConfigurationPush> {
    let requester = members
        .required("requester")
        .and_then(|who| requester(&who));
    let mc_system_id = members
        .required("mc_system_id")
        .and_then(|system| system.parsed());
    let configuration = members
        .required("configuration")
        .and_then(|data| configuration(&data));
    Some(UeConfigurationPush {
        requester: requester?,
        mc_system_id: mc_system_id?,
        configuration: PushedConfiguration::Clear(Box::new(configuration?)),
    })
}

fn requester(element: &Element<'_>) -> Option<Requester> {
    let members = element.object_of(&["mc_service_id", "functional_alias", "organisation"])?;
    let mc_service_id = members
        .required("mc_service_id")
        .and_then(|id| id.identity());
    let functional_alias = members
        .optional("functional_alias")
        .and_then(|alias| alias.identity());
    let organisation = members
        .optional("organisation")
        .and_then(|name| name.bounded_text(ORGANISATION_BYTES_MAX));
    Some(Requester {
        mc_service_id: mc_service_id?,
        functional_alias,
        organisation,
    })
}

fn target(element: &Element<'_>) -> Option<Target> {
    let members = element.object_of(&["mc_service_id", "functional_alias"])?;
    let mc_service_id = members.optional("mc_service_id");
    let functional_alias = members.optional("functional_alias");
    if mc_service_id.is_none() && functional_alias.is_none() {
        members.refuse("must have `mc_service_id`, `functional_alias` or both");
        return None;
    }
    Some(Target {
        mc_service_id: mc_service_id.and_then(|id| id.identity()),
        functional_alias: functional_alias.and_then(|alias| alias.identity()),
    })
}

fn users(element: &Element<'_>, limits: WireLimits) -> Option<Vec<McServiceId>> {
    let elements = element.list(limits.members)?;
    let mut first_places: HashMap<String, String> = HashMap::with_capacity(elements.len());
    let mut users = Vec::with_capacity(elements.len());
    for element in elements {
        let Some(user) = element.identity::<McServiceId>() else {
            continue;
        };
        let subscriber = user.uri().subscriber().to_owned();
        if let Some(first) = first_places.get(&subscriber) {
            element.refuse(format!("names the same user as `{first}`"));
        } else {
            first_places.insert(subscriber, element.pointer().to_owned());
            users.push(user);
        }
    }
    Some(users)
}

fn service(element: &Element<'_>) -> Option<McService> {
    element.word("an MC service", &McService::ALL.map(|s| (s.as_str(), s)))
}

fn services(element: &Element<'_>) -> Option<Vec<McService>> {
    let mut services = Vec::new();
    for element in element.list(McService::ALL.len())? {
        match service(&element) {
            Some(repeated) if services.contains(&repeated) => {
                element.refuse(format!("names `{repeated}` again"));
            }
            Some(service) => services.push(service),
            None => {}
        }
    }
    Some(services)
}

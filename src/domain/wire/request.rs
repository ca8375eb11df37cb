//! The flat JSON shape of an inter-system request.

use serde_json::Map;
use serde_json::Value;

use super::Problem;
use super::WireLimits;
use super::element::Element;
use super::element::Members;
use super::element::Report;
use super::json::strict_json;
use crate::domain::operation::Direction;
use crate::domain::operation::Operation;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::Peer;
use crate::domain::request::Urgency;

const CORRELATION_ID_CHARACTERS_MAX: usize = 128;
const JUSTIFICATION_BYTES_MAX: usize = 4_096;

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
        .and_then(|word| operation_word(&word));
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
    let body = operation.and_then(|operation| operation.read(members, limits));
    let urgency = members
        .optional("urgency")
        .and_then(|word| word.word("an urgency", &URGENCIES.map(|u| (u.as_str(), u))));
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
        urgency: urgency.unwrap_or_default(),
        justification,
    })
}

/// An operation that is not known cannot say which members it has; then those of all are let pass.
fn refuse_unknown(members: &Members<'_>, operation: Option<Operation>) {
    let mut known = COMMON.to_vec();
    match operation {
        Some(operation) => known.extend(operation.members()),
        None => known.extend(
            Operation::ALL
                .iter()
                .flat_map(|operation| operation.members()),
        ),
    }
    members.refuse_unknown(&known);
}

fn operation_word(element: &Element<'_>) -> Option<Operation> {
    let words: Vec<_> = Operation::ALL.iter().map(|o| (o.as_str(), *o)).collect();
    element.word("an operation", &words)
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

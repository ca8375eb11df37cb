//! What a record is found by that is nobody's: read without the rest of it, so that an index of many is made quickly.

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::domain::identity::GroupId;
use crate::domain::identity::McSystemId;
use crate::domain::operation::Direction;
use crate::domain::operation::Operation;
use crate::domain::outcome::Outcome;

/// The elements of an operation that name groups.
const GROUP_ELEMENTS: [&str; 4] = ["group", "groups", "regroup_group", "source_group"];

/// What a decision is found by; it outlives the erasure of every person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The request, by the random name it has here.
    pub request_id: Uuid,
    /// On which side the question was asked.
    pub direction: Direction,
    /// The operation.
    pub operation: Operation,
    /// The other system of the exchange.
    pub partner: McSystemId,
    /// The account that submitted it.
    pub caller: String,
    /// The digest of the bundle that decided.
    pub bundle: String,
    /// The groups that it is about.
    pub groups: Vec<GroupId>,
    /// What came out, item by item.
    pub outcomes: Vec<Outcome>,
    /// The categories of all items, each once, in order.
    pub categories: Vec<String>,
    /// The policies that determined the outcome of an item, each once, in order.
    pub policies: Vec<String>,
}

/// The members of the state part that matter; others are passed over.
#[derive(Deserialize)]
struct Wire {
    request_id: Uuid,
    direction: Direction,
    requesting_system: McSystemId,
    receiving_system: McSystemId,
    operation: OperationWire,
    caller: String,
    bundle: BundleWire,
    items: Vec<ItemWire>,
}

#[derive(Deserialize)]
struct OperationWire {
    operation: Operation,
    #[serde(default)]
    elements: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
struct BundleWire {
    digest: String,
}

#[derive(Deserialize)]
struct ItemWire {
    outcome: Outcome,
    policies: Vec<PolicyWire>,
    categories: Vec<String>,
    #[serde(default)]
    group: Option<GroupId>,
}

#[derive(Deserialize)]
struct PolicyWire {
    id: String,
}

impl Outline {
    /// Reads it from the body of a part, if that is the state part of a record.
    pub fn of_part(body: &[u8]) -> Option<Self> {
        let wire: Wire = serde_json::from_slice(body).ok()?;
        let partner = match wire.direction {
            Direction::Outbound => wire.receiving_system,
            Direction::Inbound | Direction::HomeConsent => wire.requesting_system,
        };
        let mut groups: Vec<GroupId> = named_groups(&wire.operation.elements);
        let (mut outcomes, mut categories, mut policies) = (Vec::new(), Vec::new(), Vec::new());
        for item in wire.items {
            outcomes.push(item.outcome);
            categories.extend(item.categories);
            policies.extend(item.policies.into_iter().map(|policy| policy.id));
            groups.extend(item.group);
        }
        groups.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        groups.dedup();
        for texts in [&mut categories, &mut policies] {
            texts.sort();
            texts.dedup();
        }
        Some(Self {
            request_id: wire.request_id,
            direction: wire.direction,
            operation: wire.operation.operation,
            partner,
            caller: wire.caller,
            bundle: wire.bundle.digest,
            groups,
            outcomes,
            categories,
            policies,
        })
    }
}

fn named_groups(elements: &serde_json::Map<String, Value>) -> Vec<GroupId> {
    let values = GROUP_ELEMENTS.iter().filter_map(|name| elements.get(*name));
    let texts = values.flat_map(|value| match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => vec![text.as_str()],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    });
    texts.filter_map(|text| text.parse().ok()).collect()
}

//! An AuthZEN evaluation as an inter-system request of one item.
//!
//! `action.name` is the operation, and `context.request` its elements as on `/v1`. Subject and resource are who asks and
//! what is asked for; where the elements do not name them, they are put in, and where they do, both must say the same.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::app::access_request::Tuple;
use crate::app::error::Invalid;
use crate::decision::query::serving_system;
use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::operation::Operation;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::elements::Principal;
use crate::domain::request::elements::Resource;
use crate::domain::wire;
use crate::domain::wire::WireLimits;

/// Where the elements stand.
const ELEMENTS: &str = "/context/request";

/// The members by which operations name the user who asks, beside `requester`.
const ASKING: [&str; 3] = ["user", "caller", "sender"];

/// Reads what an evaluation asks as a request.
pub(super) fn read(tuple: &Tuple, limits: WireLimits) -> Result<InterSystemRequest, Vec<Invalid>> {
    let written = match tuple.context.get("request") {
        None => Map::new(),
        Some(Value::Object(members)) => members.clone(),
        Some(_) => return Err(vec![Invalid::at(ELEMENTS, "must be an object")]),
    };
    let filled = Filled::of(tuple, &written)?;
    let mut members = written;
    for (name, value, _) in &filled.0 {
        members.insert((*name).to_owned(), value.clone());
    }
    let request = wire::read_request(&Value::Object(members), limits).map_err(|problems| {
        let place = |problem: wire::Problem| Invalid::at(filled.place(&problem), problem.detail);
        problems.into_iter().map(place).collect::<Vec<_>>()
    })?;
    check(tuple, &request)?;
    Ok(request)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What subject, resource and action say and the elements do not: the member, its value, and where it was said.
struct Filled(Vec<(&'static str, Value, &'static str)>);

impl Filled {
    fn of(tuple: &Tuple, written: &Map<String, Value>) -> Result<Self, Vec<Invalid>> {
        let name = text(&tuple.action, "name");
        if let Some(operation) = written.get("operation")
            && operation.as_str() != Some(name)
        {
            let detail = "is not the operation that `context.request` names";
            return Err(vec![Invalid::at("/action/name", detail)]);
        }
        let mut filled = vec![("operation", json!(name), "/action/name")];
        let known = Operation::ALL.iter().find(|it| it.as_str() == name);
        let Some(operation) = known else {
            return Ok(Self(filled));
        };
        let of_operation = operation.members();
        let is_free = |name: &str| of_operation.contains(&name) && !written.contains_key(name);
        let (subject, resource) = (&tuple.subject, &tuple.resource);
        let (who, what) = (json!(text(subject, "id")), json!(text(resource, "id")));
        match text(subject, "type") {
            "user" if is_free("requester") => {
                filled.push(("requester", json!({ "mc_service_id": who }), "/subject/id"));
            }
            "user" if !of_operation.contains(&"requester") => {
                let asked_for = operation.asked_for_member();
                let asking = ASKING.into_iter().find(|name| {
                    of_operation.contains(name) && asked_for.is_none_or(|asked| asked != *name)
                });
                let asking = asking.filter(|name| is_free(name));
                filled.extend(asking.map(|name| (name, who, "/subject/id")));
            }
            "system" if !written.contains_key("requesting_system") => {
                filled.push(("requesting_system", who, "/subject/id"));
            }
            _ => {}
        }
        match text(resource, "type") {
            "group" if is_free("group") => filled.push(("group", what, "/resource/id")),
            "user" => {
                let asked = operation.asked_for_member().filter(|name| is_free(name));
                filled.extend(asked.map(|name| (name, what, "/resource/id")));
            }
            "system" if !written.contains_key("receiving_system") => {
                filled.push(("receiving_system", what, "/resource/id"));
            }
            _ => {}
        }
        Ok(Self(filled))
    }

    /// Where in the evaluation a problem of the request is.
    fn place(&self, problem: &wire::Problem) -> String {
        let pointer = &problem.pointer;
        let within = |name: &str| {
            let rest = pointer
                .strip_prefix('/')
                .and_then(|it| it.strip_prefix(name));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut filled = self.0.iter();
        match filled.find(|(name, ..)| within(name)) {
            Some((.., said)) => (*said).to_owned(),
            None => format!("{ELEMENTS}{pointer}"),
        }
    }
}

/// Subject and resource are those of the request.
fn check(tuple: &Tuple, request: &InterSystemRequest) -> Result<(), Vec<Invalid>> {
    let elements = request.body.elements();
    let (subject, resource) = (&tuple.subject, &tuple.resource);
    let who = match elements.principal() {
        Principal::User(user) => is_user(subject, user),
        Principal::RequestingSystem => is_system(subject, Some(&request.requesting_system)),
    };
    let what = match elements.resource() {
        Resource::Group(group) => {
            text(resource, "type") == "group"
                && text(resource, "id").parse::<GroupId>().ok().as_ref() == Some(group)
        }
        Resource::User(user) => is_user(resource, user),
        Resource::ReceivingSystem => is_system(resource, Some(&request.receiving_system)),
        Resource::ServingSystem => is_system(resource, serving_system(request)),
    };
    let mut problems = Vec::new();
    if !who {
        let detail = match elements.principal() {
            Principal::User(_) => "is not the `user` who asks by the elements of the request",
            Principal::RequestingSystem => "is not the `system` that asks",
        };
        problems.push(Invalid::at("/subject", detail));
    }
    if !what {
        let detail = match elements.resource() {
            Resource::Group(_) => "is not the `group` that the elements of the request name",
            Resource::User(_) => "is not the `user` who is asked for",
            Resource::ReceivingSystem => "is not the `system` that is asked",
            Resource::ServingSystem => "is not the `system` that serves the user",
        };
        problems.push(Invalid::at("/resource", detail));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

fn is_user(entity: &Value, user: &McServiceId) -> bool {
    text(entity, "type") == "user"
        && text(entity, "id").parse::<McServiceId>().ok().as_ref() == Some(user)
}

fn is_system(entity: &Value, system: Option<&McSystemId>) -> bool {
    let named = text(entity, "id").parse::<McSystemId>().ok();
    text(entity, "type") == "system" && system.is_some() && named.as_ref() == system
}

//! People in a request: who asks, whom they ask, and lists of users.

use std::collections::HashMap;

use super::WireLimits;
use super::element::Element;
use crate::domain::identity::McServiceId;
use crate::domain::request::Requester;
use crate::domain::request::Target;

const ORGANISATION_BYTES_MAX: usize = 255;

/// Who asks.
pub(in crate::domain) fn requester(element: &Element<'_>) -> Option<Requester> {
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

/// Whom they ask: one of the two must be there.
pub(in crate::domain) fn target(element: &Element<'_>) -> Option<Target> {
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

/// Users, none of them twice; `sip:` and `sips:` of one user are one.
pub(in crate::domain) fn users(
    element: &Element<'_>,
    limits: WireLimits,
) -> Option<Vec<McServiceId>> {
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

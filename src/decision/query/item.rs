//! The items of a request.

use crate::decision::decide::ItemKey;
use crate::decision::facts::Facts;
use crate::decision::facts::PersonFacts;
use crate::domain::identity::McSystemId;
use crate::domain::operation::Direction;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::OperationBody;
use crate::domain::request::elements::Division;
use crate::domain::request::elements::Serving;
use crate::domain::service::McService;

/// The items of a request, in its order; what is listed twice is two items.
pub fn items(request: &InterSystemRequest, facts: &Facts) -> Vec<ItemKey> {
    (0..item_count(request, facts))
        .filter_map(|number| item(request, facts, number))
        .collect()
}

/// How many items a request has.
pub fn item_count(request: &InterSystemRequest, facts: &Facts) -> usize {
    let elements = request.body.elements();
    match elements.division() {
        Division::Whole => 1,
        Division::Users => elements.listed(),
        Division::Services(services) => services.len(),
        Division::Groups(groups) => groups.len(),
        Division::Kinds(kinds) => kinds.len(),
        Division::Candidates => facts.candidates.len(),
    }
}

/// One item, by its number.
pub fn item(request: &InterSystemRequest, facts: &Facts, number: usize) -> Option<ItemKey> {
    let elements = request.body.elements();
    let mut key = ItemKey {
        subject: elements.requesting_user().cloned(),
        service: elements.service(),
        group: None,
        kind: None,
        system: None,
    };
    if let Some(subject) = elements.subject() {
        key.subject = Some(subject.clone());
    }
    match elements.division() {
        Division::Whole => (number == 0).then_some(())?,
        Division::Users => key.subject = Some(elements.listed_subject(number)?.clone()),
        Division::Services(services) => key.service = Some(*services.get(number)?),
        Division::Groups(groups) => key.group = Some(groups.get(number)?.clone()),
        Division::Kinds(kinds) => key.kind = Some(*kinds.get(number)?),
        Division::Candidates => key.system = Some(facts.candidates.get(number)?.system.clone()),
    }
    Some(key)
}

/// What is known about whom an item concerns.
pub(crate) fn person<'a>(
    request: &InterSystemRequest,
    facts: &'a Facts,
    number: usize,
) -> Option<&'a PersonFacts> {
    let elements = request.body.elements();
    if elements.listed() > 0 {
        facts.subjects.get(number)
    } else if elements.subject().is_some() {
        facts.subjects.first()
    } else {
        facts.requester.as_ref()
    }
}

/// Whether the request only takes away (ruling 14).
pub(crate) fn is_reducing(body: &OperationBody) -> bool {
    body.elements().is_reducing()
}

/// The system that serves the user.
pub(crate) fn serving_system(request: &InterSystemRequest) -> Option<&McSystemId> {
    match request.body.elements().serving() {
        Serving::Nobody => None,
        Serving::Named(system) => Some(system),
        Serving::Migration => Some(match request.direction {
            Direction::HomeConsent => &request.requesting_system,
            Direction::Inbound | Direction::Outbound => &request.receiving_system,
        }),
    }
}

/// The services of an item's question, as policies name them.
pub(crate) fn service_word(service: Option<McService>) -> &'static str {
    service.map_or("", McService::as_str)
}

//! What the register of current systems says of a visitor whose home is to be asked.

use std::collections::BTreeMap;

use crate::decision::facts::Lookup;
use crate::decision::facts::ReadKey;
use crate::domain::document::Document;
use crate::domain::migration::Migration;
use crate::domain::operation::Direction;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Revision;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::OperationBody;
use crate::domain::service::McService;
use crate::store::state::State;

/// The entries of a visitor, and what was read to know them.
#[derive(Debug, Default)]
pub(in crate::app) struct Registered {
    pub(in crate::app) entries: BTreeMap<McService, Migration>,
    pub(in crate::app) read: Vec<(ReadKey, Option<Revision>)>,
}

/// The entries about a visitor, in each service in which their home is to be asked.
pub(in crate::app) fn of_visitor(request: &InterSystemRequest, state: &State) -> Registered {
    let mut found = Registered::default();
    let OperationBody::MigrationServiceAuthorization(asked) = &request.body else {
        return found;
    };
    if request.direction != Direction::Inbound {
        return found;
    }
    for service in &asked.services {
        let Ok(id) = Migration::id(&asked.user, *service) else {
            continue;
        };
        let key = DocumentKey {
            kind: DocumentKind::Migration,
            id,
        };
        let entry = state.document(&key);
        let revision = entry.as_ref().map(|entry| entry.revision);
        if let Some(Document::Migration(entry)) = entry.as_ref().map(|entry| entry.value.as_ref()) {
            found.entries.insert(*service, entry.clone());
        }
        found.read.push((ReadKey::Document(key), revision));
    }
    found
}

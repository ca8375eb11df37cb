//! A registry in memory, as one system has it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decision::facts::Facts;
use crate::decision::facts::ReadSet;
use crate::decision::facts::gather;
use crate::decision_log::LogIndex;
use crate::domain::document::Document;
use crate::domain::identity::McSystemId;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::Versioned;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::domain::ue_configuration::UeConfigurationData;
use crate::store::event::DocumentChange;
use crate::store::event::Event;
use crate::store::event::EventBody;
use crate::store::state::State;

/// What one system knows, each document with a revision of its own.
#[derive(Clone, Debug)]
pub struct ScenarioRegistry {
    /// The system.
    pub local: McSystemId,
    /// Its documents.
    pub documents: BTreeMap<DocumentKey, Versioned<Arc<Document>>>,
    /// The UE configuration data that was written in clear: what a first push would have brought.
    pub in_clear: BTreeMap<DocumentKey, UeConfigurationData>,
}

impl ScenarioRegistry {
    /// The same without one document.
    #[must_use]
    pub fn without(&self, key: &DocumentKey) -> Self {
        let mut registry = self.clone();
        registry.documents.remove(key);
        registry
    }

    /// The facts for a request, and what was read to find them.
    pub fn gather(&self, request: &InterSystemRequest, now: Timestamp) -> (Facts, ReadSet) {
        gather(&self.local, request, &self.state(), now)
    }

    /// The state of a store into which the documents were written one by one.
    pub fn state(&self) -> State {
        let mut state = State::default();
        for (key, document) in &self.documents {
            let put = DocumentChange::Put(key.clone(), Arc::clone(&document.value));
            let body = EventBody::DocumentsWritten {
                changes: vec![put],
                actor: None,
            };
            let event = Event::new(Timestamp::from_milliseconds(0), body);
            state.apply(&event, LogIndex(document.revision.0));
        }
        state
    }
}

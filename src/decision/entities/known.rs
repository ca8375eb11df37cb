//! Entities that were built before, found again by what they were built from.
//!
//! Decisions about the same partner or group mostly find the same agreement and the same configuration. Comparing two
//! documents costs a small part of building their entity. What is found is exactly what would be built: it is looked
//! up by the whole content, not by a revision.

use std::cell::RefCell;
use std::collections::HashMap;

use cedar_policy::Entity;

use crate::decision::facts::GroupFacts;
use crate::domain::agreement::Agreement;
use crate::domain::identity::GroupId;
use crate::domain::identity::McSystemId;

/// How many entities of a kind are remembered; then all are forgotten.
const REMEMBERED_MAX: usize = 4_096;

/// What one worker has built; workers share nothing.
#[derive(Debug, Default)]
pub struct KnownEntities {
    agreements: RefCell<HashMap<McSystemId, (Agreement, Entity)>>,
    groups: RefCell<HashMap<GroupId, (McSystemId, GroupFacts, Entity)>>,
}

impl KnownEntities {
    pub(super) fn agreement(&self, agreement: &Agreement) -> Option<Entity> {
        let known = self.agreements.borrow();
        let (content, entity) = known.get(&agreement.partner)?;
        (content == agreement).then(|| entity.clone())
    }

    pub(super) fn remember_agreement(&self, agreement: &Agreement, entity: &Entity) {
        let mut known = self.agreements.borrow_mut();
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        let content = (agreement.clone(), entity.clone());
        known.insert(agreement.partner.clone(), content);
    }

    pub(super) fn group(
        &self,
        id: &GroupId,
        home: &McSystemId,
        facts: &GroupFacts,
    ) -> Option<Entity> {
        let known = self.groups.borrow();
        let (known_home, content, entity) = known.get(id)?;
        (known_home == home && content == facts).then(|| entity.clone())
    }

    pub(super) fn remember_group(
        &self,
        id: &GroupId,
        (home, facts): (&McSystemId, &GroupFacts),
        entity: &Entity,
    ) {
        let mut known = self.groups.borrow_mut();
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        let content = (home.clone(), facts.clone(), entity.clone());
        known.insert(id.clone(), content);
    }
}

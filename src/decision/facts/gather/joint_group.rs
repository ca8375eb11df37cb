//! What a joint group that is to be created meets: a group of that identity, and who has an agreement with us.

use std::collections::BTreeSet;

use super::Gatherer;
use crate::decision::facts::JointGroupFacts;
use crate::domain::document::Document;
use crate::domain::identity::McSystemId;
use crate::domain::lapse::Lapse;
use crate::domain::registry::Versioned;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::OperationBody;

impl Gatherer<'_> {
    pub(super) fn joint_group(&mut self, request: &InterSystemRequest) -> Option<JointGroupFacts> {
        let OperationBody::JointGroupCreation(asked) = &request.body else {
            return None;
        };
        let home = self.home(asked.group.uri());
        let found = self.own_group(&asked.group, home.as_ref());
        let existing = found.map(|found| Versioned {
            revision: found.revision,
            value: matches!(
                found.value.as_ref(),
                Document::Group(group) if asked.is_same(group)
            ),
        });
        let two = [&request.requesting_system, &request.receiving_system];
        let mut without_agreement: BTreeSet<McSystemId> = BTreeSet::new();
        for system in asked.partners.iter().filter(|it| !two.contains(it)) {
            let agreement = self.agreement(system);
            let agreement = agreement.as_ref().map(|found| &found.value);
            if Lapse::of(agreement, self.now).is_some() {
                without_agreement.insert(system.clone());
            }
        }
        Some(JointGroupFacts {
            existing,
            without_agreement,
        })
    }
}

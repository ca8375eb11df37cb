//! Agreements that are tried instead of those that were recorded.

use std::collections::BTreeMap;

use crate::decision::facts::Facts;
use crate::decision::facts::of_agreement;
use crate::decision::facts::other_system;
use crate::decision::query::serving_system;
use crate::domain::agreement::Agreement;
use crate::domain::identity::McSystemId;
use crate::domain::registry::Revision;
use crate::domain::registry::Versioned;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::elements::Need;

/// Our halves of agreements, by partner.
#[derive(Debug, Default)]
pub(super) struct Agreements(BTreeMap<McSystemId, Agreement>);

impl Agreements {
    /// The last one of a partner counts; what no decision reads of them is left out, as it is of recorded ones.
    pub(super) fn new(agreements: Vec<Agreement>) -> Self {
        let read = agreements
            .into_iter()
            .map(|agreement| (agreement.partner.clone(), of_agreement(&agreement)));
        Self(read.collect())
    }

    pub(super) fn partners(&self) -> impl Iterator<Item = &McSystemId> {
        self.0.keys()
    }

    /// The facts with these agreements; nothing where no agreement that is tried concerns them.
    ///
    /// What was counted or looked up under the recorded agreement stays as it was.
    pub(super) fn over(&self, request: &InterSystemRequest, facts: &Facts) -> Option<Facts> {
        if self.0.is_empty() {
            return None;
        }
        let mut tried = facts.clone();
        let local = facts.shared.local.clone();
        let elements = request.body.elements();
        let elsewhere = |system: Option<&McSystemId>| system.filter(|it| **it != local).cloned();
        let home = facts
            .subjects
            .first()
            .and_then(|subject| subject.home.as_ref());
        let home = elsewhere(home).filter(|_| elements.needs_to_know(Need::HomeAgreement));
        let serving = elsewhere(serving_system(request));
        let serving = serving.filter(|_| elements.needs_to_know(Need::ServingAgreement));
        let shared = &mut tried.shared;
        self.put(&mut shared.agreement, Some(other_system(request)));
        self.put(&mut shared.home_agreement, home.as_ref());
        self.put(&mut shared.serving_agreement, serving.as_ref());
        for candidate in &mut tried.candidates {
            let system = candidate.system.clone();
            self.put(&mut candidate.agreement, Some(&system));
        }
        (tried != *facts).then_some(tried)
    }

    fn put(&self, known: &mut Option<Versioned<Agreement>>, partner: Option<&McSystemId>) {
        if let Some(agreement) = partner.and_then(|partner| self.0.get(partner)) {
            let revision = known.as_ref().map_or(Revision(0), |known| known.revision);
            *known = Some(Versioned {
                revision,
                value: agreement.clone(),
            });
        }
    }
}

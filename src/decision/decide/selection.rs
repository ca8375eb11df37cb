//! The choice among the systems to which a user may migrate (TR 23.781 clause 6.2.3 step 3; rulings 20 and 21).
//!
//! Policies decide on each candidate by itself. The choice then takes from what they accept; it never adds to it.

use serde::Deserialize;
use serde::Serialize;

use crate::decision::decide::ItemDecision;
use crate::decision::facts::Facts;
use crate::decision::facts::GrantFacts;
use crate::decision::facts::LocationFacts;
use crate::decision::obligation::Limits;
use crate::decision::reason::ReasonCode;
use crate::domain::area;
use crate::domain::area::Candidates;
use crate::domain::area::Certainty;
use crate::domain::area::Doubt;
use crate::domain::area::Located;
use crate::domain::area::Preferences;
use crate::domain::area::Reason;
use crate::domain::area::Wish;
use crate::domain::identity::McSystemId;
use crate::domain::outcome::Outcome;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::elements::Division;
use crate::domain::user::PrivateCalls;
use crate::domain::user::UserPartner;

/// What was chosen among the candidates, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "result")]
pub enum Selection {
    /// One partner.
    Chosen {
        /// The partner.
        system: McSystemId,
        /// Why.
        because: String,
    },
    /// The user stays on the home system.
    StayHome {
        /// Why.
        because: String,
    },
    /// The user chooses.
    UserChooses {
        /// The systems, the likeliest first.
        systems: Vec<McSystemId>,
        /// What is not known of the location; empty: nobody is preferred where the user is.
        doubts: Vec<String>,
    },
    /// No system.
    None,
}

/// What is chosen among the candidates as they were decided; nothing for an operation without candidates.
pub fn selection(
    request: &InterSystemRequest,
    facts: &Facts,
    items: &[ItemDecision],
) -> Option<Selection> {
    let elements = request.body.elements();
    if elements.division() != Division::Candidates {
        return None;
    }
    let person = facts.subjects.first();
    let grants = person.into_iter().flat_map(|person| &person.grants);
    let listed: Vec<UserPartner> = grants.map(listed).collect();
    // Those that another was preferred to were accepted too: what is chosen must not depend on whether it was told.
    let accepted = items.iter().filter(|item| is_acceptable(item));
    let accepted = accepted.filter_map(|item| item.item.system.clone());
    let candidates = Candidates::new(facts.shared.local.clone(), &listed, accepted);
    let location = person.and_then(|person| person.location.as_ref());
    let located = location.map_or_else(nowhere, LocationFacts::located);
    let preferences = location.map_or_else(Preferences::default, LocationFacts::preferences);
    let wish = Wish {
        requested: elements.requested_system(),
        strict: false,
    };
    let chosen = area::choose(&preferences, &candidates, &located, wish);
    Some(Selection::new(chosen, &located))
}

/// Chooses among the candidates, and refuses those that were not chosen.
pub fn select(
    request: &InterSystemRequest,
    facts: &Facts,
    items: &mut [ItemDecision],
) -> Option<Selection> {
    let selection = selection(request, facts, items)?;
    for item in items {
        let is_left = item
            .item
            .system
            .as_ref()
            .is_some_and(|it| selection.leaves(it));
        if is_acceptable(item) && !is_left {
            item.would_permit = item.policies.iter().map(|it| it.id.clone()).collect();
            item.outcome = Outcome::Reject;
            item.reason = ReasonCode::NotSelected;
            item.partner_text = None;
            item.limits = Limits::default();
            item.obligations = Vec::new();
        }
    }
    Some(selection)
}

fn is_acceptable(item: &ItemDecision) -> bool {
    item.outcome == Outcome::Accept || item.reason == ReasonCode::NotSelected
}

fn listed((system, grant): (&McSystemId, &GrantFacts)) -> UserPartner {
    UserPartner {
        system: system.clone(),
        migration: grant.migration.clone(),
        groups: grant.groups.clone(),
        limited_migration: grant.limited_migration,
        private_calls: PrivateCalls::default(),
        external_kms: grant.external_kms.clone(),
        migration_kms: grant.migration_kms.clone(),
    }
}

/// Without a map nothing is certain, so that the user chooses.
fn nowhere() -> Located {
    Located {
        areas: Vec::new(),
        certainty: Certainty::Uncertain([Doubt::NoFix].into()),
    }
}

impl Selection {
    fn new(chosen: area::Selection, located: &Located) -> Self {
        match chosen {
            area::Selection::Chosen(system, reason) => Self::Chosen {
                system,
                because: because(&reason),
            },
            area::Selection::StayHome(reason) => Self::StayHome {
                because: because(&reason),
            },
            area::Selection::UserChooses(systems) => Self::UserChooses {
                systems,
                doubts: doubts(&located.certainty),
            },
            area::Selection::None => Self::None,
        }
    }

    /// Whether a system that may be used is among what was chosen.
    fn leaves(&self, system: &McSystemId) -> bool {
        match self {
            Self::Chosen { system: chosen, .. } => chosen == system,
            Self::UserChooses { systems, .. } => systems.contains(system),
            Self::StayHome { .. } | Self::None => false,
        }
    }
}

fn because(reason: &Reason) -> String {
    match reason {
        Reason::Requested => "requested".to_owned(),
        Reason::PreferredIn(area) => format!("preferred-in {area}"),
        Reason::PreferredElsewhere => "preferred-elsewhere".to_owned(),
    }
}

fn doubts(certainty: &Certainty) -> Vec<String> {
    match certainty {
        Certainty::Certain => Vec::new(),
        Certainty::Uncertain(doubts) => doubts.iter().map(|it| it.as_str().to_owned()).collect(),
    }
}

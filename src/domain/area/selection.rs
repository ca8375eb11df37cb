//! Which system a user who asks for one gets (TR 23.781 clause 6.2.3 step 3; rulings 20 and 21).

use super::AreaId;
use super::Certainty;
use super::Containment;
use super::Located;
use super::Preference;
use crate::domain::identity::McSystemId;
use crate::domain::user::UserPartner;

/// The systems among which a choice is made.
///
/// INVARIANT (listed): every partner here is on the user's own list, once, and is not the own system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates {
    own: McSystemId,
    partners: Vec<McSystemId>,
}

impl Candidates {
    /// The partners that decisions allow, without those that are not on the user's own list (TR 23.781 clause 5.2.1.2).
    pub fn new(
        own: McSystemId,
        listed: &[UserPartner],
        allowed: impl IntoIterator<Item = McSystemId>,
    ) -> Self {
        let mut partners: Vec<McSystemId> = allowed
            .into_iter()
            .filter(|system| *system != own)
            .filter(|system| listed.iter().any(|partner| partner.system == *system))
            .collect();
        partners.sort();
        partners.dedup();
        Self { own, partners }
    }

    fn has(&self, system: &McSystemId) -> bool {
        self.partners.contains(system)
    }
}

/// Whom to prefer where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    areas: Vec<(AreaId, Preference)>,
    elsewhere: Option<Preference>,
}

impl Preferences {
    /// The preference of each area, and the one where no area applies.
    pub fn new(
        areas: impl IntoIterator<Item = (AreaId, Preference)>,
        elsewhere: Option<Preference>,
    ) -> Self {
        Self {
            areas: areas.into_iter().collect(),
            elsewhere,
        }
    }

    fn area(&self, id: &AreaId) -> Option<&Preference> {
        let mut areas = self.areas.iter();
        let found = areas.find(|(area, _)| area == id);
        found.map(|(_, preference)| preference)
    }
}

/// What the user asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish<'a> {
    /// The system that the user named.
    pub requested: Option<&'a McSystemId>,
    /// Whether a named system that is no candidate ends the search.
    pub strict: bool,
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// That partner.
    Chosen(McSystemId, Reason),
    /// To stay on the home system.
    StayHome(Reason),
    /// The user chooses: at least one system, the likeliest first. The own system is among them where it is preferred.
    UserChooses(Vec<McSystemId>),
    /// No system.
    None,
}

/// Why a system was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The user named it.
    Requested,
    /// It is preferred in that area.
    PreferredIn(AreaId),
    /// It is preferred where no area applies.
    PreferredElsewhere,
}

/// Chooses the system for a user.
///
/// A named candidate is chosen wherever the user is. A named system that is no candidate ends a strict search; else
/// the choice is automatic: the preferences of all areas in which the user is, one after the other in the order of the
/// map, and of those the first system that is the own one or a candidate. Where that list is empty the user chooses.
/// A location that is uncertain never chooses: then the user does, among all candidates.
pub fn choose(
    preferences: &Preferences,
    candidates: &Candidates,
    located: &Located,
    wish: Wish<'_>,
) -> Selection {
    match wish.requested {
        Some(system) if *system == candidates.own => return Selection::StayHome(Reason::Requested),
        Some(system) if candidates.has(system) => {
            return Selection::Chosen(system.clone(), Reason::Requested);
        }
        Some(_) if wish.strict => return Selection::None,
        Some(_) | None => {}
    }
    let preferred = preferred(preferences, located);
    match located.certainty {
        Certainty::Uncertain(_) => user_chooses(candidates, &preferred),
        Certainty::Certain if preferred.is_empty() => undecided(preferences, candidates, located),
        Certainty::Certain => preferred
            .into_iter()
            .find_map(|(system, reason)| select(candidates, system, reason))
            .unwrap_or(Selection::None),
    }
}

fn select(candidates: &Candidates, system: &McSystemId, reason: Reason) -> Option<Selection> {
    if *system == candidates.own {
        Some(Selection::StayHome(reason))
    } else {
        candidates
            .has(system)
            .then(|| Selection::Chosen(system.clone(), reason))
    }
}

/// Nobody is preferred: the user chooses, unless there is neither an area nor a rule for elsewhere.
fn undecided(preferences: &Preferences, candidates: &Candidates, located: &Located) -> Selection {
    if possible(located).next().is_none() && preferences.elsewhere.is_none() {
        Selection::None
    } else {
        user_chooses(candidates, &[])
    }
}

fn user_chooses(candidates: &Candidates, preferred: &[(&McSystemId, Reason)]) -> Selection {
    if candidates.partners.is_empty() {
        return Selection::None;
    }
    let mut systems: Vec<McSystemId> = Vec::new();
    let likeliest = preferred
        .iter()
        .map(|(system, _)| *system)
        .filter(|system| **system == candidates.own || candidates.has(system));
    for system in likeliest.chain(&candidates.partners) {
        if !systems.contains(system) {
            systems.push(system.clone());
        }
    }
    Selection::UserChooses(systems)
}

/// The merged preference of all areas in which the user is or may be.
fn preferred<'a>(preferences: &'a Preferences, located: &Located) -> Vec<(&'a McSystemId, Reason)> {
    let mut merged: Vec<(&McSystemId, Reason)> = Vec::new();
    for id in possible(located) {
        let systems = preferences.area(id);
        append(&mut merged, systems, &Reason::PreferredIn(id.clone()));
    }
    let inside = |(_, containment): &(AreaId, Containment)| *containment == Containment::Inside;
    if !located.areas.iter().any(inside) {
        let elsewhere = preferences.elsewhere.as_ref();
        append(&mut merged, elsewhere, &Reason::PreferredElsewhere);
    }
    merged
}

fn append<'a>(
    merged: &mut Vec<(&'a McSystemId, Reason)>,
    preference: Option<&'a Preference>,
    reason: &Reason,
) {
    for system in preference.into_iter().flat_map(Preference::systems) {
        if merged.iter().all(|(known, _)| *known != system) {
            merged.push((system, reason.clone()));
        }
    }
}

fn possible(located: &Located) -> impl Iterator<Item = &AreaId> {
    located
        .areas
        .iter()
        .filter(|(_, containment)| *containment != Containment::Outside)
        .map(|(id, _)| id)
}

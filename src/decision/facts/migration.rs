//! What is known about where a user might migrate to, where they are, and which access they have.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::access_grant::AccessGrant;
use crate::domain::agreement::Agreement;
use crate::domain::area::AreaId;
use crate::domain::area::AreaMap;
use crate::domain::area::Certainty;
use crate::domain::area::Containment;
use crate::domain::area::Doubt;
use crate::domain::area::Located;
use crate::domain::area::Preference;
use crate::domain::area::Preferences;
use crate::domain::identity::McSystemId;
use crate::domain::migration_user::MigrationUser;
use crate::domain::registry::Versioned;
use crate::domain::time::Timestamp;

/// A system to which the user might migrate; what the user may do there is told with the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateFacts {
    /// The system.
    pub system: McSystemId,
    /// Our half of the agreement with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Versioned<Agreement>>,
}

/// Whether a person was given access to a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessFacts {
    /// The grant, which may have ended.
    pub grant: Option<Versioned<AccessGrant>>,
}

/// What was granted on a token before, in any service; there may be nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUse {
    /// When it was first granted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_granted_at: Option<Timestamp>,
    /// The end of what was granted on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_until: Option<Timestamp>,
}

/// Whether a person is on the list of those who may migrate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListingFacts {
    /// What the list says of the person; absent where it says nothing.
    pub entry: Option<Versioned<MigrationUser>>,
}

/// Where a person is, as far as the areas of our map are concerned. Neither position nor network is among it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationFacts {
    /// The areas in which they are or may be, in the order of the map.
    pub areas: Vec<AreaFacts>,
    /// Whom to prefer where no area applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<Preference>,
    /// Why it is not certain; empty: it is.
    pub doubts: BTreeSet<Doubt>,
}

/// One area in which a person is or may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaFacts {
    /// Its name.
    pub id: AreaId,
    /// Whether they surely are.
    pub is_certain: bool,
    /// Whom to prefer there.
    pub preference: Preference,
}

impl LocationFacts {
    /// What of a map and a location decides.
    pub fn new(map: &AreaMap, located: &Located) -> Self {
        let possible = located.areas.iter();
        let possible = possible.filter(|(_, containment)| *containment != Containment::Outside);
        Self {
            areas: possible
                .filter_map(|(id, containment)| {
                    Some(AreaFacts {
                        id: id.clone(),
                        is_certain: *containment == Containment::Inside,
                        preference: map.area(id)?.preference.clone(),
                    })
                })
                .collect(),
            elsewhere: map.elements().elsewhere.clone(),
            doubts: match &located.certainty {
                Certainty::Certain => BTreeSet::new(),
                Certainty::Uncertain(doubts) => doubts.clone(),
            },
        }
    }

    /// Where the person is, in the words of the choice.
    pub fn located(&self) -> Located {
        let containment = |area: &AreaFacts| {
            if area.is_certain {
                Containment::Inside
            } else {
                Containment::Uncertain
            }
        };
        Located {
            areas: self
                .areas
                .iter()
                .map(|area| (area.id.clone(), containment(area)))
                .collect(),
            certainty: if self.doubts.is_empty() {
                Certainty::Certain
            } else {
                Certainty::Uncertain(self.doubts.clone())
            },
        }
    }

    /// Whom to prefer where.
    pub fn preferences(&self) -> Preferences {
        let areas = self.areas.iter();
        Preferences::new(
            areas.map(|area| (area.id.clone(), area.preference.clone())),
            self.elsewhere.clone(),
        )
    }
}

//! Areas, and which systems are preferred where (TR 23.781 clauses 5.2.3 and 6.2.3 step 3).

mod locate;
mod region;
mod selection;
mod shape;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use smol_str::SmolStr;

use super::geography::Distance;
use super::identity::McSystemId;
use super::location::Confidence;
use super::registry::DocumentId;

pub use locate::Certainty;
pub use locate::Containment;
pub use locate::Doubt;
pub use locate::Located;
pub use locate::locate;
pub use selection::Candidates;
pub use selection::Preferences;
pub use selection::Reason;
pub use selection::Selection;
pub use selection::Wish;
pub use selection::choose;
pub use shape::AreaShape;
pub use shape::EllipsoidArcArea;
pub use shape::InvalidAreaShape;
pub use shape::PlmnSet;
pub use shape::PolygonArea;

const AREAS_MAX: usize = 1_000;
const SHAPES_MAX: usize = 100;

/// Which systems our users migrate to where, as a registry document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "AreaMapElements", into = "AreaMapElements")]
pub struct AreaMap(AreaMapElements);

/// The members of an area map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AreaMapElements {
    /// The key of the map in the registry.
    pub id: DocumentId,
    /// The areas; where several apply, the preferences of an earlier one come first.
    pub areas: Vec<Area>,
    /// The preference where no area applies; absent: no system is chosen there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<Preference>,
    /// The uncertainty of a fix that states none; absent: such a fix is uncertain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unstated_uncertainty_m: Option<Distance>,
    /// A fix that states a lower confidence is uncertain; one that states none is not judged by it.
    #[serde(default = "usual_confidence")]
    pub confidence_min: Confidence,
    /// How old a fix may be, in seconds.
    #[serde(default = "usual_age")]
    pub fix_age_seconds_max: u32,
}

/// A named area and whom to prefer there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// The name.
    pub id: AreaId,
    /// Its parts; the area is wherever one of them is.
    pub shapes: Vec<AreaShape>,
    /// Whom to prefer there.
    #[serde(default)]
    pub preference: Preference,
}

/// Systems, the preferred first; empty leaves the choice to the user. The own system among them means: stay on the home system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<McSystemId>", into = "Vec<McSystemId>")]
pub struct Preference(Vec<McSystemId>);

/// Why elements make no area map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAreaMap {
    /// Not a name.
    #[error("`{0}` is not an area id: 1 to 64 visible ASCII characters")]
    AreaId(String),
    /// Two areas have one name.
    #[error("area `{0}` appears twice")]
    RepeatedArea(AreaId),
    /// An area that is nowhere, or has too many parts.
    #[error("area `{area}` has {found} shapes, but must have 1 to {SHAPES_MAX}")]
    Shapes {
        /// The area.
        area: AreaId,
        /// How many it has.
        found: usize,
    },
    /// No area, or too many.
    #[error("a map has 1 to {AREAS_MAX} areas, not {0}")]
    Areas(usize),
    /// A system is preferred to itself.
    #[error("`{0}` appears twice in one preference")]
    RepeatedSystem(McSystemId),
}

/// Two minutes: at 200 km/h a UE is 7 km away by then.
fn usual_age() -> u32 {
    120
}

fn usual_confidence() -> Confidence {
    Confidence::USUAL
}

impl AreaMap {
    /// What the map says.
    pub fn elements(&self) -> &AreaMapElements {
        &self.0
    }

    /// The areas.
    pub fn areas(&self) -> &[Area] {
        &self.0.areas
    }

    /// How old a fix may be.
    pub fn fix_age_max(&self) -> Duration {
        Duration::from_secs(self.0.fix_age_seconds_max.into())
    }

    /// Whom to prefer where, without where that is.
    pub fn preferences(&self) -> Preferences {
        let areas = self.0.areas.iter();
        Preferences::new(
            areas.map(|area| (area.id.clone(), area.preference.clone())),
            self.0.elsewhere.clone(),
        )
    }

    /// The area of that name.
    pub fn area(&self, id: &AreaId) -> Option<&Area> {
        self.0.areas.iter().find(|area| area.id == *id)
    }
}

impl TryFrom<AreaMapElements> for AreaMap {
    type Error = InvalidAreaMap;

    fn try_from(elements: AreaMapElements) -> Result<Self, Self::Error> {
        if elements.areas.is_empty() || elements.areas.len() > AREAS_MAX {
            return Err(InvalidAreaMap::Areas(elements.areas.len()));
        }
        let mut seen = BTreeSet::new();
        for area in &elements.areas {
            if area.shapes.is_empty() || area.shapes.len() > SHAPES_MAX {
                return Err(InvalidAreaMap::Shapes {
                    area: area.id.clone(),
                    found: area.shapes.len(),
                });
            }
            if !seen.insert(&area.id) {
                return Err(InvalidAreaMap::RepeatedArea(area.id.clone()));
            }
        }
        Ok(Self(elements))
    }
}

impl From<AreaMap> for AreaMapElements {
    fn from(map: AreaMap) -> Self {
        map.0
    }
}

impl Preference {
    /// The systems, the preferred first.
    pub fn systems(&self) -> &[McSystemId] {
        &self.0
    }
}

impl TryFrom<Vec<McSystemId>> for Preference {
    type Error = InvalidAreaMap;

    fn try_from(systems: Vec<McSystemId>) -> Result<Self, Self::Error> {
        let mut seen = BTreeSet::new();
        match systems.iter().find(|system| !seen.insert(*system)) {
            Some(repeated) => Err(InvalidAreaMap::RepeatedSystem(repeated.clone())),
            None => Ok(Self(systems)),
        }
    }
}

impl From<Preference> for Vec<McSystemId> {
    fn from(preference: Preference) -> Self {
        preference.0
    }
}

/// The name of an area.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct AreaId(SmolStr);

impl AreaId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AreaId {
    type Err = InvalidAreaMap;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > 64 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidAreaMap::AreaId(text.to_owned()));
        }
        Ok(Self(SmolStr::new(text)))
    }
}

impl fmt::Display for AreaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AreaId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

//! The shapes of which an area is made.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::geography::InvalidOutline;
use crate::domain::geography::Limits;
use crate::domain::geography::Outline;
use crate::domain::geography::Position;
use crate::domain::geography::Sector;
use crate::domain::identity::PlmnId;
use crate::domain::location::ArcElements;
use crate::domain::location::EllipsoidArc;

/// One part of an area.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AreaShape {
    /// Wherever a UE is registered in one of these networks.
    Plmns {
        /// The networks.
        plmns: PlmnSet,
    },
    /// `PolygonArea`: within corners that are joined by geodesic lines.
    Polygon {
        /// The corners.
        corners: PolygonArea,
    },
    /// `EllipsoidArcArea`: a sector of a ring.
    EllipsoidArc {
        /// The arc.
        arc: EllipsoidArcArea,
    },
}

/// Why elements make no shape of an area.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAreaShape {
    /// No network is named.
    #[error("a set of networks names at least one")]
    NoPlmn,
    /// Not a multiple of 5 m.
    #[error("an inner radius is a multiple of 5 m, not `{0}`")]
    InnerRadius(u32),
    /// Not a multiple of 2 degrees.
    #[error("an angle is a multiple of 2 degrees, not `{0}`")]
    Angle(u16),
    /// The arc is a line.
    #[error("an arc has an uncertainty radius; without one it is a line and not an area")]
    NoWidth,
}

/// At least one network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeSet<PlmnId>", into = "BTreeSet<PlmnId>")]
pub struct PlmnSet(BTreeSet<PlmnId>);

impl PlmnSet {
    /// Whether the network is among them.
    pub fn contains(&self, plmn: &PlmnId) -> bool {
        self.0.contains(plmn)
    }
}

impl TryFrom<BTreeSet<PlmnId>> for PlmnSet {
    type Error = InvalidAreaShape;

    fn try_from(plmns: BTreeSet<PlmnId>) -> Result<Self, Self::Error> {
        if plmns.is_empty() {
            return Err(InvalidAreaShape::NoPlmn);
        }
        Ok(Self(plmns))
    }
}

impl From<PlmnSet> for BTreeSet<PlmnId> {
    fn from(plmns: PlmnSet) -> Self {
        plmns.0
    }
}

/// The area between 3 to 1 000 corners, in either direction: of the two sides, the one that stays within 5 000 km of the first corner.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Vec<Position>", into = "Vec<Position>")]
pub struct PolygonArea {
    corners: Vec<Position>,
    outline: Arc<Outline>,
}

const POLYGON_LIMITS: Limits = Limits {
    corners: 1_000,
    border_kilometres: 20_000,
    reach_kilometres: 5_000,
};

impl PolygonArea {
    /// The corners.
    pub fn corners(&self) -> &[Position] {
        &self.corners
    }

    pub(super) fn outline(&self) -> &Outline {
        &self.outline
    }
}

impl PartialEq for PolygonArea {
    fn eq(&self, other: &Self) -> bool {
        self.corners == other.corners
    }
}

impl Eq for PolygonArea {}

impl TryFrom<Vec<Position>> for PolygonArea {
    type Error = InvalidOutline;

    fn try_from(corners: Vec<Position>) -> Result<Self, Self::Error> {
        let outline = Arc::new(Outline::polygon(&corners, POLYGON_LIMITS)?);
        Ok(Self { corners, outline })
    }
}

impl From<PolygonArea> for Vec<Position> {
    fn from(area: PolygonArea) -> Self {
        area.corners
    }
}

/// An ellipsoid arc in the units of the documents that carry one: 5 m and 2 degrees (TS 23.032 clauses 6.6 and 6.7).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "EllipsoidArc", into = "EllipsoidArc")]
pub struct EllipsoidArcArea {
    arc: EllipsoidArc,
    outline: Arc<Outline>,
}

impl EllipsoidArcArea {
    /// The arc.
    pub fn arc(&self) -> &EllipsoidArc {
        &self.arc
    }

    pub(super) fn outline(&self) -> &Outline {
        &self.outline
    }
}

impl PartialEq for EllipsoidArcArea {
    fn eq(&self, other: &Self) -> bool {
        self.arc == other.arc
    }
}

impl Eq for EllipsoidArcArea {}

impl TryFrom<EllipsoidArc> for EllipsoidArcArea {
    type Error = InvalidAreaShape;

    fn try_from(arc: EllipsoidArc) -> Result<Self, Self::Error> {
        let elements = arc.elements();
        if !elements.inner_radius_m.is_multiple_of(5) {
            return Err(InvalidAreaShape::InnerRadius(elements.inner_radius_m));
        }
        for angle in [elements.offset_angle, elements.included_angle] {
            if !angle.is_multiple_of(2) {
                return Err(InvalidAreaShape::Angle(angle));
            }
        }
        if elements.uncertainty_radius_m.metres() == 0.0 {
            return Err(InvalidAreaShape::NoWidth);
        }
        let outline = Arc::new(Outline::sector(sector(elements)));
        Ok(Self { arc, outline })
    }
}

impl From<EllipsoidArcArea> for EllipsoidArc {
    fn from(area: EllipsoidArcArea) -> Self {
        area.arc
    }
}

fn sector(elements: &ArcElements) -> Sector {
    let inner_radius = f64::from(elements.inner_radius_m);
    Sector {
        centre: elements.centre,
        inner_radius,
        outer_radius: inner_radius + elements.uncertainty_radius_m.metres(),
        offset_angle: elements.offset_angle,
        included_angle: elements.included_angle,
    }
}

//! The location of a UE, as a "Get partner MC system connection details request" carries it (TR 23.781 clause 6.2.3 step 1).

mod cell;
mod shape;

#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde::Serialize;

use super::identity::PlmnId;
use super::time::Timestamp;

pub use cell::Cell;
pub use cell::Ecgi;
pub use cell::EutraCellId;
pub use cell::InvalidCellId;
pub use cell::Ncgi;
pub use cell::NrCellId;
pub use shape::Altitude;
pub use shape::ArcElements;
pub use shape::Confidence;
pub use shape::EllipsoidArc;
pub use shape::InvalidShape;
pub use shape::Shape;
pub use shape::UncertaintyEllipse;
pub use shape::UncertaintyPolygon;

/// What is known of where a UE is: at least one of registered PLMN, cell and fix.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "LocationElements", into = "LocationElements")]
pub struct UeLocation(LocationElements);

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LocationElements {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plmn: Option<PlmnId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cell: Option<Cell>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fix: Option<Fix>,
}

/// Why elements say nothing about a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a location needs at least one of `plmn`, `cell` and `fix`")]
pub struct EmptyLocation;

impl UeLocation {
    /// The location, if anything is known of it.
    pub fn new(
        plmn: Option<PlmnId>,
        cell: Option<Cell>,
        fix: Option<Fix>,
    ) -> Result<Self, EmptyLocation> {
        LocationElements { plmn, cell, fix }.try_into()
    }

    /// The registered PLMN.
    pub fn plmn(&self) -> Option<&PlmnId> {
        self.0.plmn.as_ref()
    }

    /// The serving cell.
    pub fn cell(&self) -> Option<&Cell> {
        self.0.cell.as_ref()
    }

    /// The measured position.
    pub fn fix(&self) -> Option<&Fix> {
        self.0.fix.as_ref()
    }
}

impl TryFrom<LocationElements> for UeLocation {
    type Error = EmptyLocation;

    fn try_from(elements: LocationElements) -> Result<Self, Self::Error> {
        let LocationElements { plmn, cell, fix } = &elements;
        if plmn.is_none() && cell.is_none() && fix.is_none() {
            return Err(EmptyLocation);
        }
        Ok(Self(elements))
    }
}

impl From<UeLocation> for LocationElements {
    fn from(location: UeLocation) -> Self {
        location.0
    }
}

/// A measured position.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fix {
    /// Where the UE was.
    pub shape: Shape,
    /// When it was there.
    pub measured_at: Timestamp,
}

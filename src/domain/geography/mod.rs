//! Places on the Earth: positions, and outlines drawn on a plane around a position.
//!
//! Distances and bearings are geodesic on WGS 84, predicates in the plane are robust; both come from the `geo`
//! crate. Nothing here knows what an outline is for.

mod outline;
mod plane;
mod position;

pub use outline::InvalidOutline;
pub(in crate::domain) use outline::Limits;
pub(in crate::domain) use outline::Outline;
pub(in crate::domain) use outline::Sector;
pub(in crate::domain) use plane::Plane;
pub use position::Distance;
pub use position::InvalidMeasure;
pub use position::Latitude;
pub use position::Longitude;
pub use position::Position;

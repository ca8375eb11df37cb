//! The plane on which everything is compared: azimuthal equidistant around the fix.

use geo::Coord;
use geo::GeodesicBearing;
use geo::LineString;
use geo::Point;
use geo::Polygon;

use super::Outline;
use super::Position;

/// An azimuthal equidistant projection: a point lies at its geodesic distance and bearing from the centre.
///
/// So distances from the centre are those on the ellipsoid, and neither the antimeridian nor a pole is special.
#[derive(Clone, Copy, Debug)]
pub(in crate::domain) struct Plane {
    centre: Point,
}

impl Plane {
    pub(in crate::domain) fn around(centre: Position) -> Self {
        Self {
            centre: centre.point(),
        }
    }

    /// The area that an outline encloses.
    pub(in crate::domain) fn area(&self, outline: &Outline) -> Polygon {
        Polygon::new(
            self.line(outline.border()),
            outline.holes().map(|hole| self.line(hole)).collect(),
        )
    }

    /// The geodesic distance from the centre to where an outline is anchored.
    pub(in crate::domain) fn distance_to(&self, outline: &Outline) -> f64 {
        self.centre.geodesic_bearing_distance(outline.anchor()).1
    }

    /// The coordinates at a bearing, in degrees clockwise from north, and a distance from the centre in metres.
    pub(in crate::domain) fn polar(bearing: f64, distance: f64) -> Coord {
        let (east, north) = bearing.to_radians().sin_cos();
        Coord {
            x: east * distance,
            y: north * distance,
        }
    }

    fn line(&self, points: &[Point]) -> LineString {
        points
            .iter()
            .map(|point| self.coordinates(*point))
            .collect()
    }

    fn coordinates(&self, point: Point) -> Coord {
        let (bearing, distance) = self.centre.geodesic_bearing_distance(point);
        Self::polar(bearing, distance)
    }
}

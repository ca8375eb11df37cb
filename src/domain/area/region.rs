//! The region in which a fix puts the UE, held against the outlines of areas.

use geo::Contains;
use geo::Coord;
use geo::CoordsIter;
use geo::Distance as _;
use geo::Euclidean;
use geo::LineString;
use geo::Point;
use geo::Polygon;

use super::locate::Containment;
use crate::domain::geography::Distance;
use crate::domain::geography::Outline;
use crate::domain::geography::Plane;
use crate::domain::geography::Position;
use crate::domain::location::EllipsoidArc;
use crate::domain::location::Shape;
use crate::domain::location::UncertaintyEllipse;
use crate::domain::location::UncertaintyPolygon;

/// A region that comes this near to a border is taken to cross it: it covers the steps of the 24-bit coding (2.7 m) and the error of drawing.
const MARGIN_METRES: f64 = 5.0;
const STEP_DEGREES: u16 = 2;

/// A region around a fix, drawn on the plane around the fix, rather too large than too small.
#[derive(Debug)]
pub(super) struct Region {
    plane: Plane,
    reach: f64,
    extent: Extent,
}

#[derive(Debug)]
enum Extent {
    Disc,
    Patch(Polygon),
}

impl Region {
    /// The region of a shape; `None` if the shape says nothing of its accuracy and nothing is assumed.
    pub(super) fn of(shape: &Shape, unstated: Option<Distance>) -> Option<Self> {
        match shape {
            Shape::Point { point } | Shape::PointAltitude { point, .. } => {
                unstated.map(|assumed| Self::disc(*point, assumed))
            }
            Shape::PointUncertaintyCircle {
                point,
                uncertainty_m,
            } => Some(Self::disc(*point, *uncertainty_m)),
            Shape::PointUncertaintyEllipse { point, ellipse, .. }
            | Shape::PointAltitudeUncertainty { point, ellipse, .. } => {
                Some(Self::ellipse(*point, ellipse))
            }
            Shape::Polygon { corners } => Self::polygon(corners),
            Shape::EllipsoidArc { arc, .. } => Some(Self::arc(arc)),
        }
    }

    fn disc(centre: Position, radius: Distance) -> Self {
        Self {
            plane: Plane::around(centre),
            reach: radius.metres(),
            extent: Extent::Disc,
        }
    }

    /// The polygon whose sides touch the ellipse from outside.
    fn ellipse(centre: Position, ellipse: &UncertaintyEllipse) -> Self {
        let widening = 1.0 / f64::from(STEP_DEGREES / 2).to_radians().cos();
        let along = ellipse.semi_major().metres() * widening;
        let across = ellipse.semi_minor().metres() * widening;
        let (east, north) = f64::from(ellipse.orientation()).to_radians().sin_cos();
        let border: LineString = (0..360)
            .step_by(usize::from(STEP_DEGREES))
            .map(|angle: u16| {
                let (sin, cos) = f64::from(angle).to_radians().sin_cos();
                Coord {
                    x: along * cos * east + across * sin * north,
                    y: along * cos * north - across * sin * east,
                }
            })
            .collect();
        Self {
            plane: Plane::around(centre),
            reach: along,
            extent: Extent::Patch(Polygon::new(border, Vec::new())),
        }
    }

    fn polygon(corners: &UncertaintyPolygon) -> Option<Self> {
        let outline = UncertaintyPolygon::outline(corners.corners()).ok()?;
        let plane = Plane::around(*corners.corners().first()?);
        Some(Self {
            plane,
            reach: outline.reach(),
            extent: Extent::Patch(plane.area(&outline)),
        })
    }

    /// The sector, its outer line touching the arc from outside and its inner line from within.
    fn arc(arc: &EllipsoidArc) -> Self {
        let elements = arc.elements();
        let inner = f64::from(elements.inner_radius_m);
        let outer = (inner + elements.uncertainty_radius_m.metres())
            / f64::from(STEP_DEGREES / 2).to_radians().cos();
        let end = elements.offset_angle + elements.included_angle;
        let around = |radius: f64| -> Vec<Coord> {
            (elements.offset_angle..end)
                .step_by(usize::from(STEP_DEGREES))
                .chain([end])
                .map(|bearing| Plane::polar(f64::from(bearing), radius))
                .collect()
        };
        let patch = if elements.included_angle == 360 {
            let hole = (inner > 0.0).then(|| LineString::new(around(inner)));
            Polygon::new(LineString::new(around(outer)), hole.into_iter().collect())
        } else {
            let back = around(inner).into_iter().rev();
            Polygon::new(around(outer).into_iter().chain(back).collect(), Vec::new())
        };
        Self {
            plane: Plane::around(elements.centre),
            reach: outer,
            extent: Extent::Patch(patch),
        }
    }

    /// Whether the region is within an outline.
    pub(super) fn within(&self, outline: &Outline) -> Containment {
        let apart = self.plane.distance_to(outline) - outline.reach() - self.reach;
        if apart > MARGIN_METRES {
            return Containment::Outside;
        }
        let area = self.plane.area(outline);
        match &self.extent {
            Extent::Disc => self.disc_within(&area),
            Extent::Patch(patch) => patch_within(patch, &area),
        }
    }

    fn disc_within(&self, area: &Polygon) -> Containment {
        let centre = Point::new(0.0, 0.0);
        let nearest = lines(area)
            .map(|line| Euclidean.distance(&centre, line))
            .fold(f64::INFINITY, f64::min);
        if nearest <= self.reach + MARGIN_METRES {
            Containment::Uncertain
        } else if area.contains(&centre) {
            Containment::Inside
        } else {
            Containment::Outside
        }
    }
}

/// Once no two borders meet, one point of each tells where the whole of it lies.
fn patch_within(patch: &Polygon, area: &Polygon) -> Containment {
    let meets = |line: &LineString| {
        lines(patch).any(|border| Euclidean.distance(line, border) <= MARGIN_METRES)
    };
    let begins_within =
        |line: &LineString| line.points().next().is_some_and(|p| patch.contains(&p));
    if lines(area).any(|line| meets(line) || begins_within(line)) {
        return Containment::Uncertain;
    }
    match patch.exterior_coords_iter().next() {
        Some(coordinates) if area.contains(&coordinates) => Containment::Inside,
        Some(_) | None => Containment::Outside,
    }
}

fn lines(area: &Polygon) -> impl Iterator<Item = &LineString> {
    std::iter::once(area.exterior()).chain(area.interiors())
}

//! Outlines on the ellipsoid, drawn densely enough that a plane shows them within a metre.

use geo::Bearing;
use geo::Densify;
use geo::Destination;
use geo::Distance as _;
use geo::Geodesic;
use geo::LineString;
use geo::Point;
use geo::Validation;

use super::Plane;
use super::Position;

/// Between two points of a geodesic line; on the plane of a fix the chord then errs by less than half a metre as long as
/// the line passes within 1 800 km.
const STEP_METRES: f64 = 10_000.0;
/// How far the chord of an arc may lie from the arc.
const ARC_SAGITTA_METRES: f64 = 1.0;
const ARC_STEP_DEGREES_MAX: f64 = 2.0;
const SAME_PLACE_METRES: f64 = 0.001;
const FOLD_DEGREES: f64 = 0.000_001;
const FULL_CIRCLE_DEGREES: u16 = 360;

/// Why corners enclose no area.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOutline {
    /// Too few or too many corners.
    #[error("a polygon has 3 to {max} corners, not {found}")]
    Corners {
        /// How many were given.
        found: usize,
        /// How many are allowed.
        max: usize,
    },
    /// A corner is where the next one is.
    #[error("corner {0} is where the next one is; the last corner joins the first by itself")]
    Repeated(usize),
    /// The border runs back over itself.
    #[error("the border folds back on itself at corner {0}")]
    Folded(usize),
    /// Two lines cross or touch.
    #[error("the border crosses or touches itself")]
    SelfIntersecting,
    /// So far apart that it would not be clear which side is meant.
    #[error("the border reaches more than {0} km from the first corner; split the area")]
    TooWide(u32),
    /// More border than is looked at.
    #[error("the border is more than {0} km long; split the area")]
    TooLong(u32),
}

/// How large a polygon may be.
#[derive(Clone, Copy, Debug)]
pub(in crate::domain) struct Limits {
    pub(in crate::domain) corners: usize,
    pub(in crate::domain) border_kilometres: u32,
    pub(in crate::domain) reach_kilometres: u32,
}

/// A sector of a ring around a centre; angles in degrees clockwise from north, radii in metres.
#[derive(Clone, Copy, Debug)]
pub(in crate::domain) struct Sector {
    pub(in crate::domain) centre: Position,
    pub(in crate::domain) inner_radius: f64,
    pub(in crate::domain) outer_radius: f64,
    pub(in crate::domain) offset_angle: u16,
    pub(in crate::domain) included_angle: u16,
}

/// A closed border on the ellipsoid, perhaps with a hole.
///
/// INVARIANT (reach): no point of the border is farther than `reach` from `anchor`, and the enclosed area is the side
/// that does not go beyond it either.
#[derive(Clone, Debug)]
pub(in crate::domain) struct Outline {
    anchor: Point,
    reach: f64,
    border: Vec<Point>,
    hole: Option<Vec<Point>>,
}

impl Outline {
    /// The area between corners that are joined by geodesic lines, the last to the first (TS 23.032 clause 5.4).
    pub(in crate::domain) fn polygon(
        corners: &[Position],
        limits: Limits,
    ) -> Result<Self, InvalidOutline> {
        let Some(first) = corners
            .first()
            .filter(|_| corners.len() >= 3 && corners.len() <= limits.corners)
        else {
            return Err(InvalidOutline::Corners {
                found: corners.len(),
                max: limits.corners,
            });
        };
        let points: Vec<Point> = corners.iter().map(|corner| corner.point()).collect();
        refuse_degenerate_corners(&points, limits)?;
        let closed: LineString = points.iter().chain(points.first()).copied().collect();
        let border: Vec<Point> = Geodesic.densify(&closed, STEP_METRES).into_points();
        let reach = farthest(first.point(), &border) + STEP_METRES;
        if reach > f64::from(limits.reach_kilometres) * 1_000.0 {
            return Err(InvalidOutline::TooWide(limits.reach_kilometres));
        }
        let outline = Self {
            anchor: first.point(),
            reach,
            border,
            hole: None,
        };
        if Plane::around(*first).area(&outline).is_valid() {
            Ok(outline)
        } else {
            Err(InvalidOutline::SelfIntersecting)
        }
    }

    /// The sector of a ring (TS 23.032 clause 5.7).
    pub(in crate::domain) fn sector(sector: Sector) -> Self {
        let centre = sector.centre.point();
        let outer = arc(centre, sector.outer_radius, sector);
        let inner = (sector.inner_radius > 0.0).then(|| arc(centre, sector.inner_radius, sector));
        let (border, hole) = if sector.included_angle >= FULL_CIRCLE_DEGREES {
            (outer, inner)
        } else {
            let back =
                inner.map_or_else(|| vec![centre], |inner| inner.into_iter().rev().collect());
            let closed: LineString = outer
                .iter()
                .chain(&back)
                .chain(outer.first())
                .copied()
                .collect();
            (Geodesic.densify(&closed, STEP_METRES).into_points(), None)
        };
        Self {
            anchor: centre,
            reach: sector.outer_radius + STEP_METRES,
            border,
            hole,
        }
    }

    /// How far the area goes from the anchor, at most.
    pub(in crate::domain) fn reach(&self) -> f64 {
        self.reach
    }

    pub(super) fn anchor(&self) -> Point {
        self.anchor
    }

    pub(super) fn border(&self) -> &[Point] {
        &self.border
    }

    pub(super) fn holes(&self) -> impl Iterator<Item = &[Point]> {
        self.hole.iter().map(Vec::as_slice)
    }
}

fn refuse_degenerate_corners(corners: &[Point], limits: Limits) -> Result<(), InvalidOutline> {
    let next = || corners.iter().cycle().skip(1);
    let previous = corners.iter().rev().take(1).chain(corners);
    let mut border_metres = 0.0;
    for (number, (corner, next)) in (1..).zip(corners.iter().zip(next())) {
        let length = Geodesic.distance(*corner, *next);
        if length < SAME_PLACE_METRES {
            return Err(InvalidOutline::Repeated(number));
        }
        border_metres += length;
    }
    if border_metres > f64::from(limits.border_kilometres) * 1_000.0 {
        return Err(InvalidOutline::TooLong(limits.border_kilometres));
    }
    for (number, (previous, (corner, next))) in (1..).zip(previous.zip(corners.iter().zip(next())))
    {
        let turn = (Geodesic.bearing(*corner, *previous) - Geodesic.bearing(*corner, *next)).abs();
        if turn.min(360.0 - turn) < FOLD_DEGREES {
            return Err(InvalidOutline::Folded(number));
        }
    }
    Ok(())
}

/// Points along a circle, clockwise, both ends included.
fn arc(centre: Point, radius: f64, sector: Sector) -> Vec<Point> {
    let step = (8.0 * ARC_SAGITTA_METRES / radius)
        .sqrt()
        .to_degrees()
        .min(ARC_STEP_DEGREES_MAX);
    let included = f64::from(sector.included_angle);
    let offset = f64::from(sector.offset_angle);
    std::iter::successors(Some(0.0), |angle| Some(angle + step))
        .take_while(|angle| *angle < included)
        .chain([included])
        .map(|angle| Geodesic.destination(centre, (offset + angle) % 360.0, radius))
        .collect()
}

fn farthest(from: Point, points: &[Point]) -> f64 {
    points
        .iter()
        .map(|point| Geodesic.distance(from, *point))
        .fold(0.0, f64::max)
}

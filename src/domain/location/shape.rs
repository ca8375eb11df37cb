//! The shapes of TS 23.032 in which a fix is reported, with the member names of their JSON form in TS 29.572.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::geography::Distance;
use crate::domain::geography::InvalidMeasure;
use crate::domain::geography::InvalidOutline;
use crate::domain::geography::Limits;
use crate::domain::geography::Outline;
use crate::domain::geography::Position;

/// Where a fix puts the UE.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Shape {
    /// Ellipsoid point (clause 5.1); says nothing about its accuracy.
    Point {
        /// The point.
        point: Position,
    },
    /// Ellipsoid point with uncertainty circle (clause 5.2).
    PointUncertaintyCircle {
        /// The centre.
        point: Position,
        /// The radius.
        uncertainty_m: Distance,
    },
    /// Ellipsoid point with uncertainty ellipse (clause 5.3).
    PointUncertaintyEllipse {
        /// The centre.
        point: Position,
        /// The ellipse.
        ellipse: UncertaintyEllipse,
        /// How probably the UE is within.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confidence: Option<Confidence>,
    },
    /// Polygon (clause 5.4): the UE is somewhere within.
    Polygon {
        /// The corners.
        corners: UncertaintyPolygon,
    },
    /// Ellipsoid point with altitude (clause 5.5); says nothing about its accuracy.
    PointAltitude {
        /// The point.
        point: Position,
        /// The altitude.
        altitude_m: Altitude,
    },
    /// Ellipsoid point with altitude and uncertainty ellipsoid (clause 5.6).
    PointAltitudeUncertainty {
        /// The centre.
        point: Position,
        /// The altitude.
        altitude_m: Altitude,
        /// The horizontal ellipse.
        ellipse: UncertaintyEllipse,
        /// The vertical uncertainty.
        altitude_uncertainty_m: Distance,
        /// How probably the UE is within.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confidence: Option<Confidence>,
    },
    /// Ellipsoid arc (clause 5.7).
    EllipsoidArc {
        /// The arc.
        arc: EllipsoidArc,
        /// How probably the UE is within.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confidence: Option<Confidence>,
    },
}

impl Shape {
    /// The confidence, where the shape states one; 0 states none (clause 6.5).
    pub fn confidence(&self) -> Option<u8> {
        let stated = match self {
            Self::Point { .. }
            | Self::PointUncertaintyCircle { .. }
            | Self::Polygon { .. }
            | Self::PointAltitude { .. } => None,
            Self::PointUncertaintyEllipse { confidence, .. }
            | Self::PointAltitudeUncertainty { confidence, .. }
            | Self::EllipsoidArc { confidence, .. } => *confidence,
        };
        stated
            .map(Confidence::percent)
            .filter(|percent| *percent > 0)
    }
}

/// A confidence in per cent (clause 6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Confidence(u8);

impl Confidence {
    /// What receivers and networks commonly report: about one standard deviation.
    pub const USUAL: Self = Self(67);

    /// 0 to 100 per cent.
    pub fn from_percent(percent: u16) -> Result<Self, InvalidMeasure> {
        match u8::try_from(percent) {
            Ok(small) if small <= 100 => Ok(Self(small)),
            Ok(_) | Err(_) => Err(InvalidMeasure::Confidence(percent)),
        }
    }

    /// Per cent.
    pub fn percent(self) -> u8 {
        self.0
    }
}

impl TryFrom<u16> for Confidence {
    type Error = InvalidMeasure;

    fn try_from(percent: u16) -> Result<Self, Self::Error> {
        Self::from_percent(percent)
    }
}

impl From<Confidence> for u16 {
    fn from(confidence: Confidence) -> Self {
        confidence.0.into()
    }
}

/// An altitude over the ellipsoid in whole metres (clause 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Altitude(i16);

impl Altitude {
    /// The altitude, rounded to the metre, if it is within range.
    pub fn from_metres(metres: f64) -> Result<Self, InvalidMeasure> {
        if !(-32_767.0..=32_767.0).contains(&metres) {
            return Err(InvalidMeasure::Altitude(metres));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the range was checked and fits"
        )]
        let whole = metres.round() as i16;
        Ok(Self(whole))
    }

    /// Metres.
    pub fn metres(self) -> i16 {
        self.0
    }
}

impl TryFrom<f64> for Altitude {
    type Error = InvalidMeasure;

    fn try_from(metres: f64) -> Result<Self, Self::Error> {
        Self::from_metres(metres)
    }
}

impl From<Altitude> for f64 {
    fn from(altitude: Altitude) -> Self {
        altitude.0.into()
    }
}

/// Why elements do not make a shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidShape {
    /// The axes are exchanged.
    #[error("the semi-minor axis is longer than the semi-major axis")]
    Axes,
    /// An axis has no direction, so half a turn says all.
    #[error("`{0}` is not an orientation: 0 to 180 degrees clockwise from north")]
    Orientation(u16),
    /// Beyond what 16 bits in units of 5 m can code.
    #[error("`{0}` is not an inner radius: 0 to 327675 metres")]
    InnerRadius(u32),
    /// Not a direction.
    #[error("`{0}` is not an offset angle: 0 to 360 degrees clockwise from north")]
    OffsetAngle(u16),
    /// Not a part of a turn.
    #[error("`{0}` is not an included angle: 1 to 360 degrees")]
    IncludedAngle(u16),
}

/// An uncertainty ellipse; each axis is a half axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "EllipseElements", into = "EllipseElements")]
pub struct UncertaintyEllipse(EllipseElements);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EllipseElements {
    semi_major_m: Distance,
    semi_minor_m: Distance,
    orientation_major: u16,
}

impl UncertaintyEllipse {
    /// The ellipse; the orientation is that of the major axis, in degrees clockwise from north.
    pub fn new(
        semi_major: Distance,
        semi_minor: Distance,
        orientation: u16,
    ) -> Result<Self, InvalidShape> {
        if semi_minor > semi_major {
            return Err(InvalidShape::Axes);
        }
        if orientation > 180 {
            return Err(InvalidShape::Orientation(orientation));
        }
        Ok(Self(EllipseElements {
            semi_major_m: semi_major,
            semi_minor_m: semi_minor,
            orientation_major: orientation,
        }))
    }

    /// The longer half axis.
    pub fn semi_major(&self) -> Distance {
        self.0.semi_major_m
    }

    /// The shorter half axis.
    pub fn semi_minor(&self) -> Distance {
        self.0.semi_minor_m
    }

    /// The orientation of the longer axis, in degrees clockwise from north.
    pub fn orientation(&self) -> u16 {
        self.0.orientation_major
    }
}

impl TryFrom<EllipseElements> for UncertaintyEllipse {
    type Error = InvalidShape;

    fn try_from(elements: EllipseElements) -> Result<Self, Self::Error> {
        Self::new(
            elements.semi_major_m,
            elements.semi_minor_m,
            elements.orientation_major,
        )
    }
}

impl From<UncertaintyEllipse> for EllipseElements {
    fn from(ellipse: UncertaintyEllipse) -> Self {
        ellipse.0
    }
}

/// A sector of a ring: from the inner radius outwards by the uncertainty radius, from the offset angle clockwise by the included angle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "ArcElements", into = "ArcElements")]
pub struct EllipsoidArc(ArcElements);

/// The elements of an ellipsoid arc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArcElements {
    /// The point around which the arc lies.
    pub centre: Position,
    /// The inner radius in metres.
    pub inner_radius_m: u32,
    /// How far the area goes outwards from there.
    pub uncertainty_radius_m: Distance,
    /// The angle at which it begins, in degrees clockwise from north.
    pub offset_angle: u16,
    /// How far round it goes from there, in degrees clockwise.
    pub included_angle: u16,
}

impl EllipsoidArc {
    /// The largest inner radius, in metres (clause 6.6).
    pub const INNER_RADIUS_METRES_MAX: u32 = 327_675;

    /// The elements.
    pub fn elements(&self) -> &ArcElements {
        &self.0
    }
}

impl TryFrom<ArcElements> for EllipsoidArc {
    type Error = InvalidShape;

    fn try_from(elements: ArcElements) -> Result<Self, Self::Error> {
        if elements.inner_radius_m > Self::INNER_RADIUS_METRES_MAX {
            return Err(InvalidShape::InnerRadius(elements.inner_radius_m));
        }
        if elements.offset_angle > 360 {
            return Err(InvalidShape::OffsetAngle(elements.offset_angle));
        }
        if !(1..=360).contains(&elements.included_angle) {
            return Err(InvalidShape::IncludedAngle(elements.included_angle));
        }
        Ok(Self(elements))
    }
}

impl From<EllipsoidArc> for ArcElements {
    fn from(arc: EllipsoidArc) -> Self {
        arc.0
    }
}

/// The 3 to 15 corners of a region in which the UE is, its border not longer than 4 000 km.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<Position>", into = "Vec<Position>")]
pub struct UncertaintyPolygon(Vec<Position>);

impl UncertaintyPolygon {
    /// The most corners that TS 23.032 can code.
    pub const CORNERS_MAX: usize = 15;

    /// The corners.
    pub fn corners(&self) -> &[Position] {
        &self.0
    }

    pub(in crate::domain) fn outline(corners: &[Position]) -> Result<Outline, InvalidOutline> {
        Outline::polygon(
            corners,
            Limits {
                corners: Self::CORNERS_MAX,
                border_kilometres: 4_000,
                reach_kilometres: 4_000,
            },
        )
    }
}

impl TryFrom<Vec<Position>> for UncertaintyPolygon {
    type Error = InvalidOutline;

    fn try_from(corners: Vec<Position>) -> Result<Self, Self::Error> {
        Self::outline(&corners)?;
        Ok(Self(corners))
    }
}

impl From<UncertaintyPolygon> for Vec<Position> {
    fn from(polygon: UncertaintyPolygon) -> Self {
        polygon.0
    }
}

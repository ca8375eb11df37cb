//! The location of a UE, with every number within its range.

use serde_json::Value;

use super::Problem;
use super::WireLimits;
use super::element::Element;
use super::element::Members;
use super::element::Report;
use super::json::strict_json;
use crate::domain::geography::Distance;
use crate::domain::geography::Position;
use crate::domain::location::ArcElements;
use crate::domain::location::Cell;
use crate::domain::location::Confidence;
use crate::domain::location::Ecgi;
use crate::domain::location::EllipsoidArc;
use crate::domain::location::Fix;
use crate::domain::location::Ncgi;
use crate::domain::location::Shape;
use crate::domain::location::UeLocation;
use crate::domain::location::UncertaintyEllipse;
use crate::domain::location::UncertaintyPolygon;

/// Reads a UE location from its JSON text; an error holds every problem that was found.
pub fn parse_location(bytes: &[u8], limits: WireLimits) -> Result<UeLocation, Vec<Problem>> {
    let value = strict_json(bytes, limits).map_err(|problem| vec![problem])?;
    read_location(&value)
}

/// Reads a UE location from JSON that was read strictly; an error holds every problem that was found.
pub fn read_location(value: &Value) -> Result<UeLocation, Vec<Problem>> {
    let report = Report::default();
    let read = location(&Element::root(value, &report));
    report.finish(read)
}

/// A UE location at its place within a request.
pub(in crate::domain) fn location(element: &Element<'_>) -> Option<UeLocation> {
    let members = element.object_of(&["plmn", "cell", "fix"])?;
    let plmn = optional(&members, "plmn", Element::parsed);
    let cell = optional(&members, "cell", cell);
    let fix = optional(&members, "fix", fix);
    element.accepted(UeLocation::new(plmn?, cell?, fix?))
}

/// What an optional member holds; `None` if it holds something else.
#[expect(
    clippy::option_option,
    reason = "absent and refused are different things"
)]
fn optional<'a, T>(
    members: &Members<'a>,
    name: &str,
    read: impl FnOnce(&Element<'a>) -> Option<T>,
) -> Option<Option<T>> {
    match members.optional(name) {
        Some(element) => read(&element).map(Some),
        None => Some(None),
    }
}

fn required<'a, T>(
    members: &Members<'a>,
    name: &str,
    read: impl FnOnce(&Element<'a>) -> Option<T>,
) -> Option<T> {
    read(&members.required(name)?)
}

fn cell(element: &Element<'_>) -> Option<Cell> {
    let members = element.object_of(&["ecgi", "ncgi"])?;
    match (members.optional("ecgi"), members.optional("ncgi")) {
        (Some(ecgi), None) => {
            let members = ecgi.object_of(&["plmn", "eutra_cell_id"])?;
            let plmn = required(&members, "plmn", Element::parsed);
            let eutra_cell_id = required(&members, "eutra_cell_id", Element::parsed);
            Some(Cell::Ecgi(Ecgi {
                plmn: plmn?,
                eutra_cell_id: eutra_cell_id?,
            }))
        }
        (None, Some(ncgi)) => {
            let members = ncgi.object_of(&["plmn", "nr_cell_id"])?;
            let plmn = required(&members, "plmn", Element::parsed);
            let nr_cell_id = required(&members, "nr_cell_id", Element::parsed);
            Some(Cell::Ncgi(Ncgi {
                plmn: plmn?,
                nr_cell_id: nr_cell_id?,
            }))
        }
        (Some(_), Some(_)) | (None, None) => {
            element.refuse("must have one of `ecgi` and `ncgi`");
            None
        }
    }
}

fn fix(element: &Element<'_>) -> Option<Fix> {
    let members = element.object_of(&["shape", "measured_at"])?;
    let shape = required(&members, "shape", shape);
    let measured_at = required(&members, "measured_at", Element::parsed);
    Some(Fix {
        shape: shape?,
        measured_at: measured_at?,
    })
}

/// Which shape it is, and so which members it has.
#[derive(Clone, Copy)]
enum ShapeWord {
    Point,
    Circle,
    Ellipse,
    Polygon,
    Altitude,
    Ellipsoid,
    Arc,
}

const SHAPES: [(&str, ShapeWord); 7] = [
    ("point", ShapeWord::Point),
    ("point-uncertainty-circle", ShapeWord::Circle),
    ("point-uncertainty-ellipse", ShapeWord::Ellipse),
    ("polygon", ShapeWord::Polygon),
    ("point-altitude", ShapeWord::Altitude),
    ("point-altitude-uncertainty", ShapeWord::Ellipsoid),
    ("ellipsoid-arc", ShapeWord::Arc),
];

impl ShapeWord {
    fn members(self) -> &'static [&'static str] {
        match self {
            Self::Point => &["type", "point"],
            Self::Circle => &["type", "point", "uncertainty_m"],
            Self::Ellipse => &["type", "point", "ellipse", "confidence"],
            Self::Polygon => &["type", "corners"],
            Self::Altitude => &["type", "point", "altitude_m"],
            Self::Ellipsoid => &[
                "type",
                "point",
                "altitude_m",
                "ellipse",
                "altitude_uncertainty_m",
                "confidence",
            ],
            Self::Arc => &["type", "arc", "confidence"],
        }
    }
}

fn shape(element: &Element<'_>) -> Option<Shape> {
    let members = element.object()?;
    let word = required(&members, "type", |word| word.word("a shape", &SHAPES))?;
    members.refuse_unknown(word.members());
    match word {
        ShapeWord::Point => Some(Shape::Point {
            point: point(&members)?,
        }),
        ShapeWord::Circle => {
            let point = point(&members);
            let uncertainty_m = required(&members, "uncertainty_m", Element::measure);
            Some(Shape::PointUncertaintyCircle {
                point: point?,
                uncertainty_m: uncertainty_m?,
            })
        }
        ShapeWord::Ellipse => {
            let point = point(&members);
            let ellipse = required(&members, "ellipse", ellipse);
            let confidence = confidence(&members);
            Some(Shape::PointUncertaintyEllipse {
                point: point?,
                ellipse: ellipse?,
                confidence: confidence?,
            })
        }
        ShapeWord::Polygon => Some(Shape::Polygon {
            corners: required(&members, "corners", corners)?,
        }),
        ShapeWord::Altitude => {
            let point = point(&members);
            let altitude_m = required(&members, "altitude_m", Element::measure);
            Some(Shape::PointAltitude {
                point: point?,
                altitude_m: altitude_m?,
            })
        }
        ShapeWord::Ellipsoid => ellipsoid(&members),
        ShapeWord::Arc => {
            let arc = required(&members, "arc", arc);
            let confidence = confidence(&members);
            Some(Shape::EllipsoidArc {
                arc: arc?,
                confidence: confidence?,
            })
        }
    }
}

fn ellipsoid(members: &Members<'_>) -> Option<Shape> {
    let point = point(members);
    let altitude_m = required(members, "altitude_m", Element::measure);
    let ellipse = required(members, "ellipse", ellipse);
    let altitude_uncertainty_m = required(members, "altitude_uncertainty_m", Element::measure);
    let confidence = confidence(members);
    Some(Shape::PointAltitudeUncertainty {
        point: point?,
        altitude_m: altitude_m?,
        ellipse: ellipse?,
        altitude_uncertainty_m: altitude_uncertainty_m?,
        confidence: confidence?,
    })
}

fn point(members: &Members<'_>) -> Option<Position> {
    required(members, "point", position)
}

fn position(element: &Element<'_>) -> Option<Position> {
    let members = element.object_of(&["latitude", "longitude"])?;
    let latitude = required(&members, "latitude", Element::measure);
    let longitude = required(&members, "longitude", Element::measure);
    Some(Position {
        latitude: latitude?,
        longitude: longitude?,
    })
}

#[expect(
    clippy::option_option,
    reason = "absent and refused are different things"
)]
fn confidence(members: &Members<'_>) -> Option<Option<Confidence>> {
    optional(members, "confidence", |percent| {
        percent.accepted(Confidence::from_percent(percent.small_number()?))
    })
}

fn ellipse(element: &Element<'_>) -> Option<UncertaintyEllipse> {
    let members = element.object_of(&["semi_major_m", "semi_minor_m", "orientation_major"])?;
    let semi_major: Option<Distance> = required(&members, "semi_major_m", Element::measure);
    let semi_minor = required(&members, "semi_minor_m", Element::measure);
    let orientation = required(&members, "orientation_major", Element::small_number);
    element.accepted(UncertaintyEllipse::new(
        semi_major?,
        semi_minor?,
        orientation?,
    ))
}

fn arc(element: &Element<'_>) -> Option<EllipsoidArc> {
    let members = element.object_of(&[
        "centre",
        "inner_radius_m",
        "uncertainty_radius_m",
        "offset_angle",
        "included_angle",
    ])?;
    let centre = required(&members, "centre", position);
    let inner_radius_m = required(&members, "inner_radius_m", Element::count);
    let uncertainty_radius_m = required(&members, "uncertainty_radius_m", Element::measure);
    let offset_angle = required(&members, "offset_angle", Element::small_number);
    let included_angle = required(&members, "included_angle", Element::small_number);
    let elements = ArcElements {
        centre: centre?,
        inner_radius_m: inner_radius_m?,
        uncertainty_radius_m: uncertainty_radius_m?,
        offset_angle: offset_angle?,
        included_angle: included_angle?,
    };
    element.accepted(EllipsoidArc::try_from(elements))
}

fn corners(element: &Element<'_>) -> Option<UncertaintyPolygon> {
    let corners: Vec<Option<Position>> = element
        .list(UncertaintyPolygon::CORNERS_MAX)?
        .iter()
        .map(position)
        .collect();
    let corners: Vec<Position> = corners.into_iter().collect::<Option<_>>()?;
    element.accepted(UncertaintyPolygon::try_from(corners))
}

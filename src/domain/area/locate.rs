//! In which areas a UE is, and how sure that is (ruling 21).

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::Area;
use super::AreaId;
use super::AreaMap;
use super::AreaShape;
use super::region::Region;
use crate::domain::geography::Outline;
use crate::domain::location::Fix;
use crate::domain::location::UeLocation;
use crate::domain::time::Timestamp;

/// How far the clock of whoever measured may be ahead of ours.
const CLOCK_LEEWAY: Duration = Duration::from_secs(30);

/// Whether a UE is in an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Containment {
    /// Wherever it may be, it is within.
    Inside,
    /// Wherever it may be, it is not within.
    Outside,
    /// It may be within or not.
    Uncertain,
}

/// Why it cannot be said whether a UE is in an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// No fix, but a registered PLMN: that is an area, not a position.
    PlmnOnly,
    /// Neither fix nor registered PLMN; a cell names no place.
    NoFix,
    /// The areas ask for the registered PLMN, and it was not told.
    PlmnUnknown,
    /// The fix is older than allowed.
    Stale,
    /// The fix was measured later than now.
    NotYetMeasured,
    /// The fix does not say how accurate it is, and the map assumes nothing.
    AccuracyUnstated,
    /// The fix states a lower confidence than the map asks for.
    ConfidenceTooLow,
    /// The accuracy is worse than the distance to a border.
    BorderCrossed,
}

impl Doubt {
    /// The word used on the wire and in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PlmnOnly => "plmn-only",
            Self::NoFix => "no-fix",
            Self::PlmnUnknown => "plmn-unknown",
            Self::Stale => "stale",
            Self::NotYetMeasured => "not-yet-measured",
            Self::AccuracyUnstated => "accuracy-unstated",
            Self::ConfidenceTooLow => "confidence-too-low",
            Self::BorderCrossed => "border-crossed",
        }
    }
}

/// Whether a location can select by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// For every area of the map it is known whether the UE is in it.
    Certain,
    /// For some area it is not; at least one doubt.
    Uncertain(BTreeSet<Doubt>),
}

/// Where a UE is, as far as the areas of one map are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Every area of the map, in its order.
    pub areas: Vec<(AreaId, Containment)>,
    /// Whether all of that is sure.
    pub certainty: Certainty,
}

/// Says in which areas of a map a UE is.
///
/// A network answers for sets of networks and a fix for shapes on the ground; neither stands in for the other. A fix
/// that is as old as `max_age` is still fresh.
pub fn locate(map: &AreaMap, location: &UeLocation, now: Timestamp, max_age: Duration) -> Located {
    let region = region(map, location, now, max_age);
    let mut doubts = BTreeSet::new();
    let areas = map
        .areas()
        .iter()
        .map(|area| {
            let containment = contains(area, location, &region, &mut doubts);
            (area.id.clone(), containment)
        })
        .collect();
    let certainty = if doubts.is_empty() {
        Certainty::Certain
    } else {
        Certainty::Uncertain(doubts)
    };
    Located { areas, certainty }
}

/// The region in which the UE surely is, or why there is none.
fn region(
    map: &AreaMap,
    location: &UeLocation,
    now: Timestamp,
    max_age: Duration,
) -> Result<Region, Doubt> {
    let Some(fix) = location.fix() else {
        return Err(match location.plmn() {
            Some(_) => Doubt::PlmnOnly,
            None => Doubt::NoFix,
        });
    };
    refuse_by_age(fix, now, max_age)?;
    let elements = map.elements();
    let stated = fix.shape.confidence();
    if stated.is_some_and(|percent| percent < elements.confidence_min.percent()) {
        return Err(Doubt::ConfidenceTooLow);
    }
    Region::of(&fix.shape, elements.unstated_uncertainty_m).ok_or(Doubt::AccuracyUnstated)
}

fn refuse_by_age(fix: &Fix, now: Timestamp, max_age: Duration) -> Result<(), Doubt> {
    let age = now
        .as_milliseconds()
        .saturating_sub(fix.measured_at.as_milliseconds());
    let magnitude = Duration::from_millis(age.unsigned_abs());
    if age < 0 && magnitude > CLOCK_LEEWAY {
        Err(Doubt::NotYetMeasured)
    } else if age >= 0 && magnitude > max_age {
        Err(Doubt::Stale)
    } else {
        Ok(())
    }
}

/// An area is wherever one of its shapes is; doubts about the others do not count then.
fn contains(
    area: &Area,
    location: &UeLocation,
    region: &Result<Region, Doubt>,
    doubts: &mut BTreeSet<Doubt>,
) -> Containment {
    let mut open = BTreeSet::new();
    for shape in &area.shapes {
        match shape_contains(shape, location, region) {
            Ok(true) => return Containment::Inside,
            Ok(false) => {}
            Err(doubt) => {
                open.insert(doubt);
            }
        }
    }
    if open.is_empty() {
        return Containment::Outside;
    }
    doubts.append(&mut open);
    Containment::Uncertain
}

fn shape_contains(
    shape: &AreaShape,
    location: &UeLocation,
    region: &Result<Region, Doubt>,
) -> Result<bool, Doubt> {
    match shape {
        AreaShape::Plmns { plmns } => location
            .plmn()
            .map(|plmn| plmns.contains(plmn))
            .ok_or(Doubt::PlmnUnknown),
        AreaShape::Polygon { corners } => outline_contains(corners.outline(), region),
        AreaShape::EllipsoidArc { arc } => outline_contains(arc.outline(), region),
    }
}

fn outline_contains(outline: &Outline, region: &Result<Region, Doubt>) -> Result<bool, Doubt> {
    let region = region.as_ref().map_err(|doubt| *doubt)?;
    match region.within(outline) {
        Containment::Inside => Ok(true),
        Containment::Outside => Ok(false),
        Containment::Uncertain => Err(Doubt::BorderCrossed),
    }
}

mod containment;
mod doubt;
mod map;
mod selection;

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use super::AreaMap;
use super::Certainty;
use super::Containment;
use super::Doubt;
use super::Located;
use super::locate;
use crate::domain::location::UeLocation;

const NOW: &str = "2026-03-04T05:06:07.000Z";
const MAX_AGE: Duration = Duration::from_mins(2);

fn position(latitude: f64, longitude: f64) -> Value {
    json!({ "latitude": latitude, "longitude": longitude })
}

fn polygon(corners: &[(f64, f64)]) -> Value {
    let corners: Vec<Value> = corners
        .iter()
        .map(|(lat, lon)| position(*lat, *lon))
        .collect();
    json!({ "type": "polygon", "corners": corners })
}

fn rectangle(south: f64, north: f64, west: f64, east: f64) -> Value {
    polygon(&[(south, west), (north, west), (north, east), (south, east)])
}

fn plmns(plmns: &[&str]) -> Value {
    json!({ "type": "plmns", "plmns": plmns })
}

fn area(id: &str, shape: &Value, preference: &[&str]) -> Value {
    json!({ "id": id, "shapes": [shape], "preference": preference })
}

fn map(areas: &[Value]) -> AreaMap {
    serde_json::from_value(json!({ "id": "map", "areas": areas })).unwrap()
}

fn circle(latitude: f64, longitude: f64, radius: f64) -> Value {
    json!({ "type": "point-uncertainty-circle", "point": position(latitude, longitude), "uncertainty_m": radius })
}

fn fixed(shape: &Value) -> UeLocation {
    serde_json::from_value(json!({ "fix": { "shape": shape, "measured_at": NOW } })).unwrap()
}

fn located(map: &AreaMap, location: &UeLocation) -> Located {
    locate(map, location, NOW.parse().unwrap(), MAX_AGE)
}

/// Where a fix of one shape is with respect to one area.
fn within(area_shape: &Value, fix_shape: &Value) -> Containment {
    let found = located(&map(&[area("a", area_shape, &[])]), &fixed(fix_shape));
    found.areas[0].1
}

fn doubts(located: &Located) -> Vec<Doubt> {
    match &located.certainty {
        Certainty::Certain => Vec::new(),
        Certainty::Uncertain(doubts) => doubts.iter().copied().collect(),
    }
}

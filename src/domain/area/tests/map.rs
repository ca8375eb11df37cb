use serde_json::Value;
use serde_json::json;

use super::AreaMap;
use super::area;
use super::plmns;
use super::polygon;
use super::position;

fn refused(areas: &Value) -> String {
    let error = serde_json::from_value::<AreaMap>(json!({ "id": "map", "areas": areas }));
    error.unwrap_err().to_string()
}

fn arc(inner: u32, width: f64, offset: u16, included: u16) -> Value {
    json!({ "type": "ellipsoid-arc", "arc": { "centre": position(60.0, 5.0), "inner_radius_m": inner,
            "uncertainty_radius_m": width, "offset_angle": offset, "included_angle": included } })
}

#[test]
fn a_map_is_read_and_written_alike() {
    let value = json!({
        "id": "nordic",
        "areas": [
            { "id": "border", "preference": ["mc.se.example", "mc.no.example"],
              "shapes": [polygon(&[(60.0, 12.0), (61.0, 12.0), (61.0, 13.0)]), arc(5, 2.5, 358, 2)] },
            { "id": "sweden", "preference": [], "shapes": [plmns(&["240-01"])] },
        ],
        "elsewhere": ["mc.no.example"],
        "unstated_uncertainty_m": 50.0,
        "confidence_min": 90,
        "fix_age_seconds_max": 120,
    });
    let map: AreaMap = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(serde_json::to_value(&map).unwrap(), value);
    let again: AreaMap = serde_json::from_value(value).unwrap();
    assert_eq!(again, map);
}

#[test]
fn what_is_no_map_is_refused_with_the_reason() {
    let here = plmns(&["240-01"]);
    let table = [
        (json!([]), "1 to 1000 areas, not 0"),
        (
            json!([area("a", &here, &[]), area("a", &here, &[])]),
            "area `a` appears twice",
        ),
        (
            json!([{ "id": "a", "shapes": [] }]),
            "area `a` has 0 shapes",
        ),
        (json!([area("a b", &here, &[])]), "`a b` is not an area id"),
        (
            json!([area("a", &here, &["mc.se.example", "MC.se.example"])]),
            "`mc.se.example` appears twice in one preference",
        ),
        (json!([area("a", &plmns(&[]), &[])]), "at least one"),
        (
            json!([area("a", &json!({ "type": "circle" }), &[])]),
            "unknown variant `circle`",
        ),
    ];
    for (areas, words) in table {
        let error = refused(&areas);
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn what_is_no_shape_is_refused_with_the_reason() {
    let table = [
        (
            polygon(&[(0.0, 0.0), (1.0, 1.0)]),
            "3 to 1000 corners, not 2",
        ),
        (
            polygon(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0)]),
            "corner 4 is where the next one is",
        ),
        (
            polygon(&[(0.0, 180.0), (0.0, -180.0), (1.0, 0.0)]),
            "corner 1 is where the next one is",
        ),
        (
            polygon(&[(90.0, 0.0), (90.0, 100.0), (80.0, 0.0)]),
            "corner 1 is where the next one is",
        ),
        (
            polygon(&[(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)]),
            "crosses or touches itself",
        ),
        (
            polygon(&[(0.0, 179.0), (1.0, -179.0), (0.0, -179.0), (1.0, 179.0)]),
            "crosses or touches itself",
        ),
        (
            polygon(&[
                (0.0, 0.0),
                (2.0, 0.0),
                (1.0, 1.0),
                (2.0, 2.0),
                (0.0, 2.0),
                (1.0, 1.0),
            ]),
            "crosses or touches itself",
        ),
        (
            polygon(&[(0.0, 0.0), (0.0, 1.0), (0.0, 3.0)]),
            "folds back on itself",
        ),
        (
            polygon(&[(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (3.0, 3.0), (2.0, 2.0)]),
            "folds back on itself at corner 4",
        ),
        (
            polygon(&[(0.0, 0.0), (0.0, 46.0), (10.0, 30.0)]),
            "more than 5000 km from the first corner",
        ),
        (
            polygon(&[(0.0, 0.0), (0.0, 120.0), (0.0, -120.0)]),
            "more than 20000 km long",
        ),
        (arc(7, 10.0, 0, 90), "multiple of 5 m, not `7`"),
        (arc(10, 10.0, 1, 90), "multiple of 2 degrees, not `1`"),
        (arc(10, 10.0, 0, 91), "multiple of 2 degrees, not `91`"),
        (arc(10, 0.0, 0, 90), "uncertainty radius"),
        (arc(327_680, 10.0, 0, 90), "`327680` is not an inner radius"),
    ];
    for (shape, words) in table {
        let error = refused(&json!([area("a", &shape, &[])]));
        assert!(error.contains(words), "{error} for {shape}");
    }
}

use serde_json::Value;
use serde_json::json;

use super::UeLocation;
use crate::domain::wire::WireLimits;
use crate::domain::wire::parse_location;
use crate::domain::wire::read_location;

const MEASURED_AT: &str = "2026-03-04T05:06:07.000Z";

fn point() -> Value {
    json!({ "latitude": 60.170_833_4, "longitude": 24.9375 })
}

fn ellipse() -> Value {
    json!({ "semi_major_m": 40.25, "semi_minor_m": 12.0, "orientation_major": 135 })
}

fn arc() -> Value {
    json!({ "centre": point(), "inner_radius_m": 1500, "uncertainty_radius_m": 250.5,
            "offset_angle": 350, "included_angle": 20 })
}

fn fixed(shape: &Value) -> Value {
    json!({ "fix": { "shape": shape, "measured_at": MEASURED_AT } })
}

fn shapes() -> Vec<Value> {
    vec![
        json!({ "type": "point", "point": point() }),
        json!({ "type": "point-uncertainty-circle", "point": point(), "uncertainty_m": 25.5 }),
        json!({ "type": "point-uncertainty-ellipse", "point": point(), "ellipse": ellipse(), "confidence": 95 }),
        json!({ "type": "polygon", "corners": [
            { "latitude": 60.0, "longitude": 24.0 }, { "latitude": 60.1, "longitude": 24.0 },
            { "latitude": 60.1, "longitude": 24.2 }] }),
        json!({ "type": "point-altitude", "point": point(), "altitude_m": -12.0 }),
        json!({ "type": "point-altitude-uncertainty", "point": point(), "altitude_m": 120.0,
                "ellipse": ellipse(), "altitude_uncertainty_m": 9.0 }),
        json!({ "type": "ellipsoid-arc", "arc": arc(), "confidence": 0 }),
    ]
}

/// The problems of a location, one a line.
fn refused(value: &Value) -> Vec<String> {
    read_location(value)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn changed(mut value: Value, pointer: &str, replacement: Value) -> Value {
    *value.pointer_mut(pointer).unwrap() = replacement;
    value
}

#[test]
fn every_shape_is_read_and_written_alike() {
    for shape in shapes() {
        let value = fixed(&shape);
        let location = read_location(&value).unwrap();
        let written = serde_json::to_value(&location).unwrap();
        assert_eq!(written, value);
        let again: UeLocation = serde_json::from_value(written).unwrap();
        assert_eq!(again, location);
    }
}

#[test]
fn network_and_cell_are_read_and_written_alike() {
    for value in [
        json!({ "plmn": "204-08" }),
        json!({ "cell": { "ecgi": { "plmn": "310-410", "eutra_cell_id": "0a1b2c3" } } }),
        json!({ "plmn": "244-91", "cell": { "ncgi": { "plmn": "244-91", "nr_cell_id": "00000000f" } } }),
    ] {
        let location = read_location(&value).unwrap();
        assert_eq!(serde_json::to_value(&location).unwrap(), value);
    }
}

#[test]
fn a_location_that_says_nothing_is_refused() {
    assert_eq!(
        refused(&json!({})),
        ["a location needs at least one of `plmn`, `cell` and `fix`"]
    );
    assert!(serde_json::from_value::<UeLocation>(json!({})).is_err());
}

#[test]
fn confidence_of_zero_states_none() {
    let confidences: Vec<Option<u8>> = shapes()
        .iter()
        .map(|shape| {
            let location = read_location(&fixed(shape)).unwrap();
            location.fix().unwrap().shape.confidence()
        })
        .collect();
    assert_eq!(confidences, [None, None, Some(95), None, None, None, None]);
}

#[test]
fn the_ends_of_the_ranges_are_accepted_and_what_is_beyond_refused() {
    let circle = fixed(&shapes()[1]);
    let ellipsoid = fixed(&shapes()[5]);
    let arc = fixed(&shapes()[6]);
    let table = [
        (
            &circle,
            "/fix/shape/point/latitude",
            json!(90),
            json!(90.000_000_1),
        ),
        (
            &circle,
            "/fix/shape/point/latitude",
            json!(-90),
            json!(-90.5),
        ),
        (
            &circle,
            "/fix/shape/point/longitude",
            json!(180),
            json!(180.000_000_1),
        ),
        (
            &circle,
            "/fix/shape/point/longitude",
            json!(-180),
            json!(-181),
        ),
        (&circle, "/fix/shape/uncertainty_m", json!(0), json!(-0.001)),
        (
            &circle,
            "/fix/shape/uncertainty_m",
            json!(1_806_628),
            json!(1_806_629),
        ),
        (
            &ellipsoid,
            "/fix/shape/altitude_m",
            json!(-32_767),
            json!(-32_768),
        ),
        (
            &ellipsoid,
            "/fix/shape/altitude_m",
            json!(32_767),
            json!(32_768),
        ),
        (&arc, "/fix/shape/confidence", json!(100), json!(101)),
    ];
    for (base, pointer, within, beyond) in table {
        read_location(&changed(base.clone(), pointer, within)).unwrap();
        let problems = refused(&changed(base.clone(), pointer, beyond));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].starts_with(&format!("{pointer}: `")),
            "{problems:?}"
        );
    }
}

#[test]
fn a_shape_whose_elements_do_not_fit_is_refused_as_a_whole() {
    let ellipse = fixed(&shapes()[2]);
    let arc = fixed(&shapes()[6]);
    let table = [
        (
            &ellipse,
            "/fix/shape/ellipse",
            "semi_minor_m",
            json!(40.251),
            "semi-minor axis",
        ),
        (
            &ellipse,
            "/fix/shape/ellipse",
            "orientation_major",
            json!(181),
            "`181`",
        ),
        (
            &arc,
            "/fix/shape/arc",
            "inner_radius_m",
            json!(327_676),
            "`327676`",
        ),
        (&arc, "/fix/shape/arc", "offset_angle", json!(361), "`361`"),
        (&arc, "/fix/shape/arc", "included_angle", json!(0), "`0`"),
        (
            &arc,
            "/fix/shape/arc",
            "included_angle",
            json!(361),
            "`361`",
        ),
    ];
    for (base, place, member, value, words) in table {
        let problems = refused(&changed(base.clone(), &format!("{place}/{member}"), value));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].starts_with(&format!("{place}: ")),
            "{problems:?}"
        );
        assert!(problems[0].contains(words), "{problems:?}");
    }
}

#[test]
fn every_problem_names_its_place() {
    let value = json!({
        "plmn": "20408",
        "cell": { "ecgi": { "plmn": "204-08", "eutra_cell_id": "a1b2c3" }, "tac": 7 },
        "fix": { "shape": { "type": "point-uncertainty-circle", "point": { "latitude": "60", "longitud": 24 },
                            "uncertainty_m": null, "confidence": 68 } },
    });
    assert_eq!(
        refused(&value),
        [
            "/plmn: `20408` is not a PLMN ID: three digits, a hyphen, two or three digits",
            "/cell/tac: unknown member `tac`",
            "/cell/ecgi/eutra_cell_id: `a1b2c3` is not an E-UTRAN cell identity: seven hexadecimal digits",
            "/fix/shape/confidence: unknown member `confidence`",
            "/fix/shape/point/longitud: unknown member `longitud`; did you mean `longitude`",
            "/fix/shape/point/latitude: must be a number, not a string",
            "/fix/shape/point/longitude: `longitude` is missing",
            "/fix/shape/uncertainty_m: must be a number, not null",
            "/fix/measured_at: `measured_at` is missing",
        ]
    );
}

#[test]
fn a_cell_is_of_one_kind_and_a_member_appears_once() {
    assert_eq!(
        refused(&json!({ "cell": {} })),
        ["/cell: must have one of `ecgi` and `ncgi`"]
    );
    let text = br#"{ "plmn": "204-08", "plmn": "262-01" }"#;
    let problems = parse_location(text, WireLimits::default()).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "/plmn: the member `plmn` appears twice"
    );
}

#[test]
fn an_uncertainty_polygon_is_held_to_the_limits() {
    let corner =
        |latitude: f64, longitude: f64| json!({ "latitude": latitude, "longitude": longitude });
    let corners = |corners: Vec<Value>| fixed(&json!({ "type": "polygon", "corners": corners }));
    let table = [
        (
            vec![corner(0.0, 0.0), corner(1.0, 1.0)],
            "3 to 15 corners, not 2",
        ),
        (
            vec![
                corner(0.0, 0.0),
                corner(1.0, 1.0),
                corner(0.0, 1.0),
                corner(1.0, 0.0),
            ],
            "crosses or touches itself",
        ),
        (
            vec![corner(0.0, 0.0), corner(10.0, 0.0), corner(0.0, 15.0)],
            "more than 4000 km long",
        ),
    ];
    for (given, words) in table {
        let problems = refused(&corners(given));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].starts_with("/fix/shape/corners: "),
            "{problems:?}"
        );
        assert!(problems[0].contains(words), "{problems:?}");
    }
    assert_eq!(
        refused(&corners(vec![corner(0.0, 0.0); 16])),
        ["/fix/shape/corners: has 16 elements, but must have 1 to 15"]
    );
}

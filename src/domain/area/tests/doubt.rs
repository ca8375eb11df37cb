use serde_json::Value;
use serde_json::json;

use super::AreaMap;
use super::Containment::Inside;
use super::Containment::Outside;
use super::Containment::Uncertain;
use super::Doubt;
use super::NOW;
use super::area;
use super::circle;
use super::doubts;
use super::fixed;
use super::located;
use super::map;
use super::plmns;
use super::position;
use super::rectangle;
use crate::domain::location::UeLocation;

fn both() -> AreaMap {
    map(&[
        area("network", &plmns(&["240-01", "240-02"]), &[]),
        area("ground", &rectangle(0.0, 1.0, 0.0, 1.0), &[]),
    ])
}

fn location(value: Value) -> UeLocation {
    serde_json::from_value(value).unwrap()
}

fn with_plmn(plmn: &str, shape: &Value, measured_at: &str) -> UeLocation {
    location(json!({ "plmn": plmn, "fix": { "shape": shape, "measured_at": measured_at } }))
}

#[test]
fn network_and_ground_answer_each_for_themselves() {
    let inside = circle(0.5, 0.5, 10.0);
    let cell = json!({ "cell": { "ecgi": { "plmn": "240-01", "eutra_cell_id": "0000001" } } });
    let table = [
        (with_plmn("240-02", &inside, NOW), [Inside, Inside], vec![]),
        (with_plmn("240-07", &inside, NOW), [Outside, Inside], vec![]),
        (
            fixed(&inside),
            [Uncertain, Inside],
            vec![Doubt::PlmnUnknown],
        ),
        (
            location(json!({ "plmn": "240-01" })),
            [Inside, Uncertain],
            vec![Doubt::PlmnOnly],
        ),
        (
            location(json!({ "plmn": "240-07" })),
            [Outside, Uncertain],
            vec![Doubt::PlmnOnly],
        ),
        (
            location(cell),
            [Uncertain, Uncertain],
            vec![Doubt::NoFix, Doubt::PlmnUnknown],
        ),
        (
            fixed(&circle(0.5, 1.0, 10.0)),
            [Uncertain, Uncertain],
            vec![Doubt::PlmnUnknown, Doubt::BorderCrossed],
        ),
    ];
    for (location, containments, expected) in table {
        let found = located(&both(), &location);
        let found_containments: Vec<_> = found.areas.iter().map(|(_, found)| *found).collect();
        assert_eq!(found_containments, containments, "{location:?}");
        assert_eq!(doubts(&found), expected, "{location:?}");
    }
}

#[test]
fn a_network_is_enough_where_only_networks_are_asked_for() {
    let networks = map(&[area("network", &plmns(&["240-01"]), &[])]);
    let stale = "2020-01-01T00:00:00.000Z";
    for location in [
        location(json!({ "plmn": "240-01" })),
        with_plmn("240-01", &circle(0.5, 0.5, 10.0), stale),
    ] {
        assert_eq!(doubts(&located(&networks, &location)), []);
    }
}

#[test]
fn a_fix_is_fresh_to_the_millisecond() {
    let table = [
        ("2026-03-04T05:04:07.000Z", vec![]),
        ("2026-03-04T05:04:06.999Z", vec![Doubt::Stale]),
        ("2026-03-04T05:06:37.000Z", vec![]),
        ("2026-03-04T05:06:37.001Z", vec![Doubt::NotYetMeasured]),
    ];
    for (measured_at, expected) in table {
        let location = with_plmn("240-01", &circle(0.5, 0.5, 10.0), measured_at);
        assert_eq!(
            doubts(&located(&both(), &location)),
            expected,
            "{measured_at}"
        );
    }
}

#[test]
fn accuracy_is_stated_or_assumed_by_the_map() {
    let shape = rectangle(0.0, 1.0, 0.0, 1.0);
    let table = [
        (json!(null), 0.5, vec![Doubt::AccuracyUnstated]),
        (json!(100), 0.5, vec![]),
        (json!(100), 0.9995, vec![Doubt::BorderCrossed]),
    ];
    for (assumed, longitude, expected) in table {
        let mut map = json!({ "id": "map", "areas": [area("a", &shape, &[])] });
        if !assumed.is_null() {
            map["unstated_uncertainty_m"] = assumed;
        }
        let map: AreaMap = serde_json::from_value(map).unwrap();
        for fix in [
            json!({ "type": "point", "point": position(0.5, longitude) }),
            json!({ "type": "point-altitude", "point": position(0.5, longitude), "altitude_m": 10 }),
        ] {
            assert_eq!(doubts(&located(&map, &fixed(&fix))), expected, "{fix}");
        }
    }
}

#[test]
fn a_confidence_below_that_of_the_map_is_a_doubt() {
    let map = map(&[area("a", &rectangle(0.0, 1.0, 0.0, 1.0), &[])]);
    let ellipse = json!({ "semi_major_m": 10, "semi_minor_m": 10, "orientation_major": 0 });
    let table = [
        (Some(66), vec![Doubt::ConfidenceTooLow]),
        (Some(67), vec![]),
        (Some(0), vec![]),
        (None, vec![]),
    ];
    for (confidence, expected) in table {
        let mut fix = json!({ "type": "point-uncertainty-ellipse", "point": position(0.5, 0.5), "ellipse": ellipse });
        if let Some(confidence) = confidence {
            fix["confidence"] = json!(confidence);
        }
        assert_eq!(doubts(&located(&map, &fixed(&fix))), expected, "{fix}");
    }
}

#[test]
fn an_area_is_wherever_one_of_its_shapes_is() {
    let area = json!({ "id": "a", "shapes": [rectangle(0.0, 1.0, 0.0, 1.0), rectangle(0.0, 1.0, 0.9, 2.0), plmns(&["240-01"])] });
    let map = map(&[area]);
    let table = [
        (
            with_plmn("240-07", &circle(0.5, 0.95, 1_000.0), NOW),
            Inside,
        ),
        (with_plmn("240-07", &circle(0.5, 1.0, 1_000.0), NOW), Inside),
        (
            with_plmn("240-07", &circle(0.5, 2.0, 1_000.0), NOW),
            Uncertain,
        ),
        (
            with_plmn("240-07", &circle(0.5, 3.0, 1_000.0), NOW),
            Outside,
        ),
        (with_plmn("240-01", &circle(0.5, 2.0, 1_000.0), NOW), Inside),
        (fixed(&circle(0.5, 3.0, 1_000.0)), Uncertain),
    ];
    for (location, expected) in table {
        assert_eq!(
            located(&map, &location).areas[0].1,
            expected,
            "{location:?}"
        );
    }
}

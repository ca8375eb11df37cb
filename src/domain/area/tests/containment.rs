use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::Containment;
use super::Containment::Inside;
use super::Containment::Outside;
use super::Containment::Uncertain;
use super::circle;
use super::polygon;
use super::position;
use super::rectangle;
use super::within;

fn arc(
    (latitude, longitude): (f64, f64),
    (inner, width): (u32, f64),
    (offset, included): (u16, u16),
) -> Value {
    json!({ "type": "ellipsoid-arc", "arc": {
        "centre": position(latitude, longitude), "inner_radius_m": inner, "uncertainty_radius_m": width,
        "offset_angle": offset, "included_angle": included } })
}

fn ellipse(latitude: f64, longitude: f64, (major, minor): (f64, f64), orientation: u16) -> Value {
    json!({ "type": "point-uncertainty-ellipse", "point": position(latitude, longitude),
            "ellipse": { "semi_major_m": major, "semi_minor_m": minor, "orientation_major": orientation } })
}

fn check(area: &Value, table: &[(Value, Containment)]) {
    for (fix, expected) in table {
        assert_eq!(within(area, fix), *expected, "{fix} in {area}");
    }
}

#[test]
fn the_distance_to_the_border_is_held_against_the_uncertainty_to_the_metre() {
    // The border is the meridian 1° east; a thousandth of a degree is 111.3 m here, and the margin is 5 m.
    check(
        &rectangle(0.0, 1.0, 0.0, 1.0),
        &[
            (circle(0.5, 0.999, 0.0), Inside),
            (circle(0.5, 0.999, 106.0), Inside),
            (circle(0.5, 0.999, 107.0), Uncertain),
            (circle(0.5, 1.0, 0.0), Uncertain),
            (circle(0.5, 1.001, 107.0), Uncertain),
            (circle(0.5, 1.001, 106.0), Outside),
            (circle(0.5, 0.5, 200_000.0), Uncertain),
            (circle(0.5, -179.5, 0.0), Outside),
        ],
    );
}

#[test]
fn a_border_is_a_geodesic_line_and_not_a_parallel() {
    // Between two points at 60° north the shortest line runs as far as 61.5° north.
    check(
        &rectangle(50.0, 60.0, 0.0, 40.0),
        &[
            (circle(61.0, 20.0, 10.0), Inside),
            (circle(62.0, 20.0, 10.0), Outside),
            (circle(50.5, 20.0, 10.0), Outside),
        ],
    );
}

#[test]
fn a_polygon_may_contain_a_pole() {
    for sign in [1.0, -1.0] {
        let cap = polygon(&[
            (sign * 80.0, 0.0),
            (sign * 80.0, 120.0),
            (sign * 80.0, -120.0),
        ]);
        check(
            &cap,
            &[
                (circle(sign * 90.0, 0.0, 100.0), Inside),
                (circle(sign * 90.0, 135.0, 100.0), Inside),
                (circle(sign * 86.0, 60.0, 100.0), Inside),
                (circle(sign * 86.0, 180.0, 100.0), Inside),
                (circle(sign * 84.0, 60.0, 100.0), Outside),
                (circle(sign * 79.0, 0.0, 100.0), Outside),
                (circle(-sign * 90.0, 0.0, 100.0), Outside),
            ],
        );
    }
}

#[test]
fn a_polygon_may_cross_the_antimeridian() {
    let fiji = polygon(&[
        (-20.0, 176.0),
        (-15.0, 176.0),
        (-15.0, -178.0),
        (-20.0, -178.0),
    ]);
    check(
        &fiji,
        &[
            (circle(-17.0, 180.0, 10.0), Inside),
            (circle(-17.0, -180.0, 10.0), Inside),
            (circle(-17.0, 179.999, 1_000.0), Inside),
            (circle(-17.0, -177.999, 1_000.0), Uncertain),
            (circle(-17.0, 0.0, 10.0), Outside),
        ],
    );
}

#[test]
fn an_arc_is_a_sector_of_a_ring() {
    let north = arc((0.0, 0.0), (100_000, 50_000.0), (350, 20));
    check(
        &north,
        &[
            (circle(1.1, 0.0, 1_000.0), Inside),
            (circle(1.1, -0.15, 100.0), Inside),
            (circle(1.1, 0.3, 1_000.0), Outside),
            (circle(0.5, 0.0, 1_000.0), Outside),
            (circle(-1.1, 0.0, 1_000.0), Outside),
            (circle(0.905, 0.0, 100.0), Uncertain),
        ],
    );
    let pie = arc((0.0, 0.0), (0, 50_000.0), (0, 90));
    check(
        &pie,
        &[
            (circle(0.2, 0.2, 1_000.0), Inside),
            (circle(-0.2, 0.2, 1_000.0), Outside),
            (circle(0.0, 0.0, 0.0), Uncertain),
        ],
    );
}

#[test]
fn a_full_circle_has_a_hole_where_its_inner_radius_is() {
    let ring = arc((90.0, 0.0), (50_000, 50_000.0), (0, 360));
    check(
        &ring,
        &[
            (circle(90.0, 0.0, 1_000.0), Outside),
            (circle(89.3, 170.0, 1_000.0), Inside),
            (circle(89.3, -10.0, 1_000.0), Inside),
            (circle(88.9, 60.0, 1_000.0), Outside),
        ],
    );
}

#[test]
fn an_ellipse_is_turned_clockwise_from_north() {
    let axes = (20_000.0, 2_000.0);
    check(
        &rectangle(-1.0, 1.0, 0.0, 0.1),
        &[
            (ellipse(0.0, 0.05, axes, 0), Inside),
            (ellipse(0.0, 0.05, axes, 180), Inside),
            (ellipse(0.0, 0.05, axes, 90), Uncertain),
            (ellipse(0.0, 0.2, axes, 0), Outside),
        ],
    );
    // A strip from south-west to north-east.
    let strip = polygon(&[(-0.5, -0.55), (0.5, 0.45), (0.5, 0.55), (-0.5, -0.45)]);
    check(
        &strip,
        &[
            (ellipse(0.0, 0.0, axes, 45), Inside),
            (ellipse(0.0, 0.0, axes, 135), Uncertain),
        ],
    );
}

#[test]
fn an_uncertain_arc_or_polygon_is_compared_as_a_whole() {
    let here = (0.0, 0.05);
    let strip = rectangle(-1.0, 1.0, 0.0, 0.1);
    check(
        &strip,
        &[
            (arc(here, (8_000, 1_000.0), (350, 20)), Inside),
            (arc(here, (8_000, 1_000.0), (80, 20)), Outside),
            (arc(here, (8_000, 1_000.0), (30, 120)), Uncertain),
            (rectangle(-0.1, 0.1, 0.02, 0.08), Inside),
            (rectangle(-0.1, 0.1, 0.12, 0.18), Outside),
            (rectangle(-0.1, 0.1, 0.02, 0.12), Uncertain),
        ],
    );
    let village = rectangle(-0.01, 0.01, -0.01, 0.01);
    check(
        &village,
        &[
            (arc((0.0, 0.0), (20_000, 1_000.0), (0, 360)), Outside),
            (arc((0.0, 0.0), (0, 20_000.0), (0, 360)), Uncertain),
            (rectangle(-0.1, 0.1, -0.1, 0.1), Uncertain),
        ],
    );
    let ring = arc((0.0, 0.0), (20_000, 10_000.0), (0, 360));
    check(
        &ring,
        &[
            (arc((0.0, 0.0), (24_000, 1_000.0), (0, 360)), Inside),
            (arc((0.0, 0.0), (0, 25_000.0), (0, 360)), Uncertain),
            (rectangle(-0.01, 0.01, -0.01, 0.01), Outside),
        ],
    );
}

/// Whole millidegrees, which turned by whole degrees stay exact.
fn degrees(millidegrees: i32) -> f64 {
    f64::from(millidegrees) / 1_000.0
}

fn turned(longitude: i32, by: i32) -> f64 {
    degrees((longitude + by * 1_000 + 180_000).rem_euclid(360_000) - 180_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_larger_uncertainty_never_makes_certain(
        (latitude, longitude) in (-500..1_500_i32, -500..1_500_i32),
        small in 0.0..30_000.0_f64, growth in 1.0..5.0_f64, orientation in 0..180_u16,
    ) {
        let (latitude, longitude) = (degrees(latitude), degrees(longitude));
        let areas = [rectangle(0.0, 1.0, 0.0, 1.0), arc((0.5, 0.5), (30_000, 40_000.0), (90, 270))];
        for area in &areas {
            for fix in [
                |at: (f64, f64), size: f64, _: u16| circle(at.0, at.1, size),
                |at: (f64, f64), size: f64, turn: u16| ellipse(at.0, at.1, (size, size / 3.0), turn),
                |at: (f64, f64), size: f64, turn: u16| arc(at, (10_000, size), (turn, 120)),
            ] {
                let at_first = within(area, &fix((latitude, longitude), small, orientation));
                let grown = within(area, &fix((latitude, longitude), small * growth, orientation));
                prop_assert!(grown == Uncertain || grown == at_first, "{at_first:?} became {grown:?}");
            }
        }
    }

    #[test]
    fn turning_the_earth_changes_nothing(
        (latitude, longitude) in (-3_000..4_000_i32, -3_000..4_000_i32),
        radius in 0..100_000_i32, by in 0..360_i32, base in prop::sample::select(vec![-86_000, -40_000, 0, 60_000, 86_000]),
    ) {
        let at = |turn: i32| {
            let corner = |lat: i32, lon: i32| (degrees(base + lat), turned(lon, turn));
            let area = polygon(&[corner(0, 0), corner(2_000, 500), corner(1_500, 2_500), corner(-500, 2_000)]);
            within(&area, &circle(degrees(base + latitude), turned(longitude, turn), f64::from(radius)))
        };
        prop_assert_eq!(at(by), at(0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn neither_direction_nor_first_corner_matters(
        (latitude, longitude) in (-90_000..90_000_i32, -180_000..180_000_i32), first in 0..4_usize,
    ) {
        let mut corners = vec![(70.0, 0.0), (75.0, 90.0), (70.0, 180.0), (72.0, -90.0)];
        let fix = circle(degrees(latitude), degrees(longitude), 1_000.0);
        let expected = within(&polygon(&corners), &fix);
        corners.rotate_left(first);
        prop_assert_eq!(within(&polygon(&corners), &fix), expected);
        corners.reverse();
        prop_assert_eq!(within(&polygon(&corners), &fix), expected);
    }
}

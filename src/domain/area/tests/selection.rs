use std::collections::BTreeSet;

use super::AreaMap;
use super::Certainty;
use super::Containment;
use super::Containment::Inside;
use super::Containment::Outside;
use super::Containment::Uncertain;
use super::Doubt;
use super::Located;
use super::area;
use super::circle;
use super::fixed;
use super::located;
use super::map;
use super::plmns;
use super::rectangle;
use crate::domain::area::Candidates;
use crate::domain::area::Reason;
use crate::domain::area::Selection;
use crate::domain::area::Wish;
use crate::domain::area::choose;
use crate::domain::identity::McSystemId;
use crate::domain::user::UserPartner;

const OWN: &str = "mc.no.example";
const SE: &str = "mc.se.example";
const FI: &str = "mc.fi.example";
const DK: &str = "mc.dk.example";

fn system(id: &str) -> McSystemId {
    id.parse().unwrap()
}

fn candidates(listed: &[&str], allowed: &[&str]) -> Candidates {
    let listed: Vec<UserPartner> = listed
        .iter()
        .map(|id| serde_json::from_value(serde_json::json!({ "system": id })).unwrap())
        .collect();
    Candidates::new(system(OWN), &listed, allowed.iter().map(|id| system(id)))
}

/// Three areas whose preferences are told by the test, and the containments in them.
fn chosen(
    preferences: [&[&str]; 3],
    containments: [Containment; 3],
    candidates: &Candidates,
    wish: Wish<'_>,
) -> Selection {
    let names = ["first", "second", "third"];
    let areas: Vec<_> = names
        .iter()
        .zip(preferences)
        .map(|(name, preference)| area(name, &plmns(&["240-01"]), preference))
        .collect();
    let found = Located {
        areas: names
            .iter()
            .map(|name| name.parse().unwrap())
            .zip(containments)
            .collect(),
        certainty: if containments.contains(&Uncertain) {
            Certainty::Uncertain(BTreeSet::from([Doubt::BorderCrossed]))
        } else {
            Certainty::Certain
        },
    };
    choose(&map(&areas).preferences(), candidates, &found, wish)
}

fn preferred(id: &str, area: &str) -> Selection {
    Selection::Chosen(system(id), Reason::PreferredIn(area.parse().unwrap()))
}

fn stays(area: &str) -> Selection {
    Selection::StayHome(Reason::PreferredIn(area.parse().unwrap()))
}

fn user_chooses(ids: &[&str]) -> Selection {
    Selection::UserChooses(ids.iter().map(|id| system(id)).collect())
}

#[test]
fn areas_choose_by_their_merged_preference() {
    let all = candidates(&[SE, FI, DK], &[SE, FI, DK]);
    let only_fi = candidates(&[SE, FI, DK], &[FI]);
    let nobody = candidates(&[SE, FI, DK], &[]);
    let table = [
        (
            [&[SE][..], &[FI], &[]],
            [Inside, Inside, Outside],
            &all,
            preferred(SE, "first"),
        ),
        (
            [&[SE], &[FI], &[]],
            [Outside, Inside, Outside],
            &all,
            preferred(FI, "second"),
        ),
        (
            [&[SE], &[FI, SE], &[]],
            [Inside, Inside, Outside],
            &only_fi,
            preferred(FI, "second"),
        ),
        (
            [&[OWN, SE], &[FI], &[]],
            [Inside, Inside, Outside],
            &all,
            stays("first"),
        ),
        (
            [&[SE, OWN], &[FI], &[]],
            [Inside, Inside, Outside],
            &only_fi,
            stays("first"),
        ),
        (
            [&[SE, OWN], &[], &[]],
            [Inside, Outside, Outside],
            &nobody,
            stays("first"),
        ),
        (
            [&[], &[FI], &[]],
            [Inside, Inside, Outside],
            &all,
            preferred(FI, "second"),
        ),
    ];
    for (preferences, containments, candidates, expected) in table {
        let found = chosen(preferences, containments, candidates, Wish::default());
        assert_eq!(found, expected, "{preferences:?} {containments:?}");
    }
}

#[test]
fn without_a_preferred_candidate_the_user_chooses_or_nobody() {
    let all = candidates(&[SE, FI, DK], &[SE, FI, DK]);
    let only_fi = candidates(&[SE, FI, DK], &[FI]);
    let nobody = candidates(&[SE, FI, DK], &[]);
    let table = [
        (
            [&[][..], &[FI], &[]],
            [Inside, Outside, Outside],
            &all,
            user_chooses(&[DK, FI, SE]),
        ),
        (
            [&[], &[], &[]],
            [Inside, Outside, Outside],
            &nobody,
            Selection::None,
        ),
        (
            [&[SE], &[], &[]],
            [Inside, Outside, Outside],
            &only_fi,
            Selection::None,
        ),
        (
            [&[SE], &[FI], &[DK]],
            [Outside, Outside, Outside],
            &all,
            Selection::None,
        ),
    ];
    for (preferences, containments, candidates, expected) in table {
        let found = chosen(preferences, containments, candidates, Wish::default());
        assert_eq!(found, expected, "{preferences:?} {containments:?}");
    }
}

#[test]
fn an_uncertain_location_never_chooses() {
    let all = candidates(&[SE, FI, DK], &[SE, FI, DK]);
    let only_fi = candidates(&[FI], &[SE, FI]);
    let nobody = candidates(&[], &[SE]);
    let table = [
        (
            [&[SE][..], &[FI], &[]],
            [Uncertain, Inside, Outside],
            &all,
            user_chooses(&[SE, FI, DK]),
        ),
        (
            [&[SE], &[FI], &[]],
            [Outside, Uncertain, Outside],
            &all,
            user_chooses(&[FI, DK, SE]),
        ),
        (
            [&[SE], &[SE], &[SE]],
            [Uncertain, Inside, Inside],
            &all,
            user_chooses(&[SE, DK, FI]),
        ),
        (
            [&[OWN], &[FI], &[]],
            [Uncertain, Outside, Outside],
            &all,
            user_chooses(&[OWN, DK, FI, SE]),
        ),
        (
            [&[SE], &[FI], &[]],
            [Uncertain, Outside, Outside],
            &only_fi,
            user_chooses(&[FI]),
        ),
        (
            [&[OWN], &[FI], &[]],
            [Uncertain, Outside, Outside],
            &nobody,
            Selection::None,
        ),
    ];
    for (preferences, containments, candidates, expected) in table {
        let found = chosen(preferences, containments, candidates, Wish::default());
        assert_eq!(found, expected, "{preferences:?} {containments:?}");
    }
}

#[test]
fn a_named_system_is_chosen_falls_through_or_ends_the_search() {
    let candidates = candidates(&[SE, DK], &[SE, FI]);
    let preferences = [&[SE][..], &[], &[]];
    let (fi, se, dk, own) = (system(FI), system(SE), system(DK), system(OWN));
    let table = [
        (
            &se,
            false,
            Outside,
            Selection::Chosen(se.clone(), Reason::Requested),
        ),
        (
            &se,
            true,
            Uncertain,
            Selection::Chosen(se.clone(), Reason::Requested),
        ),
        // Allowed, but not on the user's list; then on the list, but not allowed.
        (&fi, false, Inside, preferred(SE, "first")),
        (&dk, false, Inside, preferred(SE, "first")),
        (&fi, false, Uncertain, user_chooses(&[SE])),
        (&fi, true, Inside, Selection::None),
        (&dk, true, Inside, Selection::None),
        (
            &own,
            true,
            Uncertain,
            Selection::StayHome(Reason::Requested),
        ),
    ];
    for (requested, strict, containment, expected) in table {
        let wish = Wish {
            requested: Some(requested),
            strict,
        };
        let found = chosen(
            preferences,
            [containment, Outside, Outside],
            &candidates,
            wish,
        );
        assert_eq!(found, expected, "{requested} {strict} {containment:?}");
    }
}

#[test]
fn elsewhere_has_a_preference_of_its_own() {
    let all = candidates(&[SE, FI], &[SE, FI]);
    let far = fixed(&circle(-30.0, 0.0, 10.0));
    let ground = area("ground", &rectangle(0.0, 1.0, 0.0, 1.0), &[SE]);
    let table = [
        (serde_json::json!(null), Selection::None),
        (serde_json::json!([]), user_chooses(&[FI, SE])),
        (
            serde_json::json!([OWN]),
            Selection::StayHome(Reason::PreferredElsewhere),
        ),
        (
            serde_json::json!([FI]),
            Selection::Chosen(system(FI), Reason::PreferredElsewhere),
        ),
    ];
    for (elsewhere, expected) in table {
        let mut value = serde_json::json!({ "id": "map", "areas": [ground] });
        if !elsewhere.is_null() {
            value["elsewhere"] = elsewhere;
        }
        let map: AreaMap = serde_json::from_value(value).unwrap();
        let found = choose(
            &map.preferences(),
            &all,
            &located(&map, &far),
            Wish::default(),
        );
        assert_eq!(found, expected);
    }
}

#[test]
fn in_two_areas_the_first_is_preferred_and_across_the_border_the_user_chooses() {
    let all = candidates(&[SE, FI], &[SE, FI]);
    let map = map(&[
        area("tornio", &rectangle(65.0, 66.0, 23.0, 24.5), &[SE, FI]),
        area("lapland", &rectangle(64.0, 68.0, 22.0, 28.0), &[FI]),
    ]);
    let choice = |longitude: f64, radius: f64| {
        let location = fixed(&circle(65.5, longitude, radius));
        choose(
            &map.preferences(),
            &all,
            &located(&map, &location),
            Wish::default(),
        )
    };
    assert_eq!(choice(24.0, 50.0), preferred(SE, "tornio"));
    assert_eq!(choice(26.0, 50.0), preferred(FI, "lapland"));
    assert_eq!(choice(24.499, 500.0), user_chooses(&[SE, FI]));
}

//! What the shipped policies decide, case by case.

use std::collections::BTreeSet;
use std::path::Path;

use comity::workbench::scenario::compare::differences;
use comity::workbench::scenario::coverage::Determining;

use crate::golden::SCENES;
use crate::golden::SHIPPED;
use crate::golden::Scene;
use crate::golden::engine;
use crate::golden::engine_of;

#[test]
fn scenarios_come_out_as_written() {
    let differences: Vec<String> = SCENES
        .iter()
        .flat_map(Scene::decisions)
        .flat_map(|scene| {
            let found = differences(scene, &scene.decide(engine_of(scene)));
            let told = move |detail| format!("{} ({}): {detail}", scene.name, scene.about);
            found.into_iter().map(told)
        })
        .collect();
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

#[test]
fn every_shipped_policy_decides_a_scenario() {
    let mut determining = Determining::default();
    for scene in SCENES.iter() {
        determining.add(&scene.decide(engine_of(scene)));
    }
    let coverage = determining.coverage(SHIPPED.bundle());
    assert!(coverage.idle.is_empty(), "{:?}", coverage.idle);
}

#[test]
fn shipped_bundles_have_no_warnings() {
    for directory in ["policies", "policies/access"] {
        let engine = engine(Path::new(directory));
        assert!(engine.bundle().warnings().is_none(), "{directory}");
    }
}

#[test]
fn an_answer_names_the_categories_of_permits_and_a_policy_its_own() {
    let mut families = BTreeSet::new();
    for scene in SCENES.iter() {
        for item in scene.decide(engine_of(scene)) {
            for policy in &item.policies {
                let category = policy.category.clone().unwrap();
                let listed = item.categories.contains(&category);
                let family = category.starts_with("ceiling.") || category.starts_with("review.");
                // What `[responses]` makes of a permit keeps the permit's category.
                assert_eq!(listed, !family, "{}: {category}", scene.name);
                if family {
                    families.insert(category);
                }
            }
        }
    }
    let expected = [
        "ceiling.acm-connection",
        "ceiling.affiliation",
        "ceiling.agreement",
        "ceiling.automatic-responses",
        "ceiling.call",
        "ceiling.configuration-information",
        "ceiling.connection-details",
        "ceiling.cooperation",
        "ceiling.credential",
        "ceiling.exchange",
        "ceiling.group-call",
        "ceiling.group-configuration",
        "ceiling.group-identity",
        "ceiling.group-membership",
        "ceiling.identity",
        "ceiling.information",
        "ceiling.interconnection",
        "ceiling.joint-group",
        "ceiling.key-material",
        "ceiling.logging",
        "ceiling.migration",
        "ceiling.migration-list",
        "ceiling.migration-register",
        "ceiling.migration-users",
        "ceiling.partner-access",
        "ceiling.peer",
        "ceiling.regroup",
        "ceiling.requester",
        "ceiling.target",
        "ceiling.ue-configuration",
        "ceiling.user-configuration",
        "ceiling.visiting-service",
        "review.group-membership",
        "review.ue-configuration",
    ];
    assert!(families.iter().eq(expected.iter()), "{families:?}");
}

#[test]
fn every_shipped_policy_has_a_category_and_names_its_source() {
    for directory in ["policies", "policies/access"] {
        let engine = engine(Path::new(directory));
        for policy in engine.bundle().policies() {
            assert!(policy.category.is_some(), "{}", policy.id);
            let text = std::fs::read_to_string(&policy.place.file).unwrap();
            let before = text.get(..policy.place.offset).unwrap();
            let comment: Vec<&str> = before
                .lines()
                .rev()
                .take_while(|line| line.starts_with("//"))
                .collect();
            let names_source = ["TS ", "TR ", "uling"]
                .iter()
                .any(|source| comment.iter().any(|line| line.contains(source)));
            assert!(names_source, "{}: {comment:?}", policy.id);
        }
    }
}

#[test]
fn no_automatic_permit_reads_urgency() {
    for policy in SHIPPED.bundle().compiled() {
        let text = policy.policy().to_string();
        assert!(!text.contains("urgency"), "{text}");
    }
}

//! What the shipped policies decide, case by case.

use std::collections::BTreeSet;
use std::path::Path;

use comity::decision::decide::ItemDecision;
use comity::decision::decide::selection;

use crate::golden::Expected;
use crate::golden::SCENES;
use crate::golden::SHIPPED;
use crate::golden::Scene;
use crate::golden::engine;

#[test]
fn cases_come_out_as_written() {
    let mut differences = Vec::new();
    for scene in SCENES.iter() {
        let engine = scene.engine();
        let decided = scene.decide(engine.get());
        let expected: Vec<&Expected> = scene
            .case
            .expect
            .iter()
            .flat_map(|expected| std::iter::repeat_n(expected, expected.items))
            .collect();
        let selected = selection(&scene.request, &scene.facts(), &decided);
        let selected = serde_json::to_value(selected).unwrap();
        if selected != scene.case.selection {
            differences.push(format!("{}: selection {selected}", scene.name));
        }
        if decided.len() != expected.len() {
            differences.push(format!("{}: {} items", scene.name, decided.len()));
        }
        for (number, (decided, expected)) in decided.iter().zip(expected).enumerate() {
            differences.extend(difference(scene, number, decided, expected));
        }
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

fn difference(
    scene: &Scene,
    number: usize,
    decided: &ItemDecision,
    expected: &Expected,
) -> Option<String> {
    let policies: BTreeSet<&str> = decided.policies.iter().map(|it| it.id.as_str()).collect();
    let wanted: BTreeSet<&str> = expected.policies.iter().map(String::as_str).collect();
    let members = serde_json::to_value(decided).unwrap();
    let other = expected.also.iter().find(|(name, value)| {
        members
            .get(name.as_str())
            .unwrap_or(&serde_json::Value::Null)
            != *value
    });
    let same = decided.outcome == expected.outcome
        && decided.reason == expected.reason
        && policies == wanted
        && other.is_none();
    (!same).then(|| {
        format!(
            "{} [{number}] ({}): {} {} {policies:?}, errors {:?}, {}",
            scene.name,
            scene.case.about,
            decided.outcome,
            decided.reason,
            decided.errors,
            other.map_or_else(String::new, |(name, _)| format!(
                "{name} is {}",
                members[name]
            )),
        )
    })
}

#[test]
fn every_shipped_policy_decides_a_case() {
    let determining: BTreeSet<String> = SCENES
        .iter()
        .flat_map(|scene| scene.decide(scene.engine().get()))
        .flat_map(|item| item.policies)
        .map(|policy| policy.id)
        .collect();
    let idle: Vec<String> = SHIPPED
        .bundle()
        .policies()
        .map(|policy| policy.id.to_string())
        .filter(|id| !determining.contains(id))
        .collect();
    assert!(idle.is_empty(), "no case is decided by {idle:?}");
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
        for item in scene.decide(scene.engine().get()) {
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
        "ceiling.affiliation",
        "ceiling.agreement",
        "ceiling.connection-details",
        "ceiling.credential",
        "ceiling.exchange",
        "ceiling.group-membership",
        "ceiling.interconnection",
        "ceiling.migration",
        "ceiling.migration-register",
        "ceiling.partner-access",
        "ceiling.requester",
        "ceiling.ue-configuration",
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

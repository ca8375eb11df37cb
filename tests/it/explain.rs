//! `comity explain`: every operation's decisions can be told, with what they rest on and what follows.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use comity::domain::operation::Operation;
use comity::domain::outcome::Outcome;
use comity::policy::source::BundleSource;
use comity::workbench::explain::Explanation;
use comity::workbench::explain::IfHeld;
use comity::workbench::explain::explain;
use comity::workbench::explain::text::lines;

use crate::golden::SCENES;
use crate::golden::Scene;
use crate::golden::engine_of;

static SOURCE: LazyLock<BundleSource> =
    LazyLock::new(|| BundleSource::read(Path::new("policies")).unwrap());

fn explained(scene: &Scene) -> Explanation {
    explain(
        (&SOURCE, &scene.responses),
        scene.facts(),
        &scene.request,
        scene.now,
    )
    .unwrap_or_else(|problems| panic!("{}: {problems}", scene.name))
}

fn scene(name: &str) -> &'static Scene {
    SCENES.iter().find(|scene| scene.name == name).unwrap()
}

fn told(name: &str) -> String {
    lines(&explained(scene(name))).join("\n")
}

/// Of every operation a scenario that is granted and one that is not.
fn one_of_each() -> Vec<&'static Scene> {
    let mut seen = BTreeSet::new();
    SCENES
        .iter()
        .filter(|scene| {
            let items = scene.decide(engine_of(scene));
            let is_granted = items.iter().any(|item| item.outcome == Outcome::Accept);
            seen.insert((scene.request.body.operation().as_str(), is_granted))
        })
        .collect()
}

#[test]
fn a_decision_on_each_operation_is_told_with_its_policies_and_facts() {
    let scenes = one_of_each();
    let operations: BTreeSet<&str> = scenes
        .iter()
        .map(|scene| scene.request.body.operation().as_str())
        .collect();
    assert_eq!(operations.len(), Operation::ALL.len());
    for scene in scenes {
        let explanation = explained(scene);
        let text = lines(&explanation).join("\n");
        let name = &scene.name;
        let operation = scene.request.body.operation();
        assert!(text.starts_with(&format!("{operation} ({})", operation.number())));
        assert!(text.contains("\n  local: "), "{name}: {text}");
        let decided = scene.decide(engine_of(scene));
        assert_eq!(explanation.items.len(), decided.len(), "{name}");
        for (item, decision) in explanation.items.iter().zip(&decided) {
            assert_eq!(item.decision, *decision, "{name}");
            let headline = format!(
                "{}: {} ({})",
                decision.item, decision.outcome, decision.reason
            );
            assert!(text.contains(&headline), "{name}: {text}");
            assert!(text.contains(&item.partner_reason.text), "{name}: {text}");
            for policy in &decision.policies {
                let by = format!("decided by {} (", policy.id);
                assert!(text.contains(&by), "{name}: {text}");
            }
            for said in decision
                .notes
                .iter()
                .chain(decision.obligations.iter().map(|it| &it.name))
            {
                assert!(text.contains(said.as_str()), "{name}: {said} in {text}");
            }
            // What is granted is told with what holding it would change, and nothing else is.
            assert_eq!(
                item.if_held.is_some(),
                decision.outcome == Outcome::Accept,
                "{name}"
            );
            if let Some(IfHeld::Wait { .. }) = &item.if_held {
                assert!(!operation.is_interactive(), "{name}");
            }
        }
    }
}

#[test]
fn a_choice_among_candidates_is_told_with_those_that_were_passed_over() {
    let mut seen = 0;
    for scene in SCENES.iter() {
        if scene.request.body.operation() != Operation::PartnerConnectionDetails {
            continue;
        }
        let explanation = explained(scene);
        let text = lines(&explanation).join("\n");
        assert!(
            text.contains("\nchosen: ") || text.contains("\nthe user chooses among "),
            "{}: {text}",
            scene.name
        );
        for item in &explanation.items {
            let system = item.decision.item.system.as_ref().unwrap();
            if item.decision.outcome == Outcome::Reject {
                let passed = format!("passed over: {system}, ");
                assert!(text.contains(&passed), "{}: {text}", scene.name);
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn what_is_held_is_told_with_what_an_approval_would_bring() {
    let text = told("story/01-2-germany-holds");
    for line in [
        "  if approved then deliver-group-keys by mc.de.example KMS",
        "  can be approved until ",
        "  needs approvals `1`; is refused by denials `1`",
        "  reminds those who can answer every PT",
        "  note: ",
        "  the partner is told: ",
        "  agreement, revision ",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[test]
fn what_is_granted_at_once_is_told_with_what_holding_it_would_change() {
    let text = told("story/02-1-twelve-firefighters");
    let held = "  if group-membership.mutual-aid, group-membership.visiting-officer were held: \
                it would wait until ";
    assert!(text.contains(held), "{text}");
    let call = told("story/15-1-caller-may-call");
    let refused = "were held: it would be refused, nobody can wait for it";
    assert!(call.contains(refused), "{call}");
}

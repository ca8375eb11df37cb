//! What holds for every bundle, whatever its policies.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use cedar_policy::AuthorizationError;
use cedar_policy::Authorizer;
use cedar_policy::Decision;
use cedar_policy::Effect;
use cedar_policy::Entities;
use cedar_policy::PolicyId;
use cedar_policy::PolicySet;
use cedar_policy::Request;
use comity::decision::derived::Derived;
use comity::decision::derived::subset;
use comity::decision::engine::Engine;
use comity::decision::engine::Evaluation;
use comity::domain::outcome::Outcome;
use comity::policy::bundle::Bundle;
use comity::policy::bundle::Origin;
use comity::policy::bundle::PolicyClass;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;

use crate::engine::world::ERRS;
use crate::engine::world::policy;
use crate::engine::world::runner;
use crate::engine::world::world;

const CASES: u32 = 300;

#[test]
fn the_engine_answers_as_the_two_derived_sets() {
    runner(CASES)
        .run(&world(), |world| {
            let engine = world.engine();
            let derived = Derived::new(engine.bundle()).unwrap();
            let entities = world.entities(engine.bundle());
            for request in world.requests() {
                let evaluation = engine.evaluate(&request, &entities);
                prop_assert_eq!(evaluation.outcome(), derived.outcome(&request, &entities));
                if evaluation.errors().is_empty() {
                    let plain = derived.plain_outcome(&request, &entities);
                    prop_assert_eq!(evaluation.outcome(), plain);
                }
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_is_accepted_or_held_the_ceiling_allows() {
    runner(CASES)
        .run(&world(), |world| {
            let engine = world.engine();
            let derived = Derived::new(engine.bundle()).unwrap();
            let entities = world.entities(engine.bundle());
            for request in world.requests() {
                let outcome = engine.evaluate(&request, &entities).outcome();
                let ceiling =
                    Authorizer::new().is_authorized(&request, derived.ceiling(), &entities);
                if outcome != Outcome::Reject {
                    prop_assert_eq!(ceiling.decision(), Decision::Allow);
                }
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_further_forbid_never_widens() {
    runner(CASES)
        .run(&(world(), policy()), |(world, added)| {
            let mut narrower = world.clone();
            narrower.policies.push(added.forbidding());
            assert_never_wider(&world.engine(), &narrower.engine(), &world)
        })
        .unwrap();
}

#[test]
fn an_erring_policy_never_widens() {
    runner(CASES)
        .run(&(world(), any::<Index>()), |(world, index)| {
            let mut narrower = world.clone();
            let chosen = index.index(world.policies.len());
            narrower.policies[chosen] = world.policies[chosen].with_condition(ERRS);
            assert_never_wider(&world.engine(), &narrower.engine(), &world)
        })
        .unwrap();
}

fn assert_never_wider(
    before: &Engine,
    after: &Engine,
    world: &crate::engine::world::World,
) -> Result<(), TestCaseError> {
    let entities = world.entities(before.bundle());
    for request in world.requests() {
        let before = before.evaluate(&request, &entities).outcome();
        let after = after.evaluate(&request, &entities).outcome();
        prop_assert!(width(after) <= width(before), "{} became {}", before, after);
    }
    Ok(())
}

fn width(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Reject => 0,
        Outcome::Review => 1,
        Outcome::Accept => 2,
    }
}

#[test]
fn slices_give_what_the_whole_set_gives() {
    runner(CASES)
        .run(&world(), |world| {
            for bundle in [world.bundle(), world.schemaless()] {
                let engine = Engine::new(bundle);
                let entities = world.entities(engine.bundle());
                for request in world.requests() {
                    let sliced = engine.evaluate(&request, &entities);
                    assert_whole(&sliced, engine.bundle(), &request, &entities)?;
                }
            }
            Ok(())
        })
        .unwrap();
}

fn assert_whole(
    sliced: &Evaluation<'_>,
    bundle: &Bundle,
    request: &Request,
    entities: &Entities,
) -> Result<(), TestCaseError> {
    let all = subset(bundle, |_| true).unwrap();
    let (decision, reasons, errors) = ask(&all, request, entities);
    let (sliced_decision, sliced_reasons) = sliced.plain();
    prop_assert_eq!(sliced_decision, decision);
    prop_assert_eq!(ids(sliced_reasons.into_iter()), reasons);
    prop_assert_eq!(
        ids(sliced.errors().iter().map(|error| &error.policy.id)),
        errors
    );
    for (effect, classes) in [
        (
            Effect::Permit,
            [PolicyClass::AutomaticPermit, PolicyClass::ManualPermit],
        ),
        (
            Effect::Forbid,
            [PolicyClass::HardForbid, PolicyClass::HoldingForbid],
        ),
    ] {
        let alone = subset(bundle, |class| classes.contains(&class)).unwrap();
        let satisfied = sliced.satisfied().filter(|policy| policy.effect == effect);
        let (_, reasons, _) = ask(&alone, request, entities);
        prop_assert_eq!(ids(satisfied.map(|policy| &policy.id)), reasons);
    }
    Ok(())
}

fn ask(
    set: &PolicySet,
    request: &Request,
    entities: &Entities,
) -> (Decision, BTreeSet<PolicyId>, BTreeSet<PolicyId>) {
    let response = Authorizer::new().is_authorized(request, set, entities);
    let diagnostics = response.diagnostics();
    let errors = diagnostics.errors().map(|error| {
        let AuthorizationError::PolicyEvaluationError(error) = error;
        error.policy_id()
    });
    (response.decision(), ids(diagnostics.reason()), ids(errors))
}

fn ids<'a>(ids: impl Iterator<Item = &'a PolicyId>) -> BTreeSet<PolicyId> {
    ids.cloned().collect()
}

#[test]
fn a_replica_answers_alike() {
    runner(50)
        .run(&world(), |world| {
            let engine = world.engine();
            let replica = engine.replicate();
            let entities = world.entities(engine.bundle());
            for request in world.requests() {
                let one = engine.evaluate(&request, &entities);
                let other = replica.evaluate(&request, &entities);
                prop_assert_eq!(one.outcome(), other.outcome());
                prop_assert_eq!(format!("{one:?}"), format!("{other:?}"));
            }
            Ok(())
        })
        .unwrap();
}

/// The properties say nothing if the generated worlds never reach the interesting cases.
#[test]
fn the_generated_worlds_reach_every_case() {
    let mut runner = runner(CASES);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let strategy = world();
    for _ in 0..CASES {
        let world = strategy.new_tree(&mut runner).unwrap().current();
        let engine = world.engine();
        let entities = world.entities(engine.bundle());
        for request in world.requests() {
            let evaluation = engine.evaluate(&request, &entities);
            let mut count = |case: String| *seen.entry(case).or_default() += 1;
            count(format!("outcome {}", evaluation.outcome()));
            for policy in evaluation.satisfied() {
                count(format!("satisfied {:?}", policy.class()));
                count(match &policy.origin {
                    Origin::Written => "satisfied written".to_owned(),
                    Origin::Linked { .. } => "satisfied linked".to_owned(),
                    Origin::Override { .. } => "satisfied override".to_owned(),
                });
            }
            for error in evaluation.errors() {
                count(format!("erred {:?}", error.policy.class()));
            }
            let held = evaluation
                .satisfied_of(PolicyClass::HoldingForbid)
                .next()
                .is_some();
            let granted = evaluation
                .satisfied_of(PolicyClass::AutomaticPermit)
                .next()
                .is_some();
            if evaluation.outcome() == Outcome::Review {
                count(format!("review, held {held}, automatic {granted}"));
            }
            let by_error = evaluation
                .satisfied_of(PolicyClass::HardForbid)
                .next()
                .is_none();
            let refusing = !evaluation.determining().is_empty();
            if evaluation.outcome() == Outcome::Reject && by_error && refusing {
                count("reject by error alone".to_owned());
            }
        }
    }
    for case in [
        "outcome accept",
        "outcome reject",
        "outcome review",
        "satisfied AutomaticPermit",
        "satisfied ManualPermit",
        "satisfied HardForbid",
        "satisfied HoldingForbid",
        "satisfied written",
        "satisfied linked",
        "satisfied override",
        "erred AutomaticPermit",
        "erred ManualPermit",
        "erred HardForbid",
        "erred HoldingForbid",
        "review, held true, automatic true",
        "review, held true, automatic false",
        "review, held false, automatic false",
        "reject by error alone",
    ] {
        let count = seen.get(case).copied().unwrap_or_default();
        assert!(count >= 10, "`{case}` was reached {count} times: {seen:#?}");
    }
}

//! What an evaluation says beside its outcome.

use std::fmt::Write;
use std::sync::Arc;

use cedar_policy::Context;
use cedar_policy::Entities;
use cedar_policy::Request;
use comity::decision::engine::Engine;
use comity::decision::slice::Slices;
use comity::domain::outcome::Outcome;
use comity::policy::annotation::Limit;
use comity::policy::bundle::Bundle;
use comity::policy::bundle::LenientTexts;
use comity::policy::bundle::PolicyInfo;

fn engine(policies: &str) -> Engine {
    let texts = LenientTexts {
        policies: vec![("p.cedar".into(), policies.to_owned())],
        ..LenientTexts::default()
    };
    let bundle = Bundle::lenient(&texts).unwrap_or_else(|e| panic!("{}", e.render(false)));
    Engine::new(Arc::new(bundle))
}

fn request(action: &str) -> Request {
    let uid = |text: &str| text.parse().unwrap();
    Request::new(
        uid("User::\"u\""),
        uid(&format!("Action::\"{action}\"")),
        uid("Doc::\"d\""),
        Context::empty(),
        None,
    )
    .unwrap()
}

fn names(policies: &[&PolicyInfo]) -> Vec<String> {
    policies
        .iter()
        .map(|policy| policy.id.to_string())
        .collect()
}

const POLICIES: &str = r#"
@id("auto") @category("a.one") @response("automatic")
@obligation("update-group-membership by resource-home GMS, deliver-group-keys by resource-home KMS")
@limits("profile, end-time")
permit (principal, action == Action::"view", resource);

@id("manual") @category("a.two") @response("manual-review") @expires("PT2H")
@obligation("deliver-group-keys by resource-home KMS")
permit (principal, action in [Action::"view", Action::"edit"], resource);

@id("hold.short") @response("manual-review") @expires("PT30M")
forbid (principal, action == Action::"view", resource is Doc) when { resource has secret };

@id("hold.default") @response("manual-review")
forbid (principal, action == Action::"edit", resource) when { resource has secret };

@id("hard")
forbid (principal, action, resource) when { resource has closed && resource.closed };
"#;

fn facts(attributes: &str) -> Entities {
    let json =
        format!(r#"[{{"uid":{{"type":"Doc","id":"d"}},"attrs":{attributes},"parents":[]}}]"#);
    Entities::from_json_str(&json, None).unwrap()
}

#[test]
fn an_accept_names_its_permits_obligations_and_limits() {
    let engine = engine(POLICIES);
    let request = request("view");
    let evaluation = engine.evaluate(&request, &Entities::empty());
    assert_eq!(evaluation.outcome(), Outcome::Accept);
    assert_eq!(names(&evaluation.determining()), ["auto"]);
    let obligations: Vec<_> = evaluation
        .obligations()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        obligations,
        [
            "update-group-membership by resource-home GMS",
            "deliver-group-keys by resource-home KMS"
        ]
    );
    assert!(
        evaluation
            .limits()
            .iter()
            .eq(&[Limit::Profile, Limit::EndTime])
    );
    assert_eq!(evaluation.expiry(), None);
    assert_eq!(evaluation.categories().first().unwrap().as_str(), "a.one");
}

#[test]
fn a_held_accept_names_the_holding_forbid_and_keeps_the_obligations_of_all_its_permits() {
    let engine = engine(POLICIES);
    let evaluation_facts = facts(r#"{"secret":true}"#);
    let request = request("view");
    let evaluation = engine.evaluate(&request, &evaluation_facts);
    assert_eq!(evaluation.outcome(), Outcome::Review);
    assert_eq!(names(&evaluation.determining()), ["hold.short"]);
    assert_eq!(names(&evaluation.granting()), ["auto", "manual"]);
    assert_eq!(
        evaluation.obligations().len(),
        2,
        "the shared obligation counts once"
    );
    assert_eq!(evaluation.expiry(), Some("PT30M".parse().unwrap()));
}

#[test]
fn a_review_expires_with_the_first_policy_that_holds_it() {
    let engine = engine(POLICIES);
    let request = request("edit");
    let held = facts(r#"{"secret":true}"#);
    let evaluation = engine.evaluate(&request, &held);
    assert_eq!(names(&evaluation.determining()), ["hold.default", "manual"]);
    assert_eq!(evaluation.expiry(), Some("PT2H".parse().unwrap()));
}

#[test]
fn a_refusal_names_the_hard_forbids_and_still_knows_the_permits() {
    let engine = engine(POLICIES);
    let request = request("view");
    let closed = facts(r#"{"closed":true}"#);
    let evaluation = engine.evaluate(&request, &closed);
    assert_eq!(evaluation.outcome(), Outcome::Reject);
    assert_eq!(names(&evaluation.determining()), ["hard"]);
    let satisfied: Vec<_> = evaluation.satisfied().collect();
    assert_eq!(names(&satisfied), ["auto", "manual", "hard"]);
    assert!(evaluation.obligations().is_empty());
    assert!(evaluation.limits().is_empty());
}

#[test]
fn nothing_permitting_is_a_refusal_by_nobody() {
    let engine = engine(POLICIES);
    let request = request("erase");
    let evaluation = engine.evaluate(&request, &Entities::empty());
    assert_eq!(evaluation.outcome(), Outcome::Reject);
    assert!(evaluation.determining().is_empty());
}

#[test]
fn an_erring_hard_forbid_refuses_and_is_named_with_its_message() {
    let engine = engine(POLICIES);
    let request = request("view");
    let wrong_type = facts(r#"{"closed":"yes"}"#);
    let evaluation = engine.evaluate(&request, &wrong_type);
    assert_eq!(evaluation.outcome(), Outcome::Reject);
    assert_eq!(names(&evaluation.determining()), ["hard"]);
    assert!(evaluation.errors()[0].message.contains("type error"));
    let (decision, reasons) = evaluation.plain();
    assert_eq!(
        decision,
        cedar_policy::Decision::Allow,
        "Cedar skips what errs"
    );
    assert_eq!(reasons.len(), 2);
}

#[test]
fn an_erring_policy_of_several_actions_is_reported_once() {
    let engine = engine(
        r#"@id("twice") @response("automatic")
        permit (principal, action in [Action::"g", Action::"h", Action::"view"], resource)
        when { resource.absent };"#,
    );
    let json = r#"[{"uid":{"type":"Action","id":"view"},"attrs":{},
        "parents":[{"type":"Action","id":"g"},{"type":"Action","id":"h"}]}]"#;
    let entities = Entities::from_json_str(json, None).unwrap();
    let request = request("view");
    let evaluation = engine.evaluate(&request, &entities);
    assert_eq!(evaluation.errors().len(), 1);
}

#[test]
fn policies_of_others_are_not_evaluated() {
    let policies_of = |partners: usize| {
        let mut text = String::new();
        for partner in 0..partners {
            write!(
                text,
                "@response(\"automatic\") permit (principal in System::\"s{partner}\", \
                 action == Action::\"view\", resource is Doc);\n\
                 forbid (principal, action, resource == Doc::\"d{partner}\");\n\
                 @response(\"manual-review\") permit (principal in System::\"home\", \
                 action, resource in Folder::\"f{partner}\");\n"
            )
            .unwrap();
        }
        text
    };
    let json = r#"[
        {"uid":{"type":"User","id":"u"},"attrs":{},"parents":[
            {"type":"System","id":"s1"},{"type":"System","id":"home"}]},
        {"uid":{"type":"Doc","id":"d"},"attrs":{},"parents":[{"type":"Folder","id":"f2"}]}]"#;
    let entities = Entities::from_json_str(json, None).unwrap();
    let evaluated = |partners: usize| {
        let engine = engine(&policies_of(partners));
        let mut evaluated = 0;
        Slices::new(engine.bundle()).visit(&request("view"), &entities, |set| {
            evaluated += set.num_of_policies();
        });
        evaluated
    };
    assert_eq!(
        evaluated(3),
        2,
        "one by the user's system, one by the document's folder"
    );
    assert_eq!(evaluated(300), 2);
}

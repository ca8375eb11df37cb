//! What an officer can switch in `[responses]`, and what not.

use std::collections::BTreeSet;
use std::path::Path;

use comity::policy::bundle::Bundle;
use comity::policy::bundle::Origin;
use comity::policy::bundle::PolicyClass;
use comity::policy::diagnostics::Code;
use comity::policy::diagnostics::Diagnostic;
use comity::policy::diagnostics::Diagnostics;
use comity::policy::source::BundleSource;

const WORDS: [&str; 3] = ["automatic", "manual-review", "reject"];

/// The shipped policies, one more file, and lines at the end of the manifest.
fn shipped_with(policies: &str, responses: &str) -> Result<Bundle, Diagnostics> {
    let shipped = BundleSource::read(Path::new("policies")).unwrap();
    let mut files = shipped.files().clone();
    files.insert("more.cedar".to_owned(), policies.to_owned());
    Bundle::compile(&BundleSource::from_texts(
        format!("{}{responses}\n", shipped.manifest()),
        "mcx.cedarschema",
        shipped.schema(),
        files,
    ))
}

fn problem(policies: &str, responses: &str) -> Diagnostic {
    let problems = shipped_with(policies, responses).unwrap_err().into_items();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.into_iter().next().unwrap()
}

fn line_after_manifest() -> usize {
    let shipped = BundleSource::read(Path::new("policies")).unwrap();
    shipped.manifest().lines().count() + 1
}

fn place(problem: &Diagnostic) -> String {
    problem.place.as_ref().unwrap().to_string()
}

/// The categories of the shipped policies; of permits, or of forbids.
fn categories(bundle: &Bundle, is_permit: bool) -> BTreeSet<String> {
    let permits = [PolicyClass::AutomaticPermit, PolicyClass::ManualPermit];
    bundle
        .policies()
        .filter(|policy| permits.contains(&policy.class()) == is_permit)
        .filter_map(|policy| policy.category.as_ref().map(ToString::to_string))
        .collect()
}

#[test]
fn whatever_is_switched_written_forbids_stay_as_they_are() {
    let shipped = shipped_with("", "").unwrap();
    let forbids = |bundle: &Bundle| -> Vec<(String, PolicyClass)> {
        let forbid = [PolicyClass::HardForbid, PolicyClass::HoldingForbid];
        bundle
            .policies()
            .filter(|policy| policy.origin == Origin::Written && forbid.contains(&policy.class()))
            .map(|policy| (policy.id.to_string(), policy.class()))
            .collect()
    };
    let written = forbids(&shipped);
    for flag in [
        "membership.group-reviews-additions",
        "membership.group-reviews-deletions",
    ] {
        assert!(written.contains(&(flag.to_owned(), PolicyClass::HoldingForbid)));
    }
    let mut switched = 0;
    for category in categories(&shipped, true) {
        for word in WORDS {
            if let Ok(bundle) = shipped_with("", &format!("\"{category}\" = \"{word}\"")) {
                assert_eq!(forbids(&bundle), written, "{category} = {word}");
                switched += 1;
            }
        }
    }
    assert!(switched > 20, "{switched}");
}

#[test]
fn no_family_of_forbids_can_be_switched() {
    let families = categories(&shipped_with("", "").unwrap(), false);
    assert!(families.contains("review.group-membership"));
    for family in families {
        for word in WORDS {
            let problem = problem("", &format!("\"{family}\" = \"{word}\""));
            assert_eq!(problem.code, Code::NotSwitchable, "{family} = {word}");
        }
    }
}

#[test]
fn what_only_takes_access_away_cannot_be_rejected() {
    let shipped = shipped_with("", "").unwrap();
    let mut refused = BTreeSet::new();
    for category in categories(&shipped, true) {
        for word in WORDS {
            if let Err(problems) = shipped_with("", &format!("\"{category}\" = \"{word}\"")) {
                let problem = problems.iter().next().unwrap();
                assert_eq!(problem.code, Code::NotSwitchable);
                let expected = format!("bundle.toml:{}:1", line_after_manifest());
                assert_eq!(place(problem), expected);
                // A lock holds a category whatever its permits do.
                if problem.message.contains("is locked") {
                    continue;
                }
                assert!(problem.message.contains("takes access away"), "{problem}");
                assert_eq!(problem.related.len(), 1);
                refused.insert((category.clone(), word));
            }
        }
    }
    let expected = [
        "cooperation.interruption",
        "cooperation.outbound-interruption",
        "group-membership.deletion",
        "group-membership.outbound-deletion",
        "migration.return",
        "partner-access.release",
        "migration-users.outbound-removal",
        "migration-users.removal",
        "visiting-service.disabled",
        "visiting-service.outbound-disabling",
    ]
    .map(|category| (category.to_owned(), "reject"));
    assert_eq!(refused, BTreeSet::from(expected));
}

#[test]
fn a_permit_that_also_lets_access_be_taken_away_cannot_be_rejected_with_its_category() {
    for (action, is_refused) in [
        ("action", true),
        ("action in MCX::Action::\"reducing\"", true),
        ("action in MCX::Action::\"acm\"", true),
        (
            "action in [MCX::Action::\"addGroupMember\", MCX::Action::\"removeGroupMember\"]",
            true,
        ),
        ("action in MCX::Action::\"widening\"", false),
        ("action == MCX::Action::\"addGroupMember\"", false),
    ] {
        let policy = format!(
            "@id(\"more\") @category(\"more.requests\") @response(\"manual-review\")\n\
             permit (principal, {action}, resource);"
        );
        let switched = shipped_with(&policy, "\"more.requests\" = \"reject\"");
        assert_eq!(switched.is_err(), is_refused, "{action}");
    }
}

#[test]
fn a_locked_category_cannot_be_switched() {
    let policy = "@id(\"more\") @category(\"more.requests\") @response(\"manual-review\") LOCK\n\
                  permit (principal, action == MCX::Action::\"addGroupMember\", resource);";
    let locked = policy.replace("LOCK", "@locked(\"true\")");
    let open = policy.replace("LOCK", "");
    shipped_with(&locked, "").unwrap();
    for word in WORDS {
        let line = format!("\"more.requests\" = \"{word}\"");
        shipped_with(&open, &line).unwrap();
        let problem = problem(&locked, &line);
        assert_eq!(problem.code, Code::NotSwitchable);
        assert!(problem.message.contains("locked"), "{problem}");
        assert_eq!(problem.related[0].place.file, Path::new("more.cedar"));
    }
}

/// Emergencies are locked, and switching ordinary calls leaves them alone (scenarios `…-emergency-ordinary-…`).
#[test]
fn calls_in_emergency_cannot_be_switched() {
    for category in ["call.emergency", "group-call.emergency"] {
        for word in WORDS {
            let line = format!("\"{category}\" = \"{word}\"");
            let problems = shipped_with("", &line).unwrap_err().into_items();
            assert_eq!(problems[0].code, Code::NotSwitchable, "{line}");
        }
    }
}

/// A permit of additions under a condition, on its third line.
fn permit_when(response: &str, condition: &str) -> String {
    format!(
        "@id(\"more\") @category(\"more.requests\") @response(\"{response}\") // urgency\n\
         permit (principal, action == MCX::Action::\"addGroupMember\", resource)\n\
         when {{ {condition} }};"
    )
}

#[test]
fn an_automatic_permit_does_not_read_the_urgency() {
    for (condition, column) in [
        ("context.urgency == \"critical\"", 16),
        ("context[\"urgency\"] like \"crit*\"", 17),
        (
            "resource has configuration && context.urgency == \"high\"",
            46,
        ),
        ("context has urgency", 20),
        ("{ inner: context }.inner.urgency == \"high\"", 33),
    ] {
        let policy = permit_when("automatic", condition);
        let problem = problem(&policy, "");
        assert_eq!(problem.code, Code::UrgencyGrants, "{condition}");
        assert_eq!(place(&problem), format!("more.cedar:3:{column}"));
        assert!(problem.related.is_empty());
        shipped_with(&permit_when("manual-review", condition), "").unwrap();
    }
    shipped_with(
        &permit_when("automatic", "context.direction == \"urgency\""),
        "",
    )
    .unwrap();
}

#[test]
fn a_permit_that_reads_the_urgency_is_not_switched_to_automatic() {
    let policy = permit_when("manual-review", "context.urgency == \"critical\"");
    let problem = problem(&policy, "\"more.requests\" = \"automatic\"");
    assert_eq!(problem.code, Code::UrgencyGrants);
    assert_eq!(place(&problem), "more.cedar:3:16");
    let line = format!("bundle.toml:{}:1", line_after_manifest());
    assert_eq!(problem.related[0].place.to_string(), line);
    let held = permit_when("automatic", "context.urgency == \"critical\"");
    shipped_with(&held, "\"more.requests\" = \"manual-review\"").unwrap();
}

#[test]
fn a_forbid_may_read_the_urgency() {
    let policy = "@id(\"more\") @category(\"review.more\") @response(\"manual-review\")\n\
                  forbid (principal, action in MCX::Action::\"updateGroupMembership\", resource)\n\
                  when { context.urgency == \"low\" };";
    shipped_with(policy, "").unwrap();
}

//! Bundles that are refused, and why; and what `[responses]` makes of one.

use std::sync::Arc;

use cedar_policy::PolicyId;
use comity::decision::quorum::Quorum;
use comity::policy::bundle::Bundle;
use comity::policy::bundle::LenientTexts;
use comity::policy::bundle::Origin;
use comity::policy::bundle::PolicyClass;
use comity::policy::bundle::Validation;
use comity::policy::diagnostics::Code;
use comity::policy::diagnostics::Diagnostic;
use comity::policy::diagnostics::Diagnostics;
use comity::policy::diagnostics::Severity;
use comity::policy::source::BundleSource;

const SCHEMA: &str = r"
entity System { partner: System, status: String };
entity User in [System] { clearance: Long, home: System };
entity Doc { owner: User };
action view appliesTo { principal: User, resource: Doc, context: { urgency: String, mood: String } };
";

const MANIFEST: &str = "name = \"t\"\nschema = \"s.cedarschema\"\n";

const GOOD: &str = "@id(\"good\")\n@category(\"c.one\")\n@response(\"automatic\")\n\
                    permit (principal, action, resource);\n";

fn compile(manifest: &str, files: &[(&str, &str)]) -> Result<Bundle, Diagnostics> {
    let files = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    Bundle::compile(&BundleSource::from_texts(
        manifest,
        "s.cedarschema",
        SCHEMA,
        files,
    ))
}

/// The only diagnostic of a bundle with one file beside the good one.
fn problem(policy: &str) -> Diagnostic {
    problem_of(MANIFEST, &[("a.cedar", GOOD), ("b/b.cedar", policy)])
}

fn problem_of(manifest: &str, files: &[(&str, &str)]) -> Diagnostic {
    let problems = compile(manifest, files).unwrap_err().into_items();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.into_iter().next().unwrap()
}

fn place(problem: &Diagnostic) -> String {
    problem.place.as_ref().unwrap().to_string()
}

#[test]
fn a_good_bundle_compiles() {
    let bundle = compile(MANIFEST, &[("a.cedar", GOOD)]).unwrap();
    let policy = bundle.policies().next().unwrap();
    assert_eq!(policy.id.to_string(), "good");
    assert_eq!(policy.class(), PolicyClass::AutomaticPermit);
    assert_eq!(policy.category.as_ref().unwrap().as_str(), "c.one");
    assert!(bundle.warnings().is_none());
    assert_eq!(bundle.action_entities().len(), 1);
}

#[test]
fn a_misspelt_attribute_is_shown_with_file_line_column_and_what_was_meant() {
    let policy = "@id(\"b\") @category(\"c\") @response(\"automatic\")\n\
                  permit (principal, action, resource)\n\
                  when { principal.clearence > 3 };\n";
    let problems = compile(MANIFEST, &[("a.cedar", GOOD), ("b/b.cedar", policy)]).unwrap_err();
    let problem = problems.iter().next().unwrap();
    assert_eq!(problem.code, Code::Validation);
    assert_eq!(place(problem), "b/b.cedar:3:8");
    assert_eq!(problem.help.as_deref(), Some("did you mean `clearance`?"));
    let rendered = problems.render(false);
    assert!(rendered.contains("b/b.cedar:3:8"), "{rendered}");
    assert!(
        rendered.contains("when { principal.clearence > 3 };"),
        "{rendered}"
    );
    assert!(rendered.contains("did you mean `clearance`?"), "{rendered}");
}

#[test]
fn a_syntax_error_is_shown_in_its_own_file() {
    let problem = problem("@id(\"b\")\npermit (principal, action, resource) wen { true };\n");
    assert_eq!(problem.code, Code::Syntax);
    assert_eq!(place(&problem), "b/b.cedar:2:38");
}

#[test]
fn columns_count_characters() {
    let policy = "@id(\"b\") forbid (principal, action, resource) \
                  when { context.urgency == \"größer\" }; \
                  @id(\"B\") forbid (principal, action, resource);";
    let problem = problem(policy);
    assert_eq!(problem.code, Code::InvalidId);
    let before = policy.split("@id(\"B\")").next().unwrap();
    assert_eq!(
        problem.place.as_ref().unwrap().column,
        before.chars().count() + 1
    );
    assert_eq!(problem.place.as_ref().unwrap().offset, before.len());
}

#[test]
fn a_name_given_twice_shows_both_places() {
    let problem = problem(GOOD);
    assert_eq!(problem.code, Code::DuplicateId);
    assert_eq!(place(&problem), "b/b.cedar:1:1");
    assert_eq!(problem.related[0].place.to_string(), "a.cedar:1:1");
    let problems = compile(MANIFEST, &[("a.cedar", GOOD), ("b.cedar", GOOD)]).unwrap_err();
    assert!(
        problems
            .render(false)
            .contains("a.cedar:1:1: the first is here")
    );
}

/// Annotations, effect, what is wrong with them and a part of the hint.
const ANNOTATION_RULES: &[(&str, &str, Code, &str)] = &[
    ("AUTO", "permit", Code::MissingId, "stable name"),
    ("@id(\"Not A Name\") AUTO", "permit", Code::InvalidId, ""),
    (
        "@id(\"b\") @response(\"automatic\")",
        "permit",
        Code::MissingCategory,
        "officer",
    ),
    (
        "@id(\"b\") @category(\"c..d\") @response(\"automatic\")",
        "permit",
        Code::InvalidCategory,
        "",
    ),
    (
        "@id(\"b\") @category(\"c\")",
        "permit",
        Code::MissingResponse,
        "@response",
    ),
    (
        "@id(\"b\") @category(\"c\") @response(\"automatc\")",
        "permit",
        Code::InvalidResponse,
        "did you mean `automatic`?",
    ),
    (
        "@id(\"b\") @response(\"automatic\")",
        "forbid",
        Code::InvalidResponse,
        "holds",
    ),
    (
        "@id(\"b\") AUTO @when_accepted(\"keys by requesting KMS\")",
        "permit",
        Code::MisplacedAnnotation,
        "`answeredByPartner`",
    ),
    (
        "@id(\"b\") AUTO @when_refused(\"keys by requesting\")",
        "permit",
        Code::InvalidObligation,
        "",
    ),
    (
        "@id(\"b\") @when_refused(\"keys by requesting KMS\")",
        "forbid",
        Code::MisplacedAnnotation,
        "",
    ),
    (
        "@id(\"b\") AUTO @obligation(\"keys by resource-hom KMS\")",
        "permit",
        Code::InvalidObligation,
        "did you mean `resource-home`?",
    ),
    (
        "@id(\"b\") AUTO @obligation(\"keys by resource-home\")",
        "permit",
        Code::InvalidObligation,
        "",
    ),
    (
        "@id(\"b\") AUTO @limits(\"\")",
        "permit",
        Code::InvalidLimit,
        "",
    ),
    (
        "@id(\"b\") AUTO @limits(\"profile, service\")",
        "permit",
        Code::InvalidLimit,
        "did you mean `services`?",
    ),
    (
        "@id(\"b\") HOLD @expires(\"soon\")",
        "forbid",
        Code::InvalidExpiry,
        "",
    ),
    (
        "@id(\"b\") HOLD @expires(\"PT0S\")",
        "forbid",
        Code::InvalidExpiry,
        "",
    ),
    (
        "@id(\"b\") HOLD @expires(\"P1M\")",
        "forbid",
        Code::InvalidExpiry,
        "",
    ),
    (
        "@id(\"b\") AUTO @obligation(\"tell by requesting ACMS\") @due(\"soon\")",
        "permit",
        Code::InvalidDue,
        "write an ISO 8601 duration",
    ),
    (
        "@id(\"b\") AUTO @obligation(\"tell by requesting ACMS\") @due(\"PT0S\")",
        "permit",
        Code::InvalidDue,
        "write an ISO 8601 duration",
    ),
    (
        "@id(\"b\") AUTO @due(\"PT15M\")",
        "permit",
        Code::MisplacedAnnotation,
        "",
    ),
    (
        "@id(\"b\") HOLD @remind(\"soon\")",
        "forbid",
        Code::InvalidReminder,
        "write how often",
    ),
    (
        "@id(\"b\") HOLD @remind(\"PT30S\")",
        "forbid",
        Code::InvalidReminder,
        "of a minute or more",
    ),
    (
        "@id(\"b\") HOLD @escalate(\"PT1H\")",
        "forbid",
        Code::InvalidReminder,
        "write after how long",
    ),
    (
        "@id(\"b\") HOLD @escalate(\"PT1H: a, PT2H: a\")",
        "forbid",
        Code::InvalidReminder,
        "write after how long",
    ),
    (
        "@id(\"b\") @remind(\"PT30M\")",
        "forbid",
        Code::MisplacedAnnotation,
        "",
    ),
    (
        "@id(\"b\") AUTO @escalate(\"PT1H: a\")",
        "permit",
        Code::MisplacedAnnotation,
        "",
    ),
    (
        "@id(\"b\") HOLD @approvals(\"duty officer\")",
        "forbid",
        Code::InvalidQuorum,
        "write groups with a number",
    ),
    (
        "@id(\"b\") HOLD @approvals(\"duty-officer:0\")",
        "forbid",
        Code::InvalidQuorum,
        "write groups with a number",
    ),
    (
        "@id(\"b\") HOLD @approvals(\"duty-officer:1, duty-officer:1\")",
        "forbid",
        Code::InvalidQuorum,
        "write groups with a number",
    ),
    (
        "@id(\"b\") HOLD @denials(\"none\")",
        "forbid",
        Code::InvalidQuorum,
        "write a number of persons",
    ),
    (
        "@id(\"b\") AUTO @approvals(\"1\")",
        "permit",
        Code::MisplacedAnnotation,
        "",
    ),
    (
        "@id(\"b\") @denials(\"1\")",
        "forbid",
        Code::MisplacedAnnotation,
        "",
    ),
    (
        "@id(\"b\") AUTO @expires(\"PT1H\")",
        "permit",
        Code::MisplacedAnnotation,
        "",
    ),
    (
        "@id(\"b\") @limits(\"profile\")",
        "forbid",
        Code::MisplacedAnnotation,
        "",
    ),
    (
        "@id(\"b\") @obligation(\"keys by requesting KMS\")",
        "forbid",
        Code::MisplacedAnnotation,
        "",
    ),
    (
        "@id(\"b\") @locked(\"true\")",
        "forbid",
        Code::MisplacedAnnotation,
        "",
    ),
    (
        "@id(\"b\") HOLD @locked(\"yes\")",
        "forbid",
        Code::InvalidLock,
        "",
    ),
    (
        "@id(\"b\") @reason(\"\")",
        "forbid",
        Code::InvalidReason,
        "",
    ),
    (
        "@id(\"b\") @reason(\"Ask sip:control@mc.nl.example.\")",
        "forbid",
        Code::InvalidReason,
        "",
    ),
    (
        "@id(\"b\") HOLD @reason(\"Two\\nlines.\")",
        "forbid",
        Code::InvalidReason,
        "",
    ),
    (
        "@id(\"b\") AUTO @note(\"\")",
        "permit",
        Code::InvalidNote,
        "",
    ),
    (
        "@id(\"b-c\") @reason(\"Refused by b-c.\")",
        "forbid",
        Code::InvalidReason,
        "",
    ),
    (
        "@id(\"b\") @reason(\"It is of c.one.\")",
        "forbid",
        Code::InvalidReason,
        "",
    ),
];

#[test]
fn annotations_are_held_to_their_rules() {
    for (annotations, effect, code, help) in ANNOTATION_RULES {
        let annotations = annotations
            .replace("AUTO", "@category(\"c\") @response(\"automatic\")")
            .replace("HOLD", "@response(\"manual-review\")");
        let problem = problem(&format!(
            "\n{annotations}\n{effect} (principal, action, resource);\n"
        ));
        assert_eq!(problem.code, *code, "{problem}");
        assert_eq!(problem.severity, Severity::Error);
        assert!(place(&problem).starts_with("b/b.cedar:2:"), "{problem}");
        let given = problem.help.as_deref().unwrap_or_default();
        assert!(given.contains(help), "{problem}");
    }
}

#[test]
fn a_strict_bundle_asks_every_policy_for_a_category() {
    let forbid = "@id(\"b\")\nforbid (principal, action, resource);\n";
    let files = [("a.cedar", GOOD), ("b.cedar", forbid)];
    compile(MANIFEST, &files).unwrap();
    let strict = format!("{MANIFEST}strict = true\n");
    let required = format!("{strict}required = [\"b\"]\n");
    let problem = problem_of(&required, &files);
    assert_eq!(problem.code, Code::MissingCategory);
    assert_eq!(place(&problem), "b.cedar:1:1");
    assert!(problem.help.unwrap().contains("strict"));
    let named = forbid.replace("@id", "@category(\"ceiling.b\") @id");
    let bundle = compile(&strict, &[("a.cedar", GOOD), ("b.cedar", &named)]).unwrap();
    // Nobody would miss it.
    let warnings = bundle.warnings().unwrap();
    let codes: Vec<_> = warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, [Code::RequiredPolicy]);
    let bundle = compile(&required, &[("a.cedar", GOOD), ("b.cedar", &named)]).unwrap();
    assert!(bundle.warnings().is_none());
}

#[test]
fn a_family_of_forbids_cannot_be_switched() {
    let forbid = "@id(\"b\") @category(\"ceiling.b\") forbid (principal, action, resource);";
    let files = [("a.cedar", GOOD), ("b.cedar", forbid)];
    for response in ["automatic", "manual-review", "reject"] {
        let manifest = format!("{MANIFEST}[responses]\n\"ceiling.b\" = \"{response}\"\n");
        let problem = problem_of(&manifest, &files);
        assert_eq!(problem.code, Code::NotSwitchable);
        assert_eq!(place(&problem), "bundle.toml:4:1");
        let help = problem.help.unwrap();
        assert!(
            help.contains("overrides never touch written forbids"),
            "{help}"
        );
    }
    let misspelt = format!("{MANIFEST}[responses]\n\"ceiling.c\" = \"reject\"\n");
    let problem = problem_of(&misspelt, &files);
    assert_eq!((problem.code, problem.help), (Code::UnknownCategory, None));
}

#[test]
fn a_misspelt_annotation_is_refused() {
    for (written, meant) in [
        ("obligaton", "obligation"),
        ("categry", "category"),
        ("respone", "response"),
        ("Limits", "limits"),
        ("expire", "expires"),
    ] {
        let policy = GOOD.replace("@category", &format!(" @{written}(\"x\")\n@category"));
        let problem = problem_of(MANIFEST, &[("a.cedar", &policy)]);
        assert_eq!(
            (problem.severity, problem.code),
            (Severity::Error, Code::UnknownAnnotation)
        );
        assert_eq!(problem.help, Some(format!("did you mean `{meant}`?")));
        assert_eq!(place(&problem), "a.cedar:2:2");
    }
}

#[test]
fn an_annotation_of_somebody_else_is_a_warning_unless_the_bundle_is_strict() {
    let policy = GOOD.replace("@category", "@advice(\"x\")\n@category");
    let files = [("a.cedar", policy.as_str())];
    let bundle = compile(MANIFEST, &files).unwrap();
    let warning = bundle.warnings().unwrap().iter().next().unwrap();
    assert_eq!(
        (warning.severity, warning.code),
        (Severity::Warning, Code::UnknownAnnotation)
    );
    assert_eq!(place(warning), "a.cedar:2:1");
    let refused = problem_of(&format!("{MANIFEST}strict = true\n"), &files);
    assert_eq!(
        (refused.severity, refused.code),
        (Severity::Error, Code::UnknownAnnotation)
    );
    assert_eq!(place(&refused), "a.cedar:2:1");
}

#[test]
fn what_is_told_first_is_a_category_that_some_policy_has() {
    let manifest = format!("{MANIFEST}reasons_first = [\"c.one\", \"c.on\"]\n");
    let problem = problem_of(&manifest, &[("a.cedar", GOOD)]);
    assert_eq!(problem.code, Code::UnknownCategory);
    assert_eq!(place(&problem), "bundle.toml:3:27");
    assert_eq!(problem.help.as_deref(), Some("did you mean `c.one`?"));
}

#[test]
fn a_lenient_bundle_takes_any_annotation() {
    let policy = ["@obligaton(\"x\") @advice(\"y\") permit (principal, action, resource);"];
    let bundle = Bundle::lenient(&lenient(&policy, None, Validation::Strict)).unwrap();
    let warnings: Vec<_> = bundle.warnings().unwrap().iter().collect();
    assert_eq!(warnings.len(), 2);
    assert!(warnings.iter().all(|it| it.severity == Severity::Warning));
}

#[test]
fn a_policy_that_looks_further_than_the_level_is_refused() {
    let policy = "@id(\"b\")\nforbid (principal, action, resource)\n\
                  when { principal.home.partner.status == \"suspended\" };\n";
    let problem = problem(policy);
    assert_eq!(problem.code, Code::LevelExceeded);
    assert!(place(&problem).starts_with("b/b.cedar:3:"), "{problem}");
    // The manifest cannot ask for more than the facts hold.
    let further = format!("{MANIFEST}level = 2\n");
    let refused = problem_of(&further, &[("a.cedar", GOOD)]);
    assert_eq!(refused.code, Code::Manifest);
    assert_eq!(place(&refused), "bundle.toml:3:9");
    let within = format!("{MANIFEST}level = 1\n");
    compile(&within, &[("a.cedar", GOOD)]).unwrap();
}

#[test]
fn the_manifest_is_strict() {
    let files = [("a.cedar", GOOD)];
    let unknown_key = problem_of(
        &format!("{MANIFEST}default_respons = \"automatic\"\n"),
        &files,
    );
    assert_eq!(unknown_key.code, Code::Manifest);
    assert_eq!(place(&unknown_key), "bundle.toml:3:1");
    assert_eq!(
        unknown_key.help.as_deref(),
        Some("did you mean `default_response`?")
    );

    let value = problem_of(
        &format!("{MANIFEST}[responses]\n\"c.one\" = \"rejekt\"\n"),
        &files,
    );
    assert_eq!(value.code, Code::Manifest);
    assert_eq!(place(&value), "bundle.toml:4:11");
    assert_eq!(value.help.as_deref(), Some("did you mean `reject`?"));

    let category = problem_of(
        &format!("{MANIFEST}[responses]\n\"c.onne\" = \"reject\"\n"),
        &files,
    );
    assert_eq!(category.code, Code::UnknownCategory);
    assert_eq!(place(&category), "bundle.toml:4:1");
    assert_eq!(category.help.as_deref(), Some("did you mean `c.one`?"));

    let not_a_name = problem_of(
        &format!("{MANIFEST}[responses]\n\"C.one\" = \"reject\"\n"),
        &files,
    );
    assert_eq!(not_a_name.code, Code::UnknownCategory);
    assert_eq!(not_a_name.help.as_deref(), Some("did you mean `c.one`?"));

    let unquoted = problem_of(
        &format!("{MANIFEST}[responses]\nc.one-more.two = \"reject\"\n"),
        &files,
    );
    assert_eq!(unquoted.code, Code::Manifest);
    assert_eq!(place(&unquoted), "bundle.toml:4:1");
    let help = unquoted.help.unwrap();
    assert!(help.contains("`\"c.one-more.two\"`"), "{help}");

    let number = problem_of(&format!("{MANIFEST}[responses]\n\"c.one\" = 1\n"), &files);
    assert_eq!(place(&number), "bundle.toml:4:11");

    let expiry = problem_of(&format!("{MANIFEST}default_expiry = \"-PT1H\"\n"), &files);
    assert_eq!(place(&expiry), "bundle.toml:3:18");

    let due = problem_of(&format!("{MANIFEST}default_due = \"PT0S\"\n"), &files);
    assert_eq!(due.code, Code::Manifest);
    assert_eq!(place(&due), "bundle.toml:3:15");
}

#[test]
fn a_bundle_without_policies_is_refused_and_says_so() {
    for files in [&[][..], &[("a.cedar", "// nothing here yet\n")]] {
        let manifest = format!("{MANIFEST}required = [\"good\"]\n");
        let problem = problem_of(&manifest, files);
        assert_eq!(problem.code, Code::NoPolicies);
        assert_eq!(place(&problem), "bundle.toml:1:1");
    }
    Bundle::lenient(&lenient(&[""], None, Validation::Strict)).unwrap();
}

#[test]
fn a_broken_schema_is_shown_in_the_schema() {
    let files = [("a.cedar".to_owned(), GOOD.to_owned())];
    let source =
        BundleSource::from_texts(MANIFEST, "s.cedarschema", "entity User in [Grup];", files);
    let problem = Bundle::compile(&source).unwrap_err().into_items().remove(0);
    assert_eq!(problem.code, Code::Schema);
    assert!(place(&problem).starts_with("s.cedarschema:1:"), "{problem}");
}

#[test]
fn the_default_response_stands_in() {
    let policy = "@id(\"a\") @category(\"c\") permit (principal, action, resource);";
    let manifest = format!("{MANIFEST}default_response = \"manual-review\"\n");
    let bundle = compile(&manifest, &[("a.cedar", policy)]).unwrap();
    assert_eq!(
        bundle.policies().next().unwrap().class(),
        PolicyClass::ManualPermit
    );
}

/// Name and class of every policy of a bundle with one category switched.
fn switched(response: &str) -> Vec<(String, PolicyClass)> {
    let policies = format!(
        "{GOOD}\
        @id(\"manual\") @category(\"c.one\") @response(\"manual-review\") @expires(\"PT1H\")\n\
        permit (principal, action, resource) when {{ context.mood == \"low\" }};\n\
        @id(\"other\") @category(\"c.two\") @response(\"automatic\") \
        permit (principal, action, resource);\n\
        @id(\"hard\") @category(\"c.one\") forbid (principal, action, resource) \
        when {{ principal.clearance < 0 }};\n\
        @id(\"hold\") @category(\"c.one\") @response(\"manual-review\") \
        forbid (principal, action, resource) when {{ principal.clearance < 1 }};\n"
    );
    let manifest = format!("{MANIFEST}[responses]\n\"c.one\" = \"{response}\"\n");
    let bundle = compile(&manifest, &[("a.cedar", &policies)]).unwrap();
    for policy in bundle.policies() {
        if let Origin::Override { of } = &policy.origin {
            let of = bundle.policy(of).unwrap();
            assert_eq!((&of.category, &of.place), (&policy.category, &policy.place));
        }
    }
    bundle
        .policies()
        .map(|policy| (policy.id.to_string(), policy.class()))
        .collect()
}

fn expected(policies: &[(&str, PolicyClass)]) -> Vec<(String, PolicyClass)> {
    policies
        .iter()
        .map(|(id, class)| ((*id).to_owned(), *class))
        .collect()
}

#[test]
fn a_category_switched_to_automatic_grants_at_once() {
    assert_eq!(
        switched("automatic"),
        expected(&[
            ("good", PolicyClass::AutomaticPermit),
            ("manual", PolicyClass::AutomaticPermit),
            ("other", PolicyClass::AutomaticPermit),
            ("hard", PolicyClass::HardForbid),
            ("hold", PolicyClass::HoldingForbid),
        ])
    );
}

#[test]
fn a_category_switched_to_review_is_held_even_where_another_grants() {
    assert_eq!(
        switched("manual-review"),
        expected(&[
            ("good", PolicyClass::ManualPermit),
            ("manual", PolicyClass::ManualPermit),
            ("other", PolicyClass::AutomaticPermit),
            ("hard", PolicyClass::HardForbid),
            ("hold", PolicyClass::HoldingForbid),
            ("good#hold", PolicyClass::HoldingForbid),
            ("manual#hold", PolicyClass::HoldingForbid),
        ])
    );
}

#[test]
fn a_category_switched_to_reject_is_refused_and_keeps_its_permits() {
    assert_eq!(
        switched("reject"),
        expected(&[
            ("good", PolicyClass::AutomaticPermit),
            ("manual", PolicyClass::ManualPermit),
            ("other", PolicyClass::AutomaticPermit),
            ("hard", PolicyClass::HardForbid),
            ("hold", PolicyClass::HoldingForbid),
            ("good#reject", PolicyClass::HardForbid),
            ("manual#reject", PolicyClass::HardForbid),
        ])
    );
}

#[test]
fn a_hold_by_a_response_asks_for_what_its_permit_asks_for_else_for_one() {
    let manifest = format!("{MANIFEST}[responses]\n\"c.one\" = \"manual-review\"\n");
    let policies = "@id(\"plain\") @category(\"c.one\") @response(\"automatic\")\n\
                    permit (principal, action, resource);\n\
                    @id(\"two\") @category(\"c.one\") @response(\"manual-review\")\n\
                    @approvals(\"duty-officer:1, 2\") @denials(\"3\")\n\
                    permit (principal, action, resource);\n";
    let bundle = compile(&manifest, &[("a.cedar", policies)]).unwrap();
    let quorum = |id: &str| Quorum::of(bundle.policy(&PolicyId::new(id)));
    assert!(quorum("plain#hold").is_default());
    assert_eq!(quorum("two#hold"), quorum("two"));
    assert_eq!(
        quorum("two").approvals()[0].to_string(),
        "2, duty-officer:1"
    );
    assert_eq!(quorum("two").denials().persons(), 3);
    let all = Quorum::of(bundle.policies());
    assert_eq!(all.approvals(), quorum("two").approvals());
    assert_eq!(all.denials().persons(), 1);
}

#[test]
fn an_override_has_the_scope_and_conditions_of_its_permit() {
    let manifest = format!("{MANIFEST}[responses]\n\"c.one\" = \"reject\"\n");
    let policy = "@id(\"a\") @category(\"c.one\") @response(\"automatic\")\n\
                  permit (principal in System::\"x\", action == Action::\"view\", resource is Doc)\n\
                  when { context.mood == \"low\" } unless { principal.clearance > 3 };";
    let bundle = compile(&manifest, &[("a.cedar", policy)]).unwrap();
    let forms: Vec<_> = bundle
        .compiled()
        .iter()
        .map(|compiled| {
            let mut json = compiled.policy().to_json().unwrap();
            let members = json.as_object_mut().unwrap();
            members.remove("annotations");
            (members.remove("effect").unwrap(), json)
        })
        .collect();
    assert_eq!(forms[0].1, forms[1].1);
    assert_eq!(
        (forms[0].0.as_str(), forms[1].0.as_str()),
        (Some("permit"), Some("forbid"))
    );
}

const TEMPLATE: &str = "@id(\"of-partner\") @category(\"c.one\") @response(\"automatic\")\n\
                        permit (principal in ?principal, action, resource);\n";

#[test]
fn templates_are_linked_and_switched_like_any_policy() {
    let links = r#"[{"template_id": "of-partner", "link_id": "of-partner.nl",
                     "values": {"?principal": "System::\"nl\""}}]"#;
    let manifest = format!("{MANIFEST}[responses]\n\"c.one\" = \"manual-review\"\n");
    let bundle = compile(&manifest, &[("a.cedar", TEMPLATE), ("links.json", links)]).unwrap();
    let names: Vec<_> = bundle
        .policies()
        .map(|policy| policy.id.to_string())
        .collect();
    assert_eq!(names, ["of-partner.nl", "of-partner.nl#hold"]);
}

#[test]
fn a_link_that_cannot_be_made_is_shown() {
    for (links, line) in [
        (
            r#"[{"template_id": "of-parner", "link_id": "l", "values": {}}]"#,
            1,
        ),
        (
            "[\n{\"template_id\": \"of-partner\", \"link_id\": \"l\", \"values\": {}}]",
            2,
        ),
        (
            "[\n{\"template_id\": \"of-partner\", \"link_id\": \"l\", \"values\": {\"?x\": \"\"}}]",
            2,
        ),
        (
            "[\n{\"template_id\": \"of-partner\", \"link_id\": \"of-partner\", \
             \"values\": {\"?principal\": \"System::\\\"x\\\"\"}}]",
            2,
        ),
        ("[\n\n{]", 3),
    ] {
        let problem = problem_of(MANIFEST, &[("a.cedar", TEMPLATE), ("links.json", links)]);
        assert_eq!(problem.code, Code::Link, "{problem}");
        assert_eq!(problem.place.as_ref().unwrap().line, line, "{problem}");
    }
}

#[test]
fn every_problem_is_reported_at_once() {
    let files = [
        ("a.cedar", "permit (principal, action, resource"),
        (
            "b.cedar",
            "@id(\"b\") @category(\"c\") permit (principal, action, resource);",
        ),
        ("c.cedar", "forbid (principal, action, resource);"),
    ];
    let problems = compile(MANIFEST, &files).unwrap_err().into_items();
    let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
    for code in [Code::Syntax, Code::MissingResponse, Code::MissingId] {
        assert!(codes.contains(&code), "{codes:?}");
    }
}

#[test]
fn diagnostics_are_plain_json() {
    let problems = compile(MANIFEST, &[("a.cedar", GOOD), ("b.cedar", GOOD)]).unwrap_err();
    let json = serde_json::to_value(&problems).unwrap();
    assert_eq!(json[0]["code"], "duplicate-id");
    assert_eq!(json[0]["file"], "b.cedar");
    assert_eq!(json[0]["line"], 1);
    assert_eq!(json[0]["related"][0]["file"], "a.cedar");
    let read: Vec<Diagnostic> = serde_json::from_value(json).unwrap();
    assert_eq!(read, problems.into_items());
}

fn lenient(policies: &[&str], schema: Option<&str>, validation: Validation) -> LenientTexts {
    LenientTexts {
        policies: policies
            .iter()
            .enumerate()
            .map(|(index, text)| (format!("{index}.cedar").into(), (*text).to_owned()))
            .collect(),
        schema: schema.map(|text| ("s.cedarschema".into(), text.to_owned())),
        links: None,
        default_response: Some(comity::policy::annotation::Response::Automatic),
        validation,
    }
}

#[test]
fn a_lenient_bundle_keeps_the_names_that_cedar_gives() {
    let files = [
        "permit (principal, action, resource);\npermit (principal == ?principal, action, resource);",
        "forbid (principal, action, resource);\n@id(\"own\") forbid (principal, action, resource);",
    ];
    let bundle = Bundle::lenient(&lenient(&files, None, Validation::Strict)).unwrap();
    let names: Vec<_> = bundle
        .policies()
        .map(|policy| policy.id.to_string())
        .collect();
    assert_eq!(names, ["policy0", "policy2", "own"]);
    let whole: cedar_policy::PolicySet = files.concat().parse().unwrap();
    assert!(whole.policy(&"policy2".parse().unwrap()).is_some());
}

#[test]
fn validation_of_a_lenient_bundle_can_be_advisory() {
    let policy = ["permit (principal, action, resource) when { principal.clearence > 3 };"];
    let refused = Bundle::lenient(&lenient(&policy, Some(SCHEMA), Validation::Strict));
    assert_eq!(
        refused.unwrap_err().into_items()[0].severity,
        Severity::Error
    );
    let taken = Bundle::lenient(&lenient(&policy, Some(SCHEMA), Validation::Advisory)).unwrap();
    let warning = taken.warnings().unwrap().iter().next().unwrap();
    assert_eq!(
        (warning.severity, warning.code),
        (Severity::Warning, Code::Validation)
    );
}

#[test]
fn a_bundle_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&Arc::new(compile(MANIFEST, &[("a.cedar", GOOD)]).unwrap()));
}

#[test]
fn a_policy_in_a_folder_that_promises_another_kind_is_a_warning_of_a_strict_bundle() {
    let strict = format!("{MANIFEST}strict = true\n");
    let warnings = |manifest: &str, path: &str| {
        let bundle = compile(manifest, &[(path, GOOD)]).unwrap();
        let warnings = bundle.warnings().cloned().into_iter();
        let warnings = warnings.flat_map(Diagnostics::into_items);
        warnings
            .map(|warning| (warning.code, place(&warning)))
            .collect::<Vec<_>>()
    };
    for folder in ["ceiling", "review"] {
        let path = format!("{folder}/a.cedar");
        let expected = [(Code::Folder, format!("{path}:1:1"))];
        assert_eq!(warnings(&strict, &path), expected);
        assert!(warnings(MANIFEST, &path).is_empty());
    }
    assert!(warnings(&strict, "automatic/a.cedar").is_empty());
    assert!(warnings(&strict, "a.cedar").is_empty());
}

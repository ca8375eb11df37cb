//! Words that no attribute ever has.

use std::path::Path;

use comity::policy::bundle::Bundle;
use comity::policy::diagnostics::Code;
use comity::policy::diagnostics::Severity;
use comity::policy::source::BundleSource;

/// The warnings of the shipped policies with one more forbid: place and hint of each.
fn warnings(action: &str, condition: &str) -> Vec<(String, String)> {
    let shipped = BundleSource::read(Path::new("policies")).unwrap();
    let mut files = shipped.files().clone();
    let policy = format!(
        "@id(\"more\") @category(\"ceiling.more\")\n\
         forbid (principal, action == MCX::Action::\"{action}\", resource)\n\
         when {{ {condition} }};"
    );
    files.insert("more.cedar".to_owned(), policy);
    let manifest = shipped
        .manifest()
        .replace("required = [", "required = [\n    \"more\",");
    let source = BundleSource::from_texts(manifest, "mcx.cedarschema", shipped.schema(), files);
    let bundle = Bundle::compile(&source).unwrap_or_else(|problems| panic!("{problems}"));
    let warnings = bundle.warnings().into_iter().flatten();
    warnings
        .map(|warning| {
            assert_eq!(warning.severity, Severity::Warning);
            assert_eq!(warning.code, Code::UnknownWord);
            let place = warning.place.as_ref().unwrap().to_string();
            (place, warning.help.clone().unwrap())
        })
        .collect()
}

#[test]
fn a_word_that_an_attribute_never_has_is_a_warning_with_what_was_meant() {
    for (action, condition, column, meant) in [
        ("affiliate", "context.service == \"MCPTTT\"", 27, "mcptt"),
        ("affiliate", "\"mcvido\" != context.service", 8, "mcvideo"),
        (
            "affiliate",
            "[\"mcptt\", \"mcdta\"].contains(context.service)",
            18,
            "mcdata",
        ),
        (
            "pushUeConfiguration",
            "context.changes.contains(\"kms-urii\")",
            33,
            "kms-uri",
        ),
        (
            "pushUeConfiguration",
            "context.changes.containsAny([\"apn\", \"idms-url\"])",
            44,
            "idms-uri",
        ),
        (
            "affiliate",
            "context.direction == \"inbond\"",
            29,
            "inbound",
        ),
        (
            "addGroupMember",
            "context.urgency == \"critcal\"",
            27,
            "critical",
        ),
        (
            "affiliate",
            "context has agreement && context.agreement.status == \"actve\"",
            61,
            "active",
        ),
        (
            "addGroupMember",
            "principal has profile && principal.profile.acm_operations.contains(\"ue-config-push\")",
            0,
            "",
        ),
    ] {
        let found = warnings(action, condition);
        assert_eq!(found.len(), 1, "{condition}: {found:?}");
        if column == 0 {
            assert!(found[0].1.contains("ue-configuration-push"), "{found:?}");
        } else {
            let expected = (
                format!("more.cedar:3:{column}"),
                format!("did you mean `{meant}`?"),
            );
            assert_eq!(found[0], expected, "{condition}");
        }
    }
}

#[test]
fn right_words_and_attributes_of_any_text_are_not_warned_of() {
    for (action, condition) in [
        ("affiliate", "context.service == \"mcvideo\""),
        (
            "pushUeConfiguration",
            "context.changes.contains(\"default-user-profile\")",
        ),
        (
            "addGroupMember",
            "context.asserted has organisation && context.asserted.organisation == \"anything\"",
        ),
    ] {
        assert_eq!(warnings(action, condition), [], "{condition}");
    }
}

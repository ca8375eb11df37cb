//! The manifest's `[responses]`: an officer switches a category without touching a policy.

use std::collections::BTreeSet;

use cedar_policy::Effect;
use cedar_policy::Policy;
use cedar_policy::PolicyId;

use crate::policy::annotation::Category;
use crate::policy::annotation::Response;
use crate::policy::bundle::CompiledPolicy;
use crate::policy::bundle::Form;
use crate::policy::bundle::Origin;
use crate::policy::bundle::PolicyInfo;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::SourceText;
use crate::policy::manifest::CategoryResponse;
use crate::policy::manifest::Manifest;

/// Applies the table to the written and linked permits, and adds the forbids that it asks for.
pub(super) fn apply(
    manifest: &Manifest,
    policies: &mut Vec<CompiledPolicy>,
) -> Result<(), Box<Diagnostic>> {
    let mut added = Vec::new();
    for policy in policies.iter_mut() {
        let response = match (policy.info.effect, &policy.info.category) {
            (Effect::Permit, Some(category)) => manifest.response_of(category),
            (Effect::Permit, None) | (Effect::Forbid, _) => None,
        };
        match response {
            None => {}
            Some(CategoryResponse::Automatic) => {
                policy.info.response = Some(Response::Automatic);
            }
            Some(CategoryResponse::ManualReview) => {
                policy.info.response = Some(Response::ManualReview);
                added.push(forbid_like(policy, "hold", Some(Response::ManualReview))?);
            }
            Some(CategoryResponse::Reject) => added.push(forbid_like(policy, "reject", None)?),
        }
    }
    policies.append(&mut added);
    Ok(())
}

/// Reports categories of the table that no permit carries: there is nothing to switch.
pub(super) fn check_categories(
    manifest: &Manifest,
    policies: &[CompiledPolicy],
    file: &SourceText,
    problems: &mut Vec<Diagnostic>,
) {
    let carried = |effect: Effect| {
        policies
            .iter()
            .map(|policy| &policy.info)
            .filter(move |info| info.effect == effect)
            .filter_map(|info| info.category.as_ref())
    };
    for (category, range) in manifest.response_places() {
        if carried(Effect::Permit).any(|known| known == category) {
            continue;
        }
        let problem = if carried(Effect::Forbid).any(|known| known == category) {
            let message = format!("only forbids have the category `{category}`");
            Diagnostic::error(Code::NotSwitchable, message)
                .help("overrides never touch written forbids: change the policies")
        } else {
            let message = format!("no policy has the category `{category}`");
            let known = carried(Effect::Permit).map(Category::as_str);
            Diagnostic::error(Code::UnknownCategory, message).did_you_mean(category.as_str(), known)
        };
        problems.push(problem.at(file.place(range)));
    }
}

/// A forbid with the scope and conditions of a permit.
fn forbid_like(
    permit: &CompiledPolicy,
    suffix: &str,
    response: Option<Response>,
) -> Result<CompiledPolicy, Box<Diagnostic>> {
    let info = &permit.info;
    let id = PolicyId::new(format!("{}#{suffix}", info.id));
    let failed = |reason: String| {
        let message = format!(
            "the response of `{}` cannot be overridden: {reason}",
            info.id
        );
        Box::new(Diagnostic::error(Code::Override, message).at(info.place.clone()))
    };
    let mut json = permit
        .policy
        .to_json()
        .map_err(|error| failed(error.to_string()))?;
    if let Some(members) = json.as_object_mut() {
        members.insert("effect".to_owned(), "forbid".into());
        members.remove("annotations");
    }
    let policy = Policy::from_json(Some(id.clone()), json.clone())
        .map_err(|error| failed(error.to_string()))?;
    Ok(CompiledPolicy {
        info: PolicyInfo {
            id,
            effect: Effect::Forbid,
            response,
            obligations: Vec::new(),
            limits: BTreeSet::new(),
            locked: false,
            origin: Origin::Override {
                of: info.id.clone(),
            },
            ..info.clone()
        },
        policy,
        form: Form::Json(json),
    })
}

//! The manifest's `[responses]`: an officer switches a category without touching a policy.

use std::collections::BTreeSet;

use cedar_policy::Effect;
use cedar_policy::Policy;
use cedar_policy::PolicyId;

use crate::policy::annotation::Response;
use crate::policy::bundle::CompiledPolicy;
use crate::policy::bundle::Form;
use crate::policy::bundle::Origin;
use crate::policy::bundle::PolicyInfo;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
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
            when_accepted: Vec::new(),
            when_refused: Vec::new(),
            due: None,
            limits: BTreeSet::new(),
            locked: false,
            // What waits under the permit waits for the same reason; of a refusal it would say something else.
            reason: info.reason.clone().filter(|_| response.is_some()),
            origin: Origin::Override {
                of: info.id.clone(),
            },
            ..info.clone()
        },
        policy,
        form: Form::Json(json),
    })
}

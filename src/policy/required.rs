//! Policies without which a bundle is not whole.
//!
//! A tree that is read while it is being copied can lack whole files, and a bundle without its
//! forbids grants what they refuse. The manifest names the policies that must be there, so such a
//! tree is refused until the rest has arrived.

use std::collections::HashSet;

use cedar_policy::Effect;

use crate::policy::bundle::CompiledPolicy;
use crate::policy::bundle::Origin;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::SourceText;
use crate::policy::manifest::Manifest;

/// Notes every required policy that is not there.
pub(super) fn check(
    manifest: &Manifest,
    policies: &[CompiledPolicy],
    file: &SourceText,
    problems: &mut Vec<Diagnostic>,
) {
    let present: HashSet<&str> = policies.iter().map(name).collect();
    let is_there = |id: &str| present.contains(id);
    for (id, range) in manifest.required().filter(|(id, _)| !is_there(id)) {
        let message = format!("the required policy `{id}` is not in the bundle");
        problems.push(
            Diagnostic::error(Code::RequiredPolicy, message)
                .at(file.place(range))
                .help("restore the policy, or take its name out of `required` if it is no longer wanted"),
        );
    }
    if manifest.is_strict() {
        problems.extend(not_missed(manifest, policies, file));
    }
}

/// A forbid that nobody would miss: without it more is granted, and nothing is said.
fn not_missed(
    manifest: &Manifest,
    policies: &[CompiledPolicy],
    file: &SourceText,
) -> Option<Diagnostic> {
    let required: HashSet<&str> = manifest.required().map(|(id, _)| id).collect();
    let is_written = |policy: &&CompiledPolicy| policy.info().origin == Origin::Written;
    let mut others = policies
        .iter()
        .filter(is_written)
        .filter(|policy| policy.info().effect == Effect::Forbid)
        .filter(|policy| !required.contains(name(policy)));
    let first = others.next()?;
    let message = match others.count() {
        0 => format!("the forbid `{}` is not in `required`", first.info().id),
        more => format!(
            "the forbid `{}` and {more} more are not in `required`",
            first.info().id
        ),
    };
    let problem = Diagnostic::warning(Code::RequiredPolicy, message)
        .at(file.place(0..0))
        .related(first.info().place.clone(), "written here")
        .help("name it there: a tree that is read while it is copied may lack it, and then grants what it refuses or holds");
    Some(problem)
}

fn name(policy: &CompiledPolicy) -> &str {
    policy.info().id.as_ref()
}

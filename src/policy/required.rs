//! Policies without which a bundle is not whole.
//!
//! A tree that is read while it is being copied can lack whole files, and a bundle without its
//! forbids grants what they refuse. The manifest names the policies that must be there, so such a
//! tree is refused until the rest has arrived.

use crate::policy::bundle::CompiledPolicy;
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
    let is_there = |id: &str| {
        policies
            .iter()
            .any(|policy| policy.info().id.to_string() == id)
    };
    for (id, range) in manifest.required().filter(|(id, _)| !is_there(id)) {
        let message = format!("the required policy `{id}` is not in the bundle");
        problems.push(
            Diagnostic::error(Code::RequiredPolicy, message)
                .at(file.place(range))
                .help("restore the policy, or take its name out of `required` if it is no longer wanted"),
        );
    }
}

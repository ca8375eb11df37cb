//! Templates that nothing links: they stand there and decide nothing.

use std::collections::BTreeMap;
use std::collections::HashSet;

use cedar_policy::Effect;
use cedar_policy::PolicyId;

use crate::policy::bundle::CompiledPolicy;
use crate::policy::bundle::Origin;
use crate::policy::bundle::PolicyInfo;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::manifest::Manifest;

/// Warns of them; in a strict bundle a forbid that binds nobody is an error, as it looks like a limit and is none.
pub(super) fn check<'a>(
    manifest: &Manifest,
    policies: &[CompiledPolicy],
    templates: impl Iterator<Item = &'a PolicyInfo>,
    problems: &mut Vec<Diagnostic>,
) {
    // A link that cannot be made has said so, and may be the missing one.
    if problems.iter().any(|problem| problem.code == Code::Link) {
        return;
    }
    let linked: HashSet<&PolicyId> = policies
        .iter()
        .filter_map(|policy| match &policy.info.origin {
            Origin::Linked { template } => Some(template),
            Origin::Written | Origin::Override { .. } => None,
        })
        .collect();
    let unlinked: BTreeMap<_, _> = templates
        .filter(|template| !linked.contains(&template.id))
        .map(|template| {
            (
                (template.place.file.as_path(), template.place.offset),
                template,
            )
        })
        .collect();
    for template in unlinked.into_values() {
        let message = format!(
            "nothing links the template `{}`, so it decides nothing",
            template.id
        );
        let diagnostic = match template.effect {
            Effect::Forbid if manifest.is_strict() => Diagnostic::error(Code::Unlinked, message),
            Effect::Forbid | Effect::Permit => Diagnostic::warning(Code::Unlinked, message),
        };
        problems.push(
            diagnostic
                .at(template.place.clone())
                .help("link it in `links.json`, or take it away"),
        );
    }
}

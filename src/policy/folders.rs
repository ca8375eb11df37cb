//! The three folders of a strict bundle say what is in them: an officer who opens `ceiling/` finds what refuses.
//!
//! A folder decides nothing, so a policy in the wrong one is a warning.

use std::path::Component;
use std::path::Path;

use crate::policy::bundle::CompiledPolicy;
use crate::policy::bundle::PolicyClass;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::manifest::Manifest;

/// Warns of policies whose folder promises something else.
pub(super) fn check(
    manifest: &Manifest,
    policies: &[CompiledPolicy],
    problems: &mut Vec<Diagnostic>,
) {
    if !manifest.is_strict() {
        return;
    }
    for policy in policies {
        let class = policy.info.class();
        let (Some(folder), Some(own)) = (folder(&policy.info.place.file), own_folder(class)) else {
            continue;
        };
        if folder != own {
            let message = format!(
                "`{}` {}, and stands in `{folder}/`",
                policy.info.id,
                does(class)
            );
            let problem = Diagnostic::warning(Code::Folder, message)
                .at(policy.info.place.clone())
                .help(format!("officers look for it in `{own}/`"));
            problems.push(problem);
        }
    }
}

/// The innermost of the three folders that a file lies in.
fn folder(file: &Path) -> Option<&str> {
    let folders = file.parent()?.components().rev();
    let mut names = folders.filter_map(|component| match component {
        Component::Normal(name) => name.to_str(),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => {
            None
        }
    });
    names.find(|name| ["ceiling", "automatic", "review"].contains(name))
}

/// Where a policy belongs; what holds may stand beside what it holds.
fn own_folder(class: PolicyClass) -> Option<&'static str> {
    match class {
        PolicyClass::AutomaticPermit => Some("automatic"),
        PolicyClass::ManualPermit => Some("review"),
        PolicyClass::HardForbid => Some("ceiling"),
        PolicyClass::HoldingForbid => None,
    }
}

fn does(class: PolicyClass) -> &'static str {
    match class {
        PolicyClass::AutomaticPermit => "grants at once",
        PolicyClass::ManualPermit => "grants once a person agrees",
        PolicyClass::HardForbid => "refuses",
        PolicyClass::HoldingForbid => "holds",
    }
}

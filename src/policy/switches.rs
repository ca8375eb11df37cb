//! What the manifest's `[responses]` may name, and what it may make of it.
//!
//! A line that names nothing, or that would touch what no line may touch, keeps the bundle from
//! coming into force: an officer who wrote it believes in something that does not hold.

use cedar_policy::ActionConstraint;
use cedar_policy::Effect;
use cedar_policy::Entities;
use cedar_policy::Entity;
use cedar_policy::EntityUid;

use crate::policy::annotation::Category;
use crate::policy::bundle::CompiledPolicy;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::manifest::CategoryResponse;
use crate::policy::manifest::Manifest;
use crate::policy::manifest::Switch;

/// The group of the actions that only take access away, in a schema that has such actions.
const REDUCING: &str = "reducing";

/// Reports every line that cannot be followed.
pub(super) fn check(
    manifest: &Manifest,
    policies: &[CompiledPolicy],
    actions: &Entities,
    problems: &mut Vec<Diagnostic>,
) {
    let reducing = reducing_actions(actions);
    for switch in manifest.switches() {
        let (permits, forbids): (Vec<_>, Vec<_>) = policies
            .iter()
            .filter(|policy| category(policy) == Some(switch.category.as_str()))
            .partition(|policy| policy.info.effect == Effect::Permit);
        let problem = if !permits.is_empty() {
            let reduces = |permit: &&&CompiledPolicy| {
                let matches = |action| is_in_scope(permit, action, actions);
                reducing.iter().any(matches)
            };
            let is_reject = switch.response == CategoryResponse::Reject;
            let mut carriers = permits.iter().chain(&forbids);
            let locked = carriers.find(|policy| policy.info.locked);
            locked.map(|policy| is_locked(switch, policy)).or_else(|| {
                let permit = permits.iter().find(reduces).filter(|_| is_reject)?;
                Some(takes_away(switch, permit))
            })
        } else if forbids.is_empty() {
            Some(is_unknown(switch, policies))
        } else {
            Some(is_family(switch))
        };
        problems.extend(problem.map(|problem| problem.at(switch.place.clone())));
    }
}

fn category(policy: &CompiledPolicy) -> Option<&str> {
    policy.info.category.as_ref().map(Category::as_str)
}

fn is_unknown(switch: &Switch, policies: &[CompiledPolicy]) -> Diagnostic {
    let message = format!("no policy has the category `{}`", switch.category);
    let permits = policies
        .iter()
        .filter(|policy| policy.info.effect == Effect::Permit);
    Diagnostic::error(Code::UnknownCategory, message)
        .did_you_mean(&switch.category, permits.filter_map(category))
}

fn is_family(switch: &Switch) -> Diagnostic {
    let message = format!("only forbids have the category `{}`", switch.category);
    Diagnostic::error(Code::NotSwitchable, message)
        .help("overrides never touch written forbids: change the policies")
}

fn is_locked(switch: &Switch, policy: &CompiledPolicy) -> Diagnostic {
    let message = format!("the category `{}` is locked", switch.category);
    Diagnostic::error(Code::NotSwitchable, message)
        .help(format!("`{}` carries `@locked(\"true\")`", policy.info.id))
        .related(policy.info.place.clone(), "locked here")
}

/// Reducing access is always possible: proven ownership is all that it may ask for (ruling 14).
fn takes_away(switch: &Switch, permit: &CompiledPolicy) -> Diagnostic {
    let message = format!(
        "`{}` cannot be answered by `reject`: what only takes access away stays possible",
        switch.category
    );
    Diagnostic::error(Code::NotSwitchable, message)
        .help(
            "hold it by `manual-review`, or narrow the action of its permits to one that is not \
             in the group `reducing`",
        )
        .related(
            permit.info.place.clone(),
            "this permit lets access be taken away",
        )
}

fn reducing_actions(actions: &Entities) -> Vec<EntityUid> {
    let uids = || actions.iter().map(Entity::uid);
    let groups: Vec<EntityUid> = uids()
        .filter(|uid| AsRef::<str>::as_ref(uid.id()) == REDUCING)
        .collect();
    uids()
        .filter(|uid| {
            groups
                .iter()
                .any(|group| actions.is_ancestor_of(group, uid))
        })
        .collect()
}

/// Whether a policy can speak of an action, as far as its scope goes.
fn is_in_scope(policy: &CompiledPolicy, action: &EntityUid, actions: &Entities) -> bool {
    let is_in = |group: &EntityUid| group == action || actions.is_ancestor_of(group, action);
    match policy.policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(named) => named == *action,
        ActionConstraint::In(groups) => groups.iter().any(is_in),
    }
}

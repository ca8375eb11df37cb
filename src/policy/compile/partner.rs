//! What follows from a partner's answer is said only where a partner answers.

use cedar_policy::ActionConstraint;
use cedar_policy::Entities;
use cedar_policy::EntityUid;

use crate::policy::bundle::CompiledPolicy;
use crate::policy::bundle::PolicyClass;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;

/// The group of the actions of which a partner's answer is awaited.
const GROUP: &str = "answeredByPartner";

/// Reports policies that say `@when_accepted` or `@when_refused` of actions that no partner answers: what they say
/// would never come about.
pub(super) fn check(
    policies: &[CompiledPolicy],
    actions: &Entities,
    problems: &mut Vec<Diagnostic>,
) {
    for policy in policies {
        let info = &policy.info;
        let speaks = !info.when_accepted.is_empty() || !info.when_refused.is_empty();
        // What a refusal may not say was told already.
        let refuses = info.class() == PolicyClass::HardForbid;
        if !speaks || refuses || is_answered(&policy.policy.action_constraint(), actions) {
            continue;
        }
        let message = "no partner answers the actions of this policy";
        problems.push(
            Diagnostic::error(Code::MisplacedAnnotation, message)
                .at(info.place.clone())
                .help(
                    "`@when_accepted` and `@when_refused` need an action of the group \
                     `answeredByPartner` in the scope; what is due at once is an `@obligation`",
                ),
        );
    }
}

fn is_answered(constraint: &ActionConstraint, actions: &Entities) -> bool {
    let named = match constraint {
        ActionConstraint::Any => return false,
        ActionConstraint::Eq(action) => std::slice::from_ref(action),
        ActionConstraint::In(named) => named.as_slice(),
    };
    actions.iter().map(cedar_policy::Entity::uid).any(|action| {
        is_in_group(&action, actions)
            && named
                .iter()
                .any(|named| *named == action || actions.is_ancestor_of(named, &action))
    })
}

fn is_in_group(action: &EntityUid, actions: &Entities) -> bool {
    actions
        .ancestors(action)
        .into_iter()
        .flatten()
        .any(|group| group.id().unescaped() == GROUP)
}

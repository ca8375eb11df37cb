//! The action entities that a query starts from.
//!
//! A query is about one action, and building the entities of a query costs what is built upon. Only two things can ask for
//! the groups of an action: a scope or condition that speaks of the action of the query, and a condition that names
//! another one. So a query gets its own action and those that conditions name, each with its groups.

use std::collections::HashMap;
use std::collections::HashSet;

use cedar_policy::ActionConstraint;
use cedar_policy::Entities;
use cedar_policy::EntityUid;
use cedar_policy::Policy;

/// The action entities of a schema, all together and for a query about each action.
#[derive(Clone, Debug)]
pub(super) struct ActionEntities {
    all: Entities,
    by_action: HashMap<EntityUid, Entities>,
}

impl ActionEntities {
    pub(super) fn new<'a>(all: Entities, policies: impl Iterator<Item = &'a Policy>) -> Self {
        let named: HashSet<EntityUid> = policies.flat_map(named_actions).collect();
        let each = all.iter().filter_map(|action| {
            let asked = action.uid();
            let mut wanted = HashSet::new();
            for uid in named.iter().chain([&asked]) {
                wanted.extend(all.ancestors(uid).into_iter().flatten().cloned());
                wanted.insert(uid.clone());
            }
            let own = wanted.iter().filter_map(|uid| all.get(uid)).cloned();
            // What cannot be put together is had from all of them.
            let own = Entities::from_entities(own, None).ok()?;
            Some((asked, own))
        });
        Self {
            by_action: each.collect(),
            all,
        }
    }

    pub(super) fn all(&self) -> &Entities {
        &self.all
    }

    /// What a query about an action starts from.
    pub(super) fn of(&self, action: &EntityUid) -> &Entities {
        self.by_action.get(action).unwrap_or(&self.all)
    }
}

/// The actions that a policy names, if it names any but in its scope.
fn named_actions(policy: &Policy) -> Vec<EntityUid> {
    let mut literals = policy.entity_literals();
    literals.retain(|uid| uid.type_name().basename() == "Action");
    let in_scope = match policy.action_constraint() {
        ActionConstraint::Any => 0,
        ActionConstraint::Eq(_) => 1,
        ActionConstraint::In(actions) => actions.len(),
    };
    if literals.len() == in_scope {
        literals.clear();
    }
    literals
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use cedar_policy::EntityUid;
    use cedar_policy::Policy;
    use cedar_policy::PolicySet;
    use cedar_policy::Schema;

    use super::ActionEntities;

    const SCHEMA: &str = "entity U; action widening, reducing; \
                          action one, two in [widening] appliesTo { principal: U, resource: U, context: {} }; \
                          action three in [reducing] appliesTo { principal: U, resource: U, context: {} };";

    /// What a query about the first action starts from.
    fn of(policies: &str) -> Vec<String> {
        let (schema, _) = Schema::from_cedarschema_str(SCHEMA).unwrap();
        let policies = PolicySet::from_str(policies).unwrap();
        let policies: Vec<Policy> = policies.policies().cloned().collect();
        let actions = schema.action_entities().unwrap();
        let known = ActionEntities::new(actions, policies.iter());
        assert_eq!(known.all().len(), 5);
        let one = EntityUid::from_str("Action::\"one\"").unwrap();
        let own = known.of(&one);
        let mut names: Vec<String> = own
            .iter()
            .map(|it| it.uid().id().unescaped().to_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn scopes_alone_leave_a_query_its_own_action_and_groups() {
        for policies in [
            "permit (principal, action, resource);",
            "permit (principal, action == Action::\"three\", resource);",
            "forbid (principal, action in Action::\"reducing\", resource) unless { action in principal };",
            "permit (principal, action in [Action::\"two\", Action::\"three\"], resource);",
        ] {
            assert_eq!(of(policies), ["one", "widening"], "{policies}");
        }
    }

    #[test]
    fn what_a_condition_names_is_there_with_its_groups() {
        for (policies, names) in [
            (
                "permit (principal, action, resource) when { Action::\"three\" in Action::\"widening\" };",
                &["one", "reducing", "three", "widening"][..],
            ),
            (
                "permit (principal, action == Action::\"one\", resource) when { action == Action::\"one\" };",
                &["one", "widening"],
            ),
            (
                "permit (principal, action in [Action::\"one\", Action::\"two\"], resource) \
                 unless { [Action::\"two\"].contains(action) };",
                &["one", "two", "widening"],
            ),
            (
                "permit (principal, action, resource); \
                 forbid (principal, action, resource) when { action in [Action::\"reducing\"] };",
                &["one", "reducing", "widening"],
            ),
        ] {
            assert_eq!(of(policies), names, "{policies}");
        }
    }
}

//! The action entities that a query starts from.
//!
//! A query is about one action. Where no condition of the bundle names an action, nothing but that action and its groups
//! can matter to the answer, and building the entities of a query costs what is built upon, so that is all it gets.
//! Where a condition names one, every query gets them all.

use std::collections::HashMap;

use cedar_policy::ActionConstraint;
use cedar_policy::Entities;
use cedar_policy::EntityUid;
use cedar_policy::Policy;

/// The action entities of a schema, all together and for each action.
#[derive(Clone, Debug)]
pub(super) struct ActionEntities {
    all: Entities,
    /// Empty where a condition names an action.
    by_action: HashMap<EntityUid, Entities>,
}

impl ActionEntities {
    pub(super) fn new<'a>(all: Entities, mut policies: impl Iterator<Item = &'a Policy>) -> Self {
        let by_action = if policies.any(names_action) {
            HashMap::new()
        } else {
            let each = all.iter().filter_map(|action| {
                let uid = action.uid();
                let groups = all.ancestors(&uid)?.filter(|group| **group != uid);
                let groups = groups.filter_map(|group| all.get(group)).cloned();
                let own = groups.chain([action.clone()]);
                // What cannot be put together is had from all of them.
                let own = Entities::from_entities(own, None).ok()?;
                Some((uid, own))
            });
            each.collect()
        };
        Self { all, by_action }
    }

    pub(super) fn all(&self) -> &Entities {
        &self.all
    }

    /// What a query about an action starts from.
    pub(super) fn of(&self, action: &EntityUid) -> &Entities {
        self.by_action.get(action).unwrap_or(&self.all)
    }
}

/// Whether the policy names an action anywhere but in its scope.
fn names_action(policy: &Policy) -> bool {
    let literals = policy.entity_literals();
    let named = literals
        .iter()
        .filter(|uid| uid.type_name().basename() == "Action");
    let in_scope = match policy.action_constraint() {
        ActionConstraint::Any => 0,
        ActionConstraint::Eq(_) => 1,
        ActionConstraint::In(actions) => actions.len(),
    };
    named.count() != in_scope
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use cedar_policy::EntityUid;
    use cedar_policy::Policy;
    use cedar_policy::PolicySet;
    use cedar_policy::Schema;

    use super::ActionEntities;

    const SCHEMA: &str = "entity U; action widening; action one, two in [widening] appliesTo { \
                          principal: U, resource: U, context: {} };";

    fn of(policies: &str) -> (usize, usize) {
        let (schema, _) = Schema::from_cedarschema_str(SCHEMA).unwrap();
        let policies = PolicySet::from_str(policies).unwrap();
        let policies: Vec<Policy> = policies.policies().cloned().collect();
        let actions = schema.action_entities().unwrap();
        let known = ActionEntities::new(actions, policies.iter());
        let one = EntityUid::from_str("Action::\"one\"").unwrap();
        let own = known.of(&one);
        assert!(own.ancestors(&one).unwrap().count() >= 1);
        (own.len(), known.all().len())
    }

    #[test]
    fn scopes_alone_leave_a_query_its_own_action_and_groups() {
        for policies in [
            "permit (principal, action, resource);",
            "permit (principal, action == Action::\"one\", resource);",
            "forbid (principal, action in Action::\"widening\", resource) unless { action in principal };",
            "permit (principal, action in [Action::\"one\", Action::\"two\"], resource);",
        ] {
            assert_eq!(of(policies), (2, 3), "{policies}");
        }
    }

    #[test]
    fn a_condition_that_names_an_action_has_them_all() {
        for policies in [
            "permit (principal, action, resource) when { Action::\"two\" in Action::\"widening\" };",
            "permit (principal, action == Action::\"one\", resource) when { action == Action::\"one\" };",
            "permit (principal, action in [Action::\"one\", Action::\"two\"], resource) \
             unless { [Action::\"two\"].contains(action) };",
            "permit (principal, action, resource); \
             forbid (principal, action, resource) when { action in [Action::\"widening\"] };",
        ] {
            assert_eq!(of(policies), (3, 3), "{policies}");
        }
    }
}

//! The policies of a bundle partitioned by scope, so that a query evaluates only those that can
//! match it.
//!
//! Each policy lies in one cell: that of the entity in its principal or resource scope which the
//! fewest policies name (`==` before `in`), or, when its scope names none and leaves the action
//! open, that of the type in its scope, or the cell of all. Within the cell it lies in the set of
//! its action or, for a list of actions, in the set of each. A query visits the cells of its
//! principal and resource, of their ancestors and types, and in each the sets of its action and
//! the action's ancestors.
//!
//! Sound because a policy whose scope is false is neither satisfied nor erring, and because every
//! policy that is not visited has a scope constraint that is false for the query. A policy with a
//! list of actions can be visited twice; who reads the answers counts it once.

use std::collections::HashMap;

use cedar_policy::ActionConstraint;
use cedar_policy::Effect;
use cedar_policy::Entities;
use cedar_policy::EntityTypeName;
use cedar_policy::EntityUid;
use cedar_policy::PolicyId;
use cedar_policy::PolicySet;
use cedar_policy::PrincipalConstraint;
use cedar_policy::Request;
use cedar_policy::ResourceConstraint;
use cedar_policy::Template;

use crate::policy::bundle::Bundle;
use crate::policy::bundle::CompiledPolicy;
use crate::policy::bundle::Rebuilt;

/// Prebuilt disjoint policy sets by the scopes that they ask for.
#[derive(Debug, Default)]
pub struct Slices {
    any: Cell,
    types: HashMap<EntityTypeName, Sides>,
    entities: HashMap<EntityUid, EntityCells>,
}

/// Policies that a cell holds, by action.
#[derive(Debug, Default)]
struct Cell {
    any_action: EffectSets,
    by_action: HashMap<EntityUid, EffectSets>,
}

/// Permits and forbids apart, so that each says what it would have said without the other.
#[derive(Debug, Default)]
struct EffectSets {
    permits: PolicySet,
    forbids: PolicySet,
}

#[derive(Debug, Default)]
struct Sides {
    principal: Cell,
    resource: Cell,
}

#[derive(Debug, Default)]
struct EntityCells {
    equal: Sides,
    within: Sides,
}

/// Side of a request that a scope constraint speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Principal,
    Resource,
}

/// Key of the cell that a policy lies in.
#[derive(Debug)]
enum Key {
    Any,
    Type(Side, EntityTypeName),
    Within(Side, EntityUid),
    Equal(Side, EntityUid),
}

impl Slices {
    /// Partitions the policies; each is built anew and shares nothing with the bundle.
    pub fn new(bundle: &Bundle) -> Self {
        let mut named: HashMap<EntityUid, usize> = HashMap::new();
        for policy in bundle.compiled() {
            for (_, uid) in candidates(policy) {
                *named.entry(uid).or_default() += 1;
            }
        }
        let templates: HashMap<PolicyId, Template> = bundle
            .templates()
            .iter()
            .map(|template| (template.template().id().clone(), template.rebuild()))
            .collect();
        let mut slices = Self::default();
        for policy in bundle.compiled() {
            let key = key(policy, &named);
            slices.cell(key).insert(policy, &templates);
        }
        slices
    }

    /// Visits every set that holds a policy which can match.
    pub fn visit<'s>(
        &'s self,
        request: &Request,
        entities: &Entities,
        mut set: impl FnMut(&'s PolicySet),
    ) {
        let (Some(principal), Some(action), Some(resource)) =
            (request.principal(), request.action(), request.resource())
        else {
            return;
        };
        let mut visit = |cell: &'s Cell| cell.visit(action, entities, &mut set);
        visit(&self.any);
        for (side, uid) in [(Side::Principal, principal), (Side::Resource, resource)] {
            if let Some(sides) = self.types.get(uid.type_name()) {
                visit(sides.on(side));
            }
            if self.entities.is_empty() {
                continue;
            }
            if let Some(cells) = self.entities.get(uid) {
                visit(cells.equal.on(side));
                visit(cells.within.on(side));
            }
            for ancestor in entities.ancestors(uid).into_iter().flatten() {
                if ancestor != uid
                    && let Some(cells) = self.entities.get(ancestor)
                {
                    visit(cells.within.on(side));
                }
            }
        }
    }

    fn cell(&mut self, key: Key) -> &mut Cell {
        match key {
            Key::Any => &mut self.any,
            Key::Type(side, name) => self.types.entry(name).or_default().on_mut(side),
            Key::Within(side, uid) => self.entities.entry(uid).or_default().within.on_mut(side),
            Key::Equal(side, uid) => self.entities.entry(uid).or_default().equal.on_mut(side),
        }
    }
}

impl Sides {
    fn on(&self, side: Side) -> &Cell {
        match side {
            Side::Principal => &self.principal,
            Side::Resource => &self.resource,
        }
    }

    fn on_mut(&mut self, side: Side) -> &mut Cell {
        match side {
            Side::Principal => &mut self.principal,
            Side::Resource => &mut self.resource,
        }
    }
}

impl Cell {
    fn insert(&mut self, policy: &CompiledPolicy, templates: &HashMap<PolicyId, Template>) {
        match policy.policy().action_constraint() {
            ActionConstraint::Any => self.any_action.insert(policy, templates),
            ActionConstraint::Eq(action) => {
                let sets = self.by_action.entry(action).or_default();
                sets.insert(policy, templates);
            }
            ActionConstraint::In(actions) => {
                for action in actions {
                    let sets = self.by_action.entry(action).or_default();
                    sets.insert(policy, templates);
                }
            }
        }
    }

    fn visit<'s>(
        &'s self,
        action: &EntityUid,
        entities: &Entities,
        set: &mut impl FnMut(&'s PolicySet),
    ) {
        self.any_action.visit(set);
        if self.by_action.is_empty() {
            return;
        }
        if let Some(sets) = self.by_action.get(action) {
            sets.visit(set);
        }
        for group in entities.ancestors(action).into_iter().flatten() {
            if group != action
                && let Some(sets) = self.by_action.get(group)
            {
                sets.visit(set);
            }
        }
    }
}

impl EffectSets {
    fn insert(&mut self, policy: &CompiledPolicy, templates: &HashMap<PolicyId, Template>) {
        let set = match policy.info().effect {
            Effect::Permit => &mut self.permits,
            Effect::Forbid => &mut self.forbids,
        };
        // A list may name one action twice.
        if set.policy(&policy.info().id).is_some() {
            return;
        }
        let inserted = match policy.rebuild() {
            Rebuilt::Static(policy) => set.add(*policy),
            Rebuilt::Link {
                template,
                id,
                values,
            } => {
                let known = set.template(&template).is_some();
                let added = match templates.get(&template) {
                    Some(template) if !known => set.add_template(template.clone()),
                    Some(_) | None => Ok(()),
                };
                debug_assert!(added.is_ok(), "{added:?}");
                set.link(template, id, values)
            }
        };
        // INVARIANT (one name): the bundle held the same policies and links in one set.
        debug_assert!(inserted.is_ok(), "{inserted:?}");
    }

    fn visit<'s>(&'s self, set: &mut impl FnMut(&'s PolicySet)) {
        for policies in [&self.permits, &self.forbids] {
            if policies.num_of_policies() > 0 {
                set(policies);
            }
        }
    }
}

/// The entities that a policy's scope names.
fn candidates(policy: &CompiledPolicy) -> impl Iterator<Item = (Key, EntityUid)> {
    let principal = match policy.policy().principal_constraint() {
        PrincipalConstraint::Eq(uid) => Some((Key::Equal(Side::Principal, uid.clone()), uid)),
        PrincipalConstraint::In(uid) | PrincipalConstraint::IsIn(_, uid) => {
            Some((Key::Within(Side::Principal, uid.clone()), uid))
        }
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => None,
    };
    let resource = match policy.policy().resource_constraint() {
        ResourceConstraint::Eq(uid) => Some((Key::Equal(Side::Resource, uid.clone()), uid)),
        ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) => {
            Some((Key::Within(Side::Resource, uid.clone()), uid))
        }
        ResourceConstraint::Any | ResourceConstraint::Is(_) => None,
    };
    principal.into_iter().chain(resource)
}

/// The most selective key of a policy.
fn key(policy: &CompiledPolicy, named: &HashMap<EntityUid, usize>) -> Key {
    let by_entity = candidates(policy).min_by_key(|(key, uid)| {
        let is_within = matches!(key, Key::Within(..));
        (named.get(uid).copied().unwrap_or_default(), is_within)
    });
    if let Some((key, _)) = by_entity {
        return key;
    }
    let policy = policy.policy();
    if policy.action_constraint() != ActionConstraint::Any {
        return Key::Any;
    }
    match (policy.principal_constraint(), policy.resource_constraint()) {
        (_, ResourceConstraint::Is(name)) => Key::Type(Side::Resource, name),
        (PrincipalConstraint::Is(name), _) => Key::Type(Side::Principal, name),
        (_, _) => Key::Any,
    }
}

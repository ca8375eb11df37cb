//! What the profiles of our own parties to a call say of it.

use crate::decision::facts::CallFacts;
use crate::decision::facts::PersonFacts;
use crate::decision::facts::gather::Gatherer;
use crate::decision::facts::gather::is_member;
use crate::domain::document::Document;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::operation::Direction;
use crate::domain::registry::DocumentKind;
use crate::domain::user::CallPermission;
use crate::domain::user::User;

/// One party to a call.
pub(super) struct Party<'a> {
    pub(super) id: &'a McServiceId,
    pub(super) person: &'a mut PersonFacts,
}

impl Gatherer<'_> {
    /// Outbound the caller's profile speaks, inbound the called user's: of the other system of the exchange,
    /// and of the caller's home where that is a third one.
    pub(super) fn calls(
        &mut self,
        direction: Direction,
        caller: &mut Party<'_>,
        asked: &mut Party<'_>,
    ) {
        let other = self.other;
        match direction {
            Direction::Outbound => {
                caller.person.call_permission =
                    self.call_facts(caller.person, other, direction, asked);
            }
            Direction::Inbound => {
                asked.person.call_permission =
                    self.call_facts(asked.person, other, direction, caller);
                let home = caller.person.home.clone();
                let third = home.filter(|home| home != other && home != self.local);
                asked.person.home_call_permission =
                    third.and_then(|home| self.call_facts(asked.person, &home, direction, caller));
            }
            Direction::HomeConsent => {}
        }
    }

    fn call_facts(
        &mut self,
        own: &PersonFacts,
        system: &McSystemId,
        direction: Direction,
        party: &Party<'_>,
    ) -> Option<CallFacts> {
        let key = &own.profile.as_ref()?.value.user;
        let found = self.document(DocumentKind::User, key.as_str())?;
        let Document::User(user) = found.value.as_ref() else {
            return None;
        };
        let permission = permission(user, system, direction)?;
        Some(CallFacts {
            services: permission.services.clone(),
            restricted: permission.is_restricted(),
            listed: self.is_listed(permission, party),
        })
    }

    fn is_listed(&mut self, permission: &CallPermission, party: &Party<'_>) -> bool {
        let only = permission.only.as_ref();
        if only.is_some_and(|users| users.contains(party.id)) {
            return true;
        }
        let Some(home) = &party.person.home else {
            return false;
        };
        let sets = permission.only_members_of.iter().flatten();
        sets.fold(false, |is_listed, set| {
            // Each set is looked up, so that what is read does not depend on what is found.
            let set_home = self.home(set.uri());
            let found = self.own_group(set, set_home.as_ref());
            let holds = found.is_some_and(|found| {
                if let Document::Group(group) = found.value.as_ref() {
                    let granted = self.membership(group, party.id, home);
                    let is_granted = granted.is_some_and(|found| found.value.holds(self.now));
                    is_member(group, party.id, home, self.local)
                        || (is_granted && group.partner(home).is_some())
                } else {
                    false
                }
            });
            is_listed || holds
        })
    }
}

fn permission<'a>(
    user: &'a User,
    system: &McSystemId,
    direction: Direction,
) -> Option<&'a CallPermission> {
    let calls = &user.partner(system)?.private_calls;
    match direction {
        Direction::Outbound => calls.outgoing.as_ref(),
        Direction::Inbound => calls.incoming.as_ref(),
        Direction::HomeConsent => None,
    }
}

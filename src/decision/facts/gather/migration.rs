//! Look-ups about migration: where a user might go, where they are, which access they have, and whether what
//! they presented is still trusted.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::decision::facts::AccessFacts;
use crate::decision::facts::CandidateFacts;
use crate::decision::facts::CurrentFacts;
use crate::decision::facts::GrantFacts;
use crate::decision::facts::HomeRefusalFacts;
use crate::decision::facts::ListingFacts;
use crate::decision::facts::LocationFacts;
use crate::decision::facts::TokenUse;
use crate::decision::facts::gather::Gatherer;
use crate::decision::query::serving_system;
use crate::domain::access_grant::AccessGrant;
use crate::domain::area::locate;
use crate::domain::document::Document;
use crate::domain::home_refusal::HomeRefusal;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::migrated_profile::MigratedUserProfile;
use crate::domain::migrated_profile::ProfileOccasion;
use crate::domain::migration::Migration;
use crate::domain::migration_user::MigrationUser;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Versioned;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::elements::Division;
use crate::domain::request::elements::InformationElements;
use crate::domain::service::McService;
use crate::domain::user::User;

impl Gatherer<'_> {
    /// The partners on the user's own list, and the one that the user names; in order of name.
    pub(super) fn candidates(&mut self, elements: &dyn InformationElements) -> Vec<CandidateFacts> {
        if elements.division() != Division::Candidates {
            return Vec::new();
        }
        let user = elements.subject().and_then(|user| self.own_user(user));
        let listed = user.iter().flat_map(|user| &user.partners);
        let mut systems: BTreeSet<McSystemId> = listed.map(|it| it.system.clone()).collect();
        systems.extend(elements.requested_system().cloned());
        systems.remove(self.local);
        let candidate = |system: McSystemId| CandidateFacts {
            agreement: self.agreement(&system),
            system,
        };
        systems.into_iter().map(candidate).collect()
    }

    /// What one of our users may do towards each system of their list.
    pub(super) fn grants(&mut self, user: &McServiceId) -> BTreeMap<McSystemId, GrantFacts> {
        let user = self.own_user(user);
        let listed = user.iter().flat_map(|user| &user.partners);
        listed
            .map(|partner| (partner.system.clone(), GrantFacts::new(partner)))
            .collect()
    }

    /// Who it is was noted with the profile of the same person.
    fn own_user(&mut self, id: &McServiceId) -> Option<User> {
        if self.home(id.uri()).as_ref() != Some(self.local) {
            return None;
        }
        let person = self.lookup.person(id)?;
        let found = self.document(DocumentKind::User, person.as_str())?;
        let Document::User(user) = found.value.as_ref() else {
            return None;
        };
        Some(user.clone())
    }

    pub(super) fn located(&mut self, elements: &dyn InformationElements) -> Option<LocationFacts> {
        let location = elements.location()?;
        let found = self.document(DocumentKind::AreaMap, self.local.as_str())?;
        let Document::AreaMap(map) = found.value.as_ref() else {
            return None;
        };
        let located = locate(map, location, self.now, map.fix_age_max());
        Some(LocationFacts::new(map, &located))
    }

    /// What the register says in each service that the request is about.
    pub(super) fn register(
        &mut self,
        user: &McServiceId,
        elements: &dyn InformationElements,
    ) -> BTreeMap<McService, CurrentFacts> {
        let mut register = BTreeMap::new();
        for service in services(elements) {
            if let Some(current) = self.registered(user, service) {
                register.insert(service, current);
            }
        }
        register
    }

    /// Whether the home has refused the user, in each service that the request is about.
    pub(super) fn home_refusals(
        &mut self,
        user: &McServiceId,
        elements: &dyn InformationElements,
    ) -> BTreeMap<McService, HomeRefusalFacts> {
        let mut refusals = BTreeMap::new();
        for service in services(elements) {
            if let Some(refusal) = self.home_refusal(user, service) {
                refusals.insert(service, refusal);
            }
        }
        refusals
    }

    fn home_refusal(&mut self, user: &McServiceId, service: McService) -> Option<HomeRefusalFacts> {
        let id = HomeRefusal::id(user, service).ok()?;
        let Some(found) = self.document(DocumentKind::HomeRefusal, id.as_str()) else {
            return Some(HomeRefusalFacts { refusal: None });
        };
        let Document::HomeRefusal(refusal) = found.value.as_ref() else {
            return None;
        };
        Some(HomeRefusalFacts {
            refusal: Some(Versioned {
                revision: found.revision,
                value: refusal.clone(),
            }),
        })
    }

    /// What the register says that was granted on the presented token: it is one token, whatever the service.
    pub(super) fn token_use(
        &mut self,
        user: &McServiceId,
        request: &InterSystemRequest,
    ) -> Option<TokenUse> {
        let credential = request.body.elements().credential()?.verified()?;
        let mut found = TokenUse::default();
        for service in McService::ALL {
            let entry = self.registered(user, service).and_then(|it| it.entry);
            let token = entry.as_ref().and_then(|it| it.value.credential.as_ref());
            let token = token.filter(|token| token.token_id_hash == credential.token_id_hash);
            let (Some(entry), Some(token)) = (&entry, token) else {
                continue;
            };
            let first = found.first_granted_at.unwrap_or(token.first_granted_at);
            found.first_granted_at = Some(first.min(token.first_granted_at));
            let ends = [found.granted_until, entry.value.expires_at];
            found.granted_until = ends.into_iter().flatten().min();
        }
        Some(found)
    }

    /// What the register says of a user in one service.
    pub(super) fn registered(
        &mut self,
        user: &McServiceId,
        service: McService,
    ) -> Option<CurrentFacts> {
        let id = Migration::id(user, service).ok()?;
        let Some(found) = self.document(DocumentKind::Migration, id.as_str()) else {
            return Some(CurrentFacts { entry: None });
        };
        let Document::Migration(entry) = found.value.as_ref() else {
            return None;
        };
        Some(CurrentFacts {
            entry: Some(Versioned {
                revision: found.revision,
                value: entry.clone(),
            }),
        })
    }

    /// Which access the user was given to the system that serves them or is to.
    pub(super) fn access(
        &mut self,
        user: &McServiceId,
        request: &InterSystemRequest,
    ) -> Option<AccessFacts> {
        let serving = serving_system(request)?;
        let id = AccessGrant::id(user, serving).ok()?;
        let Some(found) = self.document(DocumentKind::AccessGrant, id.as_str()) else {
            return Some(AccessFacts { grant: None });
        };
        let Document::AccessGrant(grant) = found.value.as_ref() else {
            return None;
        };
        Some(AccessFacts {
            grant: Some(Versioned {
                revision: found.revision,
                value: grant.clone(),
            }),
        })
    }

    /// Whether the user is on the list of those who may migrate to the system that serves them or is to.
    pub(super) fn listing(
        &mut self,
        user: &McServiceId,
        request: &InterSystemRequest,
    ) -> Option<ListingFacts> {
        let serving = serving_system(request)?;
        let id = MigrationUser::id(user, serving).ok()?;
        let Some(found) = self.document(DocumentKind::MigrationUser, id.as_str()) else {
            return Some(ListingFacts { entry: None });
        };
        let Document::MigrationUser(listed) = found.value.as_ref() else {
            return None;
        };
        Some(ListingFacts {
            entry: Some(Versioned {
                revision: found.revision,
                value: listed.clone(),
            }),
        })
    }

    /// The profile that the agreement names for link failure, if it is for that and for this user.
    pub(super) fn link_failure_profile(
        &mut self,
        user: &McServiceId,
        home: &McSystemId,
    ) -> Option<Versioned<MigratedUserProfile>> {
        let agreement = self.agreement(self.other)?.value;
        let profile = agreement.migration?.link_failure?.profile;
        let found = self.document(DocumentKind::MigratedProfile, &profile)?;
        let Document::MigratedProfile(profile) = found.value.as_ref() else {
            return None;
        };
        let is_theirs = profile.user.as_ref().is_none_or(|it| it == user);
        let is_meant = profile.occasion == Some(ProfileOccasion::LinkFailure);
        (is_meant && is_theirs && profile.home_system == *home).then(|| Versioned {
            revision: found.revision,
            value: profile.clone(),
        })
    }

    /// Whether the key that signed the token is still one of the partner's: it may have been withdrawn since.
    pub(super) fn credential_key(
        &mut self,
        request: &InterSystemRequest,
    ) -> Option<Versioned<bool>> {
        let credential = request.body.elements().credential()?.verified()?;
        let found = self.document(DocumentKind::PartnerKeys, self.other.as_str())?;
        let Document::PartnerKeys(keys) = found.value.as_ref() else {
            return None;
        };
        let is_trusted =
            keys.key(&credential.key_id).is_some() && keys.issuer() == credential.issuer;
        Some(Versioned {
            revision: found.revision,
            value: is_trusted,
        })
    }
}

/// The services that a request is about.
fn services(elements: &dyn InformationElements) -> Vec<McService> {
    match elements.division() {
        Division::Services(services) => services.to_vec(),
        Division::Whole
        | Division::Users
        | Division::Groups(_)
        | Division::Kinds(_)
        | Division::Candidates => elements.service().into_iter().collect(),
    }
}

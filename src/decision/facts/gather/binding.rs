//! Look-ups about SIP identities and UEs: whether what a user is to be bound to is somebody else's.

use crate::decision::facts::AccessKey;
use crate::decision::facts::BindingFacts;
use crate::decision::facts::ReadKey;
use crate::decision::facts::gather::Gatherer;
use crate::domain::access_grant::AccessGrant;
use crate::domain::document::Document;
use crate::domain::identity::FunctionalAlias;
use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::identity::McUri;
use crate::domain::registry::DocumentKind;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::OperationBody;

impl Gatherer<'_> {
    /// What of the SIP identities and the UE of a request belongs to others.
    pub(super) fn binding(
        &mut self,
        user: &McServiceId,
        home: Option<&McSystemId>,
        request: &InterSystemRequest,
    ) -> BindingFacts {
        let elements = request.body.elements();
        let mut facts = BindingFacts::default();
        let ue = elements.ue().zip(home).map(|(ue, home)| AccessKey::Ue {
            home: home.clone(),
            ue: ue.clone(),
        });
        if let Some(ue) = &ue {
            facts.ue_taken = self.others(ue, user).next().is_some();
        }
        let Some(sip) = elements.sip() else {
            return facts;
        };
        // Access that ends with the grant, because the UE has another user now, holds nothing any more.
        let ends = ue.filter(|_| matches!(request.body, OperationBody::PartnerSystemAccess(_)));
        let holds = |grant: &AccessGrant| {
            let keys = AccessKey::all_of(grant);
            ends.as_ref().is_none_or(|ends| !keys.contains(ends))
        };
        for key in AccessKey::of_identities(&sip) {
            facts.identity_taken |= self.others(&key, user).any(|grant| holds(&grant));
        }
        match sip.sip_public_identity.uri() {
            Some(uri) => {
                facts.system = self.system_of(&uri);
                facts.identity_taken |= self.is_anothers(&uri, user);
            }
            None => facts.identity_taken = true,
        }
        facts
    }

    /// The grants of other users that are found under a key and hold.
    fn others(
        &mut self,
        key: &AccessKey,
        user: &McServiceId,
    ) -> impl Iterator<Item = AccessGrant> + use<> {
        let found = self.lookup.access_grants(key);
        self.read
            .insert(ReadKey::Access(key.clone()), found.revision);
        let mut grants = Vec::new();
        for id in found.ids {
            let document = self.document(DocumentKind::AccessGrant, id.as_str());
            if let Some(document) = document
                && let Document::AccessGrant(grant) = document.value.as_ref()
                && grant.user.uri().subscriber() != user.uri().subscriber()
                && grant.holds(self.now)
            {
                grants.push(grant.clone());
            }
        }
        grants.into_iter()
    }

    /// The MC system to which a URI belongs, if it is this one, or one of which the registry speaks.
    fn system_of(&mut self, uri: &McUri) -> Option<McSystemId> {
        let home = self.home(uri)?;
        let is_known = home == *self.local
            || self.document(DocumentKind::System, home.as_str()).is_some()
            || self
                .document(DocumentKind::Agreement, home.as_str())
                .is_some();
        is_known.then_some(home)
    }

    /// Whether a URI is an identity of another user of ours, an alias, a group, or what we call a visitor.
    fn is_anothers(&mut self, uri: &McUri, user: &McServiceId) -> bool {
        let identity = McServiceId::from(uri.clone());
        let alias = FunctionalAlias::from(uri.clone());
        let group = GroupId::from(uri.clone());
        let own = self.lookup.person(user);
        let holder = self.lookup.person(&identity);
        let is_own = own.is_some() && own == holder;
        let served = self.lookup.served_as(&identity, user);
        self.read
            .insert(ReadKey::ServedAs(identity.clone()), served.revision);
        let home = self.home(uri);
        let is_group = self.own_group(&group, home.as_ref()).is_some();
        (self.is_registered(&identity) && !is_own)
            || self.is_held(&alias)
            || served.taken
            || is_group
    }
}

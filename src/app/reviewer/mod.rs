//! Who may answer a held item: the rules that no policy lifts, then a query against the access bundle.

mod approvers;
mod earlier;
mod eligible;
mod query;

pub(in crate::app) use approvers::Approvers;
pub(in crate::app) use approvers::Voters;
pub(in crate::app) use eligible::Eligible;

pub(in crate::app) use query::is_addressee;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::sealing::SealingKey;
use crate::decision::facts::Lookup;
use crate::decision::facts::ReadKey;
use crate::decision_log::LogIndex;
use crate::domain::document::Document;
use crate::domain::identity::FunctionalAlias;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McUri;
use crate::domain::operation::Operation;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Revision;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::OperationBody;
use crate::domain::role::Role;
use crate::domain::user::User;
use crate::store::command::Person;
use crate::store::command::PersonDigest;
use crate::store::command::RequestId;
use crate::store::state::RequestEntry;
use crate::store::state::State;

/// An enabled user of ours who neither asked for a request nor gets anything by it.
#[derive(Clone, Debug)]
pub(in crate::app) struct Reviewer {
    key: DocumentKey,
    revision: Revision,
    document: Arc<Document>,
}

impl Reviewer {
    fn look_up(state: &State, identity: &McServiceId) -> Option<Self> {
        let key = DocumentKey {
            kind: DocumentKind::User,
            id: state.person(identity)?,
        };
        let found = state.document(&key)?;
        Some(Self {
            key,
            revision: found.revision,
            document: found.value,
        })
    }

    fn check(&self, entry: &RequestEntry, concerned: &Concerned) -> Result<(), AppError> {
        let user = self
            .user()
            .filter(|user| user.enabled)
            .ok_or(AppError::UnknownReviewer)?;
        let mut names = own_names(user);
        if names.any(|own| concerned.names(own)) {
            return Err(AppError::Originator);
        }
        let mut entries = entry.further.iter().chain([&entry.submitted]);
        // Whatever the request wrote of them, it cannot be what they answer it by.
        if entries.any(|index| index.0 == self.revision.0) {
            return Err(AppError::Originator);
        }
        Ok(())
    }

    fn user(&self) -> Option<&User> {
        if let Document::User(user) = self.document.as_ref() {
            Some(user)
        } else {
            None
        }
    }

    /// Whether they were written since an entry: then they may have been somebody else before.
    fn is_written_since(&self, index: LogIndex) -> bool {
        self.revision.0 > index.0
    }

    /// The key of the person in the registry.
    fn key(&self) -> &DocumentKey {
        &self.key
    }

    /// What an answer of theirs rests on.
    pub(in crate::app) fn read(&self) -> (ReadKey, Option<Revision>) {
        (ReadKey::Document(self.key.clone()), Some(self.revision))
    }

    /// Those of their roles that are among these.
    pub(in crate::app) fn roles_among(&self, asked: &BTreeSet<Role>) -> BTreeSet<Role> {
        let roles = self.user().into_iter().flat_map(|user| &user.roles);
        roles
            .filter(|role| asked.contains(*role))
            .cloned()
            .collect()
    }

    /// They as the store tells documents from others that answer a request.
    fn document_digest(&self, key: &SealingKey, request: RequestId) -> Option<PersonDigest> {
        key.document(request, &self.key.id)
    }

    /// They as the store tells them from others who answer a request: under whatever name, one person.
    pub(in crate::app) fn person(&self, key: &SealingKey, request: RequestId) -> Option<Person> {
        let identities = self.user().into_iter().flat_map(|it| it.identities.iter());
        let names = identities.flat_map(|(_, identity)| spellings(identity.uri()));
        let also = names.map(|name| key.name(request, &name));
        Some(Person {
            id: self.document_digest(key, request)?,
            also: also.collect::<Option<_>>()?,
        })
    }

    /// Their service identities.
    pub(in crate::app) fn identities(&self) -> BTreeSet<McServiceId> {
        let identities = self.user().into_iter().flat_map(|it| it.identities.iter());
        identities.map(|(_, identity)| identity.clone()).collect()
    }
}

/// An enabled user of ours who acts in person, as the store tells persons from each other in one matter.
pub(in crate::app) fn acting(
    state: &State,
    identity: &McServiceId,
    key: &SealingKey,
    matter: RequestId,
) -> Result<Person, AppError> {
    let person = state.person(identity).ok_or(AppError::UnknownReviewer)?;
    let document = DocumentKey {
        kind: DocumentKind::User,
        id: person,
    };
    let found = state.document(&document).ok_or(AppError::UnknownReviewer)?;
    let acting = Reviewer {
        key: document,
        revision: found.revision,
        document: found.value,
    };
    if !acting.user().is_some_and(|user| user.enabled) {
        return Err(AppError::UnknownReviewer);
    }
    let person = acting.person(key, matter);
    person.ok_or_else(|| AppError::Broken("no digest of a person".into()))
}

/// Answers for one request whether reviewers may answer its items; items of the same categories are alike.
#[derive(Debug)]
pub(in crate::app) struct Answerers<'a> {
    app: &'a App,
    request: &'a InterSystemRequest,
    known: BTreeMap<(DocumentKey, Vec<String>, BTreeSet<Role>), bool>,
}

impl<'a> Answerers<'a> {
    pub(in crate::app) fn new(app: &'a App, request: &'a InterSystemRequest) -> Self {
        Self {
            app,
            request,
            known: BTreeMap::new(),
        }
    }

    /// Whether the access bundle permits it; what cannot be evaluated does not.
    pub(in crate::app) fn may_answer(
        &mut self,
        reviewer: &Reviewer,
        categories: &[String],
        escalated_to: &BTreeSet<Role>,
    ) -> bool {
        let asked = (
            reviewer.key.clone(),
            categories.to_vec(),
            escalated_to.clone(),
        );
        if let Some(known) = self.known.get(&asked) {
            return *known;
        }
        let local = self.app.local_system();
        let may = self.app.0.access.allows(|engine| {
            query::respond(
                engine,
                (reviewer.user()?, &reviewer.key, local),
                (self.request, categories, escalated_to),
            )
        });
        self.known.insert(asked, may);
        may
    }
}

/// The roles that were turned to about an item because nobody answered in time.
pub(in crate::app) fn escalated_to(entry: &RequestEntry, number: usize) -> BTreeSet<Role> {
    let number = u32::try_from(number).ok();
    let reminder = number.and_then(|number| entry.reminder(number));
    let roles = reminder.map(|reminder| reminder.escalated.keys().cloned());
    roles.into_iter().flatten().collect()
}

/// Everyone who asked for a request or gets something by it, by every name under which they appear in it.
#[derive(Debug, Default)]
struct Concerned(BTreeSet<String>);

impl Concerned {
    /// Those whom a request names.
    fn of(body: &OperationBody) -> Self {
        let elements = body.elements();
        let requester = elements.requester();
        let alias = requester.and_then(|requester| requester.functional_alias.as_ref());
        let listed = (0..elements.listed()).filter_map(|number| elements.listed_subject(number));
        let users = elements
            .requesting_user()
            .into_iter()
            .chain(elements.subject())
            .chain(listed);
        let names = users.map(McServiceId::uri);
        let names = names.chain(alias.map(FunctionalAlias::uri));
        Self(names.flat_map(spellings).collect())
    }

    fn names(&self, uri: &McUri) -> bool {
        spellings(uri).any(|spelling| self.0.contains(&spelling))
    }
}

fn own_names(user: &User) -> impl Iterator<Item = &McUri> {
    let identities = user.identities.iter().map(|(_, identity)| identity.uri());
    identities.chain(user.functional_aliases.iter().map(FunctionalAlias::uri))
}

/// What a subscriber is called whatever the scheme, `sip:`, `sips:` or `tel:`; a number, by itself too.
fn spellings(uri: &McUri) -> impl Iterator<Item = String> + use<> {
    let subscriber = uri.subscriber();
    let user = subscriber.split(['@', ';']).next().unwrap_or_default();
    let number = user.starts_with('+').then(|| user.to_owned());
    [subscriber.to_owned()].into_iter().chain(number)
}

/// Whether two URIs name one subscriber.
fn is_same(one: &McUri, other: &McUri) -> bool {
    spellings(one).any(|spelling| spellings(other).any(|it| it == spelling))
}

/// Automatic responses are changed by policy administrators alone: two of them (ruling 25).
fn administers(user: &User, request: &InterSystemRequest) -> Result<(), AppError> {
    let operation = request.body.operation();
    let is_change = operation == Operation::AutomaticResponseChange;
    if is_change && !user.acm_operations.contains(&operation) {
        return Err(AppError::NoPolicyAdministrator);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use serde_json::json;

    use super::Concerned;
    use super::Reviewer;
    use crate::app::error::AppError;
    use crate::decision_log::LogIndex;
    use crate::domain::document::Document;
    use crate::domain::registry::DocumentKind;
    use crate::domain::registry::Revision;
    use crate::store::state::RequestEntry;

    fn reviewer(identity: &str, revision: u64) -> Reviewer {
        let user = json!({
            "id": "one", "enabled": true, "identities": { "mcptt": identity },
            "functional_aliases": ["sip:desk@mc.de.example"], "roles": ["duty-officer"],
        });
        let document = Document::from_json(DocumentKind::User, user).unwrap();
        Reviewer {
            key: document.key().unwrap(),
            revision: Revision(revision),
            document: Arc::new(document),
        }
    }

    fn entry(submitted: u64, further: &[u64]) -> RequestEntry {
        let entry = json!({
            "id": "00000000-0000-4000-8000-000000000000", "caller": "acms", "version": 1,
            "submitted": submitted, "further": further, "items": [],
            "at": "2026-01-01T00:00:00.000Z",
        });
        serde_json::from_value(entry).unwrap()
    }

    fn concerned(names: &[&str]) -> Concerned {
        let names = names.iter().map(|name| name.parse().unwrap());
        Concerned(names.flat_map(|uri| super::spellings(&uri)).collect())
    }

    #[test]
    fn nobody_answers_by_what_the_request_made_of_them() {
        let one = |revision| reviewer("sip:one@mc.de.example", revision);
        let nobody = Concerned::default();
        assert!(one(3).check(&entry(5, &[7, 9]), &nobody).is_ok());
        assert!(one(8).check(&entry(5, &[7, 9]), &nobody).is_ok());
        for revision in [5, 7, 9] {
            let refused = one(revision).check(&entry(5, &[7, 9]), &nobody);
            assert!(matches!(refused, Err(AppError::Originator)), "{revision}");
        }
        assert_eq!(entry(5, &[7]).further, [LogIndex(7)]);
    }

    #[test]
    fn the_concerned_are_known_under_every_name() {
        let refused = |identity: &str, name: &str| {
            let reviewer = reviewer(identity, 1);
            let checked = reviewer.check(&entry(5, &[]), &concerned(&[name]));
            matches!(checked, Err(AppError::Originator))
        };
        let number = "sip:+491234@mc.de.example";
        for (identity, name) in [
            ("sip:one@mc.de.example", "sip:one@mc.de.example"),
            ("sip:one@mc.de.example", "sips:one@mc.de.example"),
            ("sip:one@mc.de.example", "sips:desk@mc.de.example"),
            (number, "tel:+491234"),
            ("tel:+491234", number),
        ] {
            assert!(refused(identity, name), "{identity} {name}");
        }
        for (identity, name) in [
            ("sip:one@mc.de.example", "sip:two@mc.de.example"),
            ("sip:one@mc.de.example", "sip:one@mc.nl.example"),
            ("tel:+491234", "tel:+49123"),
        ] {
            assert!(!refused(identity, name), "{identity} {name}");
        }
    }

    #[test]
    fn only_roles_that_are_asked_for_count() {
        let one = reviewer("sip:one@mc.de.example", 1);
        let role = |word: &str| word.parse().unwrap();
        let asked = BTreeSet::from([role("duty-officer"), role("shift-leader")]);
        assert_eq!(one.roles_among(&asked), [role("duty-officer")].into());
        assert!(one.roles_among(&BTreeSet::new()).is_empty());
    }
}

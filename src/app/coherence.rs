//! What documents say of each other: an agreement and the profile that it names for link failure, and what only one
//! document of a registry may have.

use std::collections::BTreeMap;

use crate::app::error::Invalid;
use crate::app::names;
use crate::app::plausibility::Numbers;
use crate::app::plausibility::Surroundings;
use crate::app::plausibility::check_document;
use crate::domain::agreement::Agreement;
use crate::domain::document::Document;
use crate::domain::identity::McSystemId;
use crate::domain::migrated_profile::MigratedUserProfile;
use crate::domain::migrated_profile::ProfileOccasion;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::store::state::Claim;
use crate::store::state::State;
use crate::store::state::claims_of;

/// A registry as it would be once some documents are written together.
pub(in crate::app) struct Together<'a> {
    state: &'a State,
    written: &'a BTreeMap<DocumentKey, &'a Document>,
}

impl<'a> Together<'a> {
    pub(in crate::app) fn new(
        state: &'a State,
        written: &'a BTreeMap<DocumentKey, &'a Document>,
    ) -> Self {
        Self { state, written }
    }

    fn document(&self, kind: DocumentKind, id: &str) -> Option<&Document> {
        let key = DocumentKey {
            kind,
            id: id.parse().ok()?,
        };
        let written = self.written.get(&key).copied();
        written.or_else(|| self.state.document_under(&key))
    }

    /// Where a document does not fit the one that it names, or that names it.
    pub(in crate::app) fn problems(&self, document: &Document) -> Vec<Invalid> {
        if let Document::Agreement(agreement) = document {
            self.named_profile(agreement)
        } else if let Document::MigratedProfile(profile) = document {
            self.naming_agreement(profile)
        } else {
            Vec::new()
        }
    }

    fn named_profile(&self, agreement: &Agreement) -> Vec<Invalid> {
        let terms = agreement.migration.as_ref();
        let Some(terms) = terms.and_then(|terms| terms.link_failure.as_ref()) else {
            return Vec::new();
        };
        let name = &terms.profile;
        let home = &agreement.partner;
        let found = self.document(DocumentKind::MigratedProfile, name);
        let detail = match found {
            Some(Document::MigratedProfile(profile)) if profile.home_system != *home => format!(
                "the profile `{name}` is for users of `{}`, not of `{home}`",
                profile.home_system
            ),
            Some(Document::MigratedProfile(profile)) if !is_for_link_failure(profile) => format!(
                "the profile `{name}` is an ordinary one; give it `\"occasion\": \"link-failure\"`, or name another"
            ),
            Some(Document::MigratedProfile(_)) => return Vec::new(),
            Some(_) | None => format!(
                "there is no migrated-user profile `{name}`; write it before the agreement, or in the same import"
            ),
        };
        vec![Invalid::at("/migration/link_failure/profile", detail)]
    }

    fn naming_agreement(&self, profile: &MigratedUserProfile) -> Vec<Invalid> {
        let home = profile.home_system.as_str();
        let found = self.document(DocumentKind::Agreement, home);
        let terms = found.and_then(Document::agreement);
        let terms = terms.and_then(|agreement| agreement.migration.as_ref());
        let terms = terms.and_then(|terms| terms.link_failure.as_ref());
        let is_named = terms.is_some_and(|terms| terms.profile == profile.id.as_str());
        if !is_named || is_for_link_failure(profile) {
            return Vec::new();
        }
        let detail = format!(
            "the agreement with `{home}` names this profile for link failure: its `occasion` is `link-failure`"
        );
        vec![Invalid::at("/occasion", detail)]
    }
}

fn is_for_link_failure(profile: &MigratedUserProfile) -> bool {
    match profile.occasion {
        Some(ProfileOccasion::LinkFailure) => true,
        None => false,
    }
}

/// Every contradiction in the documents of a whole registry, each with its document.
pub fn check_registry(
    local: &McSystemId,
    documents: &[(DocumentKey, Document)],
) -> Vec<(DocumentKey, Invalid)> {
    let numbers = Numbers::of(documents.iter().map(|(_, document)| document));
    let surroundings = Surroundings {
        local,
        numbers: &numbers,
    };
    let all = documents.iter().map(|(_, document)| document.clone());
    // Every document has the key under which it was read.
    let state = State::of_documents(all.collect()).unwrap_or_default();
    let written = BTreeMap::new();
    let together = Together::new(&state, &written);
    let mut holders: BTreeMap<Claim, &DocumentKey> = BTreeMap::new();
    let mut found = Vec::new();
    for (key, document) in documents {
        let mut problems = check_document(surroundings, document);
        problems.extend(names::taken(&state, document));
        problems.extend(together.problems(document));
        for claim in claims_of(document) {
            if let Some(holder) = holders.get(&claim) {
                let detail = format!("it cannot have {claim}: it belongs to `{holder}`");
                problems.push(Invalid::at("", detail));
            } else {
                holders.insert(claim, key);
            }
        }
        found.extend(problems.into_iter().map(|problem| (key.clone(), problem)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::check_registry;
    use crate::domain::document::Document;
    use crate::domain::registry::DocumentKey;
    use crate::domain::registry::DocumentKind;
    use serde_json::Value;
    use serde_json::json;

    fn profile(id: &str, home: &str, occasion: Option<&str>) -> Value {
        let mut profile = json!({
            "id": id, "home_system": home, "enabled": true, "services": ["mcptt"]
        });
        if let Some(occasion) = occasion {
            profile["occasion"] = json!(occasion);
        }
        profile
    }

    /// The problems of a registry with an agreement that names a profile for link failure.
    fn problems(profiles: Vec<Value>) -> Vec<String> {
        let agreement = json!({
            "partner": "mc.nl.example", "status": "active", "valid_from": "2026-01-01T00:00:00Z",
            "migration": {
                "inbound": true, "link_failure": { "profile": "reduced", "life_minutes_max": 30 }
            }
        });
        let mut documents = vec![(DocumentKind::Agreement, agreement)];
        documents.extend(
            profiles
                .into_iter()
                .map(|profile| (DocumentKind::MigratedProfile, profile)),
        );
        let documents: Vec<(DocumentKey, Document)> = documents
            .into_iter()
            .map(|(kind, json)| {
                let document = Document::from_json(kind, json).unwrap();
                (document.key().unwrap(), document)
            })
            .collect();
        let found = check_registry(&"mc.be.example".parse().unwrap(), &documents);
        let told = |(key, problem): (DocumentKey, crate::app::error::Invalid)| {
            format!("{key}{}: {}", problem.pointer, problem.detail)
        };
        found.into_iter().map(told).collect()
    }

    #[test]
    fn the_profile_for_link_failure_stands_beside_the_general_one() {
        let general = profile("general", "mc.nl.example", None);
        let reduced = profile("reduced", "mc.nl.example", Some("link-failure"));
        assert_eq!(problems(vec![general, reduced]), [""; 0]);
    }

    #[test]
    fn two_general_profiles_of_one_home_are_told() {
        let reduced = profile("reduced", "mc.nl.example", Some("link-failure"));
        for (occasion, kind) in [
            (None, "the general migrated-user profile"),
            (Some("link-failure"), "the general profile for link failure"),
        ] {
            let one = profile("general-1", "mc.nl.example", occasion);
            let other = profile("general-2", "mc.nl.example", occasion);
            let told = problems(vec![one, other, reduced.clone()]);
            assert!(!told.is_empty());
            assert!(told.iter().all(|told| told.contains(kind)), "{told:?}");
        }
    }

    #[test]
    fn an_agreement_names_a_profile_that_is_there_of_its_home_and_for_link_failure() {
        let general = profile("general", "mc.nl.example", None);
        for (named, told) in [
            (None, "there is no migrated-user profile `reduced`"),
            (
                Some(profile("reduced", "mc.de.example", Some("link-failure"))),
                "is for users of `mc.de.example`",
            ),
            (
                Some(profile("reduced", "mc.fr.example", None)),
                "is for users of `mc.fr.example`",
            ),
        ] {
            let mut profiles = vec![general.clone()];
            profiles.extend(named);
            let found = problems(profiles);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains("/migration/link_failure/profile: "));
            assert!(found[0].contains(told), "{found:?}");
        }
        let found = problems(vec![profile("reduced", "mc.nl.example", None)]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().any(|found| found.contains("an ordinary one")));
        assert!(found.iter().any(|found| found.contains("/occasion: ")));
    }
}

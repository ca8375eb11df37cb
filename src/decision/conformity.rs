//! Whether what a registry document becomes fits a bundle's schema.

use std::collections::BTreeSet;

use cedar_policy::Entities;

use super::entities::EntitySet;
use super::entities::Vocabulary;
use super::facts::GroupFacts;
use super::facts::PersonFacts;
use super::facts::ProfileFacts;
use crate::domain::document::Document;
use crate::domain::identity::McSystemId;
use crate::domain::registry::Revision;
use crate::domain::registry::Versioned;
use crate::policy::bundle::Bundle;

/// Why a document does not fit.
pub type Misfit = Box<dyn std::error::Error + Send + Sync>;

/// Builds the entities that the document's facts become and holds them against the schema.
///
/// Links and profiles of migrated users are facts of the context, which every query checks.
pub fn conforms(bundle: &Bundle, document: &Document) -> Result<(), Misfit> {
    let mut entities = EntitySet::new(Vocabulary::get()?);
    match document {
        Document::System(system) => drop(entities.add_system(&system.mc_system_id)),
        Document::Agreement(agreement) => drop(entities.add_agreement(agreement)?),
        Document::User(user) => {
            let towards: BTreeSet<&McSystemId> = user
                .partners
                .iter()
                .map(|partner| &partner.system)
                .collect();
            let homes = user
                .identities
                .iter()
                .filter_map(|(_, id)| Some((id, id.uri().domain()?)));
            for (id, home) in homes {
                let other = towards.first().copied().unwrap_or(home);
                let value = ProfileFacts::new(user, id, other);
                let profile = Some(Versioned {
                    revision: Revision(0),
                    value,
                });
                entities.add_user(
                    id,
                    home,
                    &PersonFacts {
                        profile,
                        ..PersonFacts::default()
                    },
                )?;
            }
        }
        Document::Group(group) => {
            if let Some(home) = group.id.uri().domain() {
                entities.add_group(&group.id, home, Some(&GroupFacts::new(group, home)))?;
            }
        }
        Document::MigratedProfile(_)
        | Document::Link(_)
        | Document::UeConfiguration(_)
        | Document::Migration(_)
        | Document::OpenDeletion(_)
        | Document::AreaMap(_)
        | Document::PartnerKeys(_)
        | Document::AccessGrant(_)
        | Document::ResponseSettings(_)
        | Document::HomeRefusal(_)
        | Document::Membership(_)
        | Document::MigrationUser(_)
        | Document::ScheduledChange(_)
        | Document::SharedGroup(_)
        | Document::GroupOverride(_) => {}
    }
    Entities::from_entities(entities.into_entities(), bundle.schema())?;
    Ok(())
}

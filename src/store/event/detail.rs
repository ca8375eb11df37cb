//! What of an event names a person: taken out of it, each with its subject, and put back.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::decision_log::SUBJECT_KEY_LIMIT_BYTES;
use crate::domain::document::Document;
use crate::domain::group::Group;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::store::erasure::ErasureId;
use crate::store::event::DocumentChange;
use crate::store::records_read::RecordsRead;

/// Under what free text is found that may name anybody.
const TEXT_SUBJECT: &str = "text";

/// What is kept in the open of the change of one document.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum OpenChange {
    /// A document that is not about a person; what of it names one is missing.
    Put {
        key: DocumentKey,
        document: serde_json::Value,
    },
    /// A document that is not about a person is gone.
    Deleted { key: DocumentKey },
    /// Something about a person; all of it stands in a detail.
    Personal { kind: DocumentKind },
}

/// What names a person.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Detail {
    /// The whole change of a document about a person.
    Document {
        change: usize,
        key: DocumentKey,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        document: Option<serde_json::Value>,
    },
    /// One member of a group.
    Member {
        change: usize,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partner: Option<McSystemId>,
        member: McServiceId,
    },
    /// Whom to ask about an agreement.
    ReviewContact { change: usize, contact: String },
    /// Who asked for the change.
    Actor { actor: String },
    /// Free text.
    Summary { summary: String },
    /// Whom records were searched by, of one of the reads.
    Sought {
        read: usize,
        name: String,
        value: String,
    },
    /// Whose parts are to be erased; the order erases this too.
    ErasedSubject { subject: String },
    /// Why something is erased; found under the order, which erases this too.
    ErasureReason { erasure: ErasureId, reason: String },
}

impl Detail {
    /// Under what an erasure finds it.
    pub(super) fn subject_key(&self) -> String {
        let mut subject = match self {
            Self::Document { key, .. } => key.to_string(),
            Self::Member { member, .. } => member.as_str().to_owned(),
            Self::ReviewContact { contact, .. } => contact.clone(),
            Self::Actor { actor } => actor.clone(),
            Self::Summary { .. } => TEXT_SUBJECT.to_owned(),
            Self::Sought { value, .. } => value.clone(),
            Self::ErasedSubject { subject } => subject.clone(),
            Self::ErasureReason { erasure, .. } => reason_key(*erasure),
        };
        let end = (0..=SUBJECT_KEY_LIMIT_BYTES.min(subject.len()))
            .rev()
            .find(|end| subject.is_char_boundary(*end));
        subject.truncate(end.unwrap_or(0));
        subject
    }
}

/// Under what the reason for an erasure is found.
pub fn reason_key(erasure: ErasureId) -> String {
    format!("erasures/{erasure}")
}

/// Takes apart the changes of one event.
pub(super) fn split(
    changes: &[DocumentChange],
    details: &mut Vec<Detail>,
) -> Result<Vec<OpenChange>, serde_json::Error> {
    changes
        .iter()
        .enumerate()
        .map(|(change, changed)| match changed {
            DocumentChange::Put(key, document) if key.kind.is_personal() => {
                details.push(Detail::Document {
                    change,
                    key: key.clone(),
                    document: Some(document.to_json()?),
                });
                Ok(OpenChange::Personal { kind: key.kind })
            }
            DocumentChange::Deleted(key) if key.kind.is_personal() => {
                details.push(Detail::Document {
                    change,
                    key: key.clone(),
                    document: None,
                });
                Ok(OpenChange::Personal { kind: key.kind })
            }
            DocumentChange::Put(key, document) => Ok(OpenChange::Put {
                key: key.clone(),
                document: depersonalised(change, document, details).to_json()?,
            }),
            DocumentChange::Deleted(key) => Ok(OpenChange::Deleted { key: key.clone() }),
        })
        .collect()
}

/// Puts changes together again from what is left; a personal one that was erased is left out.
pub(super) fn join(
    open: Vec<OpenChange>,
    details: &mut Vec<Detail>,
) -> Result<Vec<DocumentChange>, serde_json::Error> {
    let mut joined: Vec<Option<DocumentChange>> = open
        .into_iter()
        .map(|change| match change {
            OpenChange::Put { key, document } => {
                let document = Document::from_json(key.kind, document)?;
                Ok(Some(DocumentChange::Put(key, Arc::new(document))))
            }
            OpenChange::Deleted { key } => Ok(Some(DocumentChange::Deleted(key))),
            OpenChange::Personal { .. } => Ok(None),
        })
        .collect::<Result<_, serde_json::Error>>()?;
    let mut others = Vec::new();
    for detail in details.drain(..) {
        match detail {
            Detail::Document {
                change,
                key,
                document,
            } => {
                let changed = match document {
                    Some(json) => {
                        let document = Document::from_json(key.kind, json)?;
                        DocumentChange::Put(key, Arc::new(document))
                    }
                    None => DocumentChange::Deleted(key),
                };
                if let Some(slot) = joined.get_mut(change) {
                    *slot = Some(changed);
                }
            }
            Detail::Member {
                change,
                partner,
                member,
            } => with_group(joined.get_mut(change), |group| {
                restore_member(group, partner.as_ref(), member);
            }),
            Detail::ReviewContact { change, contact } => {
                with_document(joined.get_mut(change), |document| {
                    if let Document::Agreement(agreement) = document {
                        agreement.review_contact = Some(contact);
                    }
                });
            }
            other @ (Detail::Actor { .. }
            | Detail::Summary { .. }
            | Detail::Sought { .. }
            | Detail::ErasedSubject { .. }
            | Detail::ErasureReason { .. }) => others.push(other),
        }
    }
    *details = others;
    Ok(joined.into_iter().flatten().collect())
}

/// Whom records were searched by.
pub(super) fn sought(reads: &[RecordsRead]) -> impl Iterator<Item = Detail> {
    reads.iter().enumerate().flat_map(|(read, it)| {
        let people = it.what.people.iter();
        people.map(move |(name, value)| Detail::Sought {
            read,
            name: name.clone(),
            value: value.clone(),
        })
    })
}

/// Puts back whom records were searched by, as far as that is left.
pub(super) fn join_sought(reads: &mut [RecordsRead], details: &mut Vec<Detail>) {
    for detail in details.extract_if(.., |detail| matches!(detail, Detail::Sought { .. })) {
        if let Detail::Sought { read, name, value } = detail
            && let Some(read) = reads.get_mut(read)
        {
            read.what.people.insert(name, value);
        }
    }
}

/// The document without what names a person, which is added to the details.
fn depersonalised(change: usize, document: &Document, details: &mut Vec<Detail>) -> Document {
    let mut document = document.clone();
    match &mut document {
        Document::Group(group) => {
            let member = |partner: Option<McSystemId>| {
                move |member| Detail::Member {
                    change,
                    partner: partner.clone(),
                    member,
                }
            };
            details.extend(
                std::mem::take(&mut group.members)
                    .into_iter()
                    .map(member(None)),
            );
            for partner in &mut group.partners {
                let members = std::mem::take(&mut partner.members);
                let of_partner = member(Some(partner.system.clone()));
                details.extend(members.into_iter().map(of_partner));
            }
        }
        Document::Agreement(agreement) => {
            let contact = agreement.review_contact.take();
            details.extend(contact.map(|contact| Detail::ReviewContact { change, contact }));
        }
        Document::System(_)
        | Document::User(_)
        | Document::MigratedProfile(_)
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
    document
}

fn restore_member(group: &mut Group, partner: Option<&McSystemId>, member: McServiceId) {
    match partner {
        None => {
            group.members.insert(member);
        }
        Some(system) => {
            let partners = &mut group.partners;
            if let Some(partner) = partners
                .iter_mut()
                .find(|partner| partner.system == *system)
            {
                partner.members.insert(member);
            }
        }
    }
}

fn with_group(slot: Option<&mut Option<DocumentChange>>, restore: impl FnOnce(&mut Group)) {
    with_document(slot, |document| {
        if let Document::Group(group) = document {
            restore(group);
        }
    });
}

fn with_document(slot: Option<&mut Option<DocumentChange>>, restore: impl FnOnce(&mut Document)) {
    if let Some(DocumentChange::Put(_, document)) = slot.and_then(Option::as_mut) {
        restore(Arc::make_mut(document));
    }
}

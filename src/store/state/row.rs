//! The state as rows of bytes: what the projection and snapshots hold.
//!
//! Indexes are no rows; they follow from the rows and are made anew when a state is read back.

use std::sync::Arc;

use uuid::Uuid;

use crate::decision_log::LogIndex;
use crate::domain::document::Document;
use crate::domain::identity::McSystemId;
use crate::domain::registry::DocumentId;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::InvalidDocumentId;
use crate::domain::registry::Revision;
use crate::store::access::ApprovalId;
use crate::store::access::KeptApproval;
use crate::store::command::KeyDigest;
use crate::store::command::RequestId;
use crate::store::erasure::ErasureId;
use crate::store::erasure::ErasureOrder;
use crate::store::state::EndedRequest;
use crate::store::state::Head;
use crate::store::state::KeptKey;
use crate::store::state::RequestEntry;
use crate::store::state::State;

const HEAD_TAG: u8 = b'h';
const DOCUMENT_TAG: u8 = b'd';
const KEY_TAG: u8 = b'k';
const REQUEST_TAG: u8 = b'r';
const ENDED_TAG: u8 = b'e';
const APPROVAL_TAG: u8 = b'a';
const INTERRUPTED_TAG: u8 = b'i';
const ERASURE_TAG: u8 = b'x';

/// Names a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowKey {
    /// What there is one of.
    Head,
    /// A document.
    Document(DocumentKey),
    /// An idempotency key.
    Key(KeyDigest),
    /// A request.
    Request(RequestId),
    /// Where a request stands that was put away.
    Ended(RequestId),
    /// An approval of an access request.
    Approval(ApprovalId),
    /// When the cooperation with a partner was last interrupted.
    Interrupted(McSystemId),
    /// An order to erase.
    Erasure(ErasureId),
}

/// What a row holds.
#[derive(Clone, Debug)]
pub enum RowValue {
    /// What there is one of.
    Head(HeadRow),
    /// A document and its revision.
    Document(Revision, Arc<Document>),
    /// An idempotency key.
    Key(KeptKey),
    /// A request.
    Request(Arc<RequestEntry>),
    /// Where a request stands that was put away.
    Ended(EndedRequest),
    /// An approval of an access request.
    Approval(KeptApproval),
    /// The entry that last interrupted a cooperation.
    Interrupted(LogIndex),
    /// An order to erase.
    Erasure(ErasureOrder),
}

/// The row of what there is one of.
#[derive(Clone, Debug)]
pub struct HeadRow(Head);

/// Why bytes are no row, or a row can't be written.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// The key is of no known form.
    #[error("row has a key of unknown form")]
    Key,
    /// The key names no document.
    #[error("row names no document")]
    Id(#[from] InvalidDocumentId),
    /// The value can't be read or written.
    #[error("value of a row can't be read or written")]
    Json(#[from] serde_json::Error),
    /// The value is too short to hold its revision.
    #[error("row has no revision")]
    Revision,
}

impl RowKey {
    /// The bytes of the key.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Head => vec![HEAD_TAG],
            Self::Document(key) => {
                let mut bytes = vec![DOCUMENT_TAG, kind_tag(key.kind)];
                bytes.extend(key.id.as_str().as_bytes());
                bytes
            }
            Self::Key(key) => [&[KEY_TAG], key.as_bytes().as_slice()].concat(),
            Self::Request(id) => [&[REQUEST_TAG], id.0.as_bytes().as_slice()].concat(),
            Self::Ended(id) => [&[ENDED_TAG], id.0.as_bytes().as_slice()].concat(),
            Self::Approval(id) => [&[APPROVAL_TAG], id.0.as_bytes().as_slice()].concat(),
            Self::Interrupted(partner) => {
                [&[INTERRUPTED_TAG], partner.as_str().as_bytes()].concat()
            }
            Self::Erasure(id) => [&[ERASURE_TAG], id.0.as_bytes().as_slice()].concat(),
        }
    }

    /// Reads the bytes of a key.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        match bytes {
            [HEAD_TAG] => Ok(Self::Head),
            [DOCUMENT_TAG, tag, id @ ..] => Ok(Self::Document(DocumentKey {
                kind: DocumentKind::ALL
                    .into_iter()
                    .find(|kind| kind_tag(*kind) == *tag)
                    .ok_or(RowError::Key)?,
                id: str::from_utf8(id)
                    .map_err(|_| RowError::Key)?
                    .parse::<DocumentId>()?,
            })),
            [KEY_TAG, digest @ ..] => digest
                .try_into()
                .map(|digest| Self::Key(KeyDigest::from_bytes(digest)))
                .map_err(|_| RowError::Key),
            [REQUEST_TAG, id @ ..] => Uuid::from_slice(id)
                .map(|id| Self::Request(RequestId(id)))
                .map_err(|_| RowError::Key),
            [ENDED_TAG, id @ ..] => Uuid::from_slice(id)
                .map(|id| Self::Ended(RequestId(id)))
                .map_err(|_| RowError::Key),
            [APPROVAL_TAG, id @ ..] => Uuid::from_slice(id)
                .map(|id| Self::Approval(ApprovalId(id)))
                .map_err(|_| RowError::Key),
            [INTERRUPTED_TAG, partner @ ..] => str::from_utf8(partner)
                .ok()
                .and_then(|partner| partner.parse().ok())
                .map(Self::Interrupted)
                .ok_or(RowError::Key),
            [ERASURE_TAG, id @ ..] => Uuid::from_slice(id)
                .map(|id| Self::Erasure(ErasureId(id)))
                .map_err(|_| RowError::Key),
            _ => Err(RowError::Key),
        }
    }
}

impl RowValue {
    /// The bytes of the value.
    pub fn encode(&self) -> Result<Vec<u8>, RowError> {
        Ok(match self {
            Self::Head(HeadRow(head)) => serde_json::to_vec(head)?,
            Self::Document(revision, document) => {
                let mut bytes = revision.0.to_be_bytes().to_vec();
                serde_json::to_writer(&mut bytes, &document.to_json()?)?;
                bytes
            }
            Self::Key(kept) => serde_json::to_vec(kept)?,
            Self::Request(entry) => serde_json::to_vec(entry)?,
            Self::Ended(request) => serde_json::to_vec(request)?,
            Self::Approval(kept) => serde_json::to_vec(kept)?,
            Self::Interrupted(index) => serde_json::to_vec(index)?,
            Self::Erasure(order) => serde_json::to_vec(order)?,
        })
    }
}

impl State {
    /// The value of a row; `None` if there is no such row (any more).
    pub fn row(&self, key: &RowKey) -> Option<RowValue> {
        match key {
            RowKey::Head => Some(RowValue::Head(HeadRow(self.head.clone()))),
            RowKey::Document(key) => {
                let (revision, document) = self.registry.document(key)?;
                Some(RowValue::Document(revision, Arc::clone(document)))
            }
            RowKey::Key(key) => self.requests.kept_key(key).copied().map(RowValue::Key),
            RowKey::Request(id) => {
                let entry = self.requests.entry(*id)?;
                Some(RowValue::Request(Arc::clone(entry)))
            }
            RowKey::Ended(id) => self.requests.put_away(*id).map(RowValue::Ended),
            RowKey::Approval(id) => self.approval(*id).cloned().map(RowValue::Approval),
            RowKey::Interrupted(partner) => {
                self.last_interruption(partner).map(RowValue::Interrupted)
            }
            RowKey::Erasure(id) => self.erasure(*id).cloned().map(RowValue::Erasure),
        }
    }

    /// Some rows in their order, from the one after `after` on; none mean the end.
    pub fn rows_after(&self, after: Option<&RowKey>, limit: usize) -> Vec<(RowKey, RowValue)> {
        let head = after.is_none().then_some(RowKey::Head);
        let documents = DocumentKind::ALL.into_iter().flat_map(|kind| {
            let (skip, id) = match after {
                None | Some(RowKey::Head) => (false, None),
                Some(RowKey::Document(key)) => {
                    (kind < key.kind, (kind == key.kind).then_some(&key.id))
                }
                Some(
                    RowKey::Key(_)
                    | RowKey::Request(_)
                    | RowKey::Ended(_)
                    | RowKey::Approval(_)
                    | RowKey::Interrupted(_)
                    | RowKey::Erasure(_),
                ) => (true, None),
            };
            let documents = (!skip).then(|| self.registry.documents(kind, id));
            documents.into_iter().flatten().map(move |(id, _)| {
                RowKey::Document(DocumentKey {
                    kind,
                    id: id.clone(),
                })
            })
        });
        let (skip_keys, key) = match after {
            None | Some(RowKey::Head | RowKey::Document(_)) => (false, None),
            Some(RowKey::Key(key)) => (false, Some(*key)),
            Some(
                RowKey::Request(_)
                | RowKey::Ended(_)
                | RowKey::Approval(_)
                | RowKey::Interrupted(_)
                | RowKey::Erasure(_),
            ) => (true, None),
        };
        let (skip_requests, request, ended) = match after {
            None | Some(RowKey::Head | RowKey::Document(_) | RowKey::Key(_)) => (false, None, None),
            Some(RowKey::Request(id)) => (false, Some(*id), None),
            Some(RowKey::Ended(id)) => (true, None, Some(*id)),
            Some(RowKey::Approval(_) | RowKey::Interrupted(_) | RowKey::Erasure(_)) => {
                (true, None, None)
            }
        };
        let skip_ended = matches!(
            after,
            Some(RowKey::Approval(_) | RowKey::Interrupted(_) | RowKey::Erasure(_))
        );
        let keys = (!skip_keys).then(|| self.requests.keys_after(key));
        let requests = (!skip_requests).then(|| self.requests.entries_after(request));
        let ended = (!skip_ended).then(|| self.requests.put_away_after(ended));
        head.into_iter()
            .chain(documents)
            .chain(keys.into_iter().flatten().map(|(key, _)| RowKey::Key(*key)))
            .chain(
                requests
                    .into_iter()
                    .flatten()
                    .map(|entry| RowKey::Request(entry.id)),
            )
            .chain(ended.into_iter().flatten().map(RowKey::Ended))
            .chain(self.last_names(after))
            .filter_map(|key| self.row(&key).map(|value| (key, value)))
            .take(limit)
            .collect()
    }

    /// The names of approvals, interruptions and orders to erase, which come last.
    fn last_names<'a>(&'a self, after: Option<&'a RowKey>) -> impl Iterator<Item = RowKey> + 'a {
        let (skip_approvals, skip_interrupted) = match after {
            Some(RowKey::Erasure(_)) => (true, true),
            Some(RowKey::Interrupted(_)) => (true, false),
            Some(_) | None => (false, false),
        };
        let (approval, interrupted, erasure) = match after {
            Some(RowKey::Erasure(id)) => (None, None, Some(*id)),
            Some(RowKey::Interrupted(partner)) => (None, Some(partner), None),
            Some(RowKey::Approval(id)) => (Some(*id), None, None),
            None
            | Some(
                RowKey::Head
                | RowKey::Document(_)
                | RowKey::Key(_)
                | RowKey::Request(_)
                | RowKey::Ended(_),
            ) => (None, None, None),
        };
        let approvals = (!skip_approvals).then(|| self.approvals.names_after(approval));
        let approvals = approvals.into_iter().flatten().map(RowKey::Approval);
        let interrupted =
            (!skip_interrupted).then(|| self.interruptions.partners_after(interrupted));
        let interrupted = interrupted.into_iter().flatten().cloned();
        let erasures = self.erasures.after(erasure);
        approvals
            .chain(interrupted.map(RowKey::Interrupted))
            .chain(erasures.map(|(id, _)| RowKey::Erasure(id)))
    }

    /// Takes in a row of a state that is being read back.
    pub(in crate::store) fn restore_row(
        &mut self,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), RowError> {
        self.restore(RowKey::decode(key)?, value)
    }

    fn restore(&mut self, key: RowKey, value: &[u8]) -> Result<(), RowError> {
        match key {
            RowKey::Head => self.head = serde_json::from_slice(value)?,
            RowKey::Document(key) => {
                let (revision, json) = value.split_first_chunk().ok_or(RowError::Revision)?;
                let revision = Revision(u64::from_be_bytes(*revision));
                let document = Document::from_json(key.kind, serde_json::from_slice(json)?)?;
                self.registry.insert(&key, revision, Arc::new(document));
            }
            RowKey::Key(key) => {
                self.requests
                    .insert_key(key, serde_json::from_slice(value)?);
            }
            RowKey::Request(_) => {
                self.requests
                    .insert(Arc::new(serde_json::from_slice(value)?));
            }
            RowKey::Ended(id) => {
                self.requests
                    .insert_put_away(id, serde_json::from_slice(value)?);
            }
            RowKey::Approval(id) => {
                self.approvals.insert(id, serde_json::from_slice(value)?);
            }
            RowKey::Interrupted(partner) => {
                self.interruptions
                    .insert(partner, serde_json::from_slice(value)?);
            }
            RowKey::Erasure(id) => {
                self.erasures.restore(id, serde_json::from_slice(value)?);
            }
        }
        Ok(())
    }
}

/// Kept in files, so it never changes; in the order of the kinds.
const fn kind_tag(kind: DocumentKind) -> u8 {
    match kind {
        DocumentKind::System => 1,
        DocumentKind::Agreement => 2,
        DocumentKind::User => 3,
        DocumentKind::Group => 4,
        DocumentKind::MigratedProfile => 5,
        DocumentKind::Link => 6,
        DocumentKind::UeConfiguration => 7,
        DocumentKind::Migration => 8,
        DocumentKind::OpenDeletion => 9,
        DocumentKind::AreaMap => 10,
        DocumentKind::PartnerKeys => 11,
        DocumentKind::AccessGrant => 12,
        DocumentKind::ResponseSettings => 13,
        DocumentKind::HomeRefusal => 14,
        DocumentKind::Membership => 15,
        DocumentKind::MigrationUser => 16,
        DocumentKind::ScheduledChange => 17,
        DocumentKind::SharedGroup => 18,
        DocumentKind::GroupOverride => 19,
    }
}

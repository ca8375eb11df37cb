//! One record, as an auditor is given it: everything that its hashes are made of, and the proof that it was logged.

use data_encoding::BASE64;
use serde::Serialize;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::permission::Object;
use crate::decision_log::Commitment;
use crate::decision_log::LeafHash;
use crate::decision_log::LogIndex;
use crate::decision_log::Part;
use crate::decision_log::PartClass;
use crate::decision_log::StoredPart;
use crate::decision_log::checkpoint::SignedCheckpoint;
use crate::decision_log::proof::TlogProof;
use crate::identity::caller::Caller;
use crate::store::embedded::EmbeddedStore;
use crate::store::records_read::WhatRead;

/// An entry of the log with its parts.
#[derive(Clone, Debug, Serialize)]
pub struct RecordView {
    /// Its place.
    pub index: LogIndex,
    /// The leaf, as it is hashed.
    pub leaf: String,
    /// Its hash (RFC 6962), which the receipt in an answer gives too.
    pub leaf_hash: LeafHash,
    /// What the leaf commits to, in that order.
    pub parts: Vec<PartView>,
    /// That the leaf is in the published log (C2SP `tlog-proof`); absent while it is not published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

/// A part of a record: whole, or erased down to its commitment.
#[derive(Clone, Debug, Serialize)]
pub struct PartView {
    /// `state` or `personal`.
    pub class: &'static str,
    /// Under what an erasure finds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What the leaf's root is made of.
    pub commitment: Commitment,
    /// Whether it was erased.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
    /// The salt of the commitment, in Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// The body, as it is hashed; absent if it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body in Base64, if it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
}

impl App {
    /// A record by its place; nothing if the log has none there. That it was read stands in the log before.
    pub async fn record(
        &self,
        caller: &Caller,
        index: LogIndex,
    ) -> Result<Option<RecordView>, AppError> {
        self.0
            .access
            .permit(caller, Action::ReadRecords, Object::Service)?;
        if !self.store().reader().size().holds(index) {
            return Ok(None);
        }
        let read = self
            .aside(move |app| record(app.store(), index).map(Some))
            .await?;
        // Nobody is told what nobody would know they were told.
        self.note_read(caller, WhatRead::record(index), 1).await?;
        Ok(read)
    }
}

fn record(store: &EmbeddedStore, index: LogIndex) -> Result<RecordView, AppError> {
    let (leaf, payload) = store
        .reader()
        .verify(index)
        .map_err(|error| AppError::Broken(Box::new(error)))?;
    Ok(RecordView {
        index,
        leaf: String::from_utf8_lossy(&leaf.encode()).into_owned(),
        leaf_hash: leaf.hash(),
        parts: payload.parts().iter().map(view).collect(),
        proof: proof(store, index)?,
    })
}

fn proof(store: &EmbeddedStore, index: LogIndex) -> Result<Option<String>, AppError> {
    let Some((log, published)) = store.published_log() else {
        return Ok(None);
    };
    if !published.head().size.holds(index) {
        return Ok(None);
    }
    let inclusion = log
        .tree(published.head().root)
        .inclusion(index)
        .map_err(|error| AppError::Broken(Box::new(error)))?;
    let checkpoint = SignedCheckpoint::parse(published.text())
        .map_err(|error| AppError::Broken(Box::new(error)))?;
    let proof = TlogProof {
        index,
        inclusion,
        checkpoint,
    };
    Ok(Some(proof.to_text()))
}

fn view(stored: &StoredPart) -> PartView {
    let commitment = stored.commitment();
    match stored {
        StoredPart::Erased(_) => PartView {
            class: "personal",
            subject: None,
            commitment,
            erased: true,
            salt: None,
            body: None,
            body_base64: None,
        },
        StoredPart::Present(Part { class, salt, body }) => {
            let (class, subject) = match class {
                PartClass::State => ("state", None),
                PartClass::Personal { subject_key } => ("personal", Some(subject_key.clone())),
            };
            let text = String::from_utf8(body.clone());
            PartView {
                class,
                subject,
                commitment,
                erased: false,
                salt: Some(BASE64.encode(salt)),
                body_base64: text.as_ref().err().map(|_| BASE64.encode(body)),
                body: text.ok(),
            }
        }
    }
}

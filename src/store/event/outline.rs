//! What an entry holds, part by part, as far as an erasure asks: whom a part is about, and whether the state follows
//! from it.

use serde::Deserialize;

use super::codec::DecodeError;
use super::codec::open_parts;
use super::detail::Detail;
use super::detail::OpenChange;
use crate::decision_log::PartClass;
use crate::decision_log::Payload;
use crate::decision_log::StoredPart;
use crate::domain::registry::DocumentKey;
use crate::store::command::RequestId;

/// What a part says of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Something of its content.
    Content(DocumentKey),
    /// That it was deleted.
    Deletion(DocumentKey),
}

/// An entry by its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The request that it submits or changes.
    pub request: Option<RequestId>,
    /// Its personal parts that are there: number, subject's key, and what it says of a document.
    pub parts: Vec<(u32, String, Option<Standing>)>,
}

/// The request of an entry, whatever its kind.
#[derive(Deserialize)]
struct Concerned {
    #[serde(default)]
    request: Option<RequestId>,
    #[serde(default)]
    ending: Option<Ending>,
}

#[derive(Deserialize)]
struct Ending {
    request: RequestId,
}

impl Outline {
    /// The outline of an entry.
    pub fn of(payload: &Payload) -> Result<Self, DecodeError> {
        let (details, body) = open_parts(payload)?;
        let concerned = body.as_object().and_then(|kinds| kinds.values().next());
        let concerned: Option<Concerned> =
            concerned.and_then(|body| Concerned::deserialize(body).ok());
        let request = concerned.and_then(|it| {
            let ending = it.ending.map(|ending| ending.request);
            it.request.or(ending)
        });
        let changes: Vec<OpenChange> = changes(&body)?;
        let mut parts = Vec::new();
        for (number, part) in (0_u32..).zip(payload.parts()) {
            let StoredPart::Present(part) = part else {
                continue;
            };
            let PartClass::Personal { subject_key } = &part.class else {
                continue;
            };
            let is_detail = number > 0 && number as usize <= details;
            let standing = if is_detail {
                standing(&changes, serde_json::from_slice(&part.body)?)
            } else {
                None
            };
            parts.push((number, subject_key.clone(), standing));
        }
        Ok(Self { request, parts })
    }
}

/// The changes of documents, wherever they stand in a body.
fn changes(body: &serde_json::Value) -> Result<Vec<OpenChange>, DecodeError> {
    let found = body.as_object().and_then(|kinds| {
        let body = kinds.values().next()?;
        let ending = body.get("ending");
        body.get("changes")
            .or_else(|| ending.and_then(|ending| ending.get("changes")))
    });
    match found {
        Some(changes) => Ok(Vec::<OpenChange>::deserialize(changes)?),
        None => Ok(Vec::new()),
    }
}

fn standing(changes: &[OpenChange], detail: Detail) -> Option<Standing> {
    match detail {
        Detail::Document {
            key,
            document: None,
            ..
        } => Some(Standing::Deletion(key)),
        Detail::Document { key, .. } => Some(Standing::Content(key)),
        Detail::Member { change, .. } | Detail::ReviewContact { change, .. } => {
            match changes.get(change)? {
                OpenChange::Put { key, .. } => Some(Standing::Content(key.clone())),
                OpenChange::Deleted { .. } | OpenChange::Personal { .. } => None,
            }
        }
        Detail::Actor { .. }
        | Detail::Summary { .. }
        | Detail::Sought { .. }
        | Detail::ErasedSubject { .. }
        | Detail::ErasureReason { .. } => None,
    }
}

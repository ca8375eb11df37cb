//! The past of a registry document.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::history::Changed;
use crate::app::history::Difference;
use crate::app::history::Moment;
use crate::app::history::diff::differences;
use crate::app::permission::Action;
use crate::decision_log::LeafKind;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::Revision;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::command::RequestId;
use crate::store::event::DocumentChange;

/// All that became of a document.
#[derive(Clone, Debug, Serialize)]
pub struct DocumentHistory {
    /// Its changes, the first one first.
    pub versions: Vec<DocumentVersion>,
    /// How many changes to documents of its kind were erased; whose they were nobody can tell any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erased_of_kind: Option<u64>,
}

/// One change of a document.
#[derive(Clone, Debug, Serialize)]
pub struct DocumentVersion {
    /// The revision: the index of the entry that wrote it.
    pub revision: Revision,
    /// When.
    pub at: Timestamp,
    /// `created`, `replaced` or `deleted`.
    pub change: &'static str,
    /// By which account; absent where that was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// By what kind of entry.
    pub entry: LeafKind,
    /// The request whose decision wrote it, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// Parts of the entry that name people were erased; what they said is missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
}

/// A document as it was.
#[derive(Clone, Debug, Serialize)]
pub struct PastDocument {
    /// How it came to be so.
    #[serde(flatten)]
    pub version: DocumentVersion,
    /// Until when it was so; absent where it is so still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The document.
    pub document: Value,
}

/// What became of a document between two moments.
#[derive(Clone, Debug, Serialize)]
pub struct DocumentDiff {
    /// What was there at the first; absent where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Revision>,
    /// What was there at the second; absent where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Revision>,
    /// Where they differ.
    pub differences: Vec<Difference>,
    /// The changes in between.
    pub versions: Vec<DocumentVersion>,
}

/// A change with what was written; nothing where the document was deleted.
type Written = (DocumentVersion, Option<Value>);

/// What the log says of a document.
struct Past {
    changes: Vec<Written>,
    /// Entries of which a change to a document of the kind was erased.
    erased: Vec<u64>,
}

impl App {
    /// All that became of a document, and by whose doing.
    pub async fn document_history(
        &self,
        caller: &Caller,
        key: DocumentKey,
    ) -> Result<DocumentHistory, AppError> {
        let past = self.past(caller, &key).await?;
        if past.changes.is_empty() {
            return Err(nothing(&key, None, &past));
        }
        let erased = past.erased.len() as u64;
        let changes = past.changes.into_iter();
        Ok(DocumentHistory {
            versions: changes.map(|(version, _)| version).collect(),
            erased_of_kind: (erased > 0).then_some(erased),
        })
    }

    /// A document as it was at a moment.
    pub async fn document_at(
        &self,
        caller: &Caller,
        key: DocumentKey,
        at: Moment,
    ) -> Result<PastDocument, AppError> {
        let past = self.past(caller, &key).await?;
        let mut changes = past.changes.iter().rev();
        let mut until = None;
        let found = changes.find(|(version, _)| {
            let is_later = !at.includes(version.revision.0, version.at);
            if is_later {
                until = Some(version.at);
            }
            !is_later
        });
        match found {
            Some((version, Some(document))) => Ok(PastDocument {
                version: version.clone(),
                until,
                document: document.clone(),
            }),
            Some((_, None)) | None => Err(nothing(&key, Some(at), &past)),
        }
    }

    /// What became of a document between two moments.
    pub async fn document_diff(
        &self,
        caller: &Caller,
        key: DocumentKey,
        (from, to): (Moment, Moment),
    ) -> Result<DocumentDiff, AppError> {
        let past = self.past(caller, &key).await?;
        if past.changes.is_empty() {
            return Err(nothing(&key, None, &past));
        }
        let at = |moment: Moment| {
            let mut changes = past.changes.iter().rev();
            let last = changes.find(|(version, _)| moment.includes(version.revision.0, version.at));
            last.and_then(|(version, document)| Some((version.revision, document.as_ref()?)))
        };
        let (before, after) = (at(from), at(to));
        let between = past.changes.iter().filter(|(version, _)| {
            let (index, at) = (version.revision.0, version.at);
            to.includes(index, at) && !from.includes(index, at)
        });
        Ok(DocumentDiff {
            from: before.map(|(revision, _)| revision),
            to: after.map(|(revision, _)| revision),
            differences: differences(
                before.map(|(_, document)| document),
                after.map(|(_, document)| document),
            ),
            versions: between.map(|(version, _)| version.clone()).collect(),
        })
    }

    async fn past(&self, caller: &Caller, key: &DocumentKey) -> Result<Past, AppError> {
        self.permit(caller, Action::ReadRegistry)?;
        let key = key.clone();
        self.aside(move |app| app.read_past(&key)).await
    }

    fn read_past(&self, key: &DocumentKey) -> Result<Past, AppError> {
        let (candidates, mut erased) = self.known(|known| {
            let of_kind = known.erased.iter().filter(|(kind, _)| *kind == key.kind);
            let erased: Vec<u64> = of_kind.map(|(_, index)| *index).collect();
            (known.changes.of(key), erased)
        })?;
        let reader = self.store().reader();
        let mut changes: Vec<Written> = Vec::new();
        let mut read: BTreeMap<u64, Changed> = BTreeMap::new();
        for index in candidates {
            let entry = Changed::read(&reader, index)?;
            // It was erased since it was read first.
            let gone = entry.erased.iter().filter(|kind| **kind == key.kind);
            let known = erased.iter().filter(|known| **known == index).count();
            erased.extend(gone.skip(known).map(|_| index));
            read.insert(index, entry);
        }
        for (index, changed) in &read {
            let document = match changed.of_document(key) {
                Some(DocumentChange::Put(_, document)) => Some(document.to_json()),
                Some(DocumentChange::Deleted(_)) => None,
                None => continue,
            };
            let document = document.transpose();
            let document = document.map_err(|error| AppError::Broken(Box::new(error)))?;
            let was_there = changes.last().is_some_and(|(_, before)| before.is_some());
            let change = match (was_there, &document) {
                (false, Some(_)) => "created",
                (true, Some(_)) => "replaced",
                (_, None) => "deleted",
            };
            changes.push((version(*index, changed, change), document));
        }
        Ok(Past { changes, erased })
    }
}

fn version(index: u64, changed: &Changed, change: &'static str) -> DocumentVersion {
    DocumentVersion {
        revision: Revision(index),
        at: changed.at,
        change,
        by: changed.by.clone(),
        entry: changed.kind,
        request: changed.request,
        erased: changed.is_partly_erased,
    }
}

/// Why there is nothing, as far as it can be told: what was erased is nobody's any more.
fn nothing(key: &DocumentKey, at: Option<Moment>, past: &Past) -> AppError {
    let when = at.map_or_else(|| "at any time".to_owned(), |at| format!("at {at}"));
    let erased = past.erased.iter().filter(|index| match at {
        Some(Moment::Index(last)) => **index <= last,
        Some(Moment::Time(_)) | None => true,
    });
    let erased = match erased.count() {
        0 => String::new(),
        count => format!(
            "; {count} changes to documents of this kind were erased, and whose they were nobody can tell any more"
        ),
    };
    AppError::NoPastState(format!("the log has no document `{key}` {when}{erased}"))
}

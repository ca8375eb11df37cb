//! What of a subject is still there by another name: then it is not erased.

use crate::app::App;
use crate::app::error::AppError;
use crate::decision::facts::Lookup;
use crate::domain::document::Document;
use crate::domain::identity::McServiceId;
use crate::domain::registry::DocumentId;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;

const PAGE_DOCUMENTS: usize = 1_000;

impl App {
    /// Documents about a subject that are there, each with what to do about it.
    pub(super) fn live_about(&self, subject: &str) -> Result<Vec<String>, AppError> {
        let mut found = Vec::new();
        let identity = subject.parse::<McServiceId>().ok();
        let person = identity.and_then(|it| self.store().view(|state| state.person(&it)));
        if let Some(id) = person {
            let kind = DocumentKind::User;
            let key = DocumentKey { kind, id };
            found.push(format!(
                "`{subject}` is an identity of `{key}`, which is there: delete it first"
            ));
        }
        for kind in DocumentKind::ALL {
            if kind.is_personal() && kind != DocumentKind::User {
                self.add_naming(kind, subject, &mut found)?;
            }
        }
        Ok(found)
    }

    /// Adds the documents of a kind that name a subject.
    fn add_naming(
        &self,
        kind: DocumentKind,
        subject: &str,
        found: &mut Vec<String>,
    ) -> Result<(), AppError> {
        let mut after: Option<DocumentId> = None;
        loop {
            let page: Vec<(DocumentId, std::sync::Arc<Document>)> = self.store().view(|state| {
                let documents = state.documents(kind, after.as_ref());
                let documents = documents.take(PAGE_DOCUMENTS);
                documents
                    .map(|(id, document)| (id.clone(), std::sync::Arc::clone(document.value)))
                    .collect()
            });
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after = Some(last.clone());
            for (id, document) in page {
                let json = document.to_json();
                let json = json.map_err(|error| AppError::Broken(Box::new(error)))?;
                if names(&json, subject) {
                    let key = DocumentKey { kind, id };
                    found.push(format!("`{key}` is about `{subject}` and is there: delete it first, or revoke what gave it"));
                }
            }
        }
    }
}

fn names(json: &serde_json::Value, subject: &str) -> bool {
    match json {
        serde_json::Value::String(text) => text == subject,
        serde_json::Value::Array(items) => items.iter().any(|item| names(item, subject)),
        serde_json::Value::Object(members) => members.values().any(|item| names(item, subject)),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {
            false
        }
    }
}

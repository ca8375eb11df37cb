//! Administering the registry: reading, writing and checking documents.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::app::App;
use crate::app::coherence::Together;
use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::names;
use crate::app::permission::Action;
use crate::app::plausibility::Numbers;
use crate::app::plausibility::Surroundings;
use crate::app::plausibility::check_document;
use crate::decision::facts::Lookup;
use crate::domain::document::Document;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Revision;
use crate::domain::registry::Versioned;
use crate::identity::caller::Caller;
use crate::store::command::Command;
use crate::store::command::Expected;
use crate::store::command::Write;
use crate::store::command::WriteDocuments;
use crate::store::state::State;

/// How many documents one page of a listing holds at the most.
pub const PAGE_DOCUMENTS_MAX: usize = 1_000;

/// How many documents one import writes at the most.
pub const IMPORT_DOCUMENTS_MAX: usize = crate::store::command::WRITES_LIMIT;

impl App {
    /// One document.
    pub fn document(
        &self,
        caller: &Caller,
        key: &DocumentKey,
    ) -> Result<Versioned<Arc<Document>>, AppError> {
        self.permit(caller, Action::ReadRegistry)?;
        self.store()
            .view(|state| state.document(key))
            .ok_or_else(|| AppError::UnknownDocument(key.clone()))
    }

    /// Documents of one kind in the order of their ids, after one id.
    pub fn documents(
        &self,
        caller: &Caller,
        kind: DocumentKind,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Versioned<Arc<Document>>>, AppError> {
        self.permit(caller, Action::ReadRegistry)?;
        let limit = limit.min(PAGE_DOCUMENTS_MAX);
        let after = after.and_then(|after| after.parse().ok());
        Ok(self.store().view(|state| {
            let page = state.documents(kind, after.as_ref()).take(limit);
            page.map(|(_, found)| Versioned {
                revision: found.revision,
                value: Arc::clone(found.value),
            })
            .collect()
        }))
    }

    /// Writes one document under a condition on its present revision.
    pub async fn put_document(
        &self,
        caller: &Caller,
        key: DocumentKey,
        document: Document,
        expected: Expected,
    ) -> Result<Revision, AppError> {
        self.permit(caller, Action::WriteRegistry)?;
        let problems =
            self.document_problems(&key, &document, &self.numbers(&[]), &BTreeMap::new());
        if !problems.is_empty() {
            return Err(AppError::Invalid(problems));
        }
        self.write(
            caller,
            vec![Write {
                key,
                expected,
                document: Some(Arc::new(document)),
            }],
        )
        .await
    }

    /// Deletes one document under a condition on its present revision.
    pub async fn delete_document(
        &self,
        caller: &Caller,
        key: DocumentKey,
        expected: Expected,
    ) -> Result<Revision, AppError> {
        self.permit(caller, Action::WriteRegistry)?;
        if self.store().view(|state| state.document(&key)).is_none() {
            return Err(AppError::UnknownDocument(key));
        }
        let is_settings = key.kind == DocumentKind::ResponseSettings;
        let mut writes = self.memberships_of(&key);
        writes.push(Write {
            key: key.clone(),
            expected,
            document: None,
        });
        let revision = self.write(caller, writes).await?;
        // What was granted in between; nothing more is, now that the group is gone.
        let granted = self.memberships_of(&key);
        if !granted.is_empty() {
            self.write(caller, granted).await?;
        }
        if is_settings {
            self.publish_directory(&caller.name).await?;
        }
        Ok(revision)
    }

    /// What goes with a group: who was made a member of it is no member of another that gets its name.
    fn memberships_of(&self, key: &DocumentKey) -> Vec<Write> {
        if key.kind != DocumentKind::Group {
            return Vec::new();
        }
        self.store().view(|state| {
            let memberships = state.documents(DocumentKind::Membership, None);
            let gone = memberships.filter(|(_, found)| {
                matches!(found.value.as_ref(), Document::Membership(it) if it.group.as_str() == key.id.as_str())
            });
            let gone = gone.map(|(id, found)| Write {
                key: DocumentKey {
                    kind: DocumentKind::Membership,
                    id: id.clone(),
                },
                expected: Expected::Revision(found.revision),
                document: None,
            });
            gone.collect()
        })
    }

    /// Writes many documents, all or none, whatever their present revisions.
    pub async fn import(
        &self,
        caller: &Caller,
        documents: Vec<Document>,
    ) -> Result<Revision, AppError> {
        self.permit(caller, Action::WriteRegistry)?;
        if documents.is_empty() || documents.len() > IMPORT_DOCUMENTS_MAX {
            let detail = format!("an import holds 1 to {IMPORT_DOCUMENTS_MAX} documents");
            return Err(AppError::Invalid(vec![Invalid::at("", detail)]));
        }
        let numbers = self.numbers(&documents);
        let problems = self.import_problems(&documents, &numbers);
        if !problems.is_empty() {
            return Err(AppError::Invalid(problems));
        }
        let mut writes = Vec::with_capacity(documents.len());
        for document in documents {
            let key = document.key();
            writes.push(Write {
                key: key.map_err(|error| AppError::Broken(Box::new(error)))?,
                expected: Expected::Any,
                document: Some(Arc::new(document)),
            });
        }
        self.write(caller, writes).await
    }

    /// Every contradiction in documents that are written together, each with its place among them.
    fn import_problems(&self, documents: &[Document], numbers: &Numbers) -> Vec<Invalid> {
        let keyed = documents.iter();
        let written: BTreeMap<DocumentKey, &Document> = keyed
            .filter_map(|document| Some((document.key().ok()?, document)))
            .collect();
        let mut problems = Vec::new();
        for (number, document) in documents.iter().enumerate() {
            match document.key() {
                Ok(key) => {
                    let found = self.document_problems(&key, document, numbers, &written);
                    problems.extend(found.into_iter().map(|problem| {
                        Invalid::at(
                            format!("/{number}{}", problem.pointer),
                            format!("{key}: {}", problem.detail),
                        )
                    }));
                }
                Err(error) => problems.push(Invalid::at(format!("/{number}"), error.to_string())),
            }
        }
        problems
    }

    async fn write(&self, caller: &Caller, writes: Vec<Write>) -> Result<Revision, AppError> {
        let actor = caller.name.clone();
        let ends = self.things_deleted(&writes);
        let command = Command::WriteDocuments(WriteDocuments {
            writes,
            actor,
            ends,
            at: self.now(),
        });
        let app = self.clone();
        let work = tokio::spawn(async move { app.commit(command).await });
        let committed = work
            .await
            .map_err(|error| AppError::OutcomeUnknown(Box::new(error)))??;
        Ok(Revision(committed.index.0))
    }

    /// The table of numbers as it would be once these documents are written.
    fn numbers(&self, written: &[Document]) -> Numbers {
        self.store().view(|state| {
            let systems = state.documents(DocumentKind::System, None);
            let present = systems.map(|(_, found)| found.value.as_ref());
            Numbers::of(present.chain(written))
        })
    }

    fn document_problems(
        &self,
        key: &DocumentKey,
        document: &Document,
        numbers: &Numbers,
        written: &BTreeMap<DocumentKey, &Document>,
    ) -> Vec<Invalid> {
        let surroundings = Surroundings {
            local: self.local_system(),
            numbers,
        };
        let mut problems = check_document(surroundings, document);
        match document.key() {
            Ok(own) if own == *key => {}
            Ok(own) => problems.push(Invalid::at(
                "",
                format!("the document is `{own}`, not `{key}`"),
            )),
            Err(error) => problems.push(Invalid::at("", error.to_string())),
        }
        problems.extend(self.store().view(|state| names::taken(state, document)));
        let fits = |state: &State| Together::new(state, written).problems(document);
        problems.extend(self.store().view(fits));
        if problems.is_empty()
            && let Err(error) = self.conforms(document)
        {
            problems.push(Invalid::at("", error));
        }
        problems
    }
}

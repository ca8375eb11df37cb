//! Changes of automatic responses (A12): an approved one publishes the bundle with its lines over `[responses]`.
//!
//! The settings are a document of the registry, written with the approval; the bundle in force has them as a text of its
//! own, so that archive, digest and replay are those of any bundle. Whatever is read from the policy directory later
//! gets them too (ruling 25).

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use serde::Serialize;
use uuid::Uuid;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::publish::Prepared;
use crate::app::replay::archived_source;
use crate::app::submit::Evaluation;
use crate::decision::facts::Lookup;
use crate::decision::facts::ReadKey;
use crate::domain::document::Document;
use crate::domain::identity::McSystemId;
use crate::domain::operation::Direction;
use crate::domain::outcome::Outcome;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::InvalidDocumentId;
use crate::domain::registry::Versioned;
use crate::domain::request::AutomaticResponseChange;
use crate::domain::request::ConfiguredResponse;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::OperationBody;
use crate::domain::response_settings::ResponseSettings;
use crate::domain::time::Timestamp;
use crate::identity::caller::ITSELF;
use crate::policy::bundle::Bundle;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::Diagnostics;
use crate::policy::manifest::CategoryResponse;
use crate::policy::manifest::settings_text;
use crate::policy::source::BundleSource;
use crate::policy::source::SETTINGS_FILE_NAME;
use crate::store::command::RequestId;
use crate::store::embedded::EmbeddedStore;
use crate::store::state::State;

/// The first line of the file of settings that has a category.
const FIRST_LINE: usize = 2;

/// What approved requests made of the automatic responses.
#[derive(Clone, Debug, Serialize)]
pub struct ResponseSettingsAnswer {
    /// The answer to each category that was changed.
    pub responses: BTreeMap<String, ConfiguredResponse>,
    /// The request that changed it last.
    pub request_id: Uuid,
    /// When that was approved.
    pub changed_at: Timestamp,
}

/// The change that a request of our own system asks for, if it asks for one.
pub(in crate::app) fn change_of(request: &InterSystemRequest) -> Option<&AutomaticResponseChange> {
    match (request.direction, &request.body) {
        (Direction::Outbound, OperationBody::AutomaticResponseChange(change)) => Some(change),
        (_, _) => None,
    }
}

impl App {
    /// What approved requests made of the automatic responses.
    pub(in crate::app) fn response_settings_answer(&self) -> Option<ResponseSettingsAnswer> {
        let found = self
            .store()
            .view(|state| settings(self.local_system(), state));
        let found = found.ok()??.value;
        Some(ResponseSettingsAnswer {
            responses: found.responses,
            request_id: found.request_id,
            changed_at: found.changed_at,
        })
    }

    /// A bundle's texts with the settings that hold now.
    pub(in crate::app) fn with_settings(
        &self,
        source: BundleSource,
    ) -> Result<BundleSource, AppError> {
        with_settings_of(self.store(), source)
    }

    /// Refuses a change that could never come into force, with its place in the request.
    pub(in crate::app) async fn check_responses(
        &self,
        request: &InterSystemRequest,
        id: RequestId,
        evaluation: &Evaluation,
    ) -> Result<(), AppError> {
        let Some(change) = change_of(request) else {
            return Ok(());
        };
        let mut items = evaluation.items.iter();
        if items.all(|item| item.outcome == Outcome::Reject) {
            return Ok(());
        }
        let (_, wanted) = self.changed(change, id, evaluation.now)?;
        let checked = self.with_candidate(&wanted, |app, source| {
            let bundle = Bundle::compile(&source)?;
            app.gate_registry(&bundle)
        });
        match checked.await {
            Err(AppError::Refused(problems)) => {
                Err(AppError::Invalid(placed(change, &wanted, problems)))
            }
            otherwise => otherwise,
        }
    }

    /// The bundle that a granted change makes; its settings are written with the grant.
    ///
    /// The caller keeps others from publishing until this is in force.
    pub(in crate::app) async fn changed_responses(
        &self,
        change: &AutomaticResponseChange,
        id: RequestId,
        evaluation: &mut Evaluation,
    ) -> Result<Prepared, AppError> {
        let (read, wanted) = self.changed(change, id, evaluation.now)?;
        let prepared = self.with_candidate(&wanted, Self::prepare);
        let prepared = match prepared.await {
            Err(AppError::Refused(problems)) => {
                self.refuse(problems.clone()).await?;
                return Err(AppError::Refused(problems));
            }
            otherwise => otherwise?,
        };
        let entries = &mut evaluation.read_set.entries;
        entries.push(read);
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        evaluation.response_settings = Some(wanted);
        Ok(prepared)
    }

    /// Puts a bundle in force that a grant made. What is approved stays approved if that fails; nothing is decided then
    /// until it is in force.
    pub(in crate::app) async fn publish_responses(&self, prepared: Prepared, id: RequestId) {
        let actor = format!("request {id}");
        if let Err(error) = self.publish_prepared(prepared, &actor).await {
            self.0.responses_behind.store(true, Ordering::SeqCst);
            tracing::error!(%error, request = %id, "approved responses are not in force yet; nothing is decided until they are");
        }
    }

    /// Whether responses were approved that are not in force yet.
    pub(in crate::app) fn responses_are_behind(&self) -> bool {
        self.0.responses_behind.load(Ordering::SeqCst)
    }

    /// Puts approved responses in force that could not be before.
    pub async fn catch_up_with_responses(&self) {
        if !self.responses_are_behind() {
            return;
        }
        let publishing = self.publishing().lock().await;
        let caught_up = match self.prepared_with_settings().await {
            Ok(prepared) => self.publish_prepared(prepared, ITSELF).await,
            Err(error) => Err(error),
        };
        drop(publishing);
        match caught_up {
            Ok(_) => {
                self.0.responses_behind.store(false, Ordering::SeqCst);
                tracing::info!("approved responses are in force now");
            }
            Err(error) => {
                tracing::error!(%error, "approved responses are not in force yet; the next round tries again");
            }
        }
    }

    /// The bundle in force with the settings that were approved since.
    async fn prepared_with_settings(&self) -> Result<Prepared, AppError> {
        let app = self.clone();
        let digest = self.live().current().digest.to_string();
        let gated = tokio::task::spawn_blocking(move || {
            let source = app.with_settings(archived_source(app.archive(), &digest)?)?;
            app.prepare(source).map_err(AppError::Refused)
        });
        gated
            .await
            .map_err(|error| AppError::Broken(Box::new(error)))?
    }

    /// The settings after a change, and what was read for it.
    fn changed(
        &self,
        change: &AutomaticResponseChange,
        id: RequestId,
        at: Timestamp,
    ) -> Result<(Read, ResponseSettings), AppError> {
        let system = self.local_system();
        let broken = |error: InvalidDocumentId| AppError::Broken(Box::new(error));
        let before = self.store().view(|state| settings(system, state));
        let before = before.map_err(broken)?;
        let key = ReadKey::Document(key(system).map_err(broken)?);
        let revision = before.as_ref().map(|before| before.revision);
        let before = before.as_ref().map(|before| &before.value);
        let after = ResponseSettings::after(before, system, change, (id.0, at));
        Ok(((key, revision), after))
    }

    /// Does something that takes long with the bundle in force under other settings.
    async fn with_candidate<T: Send + 'static>(
        &self,
        settings: &ResponseSettings,
        gate: impl FnOnce(&Self, BundleSource) -> Result<T, Diagnostics> + Send + 'static,
    ) -> Result<T, AppError> {
        let (app, text) = (self.clone(), text(settings)?);
        let digest = self.live().current().digest.to_string();
        let gated = tokio::task::spawn_blocking(move || {
            let source = archived_source(app.archive(), &digest)?;
            gate(&app, source.with_settings(Some(text))).map_err(AppError::Refused)
        });
        gated
            .await
            .map_err(|error| AppError::Broken(Box::new(error)))?
    }
}

/// A bundle's texts with the settings that hold by now in a store; it has those of its own system alone.
pub(in crate::app) fn with_settings_of(
    store: &EmbeddedStore,
    source: BundleSource,
) -> Result<BundleSource, AppError> {
    let found = store.view(|state| {
        let mut kept = state.documents(DocumentKind::ResponseSettings, None);
        kept.find_map(|(_, found)| {
            let Document::ResponseSettings(settings) = found.value.as_ref() else {
                return None;
            };
            Some(settings.clone())
        })
    });
    let text = found.map(|found| text(&found)).transpose()?;
    Ok(source.with_settings(text))
}

type Read = (ReadKey, Option<crate::domain::registry::Revision>);

fn key(system: &McSystemId) -> Result<DocumentKey, InvalidDocumentId> {
    Ok(DocumentKey {
        kind: DocumentKind::ResponseSettings,
        id: system.as_str().parse()?,
    })
}

fn settings(
    system: &McSystemId,
    state: &State,
) -> Result<Option<Versioned<ResponseSettings>>, InvalidDocumentId> {
    let Some(found) = state.document(&key(system)?) else {
        return Ok(None);
    };
    let Document::ResponseSettings(settings) = found.value.as_ref() else {
        return Ok(None);
    };
    Ok(Some(Versioned {
        revision: found.revision,
        value: settings.clone(),
    }))
}

fn text(settings: &ResponseSettings) -> Result<String, AppError> {
    let lines = settings.responses.iter();
    let lines = lines.map(|(category, response)| (category.as_str(), word(*response)));
    settings_text(lines).map_err(|error| AppError::Broken(Box::new(error)))
}

fn word(response: ConfiguredResponse) -> CategoryResponse {
    match response {
        ConfiguredResponse::Automatic => CategoryResponse::Automatic,
        ConfiguredResponse::ManualReview => CategoryResponse::ManualReview,
        ConfiguredResponse::Reject => CategoryResponse::Reject,
    }
}

/// What is wrong with a change, each at its place in the request where it has one there.
fn placed(
    change: &AutomaticResponseChange,
    wanted: &ResponseSettings,
    problems: Diagnostics,
) -> Vec<Invalid> {
    let problems = problems.into_items().into_iter();
    let invalid = problems.map(|problem| {
        let line = line_of(change, wanted, &problem);
        let pointer = line.map_or_else(
            || "/responses".to_owned(),
            |number| format!("/responses/{number}/category"),
        );
        let help = problem.help.map(|help| format!("; {help}"));
        let detail = format!("{}{}", problem.message, help.unwrap_or_default());
        Invalid::at(pointer, detail)
    });
    invalid.collect()
}

fn line_of(
    change: &AutomaticResponseChange,
    wanted: &ResponseSettings,
    problem: &Diagnostic,
) -> Option<usize> {
    let place = problem.place.as_ref()?;
    if !place.file.ends_with(SETTINGS_FILE_NAME) {
        return None;
    }
    let number = place.line.checked_sub(FIRST_LINE)?;
    let category = wanted.responses.keys().nth(number)?;
    let mut lines = change.responses.iter();
    lines.position(|line| line.category == *category)
}

//! The gate through which every bundle goes, and what was last seen there.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::app::App;
use crate::app::access_bundle::AccessAnswer;
use crate::app::answer::BundleAnswer;
use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::live::Engines;
use crate::app::live::Published;
use crate::app::open::archive_bundle;
use crate::app::permission::Action;
use crate::app::response_settings::ResponseSettingsAnswer;
use crate::decision::engine::Engine;
use crate::domain::document::Document;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Revision;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::policy::bundle::Bundle;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::Diagnostics;
use crate::policy::source::BundleDigest;
use crate::policy::source::BundleSource;
use crate::store::command::Command;
use crate::store::command::CommitError;
use crate::store::command::Publish;
use crate::store::command::Refusal;
use crate::store::command::RefusePublication;
use crate::store::embedded::EmbeddedStore;
use crate::store::erasure::ErasureRefusal;
use crate::store::state::State;

/// The bundle in force and the last attempt to change it.
#[derive(Clone, Debug, Serialize)]
pub struct PoliciesAnswer {
    /// What is in force.
    pub in_force: BundleAnswer,
    /// The newest attempt; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<Attempt>,
    /// The policies in force.
    pub policies: Vec<PolicyAnswer>,
    /// What approved requests made of the automatic responses; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_settings: Option<ResponseSettingsAnswer>,
    /// The bundle that says who may call this service.
    pub access: AccessAnswer,
}

/// One policy in force.
#[derive(Clone, Debug, Serialize)]
pub struct PolicyAnswer {
    /// Its stable name.
    pub id: String,
    /// Permit or forbid.
    pub effect: String,
    /// Its category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Its response, after the manifest's switches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
}

/// An attempt to publish.
#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// What became of it.
    pub outcome: AttemptOutcome,
    /// The digest of what was read, where it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What was found; warnings too.
    pub diagnostics: Vec<Diagnostic>,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptOutcome {
    /// In force now.
    Published,
    /// In force already.
    Unchanged,
    /// Refused; the last good bundle stays in force.
    Refused,
}

/// A bundle that passed the gate.
pub(in crate::app) struct Prepared {
    source: BundleSource,
    digest: BundleDigest,
    /// Absent where the bundle is in force already.
    engines: Option<Engines>,
    warnings: Vec<Diagnostic>,
}

impl App {
    /// What is in force, and what was last tried.
    pub fn policies(&self, caller: &Caller) -> Result<PoliciesAnswer, AppError> {
        self.permit(caller, Action::ReadPolicies)?;
        // Before what is in force: an attempt that is told as published is then never older than it.
        let last_attempt = self.last_attempt();
        let live = self.live().current();
        let policies = live
            .engine()
            .map(|engine| policy_answers(engine.bundle()))
            .unwrap_or_default();
        Ok(PoliciesAnswer {
            in_force: BundleAnswer {
                generation: live.generation,
                digest: live.digest.to_string(),
            },
            last_attempt,
            policies,
            response_settings: self.response_settings_answer(),
            access: self.access_answer(),
        })
    }

    /// Reads the policy directory anew and puts it in force if it passes the gate.
    ///
    /// A bundle that does not pass changes nothing, and the attempt is recorded.
    pub async fn publish_directory(&self, actor: &str) -> Result<AttemptOutcome, AppError> {
        let _one_at_a_time = self.publishing().lock().await;
        let app = self.clone();
        let prepared = tokio::task::spawn_blocking(move || app.prepare_directory())
            .await
            .map_err(|error| AppError::Broken(Box::new(error)))?;
        let prepared = match prepared {
            Err(AppError::Refused(diagnostics)) => Err(diagnostics),
            otherwise => Ok(otherwise?),
        };
        match prepared {
            Ok(prepared) => self.publish_prepared(prepared, actor).await,
            Err(diagnostics) => self.refuse(diagnostics).await,
        }
    }

    /// What is in the directory, with what approved requests made of its responses.
    fn prepare_directory(&self) -> Result<Prepared, AppError> {
        let source = BundleSource::read(&self.settings().policies).map_err(AppError::Refused)?;
        let source = self.with_settings(source)?;
        self.prepare(source).map_err(AppError::Refused)
    }

    /// Compiles a bundle and makes it ready; the registry comes last, as it is nearest to what the new bundle will be
    /// asked about.
    pub(in crate::app) fn prepare(&self, source: BundleSource) -> Result<Prepared, Diagnostics> {
        let bundle = Arc::new(Bundle::compile(&source)?);
        let digest = bundle.digest();
        let warnings = bundle.warnings();
        let warnings = warnings.map(|warnings| warnings.iter().cloned().collect());
        let engines = (self.live().current().digest != digest)
            .then(|| Engines::new(Engine::new(Arc::clone(&bundle)), self.settings().workers));
        self.gate_registry(&bundle)?;
        Ok(Prepared {
            source,
            digest,
            engines,
            warnings: warnings.unwrap_or_default(),
        })
    }

    pub(in crate::app) async fn publish_prepared(
        &self,
        prepared: Prepared,
        actor: &str,
    ) -> Result<AttemptOutcome, AppError> {
        let Prepared {
            source,
            digest,
            engines,
            warnings,
        } = prepared;
        let Some(engines) = engines else {
            self.note_attempt(AttemptOutcome::Unchanged, Some(digest), warnings);
            return Ok(AttemptOutcome::Unchanged);
        };
        self.sequence_publication(&source, digest, actor).await?;
        // What was decided by the bundle before is stale from here on, until this one can be asked.
        let generation = self.store().view(State::generation);
        self.live()
            .swap(Published::new(generation, digest, engines));
        self.metrics().published(generation);
        self.note_attempt(AttemptOutcome::Published, Some(digest), warnings);
        tracing::info!(generation, %digest, "bundle in force");
        Ok(AttemptOutcome::Published)
    }

    /// Archives the bundle, then records that it is in force.
    pub(in crate::app) async fn sequence_publication(
        &self,
        source: &BundleSource,
        digest: BundleDigest,
        actor: &str,
    ) -> Result<(), AppError> {
        archive_bundle(self.archive(), source)?;
        let generation = self.store().view(State::generation) + 1;
        let (actor, at) = (actor.to_owned(), self.now());
        self.commit(Command::Publish(Publish {
            digest: digest.to_string(),
            generation,
            actor,
            summary: String::new(),
            at,
        }))
        .await?;
        Ok(())
    }

    pub(in crate::app) async fn refuse(
        &self,
        diagnostics: Diagnostics,
    ) -> Result<AttemptOutcome, AppError> {
        tracing::warn!(%diagnostics, "bundle refused; the last good one stays in force");
        let summary = diagnostics.to_string();
        let digest = BundleDigest::of(summary.as_bytes()).to_string();
        self.note_attempt(AttemptOutcome::Refused, None, diagnostics.into_items());
        let command = RefusePublication {
            digest,
            summary,
            at: self.now(),
        };
        match self.commit(Command::RefusePublication(command)).await {
            Ok(_) => Ok(AttemptOutcome::Refused),
            Err(error) => Err(error.into()),
        }
    }

    /// The whole registry under the bundle's schema.
    pub(in crate::app) fn gate_registry(&self, bundle: &Bundle) -> Result<(), Diagnostics> {
        registry_under(self.store(), bundle)
    }

    fn note_attempt(
        &self,
        outcome: AttemptOutcome,
        digest: Option<BundleDigest>,
        diagnostics: Vec<Diagnostic>,
    ) {
        let digest = digest.map(|digest| digest.to_string());
        self.set_last_attempt(Attempt {
            at: self.now(),
            outcome,
            digest,
            diagnostics,
        });
    }
}

/// The whole registry of a store under a bundle's schema.
pub(in crate::app) fn registry_under(
    store: &EmbeddedStore,
    bundle: &Bundle,
) -> Result<(), Diagnostics> {
    let documents = store.view(all_documents);
    let problems: Vec<Diagnostic> = documents
        .iter()
        .filter_map(|document| {
            let error = crate::decision::conformity::conforms(bundle, document).err()?;
            let key = document
                .key()
                .map(|key| key.to_string())
                .unwrap_or_default();
            Some(Diagnostic::error(
                Code::Registry,
                format!("the document `{key}` does not fit the schema: {error}"),
            ))
        })
        .collect();
    Diagnostics::from_list(problems, []).map_or(Ok(()), Err)
}

fn all_documents(state: &State) -> Vec<Arc<Document>> {
    DocumentKind::ALL
        .into_iter()
        .flat_map(|kind| state.documents(kind, None))
        .map(|(_, found)| Arc::clone(found.value))
        .collect()
}

/// Reads and compiles the bundle in a directory.
pub fn read_and_compile(directory: &Path) -> Result<(BundleSource, Bundle), Diagnostics> {
    let source = BundleSource::read(directory)?;
    let bundle = Bundle::compile(&source)?;
    Ok((source, bundle))
}

fn policy_answers(bundle: &Bundle) -> Vec<PolicyAnswer> {
    bundle
        .policies()
        .map(|policy| PolicyAnswer {
            id: policy.id.to_string(),
            effect: policy.effect.to_string(),
            category: policy.category.as_ref().map(ToString::to_string),
            response: policy.response.map(|response| response.as_str().to_owned()),
        })
        .collect()
}

impl From<CommitError> for AppError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Refused(refusal) => refusal.into(),
            CommitError::NotRecorded(_) | CommitError::QueueFull | CommitError::Closed => {
                Self::NotRecorded(Box::new(error))
            }
            CommitError::NoSpace(_) => Self::NoSpace(Box::new(error)),
            CommitError::OutcomeUnknown(_) => Self::OutcomeUnknown(Box::new(error)),
        }
    }
}

impl From<Refusal> for AppError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Stale(_) | Refusal::Generation { .. } | Refusal::Approval(_) => {
                Self::Contended
            }
            Refusal::Revision { key, current } => Self::RevisionMismatch {
                key: key.to_string(),
                present: current,
            },
            Refusal::Version {
                request_id,
                current,
            } => Self::RevisionMismatch {
                key: request_id.to_string(),
                present: Some(Revision(current)),
            },
            Refusal::Erasure(ErasureRefusal::SamePerson) => Self::ErasureSamePerson,
            Refusal::Erasure(refusal) => Self::ErasureNotAsked(refusal.to_string()),
            refusal @ Refusal::Acknowledged { .. } => {
                Self::Invalid(vec![Invalid::at("/version", refusal.to_string())])
            }
            Refusal::KeyReused { .. } => Self::IdempotencyKeyReused,
            Refusal::UnknownRequest(id) => Self::UnknownRequest(id.to_string()),
            refusal @ Refusal::NotAtPartner { .. } => Self::NotAtPartner {
                detail: refusal.to_string(),
                current: None,
            },
            refusal @ Refusal::NotGranted { .. } => Self::NotGranted {
                detail: refusal.to_string(),
                current: None,
            },
            refusal @ (Refusal::NotPending { .. } | Refusal::NothingDue) => Self::NotPending {
                detail: refusal.to_string(),
                current: None,
            },
            Refusal::UnknownObligation(obligation) => Self::UnknownObligation(obligation),
            refusal @ Refusal::ObligationDone(_) => Self::ObligationSettled(refusal.to_string()),
            refusal @ Refusal::AnsweredBefore { .. } => Self::AlreadyAnswered(refusal.to_string()),
            refusal @ (Refusal::Taken { .. } | Refusal::Invalid(_)) => {
                Self::Invalid(vec![Invalid::at("", refusal.to_string())])
            }
            Refusal::RequestExists(_) => Self::RequestExists,
        }
    }
}

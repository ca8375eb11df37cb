//! Impact while the service runs: a job for those who may publish policies.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::impact::Impact;
use crate::app::impact::ImpactReport;
use crate::app::impact::Tried;
use crate::app::jobs::JobAnswer;
use crate::app::permission::Action;
use crate::app::recorded::Selection;
use crate::app::replay::archived_source;
use crate::domain::agreement::Agreement;
use crate::domain::document::Document;
use crate::domain::registry::DocumentKind;
use crate::identity::caller::Caller;
use crate::policy::source::BundleDigest;
use crate::policy::source::BundleSource;

/// A bundle to be tried.
#[derive(Clone, Debug)]
pub enum Candidate {
    /// One that was in force before, by its digest.
    Archived(String),
    /// Texts; what is absent is taken from the bundle in force.
    Texts {
        /// The manifest.
        manifest: Option<String>,
        /// The schema.
        schema: Option<String>,
        /// The policy files and what else is in the tree, by their paths.
        files: BTreeMap<String, String>,
    },
}

/// What is to be tried, and on what.
#[derive(Clone, Debug, Default)]
pub struct TryOut {
    /// Absent: each request under the bundle that decided it.
    pub bundle: Option<Candidate>,
    /// Agreements, as they are written to the registry.
    pub agreements: Vec<Value>,
    /// Of which requests.
    pub selection: Selection,
}

impl App {
    /// Begins to decide recorded requests under something else; what does not pass the gate is refused at once.
    pub async fn begin_impact(
        &self,
        caller: &Caller,
        wanted: TryOut,
    ) -> Result<JobAnswer<ImpactReport>, AppError> {
        self.permit(caller, Action::PublishPolicies)?;
        wanted.selection.check().map_err(|problems| {
            let below = |it: Invalid| Invalid::at(format!("/selection{}", it.pointer), it.detail);
            AppError::Invalid(problems.into_iter().map(below).collect())
        })?;
        let TryOut {
            bundle,
            agreements,
            selection,
        } = wanted;
        let agreements = agreements_of(agreements)?;
        let tried = self
            .aside(move |app| {
                let source = bundle.map(|bundle| app.candidate(bundle)).transpose()?;
                Tried::new(app.store(), source, agreements)
            })
            .await?;
        let (reader, archive) = (self.store().reader(), self.archive().clone());
        let workers = self.job_workers();
        let by = (caller.name.as_str(), self.now());
        let begun = self.impacts().begin(by, move |job| {
            let impact = Impact::new(reader, &archive, workers);
            impact.find(&tried, &selection, |done, entries| job.heard(done, entries))
        })?;
        tracing::info!(caller = caller.name, id = %begun.id, "an impact begins");
        Ok(begun)
    }

    /// Where an impact stands, and what it found.
    pub fn impact(&self, caller: &Caller, id: &str) -> Result<JobAnswer<ImpactReport>, AppError> {
        self.permit(caller, Action::PublishPolicies)?;
        self.impacts().find(id)
    }

    fn candidate(&self, bundle: Candidate) -> Result<BundleSource, AppError> {
        let in_force = self.live().current().digest;
        match bundle {
            Candidate::Archived(digest) => {
                let invalid =
                    |detail: String| AppError::Invalid(vec![Invalid::at("/bundle", detail)]);
                let digest: BundleDigest = digest
                    .parse()
                    .map_err(|error| invalid(format!("{error}")))?;
                archived_source(self.archive(), &digest.to_string())
                    .map_err(|_| invalid(format!("no bundle `{digest}` was ever in force here")))
            }
            Candidate::Texts {
                manifest,
                schema,
                files,
            } => {
                let known = archived_source(self.archive(), &in_force.to_string())?;
                let manifest = manifest.unwrap_or_else(|| known.manifest().to_owned());
                let schema = schema.unwrap_or_else(|| known.schema().to_owned());
                let path = known.schema_path().to_owned();
                Ok(BundleSource::from_texts(manifest, path, schema, files))
            }
        }
    }
}

fn agreements_of(documents: Vec<Value>) -> Result<Vec<Agreement>, AppError> {
    let mut agreements = Vec::with_capacity(documents.len());
    let mut problems = Vec::new();
    for (number, json) in documents.into_iter().enumerate() {
        match Document::from_submitted(DocumentKind::Agreement, json) {
            Ok(document) => agreements.extend(document.agreement().cloned()),
            Err(problem) => {
                let pointer = format!("/agreements/{number}{}", problem.pointer);
                problems.push(Invalid::at(pointer, problem.detail));
            }
        }
    }
    if problems.is_empty() {
        Ok(agreements)
    } else {
        Err(AppError::Invalid(problems))
    }
}

//! The access bundle's life: read, kept, put in force; after a restart the last good one if the files are broken.
//!
//! It is kept in the archive like the other bundle. Which one was in force last stands in a file of its own
//! beside the log, so that who mends the log need not be let in by it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::PoisonError;

use serde::Serialize;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::open::archive_bundle;
use crate::app::permission::Access;
use crate::app::permission::Action;
use crate::app::permission::NAMESPACE;
use crate::app::permission::Object;
use crate::app::publish::Attempt;
use crate::app::publish::AttemptOutcome;
use crate::app::publish::read_and_compile;
use crate::app::replaced_file::replace;
use crate::app::replay::archived_bundle;
use crate::decision::engine::Engine;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::identity::caller::LOCAL_OPERATOR;
use crate::identity::caller::OPERATOR_ROLE;
use crate::policy::bundle::Bundle;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::Diagnostics;
use crate::policy::diagnostics::Place;
use crate::policy::manifest;
use crate::policy::source::BundleDigest;
use crate::policy::source::BundleSource;
use crate::store::embedded::archive::Archive;
use crate::store::embedded::archive::ContentDigest;
use crate::telemetry::metrics::BundleKind;

/// The access bundle in force and the last attempt to change it.
#[derive(Clone, Debug, Serialize)]
pub struct AccessAnswer {
    /// Names the content.
    pub digest: String,
    /// The newest attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<Attempt>,
}

/// The engine of the access bundle that comes into force at the start, and what was found in the directory.
pub(in crate::app) fn open(
    directory: &Path,
    (archive, in_force): (&Archive, &Path),
    now: Timestamp,
) -> Result<(Engine, Attempt), AppError> {
    let lost = lost_from_archive(archive, in_force)?;
    let diagnostics = match read_checked(directory) {
        Ok((source, bundle)) => {
            keep(archive, in_force, &source)?;
            let mut attempt = attempt(AttemptOutcome::Published, &bundle, now);
            attempt.diagnostics.extend(lost);
            return Ok((Engine::new(bundle), attempt));
        }
        Err(diagnostics) => diagnostics,
    };
    let Some(digest) = digest_in_force(in_force)? else {
        return Err(AppError::Refused(diagnostics));
    };
    let (_, bundle) = archived_bundle(archive, &digest)?;
    tracing::warn!(%diagnostics, %digest, "access bundle refused; the last good one comes into force");
    Ok((Engine::new(Arc::new(bundle)), refused(diagnostics, now)))
}

impl App {
    /// Reads the access bundle's directory anew; a broken one changes nothing, and shows.
    pub async fn reload_access(&self) -> Result<AttemptOutcome, AppError> {
        let directory = self.settings().access_policies.clone();
        let read = tokio::task::spawn_blocking(move || read_checked(&directory))
            .await
            .map_err(|error| AppError::Broken(Box::new(error)))?;
        let (source, bundle) = match read {
            Ok(read) => read,
            Err(diagnostics) => {
                tracing::warn!(%diagnostics, "access bundle refused; the last good one stays in force");
                self.note_access_attempt(refused(diagnostics, self.now()));
                return Ok(AttemptOutcome::Refused);
            }
        };
        if bundle.digest() == self.0.access.digest() {
            self.note_access_attempt(attempt(AttemptOutcome::Unchanged, &bundle, self.now()));
            return Ok(AttemptOutcome::Unchanged);
        }
        keep(self.archive(), &self.0.access_in_force, &source)?;
        self.note_access_attempt(attempt(AttemptOutcome::Published, &bundle, self.now()));
        self.0.access.swap(Engine::new(bundle));
        tracing::info!("access bundle in force");
        Ok(AttemptOutcome::Published)
    }

    pub(in crate::app) fn access_answer(&self) -> AccessAnswer {
        // The attempt first, for the same reason as with the bundle of decisions.
        let last_attempt = self.last_access_attempt();
        AccessAnswer {
            digest: self.0.access.digest().to_string(),
            last_attempt,
        }
    }

    pub(in crate::app) fn last_access_attempt(&self) -> Option<Attempt> {
        self.0
            .last_access_attempt
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(in crate::app) fn note_access_attempt(&self, attempt: Attempt) {
        let succeeded = attempt.outcome != AttemptOutcome::Refused;
        self.metrics().publication_attempted(
            BundleKind::Access,
            attempt.at.as_milliseconds(),
            succeeded,
        );
        *self
            .0
            .last_access_attempt
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(attempt);
    }
}

/// Reads the access bundle of a directory, and refuses one that locks out whoever would mend it: the local
/// operator, whose token lies in the data directory, sees what is in force and writes the registry under every bundle.
fn read_checked(directory: &Path) -> Result<(BundleSource, Arc<Bundle>), Diagnostics> {
    let (source, bundle) = read_and_compile(directory)?;
    let bundle = Arc::new(bundle);
    refuse_lockout(directory, &bundle)?;
    Ok((source, bundle))
}

/// Reads a bundle for either purpose, through the gate that it would have to pass in the service; one whose schema
/// speaks of callers is an access bundle.
pub fn read_for_its_purpose(directory: &Path) -> Result<(BundleSource, Arc<Bundle>), Diagnostics> {
    let (source, bundle) = read_and_compile(directory)?;
    let bundle = Arc::new(bundle);
    let speaks_of_callers = bundle.schema().is_some_and(|schema| {
        schema
            .entity_types()
            .any(|entity_type| entity_type.namespace() == NAMESPACE)
    });
    if speaks_of_callers {
        refuse_lockout(directory, &bundle)?;
    }
    Ok((source, bundle))
}

fn refuse_lockout(directory: &Path, bundle: &Arc<Bundle>) -> Result<(), Diagnostics> {
    let access = Access::new(Engine::new(Arc::clone(bundle)));
    let operator = Caller::new(LOCAL_OPERATOR, [OPERATOR_ROLE]);
    for action in [Action::ReadPolicies, Action::WriteRegistry] {
        if access.permit(&operator, action, Object::Service).is_err() {
            let message = format!(
                "under this bundle the local operator may not {}, and nobody might be left who can mend it",
                action.words()
            );
            let problem = Diagnostic::error(Code::LockedOut, message)
                .at(Place::start_of(&directory.join(manifest::FILE_NAME)))
                .help(format!(
                    "permit `{}` to the role `{OPERATOR_ROLE}`",
                    action.as_str()
                ));
            return Err(Diagnostics::new(problem));
        }
    }
    Ok(())
}

fn attempt(outcome: AttemptOutcome, bundle: &Bundle, at: Timestamp) -> Attempt {
    let warnings = bundle.warnings();
    Attempt {
        at,
        outcome,
        digest: Some(bundle.digest().to_string()),
        diagnostics: warnings
            .map(|warnings| warnings.iter().cloned().collect::<Vec<Diagnostic>>())
            .unwrap_or_default(),
    }
}

fn refused(diagnostics: Diagnostics, at: Timestamp) -> Attempt {
    Attempt {
        at,
        outcome: AttemptOutcome::Refused,
        digest: None,
        diagnostics: diagnostics.into_items(),
    }
}

/// What is to be told if the bundle that was in force last cannot be had from the archive any more.
fn lost_from_archive(archive: &Archive, in_force: &Path) -> Result<Option<Diagnostic>, AppError> {
    let Some(digest) = digest_in_force(in_force)? else {
        return Ok(None);
    };
    let Ok(digest) = digest.parse::<BundleDigest>() else {
        return Ok(None);
    };
    let Err(error) = archive.get(&ContentDigest::from(*digest.as_bytes())) else {
        return Ok(None);
    };
    let message =
        format!("the access bundle that was in force last cannot be had from the archive: {error}");
    tracing::warn!("{message}");
    let help = "the one in the directory comes into force and is archived anew";
    Ok(Some(
        Diagnostic::warning(Code::Unreadable, message).help(help),
    ))
}

/// Archives a bundle, then names it as the one in force; durable on return.
fn keep(archive: &Archive, in_force: &Path, source: &BundleSource) -> Result<(), AppError> {
    archive_bundle(archive, source)?;
    let digest = source.digest().to_string();
    if digest_in_force(in_force)?.is_some_and(|present| present == digest) {
        return Ok(());
    }
    name(in_force, &digest).map_err(|error| AppError::NotRecorded(Box::new(error)))
}

fn name(in_force: &Path, digest: &str) -> io::Result<()> {
    replace(in_force, format!("{digest}\n").as_bytes())
}

/// The bundle that was in force last; what does not name one counts as none.
fn digest_in_force(in_force: &Path) -> Result<Option<String>, AppError> {
    match fs::read_to_string(in_force) {
        Ok(text) => {
            let digest = text.trim().to_owned();
            Ok(digest.parse::<BundleDigest>().is_ok().then_some(digest))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(AppError::Broken(Box::new(error))),
    }
}

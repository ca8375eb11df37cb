//! Taking a shadow over from its directory; a broken one changes nothing, and shows.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::impact::ImpactReport;
use crate::app::impact::Tried;
use crate::app::publish::Attempt;
use crate::app::publish::AttemptOutcome;
use crate::app::recorded::Selection;
use crate::app::shadow::Following;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::source::BundleSource;
use crate::store::state::State;
use crate::telemetry::metrics::BundleKind;

impl App {
    /// Reads the shadow's directory anew; it follows from the present end of the log.
    ///
    /// One that does not pass the gate changes nothing: the last good one goes on.
    pub async fn reload_shadow(&self) -> Result<Option<AttemptOutcome>, AppError> {
        let Some(directory) = self.settings().shadow_policies.clone() else {
            return Ok(None);
        };
        let outcome = self.aside(move |app| app.take_shadow(&directory)).await?;
        Ok(Some(outcome))
    }

    fn take_shadow(&self, directory: &Path) -> Result<AttemptOutcome, AppError> {
        let generation = self.store().view(State::generation);
        let tried = BundleSource::read(directory)
            .map_err(AppError::Refused)
            .and_then(|source| Tried::new(self.store(), Some(source), Vec::new()));
        let tried = match tried {
            Ok(tried) => tried,
            Err(AppError::Refused(diagnostics)) => {
                tracing::warn!(%diagnostics, "shadow refused; the last good one goes on");
                if let Some(following) = &mut self.0.shadow.standing().following {
                    following.generation = generation;
                }
                let diagnostics = diagnostics.into_items();
                self.note_shadow_attempt(AttemptOutcome::Refused, None, diagnostics);
                return Ok(AttemptOutcome::Refused);
            }
            Err(error) => return Err(error),
        };
        let Some(bundle) = tried.bundle() else {
            return Err(AppError::Broken("a shadow without a bundle".into()));
        };
        let digest = bundle.digest().to_string();
        let warnings = bundle.warnings();
        let warnings = warnings.map(|warnings| warnings.iter().cloned().collect());
        let outcome = self.follow_from_here(Arc::new(tried), &digest, generation);
        self.note_shadow_attempt(outcome, Some(digest), warnings.unwrap_or_default());
        Ok(outcome)
    }

    fn follow_from_here(&self, tried: Arc<Tried>, digest: &str, generation: u64) -> AttemptOutcome {
        let mut standing = self.0.shadow.standing();
        if let Some(following) = &mut standing.following
            && following.digest == digest
        {
            following.generation = generation;
            return AttemptOutcome::Unchanged;
        }
        let next = self.store().reader().size().0;
        let from_here = Selection {
            first: Some(next),
            ..Selection::default()
        };
        standing.following = Some(Following {
            report: ImpactReport::of(tried.named(), from_here),
            tried,
            digest: digest.to_owned(),
            generation,
            since: self.now(),
            next,
            latest: VecDeque::new(),
        });
        tracing::info!(digest, "a shadow follows");
        AttemptOutcome::Published
    }

    fn note_shadow_attempt(
        &self,
        outcome: AttemptOutcome,
        digest: Option<String>,
        diagnostics: Vec<Diagnostic>,
    ) {
        let at = self.now();
        let succeeded = outcome != AttemptOutcome::Refused;
        self.metrics()
            .publication_attempted(BundleKind::Shadow, at.as_milliseconds(), succeeded);
        self.0.shadow.standing().last_attempt = Some(Attempt {
            at,
            outcome,
            digest,
            diagnostics,
        });
    }
}

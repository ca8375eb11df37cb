//! The shadow: a second bundle by which every submission is decided once more, after it was answered.
//!
//! It follows the log, off the answering path: what is compared is what stands there, and nothing of it is enforced.
//! Differences are counted, the first and the newest are kept, and some are logged.

mod follow;
mod load;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use serde::Serialize;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::impact::Example;
use crate::app::impact::ImpactReport;
use crate::app::impact::Tried;
use crate::app::permission::Action;
use crate::app::publish::Attempt;
use crate::app::rate::Rate;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;

/// How many of the newest differences are kept.
pub const LATEST_MAX: usize = 50;

/// How many differences are written to the program's log in a minute, at most.
const LOGGED_A_MINUTE: u64 = 30;

/// What would come out under the shadow.
#[derive(Clone, Debug, Serialize)]
pub struct ShadowAnswer {
    /// When its directory was last read, and what became of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<Attempt>,
    /// The bundle that is followed; null until one has passed the gate.
    pub following: Option<FollowingAnswer>,
}

/// A bundle that follows.
#[derive(Clone, Debug, Serialize)]
pub struct FollowingAnswer {
    /// Since when.
    pub since: Timestamp,
    /// How many entries of the log it has yet to look at.
    pub behind: u64,
    /// What came out otherwise, in the words of an impact.
    pub report: ImpactReport,
    /// Samples of the newest differences, the newest first.
    pub latest: Vec<Example>,
}

/// A bundle on its way through the log.
#[derive(Debug)]
struct Following {
    tried: Arc<Tried>,
    digest: String,
    /// The generation in force when it was read: its responses may have changed since.
    generation: u64,
    since: Timestamp,
    /// The first entry that it has not looked at.
    next: u64,
    report: ImpactReport,
    latest: VecDeque<Example>,
}

#[derive(Debug)]
struct Standing {
    last_attempt: Option<Attempt>,
    following: Option<Following>,
    logged: Rate,
}

/// What the service knows of its shadow.
#[derive(Debug)]
pub(in crate::app) struct Shadow(Mutex<Standing>);

impl Default for Shadow {
    fn default() -> Self {
        Self(Mutex::new(Standing {
            last_attempt: None,
            following: None,
            logged: Rate::new(LOGGED_A_MINUTE),
        }))
    }
}

impl Shadow {
    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// What would have come out under the shadow since it follows; nothing where none is named.
    pub fn shadow(&self, caller: &Caller) -> Result<Option<ShadowAnswer>, AppError> {
        self.permit(caller, Action::PublishPolicies)?;
        if self.settings().shadow_policies.is_none() {
            return Ok(None);
        }
        let size = self.store().reader().size().0;
        let standing = self.0.shadow.standing();
        Ok(Some(ShadowAnswer {
            last_attempt: standing.last_attempt.clone(),
            following: standing.following.as_ref().map(|following| {
                let latest = following.latest.iter().rev();
                FollowingAnswer {
                    since: following.since,
                    behind: size.saturating_sub(following.next),
                    report: following.report.clone(),
                    latest: latest.cloned().collect(),
                }
            }),
        }))
    }
}

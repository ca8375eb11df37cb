//! Evaluations and access requests (AuthZEN, and its Access Request and Approval Profile).
//!
//! An evaluation is an enforced decision. What is held of it waits for nobody: it is refused, and whoever asked can ask
//! for an approval. That waits as every held request does, and nothing follows from its grant but an approval of
//! exactly what was asked, used once, by evaluating again.

mod answer;
mod approval;
mod ask;
mod binding;
mod cancel;
mod claims;
mod denial;
mod evaluate;
mod lapsed;
mod settle;
mod task;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::app::error::AppError;
use crate::domain::public_url::PublicUrl;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::identity::signing::PublicJwk;
use crate::store::command::RequestId;

pub use answer::EvaluationAnswer;
pub use answer::GivenApproval;
pub use answer::RequestableDenial;
pub use approval::Why;
pub use ask::AccessSubmission;
pub use ask::AskedItem;
pub use binding::RELEVANT_CONTEXT;
pub use binding::Tuple;
pub use denial::Denial;
pub use lapsed::Lapsed;
pub(in crate::app) use settle::Purpose;
pub(in crate::app) use settle::Settled;
pub use task::ApprovalResult;
pub use task::TaskAnswer;
pub use task::TaskItem;
pub use task::TaskStatus;

/// Where evaluations are asked for.
pub const EVALUATION_PATH: &str = "/access/v1/evaluation";

/// Where access requests are submitted.
pub const REQUESTS_PATH: &str = "/access/v1/requests";

/// Where the verification keys are read.
pub const KEYS_PATH: &str = "/access/v1/jwks";

/// What has to be known to offer access requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Where others reach this service.
    pub public_url: PublicUrl,
    /// How long an approval can be asked for after an evaluation was held.
    pub denial_seconds: u64,
    /// How long an approval can be used.
    pub approval_seconds: u64,
}

impl Offer {
    /// The name of this service as the one that decides.
    pub fn decision_point(&self) -> &str {
        self.public_url.as_str()
    }

    /// Where a task is read.
    pub fn status_endpoint(&self, task: RequestId) -> String {
        self.public_url.of(&format!("{REQUESTS_PATH}/{task}"))
    }

    /// The name of this service as the one that takes access requests.
    pub fn request_service(&self) -> String {
        self.public_url.of(REQUESTS_PATH)
    }
}

/// What an evaluation asks.
#[derive(Clone, Debug)]
pub struct Question {
    /// As it was written.
    pub tuple: Tuple,
    /// The request that it becomes.
    pub request: InterSystemRequest,
    /// The approval that it presents.
    pub approval: Option<PresentedApproval>,
}

/// An approval as it is presented; nothing of it is believed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PresentedApproval {
    /// Its name.
    #[serde(default)]
    pub id: Option<Value>,
    /// What we signed of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Value>,
}

/// What is wrong with an access request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessProblem {
    /// The denial is not one for which an approval can be asked.
    NotRequestable,
    /// The denial is too old.
    ExpiredDenial,
    /// The denial is not of what is asked.
    InvalidDenialBinding,
    /// The idempotency key was used with another body.
    DuplicateRequest,
    /// There is no such task for this caller.
    UnknownTask,
    /// The task is told of no longer.
    TaskExpired,
    /// The task has ended.
    InvalidTaskState,
    /// Nothing proves for whom the caller says that it acts.
    ActorNotVerified,
    /// Nothing is sent where the caller wants to be told.
    CallbackRefused,
}

impl AccessProblem {
    pub(in crate::app) fn with(self, detail: impl Into<String>) -> AppError {
        AppError::Access {
            problem: self,
            detail: detail.into(),
        }
    }
}

impl App {
    /// What is offered of access requests, if they are.
    pub fn access_offer(&self) -> Option<&Offer> {
        self.settings().access_offer.as_ref()
    }

    pub(in crate::app) fn offered(&self) -> Result<&Offer, AppError> {
        self.access_offer().ok_or(AppError::NotOffered)
    }

    /// The keys by which others verify what we sign.
    pub fn verification_keys(&self) -> Vec<PublicJwk> {
        vec![self.signing_key().public()]
    }
}

fn milliseconds(seconds: u64) -> i64 {
    i64::try_from(seconds)
        .unwrap_or(i64::MAX)
        .saturating_mul(1_000)
}

/// The last whole second until a moment.
fn whole_second(moment: Timestamp) -> Timestamp {
    Timestamp::from_milliseconds(moment.as_milliseconds().div_euclid(1_000) * 1_000)
}

//! Evaluating: an enforced decision, recorded whatever comes out.

use crate::app::App;
use crate::app::access_request::EvaluationAnswer;
use crate::app::access_request::Purpose;
use crate::app::access_request::Question;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::identity::caller::Caller;
use crate::store::command::BodyDigest;
use crate::store::command::Idempotency;
use crate::store::command::KeyDigest;
use crate::store::command::RequestId;

/// Keys of evaluations are apart from those of requests.
const KEY_PREFIX: &str = "access-evaluation ";

impl App {
    /// Evaluates, records and answers.
    ///
    /// The work goes on if the caller goes away: what reached the journal stands.
    pub async fn evaluate_access(
        &self,
        caller: Caller,
        key: Option<String>,
        question: Question,
    ) -> Result<EvaluationAnswer, AppError> {
        self.permit(&caller, Action::EvaluateAccess)?;
        let Question {
            tuple,
            request,
            approval,
        } = question;
        let unkeyed = || AppError::Broken("no digest of what is asked".into());
        let scope = self.sealing_key().scope(&tuple.binding_hash());
        let scope = scope.ok_or_else(unkeyed)?;
        let presented =
            serde_json::to_string(&approval).map_err(|error| AppError::Broken(Box::new(error)))?;
        let idempotency = key.map(|key| Idempotency {
            key: KeyDigest::of(&caller.name, &format!("{KEY_PREFIX}{key}")),
            body: BodyDigest::of(format!("{scope} {presented}").as_bytes()),
        });
        let id = RequestId(uuid::Uuid::new_v4());
        let purpose = Purpose::Evaluation { scope, approval };
        let prepared = self.prepared((id, idempotency), request, purpose)?;
        let id = self.sequence(caller.clone(), prepared).await?;
        self.aside(move |app| app.evaluation_answer(&caller, id, &tuple))
            .await
    }
}

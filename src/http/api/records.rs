//! `/v1/records/{index}`: a record with all that its hashes are made of, and its proof.

use axum::Json;
use axum::extract::Path;
use axum::extract::State;

use crate::app::log::RecordView;
use crate::decision_log::LogIndex;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::state::ServiceState;

/// `GET /v1/records/{index}`.
pub(super) async fn read(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(index): Path<String>,
) -> Result<Json<RecordView>, Problem> {
    // Who may not read records learns nothing of which there are.
    let number = index.parse::<u64>().ok();
    let asked = LogIndex(number.unwrap_or(u64::MAX));
    let found = state.app().record(&caller, asked).await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found(format!("the log has no entry `{index}`")))
}

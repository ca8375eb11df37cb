//! `/v1/impact`: what recorded requests would have got under other policies, or with other agreements.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use crate::app::impact::Candidate;
use crate::app::impact::ImpactReport;
use crate::app::impact::TryOut;
use crate::app::jobs::JobAnswer;
use crate::app::recorded::Selection;
use crate::http::api::replays::accepted;
use crate::http::body::JsonBody;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::state::ServiceState;
use crate::workbench::impact::page;

/// What is to be tried.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    bundle: Option<String>,
    texts: Option<Texts>,
    agreements: Vec<Value>,
    selection: Selection,
}

/// A bundle; what is absent is as in the one in force.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    #[serde(default)]
    manifest: Option<String>,
    #[serde(default)]
    schema: Option<String>,
    files: BTreeMap<String, String>,
}

impl Wanted {
    fn try_out(self) -> Result<TryOut, Problem> {
        let bundle = match (self.bundle, self.texts) {
            (Some(_), Some(_)) => {
                let detail = "a bundle is tried by its digest or by its texts, not both";
                let problem = ("/texts".to_owned(), detail.to_owned());
                return Err(Problem::invalid(vec![problem]));
            }
            (Some(digest), None) => Some(Candidate::Archived(digest)),
            (None, Some(texts)) => Some(Candidate::Texts {
                manifest: texts.manifest,
                schema: texts.schema,
                files: texts.files,
            }),
            (None, None) => None,
        };
        Ok(TryOut {
            bundle,
            agreements: self.agreements,
            selection: self.selection,
        })
    }
}

/// `POST /v1/impact`: begins to look; the answer says where to ask for it.
pub(super) async fn begin(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let wanted: Wanted = body.typed()?;
    let begun = state.app().begin_impact(&caller, wanted.try_out()?).await?;
    Ok(accepted("/v1/impact", begun.id, Json(begun)))
}

/// `GET /v1/impact/{id}`: how far it is, and what would change.
pub(super) async fn read(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Json<JobAnswer<ImpactReport>>, Problem> {
    Ok(Json(state.app().impact(&caller, &id)?))
}

/// `GET /v1/impact/{id}/page`: the same to be read and printed, once it is done.
pub(super) async fn read_page(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let answer = state.app().impact(&caller, &id)?;
    let Some(report) = answer.report else {
        return Err(Problem::not_found(
            "there is no page of it: it runs still, or it failed",
        ));
    };
    Ok(page_of(&report))
}

/// A report as a page.
pub(super) fn page_of(report: &ImpactReport) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        // The page needs its own style and nothing else.
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
        ),
    ];
    (headers, page::page(report)).into_response()
}

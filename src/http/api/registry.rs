//! `/v1/systems`, `/v1/agreements`, …: registry documents with revisions.

use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::app::administer::PAGE_DOCUMENTS_MAX;
use crate::app::affected::Affected;
use crate::app::affected::PAGE_AFFECTED_MAX;
use crate::app::decide_again::ToDecideAgain;
use crate::domain::agreement::Agreement;
use crate::domain::document::Document;
use crate::domain::identity::McSystemId;
use crate::domain::mirror::Comparison;
use crate::domain::registry::DocumentId;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Revision;
use crate::domain::registry::Versioned;
use crate::http::api::limit::page_size;
use crate::http::body::JsonBody;
use crate::http::caller::Authenticated;
use crate::http::precondition::write_condition;
use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;
use crate::http::state::ServiceState;
use crate::identity::caller::Caller;
use crate::store::command::Expected;

/// Which page of a listing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    after: Option<String>,
    limit: Option<String>,
    decide_again: Option<String>,
}

/// One document of an import.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Imported {
    kind: DocumentKind,
    document: Value,
}

/// A comparison, and the revision of our half that it is about.
#[derive(Debug, Serialize)]
pub(super) struct Mirrored {
    revision: Revision,
    #[serde(flatten)]
    comparison: Comparison,
}

/// `GET /v1/{kind}?after=ID&limit=N`: documents in the order of their ids; of migrations with `decide_again=true`
/// those that are to be decided again.
pub(super) async fn list(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(kind): Path<String>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let kind = document_kind(&kind)?;
    let Query(page) =
        page.map_err(|rejection| Problem::new(ProblemKind::InvalidRequest, rejection.body_text()))?;
    let limit = page_size(page.limit.as_deref(), PAGE_DOCUMENTS_MAX)?;
    if let Some(asked) = &page.decide_again {
        let is_known = kind == DocumentKind::Migration && asked == "true";
        if !is_known {
            let detail = "`decide_again=true` is asked of `/v1/migrations` alone";
            let problem = Problem::new(ProblemKind::InvalidRequest, detail);
            return Err(problem.at_parameter("decide_again"));
        }
        let app = state.app();
        let found = app.to_decide_again(&caller, page.after.as_deref(), limit)?;
        let documents = found.iter().map(to_decide_again);
        let documents = documents.collect::<Result<Vec<_>, _>>()?;
        return Ok(Json(json!({ "documents": documents })));
    }
    let found = state
        .app()
        .documents(&caller, kind, page.after.as_deref(), limit)?;
    let documents = found.iter().map(listed).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(json!({ "documents": documents })))
}

/// The document as it is; its revision is the entity tag.
pub(super) fn present(
    state: &ServiceState,
    caller: &Caller,
    key: &DocumentKey,
) -> Result<Response, Problem> {
    let found = state.app().document(caller, key)?;
    Ok((etag(found.revision), Json(bare(&found.value)?)).into_response())
}

/// `PUT /v1/{kind}/{id}` with `If-Match` or `If-None-Match: *`: 201 when the document is new, else 200.
pub(super) async fn write(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let key = document_key(&kind, &id)?;
    let expected = write_condition(&headers)?;
    let document = Document::from_submitted(key.kind, body.into_value())
        .map_err(|problem| Problem::invalid(vec![(problem.pointer, problem.detail)]))?;
    let status = if expected == Expected::Absent {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let revision = state
        .app()
        .put_document(&caller, key, document, expected)
        .await?;
    Ok((
        status,
        etag(revision),
        Json(json!({ "revision": revision })),
    )
        .into_response())
}

/// `DELETE /v1/{kind}/{id}` with `If-Match`.
pub(super) async fn delete(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let key = document_key(&kind, &id)?;
    let expected = write_condition(&headers)?;
    state.app().delete_document(&caller, key, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/import`: an array of `{kind, document}`, written all or none.
pub(super) async fn import(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    JsonBody(body): JsonBody,
) -> Result<Json<Value>, Problem> {
    let imported: Vec<Imported> = body.typed()?;
    let mut documents = Vec::with_capacity(imported.len());
    let mut problems = Vec::new();
    for (number, entry) in imported.into_iter().enumerate() {
        match Document::from_submitted(entry.kind, entry.document) {
            Ok(document) => documents.push(document),
            Err(problem) => {
                let pointer = format!("/{number}/document{}", problem.pointer);
                problems.push((pointer, problem.detail));
            }
        }
    }
    if !problems.is_empty() {
        return Err(Problem::invalid(problems));
    }
    let count = documents.len();
    let revision = state.app().import(&caller, documents).await?;
    Ok(Json(json!({ "documents": count, "revision": revision })))
}

/// `POST /v1/agreements/{id}/mirror`: whether the partner's half, which is the body, fits ours. Nothing is kept of it.
pub(super) async fn mirror(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<Json<Mirrored>, Problem> {
    let key = document_key(DocumentKind::Agreement.plural(), &id)?;
    let theirs: Agreement = body.typed()?;
    let compared = state.app().mirror_agreement(&caller, key.id, &theirs)?;
    Ok(Json(Mirrored {
        revision: compared.revision,
        comparison: compared.value,
    }))
}

/// `GET /v1/agreements/{id}/affected?after=KIND/ID&limit=N`: what stands under the agreement, counted and page by page;
/// also where there is no agreement any more.
pub(super) async fn affected(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Affected>, Problem> {
    let Query(page) =
        page.map_err(|rejection| Problem::new(ProblemKind::InvalidRequest, rejection.body_text()))?;
    let partner: McSystemId = id
        .parse()
        .map_err(|_| Problem::not_found(format!("`{id}` is not an MC system ID")))?;
    let after = page.after.as_deref().map(after_document).transpose()?;
    let limit = page_size(page.limit.as_deref(), PAGE_AFFECTED_MAX)?;
    let affected = state
        .app()
        .affected(&caller, &partner, after.as_ref(), limit)?;
    Ok(Json(affected))
}

pub(super) fn after_document(text: &str) -> Result<DocumentKey, Problem> {
    let parsed = text.split_once('/').and_then(|(kind, id)| {
        Some(DocumentKey {
            kind: DocumentKind::from_plural(kind)?,
            id: id.parse().ok()?,
        })
    });
    parsed.ok_or_else(|| {
        let detail = format!("`{text}` is not a kind and an id, as `next` gives them");
        Problem::new(ProblemKind::InvalidRequest, detail).at_parameter("after")
    })
}

fn document_kind(segment: &str) -> Result<DocumentKind, Problem> {
    DocumentKind::from_plural(segment)
        .ok_or_else(|| Problem::not_found(format!("there is no resource `/v1/{segment}`")))
}

pub(super) fn document_key(kind: &str, id: &str) -> Result<DocumentKey, Problem> {
    let kind = document_kind(kind)?;
    let id: DocumentId = id
        .parse()
        .map_err(|_| Problem::not_found(format!("`{id}` cannot name a {kind}")))?;
    Ok(DocumentKey { kind, id })
}

fn bare(document: &Document) -> Result<Value, Problem> {
    document
        .to_json()
        .map_err(|error| Problem::internal(&error))
}

fn to_decide_again(found: &ToDecideAgain) -> Result<Value, Problem> {
    let key = found
        .document
        .key()
        .map_err(|error| Problem::internal(&error))?;
    Ok(json!({
        "id": key.id,
        "revision": found.revision,
        "document": bare(&found.document)?,
        "decide_again_since": found.since,
        "ends_at": found.ends_at,
        "obligations": found.obligations,
    }))
}

fn listed(found: &Versioned<Arc<Document>>) -> Result<Value, Problem> {
    let key = found
        .value
        .key()
        .map_err(|error| Problem::internal(&error))?;
    Ok(json!({ "id": key.id, "revision": found.revision, "document": bare(&found.value)? }))
}

pub(super) fn etag(revision: Revision) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&format!("\"r{revision}\"")) {
        headers.insert(ETAG, value);
    }
    headers
}

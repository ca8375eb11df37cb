//! `/v1/records` and `/v1/records/counts`: finding records, and counting them.

use std::fmt::Display;
use std::str::FromStr;

use axum::Json;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::records::CountsAnswer;
use crate::app::records::PAGE_RECORDS_MAX;
use crate::app::records::RecordFilter;
use crate::app::records::RecordPage;
use crate::decision_log::LogIndex;
use crate::http::api::limit::page_size;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;
use crate::http::state::ServiceState;
use crate::store::embedded::search::Bucket;
use crate::store::embedded::search::Dimension;

/// How long the name of a category, policy or account can be.
const NAME_BYTES_MAX: usize = 256;

/// By what records can be counted beside their time and outcome.
const COUNTED_BY: [Dimension; 5] = [
    Dimension::Kind,
    Dimension::Operation,
    Dimension::Partner,
    Dimension::Category,
    Dimension::Policy,
];

/// By what records are found; the parameters of both addresses, as a query cannot be divided.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    from: Option<String>,
    until: Option<String>,
    kind: Option<String>,
    outcome: Option<String>,
    operation: Option<String>,
    partner: Option<String>,
    category: Option<String>,
    policy: Option<String>,
    bundle: Option<String>,
    group: Option<String>,
    request: Option<String>,
    user: Option<String>,
    reviewer: Option<String>,
    caller: Option<String>,
    before: Option<String>,
    limit: Option<String>,
    bucket: Option<String>,
    by: Option<String>,
}

/// `GET /v1/records`: those that fit, the newest first; `before` is the `next` of the page before.
pub(super) async fn search(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<RecordPage>, Problem> {
    let wanted = read(wanted)?;
    Wanted::refuse(&[("bucket", &wanted.bucket), ("by", &wanted.by)])?;
    let before = wanted.before.as_deref().map(|text| {
        let detail = || format!("`{text}` is no place in the log: give `next` of the page before");
        let place = text.parse().map(LogIndex);
        place.map_err(|_| invalid("before", detail()))
    });
    let before = before.transpose()?;
    let limit = page_size(wanted.limit.as_deref(), PAGE_RECORDS_MAX)?;
    let filter = wanted.filter()?;
    let page = state.app().search_records(&caller, filter, before, limit);
    Ok(Json(page.await?))
}

/// `GET /v1/records/counts`: how many fit, by period and outcome.
pub(super) async fn count(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<CountsAnswer>, Problem> {
    let wanted = read(wanted)?;
    Wanted::refuse(&[("before", &wanted.before), ("limit", &wanted.limit)])?;
    let bucket = parsed::<Bucket>("bucket", Some(wanted.bucket.as_deref().unwrap_or("day")))?;
    let by = wanted.by.as_deref().map(counted_by).transpose()?;
    let filter = wanted.filter()?;
    let bucket = bucket.unwrap_or(Bucket::Month);
    let counts = state.app().count_records(&caller, filter, bucket, by);
    Ok(Json(counts.await?))
}

fn read(wanted: Result<Query<Wanted>, QueryRejection>) -> Result<Wanted, Problem> {
    let Query(wanted) = wanted
        .map_err(|rejection| Problem::new(ProblemKind::InvalidRequest, rejection.body_text()))?;
    Ok(wanted)
}

impl Wanted {
    fn refuse(others: &[(&str, &Option<String>)]) -> Result<(), Problem> {
        let given = others.iter().find(|(_, value)| value.is_some());
        match given {
            Some((name, _)) => Err(invalid(name, format!("`{name}` means nothing here"))),
            None => Ok(()),
        }
    }

    fn filter(&self) -> Result<RecordFilter, Problem> {
        let filter = RecordFilter {
            from: parsed("from", self.from.as_deref())?,
            until: parsed("until", self.until.as_deref())?,
            kind: word("kind", self.kind.as_deref())?,
            outcome: word("outcome", self.outcome.as_deref())?,
            operation: word("operation", self.operation.as_deref())?,
            partner: parsed("partner", self.partner.as_deref())?,
            category: name("category", self.category.as_deref())?,
            policy: name("policy", self.policy.as_deref())?,
            bundle: parsed("bundle", self.bundle.as_deref())?,
            group: parsed("group", self.group.as_deref())?,
            request: parsed("request", self.request.as_deref())?,
            user: parsed("user", self.user.as_deref())?,
            reviewer: parsed("reviewer", self.reviewer.as_deref())?,
            caller: name("caller", self.caller.as_deref())?,
        };
        if let (Some(from), Some(until)) = (filter.from, filter.until)
            && until <= from
        {
            let detail = format!("nothing is from {from} on and before {until}");
            return Err(invalid("until", detail));
        }
        Ok(filter)
    }
}

fn counted_by(text: &str) -> Result<Dimension, Problem> {
    let mut known = COUNTED_BY.into_iter();
    known.find(|it| it.as_str() == text).ok_or_else(|| {
        let words = COUNTED_BY.map(|it| format!("`{}`", it.as_str()));
        let detail = format!("`{text}` is none of {}", words.join(", "));
        invalid("by", detail)
    })
}

fn invalid(name: &str, detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::InvalidRequest, detail).at_parameter(name)
}

fn parsed<T>(parameter: &str, text: Option<&str>) -> Result<Option<T>, Problem>
where
    T: FromStr,
    T::Err: Display,
{
    let read = |text: &str| {
        let parsed = text.parse::<T>();
        parsed.map_err(|error| invalid(parameter, error.to_string()))
    };
    text.map(read).transpose()
}

/// A word that a type is written as; what its words are is said by the error.
fn word<T: DeserializeOwned>(parameter: &str, text: Option<&str>) -> Result<Option<T>, Problem> {
    let read = |text: &str| {
        let read = serde_json::from_value(Value::from(text));
        read.map_err(|error| invalid(parameter, error.to_string()))
    };
    text.map(read).transpose()
}

fn name(parameter: &str, text: Option<&str>) -> Result<Option<String>, Problem> {
    let read = |text: &str| {
        if (1..=NAME_BYTES_MAX).contains(&text.len()) {
            return Ok(text.to_owned());
        }
        let detail = format!("a {parameter} has 1 to {NAME_BYTES_MAX} bytes");
        Err(invalid(parameter, detail))
    };
    text.map(read).transpose()
}

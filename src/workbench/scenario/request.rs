//! A scenario's request: as a front-end posts it, or as a record keeps it.

use serde_json::Value;

use crate::app::sealing::SealingKey;
use crate::domain::request::InterSystemRequest;
use crate::domain::wire;
use crate::domain::wire::Problem;

/// A request that was read, and how it would be posted.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) request: InterSystemRequest,
    pub(super) posted: Option<Value>,
}

/// No scenario is kept beside real data, so any key tells one value from another.
pub(super) fn sealing_key() -> SealingKey {
    SealingKey::from_bytes([0; 32])
}

/// Reads a request whose own information elements may stand under `body`.
///
/// What no front-end may post can still be decided if a record could hold it.
pub(super) fn read(written: &Value) -> Result<Read, Vec<Problem>> {
    let posted = flat(written);
    match wire::read_request(&posted, wire::WireLimits::default()) {
        Ok(request) => Ok(Read {
            request: sealing_key().seal(request),
            posted: Some(posted),
        }),
        Err(problems) => match serde_json::from_value(written.clone()) {
            Ok(request) => Ok(Read {
                request,
                posted: None,
            }),
            Err(_) => Err(problems
                .into_iter()
                .map(|problem| at_home(problem, written))
                .collect()),
        },
    }
}

/// The members of `body` beside the common ones.
fn flat(written: &Value) -> Value {
    let mut flat = written.clone();
    if let Value::Object(members) = &mut flat
        && let Some(Value::Object(body)) = members.shift_remove("body")
    {
        members.extend(body);
    }
    flat
}

/// The problem at the place where the element was written.
fn at_home(mut problem: Problem, written: &Value) -> Problem {
    let name = problem.pointer.split('/').nth(1).unwrap_or_default();
    let in_body = written
        .get("body")
        .is_some_and(|body| body.get(name).is_some());
    if in_body {
        problem.pointer.insert_str(0, "/body");
    }
    problem
}

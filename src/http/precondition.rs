//! Conditional requests: `If-Match` and `If-None-Match` with revisions as entity tags (RFC 9110 clause 13).

use axum::http::HeaderMap;
use axum::http::header::HeaderName;
use axum::http::header::IF_MATCH;
use axum::http::header::IF_NONE_MATCH;

use crate::app::seen::Required;
use crate::domain::registry::Revision;
use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;
use crate::store::command::Expected;

/// The condition of a write; one must be given, so that nobody overwrites what they have not seen.
pub(super) fn write_condition(headers: &HeaderMap) -> Result<Expected, Problem> {
    match (text(headers, &IF_MATCH)?, text(headers, &IF_NONE_MATCH)?) {
        (Some(_), Some(_)) => Err(malformed(
            &IF_NONE_MATCH,
            "give either `If-Match` or `If-None-Match`",
        )),
        (Some(tag), None) => Ok(Expected::Revision(Revision(revision(tag)?))),
        (None, Some("*")) => Ok(Expected::Absent),
        (None, Some(_)) => Err(malformed(&IF_NONE_MATCH, "`If-None-Match` can only be `*`")),
        (None, None) => Err(Problem::new(
            ProblemKind::PreconditionRequired,
            "say `If-Match` with the entity tag you read, or `If-None-Match: *` for a new document",
        )
        .at_header(&IF_MATCH)),
    }
}

/// The version that `If-Match` names, if it is given.
pub(super) fn required_version(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    text(headers, &IF_MATCH)?.map(revision).transpose()
}

/// What `If-Match` says that a reviewer saw, if it is given: a version of the request, or all of it that could matter.
pub(super) fn required_view(headers: &HeaderMap) -> Result<Option<Required>, Problem> {
    let Some(tag) = text(headers, &IF_MATCH)? else {
        return Ok(None);
    };
    let quoted = tag
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match quoted.map(str::parse) {
        Some(Ok(seen)) => Ok(Some(Required::Seen(seen))),
        Some(Err(())) | None => Ok(Some(Required::Version(revision(tag)?))),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    if headers.get_all(name).iter().count() > 1 {
        return Err(malformed(name, "give a condition once"));
    }
    headers
        .get(name)
        .map(|value| {
            value
                .to_str()
                .map(str::trim)
                .map_err(|_| malformed(name, "a condition is visible ASCII"))
        })
        .transpose()
}

fn revision(tag: &str) -> Result<u64, Problem> {
    tag.strip_prefix("\"r")
        .and_then(|rest| rest.strip_suffix('"'))
        .and_then(canonical)
        .ok_or_else(|| {
            malformed(
                &IF_MATCH,
                "an entity tag is the one that was read, such as `\"r12\"`",
            )
        })
}

/// A number that is written as we write it.
fn canonical(digits: &str) -> Option<u64> {
    let number: u64 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

fn malformed(name: &HeaderName, detail: &str) -> Problem {
    Problem::new(ProblemKind::InvalidPrecondition, detail).at_header(name)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::required_version;
    use super::write_condition;
    use crate::domain::registry::Revision;
    use crate::store::command::Expected;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_write_needs_exactly_one_condition() {
        let at = |pairs| write_condition(&headers(pairs));
        assert_eq!(
            at(&[("if-match", "\"r12\"")]).unwrap(),
            Expected::Revision(Revision(12))
        );
        assert_eq!(at(&[("if-none-match", "*")]).unwrap(), Expected::Absent);
        assert_eq!(at(&[]).unwrap_err().status().as_u16(), 428);
        for wrong in [
            "r12",
            "\"12\"",
            "W/\"r12\"",
            "*",
            "\"r-1\"",
            "\"r01\"",
            "\"r+1\"",
        ] {
            assert_eq!(
                write_condition(&headers(&[("if-match", wrong)]))
                    .unwrap_err()
                    .status()
                    .as_u16(),
                400
            );
        }
        let mut twice = headers(&[("if-match", "\"r1\"")]);
        twice.append("if-match", "\"r2\"".parse().unwrap());
        assert_eq!(write_condition(&twice).unwrap_err().status().as_u16(), 400);
        assert_eq!(required_version(&headers(&[])).unwrap(), None);
    }
}

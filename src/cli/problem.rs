//! Problem details (RFC 9457) as text.

use serde::Deserialize;

use super::plain::plain;

/// As much of a problem as is told.
#[derive(Debug, Deserialize)]
struct Details {
    r#type: String,
    detail: String,
    #[serde(default)]
    remedy: Option<String>,
    #[serde(default)]
    errors: Vec<PlacedError>,
}

#[derive(Debug, Deserialize)]
struct PlacedError {
    #[serde(alias = "header", alias = "parameter")]
    pointer: String,
    detail: String,
}

/// What a service answered that refused: a line, and one more for each place and for the remedy.
pub(super) fn told(status: u16, body: &str) -> String {
    let Ok(details) = serde_json::from_str::<Details>(body) else {
        return format!("{status} {}", plain(body));
    };
    let kind = details.r#type.rsplit(['/', ':']).next().unwrap_or_default();
    let mut lines = vec![format!(
        "{status} {}: {}",
        plain(kind),
        plain(&details.detail)
    )];
    let places = details.errors.iter();
    lines.extend(places.map(|error| {
        let place = plain(&error.pointer);
        format!("  at `{place}`: {}", plain(&error.detail))
    }));
    let remedy = details.remedy.iter();
    lines.extend(remedy.map(|remedy| format!("  {}", plain(remedy))));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn a_problem_is_told_with_its_places_and_its_remedy() {
        let body = r#"{ "type": "https://comity.example/problems/invalid-input", "title": "t", "status": 422,
            "detail": "the input is invalid", "remedy": "Mend it.",
            "errors": [{ "pointer": "/reason", "detail": "is missing" }, { "header": "if-match", "detail": "is no tag" }] }"#;
        let expected = "422 invalid-input: the input is invalid\n  at `/reason`: is missing\n  \
                        at `if-match`: is no tag\n  Mend it.";
        assert_eq!(told(422, body), expected);
    }

    #[test]
    fn what_is_no_problem_is_shown_without_control_characters() {
        assert_eq!(
            told(502, "Bad\u{1b}[2J gateway\n"),
            "502 Bad\\u{1b}[2J gateway\\n"
        );
    }
}

//! The parameter `limit` of a listing.

use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;

/// How many are told where nobody says how many.
const DEFAULT: usize = 100;

/// How many at most are wanted: 1 to so many.
pub(super) fn page_size(text: Option<&str>, most: usize) -> Result<usize, Problem> {
    let Some(text) = text else {
        return Ok(DEFAULT.min(most));
    };
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| {
        let detail = format!("`{text}` is no number from 1 to {most}");
        Problem::new(ProblemKind::InvalidRequest, detail).at_parameter("limit")
    })
}

#[cfg(test)]
mod tests {
    use super::page_size;

    #[test]
    fn a_page_has_one_to_so_many() {
        assert_eq!(page_size(None, 1_000).unwrap(), 100);
        assert_eq!(page_size(None, 7).unwrap(), 7);
        assert_eq!(page_size(Some("1"), 100).unwrap(), 1);
        assert_eq!(page_size(Some("100"), 100).unwrap(), 100);
        for wrong in ["0", "101", "-1", "many", "", "99999999999999999999999"] {
            assert!(page_size(Some(wrong), 100).is_err(), "{wrong}");
        }
    }
}

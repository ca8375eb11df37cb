//! What a reviewer or officer says when something is to be granted no longer.

use serde::Deserialize;

use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::withdraw::check_reason;
use crate::app::withdraw::numbers;
use crate::domain::identity::McServiceId;

/// That what was granted is to be so no longer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// The items, by number from 0; absent: every one that is granted.
    #[serde(default)]
    pub items: Option<Vec<usize>>,
    /// Why; never empty.
    pub reason: String,
    /// The person who revokes, as the front-end attests them: an enabled user of ours.
    pub revoked_by: McServiceId,
}

impl Revocation {
    /// Checks the form; everything that is wrong with it is named at once.
    pub(super) fn check(&self) -> Result<(), AppError> {
        let mut problems: Vec<Invalid> = check_reason(&self.reason).into_iter().collect();
        problems.extend(numbers(self.items.as_deref()));
        if problems.is_empty() {
            Ok(())
        } else {
            Err(AppError::Invalid(problems))
        }
    }
}

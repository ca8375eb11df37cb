//! Why our half of an agreement gives nothing, and that requests which waited under it were refused for it.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use super::agreement::Agreement;
use super::agreement::AgreementStatus;
use super::identity::McSystemId;
use super::time::Timestamp;

/// Why an agreement is not in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Lapse {
    /// It is interrupted.
    #[serde(rename = "agreement-suspended")]
    Suspended,
    /// It is over, by its status or by its time.
    #[serde(rename = "agreement-ended")]
    Ended,
    /// It is a draft, or its time has not come.
    #[serde(rename = "agreement-not-begun")]
    NotBegun,
    /// There is none.
    #[serde(rename = "no-agreement")]
    Missing,
}

impl Lapse {
    /// Every lapse.
    pub const ALL: [Self; 4] = [Self::Suspended, Self::Ended, Self::NotBegun, Self::Missing];

    /// The word used on the wire and in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suspended => "agreement-suspended",
            Self::Ended => "agreement-ended",
            Self::NotBegun => "agreement-not-begun",
            Self::Missing => "no-agreement",
        }
    }

    /// What a partner is told whose request waited meanwhile.
    pub fn partner_text(self) -> &'static str {
        match self {
            Self::Suspended => "The agreement was suspended before this was answered.",
            Self::Ended => "The agreement ended before this was answered.",
            Self::NotBegun => "The agreement was put off before this was answered.",
            Self::Missing => "The agreement was withdrawn before this was answered.",
        }
    }

    /// Why what was granted under it is so no longer.
    pub fn grant_text(self) -> &'static str {
        match self {
            Self::Suspended => "The agreement was suspended.",
            Self::Ended => "The agreement ended.",
            Self::NotBegun => "The agreement was put off.",
            Self::Missing => "The agreement was withdrawn.",
        }
    }

    /// Why an agreement, or that there is none, gives nothing at a moment; `None` while it is in force.
    pub fn of(agreement: Option<&Agreement>, at: Timestamp) -> Option<Self> {
        let Some(agreement) = agreement else {
            return Some(Self::Missing);
        };
        let is_over = agreement.valid_until.is_some_and(|until| at >= until);
        match agreement.status {
            AgreementStatus::Ended => Some(Self::Ended),
            AgreementStatus::Suspended => Some(Self::Suspended),
            AgreementStatus::Draft => Some(Self::NotBegun),
            AgreementStatus::Active if is_over => Some(Self::Ended),
            AgreementStatus::Active => (at < agreement.valid_from).then_some(Self::NotBegun),
        }
    }
}

impl fmt::Display for Lapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// That every item which widens and waits under the agreement with a partner is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interruption {
    /// The partner.
    pub partner: McSystemId,
    /// Why.
    pub lapse: Lapse,
    /// Whether what was asked of the partner, and not answered, is refused as well; older entries leave it to the answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_partner: bool,
    /// Whether what stood under the agreement is over and is revoked in entries of its own; older entries left it standing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revokes: bool,
}

/// That an agreement went out of force, and what was granted under it before is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interrupted {
    /// The index of the entry.
    pub index: u64,
    /// Why it was out of force.
    pub lapse: Lapse,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreement(status: AgreementStatus) -> Agreement {
        serde_json::from_value(serde_json::json!({
            "partner": "mc.de.example",
            "status": status,
            "valid_from": "2026-01-01T00:00:00Z",
            "valid_until": "2026-02-01T00:00:00Z"
        }))
        .unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_agreement_is_in_force_from_its_first_moment_to_before_its_last() {
        let active = agreement(AgreementStatus::Active);
        for (moment, lapse) in [
            ("2025-12-31T23:59:59.999Z", Some(Lapse::NotBegun)),
            ("2026-01-01T00:00:00Z", None),
            ("2026-01-31T23:59:59.999Z", None),
            ("2026-02-01T00:00:00Z", Some(Lapse::Ended)),
        ] {
            assert_eq!(Lapse::of(Some(&active), at(moment)), lapse, "{moment}");
        }
    }

    #[test]
    fn what_is_not_active_gives_nothing_at_any_time() {
        let inside = at("2026-01-15T00:00:00Z");
        for (status, lapse) in [
            (AgreementStatus::Draft, Lapse::NotBegun),
            (AgreementStatus::Suspended, Lapse::Suspended),
            (AgreementStatus::Ended, Lapse::Ended),
        ] {
            assert_eq!(Lapse::of(Some(&agreement(status)), inside), Some(lapse));
        }
        assert_eq!(Lapse::of(None, inside), Some(Lapse::Missing));
    }

    #[test]
    fn words_on_the_wire_are_the_serialized_ones() {
        for lapse in Lapse::ALL {
            assert_eq!(serde_json::to_value(lapse).unwrap(), lapse.as_str());
        }
    }
}

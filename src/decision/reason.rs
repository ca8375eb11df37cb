//! Reason codes: why an item came out as it did, in one stable word. The policies hold the detail.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// Why an item came out as it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonCode {
    /// An automatic permit applies and no forbid does.
    Permitted,
    /// It waits for an authorised user.
    Held,
    /// A forbid applies.
    Forbidden,
    /// No permit applies.
    NotPermitted,
    /// There is no agreement with the other system.
    NoAgreement,
    /// It would be held, and nobody can wait for it (ruling 12): ask through the ACM.
    AskThroughAcm,
    /// It is permitted, and another system was chosen.
    NotSelected,
    /// The home of the subject cannot be told.
    SubjectUnresolvable,
    /// The home of the requester cannot be told.
    RequesterUnresolvable,
    /// The home of the group cannot be told.
    GroupUnresolvable,
    /// The home of the user who is asked for cannot be told.
    ResourceUnresolvable,
    /// The operation is not decided in that direction.
    DirectionUnknown,
    /// A policy that could have refused could not be evaluated, or the query could not be made.
    EvaluationError,
}

impl ReasonCode {
    /// Every reason.
    pub const ALL: [Self; 13] = [
        Self::Permitted,
        Self::Held,
        Self::Forbidden,
        Self::NotPermitted,
        Self::NoAgreement,
        Self::AskThroughAcm,
        Self::NotSelected,
        Self::SubjectUnresolvable,
        Self::RequesterUnresolvable,
        Self::GroupUnresolvable,
        Self::ResourceUnresolvable,
        Self::DirectionUnknown,
        Self::EvaluationError,
    ];

    /// The code on the wire and in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Permitted => "permitted",
            Self::Held => "held",
            Self::Forbidden => "forbidden",
            Self::NotPermitted => "not-permitted",
            Self::NoAgreement => "no-agreement",
            Self::AskThroughAcm => "ask-through-acm",
            Self::NotSelected => "not-selected",
            Self::SubjectUnresolvable => "subject-unresolvable",
            Self::RequesterUnresolvable => "requester-unresolvable",
            Self::GroupUnresolvable => "group-unresolvable",
            Self::ResourceUnresolvable => "resource-unresolvable",
            Self::DirectionUnknown => "direction-unknown",
            Self::EvaluationError => "evaluation-error",
        }
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::ReasonCode;

    #[test]
    fn codes_on_the_wire_are_the_serialized_ones() {
        for reason in ReasonCode::ALL {
            let json = serde_json::to_value(reason).unwrap();
            assert_eq!(json, reason.as_str());
        }
    }
}

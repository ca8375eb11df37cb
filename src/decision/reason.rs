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

    /// What a partner is told where no policy says it: fixed, and the same for everybody.
    pub fn partner_text(self) -> &'static str {
        match self {
            Self::Permitted => "It is granted.",
            Self::Held => "An authorised user decides.",
            Self::Forbidden | Self::NotPermitted => "What was agreed does not cover it.",
            Self::NoAgreement => "There is no agreement that covers it.",
            Self::AskThroughAcm => {
                "A person would have to agree; ask by an administrative exchange first."
            }
            Self::NotSelected => "Another system was chosen.",
            Self::SubjectUnresolvable => "The home of the user cannot be told.",
            Self::RequesterUnresolvable => "The home of the requester cannot be told.",
            Self::GroupUnresolvable => "The home of the group cannot be told.",
            Self::ResourceUnresolvable => "The home of the user who is asked for cannot be told.",
            Self::DirectionUnknown => "It is not decided on this side.",
            Self::EvaluationError => "It could not be decided.",
        }
    }

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
    fn what_partners_are_told_keeps_the_rules_of_their_texts() {
        for reason in ReasonCode::ALL {
            let text = reason.partner_text();
            assert!(
                text.parse::<crate::policy::texts::PartnerText>().is_ok(),
                "{text}"
            );
        }
    }

    #[test]
    fn codes_on_the_wire_are_the_serialized_ones() {
        for reason in ReasonCode::ALL {
            let json = serde_json::to_value(reason).unwrap();
            assert_eq!(json, reason.as_str());
        }
    }
}

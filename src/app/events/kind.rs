//! What can happen, by the words that events, webhooks and histories use.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde::Serializer;

use crate::domain::obligation::ObligationOutcome;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)+) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventKind {
            $($(#[$doc])* $variant,)+
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word, which never changes.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

kinds! {
    /// A request was decided.
    RequestSubmitted = "request.submitted",
    /// Somebody answered what is held.
    RequestAnswered = "request.answered",
    /// It was reported what became of it at the partner.
    RequestReported = "request.reported",
    /// Nobody answered in time.
    RequestExpired = "request.expired",
    /// Whoever asked withdrew it.
    RequestWithdrawn = "request.withdrawn",
    /// What it granted is so no longer.
    RequestRevoked = "request.revoked",
    /// The time of what it granted was over.
    RequestEnded = "request.ended",
    /// Whoever asked acknowledged what became of it.
    RequestDelivered = "request.delivered",
    /// People are to be reminded of what waits.
    RequestReminded = "request.reminded",
    /// Others are turned to, since nobody answered.
    RequestEscalated = "request.escalated",
    /// The agreement lapsed under which it waited.
    RequestInterrupted = "request.interrupted",
    /// Something that a grant obliges to was done.
    ObligationDone = "obligation.done",
    /// Something that a grant obliges to could not be done.
    ObligationFailed = "obligation.failed",
    /// Nobody reported in time what became of something that a grant obliges to.
    ObligationOverdue = "obligation.overdue",
    /// A request waits that is addressed to a user of ours.
    AcmPendingData = "acm.pending-data",
    /// A bundle came into force.
    PoliciesPublished = "policies.published",
    /// A bundle was refused.
    PoliciesRefused = "policies.refused",
    /// Registry documents were written or deleted.
    RegistryChanged = "registry.changed",
}

impl EventKind {
    /// That an outcome of an obligation was reported.
    pub fn of_obligation(outcome: ObligationOutcome) -> Self {
        match outcome {
            ObligationOutcome::Done => Self::ObligationDone,
            ObligationOutcome::Failed => Self::ObligationFailed,
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A word that names no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no type of event; there are {all}", all = known())]
pub struct UnknownKind(pub String);

impl FromStr for EventKind {
    type Err = UnknownKind;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.iter();
        let found = all.find(|kind| kind.as_str() == word);
        found.copied().ok_or_else(|| UnknownKind(word.to_owned()))
    }
}

fn known() -> String {
    let words: Vec<String> = EventKind::ALL
        .iter()
        .map(|kind| format!("`{kind}`"))
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::EventKind;

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        let words: BTreeSet<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(words.len(), EventKind::ALL.len());
        for kind in EventKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        let unknown = "request.forgotten".parse::<EventKind>().unwrap_err();
        assert!(unknown.to_string().contains("`request.submitted`"));
    }
}

//! Whether the two halves of an agreement fit (TR 23.781 clause 6.1.1, NOTE 1, and the editor's note on alignment).
//!
//! Each system writes its own half, and neither knows what the other wrote until both are laid side by side. Everything that is
//! found is told by the names of the systems, so that the list reads the same from both sides and can be sent to the partner.

mod category;
mod exchange;
mod standing;
mod trust;
mod uneven;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::agreement::Agreement;
use super::agreement::CertificateThumbprint;
use super::identity::McSystemId;
use super::time::Timestamp;

/// One system's half of the agreement, and what is known of that system beside it.
#[derive(Clone, Copy, Debug)]
pub struct Half<'a> {
    /// The system that wrote it.
    pub system: &'a McSystemId,
    /// What it wrote.
    pub agreement: &'a Agreement,
    /// The key management servers that its own users have; `None` where that is not known.
    pub key_servers: Option<&'a BTreeSet<String>>,
}

/// What else the comparison depends on.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The moment for which the halves are compared: what was over before it no longer matters.
    pub at: Timestamp,
    /// When certificates end, as far as that is known.
    pub certificates_end: &'a BTreeMap<CertificateThumbprint, Timestamp>,
}

/// How much a mismatch weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// One side permits what the other refuses.
    Blocking,
    /// One side permits what the other will never ask for.
    OneSided,
    /// The terms differ; that may be meant, since agreements are asymmetric by nature.
    Informational,
}

impl Severity {
    /// The word used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::OneSided => "one-sided",
            Self::Informational => "informational",
        }
    }

    /// Whether two halves with such a mismatch do not fit.
    pub fn prevents_fit(self) -> bool {
        match self {
            Self::Blocking | Self::OneSided => true,
            Self::Informational => false,
        }
    }
}

/// What one half says at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The system whose half it is.
    pub system: McSystemId,
    /// JSON pointer into the half; empty where the value is known of the system from elsewhere.
    pub pointer: &'static str,
    /// The value that counts; a flag that is not written is false, another term that is not written is null.
    pub value: Value,
}

/// One point in which the halves do not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// How much it weighs.
    pub severity: Severity,
    /// What our half says.
    pub ours: Place,
    /// What their half says.
    pub theirs: Place,
    /// What fails in practice.
    pub effect: String,
    /// What would mend it.
    pub remedy: String,
    /// The clause that it rests on.
    pub source: &'static str,
}

impl Mismatch {
    /// The same mismatch as the other side sees it.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self {
            ours: self.theirs,
            theirs: self.ours,
            ..self
        }
    }
}

/// The answer to whether two halves fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Our system.
    pub ours: McSystemId,
    /// The partner.
    pub theirs: McSystemId,
    /// The moment for which they were compared.
    pub at: Timestamp,
    /// Whether nothing was found that prevents it; terms may still differ.
    pub fits: bool,
    /// What was found, the gravest first.
    pub mismatches: Vec<Mismatch>,
}

impl Comparison {
    /// Lays two halves side by side.
    pub fn of(ours: Half<'_>, theirs: Half<'_>, circumstances: Circumstances<'_>) -> Self {
        let mismatches = mirror(ours, theirs, circumstances);
        Self {
            ours: ours.system.clone(),
            theirs: theirs.system.clone(),
            at: circumstances.at,
            fits: !mismatches
                .iter()
                .any(|mismatch| mismatch.severity.prevents_fit()),
            mismatches,
        }
    }
}

/// Every point in which two halves do not fit, the gravest first.
///
/// `mirror(a, b)` and `mirror(b, a)` find the same in the same order, with the sides swapped. When the halves are not about each
/// other nothing else is compared.
pub fn mirror(ours: Half<'_>, theirs: Half<'_>, circumstances: Circumstances<'_>) -> Vec<Mismatch> {
    let (one, other) = if ours.system <= theirs.system {
        (ours, theirs)
    } else {
        (theirs, ours)
    };
    let mut found = standing::identities(one, other);
    if found.is_empty() {
        found.extend(standing::compare(one, other, circumstances.at));
        found.extend(trust::certificates(one, other, circumstances));
        found.extend(exchange::compare(one, other));
        found.extend(category::compare(one, other));
        found.extend(trust::key_servers(one, other));
        found.extend(uneven::compare(one, other));
    }
    found.sort_by_key(|mismatch| mismatch.severity);
    found
        .into_iter()
        .map(|mismatch| {
            if mismatch.ours.system == *ours.system {
                mismatch
            } else {
                mismatch.swapped()
            }
        })
        .collect()
}

/// A member that is true or false, and where it is written.
#[derive(Clone, Copy, Debug)]
struct Flag {
    pointer: &'static str,
    read: fn(&Agreement) -> bool,
}

impl Half<'_> {
    fn place(&self, pointer: &'static str, value: impl Into<Value>) -> Place {
        Place {
            system: self.system.clone(),
            pointer,
            value: value.into(),
        }
    }

    fn has(&self, flag: Flag) -> bool {
        (flag.read)(self.agreement)
    }

    fn flag(&self, flag: Flag) -> Place {
        self.place(flag.pointer, self.has(flag))
    }

    /// A sentence with `{a}` for this system and `{b}` for the other.
    fn tell(&self, other: &Half<'_>, sentence: &str) -> String {
        sentence
            .replace("{a}", self.system.as_str())
            .replace("{b}", other.system.as_str())
    }
}

/// Both directions between two halves.
fn directions<'a>(one: Half<'a>, other: Half<'a>) -> [(Half<'a>, Half<'a>); 2] {
    [(one, other), (other, one)]
}

#[cfg(test)]
mod tests;

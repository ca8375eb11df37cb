//! What Comity reads from the annotations of a policy.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::Span;
use jiff::SpanRelativeTo;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use smol_str::SmolStr;

use crate::policy::approvals::ApprovalsError;
use crate::policy::reminders::ReminderError;

/// The annotations that have a meaning.
pub const KNOWN: [&str; 16] = [
    "id",
    "category",
    "response",
    "obligation",
    "when_accepted",
    "when_refused",
    "due",
    "limits",
    "expires",
    "approvals",
    "denials",
    "remind",
    "escalate",
    "locked",
    "reason",
    "note",
];

/// Why an annotation's value cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnnotationError {
    /// Not lower-case words joined by hyphens and dots.
    #[error("`{0}` is not a name: lower-case words, joined by hyphens and dots")]
    Name(String),
    /// None of the words that are possible here.
    #[error("`{word}` is none of {}", one_of(expected))]
    Word {
        /// What was written.
        word: String,
        /// What is possible.
        expected: &'static [&'static str],
    },
    /// Not `name by system-role function`.
    #[error("`{0}` does not read `name by system-role function`")]
    Obligation(String),
    /// Not an ISO 8601 duration.
    #[error("`{0}` is not an ISO 8601 duration of weeks, days, hours, minutes and seconds")]
    Duration(String),
    /// A duration that is over before it begins.
    #[error("`{0}` is not longer than nothing")]
    NotPositive(String),
    /// A text that says nothing, or too much.
    #[error("the text has {count} characters, not 1 to {most}")]
    Length {
        /// How many it has.
        count: usize,
        /// How many it may have.
        most: usize,
    },
    /// A text that is not one line of printable characters.
    #[error("the text is not one line of printable characters, without blanks at its ends")]
    NotPrintable,
    /// A word in a text for partners that names something of ours.
    #[error("`{0}` is an address, an identifier or a number, which no partner is told")]
    Identifier(String),
    /// Nothing where a list was expected.
    #[error("the list is empty")]
    Empty,
    /// Approvals or denials that cannot be counted.
    #[error(transparent)]
    Approvals(#[from] ApprovalsError),
    /// No reminder, or nobody to turn to.
    #[error(transparent)]
    Reminder(#[from] ReminderError),
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// An enumeration that is written as one word: parsed, displayed and serialized alike.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every word, as it is written.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl FromStr for $name {
            type Err = AnnotationError;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    other => Err(AnnotationError::Word {
                        word: other.to_owned(),
                        expected: Self::WORDS,
                    }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// How a permit answers, or how a forbid holds.
    Response {
        /// Granted at once.
        Automatic = "automatic",
        /// A person decides.
        ManualReview = "manual-review",
    }
}

words! {
    /// Which of the systems of a request has to do something.
    SystemRole {
        /// The system that asks.
        Requesting = "requesting",
        /// The system that is asked.
        Receiving = "receiving",
        /// The system that serves the user now.
        Serving = "serving",
        /// The home of the affected user.
        SubjectHome = "subject-home",
        /// The home of the group or other resource.
        ResourceHome = "resource-home",
    }
}

words! {
    /// Which function of that system has to do it.
    Function {
        /// Administrative configuration management client.
        AcmClient = "ACMC",
        /// Administrative configuration management server.
        AcmServer = "ACMS",
        /// Configuration management server.
        ConfigurationServer = "CMS",
        /// Group management server.
        GroupServer = "GMS",
        /// Key management server.
        KeyServer = "KMS",
        /// Identity management server.
        IdentityServer = "IdMS",
        /// MC service server.
        McServiceServer = "MC-service-server",
        /// SIP database.
        SipDatabase = "SIP-database",
        /// The user equipment.
        UserEquipment = "UE",
        /// MC gateway server.
        Gateway = "gateway",
    }
}

words! {
    /// What of a grant can be less than what was asked.
    Limit {
        /// A reduced user profile.
        Profile = "profile",
        /// Fewer MC services.
        Services = "services",
        /// A lower priority.
        PriorityCap = "priority-cap",
        /// What we set ourselves for a group of a partner.
        LocalSettings = "local-settings",
        /// An end.
        EndTime = "end-time",
    }
}

/// Name of a kind of request for which an officer configures an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Category(SmolStr);

impl Category {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Category {
    type Err = AnnotationError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        checked_name(name).map(|name| Self(SmolStr::new(name)))
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Category {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_string(deserializer)
    }
}

/// Something to be done once a request is granted: what, by which function of which system.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Obligation {
    /// What is to be done.
    pub name: SmolStr,
    /// Which system does it.
    pub system: SystemRole,
    /// Which of its functions.
    pub function: Function,
}

impl FromStr for Obligation {
    type Err = AnnotationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split_whitespace();
        let (Some(name), Some("by"), Some(system), Some(function), None) = (
            words.next(),
            words.next(),
            words.next(),
            words.next(),
            words.next(),
        ) else {
            return Err(AnnotationError::Obligation(text.trim().to_owned()));
        };
        Ok(Self {
            name: SmolStr::new(checked_name(name)?),
            system: system.parse()?,
            function: function.parse()?,
        })
    }
}

impl fmt::Display for Obligation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {} {}", self.name, self.system, self.function)
    }
}

/// How long a held request waits for a person; longer than nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Expiry(SignedDuration);

impl Expiry {
    /// Four hours: what holds where neither policy nor manifest says otherwise.
    pub const DEFAULT: Self = Self(SignedDuration::from_hours(4));

    /// The duration.
    pub fn duration(self) -> SignedDuration {
        self.0
    }
}

impl FromStr for Expiry {
    type Err = AnnotationError;

    /// Reads an ISO 8601 duration; a day counts 24 hours, months and years have no fixed length.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let not_a_duration = |_| AnnotationError::Duration(text.to_owned());
        let span: Span = text.parse().map_err(not_a_duration)?;
        let duration = span
            .to_duration(SpanRelativeTo::days_are_24_hours())
            .map_err(not_a_duration)?;
        if duration.is_positive() {
            Ok(Self(duration))
        } else {
            Err(AnnotationError::NotPositive(text.to_owned()))
        }
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Expiry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_string(deserializer)
    }
}

/// Reads a comma-separated list of obligations.
pub fn obligations(text: &str) -> Result<Vec<Obligation>, AnnotationError> {
    list(text)
}

/// Reads a comma-separated list of limits.
pub fn limits(text: &str) -> Result<BTreeSet<Limit>, AnnotationError> {
    list(text).map(BTreeSet::from_iter)
}

/// Checks a stable name: lower-case words joined by hyphens and dots.
pub fn checked_name(name: &str) -> Result<&str, AnnotationError> {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    if name.split(['.', '-']).all(is_word) {
        Ok(name)
    } else {
        Err(AnnotationError::Name(name.to_owned()))
    }
}

fn list<T: FromStr<Err = AnnotationError>>(text: &str) -> Result<Vec<T>, AnnotationError> {
    if text.trim().is_empty() {
        return Err(AnnotationError::Empty);
    }
    text.split(',').map(|item| item.trim().parse()).collect()
}

fn parse_string<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err = AnnotationError>,
    D: Deserializer<'de>,
{
    String::deserialize(deserializer)?
        .parse()
        .map_err(serde::de::Error::custom)
}

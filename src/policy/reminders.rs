//! When a policy has people reminded of what it holds, and to whom else it turns when nobody answers.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

use crate::domain::role::InvalidRole;
use crate::domain::role::Role;
use crate::policy::annotation::AnnotationError;
use crate::policy::annotation::Expiry;

/// The most roles that one policy may turn to.
pub const ESCALATIONS_MAX: usize = 20;

/// Nobody is reminded more often: every reminder is an entry of the log.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

/// How long something waits before it is done; a minute at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Wait(SignedDuration);

/// What `@escalate` asks for: after so long, people of this role are turned to as well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Escalations(BTreeMap<Role, Wait>);

/// Why a text is no reminder or escalation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReminderError {
    /// Nothing where a list was expected.
    #[error("it turns to nobody")]
    Empty,
    /// Not `duration: role`.
    #[error("`{0}` does not read `duration: role`")]
    Form(String),
    /// Shorter than a minute.
    #[error("`{0}` is shorter than a minute")]
    TooShort(String),
    /// A role that no user can have.
    #[error(transparent)]
    Role(#[from] InvalidRole),
    /// The same role twice.
    #[error("`{0}` is turned to twice")]
    Doubled(Role),
    /// More roles than a policy may name.
    #[error("{0} roles are turned to; {ESCALATIONS_MAX} at most can be")]
    TooMany(usize),
}

impl Wait {
    /// In whole milliseconds.
    pub fn milliseconds(self) -> i64 {
        i64::try_from(self.0.as_millis()).unwrap_or(i64::MAX)
    }
}

impl FromStr for Wait {
    type Err = AnnotationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let duration = text.parse::<Expiry>()?.duration();
        if duration < SHORTEST {
            return Err(ReminderError::TooShort(text.to_owned()).into());
        }
        Ok(Self(duration))
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Wait {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Escalations {
    /// After how long each role is turned to.
    pub fn roles(&self) -> &BTreeMap<Role, Wait> {
        &self.0
    }

    /// Whether nobody is turned to.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that either turns to, each at the earlier time.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut roles = self.0.clone();
        for (role, wait) in &other.0 {
            let earliest = roles.entry(role.clone()).or_insert(*wait);
            *earliest = (*earliest).min(*wait);
        }
        Self(roles)
    }
}

impl FromStr for Escalations {
    type Err = AnnotationError;

    /// Reads `PT1H: shift-leader, PT4H: head-of-department`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Err(ReminderError::Empty.into());
        }
        let mut roles = BTreeMap::new();
        for asked in text.split(',').map(str::trim) {
            let form = || ReminderError::Form(asked.to_owned());
            let (wait, role) = asked.split_once(':').ok_or_else(form)?;
            let role: Role = role.trim().parse().map_err(ReminderError::Role)?;
            let wait: Wait = wait.parse()?;
            if roles.insert(role.clone(), wait).is_some() {
                return Err(ReminderError::Doubled(role).into());
            }
        }
        if roles.len() > ESCALATIONS_MAX {
            return Err(ReminderError::TooMany(roles.len()).into());
        }
        Ok(Self(roles))
    }
}

#[cfg(test)]
mod tests {
    use super::Escalations;
    use super::ReminderError;
    use super::Wait;
    use crate::policy::annotation::AnnotationError;

    fn read(text: &str) -> Escalations {
        text.parse().unwrap()
    }

    #[test]
    fn durations_and_roles_are_read() {
        assert_eq!("PT30M".parse::<Wait>().unwrap().milliseconds(), 1_800_000);
        assert_eq!("P1D".parse::<Wait>().unwrap().milliseconds(), 86_400_000);
        let two = read("PT1H: shift-leader,PT4H:head.of-department");
        let roles: Vec<String> = two
            .roles()
            .iter()
            .map(|(role, wait)| format!("{role} {wait}"))
            .collect();
        assert_eq!(roles, ["head.of-department PT4H", "shift-leader PT1H"]);
        let json = serde_json::to_value(&two).unwrap();
        assert_eq!(json["shift-leader"], "PT1H");
        assert_eq!(serde_json::from_value::<Escalations>(json).unwrap(), two);
    }

    #[test]
    fn what_says_nobody_or_no_time_is_refused() {
        type Error = ReminderError;
        let form = |text: &str| Error::Form(text.to_owned());
        for (text, error) in [
            ("", Error::Empty),
            (" ", Error::Empty),
            ("PT1H", form("PT1H")),
            ("shift-leader", form("shift-leader")),
            ("PT1H: a, ", form("")),
            ("PT59S: a", Error::TooShort("PT59S".to_owned())),
            ("PT1H: a, PT2H: a", Error::Doubled("a".parse().unwrap())),
        ] {
            let refused = text.parse::<Escalations>().unwrap_err();
            assert_eq!(refused, AnnotationError::Reminder(error), "{text}");
        }
        for text in [
            "soon: a",
            "P1M: a",
            "PT0S: a",
            "-PT1H: a",
            "PT1H: Shift Leader",
        ] {
            assert!(text.parse::<Escalations>().is_err(), "{text}");
        }
        for text in ["", "soon", "PT59S", "PT0S", "-PT1H", "PT1H: a"] {
            assert!(text.parse::<Wait>().is_err(), "{text}");
        }
        let many: Vec<String> = (0..21).map(|number| format!("PT1H: r{number}")).collect();
        let many = many.join(",").parse::<Escalations>().unwrap_err();
        assert_eq!(many, AnnotationError::Reminder(Error::TooMany(21)));
    }

    #[test]
    fn both_turn_to_all_at_the_earlier_time() {
        let both = read("PT1H: a, PT2H: b").and(&read("PT1H: b, PT3H: c"));
        assert_eq!(both, read("PT1H: a, PT1H: b, PT3H: c"));
        assert_eq!(both, both.and(&Escalations::default()));
    }
}

//! How the decision log is published: its name, who reads it, who cosigns it.

use std::time::Duration;

use super::Bounded;
use super::InvalidConfig;
use super::MILLISECONDS;
use super::partial::Partial;
use super::witnesses;
use super::witnesses::WitnessSettings;
use crate::app::log::LogReaders;
use crate::decision_log::checkpoint::Origin;
use crate::domain::identity::McSystemId;

/// How long a checkpoint waits for witnesses, unless it is set.
const WITNESS_MILLISECONDS: u64 = 500;

/// How the decision log is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedLogSettings {
    /// Its name.
    pub origin: Origin,
    /// Who may read it.
    pub readers: LogReaders,
    /// Who cosigns its checkpoints.
    pub witnesses: Vec<WitnessSettings>,
    /// How many of them shall; absent: all.
    pub witnesses_wanted: Option<usize>,
    /// How long a checkpoint waits for them.
    pub witness_patience: Duration,
}

impl PublishedLogSettings {
    /// What holds for a system unless something is set.
    pub fn of_system(system: &McSystemId) -> Self {
        Self {
            origin: Origin::of_system(system.as_str()),
            readers: LogReaders::default(),
            witnesses: Vec::new(),
            witnesses_wanted: None,
            witness_patience: Duration::from_millis(WITNESS_MILLISECONDS),
        }
    }
}

impl Partial {
    pub(super) fn published_log(
        &mut self,
        system: Option<&McSystemId>,
        problems: &mut Vec<String>,
    ) -> Option<PublishedLogSettings> {
        let origin = self.origin(system, problems);
        let readers = self.readers(problems);
        let milliseconds = Bounded {
            name: "decision_log_witness_milliseconds_max",
            value: self.decision_log_witness_milliseconds_max,
            range: MILLISECONDS,
        }
        .or(WITNESS_MILLISECONDS, problems);
        let wanted = self.decision_log_witnesses_wanted;
        let witnesses_wanted = wanted_among(self.witnesses.len(), wanted, problems);
        let witnesses = witnesses::checked(std::mem::take(&mut self.witnesses))
            .map_err(|InvalidConfig(found)| problems.extend(found))
            .unwrap_or_default();
        Some(PublishedLogSettings {
            origin: origin?,
            readers,
            witnesses,
            witnesses_wanted,
            witness_patience: Duration::from_millis(milliseconds),
        })
    }

    /// The name of the log: as it is given, or after the system.
    fn origin(&self, system: Option<&McSystemId>, problems: &mut Vec<String>) -> Option<Origin> {
        let Some(name) = &self.decision_log_origin else {
            return system.map(|system| Origin::of_system(system.as_str()));
        };
        name.parse()
            .map_err(|error| problems.push(format!("decision_log_origin: {error}")))
            .ok()
    }

    fn readers(&self, problems: &mut Vec<String>) -> LogReaders {
        match self.decision_log_readers.as_deref() {
            None | Some("callers") => LogReaders::Callers,
            Some("anybody") => LogReaders::Anybody,
            Some(other) => {
                problems.push(format!(
                    "decision_log_readers: `{other}` is neither `callers` nor `anybody`"
                ));
                LogReaders::Callers
            }
        }
    }
}

/// More than there are would never sign.
fn wanted_among(
    witnesses: usize,
    wanted: Option<u64>,
    problems: &mut Vec<String>,
) -> Option<usize> {
    let wanted = usize::try_from(wanted?).unwrap_or(usize::MAX);
    if wanted > witnesses {
        problems.push(format!(
            "decision_log_witnesses_wanted: {wanted} are wanted and {witnesses} named; name them in `[[witnesses]]`"
        ));
    }
    Some(wanted)
}

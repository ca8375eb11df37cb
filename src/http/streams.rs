//! How many event streams are open, in all and for each caller.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;
use crate::http::settings::HttpSettings;

/// The streams that are open; clones count the same ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams(Arc<Mutex<BTreeMap<String, usize>>>);

/// A stream that is open, until it is dropped.
#[derive(Debug)]
pub(super) struct OpenStream {
    streams: Streams,
    caller: String,
}

impl Streams {
    /// A place for one more, if there is one.
    pub(super) fn open(
        &self,
        caller: &str,
        settings: &HttpSettings,
    ) -> Result<OpenStream, Problem> {
        let mut open = self.counts();
        let own = open.get(caller).copied().unwrap_or_default();
        if own >= settings.event_streams_per_caller_max {
            let most = settings.event_streams_per_caller_max;
            let detail = format!("`{caller}` has {most} event streams open, as many as one may");
            return Err(Problem::new(ProblemKind::TooManyStreams, detail));
        }
        if open.values().sum::<usize>() >= settings.event_streams_max {
            let detail = "all event streams that the service gives out are open";
            return Err(Problem::new(ProblemKind::NoStreamLeft, detail));
        }
        open.insert(caller.to_owned(), own + 1);
        Ok(OpenStream {
            streams: self.clone(),
            caller: caller.to_owned(),
        })
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = self.streams.counts();
        if let Some(count) = open.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Streams;
    use crate::http::problem::kind::ProblemKind;
    use crate::http::settings::HttpSettings;

    #[test]
    fn a_place_is_free_again_once_a_stream_ends() {
        let settings = HttpSettings {
            event_streams_max: 3,
            event_streams_per_caller_max: 2,
            ..HttpSettings::default()
        };
        let streams = Streams::default();
        let open = |caller| streams.open(caller, &settings);
        let refused = |caller| open(caller).map(drop).unwrap_err().kind();
        let first = open("one").unwrap();
        let _second = open("one").unwrap();
        assert_eq!(refused("one"), ProblemKind::TooManyStreams);
        let _third = open("two").unwrap();
        assert_eq!(refused("two"), ProblemKind::NoStreamLeft);
        drop(first);
        let _fourth = open("two").unwrap();
        assert_eq!(refused("one"), ProblemKind::NoStreamLeft);
        assert_eq!(refused("two"), ProblemKind::TooManyStreams);
    }
}

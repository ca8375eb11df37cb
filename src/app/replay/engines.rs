//! The engines of one worker, by bundle: its own copies, so that workers do not slow each other.

use std::sync::Arc;

use crate::app::replay::archived_bundle;
use crate::decision::engine::Engine;
use crate::store::embedded::archive::Archive;
use crate::telemetry::chain::chain;

/// How many bundles a worker keeps ready; a log mostly goes from one bundle to the next.
const READY_MAX: usize = 4;

/// Engines that were asked lately, the latest last.
#[derive(Debug)]
pub(in crate::app) struct Engines<'a> {
    archive: &'a Archive,
    ready: Vec<(String, Result<Engine, String>)>,
}

impl<'a> Engines<'a> {
    pub(in crate::app) fn new(archive: &'a Archive) -> Self {
        Self {
            archive,
            ready: Vec::new(),
        }
    }

    /// The engine of a bundle, or why there is none.
    pub(in crate::app) fn of(&mut self, digest: &str) -> Result<&Engine, &str> {
        let is_latest = self.ready.last().is_some_and(|(known, _)| known == digest);
        if !is_latest {
            let known = self.ready.iter().position(|(known, _)| known == digest);
            let latest = match known {
                Some(place) => self.ready.remove(place),
                None => (digest.to_owned(), self.make(digest)),
            };
            if self.ready.len() >= READY_MAX {
                drop(self.ready.remove(0));
            }
            self.ready.push(latest);
        }
        match self.ready.last() {
            Some((_, Ok(engine))) => Ok(engine),
            Some((_, Err(reason))) => Err(reason),
            None => Err("no engine is ready"),
        }
    }

    fn make(&self, digest: &str) -> Result<Engine, String> {
        let (_, bundle) = archived_bundle(self.archive, digest).map_err(|error| chain(&error))?;
        Ok(Engine::new(Arc::new(bundle)))
    }
}

//! Long reading of the log that a caller asks for and looks at later: few at once, never where requests are decided.
//!
//! Jobs are kept in memory and forgotten with the process; what they found can be found again.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;

use serde::Serialize;
use uuid::Uuid;

use crate::app::error::AppError;
use crate::domain::time::Timestamp;
use crate::telemetry::chain::chain;

/// How many jobs run at once, of all kinds together.
pub const RUNNING_MAX: usize = 2;

/// How many jobs of a kind are told of; the one that ended first is forgotten first.
pub const KEPT_MAX: usize = 32;

/// How many jobs run, of all kinds together, and whether they are to end.
#[derive(Debug, Default)]
pub(in crate::app) struct Slots {
    running: AtomicUsize,
    is_closing: AtomicBool,
}

/// One of the places for a job that runs; given back when it is dropped.
#[derive(Debug)]
struct Slot(Arc<Slots>);

/// The jobs of a kind, by what they find.
#[derive(Debug)]
pub(in crate::app) struct Jobs<R> {
    slots: Arc<Slots>,
    known: Mutex<VecDeque<Arc<Job<R>>>>,
}

/// A job, to its own thread.
#[derive(Debug)]
pub(in crate::app) struct Job<R> {
    id: Uuid,
    asked_by: String,
    asked_at: Timestamp,
    done: AtomicU64,
    entries: AtomicU64,
    ended: Mutex<Option<Result<Arc<R>, String>>>,
    slots: Arc<Slots>,
}

/// Where a job stands.
#[derive(Clone, Debug, Serialize)]
pub struct JobAnswer<R> {
    /// Its name.
    pub id: Uuid,
    /// Whether it runs, is done, or failed.
    pub status: JobStatus,
    /// The caller who asked for it.
    pub asked_by: String,
    /// When.
    pub asked_at: Timestamp,
    /// How many entries of the log it has read.
    pub done: u64,
    /// How many it reads in all.
    pub entries: u64,
    /// What it found, once it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Arc<R>>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// Whether a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobStatus {
    /// It reads.
    Running,
    /// It has found what there is.
    Done,
    /// It ended before.
    Failed,
}

impl Slots {
    /// Ends what runs, and begins nothing any more.
    pub(in crate::app) fn close(&self) {
        self.is_closing.store(true, Ordering::SeqCst);
    }

    fn take(self: &Arc<Self>) -> Result<Slot, AppError> {
        let is_closing = self.is_closing.load(Ordering::SeqCst);
        let free = |running: usize| (running < RUNNING_MAX && !is_closing).then_some(running + 1);
        self.running
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, free)
            .map(|_| Slot(Arc::clone(self)))
            .map_err(|running| AppError::TooManyJobs { running })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<R> Job<R> {
    /// Says how far it is; whoever is told to break off does.
    pub(in crate::app) fn heard(&self, done: u64, entries: u64) -> ControlFlow<()> {
        self.entries.store(entries, Ordering::Relaxed);
        self.done.store(done, Ordering::Relaxed);
        if self.slots.is_closing.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn ended(&self) -> MutexGuard<'_, Option<Result<Arc<R>, String>>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self) -> JobAnswer<R> {
        let (status, report, failure) = match &*self.ended() {
            None => (JobStatus::Running, None, None),
            Some(Ok(report)) => (JobStatus::Done, Some(Arc::clone(report)), None),
            Some(Err(reason)) => (JobStatus::Failed, None, Some(reason.clone())),
        };
        JobAnswer {
            id: self.id,
            status,
            asked_by: self.asked_by.clone(),
            asked_at: self.asked_at,
            done: self.done.load(Ordering::Relaxed),
            entries: self.entries.load(Ordering::Relaxed),
            report,
            failure,
        }
    }
}

impl<R: Send + Sync + 'static> Jobs<R> {
    pub(in crate::app) fn new(slots: &Arc<Slots>) -> Self {
        Self {
            slots: Arc::clone(slots),
            known: Mutex::default(),
        }
    }

    /// Begins a job on a thread of its own, unless too many run.
    pub(in crate::app) fn begin(
        &self,
        (asked_by, asked_at): (&str, Timestamp),
        work: impl FnOnce(&Job<R>) -> Result<R, AppError> + Send + 'static,
    ) -> Result<JobAnswer<R>, AppError> {
        let slot = self.slots.take()?;
        let job = Arc::new(Job {
            id: Uuid::new_v4(),
            asked_by: asked_by.to_owned(),
            asked_at,
            done: AtomicU64::new(0),
            entries: AtomicU64::new(0),
            ended: Mutex::default(),
            slots: Arc::clone(&self.slots),
        });
        let answer = job.answer();
        let own = Arc::clone(&job);
        thread::Builder::new()
            .name("job".to_owned())
            .spawn(move || {
                let mut outcome = Outcome::of(&own);
                outcome.found = Some(work(&own));
                drop(outcome);
                drop(slot);
            })
            .map_err(|error| AppError::Broken(Box::new(error)))?;
        self.keep(job);
        Ok(answer)
    }

    /// Where a job stands, by its name.
    pub(in crate::app) fn find(&self, name: &str) -> Result<JobAnswer<R>, AppError> {
        let known = self.known();
        let job = known.iter().find(|job| job.id.to_string() == name);
        job.map(|job| job.answer())
            .ok_or_else(|| AppError::UnknownJob(name.to_owned()))
    }

    fn keep(&self, job: Arc<Job<R>>) {
        let mut known = self.known();
        if known.len() >= KEPT_MAX {
            let ended = known.iter().position(|job| job.ended().is_some());
            // There are more places than jobs that run.
            if let Some(first) = ended {
                known.remove(first);
            }
        }
        known.push_back(job);
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<Arc<Job<R>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes how a job ended, even if it panicked.
struct Outcome<'a, R> {
    job: &'a Job<R>,
    found: Option<Result<R, AppError>>,
}

impl<'a, R> Outcome<'a, R> {
    fn of(job: &'a Job<R>) -> Self {
        Self { job, found: None }
    }
}

impl<R> Drop for Outcome<'_, R> {
    fn drop(&mut self) {
        let found = match self.found.take() {
            Some(Ok(found)) => Ok(Arc::new(found)),
            Some(Err(error)) => Err(chain(&error)),
            None => Err("it ended before its work".to_owned()),
        };
        *self.job.ended() = Some(found);
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::sync::Arc;
    use std::sync::mpsc;

    use super::JobStatus;
    use super::Jobs;
    use super::RUNNING_MAX;
    use super::Slots;
    use crate::app::error::AppError;
    use crate::domain::time::Timestamp;

    fn by() -> (&'static str, Timestamp) {
        ("auditor", Timestamp::from_milliseconds(0))
    }

    /// Waits until a job has ended; a thread that never ends would hang the test.
    fn ended<R: Send + Sync + 'static>(jobs: &Jobs<R>, id: uuid::Uuid) -> super::JobAnswer<R> {
        loop {
            let answer = jobs.find(&id.to_string()).unwrap();
            if answer.status != JobStatus::Running {
                return answer;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn few_run_at_once_and_a_place_is_free_again_after_the_end() {
        let jobs = Jobs::new(&Arc::new(Slots::default()));
        let mut waiting = Vec::new();
        for _ in 0..RUNNING_MAX {
            let (go, wait) = mpsc::channel::<u64>();
            let begun = jobs.begin(by(), move |_| Ok(wait.recv().unwrap()));
            waiting.push((go, begun.unwrap()));
        }
        let refused = jobs.begin(by(), |_| Ok(1)).unwrap_err();
        assert!(matches!(refused, AppError::TooManyJobs { running } if running == RUNNING_MAX));
        for (number, (go, begun)) in (0..).zip(&waiting) {
            assert_eq!(begun.status, JobStatus::Running);
            go.send(number).unwrap();
            let answer = ended(&jobs, begun.id);
            assert_eq!(answer.report.as_deref(), Some(&number));
        }
        // The place is given back just after the end is told.
        while let Err(AppError::TooManyJobs { .. }) = jobs.begin(by(), |_| Ok(1)) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn one_that_fails_or_panics_says_so() {
        let jobs = Jobs::<u64>::new(&Arc::new(Slots::default()));
        let failed = jobs.begin(by(), |_| Err(AppError::Contended)).unwrap();
        let answer = ended(&jobs, failed.id);
        assert!(answer.failure.is_some() && answer.report.is_none());
        let panicked = jobs.begin(by(), |job| {
            assert_eq!(job.heard(3, 5), ControlFlow::Continue(()));
            std::panic::resume_unwind(Box::new("no matter"))
        });
        let answer = ended(&jobs, panicked.unwrap().id);
        assert_eq!((answer.done, answer.entries), (3, 5));
        assert_eq!(answer.failure.as_deref(), Some("it ended before its work"));
    }

    #[test]
    fn those_that_run_are_told_when_the_service_closes() {
        let slots = Arc::new(Slots::default());
        let jobs = Jobs::<u64>::new(&slots);
        let begun = jobs.begin(by(), |job| {
            while job.heard(0, 1).is_continue() {
                std::thread::yield_now();
            }
            Err(AppError::Contended)
        });
        slots.close();
        let answer = ended(&jobs, begun.unwrap().id);
        assert_eq!(answer.status, JobStatus::Failed);
        assert!(jobs.begin(by(), |_| Ok(1)).is_err());
    }
}

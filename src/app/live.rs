//! The bundle in force: swapped whole, read without waiting; every request uses one snapshot.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::decision::engine::Engine;
use crate::policy::source::BundleDigest;

/// A publication in force, with a copy of the engine for each worker.
#[derive(Debug)]
pub struct Published {
    /// Counts publications.
    pub generation: u64,
    /// Names the content.
    pub digest: BundleDigest,
    engines: Engines,
}

/// A copy of the engine for each worker: copies share no reference counts, so workers do not slow each other.
#[derive(Debug)]
pub struct Engines(Vec<Engine>);

impl Engines {
    /// Makes the copies, all at once; with thousands of policies each takes a good part of a second.
    pub fn new(engine: Engine, workers: usize) -> Self {
        let mut engines: Vec<Engine> = thread::scope(|scope| {
            let copies: Vec<_> = (1..workers)
                .map(|_| scope.spawn(|| engine.replicate()))
                .collect();
            // A copy that could not be made is one worker less of its own.
            copies
                .into_iter()
                .filter_map(|copy| copy.join().ok())
                .collect()
        });
        engines.push(engine);
        Self(engines)
    }
}

impl Published {
    /// A publication that is ready to be asked.
    pub fn new(generation: u64, digest: BundleDigest, engines: Engines) -> Self {
        Self {
            generation,
            digest,
            engines,
        }
    }

    /// The copy of the calling thread.
    pub fn engine(&self) -> Option<&Engine> {
        let Engines(engines) = &self.engines;
        engines.get(worker_number() % engines.len().max(1))
    }
}

fn worker_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    NUMBER.with(|number| {
        number.get().unwrap_or_else(|| {
            let mine = NEXT.fetch_add(1, Ordering::Relaxed);
            number.set(Some(mine));
            mine
        })
    })
}

/// The pointer that publication moves.
#[derive(Debug)]
pub struct Live {
    current: ArcSwap<Published>,
    generation: watch::Sender<u64>,
}

impl Live {
    /// Begins with a publication.
    pub fn new(published: Published) -> Self {
        let generation = watch::Sender::new(published.generation);
        Self {
            current: ArcSwap::from_pointee(published),
            generation,
        }
    }

    /// The publication in force.
    pub fn current(&self) -> Arc<Published> {
        self.current.load_full()
    }

    /// Puts a publication in force.
    pub fn swap(&self, published: Published) {
        let generation = published.generation;
        self.current.store(Arc::new(published));
        self.generation.send_replace(generation);
    }

    /// Waits until at least that generation is in force.
    pub async fn reached(&self, generation: u64) {
        // The sender lives as long as `self`, so waiting can't fail.
        drop(
            self.generation
                .subscribe()
                .wait_for(|present| *present >= generation)
                .await,
        );
    }
}

//! Following the log: a piece at a time, one thread, after everybody was answered.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::impact::Compare;
use crate::app::impact::Example;
use crate::app::impact::ImpactReport;
use crate::app::impact::Tried;
use crate::app::recorded::Selection;
use crate::app::shadow::LATEST_MAX;
use crate::decision::engine::Engine;
use crate::store::state::State;

/// How many entries are looked at before others get their turn.
const PIECE_ENTRIES: u64 = 256;

/// How long the next piece waits for more entries.
const PAUSE: Duration = Duration::from_millis(200);

/// How long to wait after a piece could not be read.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The engine of the bundle that follows; made once, since that takes long with many policies.
#[derive(Debug)]
struct Ready {
    tried: Arc<Tried>,
    engine: Engine,
}

/// How a piece went.
enum Gone {
    /// There may be more.
    On(Option<Ready>),
    /// Nothing is left to look at.
    ToTheEnd(Option<Ready>),
}

impl App {
    /// Lets the shadow follow the log until it is aborted; nothing where none is named.
    pub fn follow_by_shadow(&self) -> Option<JoinHandle<()>> {
        self.settings().shadow_policies.as_ref()?;
        let app = self.clone();
        Some(tokio::spawn(async move {
            let mut appended = app.store().appended();
            let mut ready = None;
            loop {
                // Seen before it is read, so that no entry falls between.
                appended.borrow_and_update();
                app.renew_shadow().await;
                let before = ready.take();
                let gone = app.aside(move |app| app.shadow_piece(before)).await;
                match gone {
                    Ok(Gone::On(engine)) => ready = engine,
                    Ok(Gone::ToTheEnd(engine)) => {
                        ready = engine;
                        if appended.changed().await.is_err() {
                            return;
                        }
                        tokio::time::sleep(PAUSE).await;
                    }
                    Err(error) => {
                        tracing::error!(%error, "the shadow does not come on");
                        tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                    }
                }
            }
        }))
    }

    /// Lays the responses that were approved meanwhile over the shadow, as over the bundle in force.
    async fn renew_shadow(&self) {
        let present = self.store().view(State::generation);
        let is_old = {
            let standing = self.0.shadow.standing();
            let following = standing.following.as_ref();
            following.is_some_and(|following| following.generation != present)
        };
        if is_old && let Err(error) = self.reload_shadow().await {
            tracing::error!(%error, "the shadow was not read anew");
        }
    }

    fn shadow_piece(&self, ready: Option<Ready>) -> Result<Gone, AppError> {
        let reader = self.store().reader();
        let (tried, next) = {
            let standing = self.0.shadow.standing();
            match &standing.following {
                Some(following) => (Arc::clone(&following.tried), following.next),
                None => return Ok(Gone::ToTheEnd(None)),
            }
        };
        let size = reader.size().0;
        if next >= size {
            return Ok(Gone::ToTheEnd(ready));
        }
        let engine = match ready {
            Some(ready) if Arc::ptr_eq(&ready.tried, &tried) => ready.engine,
            Some(_) | None => tried
                .bundle()
                .map(|bundle| Engine::new(Arc::clone(bundle)))
                .ok_or_else(|| AppError::Broken("a shadow without a bundle".into()))?,
        };
        let piece = next..size.min(next + PIECE_ENTRIES);
        let mut compare = Compare::by(&reader, self.archive(), &tried, engine);
        let found = compare.piece(&Selection::default(), piece.clone());
        let engine = compare.into_engine();
        let found = found.map_err(|error| AppError::Broken(Box::new(error)))?;
        self.note_shadowed(&tried, piece, found);
        Ok(Gone::On(engine.map(|engine| Ready { tried, engine })))
    }

    /// Counts what a piece brought, unless another shadow took over meanwhile.
    fn note_shadowed(&self, tried: &Arc<Tried>, piece: Range<u64>, found: ImpactReport) {
        let now = self.now();
        let mut guard = self.0.shadow.standing();
        let standing = &mut *guard;
        let Some(following) = &mut standing.following else {
            return;
        };
        if !Arc::ptr_eq(&following.tried, tried) || following.next != piece.start {
            return;
        }
        following.next = piece.end;
        for (transition, items) in found.changes.iter() {
            self.metrics()
                .shadowed(transition.from.as_str(), transition.to.as_str(), items);
        }
        self.metrics().shadow_decided(found.decisions);
        for example in &found.examples {
            if standing.logged.take("shadow", now).is_ok() {
                log(example);
            }
            following.latest.push_back(example.clone());
        }
        let surplus = following.latest.len().saturating_sub(LATEST_MAX);
        following.latest.drain(..surplus);
        following.report.add(found);
    }
}

fn log(example: &Example) {
    tracing::info!(
        index = example.index,
        request = %example.request_id,
        item = example.item,
        from = %example.from,
        to = %example.to,
        policies_then = ?example.policies_then,
        policies_now = ?example.policies_now,
        "the shadow would have decided otherwise"
    );
}

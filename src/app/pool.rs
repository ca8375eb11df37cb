//! Deciding many items in chunks, on as many threads as there are engines and no more.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::app::error::AppError;
use crate::app::live::Published;
use crate::decision::decide::ItemDecision;
use crate::decision::decide::decide_items;
use crate::decision::facts::Facts;
use crate::decision::query::Prepared;
use crate::decision::query::item_count;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;

/// Items decided on the calling thread; a request with more goes to the pool.
pub const CHUNK_ITEMS_MAX: usize = 64;

static CHUNKS_AT_ONCE: Semaphore = Semaphore::const_new(2);

/// Decides every item of a request under one snapshot, in the order of the items.
pub(super) async fn decide_in_chunks(
    live: &Arc<Published>,
    request: &InterSystemRequest,
    facts: &Facts,
    now: Timestamp,
) -> Result<Vec<ItemDecision>, AppError> {
    let count = item_count(request, facts);
    if count <= CHUNK_ITEMS_MAX {
        return decide_range(live, request, facts, now, 0..count);
    }
    let shared = Arc::new((request.clone(), facts.clone()));
    let mut chunks = Vec::new();
    for start in (0..count).step_by(CHUNK_ITEMS_MAX) {
        let range = start..count.min(start + CHUNK_ITEMS_MAX);
        let (live, shared) = (Arc::clone(live), Arc::clone(&shared));
        chunks.push(tokio::spawn(async move {
            let _turn = CHUNKS_AT_ONCE
                .acquire()
                .await
                .map_err(|error| AppError::Broken(Box::new(error)))?;
            tokio::task::spawn_blocking(move || {
                decide_range(&live, &shared.0, &shared.1, now, range)
            })
            .await
            .map_err(|error| AppError::Broken(Box::new(error)))?
        }));
    }
    let mut items = Vec::with_capacity(count);
    for chunk in chunks {
        items.extend(
            chunk
                .await
                .map_err(|error| AppError::Broken(Box::new(error)))??,
        );
    }
    Ok(items)
}

fn decide_range(
    live: &Published,
    request: &InterSystemRequest,
    facts: &Facts,
    now: Timestamp,
    range: std::ops::Range<usize>,
) -> Result<Vec<ItemDecision>, AppError> {
    let engine = live
        .engine()
        .ok_or_else(|| AppError::Broken("no engine is in force".into()))?;
    let prepared = Prepared::new(engine.bundle(), request, facts, now);
    Ok(decide_items(engine, &prepared, range))
}

//! Going through a range of the log in pieces, each worker with what is its own; what they find is taken in order.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::thread;
use std::thread::ScopedJoinHandle;

use crate::app::error::AppError;

/// How the work is divided.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct Plan {
    /// How many workers there are.
    pub(in crate::app) workers: usize,
    /// How many entries a piece has.
    pub(in crate::app) piece: u64,
}

/// What came of a piece, and where it ends.
type Done<R> = (Range<u64>, R);

/// Lets workers go through a range of the log, and takes what came of each piece in the order of the log.
///
/// `take` learns up to where everything is done, and can end it; pieces that are under way then come to nothing.
pub(in crate::app) fn in_order<W, R: Send>(
    range: Range<u64>,
    plan: Plan,
    worker: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, Range<u64>) -> R + Sync,
    take: impl FnMut(u64, R) -> ControlFlow<()>,
) -> Result<(), AppError> {
    let piece = plan.piece.max(1);
    let next = AtomicU64::new(range.start);
    let is_over = AtomicBool::new(false);
    let (worker, work, next, is_over) = (&worker, &work, &next, &is_over);
    let end = range.end;
    thread::scope(|scope| {
        let workers = plan.workers.max(1);
        let (send, receive) = mpsc::sync_channel(workers * 2);
        let mut running = Vec::new();
        for _ in 0..workers {
            let send = send.clone();
            let run = move || {
                let mut own = worker();
                while !is_over.load(Ordering::Relaxed) {
                    let start = next.fetch_add(piece, Ordering::Relaxed);
                    if start >= end {
                        break;
                    }
                    let piece = start..end.min(start.saturating_add(piece));
                    let found = work(&mut own, piece.clone());
                    if send.send((piece, found)).is_err() {
                        break;
                    }
                }
            };
            let started = thread::Builder::new()
                .name("recorded".to_owned())
                .spawn_scoped(scope, run);
            running.push(started.map_err(|error| AppError::Broken(Box::new(error)))?);
        }
        drop(send);
        let ended = in_turn(range.start, receive, take);
        is_over.store(true, Ordering::Relaxed);
        // A worker that panicked leaves a gap; what it found is not known.
        let joined: Vec<_> = running.into_iter().map(ScopedJoinHandle::join).collect();
        let are_whole = joined.iter().all(Result::is_ok);
        match (ended, are_whole) {
            (ControlFlow::Continue(reached), true) if reached < end => {
                Err(AppError::Broken("a piece of the log is missing".into()))
            }
            (_, false) => Err(AppError::Broken("a worker ended before its work".into())),
            (_, true) => Ok(()),
        }
    })
}

/// Takes what comes in the order of the log; says how far that went unless it was ended.
fn in_turn<R>(
    start: u64,
    receive: Receiver<Done<R>>,
    mut take: impl FnMut(u64, R) -> ControlFlow<()>,
) -> ControlFlow<(), u64> {
    let mut early: BTreeMap<u64, (u64, R)> = BTreeMap::new();
    let mut reached = start;
    for (piece, found) in receive {
        early.insert(piece.start, (piece.end, found));
        while let Some((end, found)) = early.remove(&reached) {
            reached = end;
            take(reached, found)?;
        }
    }
    ControlFlow::Continue(reached)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::Plan;
    use super::in_order;

    fn sums(range: std::ops::Range<u64>, workers: usize, piece: u64) -> Vec<(u64, u64)> {
        let mut taken = Vec::new();
        in_order(
            range,
            Plan { workers, piece },
            || 0_u64,
            |_, piece| piece.sum::<u64>(),
            |reached, sum| {
                taken.push((reached, sum));
                ControlFlow::Continue(())
            },
        )
        .unwrap();
        taken
    }

    #[test]
    fn pieces_are_taken_in_the_order_of_the_log_whoever_is_first() {
        let alone = sums(3..1_000, 1, 7);
        assert_eq!(alone.last().unwrap().0, 1_000);
        assert_eq!(
            alone.iter().map(|(_, sum)| sum).sum::<u64>(),
            (3..1_000).sum::<u64>()
        );
        assert_eq!(sums(3..1_000, 4, 7), alone);
        assert!(sums(5..5, 4, 7).is_empty());
    }

    #[test]
    fn it_can_be_ended_between_two_pieces() {
        let mut taken = Vec::new();
        in_order(
            0..1_000_000,
            Plan {
                workers: 3,
                piece: 1,
            },
            || (),
            |(), piece| piece.start,
            |_, start| {
                taken.push(start);
                if taken.len() == 4 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            },
        )
        .unwrap();
        assert_eq!(taken, [0, 1, 2, 3]);
    }

    #[test]
    fn a_worker_that_panics_is_an_error_not_a_gap() {
        let ended = in_order(
            0..10,
            Plan {
                workers: 2,
                piece: 1,
            },
            || (),
            |(), piece| assert_ne!(piece.start, 5),
            |_, ()| ControlFlow::Continue(()),
        );
        assert!(ended.is_err());
    }
}

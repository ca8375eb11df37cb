//! The sequencer: one thread through which every change goes.
//!
//! It takes what waits, checks each command, appends the events together with one sync, applies them,
//! and answers. Whoever asked may have gone away by then; what is in the queue is carried out.

mod check;
mod life;
mod touched;

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;

use crate::decision::record::RecordPart;
use crate::decision_log::LeafHash;
use crate::decision_log::LogIndex;
use crate::decision_log::merkle;
use crate::store::command::Command;
use crate::store::command::CommandOutcome;
use crate::store::command::CommitError;
use crate::store::command::Committed;
use crate::store::command::Refusal;
use crate::store::embedded::error::RecordError;
use crate::store::embedded::journal::AppendError;
use crate::store::embedded::journal::EntryBytes;
use crate::store::embedded::journal::Journal;
use crate::store::embedded::journal::PAYLOAD_LIMIT_BYTES;
use crate::store::embedded::meta::Run;
use crate::store::embedded::projection::Stop;
use crate::store::embedded::read_back::read_back;
use crate::store::embedded::store::Shared;
use crate::store::event::EncodeError;
use crate::store::event::Event;
use crate::store::in_force;
use crate::store::state::RequestEntry;
use crate::store::state::State;
use crate::telemetry::chain::chain;

use check::Checked;
use touched::Touched;

/// A batch is written when it has so many bytes, however many commands wait.
const BATCH_BYTES: usize = 8 << 20;

/// What waits for the sequencer.
#[derive(Debug)]
pub(super) enum Message {
    /// A command, and whom to answer.
    Commit(Box<Command>, Reply),
    /// Begin another payload segment, so that the present one can be written anew.
    FinishSegment(oneshot::Sender<Result<(), String>>),
    /// The last message: carry out what waits, and put everything away.
    Close,
}

type Reply = oneshot::Sender<Result<Committed, CommitError>>;

/// What the thread works with.
#[derive(Debug)]
pub(super) struct Sequencer {
    pub(super) journal: Journal,
    pub(super) shared: Arc<Shared>,
    pub(super) queue: mpsc::Receiver<Message>,
    pub(super) batch_commands: usize,
    pub(super) projector: JoinHandle<Option<u64>>,
    /// Dropped when everything is put away.
    pub(super) ended: watch::Sender<()>,
}

/// Events that were checked and are not yet written.
#[derive(Default)]
struct Batch {
    touched: Touched,
    entries: Vec<EntryBytes>,
    /// Of events that are sequenced together, the first has whom to answer.
    waiting: Vec<(Event, LeafHash, Option<Reply>)>,
    bytes: usize,
}

impl Sequencer {
    /// Works until it is closed or nobody can send any more.
    pub(super) fn run(mut self) {
        let mut closing = false;
        while let Some(first) = self.queue.blocking_recv() {
            let mut batch = Batch::default();
            let mut next = Some(first);
            let mut taken = 0;
            while let Some(message) = next {
                match message {
                    Message::Commit(command, reply) => self.take(&mut batch, *command, reply),
                    Message::FinishSegment(reply) => {
                        self.write(std::mem::take(&mut batch));
                        self.finish_segment(reply);
                    }
                    Message::Close => {
                        self.queue.close();
                        closing = true;
                    }
                }
                taken += 1;
                next = (taken < self.batch_commands)
                    .then(|| self.queue.try_recv().ok())
                    .flatten();
            }
            self.write(batch);
        }
        self.end(closing);
    }

    fn finish_segment(&mut self, reply: oneshot::Sender<Result<(), String>>) {
        let finished = self.journal.finish_payload_segment();
        let finished = finished.map_err(|error| {
            let told = chain(&error);
            if self.journal.is_stopped() {
                self.shared.note_stopped(&told);
            }
            told
        });
        if reply.send(finished).is_err() {
            tracing::debug!("whoever asked for another segment went away before it was begun");
        }
    }

    /// Checks one command; answers it, or adds it to the batch.
    fn take(&mut self, batch: &mut Batch, command: Command, reply: Reply) {
        if self.journal.is_stopped() {
            return answer(
                reply,
                Err(CommitError::OutcomeUnknown(self.shared.stopped())),
            );
        }
        if batch.touched.concerns(&command) || batch.bytes >= BATCH_BYTES {
            self.write(std::mem::take(batch));
            if self.journal.is_stopped() {
                let reason = self.shared.stopped();
                return answer(reply, Err(CommitError::OutcomeUnknown(reason)));
            }
        }
        let ended = match self.ended(&command) {
            Ok(ended) => ended,
            Err(error) => return answer(reply, Err(CommitError::NotRecorded(chain(&error)))),
        };
        let checked = {
            let state = self.shared.read();
            check::check(&state, command, ended.as_ref())
        };
        // What stands under an agreement that lapses is listed with all that was sequenced before.
        if let Ok(Checked::Event(event, _)) = &checked
            && !event.interrupted.is_empty()
            && !batch.entries.is_empty()
        {
            self.write(std::mem::take(batch));
            if self.journal.is_stopped() {
                let reason = self.shared.stopped();
                return answer(reply, Err(CommitError::OutcomeUnknown(reason)));
            }
        }
        match checked {
            Ok(Checked::Event(event, record)) => self.join(batch, vec![(event, record)], reply),
            Ok(Checked::Together(events)) => self.join(batch, events, reply),
            Ok(Checked::Duplicate(request_id, index)) => {
                let outcome = CommandOutcome::Duplicate { request_id };
                answer(reply, self.committed(index, outcome));
            }
            Err(refusal) => answer(reply, Err(refusal.into())),
        }
    }

    /// Adds events to the batch, all of them or none: what a batch holds is recorded as a whole or not at all.
    fn join(&self, batch: &mut Batch, events: Vec<(Box<Event>, Vec<RecordPart>)>, reply: Reply) {
        let state = self.shared.read();
        let mut encoded = Vec::new();
        for (event, record) in events {
            match encoded_in(&state, &event, record) {
                Ok(entry) => encoded.push((event, entry)),
                Err(error) => return answer(reply, Err(error)),
            }
        }
        let mut reply = Some(reply);
        for (event, (entry, leaf_hash)) in encoded {
            batch.touched.add(&event, &state);
            batch.bytes += entry.leaf.len() + entry.payload.len();
            batch.entries.push(entry);
            batch.waiting.push((*event, leaf_hash, reply.take()));
        }
    }

    /// The request that a command is about, if it was put away and the command may change it all the same.
    fn ended(&self, command: &Command) -> Result<Option<RequestEntry>, RecordError> {
        let Some(request_id) = life::may_concern_ended(command) else {
            return Ok(None);
        };
        let place = self.shared.read().put_away(request_id);
        let entry = place.map(|place| read_back(&self.shared.reader, &place));
        entry.transpose()
    }

    fn committed(
        &self,
        index: LogIndex,
        outcome: CommandOutcome,
    ) -> Result<Committed, CommitError> {
        let leaf = self.shared.reader.read_leaf(index);
        let leaf = leaf.map_err(|error| CommitError::OutcomeUnknown(chain(&error)))?;
        Ok(Committed {
            index,
            leaf_hash: merkle::leaf_hash(&leaf),
            outcome,
        })
    }

    /// Appends a batch, applies it, and answers.
    fn write(&mut self, batch: Batch) {
        if batch.entries.is_empty() {
            return;
        }
        let appended = self.journal.append(&batch.entries);
        let range = match appended {
            Ok(range) => range,
            Err(error) => {
                let error = self.failed(&error);
                for reply in batch.waiting.into_iter().filter_map(|(_, _, reply)| reply) {
                    answer(reply, Err(error.clone()));
                }
                return;
            }
        };
        self.shared.note_recording(None);
        let indexes = (range.start.0..range.end.0).map(LogIndex);
        self.apply(&batch.waiting, indexes.clone());
        for ((_, leaf_hash, reply), index) in batch.waiting.into_iter().zip(indexes) {
            let committed = Committed {
                index,
                leaf_hash,
                outcome: CommandOutcome::Sequenced,
            };
            if let Some(reply) = reply {
                answer(reply, Ok(committed));
            }
        }
    }

    fn apply(
        &self,
        waiting: &[(Event, LeafHash, Option<Reply>)],
        indexes: impl Iterator<Item = LogIndex>,
    ) {
        let mut state = self.shared.write();
        let mut changed = Vec::new();
        for ((event, ..), index) in waiting.iter().zip(indexes) {
            changed.extend(state.apply(event, index));
        }
        let rows = changed.into_iter().map(|key| {
            let value = state.row(&key);
            (key, value)
        });
        self.shared.pending.leave(rows);
        let applied = state.applied();
        drop(state);
        self.shared.note_applied(applied);
    }

    fn failed(&self, error: &AppendError) -> CommitError {
        let reason = chain(error);
        match error {
            AppendError::TooLarge { .. } => Refusal::Invalid(reason).into(),
            AppendError::NotRecorded { source, .. } => {
                tracing::error!(error = %reason, "a batch was not recorded");
                self.shared.note_recording(Some(reason.clone()));
                if is_full(source) {
                    CommitError::NoSpace(reason)
                } else {
                    CommitError::NotRecorded(reason)
                }
            }
            AppendError::OutcomeUnknown { .. } => {
                tracing::error!(error = %reason, "the journal stopped");
                self.shared.note_stopped(&reason);
                CommitError::OutcomeUnknown(reason)
            }
        }
    }

    /// Puts everything away. Without anybody who asked for it, as if the process had been killed.
    fn end(self, closing: bool) {
        let asked = closing && !self.journal.is_stopped();
        let stop = if asked {
            Stop::Finished
        } else {
            Stop::Abandoned
        };
        self.shared.pending.stop(stop);
        let projection = self.projector.join().unwrap_or_default();
        if asked {
            let run = Run {
                boot_id: self.shared.boot_id.clone(),
                clean: true,
                projection,
            };
            if let Err(error) = self.shared.write_run(&run) {
                tracing::warn!(error = %error, "that the store was closed could not be written down");
            }
        }
        // The lock of the data directory goes before anybody is told that it is free.
        drop(self.journal);
        drop(self.ended);
    }
}

/// Whether room is what the disk lacks.
fn is_full(error: &io::Error) -> bool {
    let lacks_room = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
    lacks_room.contains(&error.kind())
}

fn answer(reply: Reply, result: Result<Committed, CommitError>) {
    if reply.send(result).is_err() {
        tracing::debug!("whoever asked for a change went away before it was answered");
    }
}

/// The entry that an event becomes in a state.
fn encoded_in(
    state: &State,
    event: &Event,
    mut record: Vec<RecordPart>,
) -> Result<(EntryBytes, LeafHash), CommitError> {
    let listed =
        in_force::parts(state, event).map_err(|error| CommitError::NotRecorded(chain(&error)))?;
    record.extend(listed);
    encode(event, record)
}

fn encode(event: &Event, record: Vec<RecordPart>) -> Result<(EntryBytes, LeafHash), CommitError> {
    let salts = |bytes: &mut [u8]| {
        getrandom::fill(bytes).map_err(|error| EncodeError::Salts(error.to_string()))
    };
    let encoded = event.encode(record, salts).map_err(|error| match error {
        EncodeError::Salts(_) => CommitError::NotRecorded(chain(&error)),
        EncodeError::Json(_)
        | EncodeError::Payload(_)
        | EncodeError::Leaf(_)
        | EncodeError::Time(_) => CommitError::Refused(Refusal::Invalid(chain(&error))),
    })?;
    let leaf_hash = encoded.leaf.hash();
    let entry = EntryBytes {
        leaf: encoded.leaf.encode(),
        payload: encoded.payload.encode(),
    };
    if entry.payload.len() > PAYLOAD_LIMIT_BYTES {
        let message = format!("its entry has more than {PAYLOAD_LIMIT_BYTES} bytes");
        return Err(Refusal::Invalid(message).into());
    }
    Ok((entry, leaf_hash))
}

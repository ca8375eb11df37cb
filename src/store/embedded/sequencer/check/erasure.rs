//! Orders to erase: each step follows from the one before, and two persons stand behind it.

use super::Checked;
use super::event;
use crate::store::command::NoteErasure;
use crate::store::command::Refusal;
use crate::store::erasure::ErasureRefusal;
use crate::store::erasure::ErasureStep;
use crate::store::erasure::OrderStatus;
use crate::store::event::EventBody;
use crate::store::state::State;

/// Whether the order is in a state for the step.
pub(super) fn note(state: &State, noted: NoteErasure) -> Result<Checked, Refusal> {
    let order = state.erasure(noted.id);
    let known = || order.ok_or(ErasureRefusal::Unknown);
    match &noted.step {
        // What was asked for may have been confirmed in the part that was lost.
        ErasureStep::Restored { .. } => {
            if order.is_some_and(|order| order.confirmed.is_some()) {
                return Err(ErasureRefusal::Exists.into());
            }
        }
        ErasureStep::Asked { .. } => {
            if order.is_some() {
                return Err(ErasureRefusal::Exists.into());
            }
        }
        ErasureStep::Confirmed { by, before } => {
            let order = known()?;
            if order.status != OrderStatus::Asked {
                return Err(ErasureRefusal::NotAsked.into());
            }
            // Without anybody who asked there is nobody to be told from.
            if order.by.as_ref().is_none_or(|asked| asked.is_same(by)) {
                return Err(ErasureRefusal::SamePerson.into());
            }
            if *before > state.applied() {
                let message = "it reaches entries that are not there".to_owned();
                return Err(Refusal::Invalid(message));
            }
        }
        ErasureStep::Dropped => {
            if known()?.status != OrderStatus::Asked {
                return Err(ErasureRefusal::NotAsked.into());
            }
        }
        ErasureStep::Done(_) => match known()?.status {
            OrderStatus::Confirmed | OrderStatus::Done => {}
            OrderStatus::Asked | OrderStatus::Dropped => {
                return Err(ErasureRefusal::NotConfirmed.into());
            }
        },
        ErasureStep::Retention { .. } => {}
    }
    let body = EventBody::Erasure {
        id: noted.id,
        step: Box::new(noted.step),
        actor: Some(noted.actor),
        reason: noted.reason,
        subjects: noted.subjects,
    };
    Ok(event(noted.at, body))
}

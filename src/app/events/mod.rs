//! What happened, as others are told: derived from the entries of the log, and from nothing else.
//!
//! An event is named by the place of its entry, so it is the same whenever and to whomever it is told, after a
//! restart too. Nothing is queued for those who read: whoever falls behind is fed from the log again.

mod derive;
mod ended;
mod feed;
mod id;
mod kind;
mod message;

pub use feed::Feed;
pub use feed::Wanted;
pub use id::EventId;
pub use id::Place;
pub use kind::EventKind;
pub use message::ChangedItem;
pub use message::EventMessage;
pub use message::ITEMS_TOLD_MAX;

use tokio::sync::watch;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::decision_log::TreeSize;
use crate::identity::caller::Caller;

impl App {
    /// Begins to read events after a place; without one, with what happens from now on.
    ///
    /// A place that is ahead of the log, or of another log, is refused.
    pub fn events(
        &self,
        caller: &Caller,
        wanted: Wanted,
        after: Option<&Place>,
    ) -> Result<Feed, AppError> {
        self.permit(caller, Action::ReadEvents)?;
        Feed::open(self.clone(), wanted, after)
    }

    /// Tells how many entries of the log are applied, whenever there are more.
    pub fn appended(&self) -> watch::Receiver<TreeSize> {
        self.store().appended()
    }
}

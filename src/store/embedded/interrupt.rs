//! Ending the opening of a store from outside.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

/// Lets another thread end an opening, which may take minutes. Clones are the same.
///
/// Raised too late it does nothing: a store that is open is closed in order.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    raised: Arc<AtomicBool>,
}

impl Interrupt {
    /// Ends the opening soon, with an error that says so.
    pub fn raise(&self) {
        self.raised.store(true, Ordering::Relaxed);
    }

    /// Whether it was raised.
    pub fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Relaxed)
    }

    pub(in crate::store::embedded) fn check(&self) -> io::Result<()> {
        if self.is_raised() {
            return Err(io::Error::other("interrupted"));
        }
        Ok(())
    }
}

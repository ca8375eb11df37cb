//! Records: their schema, exports of them, what is masked, and logs of every version that there was.

mod exports;
mod golden;
mod kinds;
mod masking;
mod ocsf;
pub(crate) mod schema;

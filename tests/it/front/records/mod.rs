//! Records: their schema, exports of them, what is masked, and logs of every version that there was.

mod exports;
mod kinds;

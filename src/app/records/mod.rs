//! Finding records of the log, counting them, and writing down who read which.

mod filter;
mod page;
mod reads;
mod summary;

pub use self::filter::RecordFilter;
pub use self::page::BucketAnswer;
pub use self::page::CountsAnswer;
pub use self::page::PAGE_RECORDS_MAX;
pub use self::page::RecordPage;
pub(in crate::app) use self::reads::Reads;
pub use self::summary::RecordSummary;

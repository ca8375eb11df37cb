//! The customer's words: identities, systems, agreements, users, groups, operations, requests, outcomes.
//!
//! Nothing here knows Cedar, SQL or HTTP. Every identifier is parsed once, at the edge, and compared
//! exactly ever after.

pub mod access_grant;
pub mod agreement;
pub mod area;
pub mod catalogue;
pub mod credential;
pub mod disclosure;
pub mod document;
pub mod geography;
pub mod given;
pub mod group;
pub mod home_refusal;
pub mod identity;
pub mod kept_configuration;
pub mod lapse;
pub mod lifecycle;
pub mod link;
pub mod location;
pub mod membership;
pub mod migrated_profile;
pub mod migration;
pub mod migration_user;
pub mod mirror;
pub mod obligation;
pub mod open_deletion;
pub mod operation;
pub mod outcome;
pub mod partner_keys;
pub mod public_url;
pub mod registry;
pub mod request;
pub mod response_settings;
pub mod role;
pub mod scheduled_change;
pub mod secret;
pub mod service;
pub mod shared_group;
pub mod sip;
pub mod system;
pub mod time;
pub mod ue_configuration;
pub mod user;
pub mod wire;

//! Migration of users to another system (TR 23.781 key issues 2.1 to 2.11).

pub(super) mod credentialed;
pub(super) mod current_system_report;
pub(super) mod inbound_identities;
pub(super) mod inter_domain_authorization;
pub(super) mod migration_return;
pub(super) mod outbound_identities;
pub(super) mod partner_connection_details;
pub(super) mod partner_system_access;
pub(super) mod profile_retrieval;
pub(super) mod service_authorization;
pub(super) mod sip_registration;
pub(super) mod ue_release;

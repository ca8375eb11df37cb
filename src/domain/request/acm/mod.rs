//! Administrative exchanges between ACM servers (TS 23.280 clause 10.17).

pub(super) mod automatic_response_change;
pub(super) mod configuration_information;
pub(super) mod connection;
pub(super) mod cooperation_status_change;
pub(super) mod group_identity_provision;
pub(super) mod group_membership_update;
pub(super) mod joint_group_creation;
pub(super) mod migration_users_update;
pub(super) mod ue_configuration_push;
pub(super) mod user_configuration_change;
pub(super) mod visiting_service_change;

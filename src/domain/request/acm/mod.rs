//! Administrative exchanges between ACM servers (TS 23.280 clause 10.17).

pub(super) mod group_membership_update;
pub(super) mod ue_configuration_push;

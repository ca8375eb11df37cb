//! Communication with another system without migration (TR 23.781 key issues 1.1 to 1.12).

pub(super) mod affiliation;
pub(super) mod call;
pub(super) mod data_transaction;
pub(super) mod group_call;
pub(super) mod group_configuration_share;
pub(super) mod location_information_sharing;
pub(super) mod logging_data_delivery;
pub(super) mod partner_key_material;
pub(super) mod preconfigured_regroup;
pub(super) mod private_call;
pub(super) mod video_call;

//! Migration of users to another system (TR 23.781 key issues 2.1 to 2.11).

pub(super) mod service_authorization;

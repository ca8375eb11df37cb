//! Communication with another system without migration (TR 23.781 key issues 1.1 to 1.12).

pub(super) mod affiliation;

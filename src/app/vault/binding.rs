//! To which place sealed data belongs.

use uuid::Uuid;

use crate::domain::identity::McSystemId;

/// What configuration data is sealed for: a version is the push of one request.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// Who provided it.
    pub provider: &'a McSystemId,
    /// The request that pushed it.
    pub request_id: Uuid,
}

/// What is sealed apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The data without its secrets.
    Document,
    /// The secrets.
    Secrets,
}

impl Binding<'_> {
    /// The associated data; every part but the last has its length before it or a fixed one.
    pub(super) fn of(&self, field: Field) -> Vec<u8> {
        let provider = self.provider.as_str().as_bytes();
        let mut bytes = b"comity ue-configuration 1\0".to_vec();
        bytes.extend(
            u64::try_from(provider.len())
                .unwrap_or(u64::MAX)
                .to_be_bytes(),
        );
        bytes.extend(provider);
        bytes.extend(self.request_id.as_bytes());
        bytes.extend(match field {
            Field::Document => b"document".as_slice(),
            Field::Secrets => b"secrets".as_slice(),
        });
        bytes
    }
}

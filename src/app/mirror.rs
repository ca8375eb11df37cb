//! Laying the partner's half of an agreement beside ours; nothing is kept of it.

use std::collections::BTreeMap;

use crate::app::App;
use crate::app::error::AppError;
use crate::domain::agreement::Agreement;
use crate::domain::document::Document;
use crate::domain::mirror::Circumstances;
use crate::domain::mirror::Comparison;
use crate::domain::mirror::Half;
use crate::domain::registry::DocumentId;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Versioned;
use crate::identity::caller::Caller;

impl App {
    /// Whether our half of the agreement with a partner fits theirs, and the revision of ours.
    ///
    /// Whoever may read our half may compare it.
    pub fn mirror_agreement(
        &self,
        caller: &Caller,
        partner: DocumentId,
        theirs: &Agreement,
    ) -> Result<Versioned<Comparison>, AppError> {
        let key = DocumentKey {
            kind: DocumentKind::Agreement,
            id: partner,
        };
        let found = self.document(caller, &key)?;
        let Document::Agreement(ours) = &*found.value else {
            return Err(AppError::UnknownDocument(key));
        };
        let circumstances = Circumstances {
            at: self.now(),
            certificates_end: &BTreeMap::new(),
        };
        let half = |system, agreement| Half {
            system,
            agreement,
            key_servers: None,
        };
        Ok(Versioned {
            revision: found.revision,
            value: Comparison::of(
                half(self.local_system(), ours),
                half(&ours.partner, theirs),
                circumstances,
            ),
        })
    }
}

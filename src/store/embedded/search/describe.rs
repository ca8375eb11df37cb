//! What an entry is found by: read from what is left of it, so that what was erased is found no longer.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::term::Dimension;
use super::term::Term;
use crate::decision::record::Outline;
use crate::decision_log::Leaf;
use crate::decision_log::LeafError;
use crate::decision_log::OutcomeCounts;
use crate::decision_log::Payload;
use crate::decision_log::PayloadError;
use crate::decision_log::StoredPart;
use crate::domain::document::Document;
use crate::domain::identity::McServiceId;
use crate::domain::outcome::Outcome;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::store::event::DecodeError;
use crate::store::event::DocumentChange;
use crate::store::event::Event;
use crate::store::event::EventBody;

/// What an index keeps of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// When it was made, in milliseconds since 1970.
    pub time: i64,
    /// All that it is found by.
    pub terms: BTreeSet<Term>,
}

/// Why an entry can't be described.
#[derive(Debug, thiserror::Error)]
pub enum DescribeError {
    /// Its leaf can't be read.
    #[error("the leaf can't be read")]
    Leaf(#[from] LeafError),
    /// Its payload can't be read.
    #[error("the payload can't be read")]
    Payload(#[from] PayloadError),
    /// It is no event.
    #[error("the entry is no event")]
    Event(#[from] DecodeError),
}

/// The part of a record that says who answered.
#[derive(Deserialize)]
#[serde(tag = "part", rename = "reviewer")]
struct ReviewerPart {
    reviewer: McServiceId,
}

/// Describes an entry by its leaf and payload, as they are kept.
pub fn describe(leaf: &[u8], payload: &[u8]) -> Result<Described, DescribeError> {
    let leaf = Leaf::parse(leaf)?;
    describe_entry(&leaf, Payload::parse(payload)?)
}

/// Describes an entry that was read.
pub fn describe_entry(leaf: &Leaf, payload: Payload) -> Result<Described, DescribeError> {
    let mut terms = Terms::default();
    terms.add(Dimension::Kind, leaf.kind().to_string());
    terms.add_outcomes(leaf.outcomes());
    let present = payload.parts().iter().filter_map(StoredPart::present);
    let subjects = present.filter_map(|part| part.class.subject_key());
    let subjects: Vec<String> = subjects.map(str::to_owned).collect();
    let stored = Event::decode(payload)?;
    // Whoever is searched for would else be found by having been searched for, each time once more.
    if !matches!(stored.event.body, EventBody::RecordsRead { .. }) {
        for subject in subjects {
            terms.add(Dimension::User, subject);
        }
    }
    terms.add_event(&stored.event);
    for part in stored.record.iter().filter_map(StoredPart::present) {
        if part.class.subject_key().is_none() {
            if let Some(outline) = Outline::of_part(&part.body) {
                terms.add_outline(outline);
            }
        } else if let Ok(said) = serde_json::from_slice::<ReviewerPart>(&part.body) {
            terms.add(Dimension::Reviewer, said.reviewer.as_str());
        }
    }
    Ok(Described {
        time: leaf.time().as_millisecond(),
        terms: terms.0,
    })
}

#[derive(Default)]
struct Terms(BTreeSet<Term>);

impl Terms {
    fn add(&mut self, dimension: Dimension, value: impl Into<String>) {
        self.0.insert(Term::new(dimension, value));
    }

    fn add_outcomes(&mut self, counts: OutcomeCounts) {
        let OutcomeCounts {
            accept,
            reject,
            review,
        } = counts;
        for (count, outcome) in [
            (accept, Outcome::Accept),
            (reject, Outcome::Reject),
            (review, Outcome::Review),
        ] {
            if count > 0 {
                self.add(Dimension::Outcome, outcome.as_str());
            }
        }
    }

    fn add_event(&mut self, event: &Event) {
        if let Some(request) = event.body.request() {
            self.add(Dimension::Request, request.to_string());
        }
        for change in event.body.changes() {
            match change {
                DocumentChange::Put(_, document) => self.add_document(document),
                DocumentChange::Deleted(key) => self.add_key(key),
            }
        }
        for interruption in &event.interrupted {
            self.add(Dimension::Partner, interruption.partner.as_str());
        }
        match &event.body {
            EventBody::Submitted { caller, .. } | EventBody::DryRuns { caller, .. } => {
                self.add(Dimension::Caller, &**caller);
            }
            EventBody::Revoked { submitter, .. } => self.add(Dimension::Caller, &**submitter),
            EventBody::ObligationNoted { by, .. } => self.add(Dimension::Caller, &**by),
            EventBody::Published { digest, actor, .. } => {
                self.add(Dimension::Bundle, digest);
                self.add_actor(actor.as_deref());
            }
            EventBody::PublicationRefused { digest, .. } => self.add(Dimension::Bundle, digest),
            EventBody::DocumentsWritten { actor, .. }
            | EventBody::SecretsRead { actor, .. }
            | EventBody::RecordsRead { actor, .. }
            | EventBody::Erasure { actor, .. } => self.add_actor(actor.as_deref()),
            EventBody::Genesis { .. }
            | EventBody::Responded { .. }
            | EventBody::Reported { .. }
            | EventBody::Withdrawn { .. }
            | EventBody::ObligationsOverdue { .. }
            | EventBody::Acknowledged { .. }
            | EventBody::Expired { .. }
            | EventBody::Reminded { .. }
            | EventBody::SigningBegun(_) => {}
        }
    }

    fn add_actor(&mut self, actor: Option<&str>) {
        if let Some(actor) = actor {
            self.add(Dimension::Caller, actor);
        }
    }

    fn add_key(&mut self, key: &DocumentKey) {
        let id = key.id.as_str();
        match key.kind {
            DocumentKind::System
            | DocumentKind::Agreement
            | DocumentKind::Link
            | DocumentKind::UeConfiguration
            | DocumentKind::AreaMap
            | DocumentKind::PartnerKeys
            | DocumentKind::ResponseSettings => self.add(Dimension::Partner, id),
            DocumentKind::Group | DocumentKind::SharedGroup | DocumentKind::GroupOverride => {
                self.add(Dimension::Group, id);
            }
            DocumentKind::User
            | DocumentKind::MigratedProfile
            | DocumentKind::Migration
            | DocumentKind::OpenDeletion
            | DocumentKind::AccessGrant
            | DocumentKind::HomeRefusal
            | DocumentKind::Membership
            | DocumentKind::MigrationUser
            | DocumentKind::ScheduledChange => {}
        }
    }

    fn add_document(&mut self, document: &Document) {
        for system in document.involved() {
            self.add(Dimension::Partner, system.as_str());
        }
        let (group, user) = match document {
            Document::User(user) => {
                for (_, identity) in user.identities.iter() {
                    self.add(Dimension::User, identity.as_str());
                }
                return;
            }
            Document::Agreement(agreement) => {
                return self.add(Dimension::Partner, agreement.partner.as_str());
            }
            Document::System(system) => {
                return self.add(Dimension::Partner, system.mc_system_id.as_str());
            }
            Document::Group(group) => (Some(&group.id), None),
            Document::SharedGroup(shared) => (Some(&shared.group), None),
            Document::GroupOverride(over) => (Some(&over.group), None),
            Document::Membership(membership) => (Some(&membership.group), Some(&membership.member)),
            Document::OpenDeletion(deletion) => (Some(&deletion.group), Some(&deletion.member)),
            Document::MigratedProfile(profile) => (None, profile.user.as_ref()),
            Document::Migration(migration) => (None, Some(&migration.user)),
            Document::AccessGrant(grant) => (None, Some(&grant.user)),
            Document::HomeRefusal(refusal) => (None, Some(&refusal.user)),
            Document::MigrationUser(listed) => (None, Some(&listed.user)),
            Document::Link(_)
            | Document::UeConfiguration(_)
            | Document::AreaMap(_)
            | Document::PartnerKeys(_)
            | Document::ResponseSettings(_)
            | Document::ScheduledChange(_) => (None, None),
        };
        if let Some(group) = group {
            self.add(Dimension::Group, group.as_str());
        }
        if let Some(user) = user {
            self.add(Dimension::User, user.as_str());
        }
    }

    fn add_outline(&mut self, outline: Outline) {
        self.add(Dimension::Request, outline.request_id.to_string());
        self.add(Dimension::Operation, outline.operation.as_str());
        self.add(Dimension::Partner, outline.partner.as_str());
        self.add(Dimension::Bundle, outline.bundle);
        self.add(Dimension::Caller, outline.caller);
        for group in &outline.groups {
            self.add(Dimension::Group, group.as_str());
        }
        for category in outline.categories {
            self.add(Dimension::Category, category);
        }
        for policy in outline.policies {
            self.add(Dimension::Policy, policy);
        }
    }
}

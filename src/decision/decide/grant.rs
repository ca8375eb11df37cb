//! What a grant carries: its limits, computed from facts, and what has to be done by which system.

use std::collections::BTreeSet;

use crate::decision::decide::ItemKey;
use crate::decision::facts::Facts;
use crate::decision::facts::PersonFacts;
use crate::decision::obligation::Limits;
use crate::decision::obligation::Obligation;
use crate::decision::obligation::ObligationParameters;
use crate::decision::query;
use crate::domain::agreement::Agreement;
use crate::domain::identity::GroupId;
use crate::domain::identity::McSystemId;
use crate::domain::migrated_profile::MigratedUserProfile;
use crate::domain::registry::Versioned;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::JointGroupCreation;
use crate::domain::request::OperationBody;
use crate::domain::request::elements::Need;
use crate::domain::service::McService;
use crate::domain::shared_group::GroupSetting;
use crate::domain::time::Timestamp;
use crate::policy::annotation;
use crate::policy::annotation::Limit;
use crate::policy::annotation::SystemRole;
use crate::policy::due::DueWithin;

const MINUTE_MILLISECONDS: i64 = 60_000;

/// How long access to a partner lasts where neither the agreement nor the profile says, in minutes: a day.
const ACCESS_MINUTES_DEFAULT: u32 = 24 * 60;

/// How much clocks may differ (TS 33.180 annex B.8).
const CLOCK_LEEWAY_MILLISECONDS: i64 = 30_000;

/// What a grant is computed from.
pub(super) struct Grant<'a> {
    pub(super) request: &'a InterSystemRequest,
    pub(super) facts: &'a Facts,
    pub(super) person: Option<&'a PersonFacts>,
    pub(super) item: &'a ItemKey,
    pub(super) number: usize,
    pub(super) now: Timestamp,
}

impl Grant<'_> {
    /// The limits that the policies name, where there is a fact to limit by.
    pub(super) fn limits(&self, named: &BTreeSet<Limit>) -> Limits {
        let mut limits = Limits::default();
        for limit in named {
            match limit {
                Limit::Profile => limits.profile = self.profile().map(|it| it.id.clone()),
                Limit::Services => limits.services = self.services(),
                Limit::PriorityCap => limits.priority_cap = self.priority_cap(),
                Limit::LocalSettings => {
                    limits.group_priority = self.local(GroupSetting::GroupPriority);
                    limits.user_priority = self.local(GroupSetting::UserPriority);
                }
                Limit::EndTime => limits.end_time = self.end_time(),
            }
        }
        limits
    }

    /// The obligations that the policies name, with who has to meet them.
    pub(super) fn obligations(
        &self,
        named: &[&annotation::Obligation],
        due: impl Fn(&annotation::Obligation) -> Option<DueWithin>,
    ) -> Vec<Obligation> {
        let named = named.iter();
        named.map(|it| self.obligation(it, due(it))).collect()
    }

    fn obligation(&self, named: &annotation::Obligation, due: Option<DueWithin>) -> Obligation {
        Obligation {
            due,
            name: named.name.to_string(),
            system: self.system(named.system).cloned(),
            role: named.system.to_string(),
            function: named.function.to_string(),
            parameters: self.parameters(),
        }
    }

    fn parameters(&self) -> ObligationParameters {
        let elements = self.request.body.elements();
        let is_about_somebody = elements.listed() > 0 || elements.subject().is_some();
        let subject = self.item.subject.clone();
        let push = self.request.body.push();
        let joint = self.joint_group();
        ObligationParameters {
            subject: subject.filter(|_| is_about_somebody),
            group: self.group().or(joint.map(|it| &it.group)).cloned(),
            service: self.item.service,
            profile: self.profile().map(|profile| profile.id.clone()),
            ue: elements.ue().filter(|_| self.is_ue_taken()).cloned(),
            provider: push.map(|push| push.mc_system_id.clone()),
            services: joint.map_or_else(BTreeSet::new, |it| it.services.iter().copied().collect()),
            partners: joint.map_or_else(BTreeSet::new, |it| it.partners.iter().cloned().collect()),
        }
    }

    fn joint_group(&self) -> Option<&JointGroupCreation> {
        if let OperationBody::JointGroupCreation(asked) = &self.request.body {
            Some(asked)
        } else {
            None
        }
    }

    /// Whether another user has access from the UE, which ends with this grant.
    fn is_ue_taken(&self) -> bool {
        let binding = self.person.and_then(|person| person.binding.as_ref());
        binding.is_some_and(|binding| binding.ue_taken)
    }

    fn system(&self, role: SystemRole) -> Option<&McSystemId> {
        match role {
            SystemRole::Requesting => Some(&self.request.requesting_system),
            SystemRole::Receiving => Some(self.receiving()),
            SystemRole::Serving => query::serving_system(self.request),
            SystemRole::SubjectHome => self.person?.home.as_ref(),
            SystemRole::ResourceHome => match (self.group(), self.joint_group()) {
                (_, Some(joint)) => Some(&joint.home_system),
                (Some(_), None) => self.facts.shared.group_home.as_ref(),
                (None, None) => query::serving_system(self.request).or(Some(self.receiving())),
            },
        }
    }

    fn receiving(&self) -> &McSystemId {
        let candidate = self.item.system.as_ref();
        candidate.unwrap_or(&self.request.receiving_system)
    }

    fn group(&self) -> Option<&GroupId> {
        let item = self.item.group.as_ref();
        item.or_else(|| self.request.body.elements().group())
    }

    fn profile(&self) -> Option<&MigratedUserProfile> {
        let profile = self.person?.migrated_profile.as_ref()?;
        Some(&profile.value)
    }

    /// What the profile gives of what the item asks for: a grant is never more than was asked (ruling 10).
    fn services(&self) -> Option<BTreeSet<McService>> {
        let given = &self.profile()?.services;
        let asked = self.item.service.iter();
        Some(asked.filter(|it| given.contains(it)).copied().collect())
    }

    fn after(&self, minutes: u32) -> Timestamp {
        let milliseconds = i64::from(minutes).saturating_mul(MINUTE_MILLISECONDS);
        self.now.plus_milliseconds(milliseconds)
    }

    /// How long a grant may last that the home could not confirm (ruling 22).
    fn unverified_life(&self) -> Option<Timestamp> {
        let elements = self.request.body.elements();
        let terms = elements.needs_to_know(Need::LinkFailureProfile).then(|| {
            let migration = self.agreement()?.value.migration.as_ref()?;
            Some(self.after(migration.link_failure.as_ref()?.life_minutes_max))
        });
        terms.flatten()
    }

    /// The agreement with the other system: of a candidate, its own.
    fn agreement(&self) -> Option<&Versioned<Agreement>> {
        match self.facts.candidates.get(self.number) {
            Some(candidate) => candidate.agreement.as_ref(),
            None => self.facts.shared.agreement.as_ref(),
        }
    }

    fn priority_cap(&self) -> Option<u8> {
        let agreement = self.agreement();
        let ceiling = agreement.and_then(|agreement| agreement.value.priority_ceiling);
        lowest([ceiling, self.profile().and_then(|profile| profile.priority)])
    }

    /// What we set ourselves, as far as the group's home lets us and the agreement has a ceiling, and never above it.
    fn local(&self, setting: GroupSetting) -> Option<u8> {
        let OperationBody::GroupConfigurationShare(shared) = &self.request.body else {
            return None;
        };
        if !shared.local_settings.contains(&setting) {
            return None;
        }
        let local = &self.facts.shared.group_override.as_ref()?.value;
        let ceiling = self.agreement()?.value.priority_ceiling?;
        let set = match setting {
            GroupSetting::GroupPriority => local.group_priority,
            GroupSetting::UserPriority => local.user_priority,
        };
        set.map(|set| set.min(ceiling))
    }

    /// An authorization lasts neither longer than the agreements that it rests on nor than its profile's life.
    fn end_time(&self) -> Option<Timestamp> {
        let shared = &self.facts.shared;
        let life = self.profile().and_then(|profile| profile.life_minutes_max);
        let life = life.map(|minutes| self.after(minutes));
        let until = [
            self.agreement(),
            shared.home_agreement.as_ref(),
            shared.serving_agreement.as_ref(),
        ]
        .map(|agreement| agreement.and_then(|agreement| agreement.value.valid_until));
        let bounds = [
            life,
            self.unverified_life(),
            self.access_life(),
            self.access_end(),
            self.credential_end(),
        ];
        lowest(until.into_iter().chain(bounds))
    }

    /// How long access to a partner may last (ruling 13): as agreed, and a day where neither agreement nor profile says.
    fn access_life(&self) -> Option<Timestamp> {
        let is_access = matches!(
            self.request.body,
            OperationBody::PartnerConnectionDetails(_) | OperationBody::PartnerSystemAccess(_)
        );
        // Older records know nothing of it.
        let is_known = self.person.is_some_and(|person| person.binding.is_some());
        if !is_access || !is_known {
            return None;
        }
        let agreement = self.agreement();
        let terms = agreement.and_then(|agreement| agreement.value.migration.as_ref());
        let agreed = terms.and_then(|terms| terms.access_minutes_max);
        let by_profile = self.profile().and_then(|it| it.life_minutes_max);
        let default = by_profile.is_none().then_some(ACCESS_MINUTES_DEFAULT);
        agreed.or(default).map(|minutes| self.after(minutes))
    }

    /// What rests on access that was given before ends with it.
    fn access_end(&self) -> Option<Timestamp> {
        let is_later_step = matches!(
            self.request.body,
            OperationBody::OutboundMigrationIdentities(_) | OperationBody::SipRegistration(_)
        );
        let person = self.person.filter(|person| person.binding.is_some())?;
        let grant = person.access.as_ref()?.grant.as_ref()?;
        grant.value.expires_at.filter(|_| is_later_step)
    }

    /// What is granted on a token ends with the token, and with what was granted on it first. A token that counts although
    /// it is over by our clock, because clocks differ, lasts for as long as they may.
    fn credential_end(&self) -> Option<Timestamp> {
        let before = self.person?.token_use?;
        let credential = self.request.body.elements().credential()?.verified()?;
        let expires_at = credential.expires_at;
        let end = if self.now < expires_at {
            expires_at
        } else {
            // The first moment at which it does not count.
            expires_at.plus_milliseconds(CLOCK_LEEWAY_MILLISECONDS + 1)
        };
        lowest([Some(end), before.granted_until])
    }
}

fn lowest<T: Ord>(values: impl IntoIterator<Item = Option<T>>) -> Option<T> {
    values.into_iter().flatten().min()
}

//! The attributes of an agreement: each flag under the name that the registry document gives it.

use cedar_policy::EntityUid;
use cedar_policy::RestrictedExpression;

use crate::decision::entities::Members;
use crate::decision::entities::QueryError;
use crate::decision::entities::boolean;
use crate::decision::entities::entity;
use crate::decision::entities::long;
use crate::decision::entities::member;
use crate::decision::entities::moment;
use crate::decision::entities::optional;
use crate::decision::entities::record;
use crate::decision::entities::string;
use crate::decision::entities::strings;
use crate::domain::agreement::AcmTerms;
use crate::domain::agreement::Agreement;
use crate::domain::agreement::CertificateThumbprint;
use crate::domain::agreement::DisclosureKind;
use crate::domain::agreement::InterconnectionTerms;
use crate::domain::agreement::LimitedMigrationTerms;
use crate::domain::agreement::LinkFailureTerms;
use crate::domain::agreement::MigrationTerms;
use crate::domain::area::AreaId;

pub(super) fn attributes(
    agreement: &Agreement,
    partner: &EntityUid,
) -> Result<Members, QueryError> {
    let certificates = agreement.certificates.iter();
    let mut members = vec![
        member("partner", entity(partner)),
        member("status", string(agreement.status.as_str())),
        member("valid_from", moment(agreement.valid_from)),
        member(
            "certificates",
            strings(certificates.map(CertificateThumbprint::as_str)),
        ),
        member(
            "kms_uris",
            strings(agreement.kms_uris.iter().map(String::as_str)),
        ),
        member(
            "offered_kms_uris",
            strings(agreement.offered_kms_uris.iter().map(String::as_str)),
        ),
        member(
            "information_sharing",
            strings(agreement.information_sharing.iter().map(|it| it.as_str())),
        ),
        member("areas", strings(agreement.areas.iter().map(AreaId::as_str))),
        member("logging_delivery", boolean(agreement.logging_delivery)),
    ];
    optional(
        &mut members,
        "valid_until",
        agreement.valid_until.map(moment),
    );
    optional(
        &mut members,
        "priority_ceiling",
        agreement.priority_ceiling.map(long),
    );
    let interconnection = agreement.interconnection.as_ref().map(interconnection);
    optional(
        &mut members,
        "interconnection",
        interconnection.transpose()?,
    );
    let migration = agreement.migration.as_ref().map(migration).transpose()?;
    optional(&mut members, "migration", migration);
    let limited = agreement.limited_migration.map(limited_migration);
    optional(&mut members, "limited_migration", limited.transpose()?);
    let acm = agreement.acm.as_ref().map(acm).transpose()?;
    optional(&mut members, "acm", acm);
    Ok(members)
}

fn interconnection(terms: &InterconnectionTerms) -> Result<RestrictedExpression, QueryError> {
    let flags = [
        ("mcptt_private_outgoing", terms.mcptt_private_outgoing),
        ("mcptt_private_incoming", terms.mcptt_private_incoming),
        ("mcptt_group_outgoing", terms.mcptt_group_outgoing),
        ("mcptt_group_incoming", terms.mcptt_group_incoming),
        ("mcvideo_private_outgoing", terms.mcvideo_private_outgoing),
        ("mcvideo_private_incoming", terms.mcvideo_private_incoming),
        ("mcvideo_group_outgoing", terms.mcvideo_group_outgoing),
        ("mcvideo_group_incoming", terms.mcvideo_group_incoming),
        ("mcdata_private_outgoing", terms.mcdata_private_outgoing),
        ("mcdata_private_incoming", terms.mcdata_private_incoming),
        ("mcdata_group_outgoing", terms.mcdata_group_outgoing),
        ("mcdata_group_incoming", terms.mcdata_group_incoming),
        ("regroup_outgoing", terms.regroup_outgoing),
        ("regroup_incoming", terms.regroup_incoming),
    ];
    record(flagged(&flags))
}

fn migration(terms: &MigrationTerms) -> Result<RestrictedExpression, QueryError> {
    let mut members = flagged(&[
        ("inbound", terms.inbound),
        ("mcptt_private", terms.mcptt_private),
        ("mcptt_group", terms.mcptt_group),
        ("mcvideo", terms.mcvideo),
        ("mcvideo_group", terms.mcvideo_group),
        ("mcdata", terms.mcdata),
        ("mcdata_group", terms.mcdata_group),
        ("outbound", terms.outbound),
        ("listed_users_only", terms.listed_users_only),
    ]);
    let link_failure = terms.link_failure.as_ref().map(link_failure).transpose()?;
    optional(&mut members, "link_failure", link_failure);
    optional(&mut members, "quota", terms.quota.map(long));
    let age = terms.link_age_seconds_max.map(long);
    optional(&mut members, "link_age_seconds_max", age);
    record(members)
}

fn link_failure(terms: &LinkFailureTerms) -> Result<RestrictedExpression, QueryError> {
    record(vec![
        member("profile", string(&terms.profile)),
        member("life_minutes_max", long(terms.life_minutes_max)),
    ])
}

fn limited_migration(terms: LimitedMigrationTerms) -> Result<RestrictedExpression, QueryError> {
    record(flagged(&[
        ("inbound", terms.inbound),
        ("outbound", terms.outbound),
    ]))
}

fn acm(terms: &AcmTerms) -> Result<RestrictedExpression, QueryError> {
    let mut members = flagged(&[
        ("group_membership", terms.group_membership),
        ("configuration_push", terms.configuration_push),
        ("user_configuration", terms.user_configuration),
        ("migration_users", terms.migration_users),
        ("joint_groups", terms.joint_groups),
    ]);
    let kinds = terms.disclosure.iter().map(|kind| disclosure_word(*kind));
    members.push(member("disclosure", strings(kinds)));
    optional(&mut members, "members_max", terms.members_max.map(long));
    record(members)
}

fn disclosure_word(kind: DisclosureKind) -> &'static str {
    match kind {
        DisclosureKind::Users => "users",
        DisclosureKind::Groups => "groups",
        DisclosureKind::SecurityLevel => "security-level",
    }
}

fn flagged(flags: &[(&str, bool)]) -> Members {
    flags
        .iter()
        .map(|(name, value)| member(name, boolean(*value)))
        .collect()
}

//! The baseline: what a program does that asks Cedar by itself about a one-member inbound addition.
//!
//! It knows beforehand which documents matter and looks nothing up. It builds the same entities and
//! the same request as the service, from the same documents, and asks the whole policy set at once.

use std::collections::HashMap;
use std::collections::HashSet;

use cedar_policy::Authorizer;
use cedar_policy::Context;
use cedar_policy::Entities;
use cedar_policy::Entity;
use cedar_policy::EntityId;
use cedar_policy::EntityTypeName;
use cedar_policy::EntityUid;
use cedar_policy::PolicySet;
use cedar_policy::Request;
use cedar_policy::Response;
use cedar_policy::RestrictedExpression;
use cedar_policy::Schema;
use comity::decision::derived::subset;
use comity::decision::engine::Engine;
use comity::domain::agreement::AcmTerms;
use comity::domain::agreement::Agreement;
use comity::domain::agreement::CertificateThumbprint;
use comity::domain::agreement::InterconnectionTerms;
use comity::domain::agreement::MigrationTerms;
use comity::domain::area::AreaId;
use comity::domain::document::Document;
use comity::domain::group::Group;
use comity::domain::request::GroupMembershipUpdate;
use comity::domain::request::InterSystemRequest;
use comity::domain::request::OperationBody;
use comity::domain::time::Timestamp;

use crate::world::documents;
use crate::world::now;

type Expression = RestrictedExpression;

/// A policy set, a schema and the documents that a request concerns.
pub(crate) struct Bare {
    policies: PolicySet,
    schema: Schema,
    actions: Entities,
    agreement: Agreement,
    group: Group,
    names: Names,
}

struct Names {
    system: EntityTypeName,
    tag: EntityTypeName,
    user: EntityTypeName,
    group: EntityTypeName,
    agreement: EntityTypeName,
    add: EntityUid,
}

impl Bare {
    /// All policies of the engine's bundle, and the group that the request asks for.
    pub(crate) fn new(engine: &Engine, group: &str) -> Self {
        let bundle = engine.bundle();
        let documents = documents("de");
        let agreement = documents.iter().find_map(|document| match document {
            Document::Agreement(it) => (it.partner.as_str() == "mc.nl.example").then(|| it.clone()),
            Document::System(_)
            | Document::User(_)
            | Document::Group(_)
            | Document::MigratedProfile(_)
            | Document::Link(_)
            | Document::UeConfiguration(_)
            | Document::Migration(_)
            | Document::OpenDeletion(_)
            | Document::AreaMap(_)
            | Document::PartnerKeys(_)
            | Document::AccessGrant(_)
            | Document::ResponseSettings(_)
            | Document::HomeRefusal(_)
            | Document::Membership(_)
            | Document::MigrationUser(_)
            | Document::ScheduledChange(_)
            | Document::SharedGroup(_)
            | Document::GroupOverride(_) => None,
        });
        let group = documents.into_iter().find_map(|document| match document {
            Document::Group(it) => (it.id.as_str() == group).then_some(it),
            Document::System(_)
            | Document::Agreement(_)
            | Document::User(_)
            | Document::MigratedProfile(_)
            | Document::Link(_)
            | Document::UeConfiguration(_)
            | Document::Migration(_)
            | Document::OpenDeletion(_)
            | Document::AreaMap(_)
            | Document::PartnerKeys(_)
            | Document::AccessGrant(_)
            | Document::ResponseSettings(_)
            | Document::HomeRefusal(_)
            | Document::Membership(_)
            | Document::MigrationUser(_)
            | Document::ScheduledChange(_)
            | Document::SharedGroup(_)
            | Document::GroupOverride(_) => None,
        });
        Self {
            policies: subset(bundle, |_| true).unwrap(),
            schema: bundle.schema().unwrap().clone(),
            actions: bundle.action_entities().clone(),
            agreement: agreement.unwrap(),
            group: group.unwrap(),
            names: Names {
                system: "MCX::System".parse().unwrap(),
                tag: "MCX::GroupTag".parse().unwrap(),
                user: "MCX::User".parse().unwrap(),
                group: "MCX::Group".parse().unwrap(),
                agreement: "MCX::Agreement".parse().unwrap(),
                add: "MCX::Action::\"addGroupMember\"".parse().unwrap(),
            },
        }
    }

    /// Builds the entities and the request, and asks.
    pub(crate) fn ask(&self, request: &InterSystemRequest) -> Response {
        let (request, entities) = self.build(request);
        Authorizer::new().is_authorized(&request, &self.policies, &entities)
    }

    /// Builds the entities and the request.
    pub(crate) fn build(&self, request: &InterSystemRequest) -> (Request, Entities) {
        let OperationBody::GroupMembershipUpdate(update) = &request.body else {
            panic!("the baseline knows group membership updates only");
        };
        let names = &self.names;
        let there = uid(&names.system, request.requesting_system.as_str());
        let here = uid(&names.system, request.receiving_system.as_str());
        let tags: Vec<_> = self
            .group
            .tags
            .iter()
            .map(|tag| uid(&names.tag, tag))
            .collect();
        let agreement = uid(&names.agreement, self.agreement.partner.as_str());
        let group = uid(&names.group, update.group.as_str());
        let requester = uid(&names.user, update.requester.mc_service_id.as_str());
        let subject = uid(&names.user, update.members[0].as_str());

        let mut entities: Vec<Entity> =
            [&there, &here].into_iter().chain(&tags).map(name).collect();
        for user in [&requester, &subject] {
            let home = HashMap::from([("home".to_owned(), one(&there))]);
            entities.push(Entity::new(user.clone(), home, HashSet::from([there.clone()])).unwrap());
        }
        let parents = tags.into_iter().chain([here.clone()]).collect();
        let attributes = self.group_attributes(&here, &there);
        entities.push(Entity::new(group.clone(), attributes, parents).unwrap());
        let attributes = self.agreement_attributes(&there);
        entities.push(Entity::new(agreement.clone(), attributes, HashSet::new()).unwrap());
        let entities = self.actions.clone().add_entities(entities, None).unwrap();

        let context = self.context(request, update, [&here, &there, &agreement, &subject]);
        let context = Context::from_pairs(context).unwrap();
        let action = names.add.clone();
        let request = Request::new(requester, action, group, context, Some(&self.schema));
        (request.unwrap(), entities)
    }

    fn group_attributes(&self, here: &EntityUid, there: &EntityUid) -> HashMap<String, Expression> {
        let group = &self.group;
        let configuration = record(vec![
            ("enabled", flag(group.enabled)),
            ("interconnection", flag(group.interconnection)),
            ("services", set(group.services.iter().map(|it| it.as_str()))),
            ("organisation", text(group.organisation.as_deref().unwrap())),
            ("tags", set(group.tags.iter().map(String::as_str))),
            ("priority", number(group.priority.unwrap())),
            ("partners", Expression::new_set([one(there)])),
        ]);
        pairs(vec![("home", one(here)), ("configuration", configuration)]).collect()
    }

    fn agreement_attributes(&self, there: &EntityUid) -> HashMap<String, Expression> {
        let agreement = &self.agreement;
        let interconnection = interconnection(agreement.interconnection.as_ref().unwrap());
        let migration = migration(agreement.migration.as_ref().unwrap());
        let acm = acm(agreement.acm.as_ref().unwrap());
        let mut members = vec![
            ("partner", one(there)),
            ("status", text(agreement.status.as_str())),
            ("valid_from", moment(agreement.valid_from)),
            (
                "certificates",
                set(agreement
                    .certificates
                    .iter()
                    .map(CertificateThumbprint::as_str)),
            ),
            (
                "kms_uris",
                set(agreement.kms_uris.iter().map(String::as_str)),
            ),
            (
                "offered_kms_uris",
                set(agreement.offered_kms_uris.iter().map(String::as_str)),
            ),
            (
                "information_sharing",
                set(agreement.information_sharing.iter().map(|it| it.as_str())),
            ),
            ("areas", set(agreement.areas.iter().map(AreaId::as_str))),
            ("logging_delivery", flag(agreement.logging_delivery)),
            ("interconnection", interconnection),
            ("migration", migration),
            ("acm", acm),
        ];
        let ceiling = agreement.priority_ceiling;
        members.extend(ceiling.map(|ceiling| ("priority_ceiling", number(ceiling))));
        let until = agreement.valid_until;
        members.extend(until.map(|until| ("valid_until", moment(until))));
        pairs(members).collect()
    }

    fn context(
        &self,
        request: &InterSystemRequest,
        update: &GroupMembershipUpdate,
        [here, there, agreement, subject]: [&EntityUid; 4],
    ) -> Vec<(String, Expression)> {
        let asserted = update.requester.organisation.as_deref();
        let asserted = asserted.map(|organisation| ("organisation", text(organisation)));
        let partner = &self.group.partners[0];
        let peer = request.peer.as_ref().unwrap();
        pairs(vec![
            ("now", moment(now())),
            ("operation", text("group-membership-update")),
            ("target_home", one(here)),
            ("target_known", flag(true)),
            ("direction", text(request.direction.as_str())),
            ("local_system", one(here)),
            ("other_system", one(there)),
            ("requesting_system", one(there)),
            ("receiving_system", one(here)),
            ("peer", one(there)),
            ("peer_certificate", text(peer.certificate.as_str())),
            ("agreement", one(agreement)),
            ("urgency", text(request.urgency.as_str())),
            ("asserted", record(asserted.into_iter().collect())),
            ("subject", one(subject)),
            (
                "subject_is_member",
                flag(partner.members.contains(&update.members[0])),
            ),
            ("member_count", Expression::new_long(1)),
            (
                "group_partner",
                record(vec![
                    ("review_additions", flag(partner.review_additions)),
                    ("review_deletions", flag(partner.review_deletions)),
                    ("local_settings", set(std::iter::empty::<&str>())),
                ]),
            ),
        ])
        .collect()
    }
}

fn interconnection(terms: &InterconnectionTerms) -> Expression {
    record(vec![
        ("mcptt_private_outgoing", flag(terms.mcptt_private_outgoing)),
        ("mcptt_private_incoming", flag(terms.mcptt_private_incoming)),
        ("mcptt_group_outgoing", flag(terms.mcptt_group_outgoing)),
        ("mcptt_group_incoming", flag(terms.mcptt_group_incoming)),
        (
            "mcvideo_private_outgoing",
            flag(terms.mcvideo_private_outgoing),
        ),
        (
            "mcvideo_private_incoming",
            flag(terms.mcvideo_private_incoming),
        ),
        ("mcvideo_group_outgoing", flag(terms.mcvideo_group_outgoing)),
        ("mcvideo_group_incoming", flag(terms.mcvideo_group_incoming)),
        (
            "mcdata_private_outgoing",
            flag(terms.mcdata_private_outgoing),
        ),
        (
            "mcdata_private_incoming",
            flag(terms.mcdata_private_incoming),
        ),
        ("mcdata_group_outgoing", flag(terms.mcdata_group_outgoing)),
        ("mcdata_group_incoming", flag(terms.mcdata_group_incoming)),
        ("regroup_outgoing", flag(terms.regroup_outgoing)),
        ("regroup_incoming", flag(terms.regroup_incoming)),
    ])
}

fn migration(terms: &MigrationTerms) -> Expression {
    let mut members = vec![
        ("inbound", flag(terms.inbound)),
        ("mcptt_private", flag(terms.mcptt_private)),
        ("mcptt_group", flag(terms.mcptt_group)),
        ("mcvideo", flag(terms.mcvideo)),
        ("mcvideo_group", flag(terms.mcvideo_group)),
        ("mcdata", flag(terms.mcdata)),
        ("mcdata_group", flag(terms.mcdata_group)),
        ("outbound", flag(terms.outbound)),
        ("listed_users_only", flag(terms.listed_users_only)),
    ];
    members.extend(terms.quota.map(|quota| ("quota", number(quota))));
    record(members)
}

fn acm(terms: &AcmTerms) -> Expression {
    let mut members = vec![
        ("group_membership", flag(terms.group_membership)),
        ("configuration_push", flag(terms.configuration_push)),
        ("user_configuration", flag(terms.user_configuration)),
        ("migration_users", flag(terms.migration_users)),
        ("joint_groups", flag(terms.joint_groups)),
        ("disclosure", set(["groups"].into_iter())),
    ];
    members.extend(terms.members_max.map(|most| ("members_max", number(most))));
    record(members)
}

fn uid(type_name: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(type_name.clone(), EntityId::new(id))
}

fn name(uid: &EntityUid) -> Entity {
    Entity::new_no_attrs(uid.clone(), HashSet::new())
}

fn one(uid: &EntityUid) -> Expression {
    Expression::new_entity_uid(uid.clone())
}

fn flag(value: bool) -> Expression {
    Expression::new_bool(value)
}

fn number(value: impl Into<i64>) -> Expression {
    Expression::new_long(value.into())
}

fn text(value: &str) -> Expression {
    Expression::new_string(value.to_owned())
}

fn set<'a>(values: impl Iterator<Item = &'a str>) -> Expression {
    Expression::new_set(values.map(text))
}

fn moment(moment: Timestamp) -> Expression {
    Expression::new_datetime(moment.to_string())
}

fn record(members: Vec<(&str, Expression)>) -> Expression {
    Expression::new_record(pairs(members)).unwrap()
}

fn pairs(members: Vec<(&str, Expression)>) -> impl Iterator<Item = (String, Expression)> {
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
}

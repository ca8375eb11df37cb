//! What a grant gives, however it is asked for: an approval that is not used yet is superseded when the same is taken back.

use crate::app::App;
use crate::decision::decide::ItemKey;
use crate::decision::facts::other_system;
use crate::decision::query::serving_system;
use crate::domain::document::Document;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::operation::Direction;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::elements::Resource;
use crate::store::command::ScopeDigest;
use crate::store::command::Write;

/// The action of a membership that a partner added.
const ADD_MEMBER: &str = "addGroupMember";

/// The action of a user whom a partner listed.
const ADD_LISTED: &str = "addMigrationUser";

/// What is given: to whom, by which action, of what, and with whom.
struct Thing<'a> {
    action: &'a str,
    direction: Direction,
    partner: &'a McSystemId,
    resource: String,
    subject: Option<&'a McServiceId>,
    /// What else tells it from others.
    particulars: Vec<String>,
}

impl Thing<'_> {
    fn text(&self) -> String {
        let subject = self.subject.map(|subject| subject.uri().subscriber());
        let mut text = format!(
            "{} {:?} {} {} {}",
            self.action,
            self.direction,
            self.partner.as_str(),
            self.resource,
            subject.unwrap_or_default()
        );
        for particular in &self.particulars {
            text.push(' ');
            text.push_str(particular);
        }
        text
    }
}

impl App {
    /// What an item of a request gives, as the store tells it from other things.
    pub(in crate::app) fn thing(
        &self,
        request: &InterSystemRequest,
        item: &ItemKey,
    ) -> Option<ScopeDigest> {
        let elements = request.body.elements();
        let resource = match elements.resource() {
            Resource::Group(group) => group.to_string(),
            Resource::User(user) => user.uri().subscriber().to_owned(),
            Resource::ReceivingSystem => request.receiving_system.to_string(),
            Resource::ServingSystem => {
                serving_system(request).map_or_else(String::new, ToString::to_string)
            }
        };
        let particulars = [
            item.service.map(|it| it.as_str().to_owned()),
            item.group.as_ref().map(ToString::to_string),
            item.kind.map(|it| it.as_str().to_owned()),
            item.system.as_ref().map(ToString::to_string),
        ];
        let thing = Thing {
            action: elements.action(),
            direction: request.direction,
            partner: other_system(request),
            resource,
            subject: item.subject.as_ref(),
            particulars: particulars.into_iter().flatten().collect(),
        };
        self.sealing_key().thing(&thing.text())
    }

    /// What partners were given that goes with documents which are deleted.
    pub(in crate::app) fn things_deleted(&self, writes: &[Write]) -> Vec<ScopeDigest> {
        let deleted = writes.iter().filter(|write| write.document.is_none());
        let texts: Vec<String> = self.store().view(|state| {
            let deleted = deleted.filter_map(|write| state.document_under(&write.key));
            deleted.filter_map(given_by_partner).collect()
        });
        let things = texts.iter().filter_map(|it| self.sealing_key().thing(it));
        things.collect()
    }
}

/// What a document says that a partner was given, where its grant could be approved ahead.
fn given_by_partner(document: &Document) -> Option<String> {
    let thing = match document {
        Document::Membership(membership) => Thing {
            action: ADD_MEMBER,
            direction: Direction::Inbound,
            partner: &membership.member_home,
            resource: membership.group.to_string(),
            subject: Some(&membership.member),
            particulars: Vec::new(),
        },
        Document::MigrationUser(listed) if listed.listed => Thing {
            action: ADD_LISTED,
            direction: Direction::Inbound,
            partner: &listed.home_system,
            resource: listed.serving_system.to_string(),
            subject: Some(&listed.user),
            particulars: Vec::new(),
        },
        Document::MigrationUser(_)
        | Document::System(_)
        | Document::User(_)
        | Document::Migration(_)
        | Document::AccessGrant(_)
        | Document::Agreement(_)
        | Document::Group(_)
        | Document::MigratedProfile(_)
        | Document::Link(_)
        | Document::UeConfiguration(_)
        | Document::OpenDeletion(_)
        | Document::AreaMap(_)
        | Document::PartnerKeys(_)
        | Document::ResponseSettings(_)
        | Document::HomeRefusal(_)
        | Document::ScheduledChange(_)
        | Document::SharedGroup(_)
        | Document::GroupOverride(_) => return None,
    };
    Some(thing.text())
}

//! What every operation tells about its information elements, whatever they are.
//!
//! An operation is added by one file that holds its elements, how they are read, and this anatomy; who is
//! looked up, what becomes a query and what is kept of it follow from that.

use crate::domain::agreement::DisclosureKind;
use crate::domain::credential::Credential;
use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::location::UeLocation;
use crate::domain::request::Requester;
use crate::domain::request::Target;
use crate::domain::service::McService;
use crate::domain::sip::SipIdentities;
use crate::domain::sip::UeId;
use crate::domain::time::Timestamp;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal<'a> {
    /// A user: an authorised user at an ACM client, or the one who migrates, calls or affiliates.
    User(&'a McServiceId),
    /// A server of the requesting system, for no user.
    RequestingSystem,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource<'a> {
    /// A group.
    Group(&'a GroupId),
    /// A user.
    User(&'a McServiceId),
    /// The system that is asked.
    ReceivingSystem,
    /// The system that serves the user.
    ServingSystem,
}

/// Which system serves the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serving<'a> {
    /// The operation knows of none.
    Nobody,
    /// The one that the request names.
    Named(&'a McSystemId),
    /// The one that is asked; of a home's consent, the one that asks.
    Migration,
}

impl<'a> Serving<'a> {
    /// The one that the request names, if it does.
    pub fn of(named: Option<&'a McSystemId>) -> Self {
        named.map_or(Self::Nobody, Self::Named)
    }
}

/// Into which items a request divides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Division<'a> {
    /// It is decided as a whole.
    Whole,
    /// One item a listed user.
    Users,
    /// One item a service.
    Services(&'a [McService]),
    /// One item a group, and that group is what is asked for.
    Groups(&'a [GroupId]),
    /// One item a kind of information.
    Kinds(&'a [DisclosureKind]),
    /// One item a system to which the user might migrate; which these are, the facts say.
    Candidates,
}

/// Something that the decision on an operation has to know beside what every operation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Need {
    /// Whom an item is about, as an entity of its own beside the principal.
    Subject,
    /// Whether the subject is a member of the group.
    Membership,
    /// What the subject may do towards the other system.
    Grant,
    /// How the group treats changes that come from the other system.
    GroupPartner,
    /// The agreement with the home of a user from elsewhere.
    HomeAgreement,
    /// The agreement with the system that serves the user, if that is elsewhere.
    ServingAgreement,
    /// The profile of a user from elsewhere whom we serve.
    MigratedProfile,
    /// What the profiles of our own parties to a call say of it.
    Calls,
    /// The measured state of the interconnection.
    Link,
    /// What is kept of the configuration that the provider pushed before.
    Configuration,
    /// Whom an administrative exchange is addressed to.
    Target,
    /// Where the register of current systems says that the user is served.
    CurrentSystem,
    /// How many users of the other system the register has as served here.
    Visitors,
    /// Whether we have asked the group's home to delete the subject.
    OpenDeletion,
    /// The identity that the serving system gave the user.
    ServingIdentity,
    /// What the register of current systems says of the user in the service of each item.
    Register,
    /// Whether the user was given access to the system concerned.
    Access,
    /// Whether the SIP identities and the UE that the request names are somebody else's.
    Binding,
    /// What was granted on the presented token before.
    TokenUse,
    /// Whether the user is on the list of those who may migrate to the system concerned, or was taken from it.
    Listing,
    /// In which areas the user is.
    Location,
    /// Whether the key that signed the presented token is still trusted.
    Credential,
    /// Whether the home has refused the user in the service of each item.
    HomeRefusal,
    /// What we set for a partner's group ourselves.
    GroupOverride,
    /// Whether the group to be created is there already, and whether everybody who takes part has an agreement with us.
    JointGroup,
    /// The reduced profile that the agreement names for visitors whose home cannot be asked.
    LinkFailureProfile,
}

/// A value that an element gives to policies under a name of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Particular<'a> {
    /// True or false.
    Bool(bool),
    /// A number.
    Long(i64),
    /// A word or text.
    Text(&'a str),
    /// A set of words.
    Texts(Vec<&'a str>),
    /// A system.
    System(&'a McSystemId),
    /// A set of systems.
    Systems(Vec<&'a McSystemId>),
    /// A moment.
    Moment(Timestamp),
}

impl<'a> Particular<'a> {
    /// The systems that it names.
    pub fn systems(&self) -> &[&'a McSystemId] {
        match self {
            Self::System(system) => std::slice::from_ref(system),
            Self::Systems(systems) => systems,
            Self::Bool(_) | Self::Long(_) | Self::Text(_) | Self::Texts(_) | Self::Moment(_) => &[],
        }
    }
}

/// The anatomy of one operation's information elements.
pub trait InformationElements {
    /// The action in the schema.
    fn action(&self) -> &'static str;

    /// What is asked for.
    fn resource(&self) -> Resource<'_>;

    /// The authorised user at an ACM client, in an administrative exchange.
    fn requester(&self) -> Option<&Requester> {
        None
    }

    /// Whom an administrative exchange is addressed to.
    fn target(&self) -> Option<&Target> {
        None
    }

    /// The one user whom the request is about, where none are listed.
    fn subject(&self) -> Option<&McServiceId> {
        None
    }

    /// How many users are listed.
    fn listed(&self) -> usize {
        0
    }

    /// One of the listed users.
    fn listed_subject(&self, _number: usize) -> Option<&McServiceId> {
        None
    }

    /// The items.
    fn division(&self) -> Division<'_> {
        Division::Whole
    }

    /// The service, where the whole request is about one.
    fn service(&self) -> Option<McService> {
        None
    }

    /// The system that serves the user.
    fn serving(&self) -> Serving<'_> {
        Serving::Nobody
    }

    /// The identity that the serving system gave the user, if it did.
    fn serving_identity(&self) -> Option<&McServiceId> {
        None
    }

    /// The services asked for, where they are no items; empty: whichever the user may use.
    fn services(&self) -> &[McService] {
        &[]
    }

    /// The UE to which a grant is bound.
    fn ue(&self) -> Option<&UeId> {
        None
    }

    /// Where the UE is.
    fn location(&self) -> Option<&UeLocation> {
        None
    }

    /// The system that the user names, where others are possible.
    fn requested_system(&self) -> Option<&McSystemId> {
        None
    }

    /// What the user presents.
    fn credential(&self) -> Option<&Credential> {
        None
    }

    /// Where the user presents it.
    fn presented_at(&self) -> Option<&str> {
        None
    }

    /// The SIP identities that are to be bound.
    fn sip(&self) -> Option<SipIdentities> {
        None
    }

    /// What has to be known.
    fn needs(&self) -> &'static [Need] {
        &[]
    }

    /// Whether it only takes away (ruling 14).
    fn is_reducing(&self) -> bool {
        false
    }

    /// What policies see of the elements, by the names of the schema.
    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        Vec::new()
    }

    /// What policies see of one item's own elements, by the names of the schema.
    fn item_particulars(&self, _number: usize) -> Vec<(&'static str, Particular<'_>)> {
        Vec::new()
    }

    /// The groups of a request that is decided group by group.
    fn groups(&self) -> &[GroupId] {
        match self.division() {
            Division::Groups(groups) => groups,
            Division::Whole
            | Division::Users
            | Division::Services(_)
            | Division::Kinds(_)
            | Division::Candidates => &[],
        }
    }
}

/// How the elements of an operation are read, and which of them speak of people.
pub(in crate::domain) trait ReadElements: Sized {
    /// The names of the members.
    const MEMBERS: &'static [&'static str];
    /// Those that are about nobody, and outlive the erasure of every person.
    const ABOUT_NOBODY: &'static [&'static str];
    /// The member that lists users, one item each.
    const LISTED: Option<&'static str> = None;
    /// The member that names the user who is asked for.
    const ASKED_FOR: Option<&'static str> = None;

    /// Reads them; what is wrong is reported where it is.
    fn read(members: &Members<'_>, limits: WireLimits) -> Option<Self>;
}

impl dyn InformationElements + '_ {
    /// Who asks.
    pub fn principal(&self) -> Principal<'_> {
        let requester = self.requester().map(|requester| &requester.mc_service_id);
        match requester.or_else(|| self.subject()) {
            Some(user) => Principal::User(user),
            None => Principal::RequestingSystem,
        }
    }

    /// The user who asks, if one does.
    pub fn requesting_user(&self) -> Option<&McServiceId> {
        match self.principal() {
            Principal::User(user) => Some(user),
            Principal::RequestingSystem => None,
        }
    }

    /// Whether something has to be known.
    pub fn needs_to_know(&self, need: Need) -> bool {
        self.needs().contains(&need)
    }

    /// The group that is asked for.
    pub fn group(&self) -> Option<&GroupId> {
        match self.resource() {
            Resource::Group(group) => Some(group),
            Resource::User(_) | Resource::ReceivingSystem | Resource::ServingSystem => None,
        }
    }
}

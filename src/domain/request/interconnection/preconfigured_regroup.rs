//! Preconfigured regroup with groups or users of a partner (I18, TS 23.280 clause 10.15).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::PlmnId;
use crate::domain::location::UeLocation;
use crate::domain::request::Requester;
use crate::domain::request::elements::Division;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Particular;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Element;
use crate::domain::wire::element::Members;
use crate::domain::wire::lists::distinct;
use crate::domain::wire::location::location as location_of;
use crate::domain::wire::people::requester;
use crate::domain::wire::people::users;

const TAG_BYTES_MAX: usize = 255;
const CRITERIA_MAX: usize = 100;
const FORMS: [&str; 3] = ["groups", "users", "criteria"];

const ONE_FORM: &str = "must have exactly one of `groups`, `users` and `criteria`";

/// Preconfigured regroup request; one item a group or user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct PreconfiguredRegroup {
    /// Who asks.
    pub requester: Requester,
    /// The temporary group, if it has an identity already.
    pub regroup_group: Option<GroupId>,
    /// The group whose configuration the temporary one takes.
    pub source_group: GroupId,
    /// What is regrouped.
    pub regrouped: Regrouped,
    /// Where the UE of the requester is, where that is known; an agreement may hold in some areas only.
    pub location: Option<UeLocation>,
}

/// What is regrouped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Regrouped {
    /// These groups.
    Groups(Vec<GroupId>),
    /// These users.
    Users(Vec<McServiceId>),
    /// Whoever has this in common.
    Criteria(RegroupCriteria),
}

/// As it is written: what is regrouped by one of three members; a list that is not meant may be there empty.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    requester: Requester,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    regroup_group: Option<GroupId>,
    source_group: GroupId,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: Vec<GroupId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    users: Vec<McServiceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    criteria: Option<RegroupCriteria>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<UeLocation>,
}

impl Regrouped {
    fn of(
        groups: Vec<GroupId>,
        users: Vec<McServiceId>,
        criteria: Option<RegroupCriteria>,
    ) -> Option<Self> {
        match (groups.is_empty(), users.is_empty(), criteria) {
            (false, true, None) => Some(Self::Groups(groups)),
            (true, false, None) => Some(Self::Users(users)),
            (true, true, Some(criteria)) => Some(Self::Criteria(criteria)),
            (false, false, _) | (true, true, None) | (_, _, Some(_)) => None,
        }
    }
}

impl TryFrom<Written> for PreconfiguredRegroup {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let regrouped = Regrouped::of(written.groups, written.users, written.criteria);
        Ok(Self {
            requester: written.requester,
            regroup_group: written.regroup_group,
            source_group: written.source_group,
            regrouped: regrouped.ok_or(ONE_FORM)?,
            location: written.location,
        })
    }
}

impl From<PreconfiguredRegroup> for Written {
    fn from(regroup: PreconfiguredRegroup) -> Self {
        let mut written = Self {
            requester: regroup.requester,
            regroup_group: regroup.regroup_group,
            source_group: regroup.source_group,
            groups: Vec::new(),
            users: Vec::new(),
            criteria: None,
            location: regroup.location,
        };
        match regroup.regrouped {
            Regrouped::Groups(groups) => written.groups = groups,
            Regrouped::Users(users) => written.users = users,
            Regrouped::Criteria(criteria) => written.criteria = Some(criteria),
        }
        written
    }
}

/// What users must have in common, of which at least one is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegroupCriteria {
    /// The networks in which they are.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub plmns: BTreeSet<PlmnId>,
    /// Words by which they are known.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
}

impl ReadElements for PreconfiguredRegroup {
    const MEMBERS: &'static [&'static str] = &[
        "requester",
        "regroup_group",
        "source_group",
        "groups",
        "users",
        "criteria",
        "location",
    ];
    const ABOUT_NOBODY: &'static [&'static str] = &["regroup_group", "source_group", "groups"];
    const LISTED: Option<&'static str> = Some("users");

    fn read(members: &Members<'_>, limits: WireLimits) -> Option<Self> {
        let asking = members.required("requester");
        let asking = asking.and_then(|who| requester(&who));
        let regroup_group = members.optional("regroup_group");
        let source_group = members.required("source_group");
        let source_group = source_group.and_then(|id| id.identity());
        let forms = FORMS.map(|name| members.optional(name));
        if forms.iter().flatten().count() != 1 {
            members.refuse(ONE_FORM);
            return None;
        }
        let [listed_groups, listed_users, criteria] = forms;
        let listed_groups = listed_groups
            .and_then(|list| distinct(&list, limits.members, "group", Element::identity));
        let listed_users = listed_users.and_then(|list| users(&list, limits));
        let regrouped = Regrouped::of(
            listed_groups.unwrap_or_default(),
            listed_users.unwrap_or_default(),
            criteria.and_then(|element| RegroupCriteria::read(&element)),
        );
        let location = members.optional("location");
        Some(Self {
            requester: asking?,
            regroup_group: regroup_group.and_then(|id| id.identity()),
            source_group: source_group?,
            regrouped: regrouped?,
            location: location.and_then(|element| location_of(&element)),
        })
    }
}

impl RegroupCriteria {
    fn read(element: &Element<'_>) -> Option<Self> {
        let members = element.object_of(&["plmns", "tags"])?;
        let plmns = members.optional("plmns");
        let tags = members.optional("tags");
        if plmns.is_none() && tags.is_none() {
            members.refuse("must have `plmns`, `tags` or both");
            return None;
        }
        Some(Self {
            plmns: plmns
                .and_then(|element| element.list(CRITERIA_MAX))
                .into_iter()
                .flatten()
                .filter_map(|plmn| plmn.parsed())
                .collect(),
            tags: tags
                .and_then(|element| element.list(CRITERIA_MAX))
                .into_iter()
                .flatten()
                .filter_map(|tag| tag.bounded_text(TAG_BYTES_MAX))
                .collect(),
        })
    }
}

impl PreconfiguredRegroup {
    fn users(&self) -> &[McServiceId] {
        match &self.regrouped {
            Regrouped::Users(users) => users,
            Regrouped::Groups(_) | Regrouped::Criteria(_) => &[],
        }
    }
}

impl InformationElements for PreconfiguredRegroup {
    fn action(&self) -> &'static str {
        match self.regrouped {
            Regrouped::Groups(_) => "regroupGroups",
            Regrouped::Users(_) => "regroupUsers",
            Regrouped::Criteria(_) => "regroupByCriteria",
        }
    }

    /// Of groups each is asked for by itself; else the group that gives the configuration stands for the regroup.
    fn resource(&self) -> Resource<'_> {
        Resource::Group(&self.source_group)
    }

    fn requester(&self) -> Option<&Requester> {
        Some(&self.requester)
    }

    fn listed(&self) -> usize {
        self.users().len()
    }

    fn listed_subject(&self, number: usize) -> Option<&McServiceId> {
        self.users().get(number)
    }

    fn division(&self) -> Division<'_> {
        match &self.regrouped {
            Regrouped::Groups(groups) => Division::Groups(groups),
            Regrouped::Users(_) => Division::Users,
            Regrouped::Criteria(_) => Division::Whole,
        }
    }

    fn location(&self) -> Option<&UeLocation> {
        self.location.as_ref()
    }

    fn needs(&self) -> &'static [Need] {
        match self.regrouped {
            Regrouped::Users(_) => &[Need::Subject, Need::Grant, Need::Location],
            Regrouped::Groups(_) | Regrouped::Criteria(_) => &[Need::Location],
        }
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        let count = self.groups().len().max(self.listed());
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let mut particulars = vec![
            ("count", Particular::Long(count)),
            (
                "regroup_named",
                Particular::Bool(self.regroup_group.is_some()),
            ),
        ];
        let homes = [
            ("source_home", Some(&self.source_group)),
            ("regroup_home", self.regroup_group.as_ref()),
        ];
        for (name, group) in homes {
            if let Some(home) = group.and_then(|group| group.uri().domain()) {
                particulars.push((name, Particular::System(home)));
            }
        }
        particulars
    }
}

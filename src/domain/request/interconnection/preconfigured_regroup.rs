//! Preconfigured regroup with groups or users of a partner (I18, TS 23.280 clause 10.15).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::PlmnId;
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
use crate::domain::wire::people::requester;
use crate::domain::wire::people::users;

const TAG_BYTES_MAX: usize = 255;
const CRITERIA_MAX: usize = 100;
const FORMS: [&str; 3] = ["groups", "users", "criteria"];

/// Preconfigured regroup request: exactly one of groups, users and criteria; one item a group or user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreconfiguredRegroup {
    /// Who asks.
    pub requester: Requester,
    /// The temporary group, if it has an identity already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regroup_group: Option<GroupId>,
    /// The group whose configuration the temporary one takes.
    pub source_group: GroupId,
    /// The groups that are regrouped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupId>,
    /// The users who are regrouped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<McServiceId>,
    /// What the users who are regrouped have in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criteria: Option<RegroupCriteria>,
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
            members.refuse("must have exactly one of `groups`, `users` and `criteria`");
            return None;
        }
        let [listed_groups, listed_users, criteria] = forms;
        Some(Self {
            requester: asking?,
            regroup_group: regroup_group.and_then(|id| id.identity()),
            source_group: source_group?,
            groups: listed_groups
                .and_then(|list| groups(&list, limits))
                .unwrap_or_default(),
            users: listed_users
                .and_then(|list| users(&list, limits))
                .unwrap_or_default(),
            criteria: criteria.and_then(|element| RegroupCriteria::read(&element)),
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

/// Groups, none of them twice.
fn groups(element: &Element<'_>, limits: WireLimits) -> Option<Vec<GroupId>> {
    let mut seen = BTreeSet::new();
    let mut groups = Vec::new();
    for element in element.list(limits.members)? {
        if let Some(group) = element.identity::<GroupId>() {
            if seen.insert(group.clone()) {
                groups.push(group);
            } else {
                element.refuse("names the same group again");
            }
        }
    }
    Some(groups)
}

impl InformationElements for PreconfiguredRegroup {
    fn action(&self) -> &'static str {
        match self.division() {
            Division::Groups(_) => "regroupGroups",
            Division::Users => "regroupUsers",
            Division::Whole | Division::Services(_) | Division::Kinds(_) | Division::Candidates => {
                "regroupByCriteria"
            }
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
        self.users.len()
    }

    fn listed_subject(&self, number: usize) -> Option<&McServiceId> {
        self.users.get(number)
    }

    fn division(&self) -> Division<'_> {
        if self.criteria.is_some() {
            Division::Whole
        } else if self.users.is_empty() {
            Division::Groups(&self.groups)
        } else {
            Division::Users
        }
    }

    fn needs(&self) -> &'static [Need] {
        if self.users.is_empty() {
            &[]
        } else {
            &[Need::Subject, Need::Grant]
        }
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        let count = self.groups.len().max(self.users.len());
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

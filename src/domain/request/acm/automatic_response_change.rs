//! Configuration of automatic responses (A12, TR 22.881 PR X.1.6.3; TS 23.280 clause 10.17.3).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::request::Requester;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Particular;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Element;
use crate::domain::wire::element::Members;
use crate::domain::wire::lists::distinct_by;
use crate::domain::wire::people::requester;
/// Request to change which categories of requests are answered automatically, in the own system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutomaticResponseChange {
    /// Who asks; somebody else approves (ruling 25).
    pub requester: Requester,
    /// What is to hold for each category.
    pub responses: Vec<CategoryResponse>,
}

/// How requests of a category are to be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryResponse {
    /// The category.
    pub category: String,
    /// The answer.
    pub response: ConfiguredResponse,
}

/// How requests of a category can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfiguredResponse {
    /// They are accepted at once.
    Automatic,
    /// A person looks at them.
    ManualReview,
    /// They are refused at once.
    Reject,
}

const CATEGORIES_MAX: usize = 256;
const CATEGORY_BYTES_MAX: usize = 128;

impl ReadElements for AutomaticResponseChange {
    const MEMBERS: &'static [&'static str] = &["requester", "responses"];
    const ABOUT_NOBODY: &'static [&'static str] = &["responses"];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let requester = members
            .required("requester")
            .and_then(|who| requester(&who));
        let responses = members.required("responses").and_then(|list| {
            distinct_by(&list, CATEGORIES_MAX, "category", category_response, |it| {
                it.category.clone()
            })
        });
        Some(Self {
            requester: requester?,
            responses: responses?,
        })
    }
}

fn category_response(element: &Element<'_>) -> Option<CategoryResponse> {
    let words = [
        ("automatic", ConfiguredResponse::Automatic),
        ("manual-review", ConfiguredResponse::ManualReview),
        ("reject", ConfiguredResponse::Reject),
    ];
    let members = element.object_of(&["category", "response"])?;
    let category = members
        .required("category")
        .and_then(|name| name.bounded_text(CATEGORY_BYTES_MAX));
    let response = members
        .required("response")
        .and_then(|word| word.word("a response", &words));
    Some(CategoryResponse {
        category: category?,
        response: response?,
    })
}

impl InformationElements for AutomaticResponseChange {
    fn action(&self) -> &'static str {
        "changeAutomaticResponses"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::ReceivingSystem
    }

    fn requester(&self) -> Option<&Requester> {
        Some(&self.requester)
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        let categories = self.responses.iter().map(|it| it.category.as_str());
        let widens = self
            .responses
            .iter()
            .any(|it| it.response == ConfiguredResponse::Automatic);
        vec![
            ("categories", Particular::Texts(categories.collect())),
            ("makes_automatic", Particular::Bool(widens)),
        ]
    }
}

//! The manifest of a bundle: `bundle.toml`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use toml::Spanned;

use crate::policy::annotation::Category;
use crate::policy::annotation::Expiry;
use crate::policy::annotation::Response;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::SourceText;

/// Name of the file.
pub const FILE_NAME: &str = "bundle.toml";

/// The level at which a bundle validates when its manifest does not say otherwise.
pub const DEFAULT_LEVEL: u32 = 1;

const KEYS: [&str; 9] = [
    "name",
    "schema",
    "level",
    "strict",
    "default_response",
    "default_expiry",
    "responses",
    "tests",
    "required",
];

/// How an officer has a category answered, whatever its policies say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CategoryResponse {
    /// Granted at once.
    Automatic,
    /// A person decides.
    ManualReview,
    /// Refused.
    Reject,
}

/// What a bundle says about itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    name: String,
    schema: PathBuf,
    level: Option<u32>,
    #[serde(default)]
    strict: bool,
    default_response: Option<Response>,
    default_expiry: Option<Expiry>,
    #[serde(default)]
    responses: BTreeMap<Spanned<Category>, CategoryResponse>,
    #[serde(default)]
    tests: Vec<PathBuf>,
    #[serde(default)]
    required: Vec<Spanned<String>>,
}

impl Manifest {
    /// Reads a manifest; a key that does not exist is refused with its place.
    pub(crate) fn parse(file: &SourceText) -> Result<Self, Box<Diagnostic>> {
        toml::from_str(file.text()).map_err(|error| Box::new(diagnose(&error, file)))
    }

    /// The manifest of a bundle that has none.
    pub(crate) fn absent(default_response: Option<Response>) -> Self {
        Self {
            name: "offline".to_owned(),
            schema: PathBuf::new(),
            level: None,
            strict: false,
            default_response,
            default_expiry: None,
            responses: BTreeMap::new(),
            tests: Vec::new(),
            required: Vec::new(),
        }
    }

    /// Name of the bundle.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Path of the schema, relative to the manifest.
    pub fn schema(&self) -> &PathBuf {
        &self.schema
    }

    /// How far policies may look into entities: what the fact gatherer loads.
    pub fn level(&self) -> u32 {
        self.level.unwrap_or(DEFAULT_LEVEL)
    }

    /// Whether every policy, forbids included, must carry a category, and no annotation without a
    /// meaning.
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// Response of permits that say none; absent, every permit must say one.
    pub fn default_response(&self) -> Option<Response> {
        self.default_response
    }

    /// How long a held request waits when its policies do not say.
    pub fn default_expiry(&self) -> Expiry {
        self.default_expiry.unwrap_or(Expiry::DEFAULT)
    }

    /// The categories that an officer has switched.
    pub fn responses(&self) -> impl Iterator<Item = (&Category, CategoryResponse)> {
        self.responses
            .iter()
            .map(|(category, response)| (category.get_ref(), *response))
    }

    /// How an officer has switched a category, if they have.
    pub fn response_of(&self, category: &Category) -> Option<CategoryResponse> {
        self.responses()
            .find_map(|(named, response)| (named == category).then_some(response))
    }

    /// Policies without which the bundle is not whole, with their places.
    pub(crate) fn required(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.required
            .iter()
            .map(|id| (id.get_ref().as_str(), id.span()))
    }

    /// Paths of the bundle's own tests, relative to the manifest.
    pub fn tests(&self) -> &[PathBuf] {
        &self.tests
    }

    pub(crate) fn response_places(&self) -> impl Iterator<Item = (&Category, Range<usize>)> {
        self.responses
            .keys()
            .map(|category| (category.get_ref(), category.span()))
    }
}

fn diagnose(error: &toml::de::Error, file: &SourceText) -> Diagnostic {
    let diagnostic = Diagnostic::error(Code::Manifest, error.message());
    let Some(span) = error.span() else {
        return diagnostic.at(file.place(0..0));
    };
    let word = file.text().get(span.clone()).unwrap_or_default();
    let words = KEYS.iter().chain(Response::WORDS).chain(&["reject"]);
    diagnostic
        .at(file.place(span))
        .did_you_mean(word.trim_matches('"'), words.copied())
}

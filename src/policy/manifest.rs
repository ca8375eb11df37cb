//! The manifest of a bundle: `bundle.toml`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use toml::Spanned;

use crate::policy::annotation::Category;
use crate::policy::annotation::Expiry;
use crate::policy::annotation::Response;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::Place;
use crate::policy::diagnostics::SourceText;
use crate::policy::due::DueWithin;

/// The last line of a manifest on disk.
pub const LAST_LINE: &str = "# end";

/// Name of the file.
pub const FILE_NAME: &str = "bundle.toml";

/// The level at which a bundle validates when its manifest does not say otherwise.
pub const DEFAULT_LEVEL: u32 = 1;

/// How far into the entities the facts of a decision reach.
const LEVEL_GATHERED: u32 = DEFAULT_LEVEL;

const KEYS: [&str; 11] = [
    "name",
    "schema",
    "level",
    "strict",
    "default_response",
    "default_expiry",
    "default_due",
    "responses",
    "tests",
    "required",
    "reasons_first",
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

impl CategoryResponse {
    /// Every word, as it is written.
    pub const WORDS: &'static [&'static str] = &["automatic", "manual-review", "reject"];

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "automatic" => Some(Self::Automatic),
            "manual-review" => Some(Self::ManualReview),
            "reject" => Some(Self::Reject),
            _ => None,
        }
    }
}

const SCHEMA_EXTENSION: &str = "cedarschema";

/// A line of `[responses]`.
#[derive(Clone, Debug)]
pub(crate) struct Switch {
    /// The category, as it is written; no policy need carry it.
    pub(crate) category: String,
    /// How it is answered.
    pub(crate) response: CategoryResponse,
    /// Where the category is written.
    pub(crate) place: Place,
}

/// Lines of `[responses]` by category, with their places.
type Table = BTreeMap<Spanned<String>, Spanned<toml::Value>>;

/// The file of response settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    responses: Table,
}

/// What a bundle says about itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    name: String,
    schema: Spanned<PathBuf>,
    level: Option<Spanned<u32>>,
    #[serde(default)]
    strict: bool,
    default_response: Option<Response>,
    default_expiry: Option<Expiry>,
    default_due: Option<DueWithin>,
    #[serde(default)]
    responses: Table,
    #[serde(skip)]
    switches: Vec<Switch>,
    #[serde(default)]
    tests: Vec<Spanned<PathBuf>>,
    #[serde(default)]
    required: Vec<Spanned<String>>,
    #[serde(default)]
    reasons_first: Vec<Spanned<String>>,
}

impl Manifest {
    /// Reads a manifest; a key that does not exist is refused with its place.
    pub(crate) fn parse(file: &SourceText) -> Result<Self, Box<Diagnostic>> {
        let mut manifest: Self =
            toml::from_str(file.text()).map_err(|error| Box::new(diagnose(&error, file)))?;
        check_schema_path(&manifest.schema, file)?;
        check_level(manifest.level.as_ref(), file)?;
        manifest.switches = switches(std::mem::take(&mut manifest.responses), file)?;
        Ok(manifest)
    }

    /// Puts response settings over the manifest's table: a line of theirs takes the place of one of the same category.
    pub(crate) fn put_over(&mut self, file: &SourceText) -> Result<(), Box<Diagnostic>> {
        let settings: Settings =
            toml::from_str(file.text()).map_err(|error| Box::new(diagnose(&error, file)))?;
        let lines = switches(settings.responses, file)?;
        self.switches
            .retain(|written| lines.iter().all(|line| line.category != written.category));
        self.switches.extend(lines);
        Ok(())
    }

    /// The manifest of a bundle that has none.
    pub(crate) fn absent(default_response: Option<Response>) -> Self {
        Self {
            name: "offline".to_owned(),
            schema: Spanned::new(0..0, PathBuf::new()),
            level: None,
            strict: false,
            default_response,
            default_expiry: None,
            default_due: None,
            responses: BTreeMap::new(),
            switches: Vec::new(),
            tests: Vec::new(),
            required: Vec::new(),
            reasons_first: Vec::new(),
        }
    }

    /// Name of the bundle.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Path of the schema, relative to the manifest.
    pub fn schema(&self) -> &PathBuf {
        self.schema.get_ref()
    }

    /// How far policies may look into entities: what the fact gatherer loads.
    pub fn level(&self) -> u32 {
        self.level
            .as_ref()
            .map_or(DEFAULT_LEVEL, |level| *level.get_ref())
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

    /// How long an obligation may take when the policies that oblige do not say.
    pub fn default_due(&self) -> Option<DueWithin> {
        self.default_due
    }

    /// The categories that an officer has switched, in the order of the file.
    pub(crate) fn switches(&self) -> &[Switch] {
        &self.switches
    }

    /// How an officer has switched a category, if they have.
    pub fn response_of(&self, category: &Category) -> Option<CategoryResponse> {
        self.switches
            .iter()
            .find_map(|switch| (switch.category == category.as_str()).then_some(switch.response))
    }

    /// Policies without which the bundle is not whole, with their places.
    pub(crate) fn required(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.required
            .iter()
            .map(|id| (id.get_ref().as_str(), id.span()))
    }

    /// Categories whose reasons a partner is told before any other, with their places.
    pub fn reasons_first(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.reasons_first
            .iter()
            .map(|category| (category.get_ref().as_str(), category.span()))
    }

    /// Paths of the bundle's own tests, relative to the manifest, with their places.
    pub fn tests(&self) -> impl Iterator<Item = (&Path, Range<usize>)> {
        self.tests
            .iter()
            .map(|path| (path.get_ref().as_path(), path.span()))
    }
}

/// A policy that looks further than what is gathered would find nothing there, and err.
fn check_level(level: Option<&Spanned<u32>>, file: &SourceText) -> Result<(), Box<Diagnostic>> {
    let Some(level) = level.filter(|level| *level.get_ref() > LEVEL_GATHERED) else {
        return Ok(());
    };
    let message = format!(
        "level {} is beyond the facts that are gathered for a decision",
        level.get_ref()
    );
    let problem = Diagnostic::error(Code::Manifest, message).at(file.place(level.span()));
    Err(Box::new(problem.help(format!(
        "they reach to level {LEVEL_GATHERED}; leave out `level`"
    ))))
}

/// A schema is a file of its kind that comes with the bundle, never just any file of the machine.
fn check_schema_path(schema: &Spanned<PathBuf>, file: &SourceText) -> Result<(), Box<Diagnostic>> {
    let path = schema.get_ref();
    let extension = path.extension().and_then(|extension| extension.to_str());
    if path.is_relative() && extension == Some(SCHEMA_EXTENSION) {
        return Ok(());
    }
    let message = format!("`{}` cannot be the schema", path.display());
    let help =
        format!("name a `.{SCHEMA_EXTENSION}` file by its path from the directory of the manifest");
    let problem = Diagnostic::error(Code::Manifest, message);
    Err(Box::new(problem.at(file.place(schema.span())).help(help)))
}

/// The lines of a table, in the order of the file.
fn switches(table: Table, file: &SourceText) -> Result<Vec<Switch>, Box<Diagnostic>> {
    let mut lines: Vec<_> = table.into_iter().collect();
    lines.sort_by_key(|(category, _)| category.span().start);
    lines
        .into_iter()
        .map(|(category, response)| switch(category, &response, file))
        .collect()
}

/// The text of a file of response settings, a line a category.
pub fn settings_text<'a>(
    responses: impl IntoIterator<Item = (&'a str, CategoryResponse)>,
) -> Result<String, toml::ser::Error> {
    #[derive(Serialize)]
    struct Written<'a> {
        responses: BTreeMap<&'a str, CategoryResponse>,
    }
    let responses = responses.into_iter().collect();
    toml::to_string(&Written { responses })
}

/// Reads a line of `[responses]`; whether its category exists is a question for the policies.
fn switch(
    category: Spanned<String>,
    response: &Spanned<toml::Value>,
    file: &SourceText,
) -> Result<Switch, Box<Diagnostic>> {
    let place = category.span();
    let category = category.into_inner();
    let wrong = |message: String| Diagnostic::error(Code::Manifest, message);
    let written = match response.get_ref() {
        toml::Value::String(word) => word,
        toml::Value::Table(table) => {
            let whole = dotted(&category, table);
            let message = format!("`{category}` is a table here, no category");
            let help = format!("write the category in quotes: `\"{whole}\"`");
            return Err(Box::new(wrong(message).at(file.place(place)).help(help)));
        }
        other @ (toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_)
        | toml::Value::Array(_)) => {
            let message = format!(
                "the answer to a category is a word, no {}",
                other.type_str()
            );
            return Err(Box::new(wrong(message).at(file.place(response.span()))));
        }
    };
    let response = CategoryResponse::from_word(written).ok_or_else(|| {
        let words = CategoryResponse::WORDS;
        let message = format!("`{written}` is none of `{}`", words.join("`, `"));
        wrong(message)
            .at(file.place(response.span()))
            .did_you_mean(written, words.iter().copied())
    })?;
    Ok(Switch {
        category,
        response,
        place: file.place(place),
    })
}

/// The category that was meant by a name with dots and without quotes.
fn dotted(first: &str, table: &toml::Table) -> String {
    let mut name = first.to_owned();
    let mut inner = table.iter().next();
    while let Some((key, value)) = inner {
        name.push('.');
        name.push_str(key);
        inner = value.as_table().and_then(|table| table.iter().next());
    }
    name
}

fn diagnose(error: &toml::de::Error, file: &SourceText) -> Diagnostic {
    let diagnostic = Diagnostic::error(Code::Manifest, error.message());
    let Some(span) = error.span() else {
        return diagnostic.at(file.place(0..0));
    };
    let word = file.text().get(span.clone()).unwrap_or_default();
    let words = KEYS.iter().chain(Response::WORDS);
    diagnostic
        .at(file.place(span))
        .did_you_mean(word.trim_matches('"'), words.copied())
}

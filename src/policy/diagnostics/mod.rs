//! What is wrong with a bundle, and where: file, line, column and a hint.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;

use miette::LabeledSpan;
use miette::MietteDiagnostic;
use serde::Deserialize;
use serde::Serialize;

mod text;

pub(crate) use self::text::SourceText;

/// How much a diagnostic weighs: an error keeps the bundle from coming into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The bundle cannot come into force.
    Error,
    /// The bundle can come into force, but somebody should look.
    Warning,
}

/// Stable name of what is wrong, for scripts and documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// Cedar cannot parse the policy text.
    Syntax,
    /// Cedar cannot read the schema.
    Schema,
    /// The policy does not fit the schema.
    Validation,
    /// A policy looks further into the entities than the bundle's level.
    LevelExceeded,
    /// Two policies carry one name.
    DuplicateId,
    /// A policy carries no `@id`.
    MissingId,
    /// An `@id` that is not a name.
    InvalidId,
    /// A permit, or a forbid of a strict bundle, carries no `@category`.
    MissingCategory,
    /// A `@category` that is not a name.
    InvalidCategory,
    /// A permit does not say its response.
    MissingResponse,
    /// A `@response` that does not exist or does not fit the effect.
    InvalidResponse,
    /// An `@obligation`, `@when_accepted` or `@when_refused` that cannot be read.
    InvalidObligation,
    /// A `@limits` that cannot be read.
    InvalidLimit,
    /// An `@expires` that is not a positive duration.
    InvalidExpiry,
    /// A `@due` that is not a positive duration.
    InvalidDue,
    /// An `@approvals` or `@denials` that cannot be counted.
    InvalidQuorum,
    /// An `@remind` or `@escalate` that cannot be read.
    InvalidReminder,
    /// A `@locked` that is not `true`.
    InvalidLock,
    /// A `@reason` that is too long, not printable or names something of ours.
    InvalidReason,
    /// A `@note` that is too long or not printable.
    InvalidNote,
    /// An annotation on a policy where it has no meaning.
    MisplacedAnnotation,
    /// An annotation that Comity does not know.
    UnknownAnnotation,
    /// The manifest cannot be read.
    Manifest,
    /// There is a manifest and no policy.
    NoPolicies,
    /// A policy that the manifest requires is not there.
    RequiredPolicy,
    /// A policy stands in a folder that promises another kind.
    Folder,
    /// `[responses]` names a category that no policy carries.
    UnknownCategory,
    /// `[responses]` names a category that cannot be switched so.
    NotSwitchable,
    /// An automatic permit reads the urgency.
    UrgencyGrants,
    /// A policy compares an attribute with a word that it never has.
    UnknownWord,
    /// A template link that cannot be made.
    Link,
    /// A template that nothing links.
    Unlinked,
    /// Scenarios that the manifest names and nobody could decide.
    Tests,
    /// A file or directory that cannot be read.
    Unreadable,
    /// A file that is not UTF-8.
    NotUtf8,
    /// A file or tree beyond the limits.
    TooLarge,
    /// A policy that cannot be turned into what `[responses]` asks for.
    Override,
    /// An access bundle under which nobody is left who can mend it.
    LockedOut,
    /// A fact that does not fit the schema.
    Registry,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The file, as its reader names it.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// First byte.
    pub offset: usize,
    /// Number of bytes.
    pub length: usize,
}

impl Place {
    /// The start of a file of which nothing more is known.
    pub fn start_of(file: &Path) -> Self {
        Self {
            file: file.to_path_buf(),
            line: 1,
            column: 1,
            offset: 0,
            length: 0,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// Another place that belongs to a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// What is to be seen there.
    pub label: String,
}

/// One thing that is wrong, or unwise, in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Stable name.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// Where; absent when it belongs to no file.
    #[serde(flatten, skip_serializing_if = "Option::is_none", default)]
    pub place: Option<Place>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub help: Option<String>,
    /// Other places that belong to it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub related: Vec<Related>,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            place: None,
            help: None,
            related: Vec::new(),
        }
    }

    /// A warning without a place.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    /// The same at a place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// The same with a hint.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with "did you mean", when one of the known words is near.
    #[must_use]
    pub fn did_you_mean<'a>(
        mut self,
        word: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        if let Some(nearest) = nearest(word, known) {
            self.help = Some(format!("did you mean `{nearest}`?"));
        }
        self
    }

    /// The same with one more place.
    #[must_use]
    pub fn related(mut self, place: Place, label: impl Into<String>) -> Self {
        self.related.push(Related {
            place,
            label: label.into(),
        });
        self
    }

    /// What Cedar reports about a file, with its labels as places.
    pub(crate) fn from_cedar(
        severity: Severity,
        code: Code,
        reported: &dyn miette::Diagnostic,
        file: &SourceText,
    ) -> Self {
        let mut labels = reported.labels().into_iter().flatten();
        let place = labels.next().map_or_else(
            || Place::start_of(file.path()),
            |label| file.place(label_range(&label)),
        );
        Self {
            severity,
            code,
            message: reported.to_string(),
            place: Some(place),
            help: reported.help().map(|help| help.to_string()),
            related: labels
                .map(|label| Related {
                    place: file.place(label_range(&label)),
                    label: label.label().unwrap_or("here").to_owned(),
                })
                .collect(),
        }
    }

    fn labels_in(&self, file: &Path) -> Vec<LabeledSpan> {
        let primary = self
            .place
            .iter()
            .map(|place| (place, None))
            .filter(|(place, _)| place.length > 0);
        let others = self
            .related
            .iter()
            .map(|related| (&related.place, Some(related.label.clone())));
        primary
            .chain(others)
            .filter(|(place, _)| place.file == file)
            .map(|(place, label)| LabeledSpan::new(label, place.offset, place.length))
            .collect()
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

/// A non-empty list of diagnostics, with the texts they speak of.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    // INVARIANT (non-empty): made only by `new`, which asks for one, and `from_list`.
    items: Vec<Diagnostic>,
    texts: BTreeMap<PathBuf, SourceText>,
}

impl Diagnostics {
    /// One diagnostic, without a text.
    pub fn new(diagnostic: Diagnostic) -> Self {
        Self {
            items: vec![diagnostic],
            texts: BTreeMap::new(),
        }
    }

    /// The diagnostics, if there are any.
    pub(crate) fn from_list(
        items: Vec<Diagnostic>,
        texts: impl IntoIterator<Item = SourceText>,
    ) -> Option<Self> {
        (!items.is_empty()).then(|| Self {
            items,
            texts: texts
                .into_iter()
                .map(|text| (text.path().to_path_buf(), text))
                .collect(),
        })
    }

    /// The same with texts to quote from.
    pub(crate) fn with_texts(mut self, texts: impl IntoIterator<Item = SourceText>) -> Self {
        self.texts.extend(
            texts
                .into_iter()
                .map(|text| (text.path().to_path_buf(), text)),
        );
        self
    }

    /// The diagnostics in the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.items.iter()
    }

    /// The diagnostics as plain values.
    pub fn into_items(self) -> Vec<Diagnostic> {
        self.items
    }

    /// All of them in the manner of rustc, with excerpts of the texts.
    pub fn render(&self, colour: bool) -> String {
        let theme = if colour {
            miette::GraphicalTheme::unicode()
        } else {
            miette::GraphicalTheme::unicode_nocolor()
        };
        let handler = miette::GraphicalReportHandler::new_themed(theme);
        let mut rendered = String::new();
        for report in self.reports() {
            if handler
                .render_report(&mut rendered, report.as_ref())
                .is_err()
            {
                rendered.push_str(&report.to_string());
            }
            rendered.push('\n');
        }
        rendered
    }

    /// Each diagnostic as a report with its source text.
    pub fn reports(&self) -> impl Iterator<Item = miette::Report> + '_ {
        self.items.iter().map(|item| self.report(item))
    }

    fn report(&self, item: &Diagnostic) -> miette::Report {
        let mut report = MietteDiagnostic::new(item.message.clone())
            .with_code(item.code.to_string())
            .with_severity(match item.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            });
        report.help.clone_from(&item.help);
        let Some(place) = &item.place else {
            return miette::Report::new(report);
        };
        for related in item.related.iter().filter(|r| r.place.file != place.file) {
            let note = format!("{}: {}", related.place, related.label);
            report.help = Some(match report.help.take() {
                Some(help) => format!("{help}\n{note}"),
                None => note,
            });
        }
        let labels = item.labels_in(&place.file);
        let Some(text) = self.texts.get(&place.file).filter(|_| !labels.is_empty()) else {
            report.message = format!("{place}: {}", report.message);
            return miette::Report::new(report);
        };
        miette::Report::new(report.with_labels(labels)).with_source_code(miette::NamedSource::new(
            place.file.display().to_string(),
            text.text().to_owned(),
        ))
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.items.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            item.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

impl Serialize for Diagnostics {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.items.serialize(serializer)
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn label_range(label: &LabeledSpan) -> Range<usize> {
    label.offset()..label.offset() + label.len()
}

/// The known word that was probably meant.
fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const FARTHEST_EDITS: usize = 3;
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(edits, candidate)| {
            *edits <= FARTHEST_EDITS && *edits * 2 < candidate.chars().count().max(3)
        })
        .min()
        .map(|(_, candidate)| candidate)
}

//! `comity eval`: many queries offline on any Cedar bundle.

use std::io;
use std::io::BufRead;
use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use serde_json::json;

use super::output;
use crate::policy::annotation::Response;
use crate::policy::bundle::LenientTexts;
use crate::policy::bundle::Validation;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::Diagnostics;
use crate::policy::manifest;
use crate::policy::source::BundleSource;
use crate::policy::source::read_text;
use crate::workbench::offline::Offline;
use crate::workbench::offline::OfflineError;
use crate::workbench::offline::OfflineTexts;
use crate::workbench::offline::read_policies;

/// Answer queries offline on any Cedar bundle.
///
/// Reads one query a line from standard input, as JSON with `principal`, `action`, `resource` (as
/// `{"type", "id"}` or as text) and `context`, and writes one answer a line: `outcome` as Comity
/// decides; `decision`, `reasons` and `errors` as Cedar does on the same policies.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    echo '{\"principal\":\"User::\\\"a\\\"\",\"action\":\"Action::\\\"view\\\"\",\
\"resource\":\"File::\\\"f\\\"\"}' \\\n    \
    | comity eval --policies policies.cedar --lenient --default-response automatic")]
pub struct Args {
    /// A policy file, or a directory; one with a `bundle.toml` is taken by all its rules.
    #[arg(long, value_name = "FILE|DIR")]
    policies: PathBuf,
    /// A schema in Cedar's syntax, or in JSON when its name ends in `.json`.
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Links of the policies' templates, in the form of a bundle's `links.json`.
    #[arg(long, value_name = "FILE")]
    links: Option<PathBuf>,
    /// Entities in Cedar's JSON format.
    #[arg(long, value_name = "FILE")]
    entities: Option<PathBuf>,
    /// Take the bundle even if it does not fit its schema, and ignore its manifest.
    #[arg(long)]
    lenient: bool,
    /// Response of permits that say none: `automatic` or `manual-review`.
    #[arg(long, value_name = "RESPONSE")]
    default_response: Option<Response>,
}

/// Why `eval` could not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// Something of what was given cannot be read or is not valid.
    #[error(transparent)]
    Input(#[from] Diagnostics),
    /// There is nothing to ask.
    #[error(transparent)]
    Offline(#[from] OfflineError),
    /// Standard input or output failed.
    #[error("standard input or output failed")]
    Stream(#[from] io::Error),
}

impl EvalError {
    /// What is wrong with the bundle, for a report with excerpts.
    pub fn diagnostics(&self) -> Option<&Diagnostics> {
        match self {
            Self::Input(diagnostics) | Self::Offline(OfflineError::Bundle(diagnostics)) => {
                Some(diagnostics)
            }
            Self::Offline(OfflineError::Entities(_)) | Self::Stream(_) => None,
        }
    }
}

/// Whether every line was a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queries {
    /// Every line has its answer.
    AllAnswered,
    /// Some line could not be read: exit code 2.
    SomeInvalid,
}

/// Answers every line of the input; a line that is no query is answered with an error.
pub fn run(
    args: &Args,
    input: impl BufRead,
    mut answers: impl Write,
) -> Result<Queries, EvalError> {
    let offline = offline(args)?;
    let mut queries = Queries::AllAnswered;
    if let Some(warnings) = offline.warnings() {
        output::complain(&warnings.render(io::stderr().is_terminal()));
    }
    // By bytes: a line that is no text has an answer too, and those after it.
    for (index, line) in input.split(b'\n').enumerate() {
        let line = line?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let answer = match offline.answer(&line) {
            Ok(answer) => serde_json::to_value(answer).map_err(io::Error::from)?,
            Err(error) => {
                queries = Queries::SomeInvalid;
                json!({ "error": with_causes(&error), "line": index + 1 })
            }
        };
        serde_json::to_writer(&mut answers, &answer).map_err(io::Error::from)?;
        answers.write_all(b"\n")?;
    }
    answers.flush()?;
    Ok(queries)
}

fn offline(args: &Args) -> Result<Offline, EvalError> {
    let entities = args.entities.as_deref().map(read_text).transpose()?;
    let is_bundle = args.policies.join(manifest::FILE_NAME).is_file();
    if is_bundle && !args.lenient && args.schema.is_none() {
        if args.links.is_some() {
            let message = "a bundle with a manifest has its own links";
            let problem = Diagnostic::error(Code::Link, message);
            let help = "take its policies alone by `--lenient`";
            return Err(Diagnostics::new(problem.help(help)).into());
        }
        let source = BundleSource::read(&args.policies)?;
        return Ok(Offline::of_bundle(&source, entities.as_deref())?);
    }
    let named = |path: &Path| read_text(path).map(|text| (path.to_path_buf(), text));
    Ok(Offline::new(&OfflineTexts {
        bundle: LenientTexts {
            policies: read_policies(&args.policies)?,
            schema: args.schema.as_deref().map(named).transpose()?,
            links: args.links.as_deref().map(named).transpose()?,
            default_response: args.default_response,
            validation: if args.lenient {
                Validation::Advisory
            } else {
                Validation::Strict
            },
        },
        entities,
    })?)
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

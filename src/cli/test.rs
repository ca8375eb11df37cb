//! `comity test`: scenarios decided on a bundle, compared with what was expected.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::output;
use crate::policy::diagnostics::Diagnostics;
use crate::policy::source::BundleSource;
use crate::workbench::scenario::Scenario;
use crate::workbench::scenario::coverage::Coverage;
use crate::workbench::scenario::junit::junit;
use crate::workbench::scenario::read::read_scenarios;
use crate::workbench::scenario::suite;
use crate::workbench::scenario::suite::Report;
use crate::workbench::scenario::suite::SuiteError;

/// What to run, and how to report.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Scenario files, or directories of them
    #[arg(value_name = "DIR", default_value = "tests/scenarios")]
    scenarios: Vec<PathBuf>,
    /// The bundle
    #[arg(long, value_name = "DIR", default_value = "policies")]
    policies: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Write the report as `JUnit` XML too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Run only scenarios whose name or sentence contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Fail, and list them, if policies determine no scenario
    #[arg(long, conflicts_with = "filter")]
    coverage: bool,
}

/// Why there is no report.
#[derive(Debug)]
enum TestError {
    Invalid(String),
    Broken(String),
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    match reported(arguments) {
        Ok(report) => {
            if arguments.json {
                output::say(&serde_json::to_string_pretty(&report).unwrap_or_default());
            } else {
                print(&report, arguments.coverage);
            }
            let is_covered = !arguments.coverage || report.coverage.idle.is_empty();
            if report.failures() == 0 && is_covered {
                Exit::Success
            } else {
                Exit::No
            }
        }
        Err(TestError::Invalid(text)) => {
            output::complain(&text);
            Exit::InvalidInput
        }
        Err(TestError::Broken(text)) => {
            output::complain(&text);
            Exit::Broken
        }
    }
}

fn reported(arguments: &Arguments) -> Result<Report, TestError> {
    let read = read_scenarios(&arguments.scenarios);
    let mut scenarios = read.map_err(|error| TestError::Invalid(error.to_string()))?;
    if let Some(text) = &arguments.filter {
        scenarios.retain(|scenario| is_meant(scenario, text));
        if scenarios.is_empty() {
            let detail = format!("no scenario has `{text}` in its name or sentence");
            return Err(TestError::Invalid(detail));
        }
    }
    let source = BundleSource::read(&arguments.policies).map_err(|it| invalid(&it))?;
    let report = suite::run(&source, &scenarios).map_err(|error| refused(&error))?;
    if let Some(file) = &arguments.junit {
        fs::write(file, junit(&report)).map_err(|error| {
            TestError::Broken(format!("cannot write `{}`: {error}", file.display()))
        })?;
    }
    Ok(report)
}

fn is_meant(scenario: &Scenario, text: &str) -> bool {
    scenario.name.contains(text) || scenario.about.contains(text)
}

fn invalid(diagnostics: &Diagnostics) -> TestError {
    TestError::Invalid(diagnostics.render(false))
}

fn refused(error: &SuiteError) -> TestError {
    let rendered = error.diagnostics.render(false);
    TestError::Invalid(format!("{error}\n{rendered}"))
}

fn print(report: &Report, with_coverage: bool) {
    for ran in &report.scenarios {
        let word = if ran.passed() { "ok    " } else { "FAILED" };
        output::say(&format!("{word} {}", ran.name));
        if !ran.passed() {
            output::say(&format!("       {}", ran.about));
        }
        for difference in &ran.differences {
            output::say(&format!("       {difference}"));
        }
    }
    if with_coverage {
        print_coverage(&report.coverage);
    }
    let failures = report.failures();
    let passed = report.scenarios.len() - failures;
    output::say(&format!(
        "{passed} passed, {failures} failed under {}",
        report.bundle
    ));
}

fn print_coverage(coverage: &Coverage) {
    for policy in &coverage.idle {
        let (id, place) = (&policy.id, &policy.place);
        output::say(&format!("no scenario is determined by `{id}` ({place})"));
    }
    let (policies, idle) = (coverage.policies, coverage.idle.len());
    let determined = policies - idle;
    output::say(&format!(
        "{determined} of {policies} policies determine a scenario"
    ));
}

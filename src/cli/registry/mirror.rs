//! `comity registry mirror`: whether the two halves of an agreement fit.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use miette::MietteDiagnostic;

use super::read_documents;
use crate::app::clock::Clock;
use crate::app::clock::SystemClock;
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::domain::agreement::Agreement;
use crate::domain::agreement::CertificateThumbprint;
use crate::domain::document::Document;
use crate::domain::identity::McSystemId;
use crate::domain::mirror::Circumstances;
use crate::domain::mirror::Comparison;
use crate::domain::mirror::Half;
use crate::domain::mirror::Mismatch;
use crate::domain::mirror::Severity;
use crate::domain::registry::DocumentKind;
use crate::domain::time::Timestamp;
use crate::workbench::registry_files::read_document;

/// Arguments of `registry mirror`.
#[derive(Debug, Args)]
pub struct Mirror {
    /// Our half: an agreement (JSON or YAML), or the registry directory that holds it
    ours: PathBuf,
    /// Their half: the same of the partner
    theirs: PathBuf,
    /// The system that wrote our half, where the files do not tell
    #[arg(long, value_name = "SYSTEM")]
    our_system: Option<McSystemId>,
    /// The system that wrote their half, where the files do not tell
    #[arg(long, value_name = "SYSTEM")]
    their_system: Option<McSystemId>,
    /// The moment for which they are compared (RFC 3339)
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// When a certificate ends, as `sha256:…=2027-01-01T00:00:00Z`; may be repeated
    #[arg(long = "certificate-end", value_name = "THUMBPRINT=TIME", value_parser = certificate_end)]
    certificate_ends: Vec<(CertificateThumbprint, Timestamp)>,
    /// Print the comparison as JSON
    #[arg(long)]
    json: bool,
}

/// What one argument holds.
#[derive(Debug)]
enum Source {
    /// One half, which does not say whose it is.
    File(Box<Agreement>),
    /// All halves of one system.
    Registry(Registry),
}

#[derive(Debug)]
struct Registry {
    system: Option<McSystemId>,
    agreements: Vec<Agreement>,
    key_servers: BTreeSet<String>,
}

pub(super) fn run(arguments: &Mirror) -> Exit {
    let comparison = match compare(arguments) {
        Ok(comparison) => comparison,
        Err(text) => {
            output::complain(&text);
            return Exit::InvalidInput;
        }
    };
    if arguments.json {
        output::say(&serde_json::to_string_pretty(&comparison).unwrap_or_default());
    } else {
        print(&comparison);
    }
    if comparison.fits {
        Exit::Success
    } else {
        Exit::No
    }
}

fn compare(arguments: &Mirror) -> Result<Comparison, String> {
    let ours = Source::read(&arguments.ours)?;
    let theirs = Source::read(&arguments.theirs)?;
    let our_system = arguments.our_system.as_ref();
    let our_system = our_system
        .or(ours.system())
        .or(theirs.only_partner())
        .ok_or_else(|| unknown_system(&arguments.ours, "--our-system"))?;
    let their_system = arguments.their_system.as_ref();
    let their_system = their_system
        .or(theirs.system())
        .or(ours.only_partner())
        .ok_or_else(|| unknown_system(&arguments.theirs, "--their-system"))?;
    let certificates_end: BTreeMap<_, _> = arguments.certificate_ends.iter().cloned().collect();
    let now = || Clock::new(Box::new(SystemClock::default()), None).now();
    let circumstances = Circumstances {
        at: arguments.at.unwrap_or_else(now),
        certificates_end: &certificates_end,
    };
    let half = Half {
        system: our_system,
        agreement: ours.agreement_about(their_system, &arguments.ours)?,
        key_servers: ours.key_servers(),
    };
    let mirrored = Half {
        system: their_system,
        agreement: theirs.agreement_about(our_system, &arguments.theirs)?,
        key_servers: theirs.key_servers(),
    };
    Ok(Comparison::of(half, mirrored, circumstances))
}

fn unknown_system(path: &Path, flag: &str) -> String {
    format!(
        "{}: cannot tell which system wrote it; say so by `{flag}`",
        path.display()
    )
}

impl Source {
    fn read(path: &Path) -> Result<Self, String> {
        if path.is_dir() {
            let documents = read_documents(path).map_err(|error| error.to_string())?;
            let documents: Vec<Document> = documents
                .into_iter()
                .map(|(_, document)| document)
                .collect();
            return Ok(Self::Registry(Registry::new(documents)));
        }
        let document = read_document(DocumentKind::Agreement, path);
        match document.map_err(|error| error.to_string())? {
            Document::Agreement(agreement) => Ok(Self::File(Box::new(agreement))),
            Document::System(_)
            | Document::User(_)
            | Document::Group(_)
            | Document::MigratedProfile(_)
            | Document::Link(_)
            | Document::UeConfiguration(_)
            | Document::Migration(_)
            | Document::OpenDeletion(_)
            | Document::AreaMap(_)
            | Document::PartnerKeys(_)
            | Document::AccessGrant(_)
            | Document::ResponseSettings(_)
            | Document::HomeRefusal(_)
            | Document::Membership(_)
            | Document::MigrationUser(_)
            | Document::ScheduledChange(_)
            | Document::SharedGroup(_)
            | Document::GroupOverride(_) => Err(format!("{}: is not an agreement", path.display())),
        }
    }

    /// The system that wrote it.
    fn system(&self) -> Option<&McSystemId> {
        match self {
            Self::File(_) => None,
            Self::Registry(registry) => registry.system.as_ref(),
        }
    }

    /// The partner, where only one comes into question.
    fn only_partner(&self) -> Option<&McSystemId> {
        match self {
            Self::File(agreement) => Some(&agreement.partner),
            Self::Registry(registry) => match &registry.agreements[..] {
                [agreement] => Some(&agreement.partner),
                [] | [_, _, ..] => None,
            },
        }
    }

    /// The half about a system; a file is taken as it is, so that one about another system is noticed.
    fn agreement_about(&self, other: &McSystemId, path: &Path) -> Result<&Agreement, String> {
        match self {
            Self::File(agreement) => Ok(agreement),
            Self::Registry(registry) => registry
                .agreements
                .iter()
                .find(|agreement| agreement.partner == *other)
                .ok_or_else(|| {
                    format!(
                        "{}: holds no agreement about `{other}`, and without one nothing is given",
                        path.display()
                    )
                }),
        }
    }

    /// The key management servers of its users; without any nothing is known.
    fn key_servers(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::File(_) => None,
            Self::Registry(registry) => {
                Some(&registry.key_servers).filter(|servers| !servers.is_empty())
            }
        }
    }
}

impl Registry {
    fn new(documents: Vec<Document>) -> Self {
        let mut agreements = Vec::new();
        let mut systems = BTreeSet::new();
        let mut homes = BTreeSet::new();
        let mut key_servers = BTreeSet::new();
        for document in documents {
            match document {
                Document::Agreement(agreement) => agreements.push(agreement),
                Document::System(system) => {
                    systems.insert(system.mc_system_id);
                }
                Document::User(user) => {
                    let identities = user.identities.iter();
                    homes.extend(identities.filter_map(|(_, id)| id.uri().domain().cloned()));
                    key_servers.extend(user.kms_uri);
                }
                Document::Group(group) => homes.extend(group.id.uri().domain().cloned()),
                Document::MigratedProfile(_)
                | Document::Link(_)
                | Document::UeConfiguration(_)
                | Document::Migration(_)
                | Document::OpenDeletion(_)
                | Document::AreaMap(_)
                | Document::PartnerKeys(_)
                | Document::AccessGrant(_)
                | Document::ResponseSettings(_)
                | Document::HomeRefusal(_)
                | Document::Membership(_)
                | Document::MigrationUser(_)
                | Document::ScheduledChange(_)
                | Document::SharedGroup(_)
                | Document::GroupOverride(_) => {}
            }
        }
        // Users and groups are home in the system itself; without any it is the one that is nobody's partner.
        let candidates = if homes.is_empty() {
            for agreement in &agreements {
                systems.remove(&agreement.partner);
            }
            systems
        } else {
            homes
        };
        Self {
            system: only(candidates),
            agreements,
            key_servers,
        }
    }
}

fn only(candidates: BTreeSet<McSystemId>) -> Option<McSystemId> {
    let mut candidates = candidates.into_iter();
    candidates.next().filter(|_| candidates.next().is_none())
}

fn certificate_end(text: &str) -> Result<(CertificateThumbprint, Timestamp), String> {
    let (thumbprint, end) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is not a thumbprint, `=` and a time"))?;
    Ok((
        thumbprint
            .parse()
            .map_err(|error: crate::domain::agreement::InvalidThumbprint| error.to_string())?,
        end.parse()
            .map_err(|error: crate::domain::time::InvalidTimestamp| error.to_string())?,
    ))
}

fn print(comparison: &Comparison) {
    let theme = if std::io::stdout().is_terminal() {
        miette::GraphicalTheme::unicode()
    } else {
        miette::GraphicalTheme::unicode_nocolor()
    };
    let handler = miette::GraphicalReportHandler::new_themed(theme).with_wrap_lines(false);
    for mismatch in &comparison.mismatches {
        let mut rendered = String::new();
        if handler
            .render_report(&mut rendered, &report(mismatch))
            .is_err()
        {
            rendered.clone_from(&mismatch.effect);
        }
        output::say(&rendered);
    }
    let counts: Vec<String> = [
        Severity::Blocking,
        Severity::OneSided,
        Severity::Informational,
    ]
    .into_iter()
    .filter_map(|severity| {
        let of_severity = |mismatch: &&Mismatch| mismatch.severity == severity;
        let count = comparison.mismatches.iter().filter(of_severity).count();
        (count > 0).then(|| format!("{count} {}", severity.as_str()))
    })
    .collect();
    let verdict = if comparison.fits { "fit" } else { "do not fit" };
    let found = if counts.is_empty() {
        String::new()
    } else {
        format!(": {}", counts.join(", "))
    };
    output::say(&format!(
        "the halves of {} and {} {verdict}{found}",
        comparison.ours, comparison.theirs
    ));
}

fn report(mismatch: &Mismatch) -> MietteDiagnostic {
    let mut help = mismatch.remedy.clone();
    for place in [&mismatch.ours, &mismatch.theirs] {
        let pointer = if place.pointer.is_empty() {
            "users"
        } else {
            place.pointer
        };
        // Writing to a string cannot fail.
        let _written = write!(help, "\n{} {pointer}: {}", place.system, place.value);
    }
    let _written = write!(help, "\n{}", mismatch.source);
    MietteDiagnostic::new(mismatch.effect.clone())
        .with_code(mismatch.severity.as_str())
        .with_help(help)
        .with_severity(match mismatch.severity {
            Severity::Blocking => miette::Severity::Error,
            Severity::OneSided => miette::Severity::Warning,
            Severity::Informational => miette::Severity::Advice,
        })
}

//! The past of the policies: which bundle was in force when, and how two differ.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::history::Changed;
use crate::app::history::Moment;
use crate::app::permission::Action;
use crate::app::replay::archived_bundle;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::policy::bundle::Bundle;
use crate::policy::source::BundleDigest;
use crate::policy::source::BundleSource;
use crate::store::event::EventBody;

/// Every bundle that came into force, and every one that was refused.
#[derive(Clone, Debug, Serialize)]
pub struct PoliciesHistory {
    /// In the order in which it was tried.
    pub publications: Vec<Publication>,
}

/// An attempt to put a bundle in force.
#[derive(Clone, Debug, Serialize)]
pub struct Publication {
    /// The entry.
    pub index: u64,
    /// When.
    pub at: Timestamp,
    /// `published` or `refused`.
    pub outcome: &'static str,
    /// The digest of the bundle; of one that was refused, of what was wrong with it.
    pub digest: String,
    /// Which bundle in order it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// Who published it; absent where that was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why it was refused; absent where that was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

/// The bundle that was in force at a moment.
#[derive(Clone, Debug, Serialize)]
pub struct PastPolicies {
    /// How it came into force.
    #[serde(flatten)]
    pub publication: Publication,
    /// Until when it was in force; absent where it is still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Its policies, in order of name.
    pub policies: Vec<PastPolicy>,
}

/// One policy of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PastPolicy {
    /// Its stable name.
    pub id: String,
    /// Permit or forbid.
    pub effect: String,
    /// Its category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Its response, after the manifest's switches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// Its text.
    pub text: String,
}

/// How two bundles differ.
#[derive(Clone, Debug, Serialize)]
pub struct PoliciesDiff {
    /// The one.
    pub from: String,
    /// The other.
    pub to: String,
    /// Policies that only the other has.
    pub added: Vec<PastPolicy>,
    /// Policies that only the one has.
    pub removed: Vec<PastPolicy>,
    /// Policies of both that are not the same.
    pub changed: Vec<ChangedPolicy>,
    /// Other files that are not the same, with both texts: manifest, schema, links, settings.
    pub files: Vec<ChangedFile>,
}

/// A policy before and after.
#[derive(Clone, Debug, Serialize)]
pub struct ChangedPolicy {
    /// Its stable name.
    pub id: String,
    /// As it was.
    pub before: PastPolicy,
    /// As it is.
    pub after: PastPolicy,
}

/// A file before and after.
#[derive(Clone, Debug, Serialize)]
pub struct ChangedFile {
    /// Its path in the bundle.
    pub path: String,
    /// As it was; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// As it is; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl App {
    /// Every bundle that came into force, and every one that was refused.
    pub async fn policies_history(&self, caller: &Caller) -> Result<PoliciesHistory, AppError> {
        self.permit(caller, Action::ReadPolicies)?;
        let publications = self.aside(Self::publications).await?;
        Ok(PoliciesHistory { publications })
    }

    /// The bundle that was in force at a moment.
    pub async fn policies_at(&self, caller: &Caller, at: Moment) -> Result<PastPolicies, AppError> {
        self.permit(caller, Action::ReadPolicies)?;
        self.aside(move |app| {
            let publications = app.publications()?;
            let published = publications.into_iter().filter(Publication::is_in_force);
            let (before, after): (Vec<_>, Vec<_>) =
                published.partition(|it| at.includes(it.index, it.at));
            let publication = before
                .into_iter()
                .next_back()
                .ok_or_else(|| AppError::NoPastState(format!("no bundle was in force at {at}")))?;
            let (_, bundle) = archived_bundle(app.archive(), &publication.digest)?;
            Ok(PastPolicies {
                publication,
                until: after.first().map(|next| next.at),
                policies: policies(&bundle).into_values().collect(),
            })
        })
        .await
    }

    /// How two bundles differ, each by its digest or by a moment at which it was in force.
    pub async fn policies_diff(
        &self,
        caller: &Caller,
        from: String,
        to: String,
    ) -> Result<PoliciesDiff, AppError> {
        self.permit(caller, Action::ReadPolicies)?;
        self.aside(move |app| {
            let publications = app.publications()?;
            let from = named(&publications, &from, "/from")?;
            let to = named(&publications, &to, "/to")?;
            let (one, before) = archived_bundle(app.archive(), &from)?;
            let (other, after) = archived_bundle(app.archive(), &to)?;
            let (mut before, mut after) = (policies(&before), policies(&after));
            let names: BTreeSet<String> = before.keys().chain(after.keys()).cloned().collect();
            let mut diff = PoliciesDiff {
                from,
                to,
                added: Vec::new(),
                removed: Vec::new(),
                changed: Vec::new(),
                files: changed_files(&one, &other),
            };
            for id in names {
                match (before.remove(&id), after.remove(&id)) {
                    (Some(before), Some(after)) if before != after => {
                        diff.changed.push(ChangedPolicy { id, before, after });
                    }
                    (Some(before), None) => diff.removed.push(before),
                    (None, Some(after)) => diff.added.push(after),
                    (Some(_), Some(_)) | (None, None) => {}
                }
            }
            Ok(diff)
        })
        .await
    }

    fn publications(&self) -> Result<Vec<Publication>, AppError> {
        let indexes = self.known(|known| known.publications.clone())?;
        let reader = self.store().reader();
        let read = indexes.into_iter().map(|index| {
            let changed = Changed::read(&reader, index)?;
            Ok(publication(index, changed))
        });
        let read: Result<Vec<Option<Publication>>, AppError> = read.collect();
        Ok(read?.into_iter().flatten().collect())
    }
}

impl Publication {
    fn is_in_force(&self) -> bool {
        self.generation.is_some()
    }
}

fn publication(index: u64, changed: Changed) -> Option<Publication> {
    let at = changed.at;
    if let EventBody::Published {
        digest,
        generation,
        actor,
        summary: _,
    } = changed.event.body
    {
        return Some(Publication {
            index,
            at,
            outcome: "published",
            digest,
            generation: Some(generation),
            by: actor,
            summary: None,
        });
    }
    if let EventBody::PublicationRefused { digest, summary } = changed.event.body {
        return Some(Publication {
            index,
            at,
            outcome: "refused",
            digest,
            generation: None,
            by: None,
            summary,
        });
    }
    None
}

/// The digest of a bundle that was in force, by itself or by a moment.
fn named(publications: &[Publication], text: &str, pointer: &str) -> Result<String, AppError> {
    let mut published = publications.iter().filter(|it| it.is_in_force()).rev();
    let found = if text.parse::<BundleDigest>().is_ok() {
        published.find(|it| it.digest == text)
    } else {
        let moment: Moment = text.parse().map_err(|_| {
            let detail =
                format!("`{text}` is neither the digest of a bundle, nor a time, nor an index");
            AppError::Invalid(vec![Invalid::at(pointer, detail)])
        })?;
        published.find(|it| moment.includes(it.index, it.at))
    };
    let found = found.map(|it| it.digest.clone());
    found.ok_or_else(|| AppError::NoPastState(format!("no bundle `{text}` was ever in force")))
}

fn policies(bundle: &Bundle) -> BTreeMap<String, PastPolicy> {
    let all = bundle.compiled().iter().map(|compiled| {
        let info = compiled.info();
        let policy = compiled.policy();
        let text = policy.to_cedar().unwrap_or_else(|| policy.to_string());
        let told = PastPolicy {
            id: info.id.to_string(),
            effect: info.effect.to_string(),
            category: info.category.as_ref().map(ToString::to_string),
            response: info.response.map(|response| response.as_str().to_owned()),
            text,
        };
        (told.id.clone(), told)
    });
    all.collect()
}

fn is_policy_file(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|it| it == "cedar")
}

/// Files other than policies that are not the same.
fn changed_files(one: &BundleSource, other: &BundleSource) -> Vec<ChangedFile> {
    let files = |source: &BundleSource| {
        let mut files: BTreeMap<String, String> = source
            .files()
            .iter()
            .filter(|(path, _)| !is_policy_file(path))
            .map(|(path, text)| (path.clone(), text.clone()))
            .collect();
        files.insert("bundle.toml".to_owned(), source.manifest().to_owned());
        files.insert(source.schema_path().to_owned(), source.schema().to_owned());
        files
    };
    let (mut before, mut after) = (files(one), files(other));
    let paths: BTreeSet<String> = before.keys().chain(after.keys()).cloned().collect();
    let changed = paths.into_iter().map(|path| ChangedFile {
        before: before.remove(&path),
        after: after.remove(&path),
        path,
    });
    changed.filter(|file| file.before != file.after).collect()
}

//! Golden decisions: cases as data, over registries and requests that they share.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::LazyLock;

use comity::decision::decide::ItemDecision;
use comity::decision::decide::decide;
use comity::decision::engine::Engine;
use comity::decision::facts::Facts;
use comity::decision::facts::Lookup;
use comity::decision::facts::ReadSet;
use comity::decision::facts::Visitors;
use comity::decision::facts::gather;
use comity::decision::reason::ReasonCode;
use comity::domain::document::Document;
use comity::domain::identity::FunctionalAlias;
use comity::domain::identity::McServiceId;
use comity::domain::identity::McSystemId;
use comity::domain::outcome::Outcome;
use comity::domain::registry::DocumentId;
use comity::domain::registry::DocumentKey;
use comity::domain::registry::DocumentKind;
use comity::domain::registry::Revision;
use comity::domain::registry::Versioned;
use comity::domain::request::InterSystemRequest;
use comity::domain::system::TelPrefix;
use comity::domain::time::Timestamp;
use comity::policy::bundle::Bundle;
use comity::policy::source::BundleSource;
use serde::Deserialize;
use serde_json::Value;

/// The shipped policies.
pub(crate) static SHIPPED: LazyLock<Engine> = LazyLock::new(|| shipped(&[]));

/// The shipped policies with some categories switched.
pub(crate) fn shipped(responses: &[(String, String)]) -> Engine {
    if responses.is_empty() {
        return engine(Path::new("policies"));
    }
    let copy = tempfile::tempdir().unwrap();
    copy_tree(Path::new("policies"), &copy.path().join("policies"));
    copy_tree(Path::new("schemas"), &copy.path().join("schemas"));
    let manifest = copy.path().join("policies/bundle.toml");
    let mut text = fs::read_to_string(&manifest).unwrap();
    for (category, response) in responses {
        writeln!(text, "\"{category}\" = \"{response}\"").unwrap();
    }
    fs::write(&manifest, text).unwrap();
    engine(&copy.path().join("policies"))
}

pub(crate) fn engine(policies: &Path) -> Engine {
    let source = BundleSource::read(policies).unwrap_or_else(|problems| panic!("{problems:?}"));
    let bundle = Bundle::compile(&source).unwrap_or_else(|problems| panic!("{problems:?}"));
    Engine::new(Arc::new(bundle))
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_tree(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

/// A registry in memory, as one system has it.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    pub(crate) local: McSystemId,
    pub(crate) documents: BTreeMap<DocumentKey, Versioned<Arc<Document>>>,
}

impl Registry {
    /// Reads `{"local": …, "documents": {"agreements/mc.nl.example": {…}, …}}`.
    pub(crate) fn from_json(json: &Value) -> Self {
        let mut documents = BTreeMap::new();
        for (number, (path, document)) in json["documents"].as_object().unwrap().iter().enumerate()
        {
            let (plural, id) = path.split_once('/').unwrap();
            let kind = DocumentKind::from_plural(plural).unwrap();
            let document = Document::from_json(kind, document.clone())
                .unwrap_or_else(|error| panic!("{path}: {error}"));
            let key = document.key().unwrap();
            assert_eq!(key.id.as_str(), id, "the document says another key");
            let versioned = Versioned {
                revision: Revision(number as u64 + 1),
                value: Arc::new(document),
            };
            documents.insert(key, versioned);
        }
        Self {
            local: json["local"].as_str().unwrap().parse().unwrap(),
            documents,
        }
    }

    fn values(&self) -> impl Iterator<Item = &Document> {
        self.documents
            .values()
            .map(|document| document.value.as_ref())
    }

    pub(crate) fn without(&self, key: &DocumentKey) -> Self {
        let mut registry = self.clone();
        registry.documents.remove(key);
        registry
    }

    pub(crate) fn gather(&self, request: &InterSystemRequest, now: Timestamp) -> (Facts, ReadSet) {
        gather(&self.local, request, self, now)
    }
}

impl Lookup for Registry {
    fn document(&self, key: &DocumentKey) -> Option<Versioned<Arc<Document>>> {
        self.documents.get(key).cloned()
    }

    fn person(&self, identity: &McServiceId) -> Option<DocumentId> {
        self.values().find_map(|document| {
            let Document::User(user) = document else {
                return None;
            };
            let is_theirs = user.identities.iter().any(|(_, id)| id == identity);
            is_theirs.then(|| user.id.clone())
        })
    }

    fn home_of_number(&self, tel: &str) -> Option<McSystemId> {
        let matching = self.values().flat_map(|document| {
            let prefixes = match document {
                Document::System(system) => system.tel_prefixes.iter(),
                Document::Agreement(_)
                | Document::User(_)
                | Document::Group(_)
                | Document::MigratedProfile(_)
                | Document::Link(_)
                | Document::UeConfiguration(_)
                | Document::Migration(_)
                | Document::OpenDeletion(_)
                | Document::AreaMap(_)
                | Document::PartnerKeys(_)
                | Document::AccessGrant(_) => [].iter(),
            };
            prefixes
                .map(TelPrefix::as_str)
                .filter(|prefix| tel.starts_with(prefix))
                .map(move |prefix| (prefix.len(), document))
        });
        let (_, longest) = matching.max_by_key(|(length, _)| *length)?;
        longest.key().unwrap().id.as_str().parse().ok()
    }

    fn migrated_profile(&self, user: &McServiceId, home: &McSystemId) -> Option<DocumentId> {
        let of = |wanted: Option<&McServiceId>| {
            self.values().find_map(|document| {
                let Document::MigratedProfile(profile) = document else {
                    return None;
                };
                let fits = profile.home_system == *home && profile.user.as_ref() == wanted;
                fits.then(|| profile.id.clone())
            })
        };
        of(Some(user)).or_else(|| of(None))
    }

    fn alias_holder(&self, alias: &FunctionalAlias) -> Option<DocumentId> {
        let mut holders = self.values().filter_map(|document| {
            let Document::User(user) = document else {
                return None;
            };
            let is_held = user.functional_aliases.contains(alias);
            is_held.then(|| user.id.clone())
        });
        holders.next()
    }

    fn visitors(&self, home: &McSystemId, except: &McServiceId) -> Visitors {
        let entries = self.documents.values().filter_map(|document| {
            let Document::Migration(entry) = document.value.as_ref() else {
                return None;
            };
            (entry.home_system == *home).then_some((document.revision, entry))
        });
        let entries: Vec<_> = entries.collect();
        let others = entries
            .iter()
            .map(|(_, entry)| entry.user.uri().subscriber());
        let others: std::collections::BTreeSet<&str> = others
            .filter(|user| *user != except.uri().subscriber())
            .collect();
        Visitors {
            count: others.len(),
            revision: entries.iter().map(|(revision, _)| *revision).max(),
        }
    }
}

/// A case: a registry and a request by name, each with changes, and what must come out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) about: String,
    registry: String,
    /// A merge patch (RFC 7396) of the registry's documents; `null` takes one away.
    #[serde(default)]
    documents: Value,
    request: String,
    /// A merge patch of the request.
    #[serde(default)]
    change: Value,
    #[serde(default = "noon")]
    pub(crate) now: Timestamp,
    /// Categories that the officer has switched.
    #[serde(default)]
    pub(crate) responses: BTreeMap<String, String>,
    pub(crate) expect: Vec<Expected>,
    /// What is chosen among the candidates.
    #[serde(default)]
    pub(crate) selection: Value,
}

/// What must come out for the next item, or so many items.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    #[serde(default = "one")]
    pub(crate) items: usize,
    pub(crate) outcome: Outcome,
    pub(crate) reason: ReasonCode,
    pub(crate) policies: Vec<String>,
    /// Members of the item decision that must be as given.
    #[serde(default)]
    pub(crate) also: BTreeMap<String, Value>,
}

fn one() -> usize {
    1
}

fn noon() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// A case made ready.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) name: String,
    pub(crate) case: Case,
    pub(crate) registry: Registry,
    pub(crate) request: InterSystemRequest,
}

impl Scene {
    pub(crate) fn engine(&self) -> EngineOfCase {
        if self.case.responses.is_empty() {
            EngineOfCase::Shipped
        } else {
            let responses: Vec<_> = self.case.responses.clone().into_iter().collect();
            EngineOfCase::Own(Box::new(shipped(&responses)))
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        self.registry.gather(&self.request, self.case.now).0
    }

    pub(crate) fn decide(&self, engine: &Engine) -> Vec<ItemDecision> {
        let (facts, _) = self.registry.gather(&self.request, self.case.now);
        decide(engine, &self.request, &facts, self.case.now)
    }
}

/// The engine under which a case is decided.
pub(crate) enum EngineOfCase {
    Shipped,
    Own(Box<Engine>),
}

impl EngineOfCase {
    pub(crate) fn get(&self) -> &Engine {
        match self {
            Self::Shipped => &SHIPPED,
            Self::Own(engine) => engine,
        }
    }
}

/// Every case, in order of name.
pub(crate) static SCENES: LazyLock<Vec<Scene>> = LazyLock::new(|| {
    let mut paths: Vec<PathBuf> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .collect();
    paths.sort();
    paths.iter().map(|path| scene(path)).collect()
});

fn root() -> PathBuf {
    PathBuf::from("tests/it/decisions")
}

fn scene(path: &Path) -> Scene {
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
    let case: Case =
        serde_json::from_value(json(path)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut registry = json(&root().join(format!("registries/{}.json", case.registry)));
    merge(&mut registry["documents"], &case.documents);
    let mut request = json(&root().join(format!("requests/{}.json", case.request)));
    merge(&mut request, &case.change);
    expand_members(&mut request);
    Scene {
        registry: Registry::from_json(&registry),
        request: serde_json::from_value(request).unwrap_or_else(|error| panic!("{name}: {error}")),
        name,
        case,
    }
}

/// A member written `sip:officer.{1..240}@…` stands for so many.
fn expand_members(request: &mut Value) {
    let Some(Value::Array(members)) = request["body"].get_mut("members") else {
        return;
    };
    *members = members
        .iter()
        .flat_map(|member| expand(member.as_str().unwrap()))
        .map(Value::String)
        .collect();
}

fn expand(pattern: &str) -> Vec<String> {
    let range = pattern.split_once('{').and_then(|(before, rest)| {
        let (range, after) = rest.split_once('}')?;
        let (first, last) = range.split_once("..")?;
        Some((before, first.parse().ok()?, last.parse().ok()?, after))
    });
    match range {
        Some((before, first, last, after)) => (first..=last)
            .map(|number: u32| format!("{before}{number}{after}"))
            .collect(),
        None => vec![pattern.to_owned()],
    }
}

fn json(path: &Path) -> Value {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    match patch {
        Value::Null => {}
        Value::Object(members) => {
            if !target.is_object() {
                *target = Value::Object(serde_json::Map::new());
            }
            let object = target.as_object_mut().unwrap();
            for (name, value) in members {
                if value.is_null() {
                    object.shift_remove(name);
                } else {
                    merge(object.entry(name.clone()).or_insert(Value::Null), value);
                }
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            *target = patch.clone();
        }
    }
}

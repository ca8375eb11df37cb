//! Reading scenarios from files and directories.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use crate::app::credentials::examined;
use crate::domain::document::Document;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Revision;
use crate::domain::registry::Versioned;
use crate::domain::time::Timestamp;
use crate::domain::ue_configuration::UeConfigurationData;
use crate::workbench::registry_files::read_documents;
use crate::workbench::scenario::Expected;
use crate::workbench::scenario::Scenario;
use crate::workbench::scenario::error::InvalidScenarios;
use crate::workbench::scenario::patch;
use crate::workbench::scenario::reader::Members;
use crate::workbench::scenario::reader::Reader;
use crate::workbench::scenario::reader::place;
use crate::workbench::scenario::registry::ScenarioRegistry;
use crate::workbench::scenario::request;

/// Folders that hold what scenarios share, not scenarios.
const SHARED: [&str; 2] = [REGISTRIES, REQUESTS];
const REGISTRIES: &str = "registries";
const REQUESTS: &str = "requests";

/// The member by which a registry names a directory of documents instead of having them.
const DIRECTORY: &str = "directory";

/// When a scenario is decided that does not say when: 2026-06-01T12:00:00Z.
const NOON_MILLISECONDS: i64 = 1_780_315_200_000;

/// Reads every scenario of the files and directories, in order of name; an error tells everything that is wrong.
pub fn read_scenarios(paths: &[PathBuf]) -> Result<Vec<Scenario>, InvalidScenarios> {
    let mut reader = Reader::default();
    let mut scenarios = Vec::new();
    for path in paths {
        let mut files = Vec::new();
        if path.is_dir() {
            find(&mut reader, path, &mut files);
        } else {
            files.push(path.clone());
        }
        if files.is_empty() {
            reader.problem(path, "", "there is no scenario");
        }
        files.sort();
        let root = if path.is_dir() {
            path.as_path()
        } else {
            Path::new("")
        };
        for file in &files {
            scenarios.extend(scenario(&mut reader, root, file));
        }
    }
    let problems = reader.into_problems();
    if problems.is_empty() {
        Ok(scenarios)
    } else {
        Err(InvalidScenarios(problems))
    }
}

fn find(reader: &mut Reader, directory: &Path, files: &mut Vec<PathBuf>) {
    let entries = match fs::read_dir(directory).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries,
        Err(error) => {
            reader.problem(directory, "", format!("cannot be read: {error}"));
            return;
        }
    };
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if !SHARED.contains(&name.as_ref()) {
                find(reader, &path, files);
            }
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            files.push(path);
        }
    }
}

fn scenario(reader: &mut Reader, root: &Path, file: &Path) -> Option<Scenario> {
    let json = reader.json(file)?;
    let known = [
        "about",
        "registry",
        "documents",
        "request",
        "change",
        "now",
        "responses",
        "expect",
        "selection",
    ];
    let members = reader.object((file, ""), &json, &known)?;
    let about: Option<String> = reader.required(&members, "about");
    let registry = registry(reader, &members);
    let request = read_request(reader, &members);
    let expect = expectations(reader, &members);
    let selection = reader.optional(&members, "selection");
    let now = reader.optional::<Timestamp>(&members, "now");
    let responses = reader.optional(&members, "responses");
    let name = file.strip_prefix(root).unwrap_or(file).with_extension("");
    let request = request?;
    let registry = registry?;
    let now = now.unwrap_or(Timestamp::from_milliseconds(NOON_MILLISECONDS));
    let asked = examined(request.request, now, |key| {
        Some(Arc::clone(&registry.documents.get(key)?.value))
    });
    Some(Scenario {
        name: name.to_string_lossy().into_owned(),
        file: file.to_owned(),
        about: about?,
        registry,
        request: asked,
        posted: request.posted,
        now,
        responses: responses.unwrap_or_default(),
        expect: expect?,
        selection,
    })
}

/// A thing that is written in place or, by its name, in a folder that is shared: the nearest one above the file.
fn shared(
    reader: &mut Reader,
    members: &Members<'_>,
    (name, folder): (&str, &str),
) -> Option<(PathBuf, String, Value)> {
    match members.get(name) {
        Some(Value::String(named)) => {
            let relative = Path::new(folder).join(format!("{named}.json"));
            let found = members
                .file
                .ancestors()
                .skip(1)
                .map(|directory| directory.join(&relative))
                .find(|candidate| candidate.is_file());
            let Some(found) = found else {
                let detail = format!("`{}` is in no folder above", relative.display());
                reader.problem(members.file, &members.place(name), detail);
                return None;
            };
            let value = reader.json(&found)?;
            Some((found, String::new(), value))
        }
        Some(in_place @ Value::Object(_)) => Some((
            members.file.to_owned(),
            members.place(name),
            in_place.clone(),
        )),
        Some(_) => {
            let detail = "must be a name or an object";
            reader.problem(members.file, &members.place(name), detail);
            None
        }
        None => {
            let detail = format!("the member `{name}` is missing");
            reader.problem(members.file, &members.pointer, detail);
            None
        }
    }
}

fn registry(reader: &mut Reader, scenario: &Members<'_>) -> Option<ScenarioRegistry> {
    let (file, pointer, mut value) = shared(reader, scenario, ("registry", REGISTRIES))?;
    if !from_directory(reader, (&file, &pointer), &mut value) {
        return None;
    }
    let changes = scenario.get("documents");
    if let (Some(changes), Some(documents)) = (changes, value.get_mut("documents")) {
        let Value::Object(changes) = changes else {
            let place = scenario.place("documents");
            reader.problem(scenario.file, &place, "must be an object");
            return None;
        };
        for (path, change) in changes {
            if change.is_null() && documents.get(path).is_none() {
                let place = place("/documents", path);
                reader.problem(
                    scenario.file,
                    &place,
                    "there is no such document to take away",
                );
            }
        }
        patch::merge(documents, &Value::Object(changes.clone()));
    }
    let members = reader.object((&file, &pointer), &value, &["local", "documents"])?;
    let local = reader.required(&members, "local");
    let documents: Option<serde_json::Map<String, Value>> = reader.required(&members, "documents");
    let mut read = BTreeMap::new();
    let mut in_clear = BTreeMap::new();
    for (number, (path, json)) in documents?.into_iter().enumerate() {
        let is_own = changes.is_some_and(|changes| changes.get(&path).is_some());
        let (file, pointer) = if is_own {
            (scenario.file, place("/documents", &path))
        } else {
            (file.as_path(), place(&members.place("documents"), &path))
        };
        match document(&path, json) {
            Ok(found) => {
                let versioned = Versioned {
                    revision: Revision(number as u64 + 1),
                    value: Arc::new(found.document),
                };
                in_clear.extend(found.in_clear.map(|data| (found.key.clone(), data)));
                read.insert(found.key, versioned);
            }
            Err(detail) => reader.problem(file, &pointer, detail),
        }
    }
    Some(ScenarioRegistry {
        local: local?,
        documents: read,
        in_clear,
    })
}

/// Puts the documents of a directory in the place of its name, which is relative to the file that says it.
fn from_directory(reader: &mut Reader, (file, pointer): (&Path, &str), value: &mut Value) -> bool {
    let Some(members) = value.as_object_mut() else {
        return true;
    };
    let Some(named) = members.shift_remove(DIRECTORY) else {
        return true;
    };
    let pointer = place(pointer, DIRECTORY);
    let (Some(named), None) = (named.as_str(), members.get("documents")) else {
        let detail = "must be a path, and there are no `documents` beside it";
        reader.problem(file, &pointer, detail);
        return false;
    };
    let directory = file.parent().unwrap_or(Path::new("")).join(named);
    match read_documents(&directory) {
        Ok(documents) => {
            let documents = documents
                .into_iter()
                .filter_map(|(key, document)| Some((key.to_string(), document.to_json().ok()?)));
            members.insert("documents".to_owned(), Value::Object(documents.collect()));
            true
        }
        Err(problems) => {
            for problem in problems.0 {
                reader.problem(&problem.file, "", problem.detail);
            }
            false
        }
    }
}

/// A document under `kind/id`, and the UE configuration data that was sealed to make it.
struct Read {
    key: DocumentKey,
    document: Document,
    in_clear: Option<UeConfigurationData>,
}

/// A document under `kind/id`; UE configuration may be written in clear, and is sealed.
fn document(path: &str, json: Value) -> Result<Read, String> {
    let kind = path
        .split_once('/')
        .and_then(|(plural, _)| DocumentKind::from_plural(plural))
        .ok_or_else(|| format!("`{path}` does not begin with a kind of document and a slash"))?;
    let is_unsealed = kind == DocumentKind::UeConfiguration && json.get("digests").is_none();
    let (document, in_clear) = if is_unsealed {
        let data: UeConfigurationData =
            serde_json::from_value(json).map_err(|error| error.to_string())?;
        let sealed = request::sealing_key().digests(&data);
        (Document::UeConfiguration(sealed.into()), Some(data))
    } else {
        let document = Document::from_json(kind, json).map_err(|error| error.to_string())?;
        (document, None)
    };
    let key = document.key().map_err(|error| error.to_string())?;
    if key.to_string() != path {
        return Err(format!("the document is `{key}`, not `{path}`"));
    }
    Ok(Read {
        key,
        document,
        in_clear,
    })
}

fn read_request(reader: &mut Reader, scenario: &Members<'_>) -> Option<request::Read> {
    let (file, pointer, mut value) = shared(reader, scenario, ("request", REQUESTS))?;
    let change = scenario.get("change");
    if let Some(change) = change {
        patch::merge(&mut value, change);
    }
    patch::expand_members(&mut value);
    match request::read(&value) {
        Ok(read) => Some(read),
        Err(problems) => {
            for problem in problems {
                let changed = change.and_then(|it| it.pointer(&problem.pointer)).is_some();
                if changed {
                    let place = format!("{}{}", scenario.place("change"), problem.pointer);
                    reader.problem(scenario.file, &place, problem.detail);
                } else {
                    let place = format!("{pointer}{}", problem.pointer);
                    reader.problem(&file, &place, problem.detail);
                }
            }
            None
        }
    }
}

fn expectations(reader: &mut Reader, scenario: &Members<'_>) -> Option<Vec<Expected>> {
    let expect: Vec<Value> = reader.required(scenario, "expect")?;
    let pointer = scenario.place("expect");
    let read: Vec<Option<Expected>> = expect
        .iter()
        .enumerate()
        .map(|(number, value)| {
            expectation(
                reader,
                (scenario.file, &format!("{pointer}/{number}")),
                value,
            )
        })
        .collect();
    read.into_iter().collect()
}

fn expectation(reader: &mut Reader, place: (&Path, &str), value: &Value) -> Option<Expected> {
    let known = [
        "items",
        "outcome",
        "reason",
        "policies",
        "categories",
        "obligations",
        "also",
    ];
    let members = reader.object(place, value, &known)?;
    let outcome = reader.required(&members, "outcome");
    let reason = reader.required(&members, "reason");
    let policies = reader.required(&members, "policies");
    Some(Expected {
        items: reader.optional(&members, "items").unwrap_or(1),
        outcome: outcome?,
        reason: reason?,
        policies: policies?,
        categories: reader.optional(&members, "categories"),
        obligations: reader.optional(&members, "obligations"),
        also: reader.optional(&members, "also").unwrap_or_default(),
    })
}

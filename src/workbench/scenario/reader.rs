//! JSON files read strictly: every problem is kept with its file and place.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json::Map;
use serde_json::Value;

use crate::domain::wire;
use crate::workbench::scenario::error::ScenarioProblem;

/// Reads files, each once, and remembers what was wrong.
#[derive(Debug, Default)]
pub(super) struct Reader {
    problems: Vec<ScenarioProblem>,
    files: BTreeMap<PathBuf, Option<Value>>,
}

/// One object at its place.
#[derive(Clone, Debug)]
pub(super) struct Members<'a> {
    pub(super) file: &'a Path,
    pub(super) pointer: String,
    named: &'a Map<String, Value>,
}

impl Reader {
    pub(super) fn problem(&mut self, file: &Path, pointer: &str, detail: impl Into<String>) {
        let problem = ScenarioProblem {
            file: file.to_owned(),
            pointer: pointer.to_owned(),
            detail: detail.into(),
        };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Everything that was wrong.
    pub(super) fn into_problems(self) -> Vec<ScenarioProblem> {
        self.problems
    }

    /// The JSON of a file; files that many scenarios share are read once.
    pub(super) fn json(&mut self, file: &Path) -> Option<Value> {
        if let Some(read) = self.files.get(file) {
            return read.clone();
        }
        let read = fs::read(file)
            .map_err(|error| (String::new(), format!("cannot be read: {error}")))
            .and_then(|bytes| {
                wire::strict_json(&bytes, wire::WireLimits::default())
                    .map_err(|problem| (problem.pointer, problem.detail))
            });
        let value = match read {
            Ok(value) => Some(value),
            Err((pointer, detail)) => {
                self.problem(file, &pointer, detail);
                None
            }
        };
        self.files.insert(file.to_owned(), value.clone());
        value
    }

    /// An object that has none but the known members.
    pub(super) fn object<'a>(
        &mut self,
        (file, pointer): (&'a Path, &str),
        value: &'a Value,
        known: &[&str],
    ) -> Option<Members<'a>> {
        let Value::Object(members) = value else {
            self.problem(file, pointer, "must be an object");
            return None;
        };
        for name in members
            .keys()
            .filter(|name| !known.contains(&name.as_str()))
        {
            let place = place(pointer, name);
            let detail = format!(
                "the member `{name}` is unknown; known are {}",
                known.join(", ")
            );
            self.problem(file, &place, detail);
        }
        Some(Members {
            file,
            pointer: pointer.to_owned(),
            named: members,
        })
    }

    /// A member that may be missing; a wrong one counts as missing, and is told.
    pub(super) fn optional<T: DeserializeOwned>(
        &mut self,
        members: &Members<'_>,
        name: &str,
    ) -> Option<T> {
        let value = members.get(name)?;
        match serde_json::from_value(value.clone()) {
            Ok(read) => Some(read),
            Err(error) => {
                self.problem(members.file, &members.place(name), error.to_string());
                None
            }
        }
    }

    /// A member that must be there.
    pub(super) fn required<T: DeserializeOwned>(
        &mut self,
        members: &Members<'_>,
        name: &str,
    ) -> Option<T> {
        if members.get(name).is_none() {
            let detail = format!("the member `{name}` is missing");
            self.problem(members.file, &members.pointer, detail);
        }
        self.optional(members, name)
    }
}

impl<'a> Members<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.named.get(name)
    }

    pub(super) fn place(&self, name: &str) -> String {
        place(&self.pointer, name)
    }
}

/// The JSON pointer of a member.
pub(super) fn place(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

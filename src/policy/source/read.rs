//! Reading a bundle's tree from disk.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::Diagnostics;
use crate::policy::diagnostics::Place;
use crate::policy::diagnostics::SourceText;
use crate::policy::manifest;
use crate::policy::manifest::Manifest;
use crate::policy::source::BUNDLE_LIMIT_BYTES;
use crate::policy::source::BUNDLE_LIMIT_FILES;
use crate::policy::source::BundleSource;
use crate::policy::source::FILE_LIMIT_BYTES;
use crate::policy::source::LINKS_FILE_NAME;
use crate::policy::source::TREE_LIMIT_DEPTH;

/// Reads manifest, schema and all policy files.
pub(super) fn tree(root: &Path) -> Result<BundleSource, Diagnostics> {
    let manifest_path = root.join(manifest::FILE_NAME);
    let manifest_text = text(&manifest_path).map_err(|problem| Diagnostics::new(*problem))?;
    let manifest_source = SourceText::new(&manifest_path, &manifest_text);
    let mut problems = Vec::new();
    let mut schema_path = PathBuf::new();
    let mut schema = String::new();
    match Manifest::parse(&manifest_source) {
        Ok(manifest) => {
            schema_path.clone_from(manifest.schema());
            match text(&root.join(&schema_path)) {
                Ok(read) => schema = read,
                Err(problem) => problems.push(problem.related(
                    manifest_source.find(&schema_path.to_string_lossy()),
                    "the manifest asks for this schema",
                )),
            }
        }
        Err(problem) => problems.push(*problem),
    }
    let files = files(root, &mut problems);
    if let Some(problems) = Diagnostics::from_list(problems, [manifest_source]) {
        return Err(problems);
    }
    Ok(BundleSource {
        root: root.to_path_buf(),
        manifest: manifest_text,
        schema_path: schema_path.to_string_lossy().into_owned(),
        schema,
        files,
    })
}

/// All policy files of a tree by their path in it, without any manifest.
pub(super) fn files(root: &Path, problems: &mut Vec<Diagnostic>) -> BTreeMap<String, String> {
    let mut walk = Walk {
        problems,
        files: BTreeMap::new(),
        bytes: 0,
        visited: BTreeSet::new(),
    };
    walk.directory(root, "", 0);
    walk.files
}

struct Walk<'a> {
    problems: &'a mut Vec<Diagnostic>,
    files: BTreeMap<String, String>,
    bytes: u64,
    /// Directories on disk that were read, against links that lead back.
    visited: BTreeSet<PathBuf>,
}

impl Walk<'_> {
    fn directory(&mut self, path: &Path, prefix: &str, depth: usize) {
        if depth > TREE_LIMIT_DEPTH {
            let message = format!("the tree is deeper than {TREE_LIMIT_DEPTH} directories");
            self.problem(Code::TooLarge, message, path);
            return;
        }
        let entries = fs::canonicalize(path).and_then(|real| {
            if self.visited.insert(real) {
                fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()
            } else {
                Ok(Vec::new())
            }
        });
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                let message = format!("the directory cannot be read: {error}");
                self.problem(Code::Unreadable, message, path);
                return;
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            // Editors' own files, and the `..data` and `..<time>` of a mounted Kubernetes volume,
            // which are reached through the links beside them.
            if !name.starts_with('.') {
                self.entry(&entry.path(), &format!("{prefix}{name}"), depth);
            }
        }
    }

    fn entry(&mut self, path: &Path, relative: &str, depth: usize) {
        let is_policy = path
            .extension()
            .is_some_and(|extension| extension == "cedar")
            || relative == LINKS_FILE_NAME;
        // Follows links.
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                if !path.join(manifest::FILE_NAME).exists() {
                    self.directory(path, &format!("{relative}/"), depth + 1);
                }
            }
            Ok(metadata) if is_policy && metadata.is_file() => self.file(path, relative),
            Ok(_) if is_policy => {
                let message = "this is no file, but a device, pipe or socket".to_owned();
                self.problem(Code::Unreadable, message, path);
            }
            // Whatever is named and gone, as a link that leads nowhere, may be a policy that is missed.
            Err(error) => {
                let message = format!("the file cannot be read: {error}");
                self.problem(Code::Unreadable, message, path);
            }
            Ok(_) => {}
        }
    }

    fn file(&mut self, path: &Path, relative: &str) {
        if self.files.len() >= BUNDLE_LIMIT_FILES {
            if self.files.len() == BUNDLE_LIMIT_FILES {
                let message = format!("the bundle has more than {BUNDLE_LIMIT_FILES} files");
                self.problem(Code::TooLarge, message, path);
            }
            return;
        }
        match text(path) {
            Ok(text) => {
                let before = self.bytes;
                self.bytes += text.len() as u64;
                if before <= BUNDLE_LIMIT_BYTES && self.bytes > BUNDLE_LIMIT_BYTES {
                    let message = format!("the bundle has more than {BUNDLE_LIMIT_BYTES} bytes");
                    self.problem(Code::TooLarge, message, path);
                }
                if self.bytes <= BUNDLE_LIMIT_BYTES {
                    self.files.insert(relative.to_owned(), text);
                }
            }
            Err(problem) => self.problems.push(*problem),
        }
    }

    fn problem(&mut self, code: Code, message: String, path: &Path) {
        self.problems
            .push(Diagnostic::error(code, message).at(Place::start_of(path)));
    }
}

/// Reads one text within its limit.
pub(super) fn text(path: &Path) -> Result<String, Box<Diagnostic>> {
    let at_path = |code, message: String| {
        Box::new(Diagnostic::error(code, message).at(Place::start_of(path)))
    };
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(FILE_LIMIT_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            at_path(
                Code::Unreadable,
                format!("the file cannot be read: {error}"),
            )
        })?;
    if bytes.len() as u64 > FILE_LIMIT_BYTES {
        let message = format!("the file has more than {FILE_LIMIT_BYTES} bytes");
        return Err(at_path(Code::TooLarge, message));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        at_path(
            Code::NotUtf8,
            format!("the file is not UTF-8 after {valid} bytes"),
        )
    })
}

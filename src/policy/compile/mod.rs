//! From texts to a validated bundle: parse, name, read annotations, link, validate, override.

use std::collections::HashMap;
use std::path::Path;

use cedar_policy::Entities;
use cedar_policy::PolicyId;
use cedar_policy::PolicySet;
use cedar_policy::Schema;

use crate::policy::bundle::Bundle;
use crate::policy::bundle::BundleParts;
use crate::policy::bundle::CompiledPolicy;
use crate::policy::bundle::CompiledTemplate;
use crate::policy::bundle::Form;
use crate::policy::bundle::LenientTexts;
use crate::policy::bundle::Origin;
use crate::policy::bundle::PolicyInfo;
use crate::policy::bundle::Validation;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::Diagnostics;
use crate::policy::diagnostics::Place;
use crate::policy::diagnostics::Severity;
use crate::policy::diagnostics::SourceText;
use crate::policy::folders;
use crate::policy::links;
use crate::policy::links::Link;
use crate::policy::manifest::Manifest;
use crate::policy::required;
use crate::policy::responses;
use crate::policy::source::BundleDigest;
use crate::policy::source::BundleSource;
use crate::policy::source::LINKS_FILE_NAME;
use crate::policy::switches;
use crate::policy::urgency;
use crate::policy::vocabulary;

mod marks;
mod reasons;
mod statement;
mod validate;

use self::statement::Body;
use self::statement::Statement;

/// Compiles a bundle by all the rules.
pub(super) fn bundle(source: &BundleSource) -> Result<Bundle, Diagnostics> {
    let manifest_text = source.manifest_text();
    let schema_text = source.schema_text();
    let (links_texts, policy_texts): (Vec<_>, Vec<_>) = source
        .file_texts()
        .partition(|text| text.path().ends_with(LINKS_FILE_NAME));
    let mut compiler = Compiler {
        names: Names::Required,
        manifest: Manifest::absent(None),
        schema: None,
        validation: Validation::Strict,
        problems: Vec::new(),
    };
    match Manifest::parse(&manifest_text) {
        Ok(manifest) => compiler.manifest = manifest,
        Err(problem) => {
            return Err(Diagnostics::new(*problem).with_texts([manifest_text]));
        }
    }
    compiler.read_schema(&schema_text);
    let links = links_texts
        .iter()
        .flat_map(|text| links::parse(text, &mut compiler.problems))
        .collect();
    let result = compiler.run(source.digest(), &policy_texts, links, Some(&manifest_text));
    let all_texts = || {
        let own = [&manifest_text, &schema_text];
        let read = policy_texts.iter().chain(&links_texts);
        own.into_iter().chain(read).cloned()
    };
    finish(result, all_texts)
}

/// Compiles any Cedar policies.
pub(super) fn lenient(texts: &LenientTexts) -> Result<Bundle, Diagnostics> {
    let policy_texts: Vec<_> = texts
        .policies
        .iter()
        .map(|(path, text)| SourceText::new(path, text))
        .collect();
    let schema_text = texts
        .schema
        .as_ref()
        .map(|(path, text)| SourceText::new(path, text));
    let mut compiler = Compiler {
        names: Names::AsCedar,
        manifest: Manifest::absent(texts.default_response),
        schema: None,
        validation: texts.validation,
        problems: Vec::new(),
    };
    if let Some(schema) = &schema_text {
        compiler.read_schema(schema);
    }
    let digest = lenient_digest(texts);
    let result = compiler.run(digest, &policy_texts, Vec::new(), None);
    finish(result, || schema_text.iter().chain(&policy_texts).cloned())
}

fn lenient_digest(texts: &LenientTexts) -> BundleDigest {
    let name = |path: &Path| path.to_string_lossy().into_owned();
    let schema = texts.schema.as_ref();
    BundleSource::from_texts(
        "",
        schema.map_or_else(String::new, |(path, _)| name(path)),
        schema.map_or("", |(_, text)| text),
        texts
            .policies
            .iter()
            .map(|(path, text)| (name(path), text.clone())),
    )
    .digest()
}

fn finish<I: IntoIterator<Item = SourceText>>(
    result: (Option<BundleParts>, Vec<Diagnostic>),
    texts: impl Fn() -> I,
) -> Result<Bundle, Diagnostics> {
    let (parts, problems) = result;
    let problems = Diagnostics::from_list(problems, texts());
    match (parts, problems) {
        (Some(parts), warnings) => Ok(Bundle::assemble(BundleParts { warnings, ..parts })),
        (None, Some(problems)) => Err(problems),
        // INVARIANT (no parts, some problem): `run` gives none only with an error.
        (None, None) => Err(Diagnostics::new(Diagnostic::error(
            Code::Syntax,
            "the bundle cannot be compiled",
        ))),
    }
}

/// A directory without policies is a wrong path more often than a wish to refuse everything.
fn nothing(manifest: &SourceText) -> Diagnostic {
    Diagnostic::error(Code::NoPolicies, "there is no policy beside the manifest")
        .at(manifest.place(0..0))
        .help("policies stand in `.cedar` files in the manifest's directory or below it")
}

/// Where the names of policies come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Every policy says its own.
    Required,
    /// A policy that says none keeps the name that Cedar gives.
    AsCedar,
}

struct Compiler {
    names: Names,
    manifest: Manifest,
    schema: Option<Schema>,
    validation: Validation,
    problems: Vec<Diagnostic>,
}

impl Compiler {
    fn run(
        mut self,
        digest: BundleDigest,
        policy_texts: &[SourceText],
        links: Vec<Link>,
        manifest_text: Option<&SourceText>,
    ) -> (Option<BundleParts>, Vec<Diagnostic>) {
        let statements = self.statements(policy_texts);
        self.reasons(&statements);
        if let Some(file) = manifest_text {
            self.reasons_first(&statements, file);
        }
        let (mut policies, templates) = self.policies(statements, links);
        let actions = self.action_entities();
        if let Some(file) = manifest_text {
            let problems = &mut self.problems;
            switches::check(&self.manifest, &policies, &actions, file, problems);
            folders::check(&self.manifest, &policies, problems);
            // Cedar makes this form by parsing the text again, so it is made once.
            let forms: Vec<_> = policies
                .iter()
                .map(|policy| (policy, policy.policy.to_json().ok()))
                .collect();
            urgency::check(&self.manifest, &forms, policy_texts, file, problems);
            if policies.is_empty() && templates.is_empty() {
                // A file that cannot be read has said so already.
                problems.extend(problems.is_empty().then(|| nothing(file)));
            } else {
                required::check(&self.manifest, &policies, file, problems);
            }
            if let Some(schema) = &self.schema {
                vocabulary::check(schema, &forms, policy_texts, problems);
            }
        }
        self.validate(&policies, &templates, policy_texts);
        if !self.has_errors()
            && let Err(problem) = responses::apply(&self.manifest, &mut policies)
        {
            self.problems.push(*problem);
        }
        if self.has_errors() {
            return (None, self.problems);
        }
        let parts = BundleParts {
            digest,
            manifest: self.manifest,
            schema: self.schema,
            policies,
            templates,
            action_entities: actions,
            warnings: None,
        };
        (Some(parts), self.problems)
    }

    fn has_errors(&self) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.severity == Severity::Error)
    }

    fn read_schema(&mut self, file: &SourceText) {
        let is_json = file.path().extension().is_some_and(|ext| ext == "json");
        let read = if is_json {
            Schema::from_json_str(file.text()).map_err(|error| {
                Diagnostic::from_cedar(Severity::Error, Code::Schema, &error, file)
            })
        } else {
            Schema::from_cedarschema_str(file.text())
                .map(|(schema, _)| schema)
                .map_err(|error| {
                    Diagnostic::from_cedar(Severity::Error, Code::Schema, &error, file)
                })
        };
        match read {
            Ok(schema) => self.schema = Some(schema),
            Err(problem) => self.problems.push(problem),
        }
    }

    fn action_entities(&mut self) -> Entities {
        let Some(schema) = &self.schema else {
            return Entities::empty();
        };
        schema.action_entities().unwrap_or_else(|error| {
            self.problems
                .push(Diagnostic::error(Code::Schema, error.to_string()));
            Entities::empty()
        })
    }

    /// All statements of all files, each under its name.
    fn statements(&mut self, files: &[SourceText]) -> Vec<Statement> {
        let mut named: HashMap<PolicyId, Place> = HashMap::new();
        let mut statements: Vec<Statement> = Vec::new();
        for file in files {
            for mut statement in statement::parse(file, statements.len(), &mut self.problems) {
                if let Some(id) = self.name(&statement, &named) {
                    named.insert(id.clone(), statement.place.clone());
                    statement.rename(id);
                }
                statements.push(statement);
            }
        }
        statements
    }

    /// The name that a statement says, if it says a good one.
    fn name(
        &mut self,
        statement: &Statement,
        named: &HashMap<PolicyId, Place>,
    ) -> Option<PolicyId> {
        let severity = match self.names {
            Names::Required => Severity::Error,
            Names::AsCedar => Severity::Warning,
        };
        let Some(annotation) = statement.annotation("id") else {
            if self.names == Names::Required {
                self.problems.push(
                    Diagnostic::error(Code::MissingId, "the policy has no `@id`")
                        .at(statement.place.clone())
                        .help(
                            "give it a stable name, for example `@id(\"membership.mutual-aid\")`",
                        ),
                );
            }
            return None;
        };
        if let Err(error) = crate::policy::annotation::checked_name(&annotation.value) {
            self.problems.push(Diagnostic {
                severity,
                ..Diagnostic::error(Code::InvalidId, error.to_string()).at(annotation.place.clone())
            });
            return None;
        }
        let id = PolicyId::new(&annotation.value);
        if let Some(first) = named.get(&id) {
            self.problems.push(Diagnostic {
                severity,
                ..Diagnostic::error(Code::DuplicateId, format!("`{id}` names two policies"))
                    .at(annotation.place.clone())
                    .related(first.clone(), "the first is here")
            });
            return None;
        }
        Some(id)
    }

    fn policies(
        &mut self,
        statements: Vec<Statement>,
        links: Vec<Link>,
    ) -> (Vec<CompiledPolicy>, Vec<CompiledTemplate>) {
        let mut policies = Vec::new();
        let mut templates = Vec::new();
        let mut template_infos = HashMap::new();
        for statement in statements {
            let info = self.info(&statement);
            match statement.body {
                Body::Static(policy) => policies.push(CompiledPolicy {
                    info,
                    policy,
                    form: Form::Text(statement.text),
                }),
                Body::Template(template) => {
                    template_infos.insert(info.id.clone(), info);
                    templates.push(CompiledTemplate {
                        template,
                        text: statement.text,
                    });
                }
            }
        }
        self.link(links, &mut policies, &templates, &template_infos);
        (policies, templates)
    }

    fn link(
        &mut self,
        links: Vec<Link>,
        policies: &mut Vec<CompiledPolicy>,
        templates: &[CompiledTemplate],
        infos: &HashMap<PolicyId, PolicyInfo>,
    ) {
        let mut set = PolicySet::new();
        for policy in policies.iter() {
            self.add(&policy.info, set.add(policy.policy.clone()));
        }
        for template in templates {
            if let Some(info) = infos.get(template.template.id()) {
                self.add(info, set.add_template(template.template.clone()));
            }
        }
        for link in links {
            let Some(info) = infos.get(&link.template) else {
                let message = format!("there is no template `{}`", link.template);
                let known = infos.keys().map(AsRef::as_ref);
                self.problems.push(
                    Diagnostic::error(Code::Link, message)
                        .at(link.place)
                        .did_you_mean(link.template.as_ref(), known),
                );
                continue;
            };
            let linked = set.link(link.template.clone(), link.id.clone(), link.values.clone());
            match (linked, set.policy(&link.id)) {
                (Ok(()), Some(policy)) => policies.push(CompiledPolicy {
                    info: PolicyInfo {
                        id: link.id,
                        origin: Origin::Linked {
                            template: link.template.clone(),
                        },
                        ..info.clone()
                    },
                    policy: policy.clone(),
                    form: Form::Link {
                        template: link.template,
                        values: link.values,
                    },
                }),
                (Err(error), _) => {
                    let diagnostic = Diagnostic::error(Code::Link, error.to_string());
                    self.problems.push(
                        diagnostic
                            .at(link.place)
                            .related(info.place.clone(), "the template is here"),
                    );
                }
                (Ok(()), None) => {}
            }
        }
    }

    fn add(&mut self, info: &PolicyInfo, added: Result<(), cedar_policy::PolicySetError>) {
        if let Err(error) = added {
            let diagnostic = Diagnostic::error(Code::DuplicateId, error.to_string());
            self.problems.push(diagnostic.at(info.place.clone()));
        }
    }
}

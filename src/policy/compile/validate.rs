//! The policies against the schema and the level.

use std::collections::HashMap;

use cedar_policy::PolicySet;
use cedar_policy::ValidationError;
use cedar_policy::ValidationMode;
use cedar_policy::Validator;

use crate::policy::bundle::CompiledPolicy;
use crate::policy::bundle::CompiledTemplate;
use crate::policy::bundle::Form;
use crate::policy::bundle::Validation;
use crate::policy::compile::Compiler;
use crate::policy::compile::Names;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::Place;
use crate::policy::diagnostics::Severity;
use crate::policy::diagnostics::SourceText;

impl Compiler {
    /// Reports what does not fit the schema, if there is one.
    pub(super) fn validate(
        &mut self,
        policies: &[CompiledPolicy],
        templates: &[CompiledTemplate],
        files: &[SourceText],
    ) {
        let Some(schema) = self.schema.clone() else {
            return;
        };
        let mut set = PolicySet::new();
        let mut places = HashMap::new();
        for template in templates {
            // A name given twice is reported already, by `link`.
            if set.add_template(template.template.clone()).is_err() {
                return;
            }
        }
        for policy in policies {
            places.insert(policy.info.id.clone(), policy.info.place.clone());
            let added = match &policy.form {
                Form::Text(_) | Form::Json(_) => set.add(policy.policy.clone()),
                Form::Link { template, values } => {
                    set.link(template.clone(), policy.info.id.clone(), values.clone())
                }
            };
            if added.is_err() {
                return;
            }
        }
        let level = self.manifest.level();
        let validator = Validator::new(schema);
        let result = match self.names {
            Names::Required => validator.validate_with_level(&set, ValidationMode::Strict, level),
            Names::AsCedar => validator.validate(&set, ValidationMode::Strict),
        };
        let severity = match self.validation {
            Validation::Strict => Severity::Error,
            Validation::Advisory => Severity::Warning,
        };
        let already = self.problems.len();
        for error in result.validation_errors() {
            let code = if matches!(error, ValidationError::EntityDerefLevelViolation(_)) {
                Code::LevelExceeded
            } else {
                Code::Validation
            };
            let place = places.get(error.policy_id());
            self.problems
                .push(from_validation(severity, code, error, place, files));
        }
        for warning in result.validation_warnings() {
            let place = places.get(warning.policy_id());
            let code = Code::Validation;
            self.problems.push(from_validation(
                Severity::Warning,
                code,
                warning,
                place,
                files,
            ));
        }
        self.sort_from(already);
    }

    /// Cedar tells its findings in any order; the first place in a file is often the cause of the others.
    fn sort_from(&mut self, first: usize) {
        if let Some(found) = self.problems.get_mut(first..) {
            found.sort_by(|a, b| {
                (a.severity, &a.place, &a.message).cmp(&(b.severity, &b.place, &b.message))
            });
        }
    }
}

/// What the validator says of a policy, in the policy's file.
fn from_validation(
    severity: Severity,
    code: Code,
    reported: &dyn miette::Diagnostic,
    place: Option<&Place>,
    files: &[SourceText],
) -> Diagnostic {
    let file = place.and_then(|place| files.iter().find(|file| file.path() == place.file));
    let plain = || Diagnostic {
        severity,
        place: place.cloned(),
        help: reported.help().map(|help| help.to_string()),
        ..Diagnostic::error(code, reported.to_string())
    };
    match file {
        Some(file) if reported.labels().is_some() => {
            Diagnostic::from_cedar(severity, code, reported, file)
        }
        Some(_) | None => plain(),
    }
}

//! The statements of one policy file, with their places.

use std::ops::Range;
use std::str::FromStr;

use cedar_policy::Effect;
use cedar_policy::Policy;
use cedar_policy::PolicyId;
use cedar_policy::PolicySet;
use cedar_policy::Template;

use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::Place;
use crate::policy::diagnostics::Severity;
use crate::policy::diagnostics::SourceText;

/// A policy or template as it is written.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) body: Body,
    pub(super) annotations: Vec<Written>,
    pub(super) place: Place,
    pub(super) text: String,
}

/// What a statement is.
#[derive(Debug)]
pub(super) enum Body {
    Static(Policy),
    Template(Template),
}

/// An annotation as it is written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) place: Place,
}

impl Statement {
    pub(super) fn id(&self) -> &PolicyId {
        match &self.body {
            Body::Static(policy) => policy.id(),
            Body::Template(template) => template.id(),
        }
    }

    pub(super) fn effect(&self) -> Effect {
        match &self.body {
            Body::Static(policy) => policy.effect(),
            Body::Template(template) => template.effect(),
        }
    }

    pub(super) fn annotation(&self, name: &str) -> Option<&Written> {
        self.annotations.iter().find(|written| written.name == name)
    }

    pub(super) fn rename(&mut self, id: PolicyId) {
        self.body = match &self.body {
            Body::Static(policy) => Body::Static(policy.new_id(id)),
            Body::Template(template) => Body::Template(template.new_id(id)),
        };
    }
}

/// Parses a file; its statements are named `policyN`, counted from `first` as Cedar would if the
/// files before were in the same text.
pub(super) fn parse(
    file: &SourceText,
    first: usize,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Statement> {
    let set =
        match PolicySet::from_str(file.text()) {
            Ok(set) => set,
            Err(errors) => {
                problems.extend(errors.iter().map(|error| {
                    Diagnostic::from_cedar(Severity::Error, Code::Syntax, error, file)
                }));
                return Vec::new();
            }
        };
    let mut statements: Vec<Statement> = set
        .policies()
        .map(|policy| policy_statement(policy, file))
        .chain(
            set.templates()
                .map(|template| template_statement(template, file)),
        )
        .collect();
    statements.sort_by_key(|statement| statement.place.offset);
    for (index, statement) in statements.iter_mut().enumerate() {
        statement.rename(PolicyId::new(format!("policy{}", first + index)));
    }
    statements
}

fn policy_statement(policy: &Policy, file: &SourceText) -> Statement {
    let ast = policy.as_ref();
    let range = ast.loc().map_or(0..0, |loc| loc.start()..loc.end());
    Statement {
        annotations: ast
            .annotations()
            .map(|(name, annotation)| {
                let loc = annotation.loc.as_ref();
                let place = loc.map_or(range.clone(), |loc| loc.start()..loc.end());
                written(name.as_ref(), &annotation.val, file.place(place))
            })
            .collect(),
        place: head(file, range),
        text: policy.to_cedar().unwrap_or_default(),
        body: Body::Static(policy.clone()),
    }
}

fn template_statement(template: &Template, file: &SourceText) -> Statement {
    let ast = template.as_ref();
    let range = ast.loc().map_or(0..0, |loc| loc.start()..loc.end());
    Statement {
        annotations: ast
            .annotations()
            .map(|(name, annotation)| {
                let loc = annotation.loc.as_ref();
                let place = loc.map_or(range.clone(), |loc| loc.start()..loc.end());
                written(name.as_ref(), &annotation.val, file.place(place))
            })
            .collect(),
        place: head(file, range),
        text: template.to_cedar(),
        body: Body::Template(template.clone()),
    }
}

fn written(name: &str, value: &str, place: Place) -> Written {
    Written {
        name: name.to_owned(),
        value: value.to_owned(),
        place,
    }
}

/// The first line of a statement: enough to point at it.
fn head(file: &SourceText, range: Range<usize>) -> Place {
    let text = file.text().get(range.clone()).unwrap_or_default();
    let length = text.lines().next().map_or(0, str::len);
    file.place(range.start..range.start + length)
}

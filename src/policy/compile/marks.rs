//! The annotations of a statement, read and checked against its effect.

use std::str::FromStr;

use cedar_policy::Effect;

use crate::policy::annotation;
use crate::policy::annotation::AnnotationError;
use crate::policy::annotation::Category;
use crate::policy::annotation::Expiry;
use crate::policy::annotation::Obligation;
use crate::policy::annotation::Response;
use crate::policy::approvals::ApprovalsError;
use crate::policy::bundle::Origin;
use crate::policy::bundle::PolicyInfo;
use crate::policy::compile::Compiler;
use crate::policy::compile::Names;
use crate::policy::compile::statement::Statement;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::Severity;
use crate::policy::due::DueWithin;

const APPROVALS_HELP: &str = "write groups with a number each, a number of persons in all, or both: \
     `@approvals(\"duty-officer:1, security-officer:1\")`, `@approvals(\"2\")`";

/// What obliges somebody to something.
const OBLIGING: [&str; 3] = ["obligation", "when_accepted", "when_refused"];

const DUE_HELP: &str = "write an ISO 8601 duration: `@due(\"PT15M\")`";

const DENIALS_HELP: &str = "write a number of persons: `@denials(\"1\")`";

const REMIND_HELP: &str = "write how often, as an ISO 8601 duration of a minute or more: \
     `@remind(\"PT30M\")`";

const ESCALATE_HELP: &str = "write after how long to turn to people of which role, several by commas: \
     `@escalate(\"PT1H: shift-leader, PT4H: head-of-department\")`";

impl Compiler {
    /// What the annotations say; what is wrong with them becomes a diagnostic.
    pub(super) fn info(&mut self, statement: &Statement) -> PolicyInfo {
        self.unknown(statement);
        let category = self.value(statement, "category", Code::InvalidCategory, |value| {
            Category::from_str(value)
        });
        let response = self.response(statement);
        let info = PolicyInfo {
            id: statement.id().clone(),
            effect: statement.effect(),
            category,
            response,
            obligations: self.obligations(statement, "obligation"),
            when_accepted: self.obligations(statement, "when_accepted"),
            when_refused: self.obligations(statement, "when_refused"),
            due: self.due(statement),
            limits: self
                .value(statement, "limits", Code::InvalidLimit, annotation::limits)
                .unwrap_or_default(),
            expires: self.value(statement, "expires", Code::InvalidExpiry, |value| {
                Expiry::from_str(value)
            }),
            approvals: self.counted(statement, "approvals", APPROVALS_HELP),
            denials: self.counted(statement, "denials", DENIALS_HELP),
            remind: self.reminding(statement, "remind", REMIND_HELP),
            escalate: self.reminding(statement, "escalate", ESCALATE_HELP),
            locked: self
                .value(statement, "locked", Code::InvalidLock, lock)
                .is_some(),
            reason: self.text(statement, "reason", Code::InvalidReason),
            note: self.text(statement, "note", Code::InvalidNote),
            origin: Origin::Written,
            place: statement.place.clone(),
        };
        self.placement(statement, &info);
        info
    }

    fn obligations(&mut self, statement: &Statement, name: &str) -> Vec<Obligation> {
        let read = annotation::obligations;
        let read = self.value(statement, name, Code::InvalidObligation, read);
        read.unwrap_or_default()
    }

    fn due(&mut self, statement: &Statement) -> Option<DueWithin> {
        let before = self.problems.len();
        let read = self.value(statement, "due", Code::InvalidDue, |value| {
            DueWithin::from_str(value)
        });
        for problem in self.problems.iter_mut().skip(before) {
            problem.help = Some(DUE_HELP.to_owned());
        }
        read
    }

    /// Annotations without a meaning. One that is nearly a known one would be lost silently, so a
    /// bundle that has one is refused, as a strict one is for any; elsewhere it is somebody else's.
    fn unknown(&mut self, statement: &Statement) {
        for written in &statement.annotations {
            if annotation::KNOWN.contains(&written.name.as_str()) {
                continue;
            }
            let message = format!("`@{}` has no meaning here", written.name);
            let diagnostic = Diagnostic::error(Code::UnknownAnnotation, message)
                .at(written.place.clone())
                .did_you_mean(&written.name, annotation::KNOWN);
            let is_misspelt = diagnostic.help.is_some();
            let severity = match self.names {
                Names::Required if is_misspelt || self.manifest.is_strict() => Severity::Error,
                Names::Required | Names::AsCedar => Severity::Warning,
            };
            self.problems.push(Diagnostic {
                severity,
                ..diagnostic
            });
        }
    }

    fn value<T>(
        &mut self,
        statement: &Statement,
        name: &str,
        code: Code,
        read: impl FnOnce(&str) -> Result<T, AnnotationError>,
    ) -> Option<T> {
        let written = statement.annotation(name)?;
        match read(&written.value) {
            Ok(value) => Some(value),
            Err(error) => {
                let mut diagnostic =
                    Diagnostic::error(code, error.to_string()).at(written.place.clone());
                if let AnnotationError::Word { word, expected } = &error {
                    diagnostic = diagnostic.did_you_mean(word, expected.iter().copied());
                }
                self.problems.push(diagnostic);
                None
            }
        }
    }

    /// Approvals or denials, with what may be written where they cannot be read.
    fn counted<T: FromStr<Err = ApprovalsError>>(
        &mut self,
        statement: &Statement,
        name: &str,
        help: &'static str,
    ) -> Option<T> {
        let before = self.problems.len();
        let read = self.value(statement, name, Code::InvalidQuorum, |value| {
            Ok(T::from_str(value)?)
        });
        for problem in self.problems.iter_mut().skip(before) {
            problem.help = Some(help.to_owned());
        }
        read
    }

    /// Reminders, with what may be written where they cannot be read.
    fn reminding<T: FromStr<Err = AnnotationError>>(
        &mut self,
        statement: &Statement,
        name: &str,
        help: &'static str,
    ) -> Option<T> {
        let before = self.problems.len();
        let read = self.value(statement, name, Code::InvalidReminder, T::from_str);
        for problem in self.problems.iter_mut().skip(before) {
            problem.help = Some(help.to_owned());
        }
        read
    }

    /// A text for people; elsewhere than in a bundle it is somebody else's annotation.
    fn text<T: FromStr<Err = AnnotationError>>(
        &mut self,
        statement: &Statement,
        name: &str,
        code: Code,
    ) -> Option<T> {
        match self.names {
            Names::Required => self.value(statement, name, code, T::from_str),
            Names::AsCedar => statement.annotation(name)?.value.parse().ok(),
        }
    }

    fn response(&mut self, statement: &Statement) -> Option<Response> {
        let written = statement.annotation("response");
        let read = self.value(statement, "response", Code::InvalidResponse, |value| {
            Response::from_str(value)
        });
        match (statement.effect(), read) {
            (Effect::Permit, None) if written.is_none() => {
                let default = self.manifest.default_response();
                if default.is_none() {
                    let message = "the permit does not say its response";
                    self.problems.push(
                        Diagnostic::error(Code::MissingResponse, message)
                            .at(statement.place.clone())
                            .help(
                                "add `@response(\"automatic\")` or `@response(\"manual-review\")`, \
                                 or a default response for the bundle",
                            ),
                    );
                }
                default
            }
            (Effect::Forbid, Some(Response::Automatic)) => {
                let place = written.map_or(&statement.place, |written| &written.place);
                let message = "a forbid cannot answer automatically";
                self.problems.push(
                    Diagnostic::error(Code::InvalidResponse, message)
                        .at(place.clone())
                        .help(
                            "a forbid without `@response` refuses, one with \
                             `@response(\"manual-review\")` holds",
                        ),
                );
                None
            }
            (Effect::Permit | Effect::Forbid, response) => response,
        }
    }

    /// A permit must have a category in every bundle, a forbid in a strict one.
    fn uncategorized(&mut self, statement: &Statement, effect: Effect) {
        let (message, help) = match effect {
            Effect::Permit => (
                "the permit has no `@category`",
                "an officer configures the answer to a category of requests",
            ),
            Effect::Forbid if self.manifest.is_strict() => (
                "the forbid has no `@category`",
                "name its family, for example `@category(\"ceiling.agreement\")`; \
                 `strict` in the manifest asks for it",
            ),
            Effect::Forbid => return,
        };
        self.problems.push(
            Diagnostic::error(Code::MissingCategory, message)
                .at(statement.place.clone())
                .help(help),
        );
    }

    /// Annotations that need a category, a hold or a grant to mean something.
    fn placement(&mut self, statement: &Statement, info: &PolicyInfo) {
        if self.names == Names::Required && statement.annotation("category").is_none() {
            self.uncategorized(statement, info.effect);
        }
        let holds = info.response == Some(Response::ManualReview);
        let is_forbid = info.effect == Effect::Forbid;
        let obliges = OBLIGING
            .iter()
            .any(|name| statement.annotation(name).is_some());
        let rules = [
            ("expires", holds, "only a policy that holds can expire"),
            (
                "approvals",
                holds,
                "only what a policy holds is approved: it needs `@response(\"manual-review\")`",
            ),
            (
                "denials",
                holds,
                "only what a policy holds is denied: it needs `@response(\"manual-review\")`",
            ),
            (
                "remind",
                holds,
                "only what a policy holds waits: it needs `@response(\"manual-review\")`",
            ),
            (
                "escalate",
                holds,
                "only what a policy holds waits: it needs `@response(\"manual-review\")`",
            ),
            (
                "locked",
                holds || !is_forbid,
                "a refusal needs no lock: nothing switches it",
            ),
            ("limits", holds || !is_forbid, "a refusal has no limits"),
            (
                "obligation",
                holds || !is_forbid,
                "a refusal obliges nobody",
            ),
            (
                "when_accepted",
                holds || !is_forbid,
                "a refusal asks no partner",
            ),
            (
                "when_refused",
                holds || !is_forbid,
                "a refusal asks no partner",
            ),
            (
                "due",
                obliges,
                "only what a policy obliges to can be due: it needs `@obligation`, `@when_accepted` or `@when_refused`",
            ),
        ];
        for (name, fits, message) in rules {
            if let Some(written) = statement.annotation(name).filter(|_| !fits) {
                let severity = match self.names {
                    Names::Required => Severity::Error,
                    Names::AsCedar => Severity::Warning,
                };
                self.problems.push(Diagnostic {
                    severity,
                    ..Diagnostic::error(Code::MisplacedAnnotation, message)
                        .at(written.place.clone())
                });
            }
        }
    }
}

fn lock(value: &str) -> Result<(), AnnotationError> {
    match value {
        "true" => Ok(()),
        other => Err(AnnotationError::Word {
            word: other.to_owned(),
            expected: &["true"],
        }),
    }
}

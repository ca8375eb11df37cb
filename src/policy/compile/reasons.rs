//! What the reasons of a bundle may say, and which of them goes first.

use std::collections::BTreeSet;

use crate::policy::compile::Compiler;
use crate::policy::compile::Names;
use crate::policy::compile::statement::Statement;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::SourceText;
use crate::policy::texts::PartnerText;

impl Compiler {
    /// Refuses reasons that name a policy or a category of the bundle.
    pub(super) fn reasons(&mut self, statements: &[Statement]) {
        if self.names == Names::AsCedar {
            return;
        }
        let ids = statements.iter().map(|it| it.id().to_string());
        let categories = statements.iter().filter_map(category).map(str::to_owned);
        // A name of one word is a word like any other.
        let ours: BTreeSet<String> = ids
            .chain(categories)
            .filter(|name| name.contains(['.', '-']))
            .collect();
        for statement in statements {
            let Some(written) = statement.annotation("reason") else {
                continue;
            };
            let Ok(text) = written.value.parse::<PartnerText>() else {
                continue;
            };
            if let Some(word) = text.words().find(|word| ours.contains(*word)) {
                let message =
                    format!("`{word}` names a policy or a category, which no partner is told");
                self.problems.push(
                    Diagnostic::error(Code::InvalidReason, message).at(written.place.clone()),
                );
            }
        }
    }

    /// Refuses a category in `reasons_first` that no policy carries.
    pub(super) fn reasons_first(&mut self, statements: &[Statement], file: &SourceText) {
        let known: BTreeSet<&str> = statements.iter().filter_map(category).collect();
        for (name, range) in self.manifest.reasons_first() {
            if !known.contains(name) {
                let message = format!("no policy has the category `{name}`");
                self.problems.push(
                    Diagnostic::error(Code::UnknownCategory, message)
                        .at(file.place(range))
                        .did_you_mean(name, known.iter().copied()),
                );
            }
        }
    }
}

fn category(statement: &Statement) -> Option<&str> {
    let written = statement.annotation("category")?;
    Some(written.value.as_str())
}

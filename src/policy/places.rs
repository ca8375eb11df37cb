//! Where in a policy a word stands.

use crate::policy::diagnostics::Place;
use crate::policy::diagnostics::SourceText;

/// The first place of a word in the policy that begins there, outside comments and where what stands
/// before it will do; else where the policy begins.
pub(super) fn within(
    policy: &Place,
    files: &[SourceText],
    word: &str,
    fits: impl Fn(&str) -> bool,
) -> Place {
    let found = files
        .iter()
        .find(|file| file.path() == policy.file)
        .and_then(|file| {
            let (before, text) = file.text().split_at_checked(policy.offset)?;
            let is_it = |at: usize| {
                let line = text.get(..at).unwrap_or_default();
                let line = line.rsplit('\n').next().unwrap_or_default();
                !line.contains("//") && fits(line)
            };
            let (at, _) = text.match_indices(word).find(|(at, _)| is_it(*at))?;
            let start = before.len() + at;
            Some(file.place(start..start + word.len()))
        });
    found.unwrap_or_else(|| policy.clone())
}

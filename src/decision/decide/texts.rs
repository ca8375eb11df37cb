//! What people are told of a decision: a partner the reason of one policy, our officer the notes of all.

use crate::decision::engine::Engine;
use crate::decision::engine::Evaluation;
use crate::decision::reason::ReasonCode;
use crate::policy::annotation::Category;
use crate::policy::bundle::PolicyClass;
use crate::policy::bundle::PolicyInfo;

/// The reason for the partner, of the one determining policy that goes first; none where no policy says one.
///
/// First go the categories that the manifest names, in its order, so that whoever is not known to be the partner learns
/// nothing of what lies behind; then what holds before what lets a person decide; then the order of names.
pub(super) fn partner_text(
    engine: &Engine,
    reason: ReasonCode,
    evaluation: &Evaluation<'_>,
) -> Option<String> {
    let classes: &[PolicyClass] = match reason {
        ReasonCode::Forbidden => &[PolicyClass::HardForbid],
        ReasonCode::Held => &[PolicyClass::HoldingForbid, PolicyClass::ManualPermit],
        ReasonCode::Permitted
        | ReasonCode::NotPermitted
        | ReasonCode::NoAgreement
        | ReasonCode::AskThroughAcm
        | ReasonCode::NotSelected
        | ReasonCode::SubjectUnresolvable
        | ReasonCode::RequesterUnresolvable
        | ReasonCode::GroupUnresolvable
        | ReasonCode::ResourceUnresolvable
        | ReasonCode::DirectionUnknown
        | ReasonCode::EvaluationError => &[],
    };
    let manifest = engine.bundle().manifest();
    let rank = |policy: &PolicyInfo| {
        let category = policy.category.as_ref().map(Category::as_str);
        let mut first = manifest.reasons_first();
        first
            .position(|(name, _)| Some(name) == category)
            .unwrap_or(usize::MAX)
    };
    let of_classes = classes.iter().enumerate().flat_map(|(order, class)| {
        let policies = evaluation.satisfied_of(*class);
        policies.map(move |policy| (order, policy))
    });
    of_classes
        .min_by_key(|(order, policy)| (rank(policy), *order, policy.id.clone()))
        .and_then(|(_, policy)| policy.reason.as_ref())
        .map(ToString::to_string)
}

/// The notes of the determining policies, in their order, each once.
pub(super) fn notes(determining: &[&PolicyInfo]) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for note in determining.iter().filter_map(|policy| policy.note.as_ref()) {
        if !notes.iter().any(|it| it == note.as_str()) {
            notes.push(note.to_string());
        }
    }
    notes
}

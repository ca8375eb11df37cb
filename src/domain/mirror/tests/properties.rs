//! What holds of any two halves.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;
use serde_json::json;

use super::CERTIFICATE;
use super::agreement;
use super::another;
use super::de;
use super::flags;
use super::full;
use super::half;
use super::laid_side_by_side;
use super::leaves;
use super::nl;
use crate::domain::agreement::Agreement;
use crate::domain::agreement::MigrationTerms;
use crate::domain::identity::McSystemId;
use crate::domain::mirror::Circumstances;
use crate::domain::mirror::Comparison;
use crate::domain::mirror::Mismatch;
use crate::domain::mirror::Severity;
use crate::domain::time::Timestamp;

/// An agreement made from the full one by changing, or leaving out, what chance says.
fn chance_agreement(partner: McSystemId) -> impl Strategy<Value = Agreement> {
    let change = (any::<Index>(), any::<bool>());
    prop::collection::vec(change, 0..20).prop_map(move |changes| {
        let mut json = full(&partner);
        for (leaf, is_left_out) in changes {
            let leaves = leaves(&json);
            let pointer = leaf.get(&leaves);
            let required = ["/partner", "/status", "/valid_from"].contains(&pointer.as_str())
                || pointer.starts_with("/migration/link_failure/");
            let (section, name) = pointer.rsplit_once('/').unwrap();
            let value = json.pointer(pointer).unwrap().clone();
            let section = json.pointer_mut(section).unwrap().as_object_mut().unwrap();
            if is_left_out && !required {
                section.shift_remove(name);
            } else if pointer != "/partner" {
                section.insert(name.to_owned(), another(pointer, &value));
            }
        }
        agreement(&json)
    })
}

/// The half that fits: what one side asks the other accepts, and the rest is the same.
fn counterpart(half: &Agreement, system: &McSystemId) -> Agreement {
    let mut json = serde_json::to_value(half).unwrap();
    json["partner"] = json!(system);
    json["kms_uris"] = json!(half.offered_kms_uris);
    json["offered_kms_uris"] = json!(half.kms_uris);
    for (pointer, mirrored, _) in flags() {
        let flag = serde_json::to_value(half)
            .unwrap()
            .pointer(mirrored)
            .cloned();
        let (section, name) = pointer.rsplit_once('/').unwrap();
        if let (Some(section), Some(flag)) = (json.pointer_mut(section), flag) {
            section[name] = flag;
        }
    }
    agreement(&json)
}

proptest! {
    #[test]
    fn both_sides_see_the_same(
        ours in chance_agreement(de()),
        theirs in chance_agreement(nl()),
        milliseconds in 1_760_000_000_000_i64..1_840_000_000_000,
    ) {
        let (nl, de, certificates_end) = (nl(), de(), BTreeMap::new());
        let circumstances = Circumstances {
            at: Timestamp::from_milliseconds(milliseconds),
            certificates_end: &certificates_end,
        };
        let here = Comparison::of(half(&nl, &ours), half(&de, &theirs), circumstances);
        let there = Comparison::of(half(&de, &theirs), half(&nl, &ours), circumstances);
        prop_assert_eq!(here.fits, there.fits);
        for mismatch in &here.mismatches {
            prop_assert_eq!(&mismatch.ours.system, &nl);
            prop_assert_eq!(&mismatch.theirs.system, &de);
        }
        let swapped: Vec<Mismatch> = there.mismatches.into_iter().map(Mismatch::swapped).collect();
        prop_assert_eq!(here.mismatches, swapped);
    }

    #[test]
    fn what_is_made_by_mirroring_fits(ours in chance_agreement(de())) {
        let mut ours = ours;
        // What no counterpart mends: nobody known, no end before the beginning, no service or place for those who
        // come, no keys one way only.
        ours.offered_kms_uris = ours.kms_uris.clone();
        ours.certificates = BTreeSet::from([CERTIFICATE.parse().unwrap()]);
        ours.valid_until = None;
        if let Some(terms) = &mut ours.migration {
            terms.outbound = terms.inbound;
            terms.mcptt_group = terms.inbound;
            if !terms.inbound {
                *terms = MigrationTerms::default();
            }
        }
        let theirs = counterpart(&ours, &nl());
        prop_assert_eq!(laid_side_by_side(&ours, &theirs), []);
    }

    #[test]
    fn what_a_flag_takes_away_is_found_whatever_else_differs(
        ours in chance_agreement(de()),
        theirs in chance_agreement(nl()),
    ) {
        let json = (serde_json::to_value(&ours).unwrap(), serde_json::to_value(&theirs).unwrap());
        let is_set = |json: &Value, pointer| json.pointer(pointer) == Some(&json!(true));
        let found = laid_side_by_side(&ours, &theirs);
        for (pointer, mirrored, severity) in flags() {
            if severity != Severity::Informational {
                let differ = is_set(&json.0, pointer) != is_set(&json.1, mirrored);
                let is_found = found.iter().any(|it| {
                    it.ours.pointer == pointer
                        && it.theirs.pointer == mirrored
                        && it.ours.value != it.theirs.value
                        && it.severity.prevents_fit()
                });
                prop_assert_eq!(is_found, differ, "{}", pointer);
            }
        }
    }
}

//! Administrative exchanges: both halves have to name a category, since each side asks and is asked under it.

use super::Flag;
use super::Half;
use super::Mismatch;
use super::Severity;
use super::directions;
use crate::domain::agreement::AcmTerms;
use crate::domain::agreement::Agreement;
use crate::domain::agreement::DisclosureKind;

struct Category {
    /// What is asked under it, in the plural.
    what: &'static str,
    flag: Flag,
    source: &'static str,
}

macro_rules! category {
    ($flag:ident, $what:literal, $source:literal) => {
        Category {
            what: $what,
            flag: Flag {
                pointer: concat!("/acm/", stringify!($flag)),
                read: |agreement| acm(agreement).is_some_and(|terms| terms.$flag),
            },
            source: $source,
        }
    };
}

#[rustfmt::skip]
const CATEGORIES: [Category; 5] = [
    category!(group_membership, "additions to groups", "TS 23.280 clause 10.17.4"),
    category!(configuration_push, "pushes of initial MC service UE configuration data", "TS 22.280 R-5.16.4-005"),
    category!(user_configuration, "user configuration changes", "TR 22.881 PR X.1.6.1"),
    category!(migration_users, "additions of users for migration", "TS 23.280 clause 10.17.5"),
    category!(joint_groups, "requests for joint groups", "an addition to TR 23.781 clause 6.1.1"),
];

fn acm(agreement: &Agreement) -> Option<&AcmTerms> {
    agreement.acm.as_ref()
}

pub(super) fn compare(one: Half<'_>, other: Half<'_>) -> Vec<Mismatch> {
    let mut found = Vec::new();
    for (permits, refuses) in directions(one, other) {
        for category in &CATEGORIES {
            if permits.has(category.flag) && !refuses.has(category.flag) {
                found.push(category.refused(permits, refuses));
            }
        }
        found.extend(disclosures(permits, refuses));
        found.extend(shared_information(permits, refuses));
    }
    found
}

impl Category {
    fn refused(&self, permits: Half<'_>, refuses: Half<'_>) -> Mismatch {
        let (a, b) = (permits.system, refuses.system);
        let (what, pointer) = (self.what, self.flag.pointer);
        Mismatch {
            severity: Severity::Blocking,
            ours: permits.flag(self.flag),
            theirs: refuses.flag(self.flag),
            effect: format!("{what} asked by {a} will be refused by {b}: its `{pointer}` is false"),
            remedy: format!("{b} sets `{pointer}`, or {a} clears it"),
            source: self.source,
        }
    }
}

fn disclosures(permits: Half<'_>, refuses: Half<'_>) -> Vec<Mismatch> {
    let pointer = "/acm/disclosure";
    let (a, b) = (permits.system, refuses.system);
    disclosure(permits)
        .filter(|kind| !disclosure(refuses).any(|other| other == *kind))
        .map(|kind| Mismatch {
            severity: Severity::Blocking,
            ours: permits.place(pointer, disclosed(permits)),
            theirs: refuses.place(pointer, disclosed(refuses)),
            effect: format!(
                "requests of {a} for configuration information will be refused by {b}: its `{pointer}` does not name `{}`",
                word(kind)
            ),
            remedy: format!("{b} adds `{kind}` to `{pointer}`, or {a} removes it", kind = word(kind)),
            source: "TS 22.280 R-5.16.4-004",
        })
        .collect()
}

/// Both sides have to name what servers tell each other: one tells, the other takes.
fn shared_information(permits: Half<'_>, refuses: Half<'_>) -> Vec<Mismatch> {
    let pointer = "/information_sharing";
    let (a, b) = (permits.system, refuses.system);
    let words = |half: Half<'_>| -> Vec<&'static str> {
        let kinds = half.agreement.information_sharing.iter();
        kinds.map(|kind| kind.as_str()).collect()
    };
    let named = &refuses.agreement.information_sharing;
    let missing = permits.agreement.information_sharing.difference(named);
    missing
        .map(|kind| Mismatch {
            severity: Severity::Blocking,
            ours: permits.place(pointer, words(permits)),
            theirs: refuses.place(pointer, words(refuses)),
            effect: format!(
                "{a} and {b} will not tell each other `{kind}` information: `{pointer}` of {b} does not name it",
                kind = kind.as_str()
            ),
            remedy: format!("{b} adds `{kind}` to `{pointer}`, or {a} removes it", kind = kind.as_str()),
            source: "TR 23.781 clause 5.1.11 (key issue 1.11)",
        })
        .collect()
}

fn disclosure(half: Half<'_>) -> impl Iterator<Item = DisclosureKind> {
    acm(half.agreement)
        .into_iter()
        .flat_map(|terms| &terms.disclosure)
        .copied()
}

fn disclosed(half: Half<'_>) -> Vec<&'static str> {
    disclosure(half).map(word).collect()
}

fn word(kind: DisclosureKind) -> &'static str {
    match kind {
        DisclosureKind::Users => "users",
        DisclosureKind::Groups => "groups",
        DisclosureKind::SecurityLevel => "security-level",
    }
}

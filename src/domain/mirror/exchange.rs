//! What one system asks and the other accepts: each outgoing flag needs the other half's incoming one.

use super::Flag;
use super::Half;
use super::Mismatch;
use super::Severity;
use super::directions;
use crate::domain::agreement::Agreement;
use crate::domain::agreement::InterconnectionTerms;
use crate::domain::agreement::LimitedMigrationTerms;
use crate::domain::agreement::MigrationTerms;

const FLAGS: &str = "TR 23.781 clause 6.1.1";
const ADDED: &str = "an addition to TR 23.781 clause 6.1.1";
const MIGRATION: &str = "TR 23.781 clause 6.1.1; TS 22.280 R-6.17.2-001";
const LIMITED: &str = "TR 23.700-90";

/// A pair of flags, one in each half.
struct Exchange {
    /// What is exchanged, in the plural; `{a}` asks and `{b}` accepts.
    what: &'static str,
    asks: Flag,
    accepts: Flag,
    source: &'static str,
}

/// A service that migrated users get, when both their home and ours say so.
struct Service {
    /// What they can do; `{b}` is where.
    what: &'static str,
    flag: Flag,
}

pub(super) const INBOUND: Flag = Flag {
    pointer: "/migration/inbound",
    read: |agreement| migration(agreement).is_some_and(|terms| terms.inbound),
};

pub(super) const OUTBOUND: Flag = Flag {
    pointer: "/migration/outbound",
    read: |agreement| migration(agreement).is_some_and(|terms| terms.outbound),
};

/// Makes the pair of two flags of one section.
macro_rules! exchange {
    ($section:ident, $asks:ident, $accepts:ident, $what:literal, $source:expr) => {
        Exchange {
            what: $what,
            asks: Flag {
                pointer: concat!("/", stringify!($section), "/", stringify!($asks)),
                read: |agreement| $section(agreement).is_some_and(|terms| terms.$asks),
            },
            accepts: Flag {
                pointer: concat!("/", stringify!($section), "/", stringify!($accepts)),
                read: |agreement| $section(agreement).is_some_and(|terms| terms.$accepts),
            },
            source: $source,
        }
    };
}

macro_rules! service {
    ($flag:ident, $what:literal) => {
        Service {
            what: $what,
            flag: Flag {
                pointer: concat!("/migration/", stringify!($flag)),
                read: |agreement| migration(agreement).is_some_and(|terms| terms.$flag),
            },
        }
    };
}

#[rustfmt::skip]
const EXCHANGES: [Exchange; 9] = [
    exchange!(interconnection, mcptt_private_outgoing, mcptt_private_incoming, "MCPTT private calls from {a} to {b}", FLAGS),
    exchange!(interconnection, mcptt_group_outgoing, mcptt_group_incoming, "affiliations of users of {a} to MCPTT groups of {b}", FLAGS),
    exchange!(interconnection, mcvideo_private_outgoing, mcvideo_private_incoming, "MCVideo calls from {a} to {b}", FLAGS),
    exchange!(interconnection, mcvideo_group_outgoing, mcvideo_group_incoming, "affiliations of users of {a} to MCVideo groups of {b}", FLAGS),
    exchange!(interconnection, mcdata_private_outgoing, mcdata_private_incoming, "MCData transactions from {a} to {b}", FLAGS),
    exchange!(interconnection, mcdata_group_outgoing, mcdata_group_incoming, "affiliations of users of {a} to MCData groups of {b}", ADDED),
    exchange!(interconnection, regroup_outgoing, regroup_incoming, "preconfigured regroups asked by {a} with groups and users of {b}", ADDED),
    exchange!(migration, outbound, inbound, "migrations of users of {a} to {b}", MIGRATION),
    exchange!(limited_migration, outbound, inbound, "limited migrations of users of {a} to {b}", LIMITED),
];

const SERVICES: [Service; 6] = [
    service!(mcptt_private, "take part in MCPTT private calls at {b}"),
    service!(mcptt_group, "affiliate to MCPTT groups at {b}"),
    service!(mcvideo, "take part in MCVideo calls at {b}"),
    service!(mcvideo_group, "affiliate to MCVideo groups at {b}"),
    service!(mcdata, "send or receive MCData at {b}"),
    service!(mcdata_group, "affiliate to MCData groups at {b}"),
];

fn interconnection(agreement: &Agreement) -> Option<&InterconnectionTerms> {
    agreement.interconnection.as_ref()
}

fn migration(agreement: &Agreement) -> Option<&MigrationTerms> {
    agreement.migration.as_ref()
}

fn limited_migration(agreement: &Agreement) -> Option<&LimitedMigrationTerms> {
    agreement.limited_migration.as_ref()
}

pub(super) fn compare(one: Half<'_>, other: Half<'_>) -> Vec<Mismatch> {
    let mut found = Vec::new();
    for (asking, asked) in directions(one, other) {
        found.extend(
            EXCHANGES
                .iter()
                .filter_map(|exchange| exchange.between(asking, asked)),
        );
        if asking.has(OUTBOUND) && asked.has(INBOUND) {
            found.extend(no_service(asking, asked));
            found.extend(no_place(asking, asked));
            found.extend(
                SERVICES
                    .iter()
                    .filter_map(|service| service.withheld(asking, asked)),
            );
        }
        if !asking.has(OUTBOUND) && !asked.has(INBOUND) {
            found.extend(
                SERVICES
                    .iter()
                    .filter_map(|service| service.idle(asking, asked)),
            );
        }
    }
    found
}

impl Exchange {
    fn between(&self, asking: Half<'_>, asked: Half<'_>) -> Option<Mismatch> {
        let what = asking.tell(&asked, self.what);
        let (a, b) = (asking.system, asked.system);
        let (asks, accepts) = (self.asks.pointer, self.accepts.pointer);
        let (severity, effect, remedy) = match (asking.has(self.asks), asked.has(self.accepts)) {
            (true, false) => (
                Severity::Blocking,
                format!("{what} will be refused there: `{accepts}` of {b} is false"),
                format!("{b} sets `{accepts}`, or {a} clears `{asks}`"),
            ),
            (false, true) => (
                Severity::OneSided,
                format!("{what} are never asked for: `{asks}` of {a} is false"),
                format!("{a} sets `{asks}`, or {b} clears `{accepts}`"),
            ),
            (true, true) | (false, false) => return None,
        };
        Some(Mismatch {
            severity,
            ours: asking.flag(self.asks),
            theirs: asked.flag(self.accepts),
            effect,
            remedy,
            source: self.source,
        })
    }
}

impl Service {
    /// What the one that is asked withholds from migrated users, though the other grants it to those who come to it.
    fn withheld(&self, asking: Half<'_>, asked: Half<'_>) -> Option<Mismatch> {
        let grants_the_same = asking.has(INBOUND) && asking.has(self.flag);
        if asked.has(self.flag) || !grants_the_same {
            return None;
        }
        let (a, b, pointer) = (asking.system, asked.system, self.flag.pointer);
        let what = asking.tell(&asked, self.what);
        Some(Mismatch {
            severity: Severity::Informational,
            ours: asking.flag(self.flag),
            theirs: asked.flag(self.flag),
            effect: format!(
                "users of {a} who have migrated may not {what}, which {a} grants to migrated users of {b}"
            ),
            remedy: format!("unless that is meant, {b} sets `{pointer}`"),
            source: FLAGS,
        })
    }

    /// What is granted to migrated users where nobody may migrate.
    fn idle(&self, asking: Half<'_>, asked: Half<'_>) -> Option<Mismatch> {
        if !asked.has(self.flag) {
            return None;
        }
        let (b, pointer) = (asked.system, self.flag.pointer);
        let inbound = INBOUND.pointer;
        Some(Mismatch {
            severity: Severity::Informational,
            ours: asking.flag(OUTBOUND),
            theirs: asked.flag(self.flag),
            effect: format!("`{pointer}` of {b} has no effect while its `{inbound}` is false"),
            remedy: format!("{b} clears `{pointer}`"),
            source: FLAGS,
        })
    }
}

/// Migration is agreed and every service is refused.
fn no_service(asking: Half<'_>, asked: Half<'_>) -> Option<Mismatch> {
    if SERVICES.iter().any(|service| asked.has(service.flag)) {
        return None;
    }
    let (a, b) = (asking.system, asked.system);
    Some(Mismatch {
        severity: Severity::Blocking,
        ours: asking.flag(OUTBOUND),
        theirs: asked.flag(INBOUND),
        effect: format!("users of {a} may migrate to {b} and are refused every service there"),
        remedy: format!("{b} sets at least one service under `/migration`"),
        source: FLAGS,
    })
}

/// Migration is agreed for no user at all.
fn no_place(asking: Half<'_>, asked: Half<'_>) -> Option<Mismatch> {
    if migration(asked.agreement)?.quota? > 0 {
        return None;
    }
    let (a, b) = (asking.system, asked.system);
    Some(Mismatch {
        severity: Severity::Blocking,
        ours: asking.flag(OUTBOUND),
        theirs: asked.place("/migration/quota", 0),
        effect: format!("migrations of users of {a} to {b} will be refused there: the quota is 0"),
        remedy: format!("{b} raises `/migration/quota`, or clears `/migration/inbound`"),
        source: ADDED,
    })
}

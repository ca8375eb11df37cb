//! By what each side knows the other: certificates and key management servers.

use std::collections::BTreeSet;

use super::Circumstances;
use super::Half;
use super::Mismatch;
use super::Severity;
use super::directions;
use crate::domain::agreement::CertificateThumbprint;

const DOMAINS: &str = "TS 33.310; TR 23.700-38 clause 7.x.1.3, preconditions";
const KEYS: &str = "TS 33.180 clause 5.3.1";

/// Whether each side knows the other by a certificate that has not expired.
pub(super) fn certificates(
    one: Half<'_>,
    other: Half<'_>,
    circumstances: Circumstances<'_>,
) -> Vec<Mismatch> {
    directions(one, other)
        .into_iter()
        .filter_map(|(side, peer)| unknown_peer(side, peer, circumstances))
        .collect()
}

fn unknown_peer(
    side: Half<'_>,
    peer: Half<'_>,
    circumstances: Circumstances<'_>,
) -> Option<Mismatch> {
    let certificates = &side.agreement.certificates;
    let expired = certificates
        .iter()
        .filter(|certificate| {
            let end = circumstances.certificates_end.get(certificate);
            end.is_some_and(|end| *end <= circumstances.at)
        })
        .count();
    let (a, b) = (side.system, peer.system);
    let (severity, effect) = if certificates.is_empty() {
        let effect =
            format!("{a} refuses every request of {b}: it knows no certificate of its peers");
        (Severity::Blocking, effect)
    } else if expired == certificates.len() {
        let effect = format!(
            "{a} refuses every request of {b}: all certificates by which it knows its peers have expired"
        );
        (Severity::Blocking, effect)
    } else if expired > 0 {
        let effect = format!(
            "{expired} of the {} certificates by which {a} knows the peers of {b} have expired",
            certificates.len()
        );
        (Severity::Informational, effect)
    } else {
        return None;
    };
    let place = |half: Half<'_>| {
        let thumbprints = half.agreement.certificates.iter();
        let texts: Vec<&str> = thumbprints.map(CertificateThumbprint::as_str).collect();
        half.place("/certificates", texts)
    };
    Some(Mismatch {
        severity,
        ours: place(side),
        theirs: place(peer),
        effect,
        remedy: format!("{b} sends {a} the thumbprints of its present certificates"),
        source: DOMAINS,
    })
}

/// Whether each side permits the key management servers of the other's users.
pub(super) fn key_servers(one: Half<'_>, other: Half<'_>) -> Vec<Mismatch> {
    let mut found = Vec::new();
    for (permits, owner) in directions(one, other) {
        match owner.key_servers {
            Some(own) => found.extend(against_users(permits, owner, own)),
            None => found.extend(against_half(permits, owner)),
        }
        found.extend(against_offer(permits, owner));
    }
    found
}

fn against_users(permits: Half<'_>, owner: Half<'_>, own: &BTreeSet<String>) -> Vec<Mismatch> {
    let permitted = &permits.agreement.kms_uris;
    let (a, b) = (permits.system, owner.system);
    let refused = own.difference(permitted).map(|uri| {
        (
            Severity::Blocking,
            format!("users of {a} get no keys for users of {b} whose server is `{uri}`: `/kms_uris` of {a} does not name it"),
            format!("{a} adds `{uri}` to `/kms_uris`"),
        )
    });
    let unused = permitted.difference(own).map(|uri| {
        (
            Severity::OneSided,
            format!("{a} permits `{uri}`, which no user of {b} has"),
            format!("{a} removes `{uri}` from `/kms_uris`"),
        )
    });
    refused
        .chain(unused)
        .map(|(severity, effect, remedy)| Mismatch {
            severity,
            ours: permits.place("/kms_uris", texts(permitted)),
            theirs: owner.place("", texts(own)),
            effect,
            remedy,
            source: KEYS,
        })
        .collect()
}

fn against_half(permits: Half<'_>, owner: Half<'_>) -> Option<Mismatch> {
    let (permitted, other) = (&permits.agreement.kms_uris, &owner.agreement.kms_uris);
    if !permitted.is_empty() || other.is_empty() {
        return None;
    }
    let (a, b) = (permits.system, owner.system);
    Some(Mismatch {
        severity: Severity::Informational,
        ours: permits.place("/kms_uris", texts(permitted)),
        theirs: owner.place("/kms_uris", texts(other)),
        effect: format!(
            "{a} permits no key management server of {b}, while {b} permits some of {a}"
        ),
        remedy: format!("unless that is meant, {a} adds the servers of {b} to `/kms_uris`"),
        source: KEYS,
    })
}

/// Whether one side offers the servers to which the other sends its users.
fn against_offer(permits: Half<'_>, owner: Half<'_>) -> Vec<Mismatch> {
    let (permitted, offered) = (
        &permits.agreement.kms_uris,
        &owner.agreement.offered_kms_uris,
    );
    let (a, b) = (permits.system, owner.system);
    let refused = permitted.difference(offered).map(|uri| {
        (
            Severity::Blocking,
            format!("users of {a} get no key material from `{uri}`: `/offered_kms_uris` of {b} does not name it"),
            format!("{b} adds `{uri}` to `/offered_kms_uris`, or {a} removes it from `/kms_uris`"),
        )
    });
    let unused = offered.difference(permitted).map(|uri| {
        (
            Severity::OneSided,
            format!("{b} offers `{uri}`, to which {a} sends no user"),
            format!("{a} adds `{uri}` to `/kms_uris`, or {b} removes it from `/offered_kms_uris`"),
        )
    });
    refused
        .chain(unused)
        .map(|(severity, effect, remedy)| Mismatch {
            severity,
            ours: permits.place("/kms_uris", texts(permitted)),
            theirs: owner.place("/offered_kms_uris", texts(offered)),
            effect,
            remedy,
            source: KEYS,
        })
        .collect()
}

fn texts(uris: &BTreeSet<String>) -> Vec<&str> {
    uris.iter().map(String::as_str).collect()
}

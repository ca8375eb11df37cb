use proptest::prelude::*;

use super::ItemState;
use super::Stage;
use super::status;
use crate::domain::outcome::PartnerOutcome;
use crate::domain::outcome::RequestStatus;
use crate::domain::time::Timestamp;

const NOW: i64 = 1_000;

fn now() -> Timestamp {
    Timestamp::from_milliseconds(NOW)
}

fn stage() -> impl Strategy<Value = Stage> {
    prop_oneof![
        Just(Stage::Cleared),
        Just(Stage::Sent),
        Just(Stage::PartnerPending)
    ]
}

/// Soon over, over just now, over already, or never.
fn expiry() -> impl Strategy<Value = Option<Timestamp>> {
    prop_oneof![
        Just(None),
        (NOW - 1..NOW + 2).prop_map(|at| Some(Timestamp::from_milliseconds(at)))
    ]
}

fn state() -> impl Strategy<Value = ItemState> {
    let outcome = prop_oneof![Just(PartnerOutcome::Accept), Just(PartnerOutcome::Reject)];
    prop_oneof![
        Just(ItemState::Granted),
        Just(ItemState::Refused),
        Just(ItemState::Expired),
        Just(ItemState::Withdrawn),
        Just(ItemState::Revoked),
        expiry().prop_map(|expires_at| ItemState::Pending { expires_at }),
        (stage(), expiry())
            .prop_map(|(stage, expires_at)| ItemState::AtPartner { stage, expires_at }),
        (outcome, any::<bool>())
            .prop_map(|(outcome, delivered)| ItemState::Answered { outcome, delivered }),
    ]
}

/// The word of the table that an item stands under.
fn word(item: ItemState) -> &'static str {
    match item.as_str() {
        "delivered" if item.in_force().is_some() => "granted",
        "granted" | "partner-accepted" => "granted",
        "refused" | "expired" | "partner-refused" | "delivered" => "refused",
        other => other,
    }
}

/// The table of the documentation, read line by line.
fn by_the_table(items: &[ItemState]) -> RequestStatus {
    let words: Vec<&str> = items.iter().map(|item| word(*item)).collect();
    let one = |wanted: &str| words.contains(&wanted);
    let all = |wanted: &str| one(wanted) && words.iter().all(|word| *word == wanted);
    let lines = [
        (one("pending"), RequestStatus::Pending),
        (one("cleared"), RequestStatus::Cleared),
        (one("sent"), RequestStatus::Sent),
        (one("partner-pending"), RequestStatus::PartnerPending),
        (all("granted"), RequestStatus::Accepted),
        (one("granted"), RequestStatus::Partial),
        (one("revoked"), RequestStatus::Revoked),
        (all("withdrawn"), RequestStatus::Withdrawn),
        (true, RequestStatus::Rejected),
    ];
    let mut lines = lines.into_iter();
    lines.find(|(fits, _)| *fits).unwrap().1
}

proptest! {
    #[test]
    fn the_status_is_that_of_the_table_in_whatever_order(
        mut items in prop::collection::vec(state(), 0..6),
    ) {
        let found = status(items.iter().copied());
        prop_assert_eq!(found, by_the_table(&items));
        items.reverse();
        prop_assert_eq!(status(items.iter().copied()), found);
    }

    #[test]
    fn nothing_follows_an_end(from in state(), to in state()) {
        let moves = from.may_be_answered(to, now())
            || from.may_be_reported(to, now())
            || from.may_be_withdrawn(now())
            || from.may_be_revoked();
        if matches!(
            from,
            ItemState::Refused | ItemState::Expired | ItemState::Withdrawn | ItemState::Revoked
        ) {
            prop_assert!(!moves);
        }
        // What is over in time is moved by nobody but the one who writes that it is.
        if from.is_overdue(now()) {
            prop_assert!(!moves);
            prop_assert_eq!(from.at(now()), ItemState::Expired);
        } else {
            prop_assert_eq!(from.at(now()), from);
        }
        prop_assert!(ItemState::WORDS.contains(&from.as_str()));
        prop_assert_eq!(from.is_open(), from.is_pending() || from.stage().is_some());
    }

    #[test]
    fn only_what_waits_is_answered_and_nobody_makes_it_wait_longer(from in state(), to in state()) {
        if from.may_be_answered(to, now()) {
            prop_assert!(from.is_pending());
            prop_assert!(!from.is_overdue(now()));
            match to {
                ItemState::Pending { expires_at } => {
                    prop_assert!(expires_at == from.expires_at() || expires_at < from.expires_at());
                    prop_assert_eq!(expires_at.is_some(), from.expires_at().is_some());
                }
                ItemState::AtPartner { stage, .. } => prop_assert_eq!(stage, Stage::Cleared),
                ItemState::Granted | ItemState::Refused => {}
                ItemState::Expired
                | ItemState::Answered { .. }
                | ItemState::Withdrawn
                | ItemState::Revoked => prop_assert!(false, "no answer leads there"),
            }
        }
        prop_assert_eq!(from.may_be_withdrawn(now()), from.is_open() && !from.is_overdue(now()));
        prop_assert_eq!(from.may_be_revoked(), word(from) == "granted");
    }

    #[test]
    fn a_report_leads_forth(from in state(), to in state()) {
        let place = |item: ItemState| match (item.stage(), item.answered()) {
            (Some(stage), _) => 1 + stage as u8,
            (None, Some(_)) => 4 + u8::from(item.as_str() == "delivered"),
            (None, None) => 0,
        };
        if from.may_be_reported(to, now()) {
            prop_assert!(place(from) > 0);
            // The partner may say later that it waits for a shorter time, never for a longer one.
            let ends_earlier = match (from.expires_at(), to.expires_at()) {
                (None, Some(_)) => true,
                (Some(before), Some(after)) => after < before,
                (_, None) => false,
            };
            let is_forth = place(to) > place(from) || place(to) == place(from) && ends_earlier;
            prop_assert!(to == ItemState::Refused && place(from) < 4 || is_forth);
            if to.stage().is_some() {
                prop_assert!(ends_earlier || to.expires_at() == from.expires_at());
            }
            if let (ItemState::Answered { outcome: one, .. }, ItemState::Answered { outcome: other, .. }) =
                (from, to)
            {
                prop_assert_eq!(one, other);
            }
        }
    }
}

#[test]
fn states_are_stored_as_they_were() {
    let expires_at = Some(now());
    for (state, json) in [
        (ItemState::Granted, r#"{"state":"granted"}"#),
        (ItemState::Refused, r#"{"state":"refused"}"#),
        (
            ItemState::Pending { expires_at: None },
            r#"{"state":"pending","expires_at":null}"#,
        ),
        (ItemState::Expired, r#"{"state":"expired"}"#),
        (
            ItemState::AtPartner {
                stage: Stage::PartnerPending,
                expires_at: None,
            },
            r#"{"state":"at-partner","stage":"partner-pending"}"#,
        ),
        (
            ItemState::AtPartner {
                stage: Stage::Sent,
                expires_at,
            },
            r#"{"state":"at-partner","stage":"sent","expires_at":"1970-01-01T00:00:01.000Z"}"#,
        ),
        (
            ItemState::Answered {
                outcome: PartnerOutcome::Accept,
                delivered: false,
            },
            r#"{"state":"answered","outcome":"accept","delivered":false}"#,
        ),
        (ItemState::Withdrawn, r#"{"state":"withdrawn"}"#),
        (ItemState::Revoked, r#"{"state":"revoked"}"#),
    ] {
        assert_eq!(serde_json::to_string(&state).unwrap(), json);
        assert_eq!(serde_json::from_str::<ItemState>(json).unwrap(), state);
    }
}

use std::collections::BTreeSet;

use proptest::collection::btree_set;
use proptest::collection::vec;
use proptest::prelude::*;

use super::ALTERNATIVES_MAX;
use super::Count;
use super::Quorum;
use crate::domain::role::Role;
use crate::policy::approvals::Approvals;
use crate::policy::approvals::Denials;

fn asked(text: &str) -> Approvals {
    text.parse().unwrap()
}

fn roles(words: &[&str]) -> BTreeSet<Role> {
    words.iter().map(|word| word.parse().unwrap()).collect()
}

fn quorum(forbids: &[&str], permits: &[&str]) -> Quorum {
    let read = |texts: &[&str]| texts.iter().copied().map(asked).collect::<Vec<_>>();
    Quorum::combine(&read(forbids), &read(permits), Denials::ONE)
}

#[test]
fn where_nothing_is_said_one_person_suffices() {
    let default = Quorum::default();
    assert_eq!(quorum(&[], &[]), default);
    assert_eq!(quorum(&["1"], &["1", "1"]), default);
    assert!(!default.is_met(&[]));
    assert!(default.is_met(&[roles(&[])]));
    assert!(default.is_refused(1));
    assert!(!default.is_refused(0));
}

#[test]
fn holding_forbids_add_up_and_any_manual_permit_suffices() {
    let quorum = quorum(&["duty:1", "duty:2, 3"], &["security:1", "leader:1"]);
    let sets = [asked("3, duty:2, leader:1"), asked("3, duty:2, security:1")];
    assert_eq!(quorum.approvals(), sets);
    let duty = || roles(&["duty"]);
    assert!(!quorum.is_met(&[duty(), duty(), duty()]));
    assert!(quorum.is_met(&[duty(), duty(), roles(&["leader"])]));
    assert!(quorum.is_met(&[roles(&["security"]), duty(), duty()]));
    assert!(!quorum.is_met(&[duty(), roles(&["leader"]), roles(&["security"])]));
}

#[test]
fn nobody_counts_for_two_groups() {
    let quorum = quorum(&["duty:1", "security:1"], &[]);
    let both = || roles(&["duty", "security"]);
    assert!(!quorum.is_met(&[both()]));
    assert!(quorum.is_met(&[both(), both()]));
    // Whoever has both makes room for whoever has one, in either order.
    assert!(quorum.is_met(&[both(), roles(&["duty"])]));
    assert!(quorum.is_met(&[roles(&["duty"]), both()]));
    assert!(!quorum.advances(&[roles(&["duty"])], &roles(&["duty"])));
    assert!(quorum.advances(&[both()], &roles(&["duty"])));
    assert!(!quorum.advances(&[], &roles(&["other"])));
    let progress = quorum.progress(&[both()]);
    assert_eq!(progress.len(), 1);
    assert_eq!(
        progress[0].persons,
        Count {
            needed: 2,
            given: 1
        }
    );
    let given: usize = progress[0].groups.values().map(|count| count.given).sum();
    assert_eq!(given, 1);
}

#[test]
fn both_of_two_quorums_are_asked_for_and_the_same_again_changes_nothing() {
    let one = quorum(&["duty:1"], &["a:1", "b:1"]);
    assert_eq!(one.and(&one), one);
    assert_eq!(one.and(&Quorum::default()), one);
    let and = one.and(&quorum(&["security:1"], &["a:1"]));
    assert_eq!(and.approvals(), [asked("a:1, duty:1, security:1")]);
    let two: Quorum = Quorum::combine(&[], &[], "2".parse().unwrap());
    assert!(!two.is_refused(1));
    assert!(two.and(&one).is_refused(1));
}

#[test]
fn too_many_alternatives_become_all_of_them() {
    let permits: Vec<Approvals> = (0..=ALTERNATIVES_MAX)
        .map(|number| asked(&format!("g{number}:1")))
        .collect();
    let few = permits.get(..ALTERNATIVES_MAX).unwrap();
    let few = Quorum::combine(&[], few, Denials::ONE);
    assert_eq!(few.approvals().len(), ALTERNATIVES_MAX);
    let many = Quorum::combine(&[], &permits, Denials::ONE);
    assert_eq!(many.approvals().len(), 1);
    assert!(permits.iter().all(|it| many.approvals()[0].includes(it)));
}

#[test]
fn what_is_written_is_read_again() {
    let written = quorum(&["duty:1, 3"], &["a:1", "b:1"]);
    let json = serde_json::to_value(&written).unwrap();
    assert_eq!(json["denials"], 1);
    assert_eq!(json["approvals"][0]["persons"], 3);
    assert_eq!(json["approvals"][0]["groups"]["a"], 1);
    assert_eq!(serde_json::from_value::<Quorum>(json).unwrap(), written);
}

fn any_approvals() -> impl Strategy<Value = Approvals> {
    (1_u16..4, vec((0_u8..4, 1_u16..3), 0..3)).prop_map(|(persons, groups)| {
        let groups: std::collections::BTreeMap<u8, u16> = groups.into_iter().collect();
        let groups = groups
            .iter()
            .map(|(group, count)| format!(", g{group}:{count}"));
        asked(&format!("{persons}{}", groups.collect::<String>()))
    })
}

fn any_people() -> impl Strategy<Value = Vec<BTreeSet<Role>>> {
    let person = btree_set(0_u8..4, 0..4);
    let person = person.prop_map(|groups| {
        let groups = groups.iter().map(|group| format!("g{group}"));
        groups.map(|group| group.parse().unwrap()).collect()
    });
    vec(person, 0..8)
}

/// Every way to give each person one seat or none, tried one after the other.
fn is_met_by_hand(asked: &Approvals, people: &[BTreeSet<Role>]) -> bool {
    fn place(open: &mut Vec<(Option<Role>, u16)>, people: &[BTreeSet<Role>]) -> bool {
        if open.iter().all(|(_, count)| *count == 0) {
            return true;
        }
        let Some((person, rest)) = people.split_first() else {
            return false;
        };
        for number in 0..open.len() {
            let (group, count) = open[number].clone();
            if count > 0 && group.is_none_or(|group| person.contains(&group)) {
                open[number].1 -= 1;
                if place(open, rest) {
                    return true;
                }
                open[number].1 += 1;
            }
        }
        place(open, rest)
    }
    let groups: u16 = asked.groups().values().sum();
    let mut open: Vec<(Option<Role>, u16)> = asked
        .groups()
        .iter()
        .map(|(group, count)| (Some(group.clone()), *count))
        .collect();
    open.push((None, asked.persons() - groups));
    place(&mut open, people)
}

proptest! {
    #[test]
    fn it_is_met_exactly_where_everybody_finds_a_seat(
        asked in any_approvals(),
        people in any_people(),
    ) {
        let quorum = Quorum::combine(std::slice::from_ref(&asked), &[], Denials::ONE);
        prop_assert_eq!(quorum.is_met(&people), is_met_by_hand(&asked, &people));
    }

    #[test]
    fn it_never_asks_for_less_than_a_holding_forbid_or_every_manual_permit(
        forbids in vec(any_approvals(), 0..4),
        permits in vec(any_approvals(), 0..3),
        people in any_people(),
    ) {
        let quorum = Quorum::combine(&forbids, &permits, Denials::ONE);
        if quorum.is_met(&people) {
            prop_assert!(forbids.iter().all(|it| is_met_by_hand(it, &people)));
            prop_assert!(
                permits.is_empty() || permits.iter().any(|it| is_met_by_hand(it, &people))
            );
        }
    }

    #[test]
    fn another_holding_forbid_never_lowers_it(
        forbids in vec(any_approvals(), 0..4),
        permits in vec(any_approvals(), 0..3),
        another in any_approvals(),
        people in any_people(),
        (few, many) in (1_u16..4, 1_u16..4),
    ) {
        let denials = |count: u16| count.to_string().parse::<Denials>().unwrap();
        let before = Quorum::combine(&forbids, &permits, denials(few));
        let mut more = forbids.clone();
        more.push(another.clone());
        let after = Quorum::combine(&more, &permits, denials(few).min(denials(many)));
        prop_assert!(!after.is_met(&people) || before.is_met(&people));
        prop_assert!(!before.is_refused(people.len()) || after.is_refused(people.len()));
    }

    #[test]
    fn what_is_asked_for_at_two_moments_is_asked_for_twice(
        forbids in [vec(any_approvals(), 0..3), vec(any_approvals(), 0..3)],
        permits in [vec(any_approvals(), 0..3), vec(any_approvals(), 0..3)],
        people in any_people(),
    ) {
        let one = Quorum::combine(&forbids[0], &permits[0], Denials::ONE);
        let other = Quorum::combine(&forbids[1], &permits[1], Denials::ONE);
        let both = one.and(&other);
        prop_assert!(!both.is_met(&people) || (one.is_met(&people) && other.is_met(&people)));
        prop_assert_eq!(both.and(&one), both.clone());
        prop_assert_eq!(other.and(&one), both);
    }

    #[test]
    fn one_more_approval_counts_or_never_will(
        asked in vec(any_approvals(), 1..3),
        people in any_people(),
        person in any_people(),
    ) {
        let quorum = Quorum::combine(&[], &asked, Denials::ONE);
        for roles in &person {
            let mut with = people.clone();
            with.push(roles.clone());
            if quorum.is_met(&with) && !quorum.is_met(&people) {
                prop_assert!(quorum.advances(&people, roles));
            }
        }
    }
}

//! Registered users: the same requests against registries from ten users to a million.

use std::hint::black_box;
use std::sync::Arc;

use comity::decision::engine::Engine;
use comity::decision_log::LogIndex;
use comity::domain::document::Document;
use comity::domain::outcome::Outcome;
use comity::domain::registry::DocumentKind;
use comity::domain::request::InterSystemRequest;
use comity::domain::user::User;
use comity::store::event::DocumentChange;
use comity::store::event::Event;
use comity::store::event::EventBody;

use crate::measure;
use crate::measure::Figure;
use crate::measure::Random;
use crate::measure::Side;
use crate::measure::Turns;
use crate::world;
use crate::world::World;

const SIZES: [usize; 4] = [10, 1_000, 100_000, 1_000_000];
const CHUNK: usize = 1_000;
const TURNS: Turns = Turns {
    count: 400,
    calls: 10,
};

/// The sizes that are compared; where nothing is measured, the smaller ones.
fn sizes() -> &'static [usize] {
    if measure::is_measuring() {
        &SIZES
    } else {
        &SIZES[..2]
    }
}

/// How the number of users tells on a decision, and what memory a user takes.
pub(crate) fn run(engine: &Engine) {
    let mut worlds = Vec::new();
    // The largest comes first: its memory is not taken from what others gave back.
    for size in sizes().iter().copied().rev() {
        let before = measure::resident();
        let began = std::time::Instant::now();
        let world = registry(size);
        let took = began.elapsed();
        let grown = measure::resident()
            .zip(before)
            .map(|(after, before)| after.saturating_sub(before));
        if worlds.is_empty() {
            match grown {
                Some(bytes) => println!(
                    "\n{size} registered users: {} bytes of resident memory each, filled in {:.1} s",
                    bytes / size as u64,
                    took.as_secs_f64()
                ),
                None => println!("\nresident memory is not known on this system"),
            }
        }
        worlds.push((size, world));
    }
    worlds.reverse();
    let outbound = compare(engine, &worlds, |random, size| {
        let requester = identity(random.below(size));
        world::outbound_membership(&requester, &identity(random.below(size)))
    });
    measure::print(
        "Registered users: an outbound addition, requester and member drawn uniformly",
        &outbound,
    );
    let consent = compare(engine, &worlds, |random, size| {
        world::home_consent(&identity(random.below(size)))
    });
    measure::print(
        "Registered users: a home consent, the user drawn uniformly",
        &consent,
    );
}

fn compare(
    engine: &Engine,
    worlds: &[(usize, World)],
    request: impl Fn(&mut Random, usize) -> InterSystemRequest,
) -> Vec<Figure> {
    let sides = worlds.iter().map(|(size, world)| {
        let mut random = Random::new(*size as u64);
        let requests: Vec<_> = (0..TURNS.or_few().calls_of_each())
            .map(|_| request(&mut random, *size))
            .collect();
        for request in requests.iter().take(100) {
            let decided = world.decide(engine, request);
            assert!(
                decided.iter().all(|item| item.outcome == Outcome::Accept),
                "{decided:?}"
            );
        }
        let mut requests = requests.into_iter();
        Side::new(format!("{size} users"), move || {
            let request = requests.next().unwrap();
            black_box(world.decide(engine, black_box(&request)));
            // Freeing a request is no part of a decision, and as dear on every side.
            drop(request);
        })
    });
    measure::interleave(sides.collect(), TURNS.or_few())
}

/// The Dutch registry with so many users more, each as much as an officer of the example.
fn registry(size: usize) -> World {
    let mut world = World::example("nl");
    let officer = world::documents("nl")
        .into_iter()
        .find_map(|document| match document {
            Document::User(user) if user.id.as_str() == "officer-114" => Some(user),
            Document::User(_)
            | Document::System(_)
            | Document::Agreement(_)
            | Document::Group(_)
            | Document::MigratedProfile(_)
            | Document::Link(_)
            | Document::UeConfiguration(_)
            | Document::Migration(_)
            | Document::OpenDeletion(_)
            | Document::AreaMap(_)
            | Document::PartnerKeys(_)
            | Document::AccessGrant(_)
            | Document::ResponseSettings(_)
            | Document::HomeRefusal(_)
            | Document::Membership(_)
            | Document::MigrationUser(_)
            | Document::ScheduledChange(_)
            | Document::SharedGroup(_)
            | Document::GroupOverride(_) => None,
        });
    let mut officer = officer.unwrap();
    officer.acm_operations = ["group-membership-update"]
        .map(|word| serde_json::from_value(serde_json::json!(word)).unwrap())
        .into();
    // Users are registered in no order that the keys have.
    let mut numbers: Vec<usize> = (0..size).collect();
    let mut random = Random::new(size as u64);
    for last in (1..size).rev() {
        numbers.swap(last, random.below(last + 1));
    }
    for (index, chunk) in (1..).zip(numbers.chunks(CHUNK)) {
        let changes = chunk.iter().map(|number| {
            let document = Document::User(user(&officer, *number));
            DocumentChange::Put(document.key().unwrap(), Arc::new(document))
        });
        let body = EventBody::DocumentsWritten {
            changes: changes.collect(),
            actor: None,
        };
        let event = Event::new(world::now(), body);
        world.state.apply(&event, LogIndex(index));
    }
    assert!(world.state.count(DocumentKind::User) > size);
    world
}

fn user(officer: &User, number: usize) -> User {
    let mut user = officer.clone();
    user.id = format!("user-{number}").parse().unwrap();
    user.identities.mcptt = Some(identity(number).parse().unwrap());
    user.identities.mcvideo = Some(format!("sip:video.{number}@mc.nl.example").parse().unwrap());
    user.identities.mcdata = Some(format!("sip:data.{number}@mc.nl.example").parse().unwrap());
    user
}

fn identity(number: usize) -> String {
    format!("sip:user.{number}@mc.nl.example")
}

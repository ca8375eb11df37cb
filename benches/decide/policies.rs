//! Policies: the whole path against bare Cedar, and the policies of other partners.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::sync::Arc;

use cedar_policy::Decision;
use cedar_policy::Entities;
use cedar_policy::Entity;
use cedar_policy::EntityUid;
use cedar_policy::Request;
use comity::decision::decide::decide_items;
use comity::decision::engine::Engine;
use comity::decision::facts::gather;
use comity::decision::query::Prepared;
use comity::decision::query::Query;
use comity::domain::outcome::Outcome;
use comity::domain::request::InterSystemRequest;
use comity::policy::source::BundleSource;
use serde_json::Value;

use crate::bare::Bare;
use crate::measure;
use crate::measure::Side;
use crate::measure::Turns;
use crate::world;
use crate::world::World;

const POLICE_GROUP: &str = "sip:unfall-07@mc.de.example";
const FIRE_GROUP: &str = "sip:loeschzug-3@mc.de.example";
const OTHERS: [usize; 4] = [12, 100, 1_000, 10_000];
const TURNS: Turns = Turns {
    count: 400,
    calls: 10,
};
/// Bare Cedar takes milliseconds a call among thousands of policies.
const FEW_TURNS: Turns = Turns {
    count: 40,
    calls: 2,
};

/// The whole path against bare Cedar, with the same policies.
pub(crate) fn against_bare(world: &World, shipped: &Engine) {
    let twelve = [
        "ceiling/agreement.cedar",
        "ceiling/exchange.cedar",
        "review/group-membership.cedar",
    ];
    let files = world::shipped().files().clone().into_iter();
    let files = files.filter(|(path, _)| twelve.contains(&path.as_str()));
    let twelve = world::engine(world::SMALL_MANIFEST, files);
    let held = world::inbound_membership(None, POLICE_GROUP);
    let granted = world::inbound_membership(Some("fire.nl.example"), FIRE_GROUP);
    for (engine, request, outcome, group) in [
        (&twelve, &held, Outcome::Review, POLICE_GROUP),
        (shipped, &held, Outcome::Review, POLICE_GROUP),
        (shipped, &granted, Outcome::Accept, FIRE_GROUP),
    ] {
        let bare = Bare::new(engine, group);
        assert_same(world, engine, &bare, request, outcome);
        let figures = measure::interleave(
            vec![
                Side::new(
                    "bare Cedar: the same entities and request, `is_authorized` on the whole set",
                    || {
                        black_box(bare.ask(black_box(request)));
                    },
                ),
                Side::new("whole path: gather, prepare, decide", || {
                    black_box(world.decide(engine, black_box(request)));
                }),
                Side::new("of bare Cedar: building entities and request", || {
                    black_box(bare.build(black_box(request)));
                }),
                Side::new("of the whole path: gather", || {
                    black_box(gather(
                        &world.local,
                        black_box(request),
                        &world.state,
                        world::now(),
                    ));
                }),
                Side::new("of the whole path: gather and prepare", || {
                    let (facts, _) =
                        gather(&world.local, black_box(request), &world.state, world::now());
                    black_box(Prepared::new(
                        engine.bundle(),
                        request,
                        &facts,
                        world::now(),
                    ));
                }),
                Side::new(
                    "of the whole path: all but evaluating and answering",
                    || {
                        let (facts, _) =
                            gather(&world.local, black_box(request), &world.state, world::now());
                        let prepared =
                            Prepared::new(engine.bundle(), request, &facts, world::now());
                        black_box(prepared.queries(0..1));
                    },
                ),
            ],
            TURNS.or_few(),
        );
        let policies = engine.bundle().policies().len();
        measure::print(
            &format!("Against bare Cedar: {policies} policies, one member, {outcome}"),
            &figures,
        );
    }
}

/// Both sides ask the same of the same entities, and decide the same thing for the same reasons.
fn assert_same(
    world: &World,
    engine: &Engine,
    bare: &Bare,
    request: &InterSystemRequest,
    outcome: Outcome,
) {
    let response = bare.ask(request);
    assert_eq!(response.decision(), Decision::Allow);
    assert_eq!(response.diagnostics().errors().count(), 0);
    let reasons: BTreeSet<String> = response
        .diagnostics()
        .reason()
        .map(ToString::to_string)
        .collect();
    let (facts, _) = gather(&world.local, request, &world.state, world::now());
    let prepared = Prepared::new(engine.bundle(), request, &facts, world::now());
    let asked = prepared.queries(0..1);
    let (_, Query::Ask(query)) = &asked.queries[0] else {
        panic!("nothing is asked: {asked:?}");
    };
    let (built, entities) = bare.build(request);
    assert_eq!(
        without_actions(entities),
        without_actions(asked.entities.clone())
    );
    assert_eq!(context(&built), context(query));
    let decided = decide_items(engine, &prepared, 0..1);
    assert_eq!(decided[0].outcome, outcome, "{decided:?}");
    let determining: BTreeSet<String> =
        decided[0].policies.iter().map(|it| it.id.clone()).collect();
    assert!(
        determining.is_subset(&reasons) && !determining.is_empty(),
        "{determining:?} {reasons:?}"
    );
}

/// The service begins with the action that is asked for, bare Cedar with all of the schema.
fn without_actions(entities: Entities) -> Entities {
    let actions = |uid: &EntityUid| uid.type_name().basename() == "Action";
    let named: Vec<EntityUid> = entities.iter().map(Entity::uid).filter(actions).collect();
    entities.remove_entities(named).unwrap()
}

fn context(request: &Request) -> Value {
    request.context().unwrap().to_json_value().unwrap()
}

/// The numbers that are compared; where nothing is measured, the smaller ones.
fn others() -> &'static [usize] {
    if measure::is_measuring() {
        &OTHERS
    } else {
        &OTHERS[..2]
    }
}

/// Further policies whose principals are users of other partners.
pub(crate) fn of_other_partners(world: &World) {
    let others = others();
    let engines: Vec<Engine> = others
        .iter()
        .copied()
        .map(|count| Engine::new(Arc::new(world::compile(&with_others(count)))))
        .collect();
    let request = world::inbound_membership(None, POLICE_GROUP);
    let bare: Vec<Bare> = engines
        .iter()
        .map(|engine| Bare::new(engine, POLICE_GROUP))
        .collect();
    for (engine, bare) in engines.iter().zip(&bare) {
        assert_same(world, engine, bare, &request, Outcome::Review);
    }
    let sides = others.iter().zip(&engines).map(|(count, engine)| {
        Side::new(format!("{count} policies of other partners"), || {
            black_box(world.decide(engine, black_box(&request)));
        })
    });
    let figures = measure::interleave(sides.collect(), TURNS.or_few());
    measure::print("Policies of other partners: the whole path", &figures);
    let sides = others.iter().zip(&bare).map(|(count, bare)| {
        Side::new(format!("{count} policies of other partners"), || {
            black_box(bare.ask(black_box(&request)));
        })
    });
    let figures = measure::interleave(sides.collect(), FEW_TURNS.or_few());
    measure::print("Policies of other partners: bare Cedar", &figures);
}

/// Permits and forbids by turns, each for a partner of its own.
/// The shipped policies, and so many of other partners.
pub(crate) fn with_others(count: usize) -> BundleSource {
    let shipped = world::shipped();
    let mut files = shipped.files().clone();
    files.insert(
        "others.cedar".to_owned(),
        (0..count).map(of_partner).collect(),
    );
    BundleSource::from_texts(
        shipped.manifest(),
        "mcx.cedarschema",
        shipped.schema(),
        files,
    )
}

fn of_partner(number: usize) -> String {
    let (annotations, effect) = if number.is_multiple_of(2) {
        (
            "@category(\"other.partner\") @response(\"automatic\")",
            "permit",
        )
    } else {
        ("@category(\"ceiling.other-partner\")", "forbid")
    };
    format!(
        "@id(\"other.p{number}\") {annotations}\n\
         {effect} (\n  principal in MCX::System::\"p{number}.example\",\n  \
         action == MCX::Action::\"addGroupMember\",\n  resource\n)\n\
         when {{ context.direction == \"inbound\" && context.member_count > {} }};\n",
        number % 7
    )
}

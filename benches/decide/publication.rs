//! A change of policies: from texts that were read to an engine that can be asked.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use cedar_policy::PolicySet;
use cedar_policy::Schema;
use cedar_policy::ValidationMode;
use cedar_policy::Validator;
use comity::decision::engine::Engine;
use comity::policy::source::BundleSource;

use crate::measure;
use crate::measure::Side;
use crate::measure::Turns;
use crate::policies::with_others;
use crate::world;

const OTHERS: [usize; 3] = [0, 1_000, 10_000];
const TURNS: Turns = Turns { count: 7, calls: 1 };

/// Compiling a bundle and making an engine of it, against Cedar's parser and validator alone.
pub(crate) fn run() {
    let others = if measure::is_measuring() {
        &OTHERS[..]
    } else {
        &OTHERS[..1]
    };
    for count in others {
        let source = with_others(*count);
        let engine = Engine::new(Arc::new(world::compile(&source)));
        let policies = engine.bundle().policies().len();
        let figures = measure::interleave(
            vec![
                Side::new("bare Cedar: parse and validate strictly", || {
                    bare(black_box(&source));
                }),
                Side::new(
                    "compile: names, annotations, all rules, strict validation",
                    || {
                        black_box(world::compile(black_box(&source)));
                    },
                ),
                Side::new("make one engine", || {
                    black_box(engine.replicate());
                }),
            ],
            TURNS.or_few(),
        );
        measure::print(
            &format!("A change of policies: {policies} policies"),
            &figures,
        );
    }
}

fn bare(source: &BundleSource) {
    let (schema, _) = Schema::from_cedarschema_str(source.schema()).unwrap();
    let texts: String = source
        .files()
        .iter()
        .filter(|(path, _)| Path::new(path).extension().is_some_and(|it| it == "cedar"))
        .map(|(_, text)| text.as_str())
        .collect();
    let policies: PolicySet = texts.parse().unwrap();
    let result = Validator::new(schema).validate_with_level(&policies, ValidationMode::Strict, 1);
    assert!(result.validation_passed());
}

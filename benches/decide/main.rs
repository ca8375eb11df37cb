//! What a decision costs, in ratios of medians that are measured in turns within one run.
//!
//! `docs/benchmarks.md` says what each table means. Nothing here passes or fails by a time; what is compared
//! has to decide alike, though, and that is asserted.

#![cfg(test)]
#![expect(clippy::print_stdout, reason = "the tables are what it is run for")]

mod bare;
mod measure;
mod policies;
mod publication;
mod users;
mod world;

fn main() {
    let source = world::shipped();
    let shipped = world::engine(source.manifest(), source.files().clone());
    let world = world::World::example("de");
    policies::against_bare(&world, &shipped);
    policies::of_other_partners(&world);
    publication::run();
    // The Dutch registry is decided on by the same bundle.
    users::run(&shipped);
}

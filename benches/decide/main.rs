//! What a decision costs, in ratios of medians that are measured in turns within one run.
//!
//! `docs/benchmarks.md` says what each table means. Nothing here passes or fails by a time; what is compared
//! has to decide alike, though, and that is asserted.

#![cfg(test)]
#![expect(
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "a benchmark prints its tables, and its counts are far below what a float loses"
)]

mod bare;
mod measure;
mod policies;
mod users;
mod world;

fn main() {
    let shipped = world::engine(world::shipped().files().clone());
    let world = world::World::example("de");
    policies::against_bare(&world, &shipped);
    policies::of_other_partners(&world);
    // The Dutch registry is decided on by the same bundle.
    users::run(&shipped);
}

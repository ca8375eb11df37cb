//! The front door: a whole service over real HTTP, and the command line as a process.

mod bad_input;
mod check_command;
mod cli;
mod clock;
mod configurations;
mod consent;
mod cooperation;
mod decide_again;
mod deletions;
mod disclosure;
mod eval_command;
mod group_settings;
mod idempotency;
mod identities;
mod lifecycle;
mod limits;
mod migration_list;
mod migration_operations;
mod migrations;
mod mirror;
mod outward;
mod policies;
mod process;
mod pushes;
mod registry;
mod registry_transfer;
mod reports;
mod requests;
mod responses;
mod reviews;
mod scenarios;
mod support;
mod suspension;
mod test_command;
mod unauthorized;

pub(crate) use support::copy_tree;

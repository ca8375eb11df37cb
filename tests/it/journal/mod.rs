//! The journal under use, faults, power cuts and damage.

#![cfg(test)]

mod damage;
mod faults;
mod model;
mod power;
mod process;
mod refusals;
mod spare;
mod support;
mod usage;

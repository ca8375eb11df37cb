//! Scenarios: requests over registries as data, and what must come out of them.
//!
//! The format is in `docs/scenarios.md`. `comity test` and the product's own tests read and run the same files.

pub mod compare;
pub mod coverage;
pub mod error;
pub mod junit;
mod patch;
pub mod read;
mod reader;
pub mod registry;
mod request;
pub mod suite;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::decision::decide::ItemDecision;
use crate::decision::decide::decide;
use crate::decision::engine::Engine;
use crate::decision::facts::Facts;
use crate::decision::reason::ReasonCode;
use crate::domain::outcome::Outcome;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::workbench::scenario::registry::ScenarioRegistry;

/// Categories that an officer has switched, with their responses.
pub type Responses = BTreeMap<String, String>;

/// A registry, a request, a moment, and what must come out.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The path below the directory that was read, without its extension.
    pub name: String,
    /// The file.
    pub file: PathBuf,
    /// What it shows, in a sentence.
    pub about: String,
    /// The system that decides, and what it knows.
    pub registry: ScenarioRegistry,
    /// The request as it is decided: pushed configuration is sealed.
    pub request: InterSystemRequest,
    /// The same as it would be posted; absent where no front-end could post it.
    pub posted: Option<Value>,
    /// When it is decided.
    pub now: Timestamp,
    /// Categories that are switched.
    pub responses: Responses,
    /// What must come out, item by item.
    pub expect: Vec<Expected>,
    /// What must be chosen among the systems to which the user might migrate, if it matters.
    pub selection: Option<Value>,
    /// The same request as it was submitted, when it was held; the scenario is then what its approval comes to.
    pub before: Option<Box<Scenario>>,
}

/// What must come out for the next item, or for so many.
#[derive(Clone, Debug)]
pub struct Expected {
    /// For how many items.
    pub items: usize,
    /// Accept, reject or review.
    pub outcome: Outcome,
    /// Why, in one word.
    pub reason: ReasonCode,
    /// The determining policies, in any order.
    pub policies: BTreeSet<String>,
    /// The categories of the permits that apply, if they matter.
    pub categories: Option<BTreeSet<String>>,
    /// The names of the obligations, if they matter.
    pub obligations: Option<BTreeSet<String>>,
    /// Members of the item's decision that must be exactly so.
    pub also: BTreeMap<String, Value>,
}

impl Scenario {
    /// Decides the request.
    pub fn decide(&self, engine: &Engine) -> Vec<ItemDecision> {
        decide(engine, &self.request, &self.facts(), self.now)
    }

    /// The scenario, and what came before it.
    pub fn decisions(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |scenario| scenario.before.as_deref())
    }

    /// What is known when it is decided.
    pub fn facts(&self) -> Facts {
        self.registry.gather(&self.request, self.now).0
    }

    /// What is expected of each item.
    pub fn expected(&self) -> impl Iterator<Item = &Expected> {
        self.expect
            .iter()
            .flat_map(|expected| std::iter::repeat_n(expected, expected.items))
    }
}

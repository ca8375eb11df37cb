//! What was asked of the service, and what it said to it.

use serde_json::Value;

use super::world::Shape;

/// A kind of transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Submission,
    Answer,
    Withdrawal,
    Revocation,
    Report,
    Obligation,
    Acknowledgement,
}

impl Kind {
    pub(super) const ALL: [Self; 7] = [
        Self::Submission,
        Self::Answer,
        Self::Withdrawal,
        Self::Revocation,
        Self::Report,
        Self::Obligation,
        Self::Acknowledgement,
    ];

    /// What a request tells of transitions of this kind.
    pub(super) fn told(self, request: &Value) -> Vec<&Value> {
        let member = match self {
            Self::Answer => "responses",
            Self::Withdrawal => "withdrawals",
            Self::Revocation => "revocations",
            Self::Report => "reports",
            Self::Submission | Self::Obligation | Self::Acknowledgement => return Vec::new(),
        };
        request[member].as_array().into_iter().flatten().collect()
    }

    /// By what an operation is known again where it is told of.
    pub(super) fn tags(self, request: &Value) -> Vec<String> {
        let told = |pointer: &str| {
            let all = self.told(request).into_iter();
            let tags = all.map(|told| told[pointer].as_str().unwrap().to_owned());
            tags.collect()
        };
        match self {
            Self::Answer | Self::Withdrawal | Self::Revocation => told("reason"),
            Self::Report => told("report"),
            Self::Obligation => {
                let all = request["obligations"].as_array().into_iter().flatten();
                let tags = all.filter_map(|it| it["reported"]["detail"].as_str());
                tags.map(str::to_owned).collect()
            }
            Self::Submission | Self::Acknowledgement => Vec::new(),
        }
    }
}

/// What the service said to an operation.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    /// It is done; the answer.
    Done(Value),
    /// It is not, and has left nothing behind.
    Refused(String),
    /// Nothing: whether it is done is not known.
    Nothing,
}

/// One call that changes a request.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) kind: Kind,
    /// The request, by its place among all.
    pub(super) request: usize,
    pub(super) path: String,
    pub(super) body: Value,
    /// By what it is known again.
    pub(super) tag: String,
    pub(super) said: Said,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) key: String,
    pub(super) shape: Shape,
    pub(super) body: Value,
    /// The answer to its submission, if one came.
    pub(super) answer: Option<Value>,
    /// Every later answer that showed it, in the order in which they came.
    pub(super) shown: Vec<Value>,
}

/// All of it, over the life of a data directory.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    pub(super) requests: Vec<Asked>,
    pub(super) operations: Vec<Operation>,
    /// How often the service was killed.
    pub(super) kills: usize,
}

impl Ledger {
    /// The operations of a kind on a request.
    pub(super) fn of(&self, kind: Kind, request: usize) -> impl Iterator<Item = &Operation> {
        let operations = self.operations.iter();
        operations.filter(move |it| it.kind == kind && it.request == request)
    }
}

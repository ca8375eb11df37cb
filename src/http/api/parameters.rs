//! The parameters of an address that reads them by name: each at most once, and no others.

use std::str::FromStr;

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;

use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;

/// What stands behind the question mark, as it is extracted.
pub(super) type Asked = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// Parameters by name.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The parameters, of which these are known.
    pub(super) fn read(asked: Asked, known: &[&str]) -> Result<Self, Problem> {
        let Query(given) = asked.map_err(|rejection| {
            Problem::new(ProblemKind::InvalidRequest, rejection.body_text())
        })?;
        for (number, (name, _)) in given.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let detail = format!("this address knows `{}` alone", known.join("`, `"));
                return Err(invalid(name, detail));
            }
            if given
                .iter()
                .take(number)
                .any(|(earlier, _)| earlier == name)
            {
                return Err(invalid(name, "it is given twice".to_owned()));
            }
        }
        Ok(Self(given))
    }

    /// One of them, if it is given.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut given = self.0.iter();
        let found = given.find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    /// One of them, read.
    pub(super) fn parsed<T: FromStr<Err: ToString>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Problem> {
        let read = self.get(name).map(str::parse::<T>).transpose();
        read.map_err(|error| invalid(name, error.to_string()))
    }
}

/// What is wrong with a parameter.
pub(super) fn invalid(name: &str, detail: String) -> Problem {
    Problem::new(ProblemKind::InvalidRequest, detail).at_parameter(name)
}

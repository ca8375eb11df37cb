//! Callers, and the list by which they are known.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::token::Token;
use super::token::TokenHash;
use crate::domain::time::Timestamp;

/// The name of whoever holds the operator token of the data directory.
pub const LOCAL_OPERATOR: &str = "local-operator";

/// The role of whoever holds that token.
pub const OPERATOR_ROLE: &str = "operator";

/// The name of the service itself, for what it does on its own.
pub const ITSELF: &str = "comity";

/// Names that no list of callers gives away.
pub const RESERVED_NAMES: [&str; 2] = [LOCAL_OPERATOR, ITSELF];

/// Someone who proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Their name in the list of callers.
    pub name: String,
    /// What they are here for; the access bundle says what that allows.
    pub roles: BTreeSet<String>,
}

impl Caller {
    /// A caller with roles.
    pub fn new<'a>(name: &str, roles: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            name: name.to_owned(),
            roles: roles.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// One entry of the list of callers; the token itself is nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallerEntry {
    /// The caller's name.
    pub name: String,
    /// The caller's roles.
    pub roles: BTreeSet<String>,
    /// The SHA-256 hash of the caller's token.
    pub token_sha256: TokenHash,
    /// The first moment at which the token is no longer good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,
}

/// The list of callers, as a TOML file with one `[[caller]]` each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallerList {
    /// The entries.
    #[serde(default, rename = "caller")]
    pub callers: Vec<CallerEntry>,
}

impl CallerList {
    /// The caller to whom a token belongs; every entry is compared, in constant time.
    pub fn authenticate(&self, token: &Token, now: Timestamp) -> Option<Caller> {
        let hash = token.hash();
        let mut found = None;
        for entry in &self.callers {
            let is_good = entry.not_after.is_none_or(|not_after| now < not_after);
            if entry.token_sha256.matches(&hash) && is_good {
                found = Some(Caller {
                    name: entry.name.clone(),
                    roles: entry.roles.clone(),
                });
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::CallerEntry;
    use super::CallerList;
    use crate::domain::time::Timestamp;
    use crate::identity::token::Token;

    #[test]
    fn a_token_is_good_until_it_ends() {
        let token = Token::from_random([3; 32]);
        let list = CallerList {
            callers: vec![CallerEntry {
                name: "acms".to_owned(),
                roles: ["acms".to_owned()].into(),
                token_sha256: token.hash(),
                not_after: Some(Timestamp::from_milliseconds(1_000)),
            }],
        };
        let before = Timestamp::from_milliseconds(999);
        assert_eq!(list.authenticate(&token, before).unwrap().name, "acms");
        assert_eq!(
            list.authenticate(&token, Timestamp::from_milliseconds(1_000)),
            None
        );
        assert_eq!(
            list.authenticate(&Token::from_random([4; 32]), before),
            None
        );
        let text = toml::to_string(&list).unwrap();
        assert_eq!(toml::from_str::<CallerList>(&text).unwrap(), list);
        assert!(!text.contains(token.reveal()));
    }
}

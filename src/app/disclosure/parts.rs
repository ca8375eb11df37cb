//! How a disclosure is recorded, and read back from the record.

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

use crate::app::error::AppError;
use crate::app::requests::record_parts;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::domain::disclosure::DisclosedGroup;
use crate::domain::disclosure::DisclosedSecurity;
use crate::domain::disclosure::DisclosedUser;
use crate::domain::identity::GroupId;
use crate::domain::time::Timestamp;
use crate::store::command::RequestId;
use crate::store::embedded::StoredEntry;

const SALT_BYTES: usize = 16;

/// What a partner is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct View {
    /// Random, so that the digest in the record tells nobody what was told who does not know it.
    salt: String,
    /// Users who may have to do with the partner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<DisclosedUser>>,
    /// Groups in which the partner may have members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<DisclosedGroup>>,
    /// Our security domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_level: Option<DisclosedSecurity>,
    /// Whether that is all; else there are more than one answer tells, and certain groups can be asked about.
    pub complete: bool,
}

/// One disclosure of a request: at its submission, or with an approval.
#[derive(Clone, Debug, Serialize)]
pub struct DisclosureAnswer {
    /// The entry of the log that records it.
    pub record: u64,
    /// When.
    pub disclosed_at: Timestamp,
    /// SHA-256 of the view as it was told.
    pub digest: String,
    /// How many users were told of; absent if none were granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_count: Option<usize>,
    /// How many groups were told of; absent if none were granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_count: Option<usize>,
    /// The view, without what was erased since; absent for callers who may not read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
}

/// The part of a record that names nobody.
#[derive(Serialize, Deserialize)]
#[serde(tag = "part", rename = "disclosure")]
struct DisclosurePart {
    digest: String,
    user_count: Option<usize>,
    disclosed_groups: Option<Vec<GroupId>>,
    complete: bool,
}

/// What was told that is about nobody in particular; it can be erased with the rest.
#[derive(Serialize, Deserialize)]
#[serde(tag = "part", rename = "disclosed")]
struct DisclosedPart {
    disclosure_salt: String,
    groups: Option<Vec<DisclosedGroup>>,
    security_level: Option<DisclosedSecurity>,
}

/// What was told of one user.
#[derive(Serialize, Deserialize)]
#[serde(tag = "part", rename = "disclosed-user")]
struct DisclosedUserPart {
    disclosed_user: DisclosedUser,
}

impl View {
    pub(super) fn new() -> Result<Self, AppError> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|error| AppError::Broken(Box::new(error)))?;
        Ok(Self {
            salt: HEXLOWER.encode(&salt),
            users: None,
            groups: None,
            security_level: None,
            complete: true,
        })
    }
}

/// A view as parts of a record.
pub(super) fn recorded(id: RequestId, view: &View) -> Result<Vec<RecordPart>, AppError> {
    let digest = Sha256::digest(bytes(view)?);
    let groups = view.groups.as_ref();
    let mut parts = vec![
        RecordPart {
            class: PartClass::State,
            body: bytes(&DisclosurePart {
                digest: format!("sha256:{}", HEXLOWER.encode(&digest)),
                user_count: view.users.as_ref().map(Vec::len),
                disclosed_groups: groups
                    .map(|groups| groups.iter().map(|it| it.group.clone()).collect()),
                complete: view.complete,
            })?,
        },
        RecordPart {
            class: PartClass::Personal(format!("disclosures/{id}")),
            body: bytes(&DisclosedPart {
                disclosure_salt: view.salt.clone(),
                groups: view.groups.clone(),
                security_level: view.security_level.clone(),
            })?,
        },
    ];
    for user in view.users.iter().flatten() {
        let subject = user.identities.first().map(ToString::to_string);
        parts.push(RecordPart {
            class: PartClass::Personal(subject.unwrap_or_default()),
            body: bytes(&DisclosedUserPart {
                disclosed_user: user.clone(),
            })?,
        });
    }
    Ok(parts)
}

/// What an entry disclosed, if it did.
pub(in crate::app) fn told(stored: &StoredEntry) -> Option<DisclosureAnswer> {
    let parts = record_parts(stored);
    let part: DisclosurePart = first(&parts)?;
    let common: Option<DisclosedPart> = first(&parts);
    let users = parts.iter().filter_map(|part| {
        let part: DisclosedUserPart = serde_json::from_slice(&part.body).ok()?;
        Some(part.disclosed_user)
    });
    let view = common.map(|common| View {
        salt: common.disclosure_salt,
        users: part.user_count.map(|_| users.collect()),
        groups: common.groups,
        security_level: common.security_level,
        complete: part.complete,
    });
    Some(DisclosureAnswer {
        record: stored.index.0,
        disclosed_at: stored.event.at,
        digest: part.digest,
        user_count: part.user_count,
        group_count: part.disclosed_groups.map(|groups| groups.len()),
        view,
    })
}

fn first<'a, T: Deserialize<'a>>(parts: &'a [RecordPart]) -> Option<T> {
    let mut parts = parts.iter();
    parts.find_map(|part| serde_json::from_slice(&part.body).ok())
}

fn bytes(value: &impl Serialize) -> Result<Vec<u8>, AppError> {
    serde_json::to_vec(value).map_err(|error| AppError::Broken(Box::new(error)))
}

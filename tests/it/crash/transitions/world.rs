//! What the service decides by, and who calls it: few policies, so that each kind of request comes out in its own way.

use std::fs;

use reqwest::Client;
use reqwest::Method;
use reqwest::RequestBuilder;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;

use crate::crash::home::Home;
use crate::crash::receiver::Receiver;
use crate::crash::service::Service;

pub(super) const REVIEWERS: usize = 3;

/// How requests come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One person decides.
    One,
    /// One of each of two groups decides.
    Two,
    /// One person decides, and has a second for it.
    Short,
    /// It is granted at once.
    Automatic,
    /// It is refused at once.
    Refused,
    /// A partner is asked.
    Outbound,
}

impl Shape {
    /// In which state its items begin.
    pub(super) fn begins(self) -> &'static str {
        match self {
            Self::One | Self::Two | Self::Short => "pending",
            Self::Automatic => "granted",
            Self::Refused => "refused",
            Self::Outbound => "cleared",
        }
    }

    fn urgency(self) -> &'static str {
        match self {
            Self::One | Self::Automatic | Self::Outbound => "normal",
            Self::Two => "high",
            Self::Short => "low",
            Self::Refused => "critical",
        }
    }

    fn items(self, number: u64) -> u64 {
        match self {
            Self::Automatic => 3,
            Self::One | Self::Two | Self::Short | Self::Refused | Self::Outbound => 1 + number % 2,
        }
    }

    /// One of a row of requests.
    pub(super) fn request(self, number: u64) -> Value {
        let mut request = crate::crash::requests::request(2);
        let own = if self == Self::Outbound { "de" } else { "nl" };
        let member = |item: u64| format!("sip:officer.{number}.{item}@mc.{own}.example");
        request["members"] = (0..self.items(number)).map(member).collect();
        request["urgency"] = json!(self.urgency());
        request["correlation_id"] = json!(format!("{own}-2026-{number:09}"));
        if self == Self::Outbound {
            request["direction"] = json!("outbound");
            request.as_object_mut().unwrap().remove("peer");
            request["requesting_system"] = json!("mc.de.example");
            request["receiving_system"] = json!("mc.nl.example");
            request["requester"] = json!({ "mc_service_id": "sip:dispatch.1@mc.de.example" });
            request["target"] = json!({ "mc_service_id": "sip:control.3@mc.nl.example" });
            request["group"] = json!("sip:grensteam-1@mc.nl.example");
        }
        request
    }
}

const POLICIES: &str = r#"
@id("model.permit")
@category("model.permit")
@response("manual-review")
@obligation("update-group-membership by resource-home GMS")
@reason("It may.")
permit (principal, action == MCX::Action::"addGroupMember", resource);

@id("model.automatic")
@category("model.automatic")
@response("automatic")
@obligation("update-group-membership by resource-home GMS")
@reason("It may at once.")
permit (principal, action == MCX::Action::"addGroupMember", resource)
when { context.direction == "outbound" || context.member_count == 3 };

@id("model.two")
@category("review.model")
@response("manual-review")
@approvals("duty-officer:1, security-officer:1")
@reason("Two decide.")
forbid (principal, action == MCX::Action::"addGroupMember", resource)
when { context.urgency == "high" };

@id("model.short")
@category("review.model")
@response("manual-review")
@expires("PT1S")
@reason("There is little time.")
forbid (principal, action == MCX::Action::"addGroupMember", resource)
when { context.urgency == "low" };

@id("model.refused")
@category("ceiling.model")
@reason("Nobody.")
forbid (principal, action == MCX::Action::"addGroupMember", resource)
when { context.urgency == "critical" };
"#;

const MANIFEST: &str = "name = \"model\"\nschema = \"../schemas/mcx.cedarschema\"\nlevel = 1\n\
                        default_expiry = \"PT6H\"\n\n# end\n";

/// Few requests that have ended stay in memory, so that they are put away in the midst of it.
const SETTINGS: &str = "callers = \"callers.toml\"\nended_requests_max = 25\n";

/// Someone who calls the service.
#[derive(Clone, Debug)]
pub(super) struct Account {
    client: Client,
    url: String,
    token: String,
}

impl Account {
    pub(super) fn call(&self, method: Method, path: &str) -> RequestBuilder {
        let call = self.client.request(method, format!("{}{path}", self.url));
        call.bearer_auth(&self.token)
    }

    /// Reads a resource that must be there.
    pub(super) async fn get(&self, path: &str) -> Value {
        let response = self.call(Method::GET, path).send().await.unwrap();
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert!(status.is_success(), "{path}: {status}: {answer}");
        answer
    }
}

/// Those who call a running service.
#[derive(Clone, Debug)]
pub(super) struct Accounts {
    /// Who submits, withdraws, reports and acknowledges.
    pub(super) acms: Account,
    /// Who answers and revokes.
    pub(super) reviewer: Account,
    /// Who sees everything.
    pub(super) operator: Account,
}

impl Accounts {
    pub(super) fn of(service: &Service) -> Self {
        let account = |token: &str| Account {
            client: Client::new(),
            url: service.url.clone(),
            token: token.to_owned(),
        };
        Self {
            acms: account(&token("acms")),
            reviewer: account(&token("reviewer")),
            operator: account(&service.token),
        }
    }
}

/// The token of a caller: that it can be guessed does not matter here.
fn token(name: &str) -> String {
    let bytes = Sha256::digest(name);
    format!("comity_{}", data_encoding::BASE64URL_NOPAD.encode(&bytes))
}

/// A home with these policies and callers, from which the receiver is told what happens.
pub(super) fn home(receiver: &Receiver) -> Home {
    let home = Home::new();
    for folder in ["automatic", "ceiling", "review"] {
        fs::remove_dir_all(home.policies().join(folder)).unwrap();
    }
    fs::write(home.policies().join("bundle.toml"), MANIFEST).unwrap();
    fs::write(home.policies().join("model.cedar"), POLICIES).unwrap();
    let callers = ["acms", "reviewer"].map(|name| {
        let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(token(name)));
        format!("[[caller]]\nname = \"{name}\"\nroles = [\"{name}\"]\ntoken_sha256 = \"{hash}\"\n")
    });
    let file = home.path().join("callers.toml");
    fs::write(&file, callers.concat()).unwrap();
    let settings = SETTINGS.replace("callers.toml", file.to_str().unwrap());
    receiver.configure(&home, &settings);
    home
}

/// Those who answer.
pub(super) async fn import_reviewers(operator: &Account) {
    let roles = [
        json!(["duty-officer"]),
        json!(["security-officer"]),
        json!([]),
    ];
    let users = roles.into_iter().enumerate().map(|(number, roles)| {
        json!({ "kind": "user", "document": {
            "id": format!("reviewer-{number}"), "enabled": true, "roles": roles,
            "identities": { "mcptt": reviewer(number) },
        }})
    });
    let users: Value = users.collect();
    let call = operator.call(Method::POST, "/v1/import").json(&users);
    let imported = call.send().await.unwrap();
    assert!(imported.status().is_success(), "{imported:?}");
}

pub(super) fn reviewer(number: usize) -> String {
    format!("sip:reviewer.{number}@mc.de.example")
}

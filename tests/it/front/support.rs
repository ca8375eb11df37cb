//! A service in this process with a directory of its own, and those who call it.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use comity::app::clock::SystemClock;
use comity::app::clock::WallClock;
use comity::cli::registry::read_documents;
use comity::cli::service::CallerTokens;
use comity::cli::service::Service;
use comity::cli::service::ServiceError;
use comity::cli::service::ServiceSettings;
use comity::domain::wire::WireLimits;
use comity::domain::wire::strict_json;
use comity::http::problem::kind::ProblemKind;
use reqwest::Client;
use reqwest::Method;
use reqwest::RequestBuilder;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

pub(crate) const NL: &str = "mc.nl.example";
pub(crate) const DE: &str = "mc.de.example";
pub(crate) const GROUP: &str = "sip:unfall-07@mc.de.example";
pub(crate) const OFFICER: &str = "sip:officer.114@mc.nl.example";
pub(crate) const REQUESTER: &str = "sip:control.3@mc.nl.example";
pub(crate) const DISPATCHER: &str = "sip:dispatch.1@mc.de.example";
/// The certificate by which the example registry knows the Dutch peer.
pub(crate) const CERTIFICATE: &str =
    "sha256:4239f1615a9775fd52be4942427ebd2b2938cf68e74ab182227851884ed3faf8";

/// Long enough for any machine; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_mins(1);
const GLANCE: Duration = Duration::from_millis(20);

/// Callers by name, each with the role of that name; `nobody` has one that no policy knows.
const CALLERS: [(&str, &str); 8] = [
    ("acms", "acms"),
    ("reviewer", "reviewer"),
    ("auditor", "auditor"),
    ("security-officer", "security-officer"),
    ("configuration-manager", "configuration-manager"),
    ("peer", "peer"),
    ("privacy-officer", "privacy-officer"),
    ("nobody", "unheard-of"),
];

/// A running service with the shipped policies.
pub(crate) struct TestService {
    directory: TempDir,
    settings: ServiceSettings,
    service: Option<Service>,
    tokens: CallerTokens,
    pub(crate) client: Client,
}

impl TestService {
    /// A service with the example registry of Germany.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same, with settings or files changed beforehand.
    pub(crate) async fn start_with(change: impl FnOnce(&mut ServiceSettings)) -> Self {
        let service = Self::start_empty(change).await;
        service.import_examples().await;
        service
    }

    /// The same by another clock.
    pub(crate) async fn start_by(clock: impl WallClock + 'static) -> Self {
        let service = Self::start_empty_by(Box::new(clock), |_| {}).await;
        service.import_examples().await;
        service
    }

    /// The same by another clock, with settings changed beforehand.
    pub(crate) async fn start_with_clock(
        clock: impl WallClock + 'static,
        change: impl FnOnce(&mut ServiceSettings),
    ) -> Self {
        let service = Self::start_empty_by(Box::new(clock), change).await;
        service.import_examples().await;
        service
    }

    /// A service with an empty registry.
    pub(crate) async fn start_empty(change: impl FnOnce(&mut ServiceSettings)) -> Self {
        Self::start_empty_by(Box::new(SystemClock::default()), change).await
    }

    async fn import_examples(&self) {
        let documents = example_documents();
        let imported = self.post("/v1/import", "operator", &documents).await;
        assert_eq!(imported.status, 200, "{}", imported.text);
    }

    /// The same, by a clock of its own.
    pub(crate) async fn start_empty_by(
        clock: Box<dyn WallClock>,
        change: impl FnOnce(&mut ServiceSettings),
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for folder in ["policies", "schemas"] {
            copy_tree(Path::new(folder), &directory.path().join(folder));
        }
        let mut settings = ServiceSettings::local(
            DE.parse().unwrap(),
            directory.path().join("data"),
            directory.path().join("policies"),
        );
        let tokens = settings.make_callers(&CALLERS).unwrap();
        change(&mut settings);
        let service = Service::start_with_clock(settings.clone(), clock)
            .await
            .unwrap_or_else(|error| panic!("{}", chain(&error)));
        Self {
            directory,
            settings,
            service: Some(service),
            tokens,
            client: Client::new(),
        }
    }

    /// Stops the service; what it keeps stays.
    pub(crate) async fn stop(&mut self) {
        self.take().stop().await.unwrap();
    }

    /// The running service itself, to be stopped by whom it is given to.
    pub(crate) fn take(&mut self) -> Service {
        self.service.take().unwrap()
    }

    /// Starts the service again on what it left.
    pub(crate) async fn resume(&mut self) -> Result<(), ServiceError> {
        self.service = Some(Service::start(self.settings.clone()).await?);
        Ok(())
    }

    /// The same, with other settings.
    pub(crate) async fn resume_with(&mut self, change: impl FnOnce(&mut ServiceSettings)) {
        change(&mut self.settings);
        let started = self.resume().await;
        started.unwrap_or_else(|error| panic!("{}", chain(&error)));
    }

    /// The same, by a clock of its own.
    pub(crate) async fn resume_by(&mut self, clock: impl WallClock + 'static) {
        let started = Service::start_with_clock(self.settings.clone(), Box::new(clock)).await;
        self.service = Some(started.unwrap_or_else(|error| panic!("{}", chain(&error))));
    }

    /// Changes the settings for the next start.
    pub(crate) fn change_settings(&mut self, change: impl FnOnce(&mut ServiceSettings)) {
        change(&mut self.settings);
    }

    pub(crate) fn settings(&self) -> &ServiceSettings {
        &self.settings
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A file of the bundle.
    pub(crate) fn policy_file(&self, relative: &str) -> PathBuf {
        self.settings.policies.join(relative)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.service.as_ref().unwrap().address())
    }

    /// A file with the token of a caller, for the command line.
    pub(crate) fn token_file(&self, caller: &str) -> PathBuf {
        let file = self.directory().join(format!("{caller}.token"));
        fs::write(&file, self.token(caller).unwrap()).unwrap();
        file
    }

    fn token(&self, caller: &str) -> Option<String> {
        match caller {
            "without token" => None,
            "wrong token" => Some(format!("comity_{}", "A".repeat(43))),
            "operator" => Some(self.service.as_ref().unwrap().operator_token()),
            named => Some(self.tokens[named].clone()),
        }
    }

    /// A call that can still be changed.
    pub(crate) fn call(&self, method: Method, path: &str, caller: &str) -> RequestBuilder {
        let request = self
            .client
            .request(method, format!("{}{path}", self.url()))
            .timeout(PATIENCE);
        match self.token(caller) {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str, caller: &str) -> Answer {
        send(self.call(Method::GET, path, caller)).await
    }

    pub(crate) async fn post(&self, path: &str, caller: &str, body: &Value) -> Answer {
        send(self.call(Method::POST, path, caller).json(body)).await
    }

    /// Posts a text as it is, for JSON that cannot be written otherwise.
    pub(crate) async fn post_text(&self, path: &str, caller: &str, body: &str) -> Answer {
        let request = self.call(Method::POST, path, caller);
        let request = request.header("content-type", "application/json");
        send(request.body(body.to_owned())).await
    }

    /// Writes a document under a condition.
    pub(crate) async fn put(&self, path: &str, condition: (&str, &str), body: &Value) -> Answer {
        let request = self.call(Method::PUT, path, "operator");
        send(request.header(condition.0, condition.1).json(body)).await
    }

    /// Submits as the ACM server does.
    pub(crate) async fn submit(&self, request: &Value) -> Answer {
        self.post("/v1/requests", "acms", request).await
    }

    /// Submits what is held, and tells its path.
    pub(crate) async fn submit_held(&self, request: &Value) -> String {
        let held = self.submit(request).await;
        assert_eq!(held.status, 202, "{}", held.text);
        format!("/v1/requests/{}", held.body["id"].as_str().unwrap())
    }

    /// Reports what the Dutch system answered about every item that was cleared.
    pub(crate) async fn home_answers(&self, asked: &Answer, outcome: &str) -> Answer {
        let items = asked.body["items"].as_array().unwrap().iter();
        let items = items.filter(|item| item["state"] == "cleared").map(|item| {
            let mut told = json!({ "subject": item["subject"], "outcome": outcome });
            if !item["service"].is_null() {
                told["service"] = item["service"].clone();
            }
            told
        });
        let report = json!({
            "report": "answered",
            "correlation_id": asked.body["correlation_id"],
            "peer": { "system": NL, "certificate": CERTIFICATE },
            "items": items.collect::<Vec<_>>()
        });
        let id = asked.body["id"].as_str().unwrap();
        let path = format!("/v1/requests/{id}/reports");
        let answer = self.post(&path, "acms", &report).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    }

    /// Answers as an authorised user.
    pub(crate) async fn respond(&self, path: &str, body: &Value) -> Answer {
        self.post(&format!("{path}/responses"), "reviewer", body)
            .await
    }

    /// Changes a document in place.
    pub(crate) async fn change(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut found = self.get(path, "operator").await;
        assert_eq!(found.status, 200, "{}", found.text);
        change(&mut found.body);
        let tag = found.header("etag").to_owned();
        let put = self.put(path, ("if-match", &tag), &found.body).await;
        assert_eq!(put.status, 200, "{}", put.text);
    }

    /// The measurement of the link to the Dutch system stays good.
    pub(crate) async fn link_is_up(&self) {
        let agree = |agreement: &mut Value| {
            agreement["migration"]["link_age_seconds_max"] = json!(u32::MAX);
        };
        self.change(&format!("/v1/agreements/{NL}"), agree).await;
    }

    /// Entries of the log.
    pub(crate) async fn log_size(&self) -> u64 {
        let ready = self.get("/readyz", "without token").await;
        ready.body["applied"].as_u64().unwrap()
    }
}

/// What the service answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The kind of a problem, without what all kinds begin with.
    pub(crate) fn problem(&self) -> (u16, &str) {
        let kind = self.body["type"].as_str().unwrap_or("no problem");
        let kind = kind.strip_prefix("urn:comity:problem:").unwrap_or(kind);
        (self.status, kind)
    }

    /// The places at which something is wrong.
    pub(crate) fn pointers(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array();
        errors
            .into_iter()
            .flatten()
            .map(|error| error["pointer"].as_str().unwrap_or("no pointer"))
            .collect()
    }

    /// One member of every item.
    pub(crate) fn items(&self, pointer: &str) -> Vec<Value> {
        let items = self.body["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item.pointer(pointer).cloned().unwrap_or_default())
            .collect()
    }
}

/// Sends a call, and insists on what holds for every answer.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let text = response.text().await.unwrap();
    let mut answer = Answer {
        status,
        headers,
        text,
        body: Value::Null,
    };
    assert!(!answer.header("x-request-id").is_empty(), "{answer:?}");
    let content_type = answer.header("content-type").to_owned();
    if content_type.contains("json") {
        // Strictly: no member twice, as we ask of others.
        answer.body = strict_json(answer.text.as_bytes(), WireLimits::default())
            .unwrap_or_else(|problem| panic!("{problem}: {}", answer.text));
    }
    if status >= 400 && answer.body["ready"].is_null() {
        assert_eq!(content_type, "application/problem+json", "{answer:?}");
        assert_eq!(answer.body["status"], status);
        let kind = answer.body["type"].as_str().unwrap();
        let known = ProblemKind::ALL
            .iter()
            .find(|known| known.type_uri() == kind);
        assert_eq!(known.unwrap().status(), status, "{kind}");
        for member in ["title", "detail", "remedy"] {
            assert_ne!(answer.body[member].as_str().unwrap(), "");
        }
        assert_eq!(answer.body["instance"], answer.header("x-request-id"));
    }
    answer
}

/// Looks until something is to be seen.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(tokio::time::Instant::now() < deadline, "never seen: {what}");
        tokio::time::sleep(GLANCE).await;
    }
}

/// The example registry of Germany as an import.
pub(crate) fn example_documents() -> Value {
    let documents = read_documents(Path::new("examples/registry/de")).unwrap();
    documents
        .into_iter()
        .map(|(key, document)| json!({ "kind": key.kind, "document": document.to_json().unwrap() }))
        .collect()
}

/// The Dutch control room asks for an officer in the German group.
pub(crate) fn membership(members: &[&str]) -> Value {
    inbound(json!({
        "operation": "group-membership-update",
        "requester": { "mc_service_id": REQUESTER },
        "target": { "functional_alias": "sip:leitstelle@mc.de.example" },
        "group": GROUP,
        "members": members,
        "change": "add",
        "urgency": "high",
        "justification": "German-speaking officer at the scene"
    }))
}

/// A request that comes from the Dutch system.
pub(crate) fn inbound(mut request: Value) -> Value {
    request["direction"] = json!("inbound");
    request["correlation_id"] = json!("nl-2026-000917");
    request["peer"] = json!({ "system": NL, "certificate": CERTIFICATE });
    request["requesting_system"] = json!(NL);
    request["receiving_system"] = json!(DE);
    request
}

/// A value with one member changed.
pub(crate) fn with(value: &Value, pointer: &str, changed: impl Into<Value>) -> Value {
    let mut value = value.clone();
    let (object, name) = pointer.rsplit_once('/').unwrap();
    value.pointer_mut(object).unwrap()[name] = changed.into();
    value
}

/// A value without one member.
pub(crate) fn without(value: &Value, pointer: &str) -> Value {
    let mut value = value.clone();
    let (object, name) = pointer.rsplit_once('/').unwrap();
    let object = value.pointer_mut(object).unwrap().as_object_mut().unwrap();
    assert!(object.shift_remove(name).is_some(), "{pointer}");
    value
}

pub(crate) fn approval() -> Value {
    json!({ "answer": "approve", "reason": "is at the scene", "reviewer": DISPATCHER })
}

pub(crate) fn denial() -> Value {
    json!({ "answer": "deny", "reason": "enough people there", "reviewer": DISPATCHER })
}

pub(crate) fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_tree(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

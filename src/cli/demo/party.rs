//! One of the two systems of the story: a service with a store and policies of its own, and its callers.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use reqwest::Client;
use reqwest::Method;
use reqwest::StatusCode;
use serde_json::Value;

use super::Surprise;
use crate::cli::registry::read_documents;
use crate::cli::service::CallerTokens;
use crate::cli::service::Service;
use crate::cli::service::ServiceSettings;
use crate::domain::identity::McSystemId;

/// A running service and the tokens of those who call it.
pub(super) struct Party {
    pub(super) name: &'static str,
    settings: ServiceSettings,
    service: Option<Service>,
    tokens: CallerTokens,
    client: Client,
}

impl Party {
    /// Starts a service with the shipped policies in a directory of its own and imports its registry.
    pub(super) async fn start(
        name: &'static str,
        system: &McSystemId,
        from: &Path,
        directory: &Path,
    ) -> Result<Self, Surprise> {
        let home = directory.join(name.to_lowercase());
        for folder in ["policies", "schemas"] {
            copy_tree(&from.join(folder), &home.join(folder)).map_err(|error| {
                Surprise::from_error(
                    &format!("cannot copy `{folder}` from `{}`", from.display()),
                    &error,
                )
            })?;
        }
        let mut settings =
            ServiceSettings::local(system.clone(), home.join("data"), home.join("policies"));
        let tokens = settings
            .make_callers(&[
                ("acms", "acms"),
                ("reviewer", "reviewer"),
                ("auditor", "auditor"),
            ])
            .map_err(|error| Surprise::from_error("cannot make caller tokens", &error))?;
        let mut party = Self {
            name,
            settings,
            service: None,
            tokens,
            client: Client::new(),
        };
        party.resume().await?;
        let registry = from.join("examples/registry").join(name.to_lowercase());
        let documents = read_documents(&registry)
            .map_err(|error| Surprise::from_error("cannot read the registry", &error))?;
        let count = documents.len();
        for (key, document) in documents {
            let path = format!("/v1/{}/{}", key.kind.plural(), key.id);
            let body = document
                .to_json()
                .map_err(|error| Surprise::from_error(&path, &error))?;
            let put = party
                .call(
                    Ask::new(Method::PUT, &path, "operator")
                        .body(&body)
                        .header("If-None-Match", "*"),
                )
                .await?;
            party.expect(&put, 201)?;
        }
        super::telling::narrate(&format!(
            "{name}: service at {}, {count} registry documents",
            party.url()
        ));
        Ok(party)
    }

    /// Starts the service on what it left.
    pub(super) async fn resume(&mut self) -> Result<(), Surprise> {
        let service = Service::start(self.settings.clone())
            .await
            .map_err(|error| {
                Surprise(format!(
                    "{} does not start: {}",
                    self.name,
                    crate::cli::chain(&error)
                ))
            })?;
        self.service = Some(service);
        Ok(())
    }

    /// Stops the service; everything accepted is kept.
    pub(super) async fn stop(&mut self) -> Result<(), Surprise> {
        match self.service.take() {
            Some(service) => service
                .stop()
                .await
                .map_err(|error| Surprise(format!("{} does not stop: {error}", self.name))),
            None => Ok(()),
        }
    }

    /// Where the service listens.
    pub(super) fn url(&self) -> String {
        self.service.as_ref().map_or_else(String::new, |service| {
            format!("http://{}", service.address())
        })
    }

    /// Where the service keeps its data.
    pub(super) fn data_directory(&self) -> &Path {
        &self.settings.data_directory
    }

    /// The policy file at a path of the bundle.
    pub(super) fn policy_file(&self, relative: &str) -> PathBuf {
        self.settings.policies.join(relative)
    }

    /// A token, for those who look further.
    pub(super) fn token(&self, caller: &str) -> String {
        match (caller, &self.service) {
            ("operator", Some(service)) => service.operator_token(),
            _ => self.tokens.get(caller).cloned().unwrap_or_default(),
        }
    }

    /// Submits a request as the ACM server does.
    pub(super) async fn submit(&self, key: &str, request: &Value) -> Result<Value, Surprise> {
        let answer = self
            .call(
                Ask::new(Method::POST, "/v1/requests", "acms")
                    .body(request)
                    .header("Idempotency-Key", key),
            )
            .await?;
        match answer.status {
            StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED => Ok(answer.body),
            _ => Err(answer.surprise(self.name)),
        }
    }

    /// Calls the service as one of its callers.
    pub(super) async fn call(&self, ask: Ask<'_>) -> Result<Answer, Surprise> {
        let Ask {
            method,
            path,
            caller,
            body,
            header,
        } = ask;
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.url()))
            .bearer_auth(self.token(caller));
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request
            .send()
            .await
            .map_err(|error| Surprise::from_error(path, &error))?;
        let status = response.status();
        let etag = response
            .headers()
            .get("etag")
            .and_then(|etag| etag.to_str().ok())
            .map(str::to_owned);
        let text = response
            .text()
            .await
            .map_err(|error| Surprise::from_error(path, &error))?;
        Ok(Answer {
            status,
            etag,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        })
    }

    /// Insists on a status.
    pub(super) fn expect(&self, answer: &Answer, status: u16) -> Result<(), Surprise> {
        if answer.status.as_u16() == status {
            Ok(())
        } else {
            Err(answer.surprise(self.name))
        }
    }
}

/// One call: what, by whom, with which body and header.
pub(super) struct Ask<'a> {
    method: Method,
    path: &'a str,
    caller: &'a str,
    body: Option<&'a Value>,
    header: Option<(&'a str, &'a str)>,
}

impl<'a> Ask<'a> {
    pub(super) fn new(method: Method, path: &'a str, caller: &'a str) -> Self {
        Self {
            method,
            path,
            caller,
            body: None,
            header: None,
        }
    }

    pub(super) fn body(self, body: &'a Value) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    pub(super) fn header(self, name: &'a str, value: &'a str) -> Self {
        Self {
            header: Some((name, value)),
            ..self
        }
    }
}

/// What a service answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) etag: Option<String>,
    pub(super) body: Value,
}

impl Answer {
    fn surprise(&self, who: &str) -> Surprise {
        Surprise(format!("{who} answered {}: {}", self.status, self.body))
    }
}

fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

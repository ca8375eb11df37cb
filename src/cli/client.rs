//! Calling a running service from the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use reqwest::Method;
use reqwest::Response;
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use reqwest::header::ETAG;
use reqwest::header::HeaderValue;
use reqwest::header::IF_MATCH;
use reqwest::redirect::Policy;
use serde_json::Value;

use super::exit::Exit;
use super::output;
use super::plain::plain;
use super::problem;

/// How long a connection may take to come about.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

/// How long a stream may take to begin.
const STREAM_BEGINS_MAX: Duration = Duration::from_secs(30);

/// Where the service is and who calls it.
#[derive(Debug, Args)]
pub struct Connection {
    /// The service's address
    #[arg(long, default_value = "http://127.0.0.1:8470", value_name = "URL")]
    url: String,
    /// A file with the caller's token; the service writes `operator.token` into its data directory
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The token file can't be used.
    #[error("{0}")]
    Token(String),
    /// What was said on the command line can't be used.
    #[error("{0}")]
    Invalid(String),
    /// Nobody answered.
    #[error("the service at `{url}` cannot be reached: {detail}")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// What happened.
        detail: String,
    },
    /// The service said no.
    #[error("the service refused: {}", problem::told(*status, body))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The problem details.
        body: String,
    },
    /// The answer is not what it should be.
    #[error("the service's answer is not understood: {0}")]
    Answer(String),
}

/// Says what went wrong: 1 where the service says no, 2 where the call was wrong, 3 where something is broken.
pub(super) fn failed(error: &ClientError) -> Exit {
    output::complain(&error.to_string());
    match error {
        ClientError::Refused { status, .. } => match status {
            401 | 403 | 409 | 410 | 412 => Exit::No,
            400..=499 => Exit::InvalidInput,
            _ => Exit::Broken,
        },
        ClientError::Token(_) | ClientError::Invalid(_) => Exit::InvalidInput,
        ClientError::Unreachable { .. } | ClientError::Answer(_) => Exit::Broken,
    }
}

/// A caller of one service.
#[derive(Debug)]
pub struct Client {
    url: String,
    token: String,
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Client {
    /// Reads the token; nothing is sent yet.
    pub fn connect(connection: &Connection) -> Result<Self, ClientError> {
        let file = connection.token_file.display();
        let token = std::fs::read_to_string(&connection.token_file).map_err(|error| {
            ClientError::Token(format!("cannot read the token file `{file}`: {error}"))
        })?;
        check_address(&connection.url)?;
        let token = token.trim().to_owned();
        if HeaderValue::from_str(&token).is_err() {
            let detail = format!("the token file `{file}` holds more than a token");
            return Err(ClientError::Token(detail));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| ClientError::Answer(error.to_string()))?;
        Ok(Self {
            url: connection.url.trim_end_matches('/').to_owned(),
            token,
            http: http(&connection.url)?,
            runtime,
        })
    }

    /// Runs a call to its end.
    pub fn block_on<F: Future>(&self, call: F) -> F::Output {
        self.runtime.block_on(call)
    }

    /// Reads a resource.
    pub async fn get(&self, path: &str) -> Result<Value, ClientError> {
        Ok(self.call(Method::GET, path, None, None).await?.body)
    }

    /// Posts a body.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        Ok(self.call(Method::POST, path, Some(body), None).await?.body)
    }

    /// Reads a resource with its entity tag.
    pub async fn get_tagged(&self, path: &str) -> Result<Reply, ClientError> {
        self.call(Method::GET, path, None, None).await
    }

    /// Posts a body, on condition that the resource still has an entity tag where one is named.
    pub async fn post_if(
        &self,
        path: &str,
        body: &Value,
        tag: Option<&str>,
    ) -> Result<Reply, ClientError> {
        self.call(Method::POST, path, Some(body), tag).await
    }

    /// Opens a stream of server-sent events, after a place where one is known.
    pub async fn stream(&self, path: &str, after: Option<&str>) -> Result<Response, ClientError> {
        let mut request = self
            .http
            .get(format!("{}{path}", self.url))
            .bearer_auth(&self.token);
        if let Some(after) = after {
            request = request.header("last-event-id", header("--after", after)?);
        }
        let begun = tokio::time::timeout(STREAM_BEGINS_MAX, request.send());
        let response = begun
            .await
            .map_err(|_| ClientError::Unreachable {
                url: self.url.clone(),
                detail: "nothing was answered in time".to_owned(),
            })?
            .map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return of_events(response);
        }
        Err(ClientError::Refused {
            status: status.as_u16(),
            body: response.text().await.unwrap_or_default(),
        })
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        tag: Option<&str>,
    ) -> Result<Reply, ClientError> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(tag) = tag {
            request = request.header(IF_MATCH, header("--seen", &format!("\"{tag}\""))?);
        }
        let response = request
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let tag = entity_tag(&response);
        let text = response
            .text()
            .await
            .map_err(|error| self.unreachable(&error))?;
        if !status.is_success() {
            return Err(ClientError::Refused {
                status: status.as_u16(),
                body: text,
            });
        }
        let body = serde_json::from_str(&text);
        let body = body.map_err(|error| ClientError::Answer(error.to_string()))?;
        Ok(Reply { tag, body })
    }

    fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        ClientError::Unreachable {
            url: self.url.clone(),
            detail: std::error::Error::source(error)
                .map_or_else(|| error.to_string(), ToString::to_string),
        }
    }
}

/// Carries the caller's token where it was told to and nowhere else: no redirect is followed, and what is not encrypted
/// goes through no proxy.
fn http(url: &str) -> Result<reqwest::Client, ClientError> {
    let builder = reqwest::Client::builder()
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIME_MAX);
    let builder = if url.starts_with("https:") {
        builder
    } else {
        builder.no_proxy()
    };
    let made = builder.build();
    made.map_err(|error| ClientError::Invalid(error.to_string()))
}

/// The address of a service is that of HTTP.
fn check_address(url: &str) -> Result<(), ClientError> {
    let wrong = |detail: String| {
        let remedy = "give it as in `http://127.0.0.1:8470`";
        ClientError::Invalid(format!("--url `{}`: {detail}; {remedy}", plain(url)))
    };
    let read = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
    if matches!(read.scheme(), "http" | "https") {
        Ok(())
    } else {
        let detail = "a service is called by `http` or `https`";
        Err(wrong(detail.to_owned()))
    }
}

/// A stream, if it is one of events.
fn of_events(response: Response) -> Result<Response, ClientError> {
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("text/event-stream") {
        return Ok(response);
    }
    let detail = format!("it is `{}`, not a stream of events", plain(kind));
    Err(ClientError::Answer(detail))
}

/// What an argument says, as a header can hold it.
fn header(argument: &str, text: &str) -> Result<HeaderValue, ClientError> {
    HeaderValue::from_str(text).map_err(|_| {
        let detail = "it holds a line break or another control character; give it as it was told";
        ClientError::Invalid(format!("{argument}: {detail}"))
    })
}

/// What the service answered.
#[derive(Debug)]
pub struct Reply {
    /// The entity tag, without its quotation marks.
    pub tag: Option<String>,
    /// The body.
    pub body: Value,
}

fn entity_tag(response: &Response) -> Option<String> {
    let tag = response.headers().get(ETAG)?.to_str().ok()?;
    Some(tag.trim_matches('"').to_owned())
}

/// Percent-encodes a value for a query.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

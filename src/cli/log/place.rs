//! Where a published log is read from: a directory of its files, or the address of a service.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use reqwest::StatusCode;

use super::Failure;
use crate::decision_log::LogSource;
use crate::decision_log::tile::Resource;

/// How long one resource may take.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The most bytes of a resource: a full bundle of the longest entries.
const RESOURCE_BYTES_MAX: usize = 256 * (2 + 65_535);

/// Names a place, and who calls if it is a service.
#[derive(Debug, Args)]
pub(super) struct Reading {
    /// A file with the caller's token, where the service does not let everybody read its log
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// A published log.
#[derive(Debug)]
pub(super) enum Place {
    Directory(PathBuf),
    Service(Service),
}

#[derive(Debug)]
pub(super) struct Service {
    url: String,
    token: Option<String>,
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

/// Why a resource can't be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlaceError {
    /// There is none.
    #[error("the log has no `{0}`")]
    Missing(String),
    /// The file can't be read.
    #[error("cannot read `{}`", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Nobody answers.
    #[error("`{url}` cannot be read")]
    Unreachable {
        url: String,
        #[source]
        source: reqwest::Error,
    },
    /// The service says no.
    #[error("`{url}` was answered {status}: {detail}")]
    Refused {
        url: String,
        status: StatusCode,
        detail: String,
    },
    /// It stopped to send.
    #[error("`{0}` sends nothing any more")]
    Stalled(String),
    /// What was read can't be kept.
    #[error("what was read cannot be written")]
    Unwritable(#[source] io::Error),
    /// More than any resource has.
    #[error("`{0}` has more bytes than any resource of a log")]
    TooLong(String),
}

impl PlaceError {
    /// Whether the call itself was wrong.
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if status.is_client_error())
    }

    /// Whether the log lacks something, rather than that it can't be read.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing(_) | Self::TooLong(_))
    }
}

impl Reading {
    /// The place that a text names.
    pub(super) fn place(&self, named: &str) -> Result<Place, Failure> {
        if named.starts_with("http://") || named.starts_with("https://") {
            return Ok(Place::Service(self.service(named)?));
        }
        let directory = PathBuf::from(named);
        if directory.join("leaf").is_dir() {
            return Err(Failure::Input(format!(
                "`{named}` is the data directory of a service, not a published log: write the log out with `comity log \
                 export` first"
            )));
        }
        if !directory.is_dir() {
            return Err(Failure::Input(format!(
                "`{named}` is neither a directory nor an address that begins with `http://` or `https://`"
            )));
        }
        Ok(Place::Directory(directory))
    }

    /// Hands on, piece by piece, what a service answers to a call.
    pub(super) fn copy(
        &self,
        named: &str,
        url: &str,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), Failure> {
        if !named.starts_with("http://") && !named.starts_with("https://") {
            return Err(Failure::Input(format!(
                "`{named}` is no address of a service: records are read from a running service, given as \
                 `http://127.0.0.1:8470`, or from `--data-dir`"
            )));
        }
        let service = self.service(named)?;
        let copied = service.runtime.block_on(service.copy(url, take));
        copied.map_err(|error| {
            let reason = crate::cli::chain(&error);
            if error.is_refusal() {
                Failure::Input(reason)
            } else {
                Failure::Broken(reason)
            }
        })
    }

    fn service(&self, url: &str) -> Result<Service, Failure> {
        let token = self.token_file.as_ref().map(|file| {
            let read = fs::read_to_string(file);
            let read = read.map(|text| text.trim().to_owned());
            read.map_err(|error| {
                let file = file.display();
                Failure::Input(format!("cannot read the token file `{file}`: {error}"))
            })
        });
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| Failure::Broken(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Broken(error.to_string()))?;
        Ok(Service {
            url: url.trim_end_matches('/').to_owned(),
            token: token.transpose()?,
            http,
            runtime,
        })
    }
}

impl LogSource for Place {
    type Error = PlaceError;

    fn read(&self, resource: Resource) -> Result<Vec<u8>, PlaceError> {
        match self {
            Self::Directory(directory) => read_file(directory.join(resource.to_string()), resource),
            Self::Service(service) => service.runtime.block_on(service.get(resource)),
        }
    }
}

fn read_file(path: PathBuf, resource: Resource) -> Result<Vec<u8>, PlaceError> {
    let length = fs::metadata(&path).map(|found| found.len());
    if length.is_ok_and(|length| length > RESOURCE_BYTES_MAX as u64) {
        return Err(PlaceError::TooLong(resource.to_string()));
    }
    fs::read(&path).map_err(|source| {
        if source.kind() == io::ErrorKind::NotFound {
            return PlaceError::Missing(resource.to_string());
        }
        PlaceError::File { path, source }
    })
}

impl Service {
    async fn copy(
        &self,
        url: &str,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), PlaceError> {
        let unreachable = |source| PlaceError::Unreachable {
            url: url.to_owned(),
            source,
        };
        // However long it takes; only a service that sends nothing is given up.
        let mut request = self.http.get(url).timeout(Duration::MAX);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let mut answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        if !status.is_success() {
            let detail = answer.text().await.unwrap_or_default();
            return Err(PlaceError::Refused {
                url: url.to_owned(),
                status,
                detail,
            });
        }
        loop {
            let next = tokio::time::timeout(TIMEOUT, answer.chunk()).await;
            let chunk = match next {
                Ok(chunk) => chunk.map_err(unreachable)?,
                Err(_) => return Err(PlaceError::Stalled(url.to_owned())),
            };
            let Some(chunk) = chunk else {
                return Ok(());
            };
            take(&chunk).map_err(PlaceError::Unwritable)?;
        }
    }

    async fn get(&self, resource: Resource) -> Result<Vec<u8>, PlaceError> {
        let url = format!("{}/{resource}", self.url);
        let mut request = self.http.get(&url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let unreachable = |source| PlaceError::Unreachable {
            url: url.clone(),
            source,
        };
        let mut answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > RESOURCE_BYTES_MAX {
                return Err(PlaceError::TooLong(resource.to_string()));
            }
        }
        match status {
            StatusCode::OK => Ok(bytes),
            StatusCode::NOT_FOUND => Err(PlaceError::Missing(resource.to_string())),
            status => Err(PlaceError::Refused {
                url,
                status,
                detail: String::from_utf8_lossy(&bytes).into_owned(),
            }),
        }
    }
}

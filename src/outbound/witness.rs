//! Calls a witness: one checkpoint, one answer (C2SP `tlog-witness`).

use std::sync::Arc;

use reqwest::Client;
use reqwest::StatusCode;
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;

use crate::decision_log::TreeSize;
use crate::outbound::resolver::SystemResolver;
use crate::outbound::sender::InvalidTarget;
use crate::outbound::sender::SendError;
use crate::outbound::sender::Target;
use crate::outbound::sender::check;
use crate::outbound::sender::client;
use crate::outbound::sender::failure;

/// How much of an answer is read: several cosignatures, the longest of which have nearly 5 kB.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What a witness answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Lines of cosignatures, which nobody has checked yet.
    Cosigned(Vec<u8>),
    /// It last cosigned a tree of another size.
    Conflict(TreeSize),
}

/// Calls one witness.
#[derive(Clone, Debug)]
pub struct WitnessClient {
    client: Client,
    address: Url,
}

impl WitnessClient {
    /// Checks where it leads, by the witness's submission prefix; nothing is sent yet.
    pub fn new(target: &Target) -> Result<Self, InvalidTarget> {
        check(target)?;
        let mut address = target.url.clone();
        let path = format!("{}/add-checkpoint", address.path().trim_end_matches('/'));
        address.set_path(&path);
        Ok(Self {
            client: client(target, Arc::new(SystemResolver))?,
            address,
        })
    }

    /// Submits a checkpoint once.
    pub async fn add_checkpoint(&self, body: Vec<u8>) -> Result<Answer, SendError> {
        let request = self
            .client
            .post(self.address.clone())
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(body);
        let mut answer = request.send().await.map_err(|error| failure(&error))?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| failure(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_BYTES_MAX {
                let detail = format!("it answered more than {ANSWER_BYTES_MAX} bytes");
                return Err(SendError::Connection(detail));
            }
        }
        match status {
            StatusCode::OK => Ok(Answer::Cosigned(bytes)),
            StatusCode::CONFLICT => size(&bytes).map(Answer::Conflict),
            other => Err(SendError::Status(other.as_u16())),
        }
    }
}

fn size(body: &[u8]) -> Result<TreeSize, SendError> {
    let text = str::from_utf8(body).unwrap_or_default();
    let size = text.strip_suffix('\n').and_then(|text| text.parse().ok());
    size.map(TreeSize).ok_or_else(|| {
        let detail = "it answered 409 without the size that it cosigned last";
        SendError::Connection(detail.to_owned())
    })
}

//! What happens, as `/v1/events` tells it.

use std::sync::Arc;
use std::sync::Mutex;

use reqwest::Method;
use reqwest::Response;
use serde_json::Value;
use tokio::sync::watch;

use super::world::Account;
use crate::crash::PATIENCE;

/// Events in the order of a stream.
struct Reader {
    response: Response,
    buffer: String,
}

impl Reader {
    async fn open(operator: &Account, after: &str) -> reqwest::Result<Self> {
        let call = operator.call(Method::GET, "/v1/events");
        let response = call.header("last-event-id", after).send().await?;
        Ok(Self {
            response: response.error_for_status()?,
            buffer: String::new(),
        })
    }

    /// The next event; none when the stream is cut.
    async fn next(&mut self) -> Option<Value> {
        loop {
            while let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let data = block.lines().find_map(|line| line.strip_prefix("data:"));
                let event = data.map(|data| serde_json::from_str(data.trim_start()).unwrap());
                self.buffer = rest.to_owned();
                if event.is_some() {
                    return event;
                }
            }
            let chunk = self.response.chunk().await.ok()??;
            self.buffer.push_str(str::from_utf8(&chunk).unwrap());
        }
    }
}

/// Everything after an event, up to one that is known to be there.
pub(super) async fn read(
    operator: &Account,
    after: &str,
    is_last: impl Fn(&Value) -> bool,
) -> Vec<Value> {
    let mut reader = Reader::open(operator, after).await.unwrap();
    let mut events = Vec::new();
    let reading = async {
        loop {
            let event = reader.next().await.expect("the stream goes on");
            let is_end = is_last(&event);
            events.push(event);
            if is_end {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("the event that is waited for is told");
    events
}

/// What a reader was told before the service was killed.
#[derive(Clone, Debug)]
pub(super) struct Told {
    events: Arc<Mutex<Vec<Value>>>,
    expired: Arc<watch::Sender<usize>>,
}

impl Told {
    /// Reads until the service is gone.
    pub(super) async fn listen(operator: Account) -> (Self, tokio::task::JoinHandle<()>) {
        let told = Self {
            events: Arc::default(),
            expired: Arc::new(watch::channel(0).0),
        };
        // From the beginning: everything is told again, the same as ever.
        let mut reader = Reader::open(&operator, "0").await.unwrap();
        let listening = told.clone();
        let task = tokio::spawn(async move {
            while let Some(event) = reader.next().await {
                let is_expiry = event["type"] == "request.expired";
                listening.events.lock().unwrap().push(event);
                if is_expiry {
                    listening.expired.send_modify(|count| *count += 1);
                }
            }
        });
        (told, task)
    }

    pub(super) fn events(&self) -> Vec<Value> {
        self.events.lock().unwrap().clone()
    }

    /// How many expiries were told.
    pub(super) fn expired(&self) -> watch::Receiver<usize> {
        self.expired.subscribe()
    }
}

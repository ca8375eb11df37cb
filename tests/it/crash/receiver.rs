//! A receiver of webhooks that outlives the service, takes one connection after the other, and fails as it is told.

#![cfg(test)]

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::Mutex;

use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::home::Home;
use crate::message::Message;

/// What the receiver does with a message; it takes it unless it was told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Taken,
    /// 503.
    Refused,
    /// The connection is closed.
    Nothing,
    /// Nothing is said until whoever sent it is gone.
    Silence,
}

/// A message that arrived whole.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) event: Value,
    pub(crate) reply: Reply,
}

/// The receiver.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    port: u16,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    deliveries: Arc<watch::Sender<Vec<Delivery>>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (deliveries, _) = watch::channel(Vec::new());
        let receiver = Self {
            port: listener.local_addr().unwrap().port(),
            replies: Arc::default(),
            deliveries: Arc::new(deliveries),
        };
        let taking = receiver.clone();
        tokio::spawn(async move {
            // One at a time: what a killed service sent last is not mixed up with what the next one sends.
            while let Ok((stream, _)) = listener.accept().await {
                taking.take(stream).await;
            }
        });
        receiver
    }

    /// Has the service send everything here, by the right of its operator.
    pub(crate) fn configure(&self, home: &Home, further: &str) {
        let secret = home.path().join("webhook.secret");
        let key = data_encoding::BASE64.encode(&[7; 32]);
        fs::write(&secret, format!("whsec_{key}\n")).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let text = format!(
            "{further}\n[[webhooks]]\nname = \"campaign\"\nurl = \"http://127.0.0.1:{}/\"\n\
             caller = \"local-operator\"\nsecret_file = {secret:?}\n\
             allow_addresses = [\"127.0.0.1/32\"]\ntimeout_seconds = 60\nattempts_max = 1000\n",
            self.port
        );
        fs::write(home.config(), text).unwrap();
    }

    /// What it does with the next messages.
    pub(crate) fn will(&self, replies: impl IntoIterator<Item = Reply>) {
        self.replies.lock().unwrap().extend(replies);
    }

    pub(crate) fn deliveries(&self) -> watch::Receiver<Vec<Delivery>> {
        self.deliveries.subscribe()
    }

    /// Waits until a message has come that this is true of.
    pub(crate) async fn until(&self, is_it: impl Fn(&Delivery) -> bool) {
        let mut deliveries = self.deliveries();
        let come = deliveries.wait_for(|deliveries| deliveries.iter().any(&is_it));
        tokio::time::timeout(super::PATIENCE, come)
            .await
            .expect("a message comes")
            .unwrap();
    }

    async fn take(&self, mut stream: TcpStream) {
        let Some((id, body)) = read(&mut stream).await else {
            return;
        };
        let reply = self.replies.lock().unwrap().pop_front();
        let reply = reply.unwrap_or(Reply::Taken);
        let body: Value = serde_json::from_slice(&body).unwrap();
        let event = body["data"].clone();
        assert_eq!(body["type"], event["type"]);
        self.deliveries
            .send_modify(|all| all.push(Delivery { id, event, reply }));
        let head = match reply {
            Reply::Taken => "204 No Content",
            Reply::Refused => "503 Not Now\r\ncontent-length: 0",
            Reply::Nothing => return,
            Reply::Silence => {
                while stream.read_u8().await.is_ok() {}
                return;
            }
        };
        let answer = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n");
        // The service may be gone by now.
        drop(stream.write_all(answer.as_bytes()).await);
        drop(stream.shutdown().await);
    }
}

/// The id and the body of one message; none if it does not come whole.
async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let message = Message::read(stream).await?;
    Some((message.header("webhook-id")?, message.body))
}

/// What came is what happened: in order, everything, and twice only what may not have been taken note of.
///
/// `kills` is how often the service was killed: a kill between a message and the note of it repeats that one.
pub(crate) fn check(deliveries: &[Delivery], events: &[Value], kills: usize) {
    let named = |event: &Value| {
        let text = |member: &str| event[member].as_str().unwrap().to_owned();
        format!("{}@{}", text("id"), text("log"))
    };
    let mut expected = events.iter();
    let mut last: Option<&Delivery> = None;
    let mut repeated = 0;
    for delivery in deliveries {
        if let Some(before) = last.filter(|last| last.id == delivery.id) {
            assert_eq!(before.event, delivery.event, "one id, two messages");
            repeated += usize::from(before.reply == Reply::Taken);
        } else {
            let event = expected.next();
            let Some(event) = event else {
                panic!("sent, and it did not happen: {delivery:?}");
            };
            assert_eq!(delivery.id, named(event), "out of order, or left out");
            assert_eq!(delivery.event, *event);
            // What was not taken is sent again before anything else.
            assert!(last.is_none_or(|last| last.reply == Reply::Taken));
        }
        last = Some(delivery);
    }
    assert_eq!(expected.next(), None, "an event was never sent");
    assert!(repeated <= kills, "{repeated} repetitions, {kills} kills");
}

//! Events that are sent to receivers, over real TLS.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use comity::app::events::EventId;
use comity::app::events::Wanted;
use comity::app::webhooks::Backoff;
use comity::cli::service::Service;
use comity::cli::service::ServiceSettings;
use comity::config::webhooks::WebhookSettings;
use comity::decision_log::LogIndex;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use sha2::Sha256;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::support::OFFICER;
use super::support::TestService;
use super::support::chain;
use super::support::eventually;
use super::support::membership;
use super::support::send;
use crate::message::Message;

const SECRET: [u8; 32] = [7; 32];
const OTHER: [u8; 32] = [9; 32];

/// What the receiver does with the next message; then it takes everything.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    Status(u16),
    /// Elsewhere, where somebody would take it.
    Redirect(u16),
    /// Nothing is ever said.
    Silence,
    /// Success, and a body that never ends.
    Endless,
    /// The connection is closed.
    Nothing,
}

/// A message as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) seconds: String,
    pub(crate) signature: String,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The signature that a receiver with this secret expects.
    pub(crate) fn expected(&self, secret: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        mac.update(self.id.as_bytes());
        mac.update(b".");
        mac.update(self.seconds.as_bytes());
        mac.update(b".");
        mac.update(&self.body);
        let signature = data_encoding::BASE64.encode(&mac.finalize().into_bytes());
        format!("v1,{signature}")
    }
}

/// A receiver with a certificate of its own.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) port: u16,
    pub(crate) certificate: String,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let receiver = Self {
            port: listener.local_addr().unwrap().port(),
            certificate: made.cert.pem(),
            replies: Arc::default(),
            received: Arc::default(),
        };
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let accepting = receiver.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, receiver) = (acceptor.clone(), accepting.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        receiver.take(stream).await;
                    }
                });
            }
        });
        receiver
    }

    async fn take(&self, mut stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>) {
        let Some(received) = read(&mut stream).await else {
            return;
        };
        let reply = self.replies.lock().unwrap().pop_front();
        self.received.lock().unwrap().push(received);
        let head = match reply {
            None => "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_owned(),
            Some(Reply::Status(status)) => {
                format!("HTTP/1.1 {status} So\r\ncontent-length: 2\r\nconnection: close\r\n\r\nso")
            }
            Some(Reply::Redirect(port)) => format!(
                "HTTP/1.1 307 Go\r\nlocation: https://localhost:{port}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            ),
            Some(Reply::Silence) => {
                tokio::time::sleep(Duration::from_hours(1)).await;
                return;
            }
            Some(Reply::Endless) => {
                "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n".to_owned()
            }
            Some(Reply::Nothing) => return,
        };
        if stream.write_all(head.as_bytes()).await.is_err() {
            return;
        }
        if matches!(reply, Some(Reply::Endless)) {
            while stream.write_all(&[b'x'; 4_096]).await.is_ok() {}
        }
        drop(stream.shutdown().await);
    }

    pub(crate) fn will(&self, replies: &[Reply]) {
        self.replies.lock().unwrap().extend(replies);
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// From now on, instead of what it would have done.
    fn will_instead(&self, replies: &[Reply]) {
        *self.replies.lock().unwrap() = replies.iter().copied().collect();
    }

    fn ids(&self) -> Vec<String> {
        self.received().into_iter().map(|it| it.id).collect()
    }

    pub(crate) async fn so_many(&self, count: usize) -> Vec<Received> {
        eventually("messages", async || {
            let received = self.received();
            (received.len() >= count).then_some(received)
        })
        .await
    }
}

/// One message, if it comes whole.
async fn read(
    stream: &mut tokio_rustls::server::TlsStream<tokio::net::TcpStream>,
) -> Option<Received> {
    let message = Message::read(stream).await?;
    let head = &message.head;
    assert!(head.starts_with("POST /hook?key=hidden "), "{head}");
    let kind = message.header("content-type");
    assert_eq!(kind.as_deref(), Some("application/json"));
    Some(Received {
        id: message.header("webhook-id")?,
        seconds: message.header("webhook-timestamp")?,
        signature: message.header("webhook-signature")?,
        body: message.body,
    })
}

pub(crate) fn secret_file(directory: &Path, name: &str, secret: &[u8]) -> PathBuf {
    let file = directory.join(name);
    let text = format!("whsec_{}\n", data_encoding::BASE64.encode(secret));
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file
}

/// A webhook to the receiver, of what the named caller may see of requests.
fn webhook(settings: &ServiceSettings, receiver: &Receiver, caller: &str) -> WebhookSettings {
    let directory = settings.policies.parent().unwrap();
    let ca_file = directory.join("ca.pem");
    fs::write(&ca_file, &receiver.certificate).unwrap();
    let kinds = ["request.submitted", "request.answered", "request.reported"];
    WebhookSettings {
        name: "dispatch".to_owned(),
        url: format!("https://localhost:{}/hook?key=hidden", receiver.port)
            .parse()
            .unwrap(),
        wanted: Wanted {
            kinds: Some(kinds.iter().map(|kind| kind.parse().unwrap()).collect()),
            partner: None,
        },
        caller: caller.to_owned(),
        secret_file: secret_file(directory, "secret", &SECRET),
        previous_secret_file: None,
        ca_file: Some(ca_file),
        allow_addresses: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        begin_after: EventId {
            index: LogIndex(0),
            number: 0,
        },
        timeout: Duration::from_secs(20),
        backoff: Backoff {
            first: Duration::from_millis(10),
            longest: Duration::from_millis(20),
            attempts_max: 50,
        },
    }
}

async fn started(receiver: &Receiver, change: impl FnOnce(&mut WebhookSettings)) -> TestService {
    TestService::start_with(|settings| {
        let mut webhook = webhook(settings, receiver, "reviewer");
        change(&mut webhook);
        settings.webhooks.push(webhook);
    })
    .await
}

/// Longer than any test takes.
static NEVER: [Reply; 100_000] = [Reply::Status(500); 100_000];

fn tirelessly(webhook: &mut WebhookSettings) {
    webhook.backoff.attempts_max = u32::MAX;
}

/// Takes from a role that it may read requests.
fn no_longer_reads(service: &TestService, role: &str) {
    let file = service.policy_file(&format!("access/{role}.cedar"));
    let before = fs::read_to_string(&file).unwrap();
    let after = before.replace("    ACCESS::Action::\"readRequest\",\n", "");
    assert_ne!(before, after);
    fs::write(&file, after).unwrap();
}

async fn listed(service: &TestService) -> Value {
    let listed = service.get("/v1/webhooks", "operator").await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    listed.body["webhooks"][0].clone()
}

async fn dead_letters(service: &TestService) -> Vec<Value> {
    let dead = service
        .get("/v1/webhooks/dispatch/dead-letters", "operator")
        .await;
    dead.body["dead_letters"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_arrive_signed_in_order_however_the_receiver_fails() {
    let receiver = Receiver::start().await;
    let elsewhere = Receiver::start().await;
    let service = started(&receiver, |webhook| {
        let directory = webhook.secret_file.parent().unwrap();
        webhook.previous_secret_file = Some(secret_file(directory, "previous", &OTHER));
        webhook.timeout = Duration::from_secs(2);
    })
    .await;
    let replies = [
        Reply::Status(500),
        Reply::Nothing,
        Reply::Redirect(elsewhere.port),
        Reply::Silence,
        Reply::Status(404),
        Reply::Endless,
    ];
    receiver.will(&replies);
    let first = service.submit_held(&membership(&[OFFICER])).await;
    let second = service.submit_held(&membership(&[OFFICER])).await;
    // An answer of 200 is success, whatever comes behind it.
    let messages = receiver.so_many(7).await;
    assert_eq!(messages.len(), 7);
    for message in &messages {
        // Either secret will do.
        let both = [SECRET, OTHER].map(|secret| message.expected(&secret));
        assert_eq!(message.signature, both.join(" "));
    }
    let ids: Vec<&str> = messages.iter().map(|it| it.id.as_str()).collect();
    assert!(ids[..6].iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_ne!(ids[6], ids[0]);
    for (message, path) in [(&messages[0], &first), (&messages[6], &second)] {
        let body = message.json();
        assert_eq!(body["type"], "request.submitted");
        assert_eq!(body["timestamp"], body["data"]["time"]);
        let id = path.strip_prefix("/v1/requests/").unwrap();
        assert_eq!(body["data"]["request_id"], id);
        let named = format!(
            "{}@{}",
            body["data"]["id"].as_str().unwrap(),
            body["data"]["log"].as_str().unwrap()
        );
        assert_eq!(message.id, named);
    }
    assert!(elsewhere.received().is_empty());
    let listed = eventually("both done", async || {
        let listed = listed(&service).await;
        let after = messages[6].json()["data"]["id"].clone();
        (listed["cursor"] == after).then_some(listed)
    })
    .await;
    assert_eq!(
        listed["url"],
        format!("https://localhost:{}/hook", receiver.port)
    );
    assert!(listed["last_success_at"].is_string());
    assert_eq!(listed["last_error"]["attempts"], 5);
    assert_eq!(listed["dead_letters"], 0);
    assert!(listed.get("paused").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sequenced_and_not_sent_is_sent_after_a_restart_and_nothing_twice() {
    let receiver = Receiver::start().await;
    let mut service = started(&receiver, |_| {}).await;
    service.submit_held(&membership(&[OFFICER])).await;
    receiver.so_many(1).await;
    // The second is sequenced, and the receiver says nothing until the service is gone.
    receiver.will(&[Reply::Silence]);
    service.submit_held(&membership(&[OFFICER])).await;
    receiver.so_many(2).await;
    service.submit_held(&membership(&[OFFICER])).await;
    service.stop().await;
    service.resume().await.unwrap();
    let ids = receiver.so_many(4).await;
    let ids: Vec<&str> = ids.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids[1], ids[2]);
    assert!(
        ids[0] != ids[1] && ids[3] != ids[2] && ids[3] != ids[0],
        "{ids:?}"
    );
    let cursor = ids[3].split_once('@').unwrap().0.to_owned();
    eventually("a note of it", async || {
        (listed(&service).await["cursor"] == cursor.as_str()).then_some(())
    })
    .await;
    // Without the note everything is repeated, and nothing is left out.
    service.stop().await;
    let note = service
        .settings()
        .data_directory
        .join("webhooks/dispatch.json");
    fs::remove_file(note).unwrap();
    service.resume().await.unwrap();
    let all = receiver.so_many(7).await;
    let all: Vec<&str> = all.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(all[4..], [ids[0], ids[1], ids[3]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_arrives_is_laid_aside_and_can_be_sent_again() {
    let receiver = Receiver::start().await;
    let mut service = started(&receiver, |webhook| webhook.backoff.attempts_max = 3).await;
    receiver.will(&[Reply::Status(500); 3]);
    service.submit_held(&membership(&[OFFICER])).await;
    service.submit_held(&membership(&[OFFICER])).await;
    let ids = receiver.so_many(4).await;
    assert_ne!(ids[3].id, ids[0].id);
    service.stop().await;
    service.resume().await.unwrap();
    let dead = dead_letters(&service).await;
    let [letter] = dead.as_slice() else {
        panic!("{dead:?}");
    };
    let event = letter["event"].as_str().unwrap().to_owned();
    assert_eq!(ids[0].id.split_once('@').unwrap().0, event);
    assert_eq!(letter["type"], "request.submitted");
    assert_eq!(letter["attempts"], 3);
    assert_eq!(letter["error"], "the receiver answered 500");
    let path = format!("/v1/webhooks/dispatch/dead-letters/{event}/redelivery");
    receiver.will(&[Reply::Status(503)]);
    let again = service.post(&path, "operator", &Value::Null).await;
    assert_eq!(again.body["delivered"], false);
    assert_eq!(again.body["error"], "the receiver answered 503");
    let again = service.post(&path, "operator", &Value::Null).await;
    assert_eq!(again.body, json!({ "event": event, "delivered": true }));
    assert_eq!(receiver.ids().last(), Some(&ids[0].id));
    assert!(dead_letters(&service).await.is_empty());
    let gone = service.post(&path, "operator", &Value::Null).await;
    assert_eq!(gone.problem(), (404, "not-found"));
    let unknown = service
        .get("/v1/webhooks/other/dead-letters", "operator")
        .await;
    assert_eq!(unknown.problem(), (404, "not-found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_wants_nothing_more_is_sent_nothing_until_somebody_says_so() {
    let receiver = Receiver::start().await;
    let mut service = started(&receiver, |_| {}).await;
    receiver.will(&[Reply::Status(410)]);
    service.submit_held(&membership(&[OFFICER])).await;
    let paused = async |service: &TestService| {
        eventually("the pause", async || {
            let listed = listed(service).await;
            listed["paused"].as_str().map(str::to_owned)
        })
        .await
    };
    assert!(paused(&service).await.contains("410"));
    service.stop().await;
    service.resume().await.unwrap();
    paused(&service).await;
    service.submit_held(&membership(&[OFFICER])).await;
    assert_eq!(receiver.received().len(), 1);
    let call = service.call(Method::POST, "/v1/webhooks/dispatch/resumption", "operator");
    assert_eq!(send(call).await.status, 204);
    let ids = receiver.so_many(3).await;
    assert_eq!(ids[0].id, ids[1].id);
    assert_ne!(ids[1].id, ids[2].id);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_inside_are_not_connected_to() {
    let receiver = Receiver::start().await;
    let service = started(&receiver, |webhook| webhook.allow_addresses.clear()).await;
    service.submit_held(&membership(&[OFFICER])).await;
    let error = eventually("an attempt", async || {
        let listed = listed(&service).await;
        listed["last_error"]["detail"].as_str().map(str::to_owned)
    })
    .await;
    assert!(error.contains("leads inside"), "{error}");
    assert!(receiver.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_whose_certificate_nobody_vouches_for_is_told_nothing() {
    let receiver = Receiver::start().await;
    let stranger = Receiver::start().await;
    let service = started(&receiver, |webhook| {
        fs::write(webhook.ca_file.as_ref().unwrap(), &stranger.certificate).unwrap();
    })
    .await;
    service.submit_held(&membership(&[OFFICER])).await;
    let error = eventually("an attempt", async || {
        let listed = listed(&service).await;
        listed["last_error"]["detail"].as_str().map(str::to_owned)
    })
    .await;
    assert!(error.contains("certificate"), "{error}");
    assert!(receiver.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_sent_what_its_caller_may_see_as_long_as_it_may() {
    let receiver = Receiver::start().await;
    let service = TestService::start_with(|settings| {
        let mut webhook = webhook(settings, &receiver, "acms");
        tirelessly(&mut webhook);
        settings.webhooks.push(webhook);
    })
    .await;
    // Another front-end's.
    let other = service
        .post("/v1/requests", "operator", &membership(&[OFFICER]))
        .await;
    assert_eq!(other.status, 202, "{}", other.text);
    let own = service.submit_held(&membership(&[OFFICER])).await;
    let messages = receiver.so_many(1).await;
    let id = own.strip_prefix("/v1/requests/").unwrap();
    assert_eq!(messages[0].json()["data"]["request_id"], id);
    // While a message fails the right ends.
    receiver.will(&NEVER);
    service.submit_held(&membership(&[OFFICER])).await;
    receiver.so_many(2).await;
    no_longer_reads(&service, "acms");
    let size = service.log_size().await;
    eventually("that it is passed over", async || {
        let listed = listed(&service).await;
        let cursor: u64 = listed["cursor"].as_str().unwrap().parse().unwrap();
        (cursor == size - 1).then_some(())
    })
    .await;
    let of_it: std::collections::BTreeSet<String> = receiver.ids().into_iter().collect();
    assert_eq!(of_it.len(), 2);
    assert_eq!(listed(&service).await["dead_letters"], 0);
}

/// Of a page that was read with the right, nothing more is sent once the right is gone.
#[tokio::test(flavor = "multi_thread")]
async fn in_the_middle_of_a_page_nothing_is_sent_that_may_be_seen_no_longer() {
    let receiver = Receiver::start().await;
    let service = started(&receiver, tirelessly).await;
    receiver.will(&NEVER);
    service.submit_held(&membership(&[OFFICER])).await;
    receiver.so_many(1).await;
    // These three come in one page, which is read when the first has arrived.
    for _ in 0..3 {
        service.submit_held(&membership(&[OFFICER])).await;
    }
    receiver.will_instead(&[&[Reply::Status(200)], &NEVER[..]].concat());
    let of_two = async || {
        let ids: std::collections::BTreeSet<String> = receiver.ids().into_iter().collect();
        (ids.len() == 2).then_some(())
    };
    eventually("the second", of_two).await;
    no_longer_reads(&service, "reviewer");
    let size = service.log_size().await;
    eventually("that all are passed over", async || {
        let listed = listed(&service).await;
        let cursor: u64 = listed["cursor"].as_str().unwrap().parse().unwrap();
        (cursor == size - 1).then_some(())
    })
    .await;
    let ids: std::collections::BTreeSet<String> = receiver.ids().into_iter().collect();
    assert_eq!(ids.len(), 2, "the third and fourth were never sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_set_up_keeps_the_service_from_starting() {
    let receiver = Receiver::start().await;
    let service = TestService::start().await;
    let start = async |change: &dyn Fn(&mut WebhookSettings)| {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = service.settings().clone();
        settings.data_directory = directory.path().join("data");
        let mut webhook = webhook(&settings, &receiver, "reviewer");
        change(&mut webhook);
        settings.webhooks.push(webhook);
        let refused = Service::start(settings).await;
        let made = directory.path().join("data").exists();
        assert!(!made, "what is wrong is told before anything is written");
        chain(&refused.map(drop).unwrap_err())
    };
    let told = start(&|webhook| webhook.caller = "stranger".to_owned()).await;
    assert!(told.contains("no caller is called `stranger`"), "{told}");
    let told = start(&|webhook| {
        webhook.caller = "stranger".to_owned();
        webhook.url = "http://hooks.de.example/".parse().unwrap();
        fs::write(&webhook.secret_file, "whsec_short").unwrap();
    })
    .await;
    for part in ["no caller is called", "`https` alone", "is no secret"] {
        assert!(told.contains(part), "all at once: {told}");
    }
    let told = start(&|webhook| webhook.url = "http://hooks.de.example/".parse().unwrap()).await;
    assert!(told.contains("`https` alone"), "{told}");
    let told = start(&|webhook| {
        webhook.url = "https://10.0.0.1/".parse().unwrap();
    })
    .await;
    assert!(told.contains("10.0.0.1 lies inside"), "{told}");
    let told = start(&|webhook| fs::write(&webhook.secret_file, "whsec_short").unwrap()).await;
    assert!(
        told.contains("is no secret") && !told.contains("short"),
        "{told}"
    );
    let told = start(&|webhook| {
        let open = fs::Permissions::from_mode(0o644);
        fs::set_permissions(&webhook.secret_file, open).unwrap();
    })
    .await;
    assert!(told.contains("chmod 600"), "{told}");
}

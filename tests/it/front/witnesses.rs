//! Witnesses: each checkpoint is submitted with its proof, and published with the cosignatures that come.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::post;
use comity::config::witnesses::WitnessSettings;
use comity::decision_log::RootHash;
use comity::decision_log::TreeSize;
use comity::decision_log::checkpoint::SignedCheckpoint;
use comity::decision_log::checkpoint::VerifierKey;
use comity::decision_log::proof::ConsistencyProof;
use data_encoding::BASE64;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;
use tokio::net::TcpListener;

use super::cli::comity_aside;
use super::support::OFFICER;
use super::support::TestService;
use super::support::membership;

/// What a witness does with what it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conduct {
    Honest,
    Silent,
    /// Signs something else.
    Forging,
}

/// A witness as the specification has it, for any log.
struct Witness {
    name: String,
    pair: Ed25519KeyPair,
    address: SocketAddr,
    state: Mutex<Seen>,
}

struct Seen {
    conduct: Conduct,
    by_origin: BTreeMap<String, (TreeSize, RootHash)>,
    statuses: Vec<u16>,
}

impl Witness {
    async fn start(name: &str, seed: u8) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let witness = Arc::new(Self {
            name: name.to_owned(),
            pair: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap(),
            address: listener.local_addr().unwrap(),
            state: Mutex::new(Seen {
                conduct: Conduct::Honest,
                by_origin: BTreeMap::new(),
                statuses: Vec::new(),
            }),
        });
        let router = Router::new()
            .route("/w/add-checkpoint", post(add_checkpoint))
            .with_state(Arc::clone(&witness));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        witness
    }

    fn key_bytes(&self) -> Vec<u8> {
        [&[4][..], self.pair.public_key().as_ref()].concat()
    }

    fn id(&self) -> [u8; 4] {
        let hashed = [self.name.as_bytes(), b"\n", &self.key_bytes()].concat();
        Sha256::digest(hashed)[..4].try_into().unwrap()
    }

    fn key(&self) -> VerifierKey {
        let id = data_encoding::HEXLOWER.encode(&self.id());
        let text = format!("{}+{id}+{}", self.name, BASE64.encode(&self.key_bytes()));
        text.parse().unwrap()
    }

    fn settings(&self) -> WitnessSettings {
        WitnessSettings {
            key: self.key(),
            url: format!("http://{}/w/", self.address).parse().unwrap(),
            ca_file: None,
            allow_addresses: vec!["127.0.0.0/8".parse().unwrap()],
        }
    }

    fn conducts(&self, conduct: Conduct) {
        self.state.lock().unwrap().conduct = conduct;
    }

    fn cosignature(&self, body: &str) -> String {
        let time = 1_800_000_000_u64;
        let message = format!("cosignature/v1\ntime {time}\n{body}");
        let signature = self.pair.sign(message.as_bytes());
        let bytes = [&self.id()[..], &time.to_be_bytes(), signature.as_ref()].concat();
        format!("— {} {}\n", self.name, BASE64.encode(&bytes))
    }

    fn answer(&self, text: &str) -> (StatusCode, String) {
        let (head, note) = text.split_once("\n\n").unwrap();
        let mut lines = head.lines();
        let old: u64 = lines
            .next()
            .unwrap()
            .strip_prefix("old ")
            .unwrap()
            .parse()
            .unwrap();
        let proof: Vec<RootHash> = lines.map(|line| line.parse().unwrap()).collect();
        let checkpoint = SignedCheckpoint::parse(note.as_bytes()).unwrap();
        let head = checkpoint.unverified();
        let mut state = self.state.lock().unwrap();
        let empty = (TreeSize(0), comity::decision_log::merkle::empty_root());
        let origin = head.origin.to_string();
        let (size, root) = state.by_origin.get(&origin).copied().unwrap_or(empty);
        if old != size.0 {
            return (StatusCode::CONFLICT, format!("{size}\n"));
        }
        let proven = ConsistencyProof(proof).verify((head.size, &head.root), (size, &root));
        if proven.is_err() {
            return (StatusCode::UNPROCESSABLE_ENTITY, String::new());
        }
        state.by_origin.insert(origin, (head.size, head.root));
        (StatusCode::OK, self.cosignature(&head.body()))
    }
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: String) -> Response {
    let conduct = witness.state.lock().unwrap().conduct;
    let (status, text) = match conduct {
        Conduct::Honest => witness.answer(&body),
        Conduct::Silent => {
            std::future::pending::<()>().await;
            (StatusCode::OK, String::new())
        }
        Conduct::Forging => (StatusCode::OK, witness.cosignature("another\n1\nAAAA\n")),
    };
    witness.state.lock().unwrap().statuses.push(status.as_u16());
    (status, [(CONTENT_TYPE, "text/x.tlog.size")], text).into_response()
}

/// Waits until the status of the log is as wanted.
async fn status(service: &TestService, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..2_000 {
        last = service.get("/v1/log", "auditor").await.body;
        if last["published"] == last["durable"] && wanted(&last) {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{last}");
}

async fn witnessed(witnesses: &[&Arc<Witness>], wanted: Option<usize>) -> TestService {
    TestService::start_with(|settings| {
        settings.published_log.witnesses = witnesses.iter().map(|it| it.settings()).collect();
        settings.published_log.witnesses_wanted = wanted;
    })
    .await
}

fn cosigned(status: &Value) -> Vec<&str> {
    let names = status["cosigned_by"].as_array().unwrap().iter();
    names.map(|name| name.as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_checkpoint_is_published_with_the_cosignatures_of_its_witnesses() {
    let one = Witness::start("witness.example/w1", 1).await;
    let two = Witness::start("witness.example/w2", 2).await;
    let service = witnessed(&[&one, &two], None).await;
    for _ in 0..3 {
        service.submit(&membership(&[OFFICER])).await;
        let all = ["witness.example/w1", "witness.example/w2"];
        let status = status(&service, |status| cosigned(status) == all).await;
        assert_eq!(status["witnesses_wanted"], 2);
        assert_eq!(status["uncosigned"], Value::Null);
    }
    let status = status(&service, |_| true).await;
    let (key, token) = (
        status["keys"][0].as_str().unwrap(),
        service.token_file("auditor"),
    );
    let log = format!("{}/log", service.url());
    let (w1, w2) = (one.key().to_string(), two.key().to_string());
    let arguments = [
        "log",
        "verify",
        &log,
        "--key",
        key,
        "--token-file",
        token.to_str().unwrap(),
        "--witness",
        &w1,
        "--witness",
        &w2,
        "--witnesses-wanted",
        "2",
    ];
    let ended = comity_aside(&arguments).await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended
            .out
            .contains("cosigned by witness.example/w1, witness.example/w2"),
        "{}",
        ended.out
    );
    // The first call learns the size, each later one begins where the one before ended.
    let statuses = one.state.lock().unwrap().statuses.clone();
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
}

/// The log is published all the same, and says who did not cosign and why; once they do, it is published with that.
#[tokio::test]
async fn a_witness_that_does_not_answer_holds_nothing_up() {
    let one = Witness::start("witness.example/w1", 1).await;
    let two = Witness::start("witness.example/w2", 2).await;
    let three = Witness::start("witness.example/w3", 3).await;
    two.conducts(Conduct::Silent);
    three.conducts(Conduct::Forging);
    let service = witnessed(&[&one, &two, &three], Some(2)).await;
    let told = status(&service, |status| {
        cosigned(status) == ["witness.example/w1"]
    })
    .await;
    let reasons = told["uncosigned"].as_array().unwrap();
    assert_eq!(reasons.len(), 2, "{told}");
    assert_eq!(reasons[0]["witness"], "witness.example/w2");
    assert_eq!(reasons[1]["witness"], "witness.example/w3");
    let forged = reasons[1]["reason"].as_str().unwrap();
    assert!(forged.contains("no cosignature by its key"), "{forged}");
    two.conducts(Conduct::Honest);
    let both = ["witness.example/w1", "witness.example/w2"];
    service.submit(&membership(&[OFFICER])).await;
    status(&service, |status| cosigned(status) == both).await;
}

/// What another witness saw before this service knew it is taken up from there.
#[tokio::test]
async fn a_witness_names_what_it_saw_last_and_is_given_the_proof_from_there() {
    let one = Witness::start("witness.example/w1", 1).await;
    let mut service = witnessed(&[&one], None).await;
    status(&service, |status| cosigned(status).len() == 1).await;
    service.stop().await;
    one.state.lock().unwrap().statuses.clear();
    service.resume().await.unwrap();
    service.submit(&membership(&[OFFICER])).await;
    status(&service, |status| cosigned(status).len() == 1).await;
    let statuses = one.state.lock().unwrap().statuses.clone();
    assert!(statuses.starts_with(&[409, 200]), "{statuses:?}");
}

/// A backup that is too old is found out by who saw more, even if nothing in the directory tells.
#[tokio::test]
async fn a_log_that_a_witness_has_seen_more_of_is_not_published_any_more() {
    let one = Witness::start("witness.example/w1", 1).await;
    let service = witnessed(&[&one], None).await;
    let before = status(&service, |status| cosigned(status).len() == 1).await;
    for (size, _) in one.state.lock().unwrap().by_origin.values_mut() {
        size.0 += 1_000;
    }
    service.submit(&membership(&[OFFICER])).await;
    for _ in 0..2_000 {
        let now = service.get("/v1/log", "auditor").await.body;
        if let Some(trouble) = now["trouble"].as_str() {
            assert!(trouble.contains("are lost"), "{trouble}");
            assert_eq!(now["published"], before["published"]);
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nobody was told");
}

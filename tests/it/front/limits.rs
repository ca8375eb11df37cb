//! How much and how long the service takes from those who call.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::support::OFFICER;
use super::support::TestService;
use super::support::membership;
use super::support::with;

/// Short enough for a test, long enough for a request.
const SHORT: Duration = Duration::from_millis(300);
/// Longer than any test: a limit that is not meant.
const LONG: Duration = Duration::from_hours(1);

impl TestService {
    async fn connect(&self) -> TcpStream {
        let address = self.url();
        let address = address.strip_prefix("http://").unwrap();
        TcpStream::connect(address).await.unwrap()
    }

    /// The head of a request of the ACM server, without its end.
    fn half_a_head(&self) -> String {
        let token = std::fs::read_to_string(self.settings().data_directory.join("operator.token"));
        let token = token.unwrap();
        format!(
            "POST /v1/requests HTTP/1.1\r\nhost: comity\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n",
            token.trim()
        )
    }
}

/// Everything that comes until the connection is closed.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end too.
    drop(stream.read_to_end(&mut bytes).await);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_never_ends_is_cut_off() {
    let service = TestService::start_with(|settings| {
        settings.http.head_max = SHORT;
        settings.http.idle_max = LONG;
    })
    .await;
    let beginnings = [
        // Nothing at all, half a line, half a head; half of what HTTP/2 begins with, and all of it.
        "",
        "PO",
        &service.half_a_head(),
        "PRI * HTTP/2.0\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for beginning in beginnings {
        let mut stream = service.connect().await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let answered = rest(stream).await;
        assert!(!answered.contains("HTTP/1.1"), "{beginning}: {answered}");
        assert_eq!(service.submit(&membership(&[OFFICER])).await.status, 202);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_drips_is_cut_off_too() {
    let service = TestService::start_with(|settings| settings.http.head_max = SHORT).await;
    let (mut read, mut write) = service.connect().await.into_split();
    let head = service.half_a_head();
    let dripping = tokio::spawn(async move {
        for byte in head.bytes().chain(std::iter::repeat(b'a')) {
            if write.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let mut bytes = Vec::new();
    drop(read.read_to_end(&mut bytes).await);
    assert!(bytes.is_empty());
    dripping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_asks_for_nothing_more_is_closed() {
    let service = TestService::start_with(|settings| {
        settings.http.head_max = LONG;
        settings.http.idle_max = SHORT;
    })
    .await;
    let mut stream = service.connect().await;
    let request = "GET /livez HTTP/1.1\r\nhost: comity\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let answered = rest(stream).await;
    assert!(answered.ends_with("alive\n"), "{answered}");
    // The same with half of another request.
    let mut stream = service.connect().await;
    let more = format!("{request}{}", service.half_a_head());
    stream.write_all(more.as_bytes()).await.unwrap();
    let answered = rest(stream).await;
    assert_eq!(answered.matches("HTTP/1.1 200").count(), 1, "{answered}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_ends_is_refused() {
    let service = TestService::start_with(|settings| {
        settings.http.body_max = SHORT;
        settings.http.head_max = LONG;
        settings.http.idle_max = LONG;
    })
    .await;
    let size = service.log_size().await;
    let mut stream = service.connect().await;
    let head = service.half_a_head();
    let whole = format!("{head}content-length: 100\r\n\r\n{{\"operation\":");
    stream.write_all(whole.as_bytes()).await.unwrap();
    let answered = rest(stream).await;
    assert!(answered.starts_with("HTTP/1.1 408"), "{answered}");
    assert!(
        answered.contains("urn:comity:problem:body-timeout"),
        "{answered}"
    );
    assert_eq!(service.log_size().await, size);
    assert_eq!(service.submit(&membership(&[OFFICER])).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_says_itself_too_long_is_not_waited_for() {
    let service = TestService::start_with(|settings| {
        settings.http.body_bytes_max = 100_000;
        settings.http.body_max = LONG;
    })
    .await;
    let mut stream = service.connect().await;
    let head = service.half_a_head();
    let begun = format!("{head}connection: close\r\ncontent-length: 100001\r\n\r\n{{");
    stream.write_all(begun.as_bytes()).await.unwrap();
    let answered = rest(stream).await;
    assert!(answered.starts_with("HTTP/1.1 413"), "{answered}");
    assert!(
        answered.contains("the body is 100001 bytes long"),
        "{answered}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn more_connections_than_there_are_places_wait_for_one() {
    let service = TestService::start_with(|settings| {
        settings.http.connections_max = 4;
        settings.http.head_max = SHORT;
    })
    .await;
    let mut hanging = JoinSet::new();
    for _ in 0..12 {
        let stream = service.connect().await;
        hanging.spawn(rest(stream));
    }
    // Behind them all, and served all the same.
    assert_eq!(service.submit(&membership(&[OFFICER])).await.status, 202);
    assert!(hanging.join_all().await.iter().all(String::is_empty));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_hangs_on_keeps_the_service_from_stopping() {
    let mut service = TestService::start_with(|settings| {
        settings.http.head_max = LONG;
        settings.http.idle_max = LONG;
    })
    .await;
    let mut silent = service.connect().await;
    let half = service.half_a_head();
    silent.write_all(half.as_bytes()).await.unwrap();
    let kept = service.connect().await;
    service.stop().await;
    assert_eq!(rest(kept).await, "");
    assert_eq!(rest(silent).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_asks_only_so_often_without_consequence() {
    let service = TestService::start_with(|settings| settings.dry_runs_per_minute_max = 3).await;
    let request = membership(&[OFFICER]);
    for _ in 0..3 {
        let tried = service.post("/v1/decisions", "acms", &request).await;
        assert_eq!(tried.status, 200, "{}", tried.text);
    }
    let refused = service.post("/v1/decisions", "acms", &request).await;
    assert_eq!(refused.problem(), (429, "too-many-dry-runs"));
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=20).contains(&seconds), "{seconds}");
    // Others are not held back, nor is what has consequences.
    let others = service
        .post("/v1/decisions", "security-officer", &request)
        .await;
    assert_eq!(others.status, 200, "{}", others.text);
    assert_eq!(service.submit(&request).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn nesting_is_as_deep_as_chosen() {
    let service = TestService::start_empty(|settings| settings.http.wire.nesting = 2).await;
    let request = membership(&[OFFICER]);
    let answer = service.post("/v1/requests", "acms", &request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let deeper = with(&request, "/members", json!([[OFFICER]]));
    let refused = service.post("/v1/requests", "acms", &deeper).await;
    assert_eq!(refused.problem(), (400, "malformed-body"));
    assert_eq!(refused.pointers(), ["/members/0"]);
}

//! What the clock does to what waits.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use comity::app::clock::SystemClock;
use comity::app::clock::WallClock;
use comity::domain::time::Timestamp;
use serde_json::json;

use super::support::DISPATCHER;
use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::denial;
use super::support::eventually;
use super::support::membership;
use super::support::with;

const HOUR: i64 = 3_600_000;

/// A clock that goes only when it is told.
#[derive(Clone)]
pub(crate) struct Hands(Arc<(AtomicI64, AtomicI64)>);

impl Hands {
    pub(crate) fn new() -> Self {
        let now = SystemClock::default().wall_milliseconds();
        Self(Arc::new((AtomicI64::new(now), AtomicI64::new(0))))
    }

    /// When it will be so much later.
    pub(crate) fn moment(&self, milliseconds: i64) -> String {
        let now = self.wall_milliseconds();
        Timestamp::from_milliseconds(now + milliseconds).to_string()
    }

    pub(crate) fn pass(&self, milliseconds: i64) {
        self.0.1.fetch_add(milliseconds, Ordering::SeqCst);
        self.jump(milliseconds);
    }

    pub(crate) fn jump(&self, milliseconds: i64) {
        self.0.0.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl WallClock for Hands {
    fn wall_milliseconds(&self) -> i64 {
        self.0.0.load(Ordering::SeqCst)
    }

    fn steady_milliseconds(&self) -> i64 {
        self.0.1.load(Ordering::SeqCst)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_cannot_be_approved() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    // A little at a time, as time goes: nothing here is a jump.
    for _ in 0..(5 * HOUR / 4_000) {
        hands.pass(4_000);
    }
    let refused = service.respond(&path, &approval()).await;
    assert_eq!(refused.problem(), (409, "not-pending"), "{}", refused.text);
    let read = eventually("the expiry", async || {
        let read = service.get(&path, "reviewer").await;
        (read.items("/state") == ["expired"]).then_some(read)
    })
    .await;
    assert_eq!(read.body["status"], "rejected");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_clock_has_just_jumped_nothing_expires_and_nothing_late_is_approved() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    assert_eq!(metric(&service).await, "1");
    let read = service.get(&path, "reviewer").await;
    assert!(read.body.get("expiry_paused").is_none(), "{}", read.text);
    hands.jump(5 * HOUR);
    let ready = service.get("/readyz", "without token").await;
    assert_eq!(ready.status, 200, "{}", ready.text);
    assert_eq!(ready.body["clock_jump"]["milliseconds"], 5 * HOUR);
    assert_eq!(metric(&service).await, "0");
    let size = service.log_size().await;
    for answer in [
        approval(),
        denial(),
        with(&approval(), "/items", json!([0])),
    ] {
        let refused = service.respond(&path, &answer).await;
        assert_eq!(
            refused.problem(),
            (503, "clock-unsettled"),
            "{}",
            refused.text
        );
        let seconds: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        assert!(refused.text.contains("18000000 ms"), "{}", refused.text);
    }
    assert_eq!(service.log_size().await, size);
    // It waits still, and whoever looks is told that nothing expires.
    let read = service.get(&path, "reviewer").await;
    assert_eq!(read.items("/state"), ["pending"]);
    assert_eq!(read.body["expiry_paused"]["milliseconds"], 5 * HOUR);
    assert!(read.body["expiry_paused"]["since"].as_str().is_some());
    let list = format!("/v1/reviews?can=answer&reviewer={DISPATCHER}");
    let listed = service.get(&list, "reviewer").await;
    assert_eq!(listed.items("/item/state"), ["pending"], "{}", listed.text);
    assert_eq!(listed.body["expiry_paused"], read.body["expiry_paused"]);
    // What is in time by either clock can be answered all the same.
    let fresh = service.submit_held(&membership(&[OFFICER])).await;
    assert_eq!(service.respond(&fresh, &denial()).await.status, 200);
    // It stays ahead: what is overdue is, and expires by itself.
    settle(&hands);
    eventually("the expiry", async || {
        let read = service.get(&path, "reviewer").await;
        (read.items("/state") == ["expired"] && read.header("etag") == "\"r2\"").then_some(())
    })
    .await;
    let refused = service.respond(&path, &approval()).await;
    assert_eq!(refused.problem(), (409, "not-pending"), "{}", refused.text);
    let ready = service.get("/readyz", "without token").await;
    assert!(ready.body.get("clock_jump").is_none(), "{}", ready.text);
    let listed = service.get(&list, "reviewer").await;
    assert!(
        listed.body.get("expiry_paused").is_none(),
        "{}",
        listed.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_that_is_taken_back_leaves_nothing_behind() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let other = service.submit_held(&membership(&[OFFICER])).await;
    let first = service.submit_held(&membership(&[OFFICER])).await;
    assert_eq!(service.respond(&first, &approval()).await.status, 200);
    let unwanted = service.submit_held(&membership(&[OFFICER])).await;
    let doubted = service.submit_held(&membership(&[OFFICER])).await;
    hands.jump(5 * HOUR);
    // Whoever wants no longer what may still wait takes nothing by it.
    let withdrawal = json!({ "reason": "not needed" });
    let withdrawn = service
        .post(&format!("{doubted}/withdrawal"), "acms", &withdrawal)
        .await;
    assert_eq!(withdrawn.body["status"], "withdrawn", "{}", withdrawn.text);
    let refused = service.respond(&path, &approval()).await;
    assert_eq!(
        refused.problem(),
        (503, "clock-unsettled"),
        "{}",
        refused.text
    );
    // The log has a time of then by now; it goes no further back.
    let late = service.submit_held(&membership(&[OFFICER])).await;
    let late = service.get(&late, "reviewer").await.body;
    hands.pass(20_000);
    hands.jump(-5 * HOUR);
    let withdrawn = service
        .post(&format!("{unwanted}/withdrawal"), "acms", &withdrawal)
        .await;
    assert_eq!(withdrawn.body["status"], "withdrawn", "{}", withdrawn.text);
    let answered = service.respond(&path, &approval()).await;
    assert_eq!(answered.items("/state"), ["granted"], "{}", answered.text);
    let next = service.submit_held(&membership(&[OFFICER])).await;
    let read = service.get(&next, "reviewer").await.body;
    assert!(read["decided_at"].as_str() >= late["decided_at"].as_str());
    assert_eq!(service.respond(&next, &denial()).await.status, 200);
    // Settled, the other still waits.
    settle(&hands);
    let ready = eventually("that the clock has settled", async || {
        let ready = service.get("/readyz", "without token").await;
        ready.body.get("clock_jump").is_none().then_some(ready)
    })
    .await;
    assert_eq!(ready.status, 200);
    // A round of the housekeeping: what the first grant obliged to is told to be overdue, and nothing expires.
    let size = service.log_size().await;
    for _ in 0..(HOUR / 4_000) {
        hands.pass(4_000);
    }
    eventually("a round of the housekeeping", async || {
        (service.log_size().await > size).then_some(())
    })
    .await;
    let read = service.get(&other, "reviewer").await;
    assert_eq!(read.items("/state"), ["pending"], "{}", read.text);
    assert_eq!(read.header("etag"), "\"r1\"");
    let granted = service.get(&first, "acms").await;
    assert_eq!(granted.body["obligations"][0]["overdue"], true);
    assert_eq!(service.respond(&other, &approval()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_falls_back_lets_nothing_late_through() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    // To four seconds before it expires, and then an hour back.
    for _ in 0..(4 * HOUR / 4_000 - 1) {
        hands.pass(4_000);
    }
    service.now().await;
    hands.jump(-HOUR);
    service.now().await;
    for _ in 0..3 {
        hands.pass(4_000);
    }
    let refused = service.respond(&path, &approval()).await;
    assert_eq!(
        refused.problem(),
        (503, "clock-unsettled"),
        "{}",
        refused.text
    );
    let read = service.get(&path, "reviewer").await;
    assert_eq!(read.items("/state"), ["pending"], "{}", read.text);
}

/// More than a minute, by and by.
fn settle(hands: &Hands) {
    for _ in 0..16 {
        hands.pass(4_000);
    }
}

async fn metric(service: &TestService) -> String {
    let metrics = service.get("/metrics", "operator").await;
    let value = metrics
        .text
        .lines()
        .find_map(|line| line.strip_prefix("comity_clock_settled "));
    value.unwrap().to_owned()
}

impl TestService {
    /// Has the service read its clock.
    async fn now(&self) {
        let ready = self.get("/readyz", "without token").await;
        assert_eq!(ready.status, 200, "{}", ready.text);
    }
}

//! What the clock does to what waits.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use comity::app::clock::SystemClock;
use comity::app::clock::WallClock;
use comity::domain::time::Timestamp;
use serde_json::json;

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
    hands.jump(5 * HOUR);
    let ready = service.get("/readyz", "without token").await;
    assert_eq!(ready.status, 200, "{}", ready.text);
    assert_eq!(ready.body["clock_jump"]["milliseconds"], 5 * HOUR);
    for answer in [
        approval(),
        denial(),
        with(&approval(), "/items", json!([0])),
    ] {
        let refused = service.respond(&path, &answer).await;
        assert_eq!(refused.problem(), (409, "not-pending"), "{}", refused.text);
        assert_eq!(refused.body["current"]["states"], json!(["expired"]));
        assert_eq!(refused.body["current"]["status"], "rejected");
    }
    for view in ["", "?view=partner"] {
        let read = service.get(&format!("{path}{view}"), "reviewer").await;
        assert_eq!(read.body["status"], "rejected", "{}", read.text);
        assert!(!read.text.contains("\"pending\""), "{}", read.text);
    }
    let read = service.get(&path, "reviewer").await;
    assert_eq!(read.items("/state"), ["expired"]);
    assert_eq!(read.header("etag"), "\"r1\"", "no entry says it yet");

    // Back again: the time of the log does not follow, and nothing is lost.
    let late = service.submit_held(&membership(&[OFFICER])).await;
    let late = service.get(&late, "reviewer").await.body;
    hands.jump(-5 * HOUR);
    let next = service.submit_held(&membership(&[OFFICER])).await;
    let read = service.get(&next, "reviewer").await.body;
    assert!(read["decided_at"].as_str() >= late["decided_at"].as_str());
    assert_eq!(service.respond(&next, &denial()).await.status, 200);

    // Settled, what is overdue expires by itself.
    hands.pass(61_000);
    eventually("the expiry", async || {
        let read = service.get(&path, "reviewer").await;
        (read.items("/state") == ["expired"]).then_some(())
    })
    .await;
    let ready = service.get("/readyz", "without token").await;
    assert!(ready.body.get("clock_jump").is_none(), "{}", ready.text);
}

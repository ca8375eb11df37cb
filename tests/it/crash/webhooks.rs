//! `kill -9` of a service that sends events: after what was sequenced and before it is sent, and after it was sent and
//! before that is noted.

#![cfg(test)]

use std::fs;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;

use super::PATIENCE;
use super::home::Home;
use super::load::Operator;
use super::random::Random;
use super::receiver;
use super::receiver::Receiver;
use super::receiver::Reply;
use super::rounds;
use super::service::Service;
use super::tell;

/// A service with a webhook for everything.
struct Sending {
    home: Home,
    receiver: Receiver,
    kills: usize,
    next: u64,
}

impl Sending {
    async fn begin() -> Self {
        let receiver = Receiver::start().await;
        let home = Home::new();
        receiver.configure(&home, "");
        let service = Service::start(&home);
        service.import(&home);
        let operator = Operator::of(&service);
        operator.set_agreement("active").await.unwrap();
        let sending = Self {
            home,
            receiver,
            kills: 0,
            next: 0,
        };
        // What the beginning makes is sent and noted before anything is tried.
        sending.wait_for_all(&operator).await;
        service.kill();
        sending
    }

    /// Submits so many requests.
    async fn submit(&mut self, operator: &Operator, count: u64) {
        for _ in 0..count {
            operator.submit_number(self.next).await;
            self.next += 1;
        }
    }

    fn kill(&mut self, service: Service) {
        service.kill();
        self.kills += 1;
    }

    /// What the service noted last.
    fn noted(&self) -> String {
        let note = self.home.data().join("webhooks/campaign.json");
        let note: Value = serde_json::from_slice(&fs::read(note).unwrap()).unwrap();
        note["after"].as_str().unwrap().to_owned()
    }

    fn sent(&self) -> Vec<String> {
        let deliveries = self.receiver.deliveries();
        let deliveries = deliveries.borrow();
        let ids = deliveries.iter().map(|it| it.event["id"].as_str().unwrap());
        ids.map(str::to_owned).collect()
    }

    /// Waits until everything was sent; tells the last event.
    async fn wait_for_all(&self, operator: &Operator) -> String {
        let begun = Instant::now();
        loop {
            let applied = operator.get("/readyz").await["applied"].as_u64().unwrap();
            let webhooks = operator.get("/v1/webhooks").await;
            let cursor = webhooks["webhooks"][0]["cursor"].as_str().unwrap();
            let entry = cursor.split_once('-').map_or(cursor, |(entry, _)| entry);
            if entry.parse::<u64>().unwrap() + 1 == applied {
                return cursor.to_owned();
            }
            assert!(begun.elapsed() < PATIENCE, "{webhooks}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Starts again: what happened is sent, all of it, in order.
    async fn restart_and_check(&mut self) {
        let service = Service::start(&self.home);
        let operator = Operator::of(&service);
        // A request that is refused makes one event, so that the end of the log is the end of what is sent.
        self.submit(&operator, 4 - self.next % 4).await;
        let last = self.wait_for_all(&operator).await;
        let events = operator.events(&last).await;
        receiver::check(&self.receiver.deliveries().borrow(), &events, self.kills);
        // The note is written after that; then nothing else is written any more.
        let begun = Instant::now();
        while self.noted() != last {
            assert!(begun.elapsed() < PATIENCE, "{last} is never noted");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let files = fs::read_dir(self.home.data().join("webhooks")).unwrap();
        let files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        service.kill();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sequenced_when_the_service_was_killed_is_sent_by_the_next() {
    let mut sending = Sending::begin().await;
    sending.receiver.will([Reply::Silence]);
    let service = Service::start(&sending.home);
    let operator = Operator::of(&service);
    let noted = sending.noted();
    let sent = sending.sent().len();
    sending.submit(&operator, 8).await;
    let silent = |delivery: &receiver::Delivery| delivery.reply == Reply::Silence;
    sending.receiver.until(silent).await;
    sending.kill(service);
    // The first was sent and the others were not; of none is anything noted.
    assert_eq!(sending.sent().len(), sent + 1);
    assert_eq!(sending.noted(), noted);
    sending.restart_and_check().await;
    let ids = sending.sent();
    assert_eq!(ids[sent], ids[sent + 1], "what nobody noted is sent again");
    assert!(ids.len() >= sent + 10, "{ids:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_when_the_service_was_killed_is_sent_once_more_at_the_most() {
    let mut random = Random::new();
    let mut sending = Sending::begin().await;
    let (mut noted, mut unnoted) = (0, 0);
    let all = rounds(4, 50);
    for _ in 0..all {
        let service = Service::start(&sending.home);
        let operator = Operator::of(&service);
        let sent = sending.sent().len();
        let count = random.within(1..6);
        let nth = sent + usize::try_from(random.within(1..count + 1)).unwrap();
        sending.submit(&operator, count).await;
        let mut deliveries = sending.receiver.deliveries();
        let arrived = deliveries.wait_for(|deliveries| deliveries.len() >= nth);
        drop(tokio::time::timeout(PATIENCE, arrived).await.unwrap());
        // Long enough at times for the note, and for what comes after it.
        tokio::time::sleep(Duration::from_micros(random.within(0..2_000))).await;
        sending.kill(service);
        let is_noted = sending.sent().last() == Some(&sending.noted());
        noted += usize::from(is_noted);
        unnoted += usize::from(!is_noted);
        sending.restart_and_check().await;
        // The check ends with a kill of its own, with nothing left to do.
        sending.kills += 1;
    }
    tell(&format!(
        "kill -9 while events are sent: {all} rounds, {} messages, killed {unnoted} times before the last was noted, \
         {noted} times after",
        sending.sent().len()
    ));
}

//! Every fault is found, and what is explained is not a fault.

use std::time::{Duration, Instant};

use crate::plan::{What, Whom};

use super::{Delivery, Entry, Happening, Ledger};

const TO: &str = "s0n0r0-a@example.com";
const SECOND: Duration = Duration::from_secs(1);

struct Case {
    ledger: Ledger,
    start: Instant,
}

impl Case {
    fn new() -> Self {
        let case = Self {
            ledger: Ledger::default(),
            start: Instant::now(),
        };
        let entry = Entry {
            acknowledged: Some(case.start),
            ..Entry::default()
        };
        case.ledger.pages().entries.insert(TO.to_owned(), entry);
        case
    }

    fn delivered(self, seconds: u32, router: usize, gateway: usize) -> Self {
        let begun = self.start + SECOND * seconds;
        let delivery = Delivery {
            begun,
            at: begun + SECOND / 10,
            router: Some(router),
            gateway: Some(gateway),
            by: "them".to_owned(),
        };
        let mut pages = self.ledger.pages();
        pages.entries.get_mut(TO).unwrap().deliveries.push(delivery);
        drop(pages);
        self
    }

    fn trouble(self, whom: Whom, what: What, seconds: [u32; 2]) -> Self {
        let [begun, ended] = seconds.map(|seconds| self.start + SECOND * seconds);
        let happening = Happening {
            whom,
            what,
            begun,
            ended: Some(ended),
        };
        self.ledger.pages().troubles.push(happening);
        self
    }

    #[track_caller]
    fn finds(self, words: &str) {
        let account = self.ledger.close();
        let faults = account.faults();
        assert!(faults.len() == 1 && faults[0].contains(words), "{faults:?}");
        assert!(!account.is_balanced());
    }

    #[track_caller]
    fn finds_nothing(self) {
        let account = self.ledger.close();
        assert!(account.is_balanced(), "{:?}", account.faults());
    }
}

const KILL: What = What::Kill(SECOND);

#[test]
fn what_is_acknowledged_and_does_not_come_is_lost() {
    Case::new().finds("lost");
    Case::new().delivered(0, 0, 0).finds_nothing();
}

#[test]
fn what_is_cancelled_need_not_come_and_comes_by_a_trouble_only() {
    let cancelled = || {
        let case = Case::new();
        let mut pages = case.ledger.pages();
        let entry = pages.entries.get_mut(TO).unwrap();
        (entry.acknowledged, entry.is_cancelled) = (None, true);
        drop(pages);
        // At least one recipient must be acknowledged.
        case.ledger.expect(&["other".to_owned()], "other");
        case.ledger.acknowledged("other", "");
        let delivery = Delivery::new(case.start, "", "Subject: other");
        let mut pages = case.ledger.pages();
        pages
            .entries
            .get_mut("other")
            .unwrap()
            .deliveries
            .push(delivery);
        drop(pages);
        case
    };
    cancelled().finds_nothing();
    let delivered = || cancelled().delivered(20, 1, 0);
    delivered().finds("cancelled, and delivered");
    let killed = |whom| delivered().trouble(whom, KILL, [20, 20]);
    killed(Whom::Router(1)).finds_nothing();
    killed(Whom::Router(0)).finds("cancelled, and delivered");
}

#[test]
fn a_second_delivery_needs_a_trouble_of_those_by_whom_it_came() {
    let twice = || Case::new().delivered(20, 1, 0).delivered(23, 2, 1);
    twice().finds("without a trouble");
    let killed = |whom| twice().trouble(whom, KILL, [21, 21]);
    killed(Whom::Router(1)).finds_nothing();
    killed(Whom::Gateway(0)).finds_nothing();
    killed(Whom::Database).finds_nothing();
    killed(Whom::Router(0)).finds("without a trouble");
    // The delivery was recorded long before.
    let late = twice().trouble(Whom::Router(1), KILL, [40, 40]);
    late.finds("without a trouble");
    // The delivery began long afterwards.
    let early = twice().trouble(Whom::Router(1), KILL, [5, 5]);
    early.finds("without a trouble");
    // An agent that is drained finishes the messages that it has sent.
    let drained = twice().trouble(Whom::Router(1), What::Drain, [20, 21]);
    drained.finds("without a trouble");
}

#[test]
fn what_goes_out_long_after_a_stop_is_not_explained_by_it() {
    let stop = |seconds| {
        let case = Case::new().delivered(20, 0, 0).delivered(seconds, 1, 0);
        case.trouble(Whom::Router(1), What::Stop(SECOND * 7), [12, 19])
    };
    stop(21).finds_nothing();
    stop(29).finds("without a trouble");
}

#[test]
fn a_trouble_explains_no_more_than_was_under_way() {
    let case = Case::new().delivered(20, 1, 0);
    let mut case = case.trouble(Whom::Router(1), KILL, [21, 21]);
    for _ in 0..61 {
        case = case.delivered(21, 1, 0);
    }
    case.finds("is to explain 61");
}

#[test]
fn what_nobody_sent_or_is_not_whole_is_found() {
    let delivery = Delivery::new(Instant::now(), "gateway-1-run-0.example", "");
    let ledger = Ledger::default();
    ledger.delivered("x@example.com", delivery.clone(), "");
    assert!(ledger.close().faults()[0].contains("nobody sent"));
    let ledger = Ledger::default();
    ledger.expect(&[TO.to_owned()], "s0n0");
    ledger.delivered(TO, delivery, "Subject: s0n0\r\n\r\n");
    assert!(ledger.close().faults()[0].contains("not what was sent"));
}

#[test]
fn who_has_delivered_it_stands_in_it() {
    let received =
        "Received: from gateway-0-run-0.example\r\n\tby router-2-run-5.example with HTTP";
    let delivery = Delivery::new(Instant::now(), "gateway-1-run-3.example", received);
    assert_eq!((delivery.router, delivery.gateway), (Some(2), Some(1)));
}

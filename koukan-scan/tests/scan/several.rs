//! A scanner that is at several addresses.

use std::net::SocketAddr;

use futures_util::future::join_all;

use super::*;

const FIRST: &str = "192.0.2.1:3310";
const SECOND: &str = "192.0.2.2:3310";
const OK: Manner = Manner::Says("stream: OK\0");

/// Two servers, each with a manner of its own.
#[derive(Clone)]
struct Two {
    manners: Arc<Mutex<[Manner; 2]>>,
    connector: ScriptedConnector,
}

impl Two {
    fn that(first: Manner, second: Manner) -> Self {
        let manners = Arc::new(Mutex::new([first, second]));
        let told = Arc::clone(&manners);
        let connector = ScriptedConnector::new(move |address, io| {
            let index = usize::from(address != FIRST.parse().unwrap());
            let manner = told.lock().unwrap()[index];
            tokio::spawn(serve(io, manner));
        });
        Self { manners, connector }
    }

    fn with(mut self, change: impl FnOnce(ScriptedConnector) -> ScriptedConnector) -> Self {
        self.connector = change(self.connector);
        self
    }

    fn become_that(&self, first: Manner, second: Manner) {
        *self.manners.lock().unwrap() = [first, second];
    }

    /// How many connections there were to each.
    fn connections(&self) -> [usize; 2] {
        let asked = self.connector.asked();
        [FIRST, SECOND].map(|address| {
            let address: SocketAddr = address.parse().unwrap();
            asked.iter().filter(|asked| **asked == address).count()
        })
    }

    fn service(&self, limits: Limits) -> impl MailService + use<> {
        let resolver = ScriptedResolver::new();
        let server = Server::new(FIRST.parse().unwrap())
            .or(SECOND.parse().unwrap())
            .with_network(Arc::new(self.connector.clone()), Arc::new(resolver))
            .with_limits(limits);
        ScanLayer::new(Clamav, server).layer(Script::new())
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_is_asked_and_the_second_where_that_gives_no_answer() {
    let two = Two::that(OK, OK);
    let service = two.service(limits());
    assert_eq!(sent(service, MESSAGE).await.0, Reply::message_accepted());
    assert_eq!(two.connections(), [1, 0]);
    for manner in [
        Manner::HangsUp(12, ""),
        Manner::Says(""),
        Manner::Says("stream: broken ERROR\0"),
    ] {
        let two = Two::that(manner, Manner::Says("stream: Eicar FOUND\0"));
        let (reply, took) = sent(two.service(limits()), MESSAGE).await;
        let infected = "550 5.7.1 message is infected (Eicar)";
        assert_eq!((&*reply.to_string(), took), (infected, Duration::ZERO));
        assert_eq!(two.connections(), [1, 1]);
    }
    let two = Two::that(OK, OK).with(|it| it.with_refused(FIRST.parse().unwrap()));
    let (reply, took) = sent(two.service(limits()), MESSAGE).await;
    assert_eq!((reply, took), (Reply::message_accepted(), Duration::ZERO));
    // A message that is too large for one address is too large for the other.
    let large = Manner::HangsUp(12, "INSTREAM size limit exceeded. ERROR\0");
    let two = Two::that(large, OK);
    let (reply, _) = sent(two.service(limits()), MESSAGE).await;
    assert_eq!(reply.to_string(), "552 5.3.4 message too big to be scanned");
    assert_eq!(two.connections(), [1, 0]);
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_holds_up_a_few_for_a_while_and_then_nobody() {
    let two = Two::that(Manner::Hangs, OK);
    let limits = limits();
    let service = two.service(limits);
    for _ in 0..limits.failures {
        let (reply, took) = sent(service.clone(), MESSAGE).await;
        assert_eq!((reply, took), (Reply::message_accepted(), limits.next));
    }
    for _ in 0..10 {
        let (reply, took) = sent(service.clone(), MESSAGE).await;
        assert_eq!((reply, took), (Reply::message_accepted(), Duration::ZERO));
    }
    assert_eq!(two.connections(), [3, 13]);
    // After the pause one message tries the address and finds it still down: nobody does for
    // another pause.
    for _ in 0..2 {
        tokio::time::advance(limits.pause).await;
        let all = join_all((0..10).map(|_| sent(service.clone(), MESSAGE))).await;
        let late = all.iter().filter(|(_, took)| *took == limits.next).count();
        let at_once = all.iter().filter(|(_, took)| took.is_zero()).count();
        assert_eq!((late, at_once), (1, 9));
        assert!(all.iter().all(|(reply, _)| reply.is_positive()));
    }
    // It is there again, and is asked first.
    two.become_that(OK, Manner::Hangs);
    tokio::time::advance(limits.pause).await;
    for _ in 0..3 {
        let (reply, took) = sent(service.clone(), MESSAGE).await;
        assert_eq!((reply, took), (Reply::message_accepted(), Duration::ZERO));
    }
}

#[tokio::test(start_paused = true)]
async fn many_at_once_are_held_up_no_longer_than_one() {
    let two = Two::that(Manner::Hangs, OK);
    let mut limits = limits();
    limits.at_a_time = 3;
    let service = two.service(limits);
    let all = join_all((0..30).map(|_| sent(service.clone(), MESSAGE))).await;
    for (reply, took) in &all {
        assert_eq!(reply, &Reply::message_accepted());
        assert!(*took <= limits.next, "{took:?}");
    }
    // No more messages than it had turns have waited for it.
    let late = all.iter().filter(|(_, took)| *took == limits.next).count();
    assert_eq!((late, two.connections()), (3, [3, 30]));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_not_made_holds_up_no_longer_either() {
    let two = Two::that(OK, OK).with(|it| it.with_silent(FIRST.parse().unwrap()));
    let mut limits = limits();
    limits.next = Duration::from_secs(2);
    let (reply, took) = sent(two.service(limits), MESSAGE).await;
    assert_eq!((reply, took), (Reply::message_accepted(), limits.next));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_takes_long_anywhere_is_held_against_neither() {
    let long = Duration::from_secs(20);
    let late = Manner::SaysLate("stream: OK\0", long);
    let two = Two::that(late, late);
    let limits = limits();
    let service = two.service(limits);
    for count in 1..=3 * limits.failures as usize {
        let (reply, took) = sent(service.clone(), MESSAGE).await;
        assert_eq!((reply, took), (Reply::message_accepted(), long));
        assert_eq!(two.connections(), [count, count]);
    }
}

#[tokio::test(start_paused = true)]
async fn while_one_is_busy_the_other_looks_at_messages() {
    let second = Duration::from_secs(1);
    let late = Manner::SaysLate("stream: OK\0", second);
    let two = Two::that(late, late);
    let mut limits = limits();
    limits.at_a_time = 2;
    let service = two.service(limits);
    let all = join_all((0..4).map(|_| sent(service.clone(), MESSAGE))).await;
    assert!(all.iter().all(|(_, took)| *took == second), "{all:?}");
    assert_eq!(two.connections(), [2, 2]);
}

#[tokio::test(start_paused = true)]
async fn where_all_hang_it_is_told_after_the_time_of_the_last() {
    let two = Two::that(Manner::Hangs, Manner::Hangs);
    let limits = limits();
    let service = two.service(limits);
    let (reply, took) = sent(service.clone(), MESSAGE).await;
    let last = limits.next + limits.whole;
    assert_eq!((reply, took), (Reply::scanner_unavailable(), last));
    for _ in 1..limits.failures {
        sent(service.clone(), MESSAGE).await;
    }
    let (reply, took) = sent(service, MESSAGE).await;
    assert_eq!(
        (reply, took),
        (Reply::scanner_unavailable(), Duration::ZERO)
    );
}

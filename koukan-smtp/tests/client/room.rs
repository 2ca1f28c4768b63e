//! Hosts that have room for few connections.

use std::{
    fmt,
    future::pending,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join_all;
use koukan_core::{
    network::{BoxWire, Connector},
    signals::{Destination, HostPort},
    transaction::Transaction,
};
use koukan_smtp::client::{ClientSettings, PoolSettings, SmtpEndpoint};
use rstest::rstest;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex},
    time::{Instant, sleep},
};
use tower::ServiceExt;

use super::{net::Net, sending::send};

const MINUTE: Duration = Duration::from_secs(60);
/// How long the server takes for a message.
const WORK: Duration = Duration::from_millis(500);

/// When a server says that it has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Connect,
    /// Not at all: a connection never comes about.
    Never,
    Greeting,
    GreetingWithout421,
    Ehlo,
    Mail,
    /// It says nothing to MAIL.
    Later,
    /// It has room, and closes the connection of who sends as `bad`.
    Sender,
    /// This process has no descriptor for more.
    Descriptors,
}

/// A host that serves so many connections at a time. Others are refused.
struct Few {
    room: AtomicUsize,
    at: At,
    now: AtomicUsize,
    most: AtomicUsize,
    refused: AtomicUsize,
}

#[derive(Clone)]
pub(crate) struct Host(Arc<Few>);

impl Host {
    pub(crate) fn new(room: usize, at: At) -> Self {
        Self(Arc::new(Few {
            room: room.into(),
            at,
            now: 0.into(),
            most: 0.into(),
            refused: 0.into(),
        }))
    }

    pub(crate) fn endpoint(&self, hosts: &[&str]) -> SmtpEndpoint {
        self.endpoint_with(hosts, |_| ())
    }

    pub(crate) fn endpoint_with(
        &self,
        hosts: &[&str],
        change: impl FnOnce(&mut PoolSettings),
    ) -> SmtpEndpoint {
        let mut pool = PoolSettings::default();
        change(&mut pool);
        let settings = ClientSettings::new("me.example").unwrap();
        let hosts = hosts.iter().map(|host| host.parse().unwrap());
        let settings = settings.with_hosts(hosts.collect::<Vec<_>>());
        let settings = settings.with_pool(pool);
        SmtpEndpoint::with_network(settings, Arc::new(self.clone()), Arc::new(Net::default()))
    }

    pub(crate) fn refused(&self) -> usize {
        self.0.refused.swap(0, Ordering::Relaxed)
    }

    /// Has room for so many from now on.
    pub(crate) fn set_room(&self, room: usize) {
        self.0.room.store(room, Ordering::Relaxed);
    }

    /// Most connections that were served at a time since this was asked last.
    pub(crate) fn most(&self) -> usize {
        self.0.most.swap(0, Ordering::Relaxed)
    }

    async fn serve(self, io: DuplexStream, is_served: bool) {
        let _ = self.converse(io, is_served).await;
        if is_served {
            self.0.now.fetch_sub(1, Ordering::Relaxed);
        }
    }

    async fn converse(&self, io: DuplexStream, is_served: bool) -> io::Result<()> {
        let refuses = |at| !is_served && self.0.at == at;
        let mut io = BufReader::new(io);
        if refuses(At::Greeting) {
            return io.write_all(b"421 4.7.0 too many connections\r\n").await;
        }
        if refuses(At::GreetingWithout421) {
            return io.write_all(b"450 4.7.0 not now\r\n").await;
        }
        io.write_all(b"220 mx.example\r\n").await?;
        let mut is_content = false;
        loop {
            let mut line = String::new();
            if io.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let verb = line.get(..4).unwrap_or_default();
            let reply = match (is_content, verb, line.trim_end()) {
                (true, _, ".") => {
                    sleep(WORK).await;
                    is_content = false;
                    "250 queued"
                }
                (true, ..) => continue,
                (_, "MAIL", _) if refuses(At::Later) => pending().await,
                (_, "MAIL", mail) if self.0.at == At::Sender && mail.contains("<bad@") => {
                    "421 4.7.1 not from you"
                }
                (_, "EHLO", _) if refuses(At::Ehlo) => "421 4.7.0 too many connections",
                (_, "MAIL", _) if refuses(At::Mail) => "421 4.7.0 too many connections",
                (_, "DATA", _) => {
                    is_content = true;
                    "354 go"
                }
                (_, "QUIT", _) => "221 bye",
                _ => "250 ok",
            };
            io.write_all(format!("{reply}\r\n").as_bytes()).await?;
            if reply.starts_with("421") || reply.starts_with("221") {
                return Ok(());
            }
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}

#[async_trait]
impl Connector for Host {
    async fn connect(&self, address: SocketAddr) -> io::Result<BoxWire> {
        // The second address is another host's, where nobody listens.
        if address.ip().to_string() != "192.0.2.1" {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let few = &self.0;
        let is_served = few.now.load(Ordering::Relaxed) < few.room.load(Ordering::Relaxed);
        if is_served {
            let now = few.now.fetch_add(1, Ordering::Relaxed) + 1;
            few.most.fetch_max(now, Ordering::Relaxed);
        } else {
            few.refused.fetch_add(1, Ordering::Relaxed);
            if few.at == At::Connect {
                // While others are connecting.
                tokio::task::yield_now().await;
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            if few.at == At::Descriptors {
                return Err(io::Error::from_raw_os_error(24));
            }
            if few.at == At::Never {
                return pending().await;
            }
        }
        let (ours, theirs) = duplex(1 << 16);
        tokio::spawn(self.clone().serve(theirs, is_served));
        Ok(Box::new(ours))
    }
}

/// Sends so many messages at the same time; the final replies.
pub(crate) async fn send_many(endpoint: &SmtpEndpoint, count: usize) -> Vec<String> {
    let send = async |_| {
        let replies = send(endpoint, &["b"], "hi\r\n").await;
        replies.into_iter().next_back().unwrap()
    };
    join_all((0..count).map(send)).await
}

pub(crate) fn are_taken(replies: &[String]) -> bool {
    replies.iter().all(|reply| reply == "250 queued")
}

#[rstest]
#[case::connect(At::Connect)]
#[case::greeting(At::Greeting)]
#[case::another_code(At::GreetingWithout421)]
#[case::ehlo(At::Ehlo)]
#[case::mail(At::Mail)]
#[tokio::test(start_paused = true)]
async fn twenty_messages_go_by_the_three_connections_that_there_is_room_for(#[case] at: At) {
    let host = Host::new(3, at);
    let endpoint = host.endpoint(&["mx.example:25"]);
    for round in 0..3 {
        let replies = send_many(&endpoint, 20).await;
        assert!(are_taken(&replies), "{replies:?}");
        assert_eq!(host.most(), if round == 0 { 3 } else { 0 });
        // Only the first time is more asked for than there is.
        let expected = if round == 0 { 1..=17 } else { 0..=0 };
        let refused = host.refused();
        assert!(expected.contains(&refused), "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_closes_for_one_sender_has_room_for_the_others() {
    let host = Host::new(100, At::Sender);
    let endpoint = host.endpoint(&["mx.example:25"]);
    let bad = async |_| {
        let mut mail = super::sending::mail("");
        mail.reverse_path = "bad@me.example".parse().unwrap();
        let replies = super::sending::send_mail(&endpoint, mail, &["b"], "hi\r\n").await;
        replies.into_iter().next_back().unwrap()
    };
    for round in 0..3 {
        let begun = Instant::now();
        let good = send_many(&endpoint, 5);
        let (good, bad) = tokio::join!(good, join_all((0..5).map(bad)));
        assert!(are_taken(&good), "{good:?}");
        for reply in bad {
            assert_eq!(reply, "450 4.7.1 not from you");
        }
        // Nobody waits for more than one of the others.
        assert!(begun.elapsed() <= 3 * WORK, "{:?}", begun.elapsed());
        host.most();
        assert!(are_taken(&send_many(&endpoint, 20).await));
        assert_eq!(host.most(), 20, "round {round}");
    }
}

#[tokio::test(start_paused = true)]
async fn want_of_descriptors_is_waited_out_and_says_nothing_of_the_host() {
    let host = Host::new(3, At::Descriptors);
    let endpoint = host.endpoint(&["mx.example:25"]);
    let replies = send_many(&endpoint, 20).await;
    assert!(are_taken(&replies), "{replies:?}");
    assert_eq!(host.most(), 3);
    // Where nobody has one, there is nobody to wait for.
    let begun = Instant::now();
    let replies = send_many(&host.endpoint(&["mx.example:25"]), 5).await;
    assert!(
        replies.iter().all(|reply| reply.starts_with("451 4.3.2 ")),
        "{replies:?}"
    );
    assert_eq!(begun.elapsed(), Duration::ZERO);
    host.set_room(20);
    assert!(are_taken(&send_many(&endpoint, 20).await));
    assert_eq!(host.most(), 20);
}

#[tokio::test(start_paused = true)]
async fn one_more_is_tried_after_a_while() {
    let host = Host::new(3, At::Greeting);
    let endpoint = host.endpoint(&["mx.example:25"]);
    let name = "mx.example:25".parse().unwrap();
    assert_eq!(endpoint.room(&name), None);
    assert!(are_taken(&send_many(&endpoint, 20).await));
    assert_eq!((host.most(), host.refused()), (3, 17));
    let room = endpoint.room(&name).unwrap();
    assert_eq!((room.connections, room.max_connections), (3, 100));
    sleep(2 * MINUTE).await;
    assert!(are_taken(&send_many(&endpoint, 20).await));
    assert_eq!((host.most(), host.refused()), (3, 1));
    // Not so soon after that.
    sleep(2 * MINUTE).await;
    assert!(are_taken(&send_many(&endpoint, 20).await));
    assert_eq!(host.refused(), 0);
    host.set_room(100);
    for more in [4, 5, 6] {
        sleep(4 * MINUTE).await;
        assert!(are_taken(&send_many(&endpoint, 20).await));
        assert_eq!((host.most(), host.refused()), (more, 0));
    }
}

#[rstest]
#[case::connect(At::Connect)]
#[case::greeting(At::Greeting)]
#[case::ehlo(At::Ehlo)]
#[case::mail(At::Mail)]
#[tokio::test(start_paused = true)]
async fn a_host_that_takes_nobody_is_waited_for_by_nobody(#[case] at: At) {
    let host = Host::new(0, at);
    let endpoint = host.endpoint(&["mx.example:25"]);
    let begun = Instant::now();
    let replies = send_many(&endpoint, 20).await;
    assert!(
        replies.iter().all(|reply| reply.starts_with('4')),
        "{replies:?}"
    );
    assert_eq!(begun.elapsed(), Duration::ZERO);
    let refused = host.refused();
    assert!(refused <= 40, "{refused}");
    // When it is there again it was down, and not full: all that there may be are asked for.
    host.set_room(20);
    assert!(are_taken(&send_many(&endpoint, 1).await));
    assert!(are_taken(&send_many(&endpoint, 20).await));
    assert_eq!((host.most(), host.refused()), (20, 0));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_too_long_is_told_to_try_later() {
    let host = Host::new(1, At::Greeting);
    let endpoint = host.endpoint(&["mx.example:25"]);
    // A client that is silent after RCPT.
    let (mut silent, pending) = super::sending::start(&endpoint);
    assert!(silent.wait(pending).await.is_positive());
    let begun = Instant::now();
    let replies = send_many(&endpoint, 1).await;
    assert!(replies[0].starts_with("451 4.3.2 "), "{replies:?}");
    assert_eq!(begun.elapsed().as_secs(), 30);
    let waiting = send_many(&endpoint, 5);
    let gone = async {
        sleep(Duration::from_secs(20)).await;
        drop(silent);
    };
    let (replies, ()) = tokio::join!(waiting, gone);
    assert!(are_taken(&replies), "{replies:?}");
}

#[tokio::test(start_paused = true)]
async fn of_several_hosts_the_full_one_is_waited_for_last() {
    let host = Host::new(3, At::Greeting);
    // Nobody is at the address of the other.
    for hosts in [
        ["mx.example:25", "192.0.2.2:25"],
        ["192.0.2.2:25", "mx.example:25"],
    ] {
        let endpoint = host.endpoint(&hosts);
        let replies = send_many(&endpoint, 20).await;
        assert!(are_taken(&replies), "{hosts:?} {replies:?}");
        endpoint.close().await;
        assert_eq!(host.0.now.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_must_not_be_tried_and_had_no_room_at_first_does_not_decide_for_the_others() {
    let host = Host::new(1, At::Greeting);
    // By its name the host is this agent, which only the operator may send mail to.
    let settings = ClientSettings::new("mx.example").unwrap();
    let net = Arc::new(Net::default());
    let endpoint = SmtpEndpoint::with_network(settings, Arc::new(host.clone()), net);
    let to = |destination: Destination| {
        endpoint.clone().map_request(move |tx: Transaction| {
            tx.signals.set(destination.clone()).unwrap();
            tx
        })
    };
    let [first, second] = ["192.0.2.1:25", "192.0.2.2:25"].map(|host| host.parse().unwrap());
    let hosts: [HostPort; 2] = [first, second];
    let own = to(Destination::of_operator([hosts[0].clone()]));
    let others = to(Destination::of_other(hosts));
    let (taken, failed) = tokio::join!(
        send(&own, &["b"], "hi\r\n"),
        send(&others, &["b"], "hi\r\n")
    );
    assert_eq!(taken[2], "250 queued");
    assert_eq!(host.refused(), 1);
    assert!(failed[2].starts_with("451 4.4.1 "), "{failed:?}");
}

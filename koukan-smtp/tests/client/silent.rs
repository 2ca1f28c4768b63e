//! Orders for attempts at hosts that fall silent: they take effect at once for as long as the host cannot have the
//! message, and its reply is waited for where it may.

use std::{
    fmt,
    future::pending,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use koukan_core::{
    blob::BlobPool,
    context::Sender,
    network::{BoxWire, Connector, DnsAnswer, LookupError, Resolver},
    observer::Log,
    service::BoxMailService,
    stage::{
        dispatcher::Dispatcher,
        exploder::{Exploder, ReplyPolicy},
        output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
        sharing::Sharing,
        storage_writer::{StorageWriter, StorageWriterTimeouts},
    },
    storage::{
        Backend, Drain, Listing, MemoryBackend, Search, Storage,
        record::{FinalReason, TransactionId},
    },
    test_util::{TokioClock, at_rest, send},
};
use koukan_smtp::client::{ClientSettings, SmtpEndpoint};
use rstest::rstest;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex},
    sync::Notify,
    time::{sleep, timeout},
};

use super::sending::{mail, rcpt};

const AT_ONCE: Duration = Duration::from_millis(100);

/// What the host is silent to; nothing after it is answered either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Silent {
    Connection,
    Greeting,
    Hello,
    Mail,
    Rcpt,
    Data,
    /// It takes no octets any more amid the message.
    Body,
    /// The end of the message.
    End,
}

/// A host that falls silent, and says what it was sent once it is told to go on.
#[derive(Clone)]
struct Host {
    silent: Silent,
    /// The recipients of each whole message.
    whole: Arc<Mutex<Vec<usize>>>,
    goes_on: Arc<Notify>,
    /// That of all agents, also of one that starts later.
    clock: Arc<TokioClock>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}

impl Host {
    fn new(silent: Silent) -> Self {
        Self {
            silent,
            whole: Arc::default(),
            goes_on: Arc::default(),
            clock: Arc::default(),
        }
    }

    fn whole(&self) -> Vec<usize> {
        self.whole.lock().unwrap().clone()
    }

    async fn serve(self, io: DuplexStream) -> io::Result<()> {
        let mut io = BufReader::new(io);
        let (mut line, mut rcpts) = (String::new(), 0);
        if self.silent == Silent::Greeting {
            pending::<()>().await;
        }
        io.write_all(b"220 mx.example\r\n").await?;
        loop {
            line.clear();
            if io.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let (verb, _) = line.trim_end().split_at(4);
            let silent_to = match verb {
                "EHLO" => Silent::Hello,
                "MAIL" => Silent::Mail,
                "RCPT" => Silent::Rcpt,
                "DATA" => Silent::Data,
                _ => Silent::Connection,
            };
            if silent_to == self.silent {
                pending::<()>().await;
            }
            match verb {
                "RCPT" => rcpts += 1,
                "MAIL" | "RSET" => rcpts = 0,
                "QUIT" => return Ok(()),
                "DATA" => {
                    io.write_all(b"354 go\r\n").await?;
                    if self.silent == Silent::Body {
                        pending::<()>().await;
                    }
                    loop {
                        line.clear();
                        if io.read_line(&mut line).await? == 0 {
                            return Ok(());
                        }
                        if line == ".\r\n" {
                            break;
                        }
                    }
                    self.whole.lock().unwrap().push(rcpts);
                    self.goes_on.notified().await;
                }
                _ => {}
            }
            io.write_all(b"250 ok\r\n").await?;
        }
    }
}

#[async_trait]
impl Connector for Host {
    async fn connect(&self, _: SocketAddr) -> io::Result<BoxWire> {
        if self.silent == Silent::Connection {
            pending::<()>().await;
        }
        let (ours, theirs) = duplex(4096);
        tokio::spawn(self.clone().serve(theirs));
        Ok(Box::new(ours))
    }
}

#[async_trait]
impl Resolver for Host {
    async fn addresses(&self, _: &str) -> Result<DnsAnswer<IpAddr>, LookupError> {
        Ok(DnsAnswer::insecure([[192, 0, 2, 1].into()]))
    }
}

/// An agent that delivers to a host.
struct Agent {
    storage: Storage,
    output: OutputHandler<Chain>,
}

impl Agent {
    async fn over(backend: &Arc<MemoryBackend>, host: &Host, is_shared: bool) -> Self {
        let backend = Arc::clone(backend) as Arc<dyn Backend>;
        let clock = Arc::clone(&host.clock);
        let storage = Storage::open_observed(backend, BlobPool::default(), clock, Log.into());
        let settings = ClientSettings::new("me.example").unwrap();
        let settings = settings.with_hosts(["mx.example:25".parse().unwrap()]);
        let network = Arc::new(host.clone());
        let endpoint = SmtpEndpoint::with_network(settings, Arc::clone(&network) as _, network);
        let service = match is_shared {
            true => {
                let demand = endpoint.demand();
                Sharing::new(endpoint).with_demand(demand).boxed()
            }
            false => BoxMailService::new(endpoint),
        };
        let chain = Chain {
            service,
            retry: RetryPolicy::default(),
        };
        let notifications = Notifications {
            reporting_mta: "me.example".into(),
            sender: Sender::new("notification"),
        };
        Self {
            storage: storage.await.unwrap(),
            output: OutputHandler::new(chain, notifications),
        }
    }

    /// Takes a message for two recipients, whose attempts then go on without the client.
    async fn take(&self, message: &str) {
        let timeouts = StorageWriterTimeouts::default()
            .with_rcpt(Duration::from_secs(5))
            .with_final_reply(Duration::from_secs(10));
        let writer = StorageWriter::new(self.storage.clone(), self.output.clone());
        let writer = writer.with_timeouts(timeouts).boxed();
        let pool = self.storage.pool().clone();
        let front = Exploder::new(writer, ReplyPolicy::Submission, pool);
        let outcome = send(front, mail(""), [rcpt("b"), rcpt("c")], message.to_owned()).await;
        assert!(outcome.is_delivered(), "{outcome:?}");
    }

    async fn ids(&self) -> Vec<TransactionId> {
        let listing = Listing {
            sender: None,
            state: None,
            search: Search::default(),
            before: None,
            limit: 9,
        };
        let found = self.storage.backend().select(listing).await.unwrap();
        found.iter().map(|place| place.id).collect()
    }

    async fn cancel(&self, id: TransactionId) {
        let watch = self.storage.watch(id).await.unwrap().unwrap();
        self.storage.cancel(&watch).await.unwrap();
    }

    async fn end(&self, id: TransactionId) -> Option<FinalReason> {
        let watch = self.storage.watch(id).await.unwrap();
        watch.and_then(|mut watch| watch.snapshot().final_reason)
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn an_order_takes_effect_at_once_where_the_host_cannot_have_the_message(
    #[values(
        Silent::Connection,
        Silent::Greeting,
        Silent::Hello,
        Silent::Mail,
        Silent::Rcpt,
        Silent::Data,
        Silent::Body
    )]
    silent: Silent,
    #[values(false, true)] is_shared: bool,
) {
    let size = if silent == Silent::Body { 5000 } else { 1 };
    let message = format!("Subject: hi\r\n\r\n{}", "hello there\r\n".repeat(size));
    let (backend, host) = (Arc::new(MemoryBackend::new()), Host::new(silent));
    let agent = Agent::over(&backend, &host, is_shared).await;
    agent.take(&message).await;
    let [one, other] = agent.ids().await[..] else {
        panic!("two are kept");
    };
    // A cancel, of one of two at which an attempt is made together.
    agent.cancel(one).await;
    sleep(AT_ONCE).await;
    assert_eq!(agent.end(one).await, Some(FinalReason::Cancelled));
    assert_eq!(agent.end(other).await, None);
    // A stop.
    agent.storage.drain(Drain::Committed);
    timeout(AT_ONCE, agent.storage.given_back()).await.unwrap();
    assert_eq!(agent.storage.backend().census().await.unwrap().waiting, 1);
    // The same of what is attempted from the queue.
    let agent = Agent::over(&backend, &host, is_shared).await;
    let dispatcher = Dispatcher::new(agent.storage.clone(), agent.output.clone(), 8);
    let dispatching = tokio::spawn(dispatcher.run(pending()));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(agent.storage.backend().census().await.unwrap().leased, 1);
    agent.cancel(other).await;
    sleep(AT_ONCE).await;
    assert_eq!(agent.end(other).await, Some(FinalReason::Cancelled));
    assert!(host.whole().is_empty());
    dispatching.abort();
}

/// With a message that the host may have, it says what becomes of it.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_cancel_waits_for_the_reply_to_a_message_that_is_out(
    #[values(false, true)] is_shared: bool,
) {
    let (backend, host) = (Arc::new(MemoryBackend::new()), Host::new(Silent::End));
    let agent = Agent::over(&backend, &host, is_shared).await;
    agent.take("Subject: hi\r\n\r\nhello\r\n").await;
    let ids = agent.ids().await;
    for id in &ids {
        agent.cancel(*id).await;
    }
    sleep(Duration::from_secs(60)).await;
    assert_eq!(agent.storage.backend().census().await.unwrap().leased, 2);
    for _ in &host.whole() {
        host.goes_on.notify_one();
        at_rest().await;
    }
    agent.storage.flush().await;
    for id in ids {
        assert_eq!(agent.end(id).await, Some(FinalReason::Delivered));
    }
    let whole = if is_shared { vec![2] } else { vec![1, 1] };
    assert_eq!(host.whole(), whole);
}

/// Whoever is left has the message once.
#[tokio::test(start_paused = true)]
async fn others_get_the_message_that_one_of_them_is_not_to_have() {
    for silent in [Silent::Mail, Silent::Data, Silent::Body] {
        let size = if silent == Silent::Body { 5000 } else { 1 };
        let message = format!("Subject: hi\r\n\r\n{}", "hello there\r\n".repeat(size));
        let (backend, mut host) = (Arc::new(MemoryBackend::new()), Host::new(silent));
        let agent = Agent::over(&backend, &host, true).await;
        agent.take(&message).await;
        let ids = agent.ids().await;
        agent.cancel(ids[0]).await;
        sleep(AT_ONCE).await;
        agent.storage.drain(Drain::Committed);
        agent.storage.given_back().await;
        host.silent = Silent::End;
        let agent = Agent::over(&backend, &host, true).await;
        let dispatcher = Dispatcher::new(agent.storage.clone(), agent.output.clone(), 8);
        let dispatching = tokio::spawn(dispatcher.run(pending()));
        sleep(Duration::from_secs(1)).await;
        host.goes_on.notify_one();
        at_rest().await;
        agent.storage.flush().await;
        assert_eq!(host.whole(), [1], "{silent:?}");
        assert_eq!(agent.end(ids[1]).await, Some(FinalReason::Delivered));
        dispatching.abort();
    }
}

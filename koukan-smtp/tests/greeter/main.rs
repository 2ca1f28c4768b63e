//! Who is asked about a client before MAIL may refuse it, let it wait, and say what it is offered.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod connected;
mod hello;
mod offer;
mod waiting;

#[path = "../support/mod.rs"]
mod support;

use std::{
    future::{pending, ready},
    sync::{Arc, Mutex},
    time::Duration,
};

use koukan_core::reply::Reply;
use koukan_smtp::{
    Server,
    server::{Connected, Greeter, Greeting, Introduction, MakeMailService, Step},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tower::{BoxError, service_fn};

/// A greeter that decides at once.
fn at_once(
    decide: impl Fn(Introduction) -> Greeting + Clone + Send + Sync + 'static,
) -> impl Greeter {
    service_fn(move |client| ready(Ok::<_, BoxError>(decide(client))))
}

/// A greeter that takes that long at a step, and welcomes everybody.
fn slow(step: Step, pause: Duration) -> impl Greeter {
    service_fn(move |client: Introduction| async move {
        if client.step == step {
            sleep(pause).await;
        }
        Ok::<_, BoxError>(client.welcome())
    })
}

/// A greeter that never answers at a step, and counts how often it was asked and left there.
fn silent(step: Step, asked: &Asked) -> impl Greeter {
    let asked = asked.clone();
    service_fn(move |client: Introduction| {
        let asked = asked.clone();
        async move {
            if client.step == step {
                let _asked = Silence::begin(asked);
                pending::<()>().await;
            }
            Ok::<_, BoxError>(client.welcome())
        }
    })
}

/// How often a greeter was asked, and how many of these futures were dropped.
#[derive(Debug, Clone, Default)]
struct Asked(Arc<Mutex<(u32, u32)>>);

impl Asked {
    fn begun(&self) -> u32 {
        self.0.lock().unwrap().0
    }

    fn left(&self) -> u32 {
        self.0.lock().unwrap().1
    }
}

struct Silence(Asked);

impl Silence {
    fn begin(asked: Asked) -> Self {
        asked.0.lock().unwrap().0 += 1;
        Self(asked)
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().1 += 1;
    }
}

/// The client's side of a session.
struct Client {
    io: DuplexStream,
    session: JoinHandle<()>,
    begun: Instant,
}

impl Client {
    fn connect<M: MakeMailService>(server: &Server<M>) -> Self {
        let (io, theirs) = duplex(64 << 10);
        Self {
            io,
            session: tokio::spawn(server.serve(theirs, &Connected::default())),
            begun: Instant::now(),
        }
    }

    /// Connects, and takes the greeting.
    async fn greeted<M: MakeMailService>(server: &Server<M>) -> Self {
        let mut client = Self::connect(server);
        assert_eq!(client.say("").await, "220");
        client
    }

    async fn send(&mut self, text: &str) {
        self.io.write_all(text.as_bytes()).await.unwrap();
    }

    /// Says something; returns the code of the reply.
    async fn say(&mut self, text: &str) -> String {
        self.ask(text).await[..3].to_owned()
    }

    /// Says something; returns the whole reply.
    async fn ask(&mut self, text: &str) -> String {
        self.send(text).await;
        support::reply_from(&mut self.io).await
    }

    /// What still comes until the session closes the connection.
    async fn rest(&mut self) -> String {
        let mut text = String::new();
        self.io.read_to_string(&mut text).await.unwrap();
        text
    }

    /// Goes away, and waits for the session to end.
    async fn leave(self) {
        self.leave_within(Duration::from_secs(1)).await;
    }

    async fn leave_within(self, time: Duration) {
        drop(self.io);
        let ended = timeout(time, self.session).await;
        ended.expect("the session hears of it").unwrap();
    }

    fn seconds(&self) -> u64 {
        self.begun.elapsed().as_secs()
    }
}

/// The name in EHLO or HELO.
fn name(client: &Introduction) -> &str {
    let name = client.context.client_name.as_ref();
    name.map_or("", |name| &name.name)
}

/// Refuses clients that say that they are called `bad`, in that way.
fn refuse_bad(reply: Reply) -> impl Greeter {
    at_once(move |client| match name(&client) {
        "bad" => reply.clone().into(),
        _ => client.welcome(),
    })
}

fn server(greeter: impl Greeter) -> (Server<impl MakeMailService>, support::Log) {
    let log = support::Log::default();
    let server = Server::new(support::service(log.clone())).with_greeter(greeter);
    (server, log)
}

const MAIL: &str = "MAIL FROM:<alice@example.com>\r\n";
const RCPT: &str = "RCPT TO:<bob@example.com>\r\n";

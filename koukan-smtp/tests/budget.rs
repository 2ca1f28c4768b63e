//! A session ends in the same way wherever tokio's budget is spent: at the server, at the client behind
//! it, or at the next server.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use koukan_core::{
    network::{BoxWire, Connector, DnsAnswer, LookupError, Resolver},
    test_util::{Budget, in_every_budget},
};
use koukan_smtp::{Server, SmtpEndpoint, client::ClientSettings, server::Connected};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// The octets that fit into a pipe: few, so that writers wait too.
const PIPE: usize = 256;

/// The destination. Connections to it are pipes.
#[derive(Clone)]
struct Destination {
    log: support::Log,
    budget: Budget,
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Destination")
    }
}

#[async_trait]
impl Connector for Destination {
    async fn connect(&self, _: SocketAddr) -> io::Result<BoxWire> {
        let server = Server::new(support::service(self.log.clone()));
        let (ours, theirs) = duplex(PIPE);
        let session = server.serve(theirs, &Connected::default());
        tokio::spawn(self.budget.around(session));
        Ok(Box::new(ours))
    }
}

#[async_trait]
impl Resolver for Destination {
    async fn addresses(&self, _: &str) -> Result<DnsAnswer<IpAddr>, LookupError> {
        Ok(DnsAnswer::insecure([[192, 0, 2, 1].into()]))
    }
}

/// The client's side of a session with a server that relays.
fn session(budget: &Budget, log: &support::Log) -> DuplexStream {
    let destination = Arc::new(Destination {
        log: log.clone(),
        budget: budget.clone(),
    });
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings.with_hosts(["mx.example:25".parse().unwrap()]);
    let endpoint = SmtpEndpoint::with_network(settings, destination.clone(), destination);
    let (ours, theirs) = duplex(PIPE);
    let server = Server::new(endpoint).with_greeter(support::greeter());
    let session = server.serve(theirs, &Connected::default());
    tokio::spawn(budget.around(session));
    ours
}

/// Sends everything at once. Returns the replies and the messages that arrived.
async fn at_once(budget: &Budget, conversation: &str) -> (String, Vec<String>) {
    let log = support::Log::default();
    let (mut input, mut output) = tokio::io::split(session(budget, &log));
    let conversation = conversation.to_owned();
    let write = tokio::spawn(async move {
        output.write_all(conversation.as_bytes()).await.unwrap();
    });
    let mut replies = String::new();
    input.read_to_string(&mut replies).await.unwrap();
    write.await.unwrap();
    (support::without_ids(&replies), messages(&log))
}

/// The messages that arrived, sorted: sessions that end side by side may do so in any order.
fn messages(log: &support::Log) -> Vec<String> {
    let mut log = log.rest();
    log.retain(|line| line.starts_with("message"));
    log
}

/// Sends one line after the other, each after the reply to the line before.
async fn by_turns(budget: &Budget, steps: &[&str]) -> (String, Vec<String>) {
    let log = support::Log::default();
    let mut io = session(budget, &log);
    let mut replies = String::new();
    for step in [&[""], steps].concat() {
        io.write_all(step.as_bytes()).await.unwrap();
        replies += &reply(&mut io).await;
    }
    (support::without_ids(&replies), messages(&log))
}

/// Reads one reply, of any number of lines.
async fn reply(io: &mut DuplexStream) -> String {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        while !line.ends_with('\n') {
            line.push(char::from(io.read_u8().await.unwrap()));
        }
        text += &line;
        if line.as_bytes()[3] == b' ' {
            return text;
        }
    }
}

const MAIL: &str = "MAIL FROM:<alice@example.com>\r\n";
const BOB: &str = "RCPT TO:<bob@example.com>\r\n";
const CAROL: &str = "RCPT TO:<carol@example.com>\r\n";
const NOBODY: &str = "RCPT TO:<unknown@example.com>\r\n";

#[test]
fn pipelined_commands_and_data() {
    let conversation = format!(
        "EHLO client\r\n{MAIL}{BOB}{NOBODY}{CAROL}DATA\r\nSubject: hi\r\n\r\n..\r\n{}.\r\n\
         {MAIL}{NOBODY}DATA\r\nRSET\r\n{MAIL}{BOB}DATA\r\n\r\nagain\r\n.\r\nQUIT\r\n",
        "hello\r\n".repeat(100)
    );
    in_every_budget(async |budget| at_once(&budget, &conversation).await);
}

#[test]
fn pipelined_commands_and_chunks() {
    let large = "x".repeat(600);
    let conversation = format!(
        "EHLO client\r\n{MAIL}{BOB}{CAROL}BDAT 7\r\nhello\r\nBDAT 602 LAST\r\n{large}\r\n\
         {MAIL}{BOB}BDAT 2 LAST\r\n\r\nQUIT\r\n"
    );
    in_every_budget(async |budget| at_once(&budget, &conversation).await);
}

#[test]
fn one_command_at_a_time() {
    let steps = [
        "EHLO client\r\n",
        MAIL,
        BOB,
        NOBODY,
        CAROL,
        "DATA\r\n",
        "Subject: hi\r\n\r\nhello\r\n.\r\n",
        "RSET\r\n",
        MAIL,
        BOB,
        "BDAT 5\r\nhello",
        "BDAT 2 LAST\r\n\r\n",
        "QUIT\r\n",
    ];
    in_every_budget(async |budget| by_turns(&budget, &steps).await);
}

/// Replies that take their time, from either side of the relay.
#[test]
fn replies_that_come_later() {
    let steps = [
        "EHLO client\r\n",
        "MAIL FROM:<slow@example.com>\r\n",
        "RCPT TO:<slow@example.com>\r\n",
        "RCPT TO:<later@example.com>\r\n",
        "DATA\r\n",
        "hello\r\n.\r\n",
        "QUIT\r\n",
    ];
    in_every_budget(async |budget| by_turns(&budget, &steps).await);
}

/// A greeter that takes its time, or refuses.
#[test]
fn clients_that_are_asked_about() {
    let conversation = format!(
        "EHLO slow\r\nEHLO bad\r\n{MAIL}{BOB}EHLO bad\r\nDATA\r\nhello\r\n.\r\n\
         EHLO slow\r\n{MAIL}{BOB}{}QUIT\r\n",
        "BDAT 2 LAST\r\n\r\n"
    );
    in_every_budget(async |budget| at_once(&budget, &conversation).await);
    let steps = [
        "EHLO bad\r\n",
        "EHLO slow\r\n",
        MAIL,
        BOB,
        "EHLO slow\r\n",
        "QUIT\r\n",
    ];
    in_every_budget(async |budget| by_turns(&budget, &steps).await);
}

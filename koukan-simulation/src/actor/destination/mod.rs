//! A server that mail is delivered to, and its moods.

mod archive;
mod message;
mod mishap;
mod transfer;

use std::{future::pending, io, sync::Arc, time::Duration};

use koukan_core::test_util::SeededRandom;
use tokio::{io::DuplexStream, time::sleep};

use super::lines::Lines;
use crate::{
    plan::{DestinationPlan, Mood},
    world::World,
};

use self::{message::Message, mishap::Mishap};

/// A server, for one of its clients.
#[derive(Debug)]
pub(crate) struct Destination {
    name: String,
    plan: DestinationPlan,
    world: Arc<World>,
    random: SeededRandom,
    /// Whether it only gets copies, for recipients of others.
    is_archive: bool,
}

/// The state of a connection.
pub(crate) struct Connection {
    lines: Lines,
    message: Message,
    /// There were more replies than commands, so nobody can tell which reply belongs to which command.
    is_confused: bool,
    /// A line in this transaction was no reply.
    is_odd: bool,
    /// A line in this transaction was no reply, or merged two replies. A client that pipelined everything then
    /// does not learn how the transaction ended.
    is_unread: bool,
    /// The RCPT commands of this transaction.
    named: Vec<String>,
    /// A reply came so late that the client may have gone by then.
    is_late: bool,
}

/// The server that notifications go to, or copies. Nothing ever goes wrong there.
pub(crate) fn home() -> DestinationPlan {
    DestinationPlan {
        pipelining: true,
        chunking: false,
        mood: Mood::Healthy,
        latency: Duration::from_millis(5),
    }
}

impl Destination {
    pub(crate) fn new(name: String, plan: DestinationPlan, world: Arc<World>, number: u64) -> Self {
        let random = world.random(number);
        Self {
            name,
            plan,
            world,
            random,
            is_archive: false,
        }
    }

    pub(crate) async fn serve(self, io: DuplexStream) {
        let mut connection = Connection {
            lines: Lines::new(io),
            message: Message::default(),
            is_confused: false,
            is_odd: false,
            is_unread: false,
            named: Vec::new(),
            is_late: false,
        };
        // The conversation ends when the connection breaks.
        let _ = self.converse(&mut connection).await;
    }

    async fn converse(&self, connection: &mut Connection) -> io::Result<()> {
        match self.plan.mood {
            Mood::Hanging => self.hang().await,
            Mood::Busy => return self.say(connection, "421 4.3.2 too many connections").await,
            _ => {}
        }
        let mut goes_on = self.step(connection, "220 ready").await?;
        while goes_on && let Some(line) = connection.lines.line().await? {
            goes_on = self.command(connection, &line).await?;
        }
        Ok(())
    }

    async fn command(&self, connection: &mut Connection, line: &str) -> io::Result<bool> {
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "MAIL" => return self.sender(connection).await,
            "RCPT" => return self.recipient(connection, line).await,
            "DATA" => return self.data(connection).await,
            "BDAT" => return self.chunk(connection, line).await,
            _ => {}
        }
        let reply = match verb.as_str() {
            "EHLO" => self.keywords(),
            "HELO" | "RSET" | "NOOP" => "250 2.0.0 ok",
            "QUIT" => {
                self.say(connection, "221 2.0.0 bye").await?;
                return Ok(false);
            }
            _ => "500 5.5.1 what",
        };
        connection.message = Message::default();
        self.step(connection, reply).await
    }

    fn keywords(&self) -> &'static str {
        match (self.plan.pipelining, self.plan.chunking) {
            (true, true) => "250-here\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME",
            (true, false) => "250-here\r\n250 PIPELINING",
            (false, true) => "250-here\r\n250 CHUNKING",
            (false, false) => "250 here",
        }
    }

    async fn sender(&self, connection: &mut Connection) -> io::Result<bool> {
        const OK: &str = "250 2.1.0 sender ok";
        let mishap = self.mishap();
        connection.message = Message::default();
        connection.is_odd = false;
        connection.is_unread = false;
        connection.named.clear();
        if mishap.is_none_or(Mishap::accepts) {
            connection.message.begun = Some(self.world.elapsed());
        }
        match mishap {
            None => self.say(connection, OK).await.map(|()| true),
            Some(mishap) => self.go_wrong(connection, mishap, OK).await,
        }
    }

    async fn recipient(&self, connection: &mut Connection, line: &str) -> io::Result<bool> {
        const OK: &str = "250 2.1.5 recipient ok";
        self.world.tell(&self.name, || format!("is told {line}"));
        connection.named.push(line.to_owned());
        if connection.is_confused {
            message::confused(&self.world, line);
        }
        if connection.message.begun.is_none() {
            return self.step(connection, "503 5.5.1 MAIL first").await;
        }
        match self.add(&mut connection.message, line) {
            Some(true) => {
                let Some(mishap) = self.mishap() else {
                    self.say(connection, OK).await?;
                    return Ok(true);
                };
                if !mishap.accepts() {
                    connection.message.recipients.pop();
                }
                let goes_on = self.go_wrong(connection, mishap, OK).await;
                if connection.is_confused {
                    message::confused(&self.world, line);
                }
                goes_on
            }
            Some(false) => self.step(connection, "550 5.1.1 no such user").await,
            None => self.step(connection, "501 5.1.3 no address").await,
        }
    }

    /// Sends the reply, unless something goes wrong. Returns whether to go on.
    async fn step(&self, connection: &mut Connection, reply: &str) -> io::Result<bool> {
        match self.mishap() {
            None => {
                self.say(connection, reply).await?;
                Ok(true)
            }
            Some(mishap) => self.go_wrong(connection, mishap, reply).await,
        }
    }

    fn flakiness(&self) -> Option<u64> {
        match self.plan.mood {
            Mood::Flaky(per_mille) => Some(per_mille),
            _ => None,
        }
    }

    async fn say(&self, connection: &mut Connection, reply: &str) -> io::Result<()> {
        self.pause().await;
        self.say_now(connection, reply).await
    }

    async fn say_now(&self, connection: &mut Connection, reply: &str) -> io::Result<()> {
        self.world.tell(&self.name, || format!("says {reply:?}"));
        let line = [reply, "\r\n"].concat();
        connection.lines.write(line.as_bytes()).await
    }

    async fn pause(&self) {
        let latency = self.random.duration(Duration::ZERO..=self.plan.latency);
        self.wait(latency).await;
    }

    async fn wait(&self, time: Duration) {
        if !time.is_zero() {
            sleep(time).await;
        }
    }

    /// Stays silent for ever.
    async fn hang(&self) {
        pending::<()>().await;
    }
}

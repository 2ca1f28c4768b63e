//! What a plan is made of.

use std::time::Duration;

/// An end of the agent's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// When.
    pub at: Duration,
    /// How.
    pub kind: EndKind,
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndKind {
    /// From one moment to the next.
    Killed,
    /// It is told to stop, and lets what is under way end or gives it back.
    Stopped,
}

/// A server that mail is delivered to.
#[derive(Debug, Clone)]
pub struct DestinationPlan {
    /// Whether it offers PIPELINING.
    pub pipelining: bool,
    /// Whether it offers CHUNKING.
    pub chunking: bool,
    /// What is wrong with it until [`Plan::healed`](super::Plan::healed).
    pub mood: Mood,
    /// It takes up to so long for each reply.
    pub latency: Duration,
}

/// What is wrong with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Nothing.
    Healthy,
    /// It refuses connections.
    Refusing,
    /// It accepts connections and says nothing.
    Hanging,
    /// It greets with 421.
    Busy,
    /// So many times in a thousand a step goes wrong: a negative reply, an odd one, two, none, half
    /// of one, one that is late or comes too early, or a connection that is closed.
    Flaky(u64),
}

/// Where a client comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenerKind {
    /// Another mail server, which tries again by itself.
    Ingress,
    /// A user's program, which does not.
    Submission,
    /// A gateway, which hands what it is told on step by step, as a transaction resource.
    Gateway,
}

/// A client that speaks SMTP.
#[derive(Debug, Clone)]
pub struct ClientPlan {
    /// Where it comes in.
    pub listener: ListenerKind,
    /// The messages that it sends on one connection.
    pub letters: Vec<Letter>,
    /// Whether it sends MAIL, RCPT and DATA together.
    pub pipelined: bool,
    /// What is odd about it.
    pub quirk: Quirk,
    /// After so long it connects again, and sends what was not taken, as mail servers do; and after
    /// each start of the agent.
    pub again: Option<Duration>,
}

/// What is odd about a client, in its last message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    /// Nothing.
    None,
    /// It is gone from then on.
    Vanishes(Point),
    /// It says nothing for so long, and goes on.
    Stalls(Point, Duration),
    /// It closes its half of the connection after the message, and waits for the reply.
    HalfCloses,
    /// It says RSET after the recipients, and sends the message again from the start.
    Resets,
}

/// A place in a mail transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// After MAIL.
    Mail,
    /// After the recipients.
    Rcpt,
    /// Within the message.
    Message,
    /// After the end of the message, before its reply.
    End,
}

/// A message.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Its number, by which it is known everywhere: it comes from `s7@clients.test`, and its
    /// subject is `sim-7`.
    pub number: u32,
    /// Its recipients.
    pub to: Vec<To>,
    /// Octets of its text, about.
    pub size: usize,
}

/// A recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct To {
    /// Which of the message's recipients it is.
    pub index: u8,
    /// Where it lives.
    pub destination: u8,
    /// Whether the destination knows it; refused with 550 otherwise.
    pub exists: bool,
}

/// A client that sends a message by REST.
#[derive(Debug, Clone)]
pub struct RestPlan {
    /// The message.
    pub letter: Letter,
    /// How the message comes.
    pub upload: Upload,
    /// How long the create waits for the end.
    pub wait: Option<Duration>,
    /// When it is cancelled, after the create.
    pub cancelled: Option<Duration>,
    /// It asks what has become of it, and has each question wait so long for an answer that is new.
    pub watched: Option<Duration>,
    /// It creates the same again after so long, with the same idempotency key, although it was
    /// answered.
    pub repeated: Option<Duration>,
    /// It lists what is queued.
    pub lists: bool,
    /// It is gone after so long, whatever it is waiting for.
    pub vanishes: Option<Duration>,
    /// It asks for the message to be sent so long after the simulation began, and not before.
    pub send_at: Option<Duration>,
}

/// A client that sends messages by one REST request each, to all of their recipients.
#[derive(Debug, Clone)]
pub struct MessagePlan {
    /// The messages, which it sends one after the other.
    pub letters: Vec<Letter>,
    /// How long each request waits for the end.
    pub wait: Option<Duration>,
    /// When each is cancelled, after it was made.
    pub cancelled: Option<Duration>,
    /// Each is made once more after so long, with the same idempotency key.
    pub repeated: Option<Duration>,
}

/// How the message of a REST client comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upload {
    /// With the create.
    Inline,
    /// After it, in so many pieces, with a pause before each.
    Pieces(u8, Duration),
    /// It never comes to its end.
    Broken,
}

impl To {
    /// The address, as a recipient of the letter with that number.
    pub fn address(&self, letter: u32) -> String {
        let name = if self.exists { "ok" } else { "nobody" };
        format!("{name}.{}.{letter}@d{}.test", self.index, self.destination)
    }

    /// The letter and the recipient that an address is of.
    pub fn parse(address: &str) -> Option<(u32, Self)> {
        let (local, domain) = address.split_once('@')?;
        let mut words = local.split('.');
        let exists = match words.next()? {
            "ok" => true,
            "nobody" => false,
            _ => return None,
        };
        let index = words.next()?.parse().ok()?;
        let letter = words.next()?.parse().ok()?;
        let destination = domain.strip_prefix('d')?.strip_suffix(".test")?;
        let to = Self {
            index,
            destination: destination.parse().ok()?,
            exists,
        };
        Some((letter, to))
    }
}

impl Letter {
    /// Its octets, CRLF at the end.
    pub fn content(&self) -> Vec<u8> {
        let mut content = format!("Subject: sim-{}\r\n\r\n", self.number);
        while content.len() < self.size {
            let line = format!("{} octets of message {}\r\n", content.len(), self.number);
            content += &line;
        }
        content.into_bytes()
    }
}

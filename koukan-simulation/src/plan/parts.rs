//! The parts of a plan.

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
    /// It is killed.
    Killed,
    /// It is told to stop, and finishes work or gives it back.
    Stopped,
}

/// A server that mail is delivered to.
#[derive(Debug, Clone)]
pub struct DestinationPlan {
    /// Whether it offers PIPELINING.
    pub pipelining: bool,
    /// Whether it offers CHUNKING.
    pub chunking: bool,
    /// What goes wrong there until [`Plan::healed`](super::Plan::healed).
    pub mood: Mood,
    /// The longest time that each reply takes.
    pub latency: Duration,
}

/// What is wrong with a destination.
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
    /// In so many of a thousand steps something goes wrong: a negative reply, an odd one, two,
    /// none, half of one, a late or early one, or a closed connection.
    Flaky(u64),
}

/// The way by which a client's mail comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenerKind {
    /// From another mail server, which tries again by itself.
    Ingress,
    /// From a user's program, which does not.
    Submission,
    /// Through a gateway, which passes each step on to a transaction resource.
    Gateway,
}

/// A client that speaks SMTP.
#[derive(Debug, Clone)]
pub struct ClientPlan {
    /// The listener that it connects to.
    pub listener: ListenerKind,
    /// The messages that it sends on one connection.
    pub letters: Vec<Letter>,
    /// Whether it sends MAIL, RCPT and DATA together.
    pub pipelined: bool,
    /// An odd behaviour of the client.
    pub quirk: Quirk,
    /// After how long, and after each restart of the agent, it connects again and sends what was
    /// not accepted, as mail servers do.
    pub again: Option<Duration>,
}

/// An odd behaviour of a client, in its last message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    /// Nothing.
    None,
    /// It vanishes at this point.
    Vanishes(Point),
    /// It is silent for this long, and goes on.
    Stalls(Point, Duration),
    /// After the message it closes its half of the connection, and waits for the reply.
    HalfCloses,
    /// After the recipients it sends RSET, and sends the message again from the start.
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
    /// Its number, which identifies it everywhere: the sender is `s7@clients.test`, and the subject
    /// is `sim-7`.
    pub number: u32,
    /// Its recipients.
    pub to: Vec<To>,
    /// Whether the client names one [list](Letter::list) instead of them, which stands for all of them.
    pub is_list: bool,
    /// The approximate size of its text, in octets.
    pub size: usize,
}

/// A recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct To {
    /// Its position among the message's recipients.
    pub index: u8,
    /// The number of its destination.
    pub destination: u8,
    /// Whether it exists; if not, the destination refuses it with 550.
    pub exists: bool,
}

/// A client that sends a message by REST.
#[derive(Debug, Clone)]
pub struct RestPlan {
    /// The message.
    pub letter: Letter,
    /// How the message is uploaded.
    pub upload: Upload,
    /// How long the create waits for the final result.
    pub wait: Option<Duration>,
    /// How long after the create it is cancelled.
    pub cancelled: Option<Duration>,
    /// The client asks what has become of the message; each request waits for news for at most this
    /// long.
    pub watched: Option<Duration>,
    /// After how long the client repeats the create with the same idempotency key, although it was
    /// answered.
    pub repeated: Option<Duration>,
    /// The client lists what is queued.
    pub lists: bool,
    /// After how long the client vanishes, whatever it is waiting for.
    pub vanishes: Option<Duration>,
    /// The client asks that the message is not sent before this time, counted from the start of the
    /// simulation.
    pub send_at: Option<Duration>,
}

/// A client that sends messages by one REST request each, to all of their recipients.
#[derive(Debug, Clone)]
pub struct MessagePlan {
    /// The messages, which it sends one after the other.
    pub letters: Vec<Letter>,
    /// How long each request waits for the final result.
    pub wait: Option<Duration>,
    /// How long after its creation each message is cancelled.
    pub cancelled: Option<Duration>,
    /// After how long each request is repeated with the same idempotency key.
    pub repeated: Option<Duration>,
}

/// How a REST client uploads its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upload {
    /// In the create request.
    Inline,
    /// After it, in this many pieces, with a pause before each.
    Pieces(u8, Duration),
    /// It is never completed.
    Broken,
}

impl To {
    /// The address of this recipient, for the letter with this number.
    pub fn address(&self, letter: u32) -> String {
        let name = if self.exists { "ok" } else { "nobody" };
        format!("{name}.{}.{letter}@d{}.test", self.index, self.destination)
    }

    /// The letter and the recipient that an address belongs to.
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
    /// Its octets, with CRLF at the end.
    pub fn content(&self) -> Vec<u8> {
        let mut content = format!("Subject: sim-{}\r\n\r\n", self.number);
        while content.len() < self.size {
            let line = format!("{} octets of message {}\r\n", content.len(), self.number);
            content += &line;
        }
        content.into_bytes()
    }
}

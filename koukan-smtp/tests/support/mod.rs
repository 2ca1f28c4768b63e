//! What the tests of the server have in common: a service that does what addresses say.

#![allow(dead_code, reason = "each test binary uses a part")]

pub(crate) mod becomes_tls;
pub(crate) mod running;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use koukan_core::{
    reply::{FinalReplies, Reply},
    service::MailService,
    transaction::Transaction,
};
use koukan_smtp::server::{Greeter, Introduction};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::Notify,
    time::sleep,
};
use tower::{BoxError, service_fn};

/// Replies without the ids of messages, which are never the same twice.
pub(crate) fn without_ids(replies: &str) -> String {
    const ID_LEN: usize = 26;
    let mut pieces = replies.split(" id=");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + &piece[ID_LEN..])
}

/// What the service saw, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    lines: Mutex<VecDeque<String>>,
    added: Notify,
}

impl Log {
    fn add(&self, line: impl Into<String>) {
        self.0.lines.lock().unwrap().push_back(line.into());
        self.0.added.notify_one();
    }

    /// The next line, waited for.
    pub(crate) async fn next(&self) -> String {
        loop {
            if let Some(line) = self.0.lines.lock().unwrap().pop_front() {
                return line;
            }
            self.0.added.notified().await;
        }
    }

    /// The lines that nobody asked for yet.
    pub(crate) fn rest(&self) -> Vec<String> {
        self.0.lines.lock().unwrap().drain(..).collect()
    }
}

/// Logs an abort unless the call ended by itself.
struct Guard {
    log: Log,
    has_ended: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.has_ended {
            self.log.add("aborted");
        }
    }
}

/// A service that does what local parts say; see [`act`].
pub(crate) fn service(log: Log) -> impl MailService {
    service_fn(move |transaction: Transaction| {
        let guard = Guard {
            log: log.clone(),
            has_ended: false,
        };
        async move {
            let mut guard = guard;
            let result = act(transaction, &guard.log).await;
            guard.has_ended = true;
            result
        }
    })
}

/// MAIL from `refused` is refused; `ended` ends the call with a refusal after MAIL is accepted,
/// `fails` with an error, `panics` with a panic; `lazy` ends it without the message, `picky` with
/// a refusal after its first octets; `full` refuses it at its end, `closes` with 421, and `each` for
/// those recipients that are called `full` and `busy`; `closing` gets 421.
///
/// RCPT to `unknown` and `later` is refused, `slow` accepted after a second, `first-last` ends
/// the call with a refusal.
async fn act(mut tx: Transaction, log: &Log) -> Result<Reply, BoxError> {
    let from = tx.mail.reverse_path().to_string();
    log.add(format!("mail <{from}> {:?}", tx.mail.request().parameters));
    let from = from.split('@').next().unwrap_or_default().to_owned();
    match &*from {
        "refused" => {
            tx.mail.answer(Reply::policy_refused());
            // Badly behaved: it goes on to wait for what cannot come.
            return Ok(std::future::pending().await);
        }
        "fails" => return Err("broken".into()),
        "panics" => panic!("a bug"),
        "closing" => return Ok(Reply::service_closing()),
        "slow" => sleep(Duration::from_secs(1)).await,
        _ => {}
    }
    tx.mail.answer(Reply::sender_ok());
    if from == "ended" {
        return Ok(Reply::relay_denied());
    }
    let mut each = FinalReplies::default();
    while let Some(rcpt) = tx.recipients.next().await? {
        let position = rcpt.position();
        let path = rcpt.forward_path().to_string();
        let parameters = &rcpt.request().parameters;
        log.add(match parameters.is_empty() {
            true => format!("rcpt <{path}>"),
            false => format!("rcpt <{path}> {parameters:?}"),
        });
        match path.split('@').next().unwrap_or_default() {
            "unknown" => rcpt.answer(Reply::no_such_user()),
            "later" => rcpt.answer(Reply::mailbox_busy()),
            "first-last" => return Ok(Reply::relay_denied()),
            "slow" => {
                sleep(Duration::from_secs(1)).await;
                rcpt.answer(Reply::recipient_ok());
            }
            "full" => {
                each.push(position, Reply::insufficient_storage());
                rcpt.answer(Reply::recipient_ok());
            }
            "busy" => {
                each.push(position, Reply::mailbox_busy());
                rcpt.answer(Reply::recipient_ok());
            }
            _ => {
                each.push(position, Reply::message_accepted());
                rcpt.answer(Reply::recipient_ok());
            }
        }
    }
    log.add("data");
    let mut message = Vec::new();
    while let Some(octets) = tx.body.next().await? {
        match &*from {
            "lazy" => return Ok(Reply::message_accepted()),
            "picky" => return Ok(Reply::bad_content()),
            _ => message.extend_from_slice(&octets),
        }
    }
    log.add(match message.len() {
        0..200 => format!("message {}", message.escape_ascii()),
        length => format!("message of {length} octets"),
    });
    match &*from {
        "full" => Ok(Reply::insufficient_storage()),
        "closes" => Ok(Reply::service_closing()),
        "each" => Ok(each.into_reply()),
        _ => Ok(Reply::message_accepted()),
    }
}

/// A greeter that refuses who is called `bad`, and lets who is called `slow` wait for a second.
pub(crate) fn greeter() -> impl Greeter {
    service_fn(|client: Introduction| async move {
        let name = client.context.client_name.as_ref();
        match name.map(|name| &*name.name) {
            Some("bad") => return Ok::<_, BoxError>(Reply::policy_refused().into()),
            Some("slow") => sleep(Duration::from_secs(1)).await,
            _ => {}
        }
        Ok(client.welcome())
    })
}

/// The next reply, all of its lines.
pub(crate) async fn reply_from(io: &mut (impl AsyncRead + Unpin)) -> String {
    let mut reply = String::new();
    loop {
        let mut line = String::new();
        while !line.ends_with('\n') {
            line.push(char::from(io.read_u8().await.unwrap()));
        }
        reply += &line;
        if line.as_bytes()[3] == b' ' {
            return reply;
        }
    }
}

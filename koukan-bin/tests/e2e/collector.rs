//! A destination in the test's own process that keeps what it gets.

use std::{
    collections::HashMap,
    future::pending,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use koukan_core::{
    reply::{Reply, ReplyCode},
    transaction::Transaction,
};
use koukan_smtp::Server;
use tokio::{net::TcpListener, runtime::Runtime};
use tower::{BoxError, service_fn};

use crate::process::eventually;

/// Octets of a message that are kept, at most.
const MESSAGE_MAX: usize = 64 << 20;

/// An SMTP server that keeps messages by recipient.
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    mailboxes: Mailboxes,
    _runtime: Runtime,
}

type Mailboxes = Arc<Mutex<HashMap<String, Vec<String>>>>;

impl Collector {
    /// Listens on any free port.
    pub(crate) fn start() -> Self {
        Self::listen("127.0.0.1:0".parse().unwrap())
    }

    /// Takes all mail, but for recipients whose local part is a number, which get that as reply
    /// code, those whose local part is `then` and a number, which get it from the second time on and
    /// 450 the first time, and those whose local part is `end` and a number, which get it at the end.
    pub(crate) fn listen(address: SocketAddr) -> Self {
        let runtime = Runtime::new().unwrap();
        let mailboxes = Mailboxes::default();
        let kept = Arc::clone(&mailboxes);
        let service = service_fn(move |tx| collect(Arc::clone(&kept), tx));
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(Server::new(service).run(listener, pending()));
        Self {
            address,
            mailboxes,
            _runtime: runtime,
        }
    }

    /// What came for a recipient so far.
    pub(crate) fn messages(&self, to: &str) -> Vec<String> {
        let mailboxes = self.mailboxes.lock().unwrap();
        mailboxes.get(to).cloned().unwrap_or_default()
    }

    /// The one message for a recipient, which may still be on its way.
    pub(crate) fn only_message(&self, to: &str) -> String {
        eventually(Duration::from_secs(30), || !self.messages(to).is_empty());
        let mut messages = self.messages(to);
        assert_eq!(messages.len(), 1, "{to}");
        messages.remove(0)
    }

    /// How many messages came.
    pub(crate) fn count(&self) -> usize {
        self.mailboxes.lock().unwrap().values().map(Vec::len).sum()
    }
}

async fn collect(mailboxes: Mailboxes, mut tx: Transaction) -> Result<Reply, BoxError> {
    tx.mail.answer(Reply::sender_ok());
    let mut accepted = Vec::new();
    let mut last = Reply::message_accepted();
    while let Some(rcpt) = tx.recipients.next().await? {
        let to = rcpt.forward_path().as_str().to_owned();
        let local = to.split('@').next().unwrap_or_default();
        if let Some(reply) = refusal(local) {
            rcpt.answer(reply);
            continue;
        }
        if let Some(reply) = local.strip_prefix("then").and_then(refusal) {
            let mut mailboxes = mailboxes.lock().unwrap();
            let is_new = mailboxes.insert(to, Vec::new()).is_none();
            rcpt.answer(if is_new { Reply::mailbox_busy() } else { reply });
            continue;
        }
        if let Some(reply) = local.strip_prefix("end").and_then(refusal) {
            last = reply;
        }
        accepted.push(to);
        rcpt.answer(Reply::recipient_ok());
    }
    let message = tx.body.collect(MESSAGE_MAX).await?;
    if last.is_positive() {
        let message = String::from_utf8_lossy(&message);
        let mut mailboxes = mailboxes.lock().unwrap();
        for to in accepted {
            mailboxes.entry(to).or_default().push(message.to_string());
        }
    }
    Ok(last)
}

/// The reply that a recipient of this name asks for.
fn refusal(name: &str) -> Option<Reply> {
    let code = ReplyCode::new(name.parse().ok()?).ok()?;
    Some(Reply::new(code, None, "as you asked"))
}

/// What follows the trace header fields: all that the sender wrote.
pub(crate) fn without_trace(message: &str) -> &str {
    let mut rest = message;
    while rest.starts_with("Received:") {
        let mut end = rest.find("\r\n").map_or(rest.len(), |end| end + 2);
        while rest[end..].starts_with([' ', '\t']) {
            end += rest[end..].find("\r\n").map_or(rest.len() - end, |e| e + 2);
        }
        rest = &rest[end..];
    }
    rest
}

//! A destination in the test's own process that keeps the messages that it gets.

use std::{
    collections::HashMap,
    future::pending,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use koukan_core::{
    path::{Parameter, Parameters},
    reply::{Reply, ReplyCode},
    transaction::Transaction,
};
use koukan_smtp::Server;
use tokio::{net::TcpListener, runtime::Runtime};
use tower::{BoxError, service_fn};

use crate::process::eventually;

/// The most octets of a message that are kept.
const MESSAGE_MAX: usize = 64 << 20;

/// An SMTP server that keeps messages by recipient.
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    mailboxes: Mailboxes,
    asked: Asked,
    reverse_paths: Asked,
    _runtime: Runtime,
}

type Mailboxes = Arc<Mutex<HashMap<String, Vec<Bytes>>>>;

/// Parameters of MAIL and RCPT, by recipient.
type Asked = Arc<Mutex<HashMap<String, String>>>;

impl Collector {
    /// Listens on any free port.
    pub(crate) fn start() -> Self {
        Self::listen("127.0.0.1:0".parse().unwrap())
    }

    /// Accepts all mail, except for some recipients. A local part that is a number is the code of the reply to RCPT.
    /// With a local part of `then` and a number, the first reply is 450, and the later ones have that code. With
    /// `end` and a number, the reply to the end of the message has that code.
    pub(crate) fn listen(address: SocketAddr) -> Self {
        let runtime = Runtime::new().unwrap();
        let mailboxes = Mailboxes::default();
        let (asked, reverse_paths) = (Asked::default(), Asked::default());
        let kept = (
            Arc::clone(&mailboxes),
            Arc::clone(&asked),
            Arc::clone(&reverse_paths),
        );
        let service = service_fn(move |tx| collect(kept.clone(), tx));
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(Server::new(service).run(listener, pending()));
        Self {
            address,
            mailboxes,
            asked,
            reverse_paths,
            _runtime: runtime,
        }
    }

    /// The parameters of MAIL and RCPT of the last message for a recipient.
    pub(crate) fn asked(&self, to: &str) -> String {
        let asked = self.asked.lock().unwrap();
        asked.get(to).cloned().unwrap_or_default()
    }

    /// The reverse-path of the last message for a recipient.
    pub(crate) fn reverse_path(&self, to: &str) -> String {
        let reverse_paths = self.reverse_paths.lock().unwrap();
        reverse_paths.get(to).cloned().unwrap_or_default()
    }

    /// The messages for a recipient so far.
    pub(crate) fn messages(&self, to: &str) -> Vec<String> {
        let all = self.octets(to);
        let all = all.iter().map(|octets| String::from_utf8_lossy(octets));
        all.map(String::from).collect()
    }

    /// The same, as octets.
    pub(crate) fn octets(&self, to: &str) -> Vec<Bytes> {
        let mailboxes = self.mailboxes.lock().unwrap();
        mailboxes.get(to).cloned().unwrap_or_default()
    }

    /// The only message for a recipient. Waits until it has arrived.
    pub(crate) fn only_message(&self, to: &str) -> String {
        eventually(Duration::from_secs(30), || !self.messages(to).is_empty());
        let mut messages = self.messages(to);
        assert_eq!(messages.len(), 1, "{to}");
        messages.remove(0)
    }

    /// The number of messages that have arrived.
    pub(crate) fn count(&self) -> usize {
        self.mailboxes.lock().unwrap().values().map(Vec::len).sum()
    }
}

async fn collect(
    (mailboxes, asked, reverse_paths): (Mailboxes, Asked, Asked),
    mut tx: Transaction,
) -> Result<Reply, BoxError> {
    let of_mail = listed(&tx.mail.request().parameters);
    let from = tx.mail.reverse_path().as_str().to_owned();
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
        let of_rcpt = listed(&rcpt.request().parameters);
        let mut asked = asked.lock().unwrap();
        asked.insert(to.clone(), format!("{of_mail} {of_rcpt}"));
        drop(asked);
        let mut reverse_paths = reverse_paths.lock().unwrap();
        reverse_paths.insert(to.clone(), from.clone());
        drop(reverse_paths);
        accepted.push(to);
        rcpt.answer(Reply::recipient_ok());
    }
    let message = tx.body.collect(MESSAGE_MAX).await?;
    if last.is_positive() {
        let mut mailboxes = mailboxes.lock().unwrap();
        for to in accepted {
            mailboxes.entry(to).or_default().push(message.clone());
        }
    }
    Ok(last)
}

fn listed(parameters: &Parameters) -> String {
    let listed: Vec<_> = parameters.iter().map(Parameter::to_string).collect();
    listed.join(" ")
}

/// The reply that this recipient's name asks for.
fn refusal(name: &str) -> Option<Reply> {
    let code = ReplyCode::new(name.parse().ok()?).ok()?;
    Some(Reply::new(code, None, "as you asked"))
}

/// The text after the trace header fields: what the sender wrote.
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

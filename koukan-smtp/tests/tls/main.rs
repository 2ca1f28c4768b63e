//! TLS by STARTTLS and from the start, on real sockets: the server, the client, and both together.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod client;
mod client_certificates;
mod dane;
mod immediate;
mod line_client;
mod mta_sts;
mod requiretls;
mod resumption;
mod server;
mod smuggling;
#[path = "../support/mod.rs"]
mod support;

use koukan_core::{reply::Reply, transaction::Transaction};
use koukan_smtp::{Server, server::MakeMailService};
use tower::{BoxError, service_fn};

/// Takes mail, and says at the end who the client is.
fn tells_identity() -> Server<impl MakeMailService> {
    Server::new(service_fn(|mut tx: Transaction| async move {
        tx.mail.answer(Reply::sender_ok());
        while let Some(rcpt) = tx.recipients.next().await? {
            rcpt.answer(Reply::recipient_ok());
        }
        while tx.body.next().await?.is_some() {}
        let identity = tx.context.identity.as_deref().unwrap_or("nobody");
        Ok::<_, BoxError>(Reply::message_accepted().with_text(format!("of {identity}")))
    }))
}

/// Takes mail, and says at the end whether it came over TLS.
fn tells_tls() -> Server<impl MakeMailService> {
    Server::new(service_fn(|mut tx: Transaction| async move {
        tx.mail.answer(Reply::sender_ok());
        while let Some(rcpt) = tx.recipients.next().await? {
            rcpt.answer(Reply::recipient_ok());
        }
        let mut octets = 0;
        while let Some(chunk) = tx.body.next().await? {
            octets += chunk.len();
        }
        let tls = tx.context.tls.as_ref().map_or("clear", |tls| &*tls.version);
        let text = format!("{octets} octets over {tls}");
        Ok::<_, BoxError>(Reply::message_accepted().with_text(text))
    }))
}

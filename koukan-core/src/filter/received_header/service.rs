use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use tower::Service;

use crate::{
    blob::BlobReader,
    body::{Body, BodyError},
    context,
    filter::remote_host::RemoteHost,
    message::opening::Opening,
    reply::{Rejection, Reply},
    service::MailService,
    signals::{Signals, TraceId},
    transaction::Transaction,
};

use super::{ReceivedHeaderLayer, clauses::Facts, recipients::SeenRecipients, scanner::Scanner};

/// How much of a header section is scanned before the message goes on, in octets. The `Received`
/// fields of a loop stand at the top.
const LOOKED_AT: u64 = 256 << 10;

/// The largest size of the field with its separator, in octets.
const GROWTH_MAX: u64 = 1280 + 256;

/// Adds the `Received` field; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct ReceivedHeader<S> {
    inner: S,
    settings: ReceivedHeaderLayer,
}

impl<S> ReceivedHeader<S> {
    pub(super) fn new(inner: S, settings: ReceivedHeaderLayer) -> Self {
        Self { inner, settings }
    }
}

impl<S: MailService> Service<Transaction> for ReceivedHeader<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut tx: Transaction) -> S::Future {
        let parameters = &mut tx.mail.request_mut().parameters;
        // The recipient in the field is not known yet.
        parameters.grow_size(GROWTH_MAX);
        let recipients = SeenRecipients::default();
        let seen = recipients.clone();
        let message = Message {
            settings: self.settings.clone(),
            context: Arc::clone(&tx.context),
            id: TraceId::of(&tx.signals),
            signals: tx.signals.clone(),
            is_smtputf8: tx.mail.request().parameters.is_smtputf8(),
            recipients,
        };
        let tx = tx
            .map_recipients(|recipients| seen.watch(recipients))
            .map_body(|body| body.then(move |body| message.add_field(body)));
        self.inner.call(tx)
    }
}

/// What the field of one message needs.
struct Message {
    settings: ReceivedHeaderLayer,
    context: Arc<context::Context>,
    id: TraceId,
    signals: Signals,
    is_smtputf8: bool,
    recipients: SeenRecipients,
}

impl Message {
    async fn add_field(self, body: Body) -> Result<Body, BodyError> {
        let mut scanner = Scanner::new(self.settings.max_received_fields);
        let mut opening = Opening::default();
        let mut body = match body.into_blob() {
            Ok((prefix, blob)) => {
                for octets in &prefix {
                    opening.look(octets);
                    check(&mut scanner, octets)?;
                }
                look_ahead(&mut opening, &mut scanner, blob.reader()).await?;
                Body::from_blob(prefix, blob)
            }
            Err(mut body) => {
                look_at_start(&mut opening, &mut body).await?;
                body.map(move |chunk: Bytes| {
                    check(&mut scanner, &chunk)?;
                    Ok::<_, Rejection>(chunk)
                })
            }
        };
        body.prepend(self.field(opening.separator()));
        Ok(body)
    }

    /// The field, and its separator from the message.
    fn field(&self, separator: &str) -> Bytes {
        let recipient = self.recipients.only();
        let host = self.signals.find_durable::<RemoteHost>().ok().flatten();
        let host = host.filter(|host| host.fcrdns == Some(true));
        let confirmed = host
            .as_ref()
            .and_then(|host| host.remote_hostname.as_deref());
        let mut field = Facts {
            host_name: &self.settings.host_name,
            context: &self.context,
            confirmed,
            id: self.id,
            is_smtputf8: self.is_smtputf8,
            recipient: recipient.as_ref(),
            now: self.settings.clock.now(),
        }
        .field();
        field.push_str(separator);
        field.into()
    }
}

/// Reads the header section of a blob with a second reader.
async fn look_ahead(
    opening: &mut Opening,
    scanner: &mut Scanner,
    mut reader: BlobReader,
) -> Result<(), BodyError> {
    while !scanner.is_done() && reader.position() < LOOKED_AT {
        let Some(chunk) = reader.next().await? else {
            break;
        };
        opening.look(&chunk);
        check(scanner, &chunk)?;
    }
    Ok(())
}

/// Reads enough of a message to see how it begins, and puts it back.
async fn look_at_start(opening: &mut Opening, body: &mut Body) -> Result<(), BodyError> {
    let mut read = Vec::new();
    while !opening.is_known() {
        let Some(chunk) = body.next().await? else {
            break;
        };
        opening.look(&chunk);
        read.push(chunk);
    }
    for chunk in read.into_iter().rev() {
        body.prepend(chunk);
    }
    Ok(())
}

fn check(scanner: &mut Scanner, octets: &[u8]) -> Result<(), Rejection> {
    let is_loop = scanner.scan(octets).is_err();
    if is_loop {
        Err(Reply::routing_loop().into())
    } else {
        Ok(())
    }
}

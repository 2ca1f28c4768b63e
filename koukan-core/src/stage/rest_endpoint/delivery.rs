//! From a transaction to the host that accepts it.

use std::{future::pending, sync::Arc};

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};
use tower::BoxError;

use crate::{
    context::Context,
    id::RandomId,
    reply::Reply,
    resource::{ResourceService, View},
    signals::{Carried, Departure, Destination, HostPort, Signals},
    transaction::Transaction,
};

use super::{
    RestEndpointSettings,
    create_parts::Parts,
    intake::Intake,
    request::{Creating, Step},
    session::{Ended, Session},
};

/// One call.
pub(super) struct Delivery<R> {
    pub(super) resource: R,
    pub(super) settings: Arc<RestEndpointSettings>,
    pub(super) signals: Signals,
    pub(super) intake: Intake,
    context: Arc<Context>,
    /// The message, if it is sent inline with the create.
    inline: Option<Bytes>,
    /// The durable signals that upstream has.
    told: Carried,
    /// Who may have given the message up by when upstream is to have it.
    departure: Option<Arc<Departure>>,
}

impl<R: ResourceService> Delivery<R> {
    pub(super) fn new(
        resource: R,
        settings: Arc<RestEndpointSettings>,
        transaction: Transaction,
        departure: Option<Arc<Departure>>,
    ) -> Self {
        let Transaction {
            context,
            mail,
            recipients,
            body,
            signals,
        } = transaction;
        Self {
            resource,
            settings,
            signals,
            intake: Intake::new(mail, recipients, body),
            context,
            inline: None,
            told: Carried::default(),
            departure,
        }
    }

    /// Whether upstream may be given the message. If not, whoever gave it up drops the call.
    pub(super) fn may_go(&self) -> bool {
        let departure = self.departure.as_ref();
        departure.is_none_or(|departure| departure.may_go())
    }

    pub(super) async fn run(mut self) -> Result<Reply, BoxError> {
        self.intake.gather().await?;
        if !self.settings.is_incremental || self.is_destination_missing() {
            self.intake.wait_for_recipient().await?;
            if self.intake.is_without_recipients() {
                return Ok(Reply::no_valid_recipients());
            }
        }
        if self.is_destination_missing() {
            tracing::error!("no destination is known for the transaction");
            return Ok(Reply::misconfigured());
        }
        if !self.settings.is_incremental {
            let octets_max = self.settings.inline_max;
            self.inline = self.intake.take_small(octets_max, &self.signals).await?;
        }
        let destination = self.signals.find::<Destination>();
        let hosts = destination.as_ref().map_or(&[][..], |to| &to.hosts);
        let Some((last, others)) = hosts.split_last() else {
            return Ok(self.deliver_to(None).await?.into_reply());
        };
        for host in others {
            match self.deliver_to(Some(host)).await? {
                Ended::Replied(reply) => return Ok(reply),
                Ended::Unheard(reply) => tracing::debug!(%host, %reply, "trying the next host"),
            }
        }
        Ok(self.deliver_to(Some(last)).await?.into_reply())
    }

    fn is_destination_missing(&self) -> bool {
        self.settings.awaits_destination && self.signals.find::<Destination>().is_none()
    }

    /// The durable signals, if they differ from what upstream has; they then count as sent.
    pub(super) fn untold_signals(&mut self) -> Option<Carried> {
        if !self.settings.has_filter_output {
            return None;
        }
        let now = self.signals.carried();
        (now != self.told).then(|| {
            self.told = now.clone();
            now
        })
    }

    async fn deliver_to(&mut self, host: Option<&HostPort>) -> Result<Ended, BoxError> {
        if self.inline.is_some() && !self.may_go() {
            pending::<()>().await;
        }
        let begun = Instant::now();
        let timeouts = self.settings.timeouts;
        let rcpt_to = self.intake.replies.tell_from(0, timeouts.rcpt);
        self.told = Carried::default();
        let signals = self.untold_signals();
        let parts = Parts {
            context: &self.context,
            signals: signals.as_ref(),
            mail: self.intake.mail(),
            rcpt_to,
            host,
            inline: self.inline.as_ref(),
        };
        let create = self.settings.create(parts, RandomId::new().to_string());
        let creating = Creating::new(self.resource.clone(), create);
        match timeout_at(begun + timeouts.start, creating).await {
            Ok(Ok(created)) => {
                if is_unread(&created.view)
                    && let Some(inline) = self.inline.take()
                {
                    // Some applications accept a message only as an upload.
                    self.intake.put_back(inline);
                }
                Session::new(self, created, begun).run().await
            }
            Ok(Err(failure)) => Ok(Ended::unheard(failure.reply(Step::Create))),
            Err(_) => Ok(Ended::unheard(Reply::elapsed())),
        }
    }
}

/// Whether upstream still waits for the message, whatever came with the create.
fn is_unread(view: &View) -> bool {
    let body = view.body.as_ref();
    let blob = body.and_then(|body| body.blob_status.as_ref());
    blob.is_some_and(|blob| !blob.finalized) && view.data_response.is_none() && !view.is_final()
}

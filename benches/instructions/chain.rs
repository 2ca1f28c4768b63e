//! Transactions within the process: through layers, and to many recipients.

use std::sync::Arc;

use bytes::Bytes;
use koukan_core::{
    blob::{Blob, BlobPool},
    context::{Context, Sender},
    filter::{
        MailboxList,
        policy_action::{
            Expression, PolicyAction, PolicyLayer, PolicyRule,
            matchers::{AddressMatcher, NetworkAddress, WhichAddress},
        },
    },
    middleware::{Deliver, DeliverRequest, Next, from_fn},
    path::{ForwardPath, ReversePath},
    reply::Reply,
    service::{BoxMailLayer, BoxMailService},
    stage::exploder::{Exploder, ReplyPolicy},
    transaction::{Mail, Rcpt, Transaction},
};
use tower::{BoxError, Layer, ServiceExt, service_fn};

use crate::{content::message, runtime::block_on};

/// 16 layers that do nothing.
pub(crate) fn of_16_layers(times: usize) {
    let layer = BoxMailLayer::new(from_fn(pass));
    let service = (0..16).fold(accepting(), |inner, _| layer.layer(inner));
    deliver(service, 1, times);
}

/// 20 rules that let everything pass; every other one is evaluated for each recipient.
pub(crate) fn of_20_policies(times: usize) {
    let networks = || NetworkAddress::new(["192.0.2.0/24".parse().expect("a network")]);
    let mailboxes = || MailboxList::default().with_domains(["example.net"]);
    let service = (0..20).fold(accepting(), |inner, number| {
        let rule = PolicyRule::new(format!("rule{number}")).with_action(PolicyAction::Reject);
        let rule = match number % 2 {
            0 => rule.with_match(Expression::new(networks())),
            _ => rule
                .with_match(Expression::new(AddressMatcher::new(
                    WhichAddress::RcptTo,
                    mailboxes(),
                )))
                .per_recipient(),
        };
        BoxMailLayer::new(PolicyLayer::new(rule)).layer(inner)
    });
    deliver(service, 1, times);
}

/// An Exploder with 10 legs.
pub(crate) fn exploder_to_10(times: usize) {
    let exploder = Exploder::new(accepting(), ReplyPolicy::Ingress, BlobPool::default());
    deliver(BoxMailService::new(exploder), 10, times);
}

async fn pass(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
    next.run(tx).await
}

/// Accepts everything, and keeps nothing.
pub(crate) fn accepting() -> BoxMailService {
    BoxMailService::new(service_fn(|mut tx: Transaction| async move {
        tx.mail.answer(Reply::sender_ok());
        while let Some(rcpt) = tx.recipients.next().await? {
            rcpt.answer(Reply::recipient_ok());
        }
        while tx.body.next().await?.is_some() {}
        Ok::<_, BoxError>(Reply::message_accepted())
    }))
}

fn deliver(service: BoxMailService, recipients: usize, times: usize) {
    let from: ReversePath = "alice@example.org".parse().expect("a mailbox");
    let message = Blob::from_bytes(Bytes::from(message(5_000)));
    let context = Arc::new(Context::new(Sender::new("bench")));
    let mut request = DeliverRequest::new(context, Mail::new(from), message);
    for number in 0..recipients {
        let to: Result<ForwardPath, _> = format!("bob{number}@example.com").parse();
        request = request.to(Rcpt::new(to.expect("a mailbox")));
    }
    block_on(async {
        for _ in 0..times {
            let request = request.clone().without_signals();
            let Ok(outcome) = Deliver::new(service.clone()).oneshot(request).await;
            assert!(outcome.is_delivered());
        }
    });
}

//! Transactions with copies of a message, and the ways in which they become members.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex},
    task::{self, Poll, ready},
};

use tower::{Service, service_fn};

use crate::{
    blob::Blob,
    body::{Body, Copies, MessageToken},
    reply::Reply,
    service::{MailService, begin},
    signals::Signals,
    stage::sharing::Sharing,
    test_util::{Script, context, mail, rcpt},
    transaction::{Driver, Pending, Start, Taker, Transaction, Upstream},
};

use super::MESSAGE;

/// How members join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// By a call.
    Called,
    /// Without one.
    Direct,
    /// Without one, and a single task polls them all.
    OfOneTask,
}

/// A transaction with a copy of the message.
pub(super) struct Leg {
    upstream: Given,
    mail: Pending,
    rcpts: Vec<(String, Pending)>,
    is_given: bool,
}

enum Given {
    Call(Driver),
    Direct(Box<dyn Taker>),
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Called, Self::Direct, Self::OfOneTask];

    pub(super) fn copies(self) -> Copies {
        match self {
            Self::Called | Self::Direct => Copies::new(),
            Self::OfOneTask => Copies::of_one_task(),
        }
    }
}

impl Leg {
    pub(super) async fn start(
        kind: Kind,
        sharing: &Sharing<Script>,
        token: MessageToken,
        to: &[&str],
    ) -> Self {
        let (mut upstream, mail) = match kind {
            Kind::Called => {
                let (driver, reply) = Driver::start(front(sharing, token), context(), mail("a@x"));
                (Given::Call(driver), reply)
            }
            Kind::Direct | Kind::OfOneTask => {
                let start = Start {
                    context: context(),
                    mail: mail("a@x"),
                    signals: Signals::default(),
                    token: Some(token),
                };
                match begin(sharing.clone().boxed(), start) {
                    (Upstream::Direct(taker), mail) => (Given::Direct(taker), mail),
                    // If it is the only copy.
                    (Upstream::Call(driver), mail) => (Given::Call(driver), mail),
                }
            }
        };
        let mut rcpts = Vec::new();
        for to in to {
            let reply = match &mut upstream {
                Given::Call(driver) => driver.rcpt(rcpt(to)).await,
                Given::Direct(taker) => taker.rcpt(rcpt(to)),
            };
            rcpts.push(((*to).to_owned(), reply));
        }
        Self {
            upstream,
            mail,
            rcpts,
            is_given: false,
        }
    }

    fn poll_progress(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        match &mut self.upstream {
            Given::Call(driver) => driver.poll_progress(cx),
            Given::Direct(taker) => taker.poll(cx),
        }
    }

    pub(super) async fn progress(&mut self) {
        poll_fn(|cx| self.poll_progress(cx)).await;
    }

    fn final_reply(&self) -> Option<&Reply> {
        match &self.upstream {
            Given::Call(driver) => driver.final_reply(),
            Given::Direct(taker) => taker.final_reply(),
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.final_reply().is_some()
    }

    pub(super) fn data(&mut self) {
        match &mut self.upstream {
            Given::Call(driver) => driver.data(),
            Given::Direct(taker) => taker.data(),
        }
    }

    pub(super) fn give(&mut self) {
        if std::mem::replace(&mut self.is_given, true) {
            return;
        }
        let body = Body::from(Blob::from_bytes(MESSAGE.into()));
        match &mut self.upstream {
            Given::Call(driver) => driver.whole_body(body),
            Given::Direct(taker) => taker.body(body),
        }
    }

    /// Gives the message and waits for the end. Returns the accepted recipients, or what is wrong.
    pub(super) async fn end(&mut self) -> Result<Vec<String>, String> {
        self.give();
        poll_fn(|cx| {
            ready!(self.poll_progress(cx));
            Poll::Ready(())
        })
        .await;
        let last = self.final_reply().cloned().expect("it has ended");
        let mail = (&mut self.mail).await;
        let mut accepted = Vec::new();
        for (to, pending) in &mut self.rcpts {
            if pending.await.is_positive() {
                accepted.push(to.clone());
            }
        }
        match mail.is_positive() && last.is_positive() != accepted.is_empty() {
            true => Ok(accepted),
            false => Err(format!("{mail}, accepted {accepted:?}, {last}")),
        }
    }
}

/// Makes calls arrive with that token.
fn front(sharing: &Sharing<Script>, token: MessageToken) -> impl MailService + use<> {
    let (mut sharing, token) = (sharing.clone(), Arc::new(Mutex::new(Some(token))));
    service_fn(move |mut transaction: Transaction| {
        let token = token.lock().expect("nobody panics").take();
        transaction.body = transaction.body.with_token(token);
        sharing.call(transaction)
    })
}

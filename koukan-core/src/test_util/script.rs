//! A service that answers by a table.

use std::{
    collections::HashMap,
    future::{pending, poll_fn},
    pin::pin,
    sync::Arc,
    task::{self, Poll},
};

use futures_core::{Stream, future::BoxFuture};
use futures_util::stream::FuturesUnordered;
use tokio::time::sleep;
use tower::{BoxError, Service};

use crate::{
    reply::{FinalReplies, Reply},
    transaction::{Slot, Transaction},
};

use super::{
    Answer, End, Received,
    received::{Entry, Log},
};

/// An endpoint that answers by a table and keeps what it received. Clones share what they received.
///
/// Without settings it accepts everything. It takes recipients as long as they come, whatever the
/// answers, and then the message.
#[derive(Debug, Clone)]
pub struct Script {
    table: Arc<Table>,
    log: Log,
}

#[derive(Debug, Clone)]
struct Table {
    mail: Answer,
    rcpts: HashMap<Box<str>, Answer>,
    other_rcpts: Answer,
    message: Answer,
    messages: HashMap<Box<str>, Reply>,
}

impl Script {
    /// A service that accepts everything.
    pub fn new() -> Self {
        let table = Table {
            mail: Reply::sender_ok().into(),
            rcpts: HashMap::new(),
            other_rcpts: Reply::recipient_ok().into(),
            message: Reply::message_accepted().into(),
            messages: HashMap::new(),
        };
        Self {
            table: Arc::new(table),
            log: Log::default(),
        }
    }

    /// Sets the answer to MAIL.
    #[must_use]
    pub fn mail(mut self, answer: impl Into<Answer>) -> Self {
        self.table_mut().mail = answer.into();
        self
    }

    /// Sets the answer to RCPT for one forward-path.
    #[must_use]
    pub fn rcpt(mut self, forward_path: &str, answer: impl Into<Answer>) -> Self {
        let rcpts = &mut self.table_mut().rcpts;
        rcpts.insert(forward_path.into(), answer.into());
        self
    }

    /// Sets the answer to RCPT for all other forward-paths.
    #[must_use]
    pub fn other_rcpts(mut self, answer: impl Into<Answer>) -> Self {
        self.table_mut().other_rcpts = answer.into();
        self
    }

    /// Sets the answer to the message once it has ended cleanly.
    #[must_use]
    pub fn message(mut self, answer: impl Into<Answer>) -> Self {
        self.table_mut().message = answer.into();
        self
    }

    /// Sets the final reply for one forward-path; the others get that of [`Script::message`]. If such
    /// recipients are accepted, the service answers the message by recipient.
    #[must_use]
    pub fn message_for(mut self, forward_path: &str, reply: Reply) -> Self {
        let messages = &mut self.table_mut().messages;
        messages.insert(forward_path.into(), reply);
        self
    }

    /// The transactions that have ended, in the order of their end.
    pub fn received(&self) -> Vec<Received> {
        self.log.received()
    }

    /// The only transaction.
    ///
    /// # Panics
    ///
    /// If there was none, or more than one.
    pub fn only_received(&self) -> Received {
        let mut received = self.received();
        assert_eq!(received.len(), 1, "not one transaction: {received:?}");
        received.remove(0)
    }

    /// Waits until that many transactions have ended. Returns all that have.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped before it ends.
    pub async fn ended(&self, count: usize) -> Vec<Received> {
        self.log.until(|progress| progress.ended >= count).await;
        self.received()
    }

    /// Waits until that many octets of messages have arrived in all transactions together,
    /// including those under way.
    ///
    /// # Cancel safety
    ///
    /// As [`Script::ended`].
    pub async fn octets(&self, count: usize) {
        self.log.until(|progress| progress.octets >= count).await;
    }

    fn table_mut(&mut self) -> &mut Table {
        Arc::make_mut(&mut self.table)
    }
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl Service<Transaction> for Script {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, transaction: Transaction) -> Self::Future {
        let play = Play {
            table: Arc::clone(&self.table),
            entry: Entry::new(self.log.clone(), &transaction),
            delayed: FuturesUnordered::new(),
            held: Vec::new(),
            accepted: Vec::new(),
        };
        Box::pin(play.run(transaction))
    }
}

/// One call.
struct Play {
    table: Arc<Table>,
    entry: Entry,
    delayed: FuturesUnordered<BoxFuture<'static, ()>>,
    held: Vec<Slot>,
    /// Recipients that were not refused, by position.
    accepted: Vec<(usize, Box<str>)>,
}

/// The script ends the call early.
enum Stop {
    Return(Reply),
    Fail(BoxError),
}

impl<E: Into<BoxError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Fail(error.into())
    }
}

impl Play {
    async fn run(mut self, transaction: Transaction) -> Result<Reply, BoxError> {
        match self.perform(transaction).await {
            Ok(reply) | Err(Stop::Return(reply)) => {
                self.entry.end(End::Replied(reply.clone()));
                Ok(reply)
            }
            Err(Stop::Fail(error)) => {
                self.entry.end(End::Failed(error.to_string()));
                Err(error)
            }
        }
    }

    async fn perform(&mut self, transaction: Transaction) -> Result<Reply, Stop> {
        let Transaction {
            mail,
            mut recipients,
            mut body,
            ..
        } = transaction;
        let table = Arc::clone(&self.table);
        let (_, slot) = mail.into_parts();
        self.give(&table.mail, slot)?;
        while let Some(rcpt) = self.beside_delayed(recipients.next()).await? {
            let (request, slot) = rcpt.into_parts();
            let answer = table.rcpts.get(request.forward_path.as_str());
            let answer = answer.unwrap_or(&table.other_rcpts);
            if !matches!(answer, Answer::Reply(reply) | Answer::After(_, reply) if reply.is_negative())
            {
                let path = request.forward_path.as_str().into();
                self.accepted.push((slot.position(), path));
                self.entry.recipient(request);
            }
            self.give(answer, slot)?;
        }
        while let Some(chunk) = self.beside_delayed(body.next()).await? {
            self.entry.chunk(&chunk);
        }
        match &table.message {
            Answer::Reply(reply) | Answer::Return(reply) => Ok(self.final_reply(reply)),
            Answer::After(time, reply) => {
                self.beside_delayed(sleep(*time)).await;
                Ok(self.final_reply(reply))
            }
            Answer::Never => self.beside_delayed(pending()).await,
            Answer::Drop => Err("the message was dropped".into()),
            Answer::Fail(text) => Err((*text).into()),
            Answer::Panic(text) => panic!("{text}"),
        }
    }

    /// The final reply; `others` is the one for recipients without a reply of their own.
    fn final_reply(&self, others: &Reply) -> Reply {
        let messages = &self.table.messages;
        let mut replies = FinalReplies::default();
        for (position, path) in &self.accepted {
            let reply = messages.get(path).unwrap_or(others);
            replies.push(*position, reply.clone());
        }
        if messages.is_empty() || replies.is_empty() {
            return others.clone();
        }
        replies.into_reply()
    }

    fn give(&mut self, answer: &Answer, slot: Slot) -> Result<(), Stop> {
        match answer {
            Answer::Reply(reply) => slot.answer(reply.clone()),
            Answer::After(time, reply) => {
                let (time, reply) = (*time, reply.clone());
                self.delayed.push(Box::pin(async move {
                    sleep(time).await;
                    slot.answer(reply);
                }));
            }
            Answer::Never => self.held.push(slot),
            Answer::Drop => drop(slot),
            Answer::Return(reply) => return Err(Stop::Return(reply.clone())),
            Answer::Fail(text) => return Err((*text).into()),
            Answer::Panic(text) => panic!("{text}"),
        }
        Ok(())
    }

    /// Waits for `future` and gives the delayed replies meanwhile.
    async fn beside_delayed<T>(&mut self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        poll_fn(|cx| {
            while let Poll::Ready(Some(())) = pin!(&mut self.delayed).poll_next(cx) {}
            future.as_mut().poll(cx)
        })
        .await
    }
}

//! Receiving a message: DATA and BDAT.

use std::{convert::Infallible, mem, sync::Arc, task::Poll, time::Duration};

use bytes::{Bytes, BytesMut};
use koukan_core::{
    reply::Reply,
    signals::{Signals, TraceId},
};
use tokio::time::Instant;

use super::{
    End, Session,
    pace::Pace,
    state::Tally,
    turn::{Client, Event, Expected},
};
use crate::{
    Protocol,
    codec::{BareLineEnds, BdatDecoder, BodyEvent, ContentFault, DataDecoder},
    server::{Config, MakeMailService, Upgrade},
};

/// What is known of a message that is being received.
#[derive(Debug)]
pub(super) struct Message {
    /// Facts about the message that filters read and add to.
    pub(super) signals: Signals,
    octets: u64,
    /// Its size as the client declared it.
    declared: Option<u64>,
    /// The reply that the message will get, whatever else follows.
    refusal: Option<Reply>,
    chunks: BdatDecoder,
    pace: Pace,
    /// How many recipients upstream has answered.
    answered: usize,
    /// The positions of the recipients that upstream has accepted.
    accepted: Vec<usize>,
}

impl Message {
    pub(super) fn new(bare_line_ends: BareLineEnds) -> Self {
        Self {
            signals: Signals::default(),
            octets: 0,
            declared: None,
            refusal: None,
            chunks: BdatDecoder::new(bare_line_ends),
            pace: Pace::default(),
            answered: 0,
            accepted: Vec::new(),
        }
    }

    /// How long to wait for the client between two chunks.
    pub(super) fn patience(&self, config: &Config) -> Duration {
        self.pace.left(&config.limits, &config.timeouts)
    }

    /// Counts time in which the client was waited for, between two chunks.
    pub(super) fn waited_for(&mut self, waited: Duration) {
        self.pace.received(waited, 0);
    }

    /// Notes the answer of upstream for the next recipient.
    pub(super) fn recipient_answered(&mut self, is_accepted: bool) {
        if is_accepted {
            self.accepted.push(self.answered);
        }
        self.answered += 1;
    }

    /// Notes the size that the client declared.
    pub(super) fn expect(&mut self, size: Option<u64>) {
        self.declared = size;
    }
}

impl<IO, M> Session<IO, M>
where
    IO: Upgrade,
    M: MakeMailService,
{
    /// DATA.
    pub(super) async fn receive_message(&mut self) -> Result<(), End> {
        if let Some(reply) = self.early_refusal() {
            self.close_transaction();
            return self.send(reply);
        }
        self.no_more_recipients();
        self.send(Reply::start_mail_input())?;
        let text_line = self.config.limits.text_line;
        let mut decoder = DataDecoder::new(self.config.bare_line_ends, text_line);
        self.connection
            .begin_body(self.message.declared, self.config.limits.body_buffer);
        self.receive(|input| decoder.decode(input)).await?;
        self.finish().await
    }

    /// BDAT.
    pub(super) async fn receive_chunk(&mut self, size: u64, is_last: bool) -> Result<(), End> {
        self.no_more_recipients();
        let mut decoder = self.message.chunks.clone();
        decoder.start_chunk(size, is_last);
        self.connection
            .begin_body(Some(size), self.config.limits.body_buffer);
        self.receive(|input| decoder.decode(input)).await?;
        self.message.chunks = decoder;
        self.message.pace.has_brought(self.message.octets);
        if is_last {
            return self.finish().await;
        }
        self.let_call_run().await;
        if let Some(reply) = self.message.refusal.take().or_else(|| self.early_refusal()) {
            self.close_transaction();
            self.state.chunk_failed(reply.clone());
            return self.send(reply);
        }
        self.state.chunk_taken();
        let tally = Tally::of_chunk(size);
        self.answer(
            Reply::ok().with_text(format!("{size} octets received")),
            tally,
        )
    }

    /// Reads the octets of a BDAT that cannot be carried out, and drops them.
    pub(super) async fn discard_chunk(&mut self, size: u64) -> Result<(), End> {
        let mut decoder = BdatDecoder::new(BareLineEnds::Keep);
        decoder.start_chunk(size, false);
        loop {
            match decoder.decode(self.connection.input_mut()) {
                Some(BodyEvent::End) => break,
                Some(BodyEvent::Chunk(_) | BodyEvent::Fault(_)) => {}
                None => self.read_message().await?,
            }
        }
        self.connection.end_body();
        Ok(())
    }

    /// Reads a message, or a part of it, and hands it upstream.
    async fn receive(
        &mut self,
        mut decode: impl FnMut(&mut BytesMut) -> Option<BodyEvent>,
    ) -> Result<(), End> {
        loop {
            match decode(self.connection.input_mut()) {
                Some(BodyEvent::Chunk(octets)) => self.hand_on(octets).await,
                Some(BodyEvent::Fault(fault)) => {
                    self.refuse(refusal(fault, self.config.bare_line_ends));
                }
                Some(BodyEvent::End) => break,
                None => self.read_message().await?,
            }
        }
        self.connection.end_body();
        Ok(())
    }

    async fn hand_on(&mut self, octets: Bytes) {
        self.message.octets += octets.len() as u64;
        if self.message.octets > self.state.message_size(&self.config.limits) {
            self.refuse(Reply::message_too_big());
        }
        // If the call has already ended, its reply waits until the client has sent everything.
        let ready = self.wait_upstream(|driver, _, cx| driver.poll_body_ready(cx));
        if let Some(Ok(())) = ready.await
            && let Some(driver) = &mut self.driver
        {
            let _ = driver.start_send(octets);
        }
    }

    /// Aborts the transaction. The rest of the message is still received, and then answered.
    fn refuse(&mut self, reply: Reply) {
        self.driver = None;
        self.message.refusal.get_or_insert(reply);
    }

    async fn read_message(&mut self) -> Result<(), End> {
        let config = Arc::clone(&self.config);
        let (limits, timeouts) = (&config.limits, &config.timeouts);
        let started = Instant::now();
        let patience = self.message.pace.patience(limits, timeouts);
        let deadline = self.deadline.min(started + patience);
        let before = self.connection.input_len();
        let client = Client {
            expected: Expected::Octets,
            deadline,
            stopping: Some(timeouts.stopping),
        };
        // No reply is expected before the final one, which is awaited at the end.
        let Event::Client = self
            .wait_for(client, |driver, _, cx| {
                if let Some(driver) = driver {
                    let _ = driver.poll_progress(cx);
                }
                Poll::<Infallible>::Pending
            })
            .await?;
        if self.connection.is_eof() {
            return Err(End::HungUp);
        }
        let octets = self.connection.input_len() - before;
        self.message.pace.received(started.elapsed(), octets);
        self.connection.grow_body(limits.body_buffer);
        Ok(())
    }

    /// Answers the message, once or for each recipient.
    async fn finish(&mut self) -> Result<(), End> {
        let reply = match self.message.refusal.take() {
            Some(reply) => reply,
            None => {
                let reply = self.wait_upstream(|driver, _, cx| driver.poll_finish(cx));
                reply.await.unwrap_or_else(Reply::local_error)
            }
        };
        self.close_transaction();
        if reply.is_positive_for_any() {
            self.tallies.accepted();
        }
        match self.config.protocol {
            Protocol::Smtp => self.answer(self.with_id(reply), Tally::Fine),
            Protocol::Lmtp => self.answer_each(&reply),
        }
    }

    /// Answers the last chunk of a message that had failed before. Over LMTP that chunk has a reply for each accepted
    /// recipient in this case too: the client may have sent it before it heard of the failure.
    ///
    /// *Source*: RFC 2033 section 4.3.
    pub(super) fn answer_failed(&mut self, reply: Reply, tally: Tally) -> Result<(), End> {
        match self.config.protocol {
            Protocol::Lmtp if !self.message.accepted.is_empty() => self.answer_each(&reply),
            _ => self.answer(reply, tally),
        }
    }

    /// Answers the message for each accepted recipient, in order.
    ///
    /// *Source*: RFC 2033 section 4.2.
    fn answer_each(&mut self, reply: &Reply) -> Result<(), End> {
        for position in mem::take(&mut self.message.accepted) {
            // A reply that ends the session is only acted upon once every recipient has its reply.
            let own = reply.for_recipient(position).clone().relayed();
            self.answer(self.with_id(own), Tally::Fine)?;
        }
        match reply.closes_connection() {
            true => Err(End::Closed(reply.clone())),
            false => Ok(()),
        }
    }

    /// The reply to the message. If the message was accepted, the text names the id that it has here.
    fn with_id(&self, reply: Reply) -> Reply {
        match reply.is_positive() {
            true => with_id(&reply, TraceId::of(&self.message.signals)),
            false => reply,
        }
    }

    /// Lets the call work on what it was handed, so that a refusal is known now and not a chunk later.
    async fn let_call_run(&mut self) {
        self.wait_upstream(|driver, _, cx| Poll::Ready(driver.poll_progress(cx).is_ready()))
            .await;
    }

    fn no_more_recipients(&mut self) {
        if let Some(driver) = &mut self.driver {
            driver.data();
        }
    }

    /// The final reply, if it is already known and negative.
    fn early_refusal(&self) -> Option<Reply> {
        let reply = self.driver.as_ref()?.final_reply()?;
        reply.is_negative().then(|| reply.clone())
    }
}

/// The length of an id in octets, roughly.
const ID: usize = 32;

/// Adds the id that the message has here to the text of the reply, so that its sender can name the
/// message when asking about it.
fn with_id(reply: &Reply, id: TraceId) -> Reply {
    let mut text = String::with_capacity(reply.text().len() + ID);
    text.push_str(reply.text());
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str("id=");
    id.push_to(&mut text);
    reply.clone().with_text(text)
}

fn refusal(fault: ContentFault, policy: BareLineEnds) -> Reply {
    Reply::bad_content().with_text(match (fault, policy) {
        (ContentFault::BareLineEnd, BareLineEnds::Normalise) => "message holds a bare CR",
        (ContentFault::BareLineEnd, _) => "message holds a bare CR or LF",
        (ContentFault::LineTooLong, _) => "message holds a line that is too long",
    })
}

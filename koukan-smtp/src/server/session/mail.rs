//! MAIL and RCPT: begin a call, and hand recipients to it.

use std::task::Poll;

use koukan_core::{
    reply::Reply,
    signals::HearsEach,
    transaction::{Driver, Mail, Rcpt},
};

use super::{End, Session, body::Message, replies::Answered, state::Tally};
use crate::{
    codec::BareLineEnds,
    server::{MakeMailService, Upgrade},
};

impl<IO, M> Session<IO, M>
where
    IO: Upgrade,
    M: MakeMailService,
{
    /// Begins a mail transaction.
    pub(super) fn mail(&mut self, mut mail: Mail) -> Result<(), End> {
        // The client is not trusted to say who submitted the message: RFC 4954 section 5.
        mail.parameters.remove("AUTH");
        let is_known = self.facts.context().identity.is_some();
        if let Some(holding) = &self.config.holding
            && let Err(reply) = holding.check(&mut mail, is_known)
        {
            self.mail_refused();
            return self.answer(reply, Tally::Error);
        }
        self.tallies.transaction(&self.config.limits)?;
        self.state.opened(&mail.parameters);
        // A binary message has no lines.
        let bare_line_ends = match mail.parameters.is_binarymime() {
            true => BareLineEnds::Keep,
            false => self.config.bare_line_ends,
        };
        self.message = Message::new(bare_line_ends);
        self.message.expect(mail.parameters.size());
        let (sender, service) = self.make.make(self.facts.context());
        let context = self.facts.on_behalf_of(sender);
        let signals = self.message.signals.clone();
        if self.config.protocol.is_lmtp() {
            // This cannot fail, since no signal was set before.
            let _ = signals.set(HearsEach);
        }
        let (driver, reply) = Driver::start_with(service, context, mail, signals);
        self.driver = Some(driver);
        self.replies.push_mail(reply);
        Ok(())
    }

    /// MAIL was refused: commands that follow it in the pipeline are not the client's mistakes.
    pub(super) fn mail_refused(&mut self) {
        self.state.mail_refused();
        self.tallies.mail_refused();
    }

    /// Hands a recipient upstream.
    pub(super) async fn rcpt(&mut self, rcpt: Rcpt) -> Result<(), End> {
        // An upstream that has refused MAIL may never take the recipients.
        while let Some((answered, reply)) = self.wait_for_room().await {
            self.answered(answered, reply).await?;
            while let Some(reply) = self.replies.pop_known() {
                self.send(reply)?;
            }
        }
        let Some(driver) = &mut self.driver else {
            return self.answer(Reply::bad_sequence(), Tally::Futile);
        };
        self.state.recipient_handed_on(&rcpt, &self.config.limits);
        let reply = driver.start_rcpt(rcpt);
        self.replies.push_rcpt(reply);
        Ok(())
    }

    /// Waits until there is room for another recipient, or the call has ended, or a reply arrives first.
    async fn wait_for_room(&mut self) -> Option<(Answered, Reply)> {
        let next = self.wait_upstream(|driver, replies, cx| {
            if driver.poll_rcpt_ready(cx).is_ready() {
                return Poll::Ready(None);
            }
            replies.poll_next(Some(driver), cx).map(Some)
        });
        next.await.flatten()
    }
}

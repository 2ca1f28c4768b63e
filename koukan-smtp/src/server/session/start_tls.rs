//! STARTTLS: upgrades the transport.

use std::{convert::Infallible, sync::Arc, task::Poll};

use koukan_core::reply::Reply;
use tokio::time::Instant;

use super::{
    End, Session,
    state::{State, Tally},
    turn::{Client, Event, Expected},
};
use crate::{
    codec::CommandDecoder,
    server::{MakeMailService, Offer, Step, Upgrade},
};

impl<IO, M> Session<IO, M>
where
    IO: Upgrade,
    M: MakeMailService,
{
    /// Forgets what the client has said; keeps the facts about it.
    pub(super) fn begin_anew(&mut self) {
        let (config, context) = (&self.config, self.facts.context());
        let needs_tls = config.is_tls_required && context.tls.is_none();
        let needs_identity = config.is_auth_required && context.identity.is_none();
        self.state = State::new(Offer::of(&config.limits, self.abilities()))
            .with_protocol(config.protocol)
            .with_tls_needed(needs_tls)
            .with_identity_needed(needs_identity);
    }

    /// Lets the client begin with TLS, waits for the handshake, and forgets what was said before.
    /// If the greeter then refuses the client, the client hears so after its next command.
    ///
    /// *Source*: RFC 3207 section 4.
    pub(super) async fn start_tls(&mut self) -> Result<(), End> {
        let go_on = Reply::service_ready().with_text("go on with TLS");
        self.answer(go_on, Tally::Idle)?;
        let timeouts = &self.config.timeouts;
        let client = Client {
            expected: Expected::Upgrade,
            deadline: self.deadline.min(Instant::now() + timeouts.command),
            stopping: Some(timeouts.stopping),
        };
        let Event::Client = self
            .wait_for(client, |_, _, _| Poll::<Infallible>::Pending)
            .await?;
        let limits = &self.config.limits;
        self.commands = CommandDecoder::new(limits.command_line);
        let upgraded = self.connection.take_upgraded();
        self.facts = self.facts.after_upgrade(upgraded);
        self.begin_anew();
        let context = Arc::clone(self.facts.context());
        match self.ask(Step::Upgraded, context).await? {
            Ok(_) => Ok(()),
            Err(reply) if reply.closes_connection() => Err(End::Closed(reply)),
            Err(reply) => {
                self.state.turned_away(reply);
                Ok(())
            }
        }
    }
}

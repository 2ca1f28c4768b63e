//! STARTTLS: the transport becomes another one.

use std::{convert::Infallible, sync::Arc, task::Poll};

use koukan_core::{reply::Reply, service::MailService};
use tokio::time::Instant;

use super::{
    End, Session,
    state::{State, Tally},
    turn::{Client, Event, Expected},
};
use crate::{codec::CommandDecoder, server::Upgrade};

impl<IO, S> Session<IO, S>
where
    IO: Upgrade,
    S: MailService,
{
    /// Lets the client begin with TLS, waits for that, and forgets what was said before.
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
        self.commands = CommandDecoder::new(self.config.limits.command_line);
        self.state = State::new(self.connection.is_upgradable());
        Arc::make_mut(&mut self.context).client_name = None;
        Ok(())
    }
}

//! Makes a client wait for its greeting: a client that speaks earlier is not a mail server.

use std::{future::Future, pin::pin, time::Duration};

use koukan_core::reply::Reply;
use tokio::time::sleep;

use super::{
    End, Session,
    turn::{Client, Event, Expected},
};
use crate::server::{MakeMailService, Upgrade};

impl<IO, M> Session<IO, M>
where
    IO: Upgrade,
    M: MakeMailService,
{
    /// Makes the client wait as long as the configuration says. A client that speaks meanwhile does not follow
    /// the protocol, and gets 554. Proxies that speak for others are trusted and do not wait.
    ///
    /// *Source*: RFC 5321 sections 3.1 and 4.3.1.
    pub(super) async fn await_silence(&mut self) -> Result<(), End> {
        let delay = self.config.timeouts.greeting_delay;
        if delay.is_zero() || self.may_xclient {
            return Ok(());
        }
        if self.connection.input_len() == 0 {
            let mut delay = pin!(sleep(delay));
            let client = Client {
                expected: Expected::Commands,
                deadline: self.deadline,
                stopping: Some(Duration::ZERO),
            };
            let next = self.wait_for(client, |_, _, cx| delay.as_mut().poll(cx));
            match next.await? {
                Event::Upstream(()) => return Ok(()),
                Event::Client if self.connection.input_len() == 0 => return Err(End::HungUp),
                Event::Client => {}
            }
        }
        let client = self.facts.context().remote_host;
        tracing::info!(
            ?client,
            "closing a connection, its client spoke before the greeting"
        );
        Err(End::Closed(Reply::spoke_too_early()))
    }
}

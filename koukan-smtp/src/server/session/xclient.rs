//! XCLIENT: a proxy names the client that it speaks for.

use koukan_core::reply::Reply;

use super::{End, Session, state::Tally};
use crate::{
    codec::Xclient,
    server::{MakeMailService, Upgrade},
};

impl<IO, M> Session<IO, M>
where
    IO: Upgrade,
    M: MakeMailService,
{
    /// Begins the session anew with the client that is named, and greets it: the greeter is asked
    /// about it as about a new connection. From then on the connection counts as that client's. A
    /// client with too many connections gets the same reply as if it had connected itself.
    ///
    /// *Source*: Postfix, `XCLIENT_README`.
    pub(super) async fn xclient(&mut self, xclient: &Xclient) -> Result<(), End> {
        self.count(Tally::Idle)?;
        self.close_transaction();
        self.facts = self.facts.told(xclient);
        let client = self.facts.context().remote_host;
        tracing::debug!(?client, "a client is named by XCLIENT");
        if let Some(permit) = self.permit.take() {
            let permit = permit.hand_to(client.map(|client| client.ip()));
            let permit = permit.ok_or_else(|| End::Closed(Reply::too_many_connections()))?;
            self.permit = Some(permit);
        }
        self.begin_anew();
        self.greet().await
    }
}

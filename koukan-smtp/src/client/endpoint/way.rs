//! The hosts to which a transaction would go.

use koukan_core::{
    reply::Reply,
    resource::Way,
    signals::{Destination, NamedBy, Signals, TlsRequired},
    transaction::Mail,
};

use crate::client::{mail_hosts::NoHosts, pool::Wishes};

use super::SmtpEndpoint;

impl SmtpEndpoint {
    /// Returns the hosts that would be tried for a transaction with that MAIL, and the TLS that
    /// each would require. The DNS is asked, but no connection is made, and MTA-STS policies are
    /// not fetched.
    ///
    /// `destination` is the result of a routing filter, if the settings name no hosts.
    ///
    /// # Errors
    ///
    /// The endpoint's reply if no host is known, or none accepts mail for the domain.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any time.
    pub async fn way(
        &self,
        destination: Option<&Destination>,
        mail: &Mail,
        signals: &Signals,
    ) -> Result<Way, Reply> {
        let attempts = &self.attempts;
        let destination = attempts.destination.as_deref().or(destination);
        // The same reply as for the endpoint's error `NoDestination`.
        let destination = destination.ok_or_else(Reply::local_error)?;
        let waived = signals.find_durable::<TlsRequired>();
        let wishes = Wishes {
            is_requiretls: mail.parameters.is_requiretls(),
            is_waived: matches!(waived, Ok(Some(TlsRequired(false)))),
        };
        let pool = &attempts.pool;
        let hosts = pool.plan(destination, &attempts.guard, wishes).await;
        let hosts = hosts.map_err(|NoHosts(reply)| reply)?;
        let is_of_domain = destination.named_by == NamedBy::Domain && !pool.is_lmtp();
        let domain = destination.hosts.first().filter(|_| is_of_domain);
        Ok(Way::Hosts {
            protocol: match pool.is_lmtp() {
                true => "lmtp",
                false => "smtp",
            },
            domain: domain.map(|domain| domain.host.clone()),
            hosts,
        })
    }
}

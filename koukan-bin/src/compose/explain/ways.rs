//! The ways that endpoints would take.

use async_trait::async_trait;
use koukan_core::{
    explain::{NoWay, Ways},
    resource::Way,
    signals::{Destination, Signals},
    transaction::Mail,
};
use koukan_smtp::SmtpEndpoint;

/// To SMTP servers.
#[derive(Debug)]
pub(super) struct SmtpWays(pub(super) SmtpEndpoint);

#[async_trait]
impl Ways for SmtpWays {
    async fn way(
        &self,
        destination: Option<&Destination>,
        mail: &Mail,
        signals: &Signals,
    ) -> Result<Way, NoWay> {
        let way = self.0.way(destination, mail, signals).await;
        way.map_err(|reply| NoWay(reply.without_extensions()))
    }
}

/// To an HTTP server.
#[derive(Debug)]
pub(super) struct HttpWay {
    pub(super) kind: &'static str,
    pub(super) url: Box<str>,
}

#[async_trait]
impl Ways for HttpWay {
    async fn way(&self, _: Option<&Destination>, _: &Mail, _: &Signals) -> Result<Way, NoWay> {
        let (kind, url) = (self.kind, self.url.clone());
        Ok(Way::Http { kind, url })
    }
}

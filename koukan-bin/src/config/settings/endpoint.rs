//! Settings of the clients with which chains end.

use koukan_core::{
    context,
    rate::{Rate, ReplicaCount},
    stage::rest_endpoint,
};
use koukan_smtp::client::{self, HostLimit, PoolSettings};

use crate::config::{Chain, Destination, MessageRate, Rest, Smtp};

impl From<&Smtp> for PoolSettings {
    fn from(config: &Smtp) -> Self {
        let mut pool = Self::default();
        if let Some(max_connections) = config.max_connections {
            pool.max_connections = max_connections.get();
        }
        if let Some(idle_timeout) = config.idle_timeout {
            pool.idle_timeout = idle_timeout.0;
        }
        pool
    }
}

impl Destination {
    /// Those of its limits that are per host, and shared by replicas.
    pub(crate) fn limit(&self, replicas: &ReplicaCount) -> HostLimit {
        let rule = self;
        let messages = rule.messages_per_connection.as_ref();
        let recipients = rule.recipients_per_transaction.as_ref();
        let among = |rate: MessageRate| Rate::among(rate.count, rate.per, replicas.clone());
        HostLimit::default()
            .with_max_connections(rule.connections.as_ref().map(|max| max.value.get()))
            .with_max_transactions(messages.map(|max| max.value.get()))
            .with_max_recipients(recipients.map(|max| max.value.get()))
            .with_rate(rule.rate.as_ref().map(|rate| among(rate.value)))
    }
}

impl From<&Smtp> for client::ClientTimeouts {
    fn from(config: &Smtp) -> Self {
        let mut timeouts = Self::default();
        if let Some(connect) = config.connect_timeout {
            timeouts.connect = connect.0;
        }
        timeouts
    }
}

impl From<&Rest> for rest_endpoint::RestEndpointTimeouts {
    fn from(config: &Rest) -> Self {
        let defaults = Self::default();
        let rcpt = config.rcpt_timeout.map(|timeout| timeout.0);
        defaults
            .with_start(rcpt.unwrap_or(defaults.start))
            .with_rcpt(rcpt.unwrap_or(defaults.rcpt))
            .with_data(
                config
                    .final_timeout
                    .map_or(defaults.data, |timeout| timeout.0),
            )
    }
}

impl Rest {
    /// The settings of the endpoint at the end of `chain`.
    pub(crate) fn settings(&self, chain: &Chain) -> rest_endpoint::RestEndpointSettings {
        let routes = chain
            .filter
            .iter()
            .any(|filter| filter.value.name == "router");
        let settings = rest_endpoint::RestEndpointSettings::default()
            .with_timeouts(self.into())
            .with_incremental(self.incremental.unwrap_or(true))
            .with_session_facts(true)
            .with_filter_output(self.filter_output.unwrap_or_default())
            .with_destination_awaited(routes);
        let Some(name) = &self.sender else {
            return settings;
        };
        let sender = context::Sender::new(name.as_str());
        settings.with_sender(match &self.tag {
            Some(tag) => sender.with_tag(tag.as_str()),
            None => sender,
        })
    }
}

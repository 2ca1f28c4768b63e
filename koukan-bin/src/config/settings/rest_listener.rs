//! Settings of the REST API and its servers.

use std::net::SocketAddr;

use axum::http::Uri;
use koukan_core::{resource, stage::rest_handler::RestHandlerSettings};
use koukan_rest::{
    auth::{self, InvalidHash},
    server::{ConnectionSettings, ServerSettings},
};

use crate::config::{Config, RestApi, RestListener, Role, Token};

impl From<&Config> for RestHandlerSettings {
    fn from(config: &Config) -> Self {
        let limits = &config.rest;
        let defaults = Self::default();
        Self::default()
            .with_hostname(config.hostname.value.as_str().into())
            .with_max_message_size(
                limits
                    .max_message_size
                    .map_or(defaults.max_message_size, |size| size.0),
            )
            .with_max_recipients(
                limits
                    .max_recipients
                    .map_or(defaults.max_recipients, |max| max.get()),
            )
            .with_max_in_flight(
                limits
                    .max_in_flight
                    .map_or(defaults.max_in_flight, |max| max.get()),
            )
            .with_max_unfinished_uploads(
                limits
                    .max_unfinished_uploads
                    .map_or(defaults.max_unfinished_uploads, |max| max.get()),
            )
            .with_max_wait(limits.max_wait.map_or(defaults.max_wait, |wait| wait.0))
            .with_downstream_timeout(
                limits
                    .downstream_timeout
                    .map_or(defaults.downstream_timeout, |timeout| timeout.0),
            )
            .with_upload_timeout(
                limits
                    .upload_timeout
                    .map_or(defaults.upload_timeout, |timeout| timeout.0),
            )
            .with_max_send_at(config.storage.max_send_at())
    }
}

impl RestListener {
    /// The settings of its connections, of which there may be `max`.
    pub(crate) fn connections(&self, max: usize) -> ConnectionSettings {
        let mut settings = ConnectionSettings::default();
        settings.max_connections = max;
        if let Some(max) = self.max_connections_per_client {
            settings.max_connections_per_client = max.get();
        }
        settings
    }

    /// The settings of the server, which is bound to `address` if it has one, and which other
    /// replicas reach by `session_url`.
    pub(crate) fn settings(
        &self,
        limits: &RestApi,
        (address, session_url): (Option<SocketAddr>, Option<&str>),
    ) -> ServerSettings {
        let origins = self.cors_origin.iter();
        let hosts = self.host.iter().map(|host| host.value.clone());
        // Clients are redirected there as well.
        let of_session = session_url.filter(|_| self.session_url.is_some());
        let of_session = of_session.and_then(|url| url.parse::<Uri>().ok());
        let of_session = of_session.and_then(|url| Some(url.host()?.to_owned()));
        let mut settings = ServerSettings::default()
            .with_hosts(hosts.chain(of_session))
            .with_trust(self.trusted)
            .with_https(self.tls.is_some())
            .with_cors_origins(origins.map(|origin| origin.value.clone()));
        if let Some(address) = address {
            settings = settings.with_bound(address);
        }
        if let Some(url) = &self.base_url {
            settings = settings.with_base_url(url.value.trim_end_matches('/'));
        }
        if let Some(size) = limits.max_message_size {
            settings = settings.with_max_message_size(size.0);
        }
        if let Some(max) = limits.max_recipients {
            // A recipient with its parameters has several values.
            let values = max.get().saturating_mul(20).max(settings.max_json_values);
            settings = settings.with_max_json_values(values);
        }
        if let Some(wait) = limits.max_wait {
            settings = settings.with_max_wait(wait.0);
        }
        settings
    }
}

impl From<Role> for resource::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Read => Self::Read,
            Role::Submit => Self::Submit,
            Role::Operate => Self::Operate,
        }
    }
}

impl TryFrom<&Token> for auth::Token {
    type Error = InvalidHash;

    fn try_from(token: &Token) -> Result<Self, InvalidHash> {
        let known = Self::from_hex(token.name.value.as_str(), &token.sha256.value)?;
        let senders = token.sender.as_ref();
        Ok(Self {
            senders: senders.map(|senders| senders.iter().map(|name| name.value.clone()).collect()),
            role: token.role.map(|role| role.value.into()).unwrap_or_default(),
            trusted: token.trusted,
            expires: token.expires.map(|at| at.value),
            ..known
        })
    }
}

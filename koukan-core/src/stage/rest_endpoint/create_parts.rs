//! The content of the create request to upstream.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::{
    context::Context,
    resource::{BodySource, Create, Draft, SmtpMeta, WaitFor},
    signals::{Carried, HostPort},
    transaction::{Mail, Rcpt},
};

use super::RestEndpointSettings;

/// The parts of a create.
pub(super) struct Parts<'a> {
    pub(super) context: &'a Context,
    /// The durable signals, if upstream gets them.
    pub(super) signals: Option<&'a Carried>,
    pub(super) mail: &'a Mail,
    pub(super) rcpt_to: Vec<Rcpt>,
    /// The host to deliver to, if the destination names one.
    pub(super) host: Option<&'a HostPort>,
    /// The message, if it is sent inline.
    pub(super) inline: Option<&'a Bytes>,
}

impl RestEndpointSettings {
    /// Builds the create request, which may be repeated with `key`.
    pub(super) fn create(&self, parts: Parts<'_>, key: String) -> Create {
        let context = parts.context;
        let sender = self.sender.as_deref().unwrap_or(&context.sender);
        let mut draft = Draft {
            mail_from: Some(parts.mail.clone()),
            rcpt_to: parts.rcpt_to,
            body: parts.inline.cloned().map(BodySource::Inline),
            ..Draft::default()
        };
        if self.has_session_facts {
            draft.remote_host = context.remote_host.map(host_port);
            draft.local_host = context.local_host.map(host_port);
            draft.smtp_meta = Some(smtp_meta(context));
        }
        if let Some(host) = parts.host {
            draft.remote_host = Some(host.clone());
        }
        if let Some(signals) = parts.signals {
            draft.filter_output = signals.to_map();
        }
        Create {
            sender: sender.clone(),
            draft,
            wait: None,
            wait_for: WaitFor::End,
            idempotency_key: Some(key.into()),
        }
    }
}

fn host_port(address: SocketAddr) -> HostPort {
    HostPort {
        host: address.ip().to_string().into(),
        port: address.port(),
    }
}

fn smtp_meta(context: &Context) -> SmtpMeta {
    let client_name = context.client_name.as_ref();
    SmtpMeta {
        ehlo_host: client_name.map(|client| (*client.name).into()),
        is_esmtp: client_name.is_some_and(|client| client.is_extended),
        has_tls: context.tls.is_some(),
        is_authenticated: context.identity.is_some(),
    }
}

//! The facts of a session, and the signals of its filters.

use std::{borrow::Cow, net::IpAddr};

use crate::BoxError;
use koukan_core::{
    context::{ClientName, Context, Sender, Tls, ToldHosts},
    shares::Client,
    signals::{Carried, HostPort},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Serialize, Deserialize)]
pub(super) struct ContextRow<'a> {
    #[serde(borrow)]
    sender: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    tag: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    remote_host: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    local_host: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    client_name: Option<ClientNameRow<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    tls: Option<TlsRow<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    identity: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    next_hop: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    caller: Option<CallerRow<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    told_remote: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    told_local: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    trace_id: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    signals: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct ClientNameRow<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    is_extended: bool,
}

#[derive(Serialize, Deserialize)]
struct TlsRow<'a> {
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    cipher: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CallerRow<'a> {
    Network(IpAddr),
    #[serde(borrow)]
    Named(Cow<'a, str>),
}

impl<'a> ContextRow<'a> {
    pub(super) fn new(context: &'a Context, signals: &Carried) -> Self {
        Self {
            sender: Cow::Borrowed(&context.sender.name),
            tag: context.sender.tag.as_deref().map(Cow::Borrowed),
            remote_host: context.remote_host.map(|host| host.to_string().into()),
            local_host: context.local_host.map(|host| host.to_string().into()),
            client_name: context.client_name.as_ref().map(|client| ClientNameRow {
                name: Cow::Borrowed(&client.name),
                is_extended: client.is_extended,
            }),
            tls: context.tls.as_ref().map(|tls| TlsRow {
                version: Cow::Borrowed(&tls.version),
                cipher: Cow::Borrowed(&tls.cipher),
            }),
            identity: context.identity.as_deref().map(Cow::Borrowed),
            next_hop: context.next_hop.as_ref().map(host),
            caller: match &context.caller {
                Client::Network(address) => Some(CallerRow::Network(*address)),
                Client::Named(name) => Some(CallerRow::Named(Cow::Borrowed(name))),
                _ => None,
            },
            told_remote: context.told.remote.as_ref().map(host),
            told_local: context.told.local.as_ref().map(host),
            trace_id: signals.trace_id().map(|id| id.to_string().into()),
            signals: signals.clone().with_trace_id(None).to_map(),
        }
    }
}

impl TryFrom<ContextRow<'_>> for (Context, Carried) {
    type Error = BoxError;

    fn try_from(row: ContextRow<'_>) -> Result<Self, BoxError> {
        let mut sender = Sender::new(row.sender);
        sender.tag = row.tag.map(Into::into);
        let mut context = Context::new(sender);
        context.remote_host = row.remote_host.map(|host| host.parse()).transpose()?;
        context.local_host = row.local_host.map(|host| host.parse()).transpose()?;
        context.client_name = row.client_name.map(|client| ClientName {
            name: client.name.into(),
            is_extended: client.is_extended,
        });
        context.tls = row.tls.map(|tls| Tls {
            version: tls.version.into(),
            cipher: tls.cipher.into(),
            client: None,
        });
        context.identity = row.identity.map(Into::into);
        context.next_hop = row.next_hop.map(|host| host.parse()).transpose()?;
        context.caller = match row.caller {
            Some(CallerRow::Network(address)) => Client::Network(address),
            Some(CallerRow::Named(name)) => Client::named(name),
            None => Client::Unknown,
        };
        context.told = ToldHosts {
            remote: row.told_remote.map(|host| host.parse()).transpose()?,
            local: row.told_local.map(|host| host.parse()).transpose()?,
        };
        let trace_id = row.trace_id.map(|id| id.parse()).transpose()?;
        let signals = Carried::from_map(row.signals).with_trace_id(trace_id);
        Ok((context, signals))
    }
}

fn host<'a>(host: &HostPort) -> Cow<'a, str> {
    host.to_string().into()
}

//! What is known of the client.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use koukan_core::context::{ClientName, Context, Sender};

use crate::{
    codec::{Told, Xclient},
    server::{Config, Connected, Upgraded},
};

/// What is known of the client; transactions are told of it.
#[derive(Debug)]
pub(super) struct Facts {
    /// The facts, with the sender of the server's configuration.
    context: Arc<Context>,
    /// The same, with the sender of the last transaction, if that differs.
    chosen: Option<Arc<Context>>,
    /// Whether the identity, if there is one, was given by a proxy.
    is_identity_told: bool,
    /// Whether a proxy speaks for the client; a certificate is then the proxy's.
    is_spoken_for: bool,
}

impl Facts {
    pub(super) fn new(config: &Config, connected: &Connected) -> Self {
        let mut context = Context::new(config.sender.clone());
        context.is_lmtp = config.protocol.is_lmtp();
        context.remote_host = connected.remote_host;
        context.local_host = connected.local_host;
        context.tls.clone_from(&connected.tls);
        context.identity.clone_from(&connected.identity);
        Self::from(Arc::new(context))
    }

    pub(super) fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Whether a proxy speaks for the client.
    pub(super) fn is_spoken_for(&self) -> bool {
        self.is_spoken_for
    }

    /// The same, for a client that gives itself that name.
    pub(super) fn with_name(&self, name: ClientName) -> Self {
        let mut context = Context::clone(&self.context);
        context.client_name = Some(name);
        Self {
            is_identity_told: self.is_identity_told,
            is_spoken_for: self.is_spoken_for,
            ..Self::from(Arc::new(context))
        }
    }

    /// The same, for a client that has authenticated under that name.
    pub(super) fn with_identity(&self, identity: Box<str>) -> Self {
        let mut context = Context::clone(&self.context);
        context.identity = Some(identity);
        Self {
            is_spoken_for: self.is_spoken_for,
            ..Self::from(Arc::new(context))
        }
    }

    /// The same after an upgrade of the transport: what the client said before is forgotten.
    ///
    /// *Source*: RFC 3207 section 4.2.
    pub(super) fn after_upgrade(&self, upgraded: Upgraded) -> Self {
        let mut context = Context::clone(&self.context);
        context.client_name = None;
        context.tls = upgraded.tls;
        if self.is_spoken_for {
            forget_certificate(&mut context);
        }
        context.identity = upgraded.identity;
        Self {
            is_spoken_for: self.is_spoken_for,
            ..Self::from(Arc::new(context))
        }
    }

    /// The same, for the client that a proxy names by XCLIENT. The name given with EHLO holds until
    /// it is given anew. An identity so far belonged to the proxy, or to its client before, so it
    /// is forgotten; so is a certificate.
    pub(super) fn told(&self, xclient: &Xclient) -> Self {
        let mut context = Context::clone(&self.context);
        forget_certificate(&mut context);
        let identity = context.identity.take();
        context.identity = xclient
            .login
            .over(identity.filter(|_| self.is_identity_told));
        context.remote_host = host(context.remote_host, &xclient.address, &xclient.port);
        context.local_host = host(context.local_host, &xclient.own_address, &xclient.own_port);
        let before = context.client_name.take();
        let is_extended = before.as_ref().is_some_and(|before| before.is_extended);
        let is_extended = xclient.is_extended.over(Some(is_extended));
        let name = before.map(|before| before.name.as_ref().into());
        context.client_name = xclient.helo.over(name).map(|name| ClientName {
            name: name.into(),
            is_extended: is_extended.unwrap_or_default(),
        });
        Self {
            is_identity_told: true,
            is_spoken_for: true,
            ..Self::from(Arc::new(context))
        }
    }

    /// The context for a transaction on behalf of that sender. If the sender is the same as the
    /// last time, nothing is allocated.
    pub(super) fn on_behalf_of(&mut self, sender: Sender) -> Arc<Context> {
        if sender == self.context.sender {
            return Arc::clone(&self.context);
        }
        let same = |chosen: &&Arc<Context>| chosen.sender == sender;
        if let Some(chosen) = self.chosen.as_ref().filter(same) {
            return Arc::clone(chosen);
        }
        let context = Context::clone(&self.context).with_sender(sender);
        Arc::clone(self.chosen.insert(Arc::new(context)))
    }
}

/// Forgets the certificate, which is not the client's.
fn forget_certificate(context: &mut Context) {
    if let Some(tls) = &mut context.tls {
        tls.client = None;
    }
}

/// The address and port that a proxy names; the port may be unknown.
fn host(
    before: Option<SocketAddr>,
    address: &Told<IpAddr>,
    port: &Told<u16>,
) -> Option<SocketAddr> {
    let port_before = match address {
        Told::Nothing => before.map(|before| before.port()),
        Told::Unknown | Told::Is(_) => None,
    };
    let address = address.over(before.map(|before| before.ip()))?;
    // An IPv4 address written as IPv6 is the same address.
    Some(SocketAddr::new(
        address.to_canonical(),
        port.over(port_before).unwrap_or_default(),
    ))
}

impl From<Arc<Context>> for Facts {
    fn from(context: Arc<Context>) -> Self {
        Self {
            context,
            chosen: None,
            is_identity_told: false,
            is_spoken_for: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_of_the_same_sender_are_told_the_same() {
        let (listener, other) = (Sender::new("a"), Sender::new("a").with_tag("b"));
        let config = Config {
            sender: listener.clone(),
            ..Config::default()
        };
        let mut facts = Facts::new(&config, &Connected::default());
        let own = facts.on_behalf_of(listener.clone());
        assert!(Arc::ptr_eq(&own, facts.context()));
        let first = facts.on_behalf_of(other.clone());
        assert_eq!(first.sender, other);
        assert!(Arc::ptr_eq(&first, &facts.on_behalf_of(other.clone())));
        assert!(Arc::ptr_eq(&own, &facts.on_behalf_of(listener)));
        let name = ClientName {
            name: "c".into(),
            is_extended: true,
        };
        let mut named = facts.with_name(name);
        assert!(named.on_behalf_of(other).client_name.is_some());
    }

    #[test]
    fn the_certificate_of_a_proxy_is_not_its_clients() {
        let tls = koukan_core::context::Tls {
            version: "TLSv1.3".into(),
            cipher: "x".into(),
            client: Some("proxy.example".into()),
        };
        let connected = Connected {
            tls: Some(tls.clone()),
            ..Connected::default()
        };
        let facts = Facts::new(&Config::default(), &connected);
        let shown = |facts: &Facts| {
            let tls = facts.context().tls.as_ref().unwrap();
            tls.client.clone()
        };
        assert_eq!(shown(&facts).as_deref(), Some("proxy.example"));
        let told = facts.told(&Xclient::default());
        assert_eq!(shown(&told), None);
        let named = told.with_identity("alice".into());
        for told in [told, named] {
            let upgraded = told.after_upgrade(Upgraded::to_tls(tls.clone()));
            assert_eq!(shown(&upgraded), None);
        }
        let upgraded = facts.after_upgrade(Upgraded::to_tls(tls));
        assert_eq!(shown(&upgraded).as_deref(), Some("proxy.example"));
    }
}

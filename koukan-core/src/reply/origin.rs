//! Who gave a reply.

use super::{RemoteMta, Reply, ReplyCode};

/// Says that a reply is the answer of an upstream server whose name is unknown: an extension of
/// [`Reply`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FromUpstream;

/// The server that a reply of our own is about, because the connection to it was lost or it
/// violated the protocol: an extension of [`Reply`]. The server has not sent the reply, so this is
/// not a [`RemoteMta`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Concerning(pub RemoteMta);

/// The original code of an upstream server, where the reply is passed on with another one: an
/// extension of [`Reply`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Said(pub ReplyCode);

impl Reply {
    /// The reply with its original code, for reports of what a server has sent: see
    /// [`Reply::relayed`].
    #[must_use]
    pub fn as_said(&self) -> Self {
        let said = self.extensions().get::<Said>().copied();
        let same_class = |code: &Said| code.0.as_u16() / 100 == self.code().as_u16() / 100;
        match said.filter(same_class) {
            Some(Said(code)) => self.clone().with_code(code),
            None => self.clone(),
        }
    }

    /// Whether an upstream server has sent this reply. Our own replies must never be attributed to
    /// others.
    pub fn is_from_upstream(&self) -> bool {
        let extensions = self.extensions();
        extensions.get::<RemoteMta>().is_some() || extensions.get::<FromUpstream>().is_some()
    }

    /// The server that the reply came from, or is about.
    pub fn server(&self) -> Option<&RemoteMta> {
        let extensions = self.extensions();
        let concerning = || {
            extensions
                .get::<Concerning>()
                .map(|Concerning(about)| about)
        };
        extensions.get::<RemoteMta>().or_else(concerning)
    }

    /// Removes all extensions except those that say who gave the reply.
    #[must_use]
    pub fn with_origin_only(self) -> Self {
        let remote = self.extensions().get::<RemoteMta>().cloned();
        let is_from_upstream = self.is_from_upstream();
        let said = self.extensions().get::<Said>().copied();
        let mut plain = self.without_extensions();
        if let Some(said) = said {
            plain = plain.with_extension(said);
        }
        match remote {
            Some(remote) => plain.with_extension(remote),
            None if is_from_upstream => plain.with_extension(FromUpstream),
            None => plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_origin_stays() {
        let remote = RemoteMta {
            host: "mx.example.net".into(),
            address: "192.0.2.1:25".parse().unwrap(),
        };
        let closing = Reply::service_closing();
        let relayed = closing.clone().relayed().with_origin_only();
        assert_ne!(relayed, closing);
        assert_eq!(relayed.as_said(), closing);
        let reply = Reply::mailbox_busy().with_extension(7_u8);
        let said = reply.clone().with_extension(remote.clone());
        let said = said.with_origin_only();
        assert_eq!(said.server(), Some(&remote));
        assert_eq!(said.extensions().get::<u8>(), None);
        assert!(said.is_from_upstream());
        let unnamed = reply
            .clone()
            .with_extension(FromUpstream)
            .with_origin_only();
        assert!(unnamed.is_from_upstream());
        let own = reply.with_extension(Concerning(remote.clone()));
        assert_eq!(own.server(), Some(&remote));
        assert!(!own.is_from_upstream());
        assert_eq!(own.with_origin_only().server(), None);
    }
}

//! The pool of connections of koukan-smtp's client, over connections that are numbers.

#[path = "../../koukan-smtp/src/client/pool"]
pub(crate) mod pool {
    mod host;
    mod idle;
    mod lease;
    mod permits;
    mod probe;
    mod queue;
    mod reaper;
    mod right;
    mod room;
    mod standing;
    mod suspects;
    mod turn;

    use std::sync::Arc;

    use koukan_core::{body::Holdings, signals::HostPort, stage::sharing::Demand};
    use koukan_smtp::client::PoolSettings;

    use super::{ClientError, Wire, connection::Connection};

    use self::idle::Idle;

    pub(crate) use self::{
        lease::{Lease, Parting},
        turn::Turn,
    };

    /// A pool; clones share it.
    pub(crate) struct Pool<Io: Wire>(Arc<Idle<Io>>);

    impl<Io: Wire> Clone for Pool<Io> {
        fn clone(&self) -> Self {
            Self(Arc::clone(&self.0))
        }
    }

    impl<Io: Wire> Pool<Io> {
        pub(crate) fn new(settings: PoolSettings) -> Self {
            Self(Arc::new(Idle::new(settings)))
        }

        /// A connection to the host: a kept one, or one that `open` makes.
        pub(crate) async fn checkout(
            &self,
            host: &HostPort,
            open: impl FnOnce() -> Io,
        ) -> Result<Lease<Io>, ClientError> {
            let turn = Turn::new(true, Holdings::default());
            let mut lease = Idle::permit(&self.0, host, &Demand::default(), &turn).await?;
            if !lease.reuse() {
                lease.put(Connection::new(open()));
            }
            Ok(lease)
        }

        pub(crate) fn kept(&self, host: &HostPort) -> usize {
            self.0.take_all(host).len()
        }

        pub(crate) async fn close(&self) {
            self.0.close().await;
        }
    }
}

/// Connections.
pub(crate) mod connection {
    use koukan_core::reply::Extensions;
    use koukan_smtp::codec::Capabilities;

    use super::Wire;

    /// A connection to a server that answers at once.
    #[derive(Debug)]
    pub(crate) struct Connection<Io> {
        pub(crate) io: Io,
        pub(crate) transactions: u32,
        capabilities: Capabilities,
    }

    impl<Io: Wire> Connection<Io> {
        pub(crate) fn new(io: Io) -> Self {
            Self {
                io,
                transactions: 0,
                capabilities: Capabilities::default(),
            }
        }

        pub(crate) fn is_alive(&mut self) -> bool {
            true
        }

        pub(crate) fn is_greeted(&self) -> bool {
            true
        }

        pub(crate) fn is_ended(&self) -> bool {
            false
        }

        pub(crate) fn transactions(&self) -> u32 {
            self.transactions
        }

        pub(crate) fn heard(&mut self) -> Extensions {
            Extensions::default()
        }

        pub(crate) fn capabilities(&self) -> &Capabilities {
            &self.capabilities
        }

        pub(crate) async fn reset(&mut self, _owed: usize) -> bool {
            true
        }

        pub(crate) async fn quit(self) {}
    }
}

pub(crate) use koukan_smtp::client::ClientError;

/// What carries a connection.
pub(crate) trait Wire: Send + 'static {}

impl<Io: Send + 'static> Wire for Io {}

//! The SMTP client: [`SmtpEndpoint`], a [`MailService`](koukan_core::service::MailService) that
//! passes every transaction on to a server as it comes.
//!
//! | module | is |
//! |---|---|
//! | `endpoint` | the service, and `exchange`: one transaction on one connection |
//! | `pool` | the connections that are kept between transactions |
//! | `connection` | one connection: its handshake, its buffers, its timer |
//! | `error` | what goes wrong, and the replies it becomes |
//!
//! How connections come about and names become addresses is injected: [`Connect`], [`Resolve`].

mod connect;
mod connection;
mod endpoint;
mod error;
mod pool;
mod resolve;
mod timeouts;

use self::error::{HostFailure, Place};

pub use self::{
    connect::{Connect, TcpConnect, Wire},
    endpoint::{ClientSettings, NoDestination, SmtpEndpoint},
    error::ClientError,
    pool::PoolSettings,
    resolve::{Resolve, SystemResolver},
    timeouts::{Phase, Timeouts},
};

//! The SMTP client: [`SmtpEndpoint`], a [`MailService`](koukan_core::service::MailService) that
//! passes every transaction on to a server as it comes.
//!
//! | module | is |
//! |---|---|
//! | `endpoint` | the service, and `exchange`: one transaction on one connection |
//! | `pool` | the connections that are kept between transactions |
//! | `connection` | one connection: its handshake, its buffers, its timer |
//! | `login`, `host_identity` | who a client says to be, to all hosts and to single ones |
//! | `source_addresses` | from which addresses it connects |
//! | `by_host` | what holds for single hosts |
//! | `guard` | where connections may lead that others than the operator ask for |
//! | `mail_hosts` | which hosts take mail for a domain |
//! | `dane` | what the DNS says of their certificates |
//! | `mta_sts` | what domains demand of these |
//! | `security` | what TLS with one host must be |
//! | `error` | what goes wrong, and the replies it becomes |
//!
//! How connections come about and names become addresses is injected:
//! [`Connector`](koukan_core::network::Connector), [`Resolver`](koukan_core::network::Resolver).

mod by_host;
mod connection;
#[cfg(feature = "tls")]
mod dane;
mod endpoint;
mod error;
mod guard;
mod host_identity;
mod login;
mod mail_hosts;
#[cfg(feature = "mta-sts")]
mod mta_sts;
mod pool;
mod security;
mod source_addresses;
mod timeouts;
#[cfg(feature = "tls")]
mod tls_policy;

use koukan_core::network::Wire;

use self::error::{HostFailure, Place};

pub use self::{
    endpoint::{ClientSettings, NoDestination, SmtpEndpoint},
    error::ClientError,
    guard::{Guard, OwnAddresses},
    host_identity::{HostIdentities, HostIdentity},
    login::Login,
    pool::{HostLimit, HostLimits, PoolSettings},
    source_addresses::SourceAddresses,
    timeouts::{ClientTimeouts, Phase},
};

#[cfg(feature = "mta-sts")]
pub use self::mta_sts::{MtaSts, MtaStsMode, MtaStsPolicy};

#[cfg(feature = "tls")]
pub use self::tls_policy::TlsPolicy;

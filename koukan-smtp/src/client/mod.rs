//! The SMTP client: [`SmtpEndpoint`], a [`MailService`](koukan_core::service::MailService) that
//! passes every transaction on to a server as it arrives.
//!
//! | module | content |
//! |---|---|
//! | `endpoint` | the service, and `exchange`: one transaction on one connection |
//! | `pool` | the connections that are kept between transactions |
//! | `connection` | one connection: its handshake, its buffers and its timer |
//! | `login`, `host_identity` | the credentials of a client, for all hosts and for single ones |
//! | `source_addresses` | the addresses from which it connects |
//! | `by_host` | settings for single hosts |
//! | `guard` | which addresses may be connected to if the operator has not named the host |
//! | `mail_hosts` | which hosts take mail for a domain |
//! | `dane` | what the DNS says about the certificates of mail hosts |
//! | `mta_sts` | what domains demand of their mail hosts' certificates |
//! | `tls_policy` | what the settings say about TLS, for all hosts and for single ones |
//! | `security` | the requirements for TLS with one host |
//! | `error` | the failures, and the replies that they become |
//!
//! Connections are opened, and names resolved, by what the embedder passes in:
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
pub use self::tls_policy::{HostTls, TlsPolicy};

//! Decides whether clients are who they claim to be.

mod authenticator;
mod history;
mod line;
#[cfg(feature = "scram")]
mod password_file;
mod turns;

pub use self::authenticator::{Authenticator, Unavailable};
#[cfg(feature = "scram")]
pub use self::password_file::PasswordFile;

pub(super) use self::{
    history::{Attempt, Standing},
    turns::Turn,
};

use koukan_core::context::Context;

use crate::sasl::{Mechanism, Mechanisms};

use super::{
    Config,
    greeter::{Abilities, Authentication},
    holding::Holding,
};

use self::{history::History, turns::Turns};

/// The authenticator of a server, and what the server remembers of clients that have failed.
pub(super) struct Gate {
    pub(super) authenticator: Box<dyn Authenticator>,
    pub(super) history: History,
    /// The turns of its questions.
    pub(super) turns: Turns,
}

impl Gate {
    pub(super) fn new(authenticator: impl Authenticator) -> Self {
        Self {
            turns: Turns::new(authenticator.questions_max()),
            authenticator: Box::new(authenticator),
            history: History::default(),
        }
    }
}

/// What the server can do for a client at that moment.
pub(super) fn abilities(
    gate: Option<&Gate>,
    config: &Config,
    is_upgradable: bool,
    client: &Context,
    may_xclient: bool,
) -> Abilities {
    let has_tls = client.tls.is_some();
    let is_here = || {
        let address = client.remote_host.map(|host| host.ip().to_canonical());
        address.is_some_and(|address| address.is_loopback())
    };
    let tls = client.tls.as_ref();
    let has_certificate = tls.is_some_and(|tls| tls.client.is_some());
    let external = Mechanisms::default().with(Mechanism::External);
    let auth = match gate {
        None if has_certificate => Authentication::by(external),
        None => Authentication::Never,
        Some(gate) if has_tls || config.is_auth_clear || is_here() => {
            let mechanisms = gate.authenticator.mechanisms().without(Mechanism::External);
            Authentication::by(match has_certificate {
                true => mechanisms.with(Mechanism::External),
                false => mechanisms,
            })
        }
        Some(_) if is_upgradable => Authentication::AfterTls,
        Some(_) => Authentication::Never,
    };
    let holding = config.holding.as_ref();
    let is_known = client.identity.is_some();
    let holding = holding.filter(|_| is_known || matches!(auth, Authentication::By(_)));
    Abilities {
        is_upgradable,
        is_secure: has_tls,
        auth,
        may_xclient,
        future_release: holding.map(Holding::offer),
    }
}

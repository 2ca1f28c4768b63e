//! What a listener is and allows.

use koukan_core::context::Sender;

use super::{Limits, Timeouts};
use crate::codec::BareLineEnds;

/// What a listener is and allows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The domain name by which the server introduces itself. Default `localhost`.
    pub name: Box<str>,
    /// On whose behalf its transactions run. Default `ingress`.
    pub sender: Sender,
    /// What a client may ask for.
    pub limits: Limits,
    /// How long a client is waited for.
    pub timeouts: Timeouts,
    /// What to do with messages that hold bare line ends.
    pub bare_line_ends: BareLineEnds,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "localhost".into(),
            sender: Sender::new("ingress"),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            bare_line_ends: BareLineEnds::default(),
        }
    }
}

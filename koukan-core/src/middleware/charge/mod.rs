//! Says whom the octets of a transaction are charged to: its client.
//!
//! Stands around all that an agent does for its clients, so that filters which hold whole messages are
//! charged for that ([`Signals::account`](crate::signals::Signals::account)). The
//! [`Exploder`](crate::stage::exploder::Exploder) and the storage do the same for those that come
//! without; nothing is refused here.

mod layer;
mod service;

pub use self::{layer::ChargeLayer, service::Charge};

//! Which transactions may share.

use std::sync::Arc;

use crate::{
    body::MessageToken,
    context::Context,
    signals::{Carried, Destination},
    transaction::{Mail, Rcpt},
};

/// What the members of a group have in common.
pub(super) struct Key {
    /// `None` where there are no other copies.
    pub(super) token: Option<MessageToken>,
    pub(super) context: Arc<Context>,
    pub(super) mail: Mail,
    pub(super) destination: Option<Arc<Destination>>,
    /// The durable signals, if the endpoint passes them on.
    told: Option<Carried>,
    is_utf8: bool,
}

impl Key {
    pub(super) fn new(
        token: Option<MessageToken>,
        context: Arc<Context>,
        mail: Mail,
        (destination, told): (Option<Arc<Destination>>, Option<Carried>),
        first: &Rcpt,
    ) -> Self {
        Self {
            token,
            context,
            mail,
            destination,
            told,
            is_utf8: !first.forward_path.as_str().is_ascii(),
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        let is_same_message = match (&self.token, &other.token) {
            (Some(token), Some(other)) => token.is_same(other),
            _ => false,
        };
        is_same_message
            && self.is_utf8 == other.is_utf8
            && self.destination == other.destination
            && self.told == other.told
            && self.mail == other.mail
            // Nearly always it is one.
            && (Arc::ptr_eq(&self.context, &other.context) || self.context == other.context)
    }
}

//! When a client may start TLS, authenticate, and use XCLIENT.

use koukan_core::reply::Reply;

use super::{Action, State};
use crate::{codec::Xclient, sasl::Mechanism, server::Authentication};

impl State {
    pub(super) fn start_tls(&self) -> Action {
        match (self.offer.starttls, self.is_extended() && self.is_idle()) {
            (true, true) => Action::StartTls,
            (true, false) => Action::refuse(Reply::bad_sequence()),
            (false, _) => Action::refuse(Reply::not_implemented()),
        }
    }

    /// XCLIENT is allowed between transactions, from a peer that may use it.
    pub(super) fn xclient(&self, xclient: Box<Xclient>) -> Action {
        match (self.offer.xclient, self.is_idle()) {
            (true, true) => Action::Xclient(xclient),
            (true, false) => Action::refuse(Reply::bad_sequence()),
            (false, _) => Action::refuse(Reply::not_implemented()),
        }
    }

    /// *Source*: RFC 4954 section 4.
    pub(super) fn auth(&self, argument: Box<str>) -> Action {
        match (&self.offer.auth, self.is_extended() && self.is_idle()) {
            (Authentication::Never, _) => Action::refuse(Reply::not_implemented()),
            (_, false) => Action::refuse(Reply::bad_sequence()),
            _ if self.is_authenticated => Action::refuse(Reply::bad_sequence()),
            (Authentication::AfterTls, _) => Action::refuse(Reply::encrypt_first()),
            (Authentication::By(mechanisms), _) => {
                let (name, initial) = argument.split_once(' ').unwrap_or((&argument, ""));
                match Mechanism::of(name).filter(|one| mechanisms.has(*one)) {
                    Some(mechanism) => Action::Authenticate(mechanism, initial.trim().into()),
                    None => Action::refuse(Reply::unknown_mechanism()),
                }
            }
        }
    }
}

//! Addresses: [`Mailbox`], [`ReversePath`], [`ForwardPath`] and the parameters of MAIL and RCPT.
//!
//! An address is kept as it was written, including quotes, case and literals, so that it is relayed
//! as it was received. Only a text that conforms to the grammar can become one.

mod domain_key;
mod forward;
mod grammar;
mod literal;
mod mailbox;
mod parameters;
mod reverse;

pub(crate) use self::domain_key::in_a_labels;
pub use self::{
    domain_key::{domain_in_unicode, domain_key, is_same_domain},
    forward::ForwardPath,
    grammar::InvalidMailbox,
    literal::address_literal,
    mailbox::{Domain, Mailbox},
    parameters::{InvalidParameter, Parameter, Parameters},
    reverse::ReversePath,
};

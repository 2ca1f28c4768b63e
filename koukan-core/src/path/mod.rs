//! Addresses: [`Mailbox`], [`ReversePath`], [`ForwardPath`] and the parameters of MAIL and RCPT.
//!
//! An address is kept as it was written, quotes, case and literals included, so that what is
//! relayed is what was received. Nothing that did not pass the grammar can be made into one.

mod forward;
mod grammar;
mod literal;
mod mailbox;
mod parameters;
mod reverse;

pub use self::{
    forward::ForwardPath,
    grammar::InvalidMailbox,
    literal::address_literal,
    mailbox::{Domain, Mailbox},
    parameters::{InvalidParameter, Parameter, Parameters},
    reverse::ReversePath,
};

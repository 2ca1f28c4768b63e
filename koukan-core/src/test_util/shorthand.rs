//! Makes parts of a transaction from literals.

use std::sync::Arc;

use crate::{
    context::{ClientName, Context, Sender},
    path::{ForwardPath, ReversePath},
    transaction::{Mail, Rcpt},
};

/// The context of sender `test`, with nothing else known.
pub fn context() -> Arc<Context> {
    Arc::new(Context::new(Sender::new("test")))
}

/// The context of sender `test`, an ESMTP client at `remote_host` (`192.0.2.1:1234`) that names
/// itself `name`.
///
/// # Panics
///
/// If `remote_host` is not an IP address with a port.
pub fn context_from(remote_host: &str, name: &str) -> Context {
    let mut context = Context::new(Sender::new("test"));
    context.remote_host = Some(remote_host.parse().expect("an IP address and port"));
    context.client_name = Some(ClientName {
        name: name.into(),
        is_extended: true,
    });
    context
}

/// MAIL from `reverse_path`, empty for the null reverse-path.
///
/// # Panics
///
/// If it is not a mailbox.
pub fn mail(reverse_path: &str) -> Mail {
    let path: Result<ReversePath, _> = reverse_path.parse();
    Mail::new(path.expect("a valid reverse-path"))
}

/// RCPT to `forward_path`.
///
/// # Panics
///
/// If it is not a mailbox.
pub fn rcpt(forward_path: &str) -> Rcpt {
    let path: Result<ForwardPath, _> = forward_path.parse();
    Rcpt::new(path.expect("a valid forward-path"))
}

//! What a create determines of a transaction: its context, its terms, and the needs of its MAIL
//! command.

use crate::{
    blob::Payer,
    context::{ClientName, Context, Sender, Tls, ToldHosts},
    message::builder::Spec,
    path::Parameter,
    resource::{Caller, Draft, Refusal},
    shares::Client,
    signals::{Carried, Signals},
    storage::record::Terms,
    transaction::{Mail, Rcpt},
};

use serde_json::{Map, Value};

use super::super::{SenderPolicy, message_source::Source};

/// What is promised.
pub(super) fn terms(policy: &SenderPolicy, draft: &Draft) -> Terms {
    Terms {
        retry: draft.retry.unwrap_or(policy.terms.retry),
        notify: draft.notification.unwrap_or(policy.terms.notify),
    }
}

/// The facts of the session, as far as the caller is trusted.
pub(super) fn context(
    caller: &Caller,
    policy: &SenderPolicy,
    draft: &Draft,
    sender: Sender,
) -> Context {
    let mut context = Context::new(sender);
    context.caller = caller.client().clone();
    context.told = ToldHosts {
        remote: draft.remote_host.clone(),
        local: draft.local_host.clone(),
    };
    if policy.has_next_hop {
        context.next_hop.clone_from(&draft.remote_host);
    }
    if !caller.is_trusted() {
        // A gateway sends on behalf of others; everybody else for itself.
        if let Client::Named(name) = caller.client() {
            context.identity = Some((&**name).into());
        }
        return context;
    }
    if !policy.has_next_hop {
        context.remote_host = draft.remote_address();
    }
    context.local_host = draft.local_address();
    let Some(meta) = &draft.smtp_meta else {
        return context;
    };
    context.client_name = meta.ehlo_host.as_deref().map(|name| ClientName {
        name: name.into(),
        is_extended: meta.is_esmtp,
    });
    context.tls = meta.has_tls.then(|| Tls {
        version: "TLS".into(),
        cipher: "unknown".into(),
        client: None,
    });
    context
}

/// Who is charged for its octets: the caller, or the client for whom a trusted caller acts.
pub(super) fn payer(caller: &Caller, policy: &SenderPolicy, draft: &Draft) -> Payer {
    let is_asked_by_itself = policy.has_next_hop || !caller.is_trusted();
    let other = draft.remote_address().filter(|_| !is_asked_by_itself);
    Payer::Client(match other {
        Some(address) => Client::at(address.ip()),
        None => caller.client().clone(),
    })
}

/// The signals of a new transaction.
pub(super) fn signals(
    caller: &Caller,
    filter_output: Map<String, Value>,
) -> Result<Signals, Refusal> {
    carried(caller, filter_output).map(Signals::of_carried)
}

/// The results that others' filters found for the message, as far as the caller is trusted: a
/// filter's result can decide what happens to the message.
pub(in super::super) fn carried(
    caller: &Caller,
    filter_output: Map<String, Value>,
) -> Result<Carried, Refusal> {
    if !caller.is_trusted() {
        return Ok(Carried::default());
    }
    let carried = Carried::from_map(filter_output);
    check_carried(&carried)?;
    Ok(carried)
}

/// Whether a transaction may have these signals.
pub(in super::super) fn check_carried(carried: &Carried) -> Result<(), Refusal> {
    let checked = carried.check();
    checked.map_err(|error| Refusal::malformed(error.to_string()).at("filter_output"))
}

/// Adds to the MAIL command what the message and the addresses need, unless it is there.
pub(super) fn with_needs(mut mail: Mail, rcpts: &[Rcpt], source: Option<&Source>) -> Mail {
    let spec = source.and_then(Source::spec);
    let is_ascii = mail.reverse_path.as_str().is_ascii()
        && rcpts
            .iter()
            .all(|rcpt| rcpt.forward_path.as_str().is_ascii());
    let mut need = |keyword, value| {
        if let Ok(parameter) = Parameter::new(keyword, value) {
            // The submitter may have added it already.
            let _ = mail.parameters.push(parameter);
        }
    };
    if spec.is_some_and(Spec::needs_smtputf8) {
        need("SMTPUTF8", None);
    }
    if spec.is_some_and(Spec::needs_8bitmime) {
        need("BODY", Some("8BITMIME"));
    }
    // Addresses in UTF-8 need it: RFC 6531 section 3.4.
    if !is_ascii {
        need("SMTPUTF8", None);
    }
    mail
}

//! The sender, and the facts of an SMTP session.

use std::{net::IpAddr, sync::Arc};

use koukan_core::{
    path::Domain,
    resource::{Refusal, SmtpMeta},
    signals::HostPort,
};

use crate::schema::reader::Field;

/// The tag of a `sender`; its name, if given, must be that in the path.
pub(in crate::schema) fn tag(
    field: &Field<'_>,
    path_sender: &str,
) -> Result<Option<Arc<str>>, Refusal> {
    let object = field.object(&["name", "tag"])?;
    if let Some(name) = object.get("name")
        && name.text()? != path_sender
    {
        return Err(name.refuse("must be the sender that the path names"));
    }
    let Some(tag) = object.get("tag") else {
        return Ok(None);
    };
    match tag.text()? {
        "" => Err(tag.refuse("must not be empty; leave it out instead")),
        text => Ok(Some(text.into())),
    }
}

/// Reads a `["host", port]`.
pub(super) fn host(field: &Field<'_>) -> Result<HostPort, Refusal> {
    let wanted = "a list of an IP address and a port";
    let elements = field.list().map_err(|_| field.mistyped(wanted))?;
    let [host, port] = elements.as_slice() else {
        return Err(field.refuse(format!("must be {wanted}, nothing more or less")));
    };
    let text = host.text()?;
    let is_name = !text.starts_with('[') && Domain::check(text).is_ok();
    if !is_name && text.parse::<IpAddr>().is_err() {
        return Err(host.refuse("must be an IP address, without brackets, or a host name"));
    }
    Ok(HostPort {
        host: text.into(),
        port: port.number("a port, 0 to 65535")?,
    })
}

/// Reads an `smtp_meta`. A fact that is left out or `null` is unknown, and read as empty or false.
pub(super) fn meta(field: &Field<'_>) -> Result<SmtpMeta, Refusal> {
    let object = field.object(&["ehlo_host", "esmtp", "tls", "auth"])?;
    // Gateways write every fact, with `null` for those that they do not know.
    let fact = |name| object.get(name).filter(|fact| !fact.value().is_null());
    let flag = |name| fact(name).map_or(Ok(false), |fact| fact.flag());
    let ehlo_host = match fact("ehlo_host") {
        None => None,
        Some(host) => match host.text()? {
            "" => return Err(host.refuse("must not be empty; leave it out instead")),
            text if text.contains(char::is_control) => {
                return Err(host.refuse("must not hold control characters"));
            }
            text => Some(text.into()),
        },
    };
    Ok(SmtpMeta {
        ehlo_host,
        is_esmtp: flag("esmtp")?,
        has_tls: flag("tls")?,
        is_authenticated: flag("auth")?,
    })
}

//! Values that are written as text. They are checked when they are read, so that an error names its place.

use std::{borrow::Cow, collections::BTreeSet, net::IpAddr};

use koukan_core::{
    network::{InvalidRemoteAddress, RemoteAddress},
    path::{Domain, Mailbox, address_literal},
    signals::HostPort,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};

/// A host and port.
#[derive(Debug, Clone)]
pub(super) struct Host(pub(super) HostPort);

/// The domain of recipients, in lower case.
#[derive(Debug, Clone)]
pub(super) struct RecipientDomain(pub(super) Box<str>);

/// An address, as in `bob@example.com`.
#[derive(Debug, Clone)]
pub(super) struct Address(pub(super) Mailbox);

/// A port to connect to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Port(pub(super) u16);

impl<'de> Deserialize<'de> for Host {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        check_host(&text).map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for RecipientDomain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        check_domain(&text).map_err(D::Error::custom)?;
        Ok(Self(text.to_ascii_lowercase().into()))
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| {
            D::Error::custom(format!("`{text}` is no address, as in `bob@example.com`"))
        })
    }
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            port @ 1..=65535 => Ok(Self(u16::try_from(port).unwrap_or_default())),
            port => Err(D::Error::custom(format!(
                "`{port}` is no port: there is 1 to 65535"
            ))),
        }
    }
}

/// Implements the schema of a value that is written as text.
macro_rules! text {
    ($type:ty, $example:literal) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "examples": [$example] })
            }
        }
    };
}

text!(Host, "mx.example.com:25");
text!(RecipientDomain, "example.com");
text!(Address, "bob@example.com");

impl JsonSchema for Port {
    fn schema_name() -> Cow<'static, str> {
        "Port".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": 65535 })
    }
}

/// Checks a host or Unix socket to connect to. Port 0 would be syntactically valid, but nobody
/// listens there.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn check_host(text: &str) -> Result<HostPort, String> {
    match text.parse::<HostPort>() {
        Ok(host) if host.port != 0 || host.unix().is_some() => Ok(host),
        Ok(_) => Err(format!(
            "`{text}` is not a host and port: nobody listens on port 0"
        )),
        Err(error) => match text.parse::<RemoteAddress>() {
            Err(InvalidRemoteAddress::Path(error)) => Err(format!("`{text}`: {error}")),
            _ => Err(format!("`{text}` is {error}")),
        },
    }
}

/// Checks that a text can be the domain of a recipient.
///
/// # Errors
///
/// What is wrong with it, and what to write instead.
pub(crate) fn check_domain(text: &str) -> Result<(), String> {
    if let Some((local, domain)) = text.split_once('@') {
        let what = if local.is_empty() {
            format!("write `{domain}`")
        } else {
            format!("write `{domain}`, and `{local}` under `prefixes`")
        };
        return Err(format!("`{text}` is no domain: {what}"));
    }
    if let Some(name) = text.strip_suffix('.') {
        return Err(format!(
            "`{text}` matches no recipient: write `{name}`, without the dot at the end"
        ));
    }
    if text.contains('*') {
        return Err(format!(
            "`{text}` matches no recipient: name each domain, there are no wildcards"
        ));
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        let literal = address_literal(address);
        return Err(format!("`{text}` matches no recipient: write `{literal}`"));
    }
    match Domain::check(text) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("`{text}` is no domain, as in `example.com`")),
    }
}

/// The first text that occurs twice, and the index of its second occurrence.
pub(super) fn twice<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<(usize, &'a str)> {
    let mut seen = BTreeSet::new();
    let mut texts = texts.into_iter().enumerate();
    texts.find(|(_, text)| !seen.insert(text.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_checked() {
        for (text, told) in [
            ("@example.com", "write `example.com`"),
            ("bob@example.com", "`bob` under `prefixes`"),
            ("example.com.", "without the dot"),
            ("*.example.com", "no wildcards"),
            ("127.0.0.1", "write `[127.0.0.1]`"),
            ("::1", "write `[IPv6:::1]`"),
            ("", "no domain"),
            ("a b", "no domain"),
            (".example.com", "no domain"),
        ] {
            let error = check_domain(text).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
        for text in [
            "example.com",
            "EXAMPLE.com",
            "[192.0.2.1]",
            "b\u{fc}cher.example",
        ] {
            assert_eq!(check_domain(text), Ok(()));
        }
    }
}

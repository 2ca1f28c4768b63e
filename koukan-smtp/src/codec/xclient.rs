//! XCLIENT: the command by which a proxy describes its client.

use std::{net::IpAddr, str::FromStr};

/// What a proxy says about its client with XCLIENT.
///
/// *Shape*: `NAME=value` pairs between blanks, names in any case, values in xtext (RFC 3461 section 4).
///
/// *Source*: Postfix, `XCLIENT_README`.
///
/// # Example
///
/// ```
/// use koukan_smtp::codec::{Told, Xclient};
///
/// let xclient: Xclient = "ADDR=192.0.2.1 LOGIN=[UNAVAILABLE]".parse()?;
/// assert_eq!(xclient.address, Told::Is("192.0.2.1".parse()?));
/// assert_eq!(xclient.login, Told::Unknown);
/// assert_eq!(xclient.helo, Told::Nothing);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Xclient {
    /// `NAME`: the client's host name according to the DNS.
    pub name: Told<Box<str>>,
    /// `ADDR`: the client's address.
    pub address: Told<IpAddr>,
    /// `PORT`: the client's port.
    pub port: Told<u16>,
    /// `PROTO`: whether the client speaks ESMTP rather than SMTP.
    pub is_extended: Told<bool>,
    /// `HELO`: the name that the client gave itself.
    pub helo: Told<Box<str>>,
    /// `LOGIN`: the user as whom the client has authenticated.
    pub login: Told<Box<str>>,
    /// `DESTADDR`: the address to which the client connected.
    pub own_address: Told<IpAddr>,
    /// `DESTPORT`: the port to which the client connected.
    pub own_port: Told<u16>,
}

/// A fact that a proxy may tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Told<T> {
    /// The proxy did not mention it: what was known before still holds.
    #[default]
    Nothing,
    /// The proxy does not know it: `[UNAVAILABLE]`, or `[TEMPUNAVAIL]` if only for now.
    Unknown,
    /// The proxy gave this value.
    Is(T),
}

/// The argument of XCLIENT breaks its grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed XCLIENT attributes")]
pub struct InvalidXclient;

/// The attributes listed in the EHLO keyword.
pub(crate) const ATTRIBUTES: &str = "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT";

impl FromStr for Xclient {
    type Err = InvalidXclient;

    fn from_str(text: &str) -> Result<Self, InvalidXclient> {
        let mut xclient = Self::default();
        let mut is_empty = true;
        for attribute in text.split(' ').filter(|attribute| !attribute.is_empty()) {
            is_empty = false;
            let (name, value) = attribute.split_once('=').ok_or(InvalidXclient)?;
            xclient.set(&name.to_ascii_uppercase(), value)?;
        }
        match is_empty {
            true => Err(InvalidXclient),
            false => Ok(xclient),
        }
    }
}

impl Xclient {
    fn set(&mut self, name: &str, value: &str) -> Result<(), InvalidXclient> {
        match name {
            "NAME" => set(&mut self.name, value, text),
            "ADDR" => set(&mut self.address, value, address),
            "PORT" => set(&mut self.port, value, parsed),
            "PROTO" => set(&mut self.is_extended, value, is_extended),
            "HELO" => set(&mut self.helo, value, text),
            "LOGIN" => set(&mut self.login, value, text),
            "DESTADDR" => set(&mut self.own_address, value, address),
            "DESTPORT" => set(&mut self.own_port, value, parsed),
            _ => Err(InvalidXclient),
        }
    }
}

impl<T: Clone> Told<T> {
    /// The value that holds now, given the value `before`.
    pub(crate) fn over(&self, before: Option<T>) -> Option<T> {
        match self {
            Self::Nothing => before,
            Self::Unknown => None,
            Self::Is(value) => Some(value.clone()),
        }
    }
}

/// Sets a fact; a fact may be given only once.
fn set<T>(
    fact: &mut Told<T>,
    value: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<(), InvalidXclient> {
    if !matches!(fact, Told::Nothing) {
        return Err(InvalidXclient);
    }
    let value = decode(value).ok_or(InvalidXclient)?;
    let is = |word: &str| value.eq_ignore_ascii_case(word);
    *fact = match is("[UNAVAILABLE]") || is("[TEMPUNAVAIL]") {
        true => Told::Unknown,
        false => Told::Is(read(&value).ok_or(InvalidXclient)?),
    };
    Ok(())
}

fn text(value: &str) -> Option<Box<str>> {
    (!value.is_empty()).then(|| value.into())
}

fn parsed<T: FromStr>(value: &str) -> Option<T> {
    value.parse().ok()
}

fn is_extended(value: &str) -> Option<bool> {
    match value.to_ascii_uppercase().as_str() {
        "SMTP" => Some(false),
        "ESMTP" => Some(true),
        _ => None,
    }
}

fn address(value: &str) -> Option<IpAddr> {
    let prefix = value
        .get(..5)
        .filter(|prefix| prefix.eq_ignore_ascii_case("IPV6:"));
    match prefix {
        Some(_) => value[5..].parse().ok().filter(IpAddr::is_ipv6),
        None => value.parse().ok(),
    }
}

/// Decodes xtext; `None` where the text is not xtext, or encodes unprintable characters.
fn decode(value: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let octet = match first {
            b'+' => {
                let digits = str::from_utf8(rest.get(..2)?).ok()?;
                rest = &rest[2..];
                u8::from_str_radix(digits, 16).ok()?
            }
            octet => *octet,
        };
        octets.push(octet);
    }
    let text = String::from_utf8(octets).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn every_attribute_is_read() {
        let xclient: Xclient = "name=a.example ADDR=IPV6:2001:db8::1 PORT=2525 proto=esmtp \
                                HELO=[192.0.2.1] LOGIN=a+20b+2B DESTADDR=192.0.2.2  DESTPORT=25"
            .parse()
            .unwrap();
        let text = |text: &str| Told::Is(text.into());
        assert_eq!(
            xclient,
            Xclient {
                name: text("a.example"),
                address: Told::Is("2001:db8::1".parse().unwrap()),
                port: Told::Is(2525),
                is_extended: Told::Is(true),
                helo: text("[192.0.2.1]"),
                login: text("a b+"),
                own_address: Told::Is("192.0.2.2".parse().unwrap()),
                own_port: Told::Is(25),
            }
        );
    }

    #[rstest]
    #[case("")]
    #[case("NAME")]
    #[case("NAME=")]
    #[case("X=1")]
    #[case("ADDR=192.0.2.300")]
    #[case("ADDR=IPV6:192.0.2.1")]
    #[case("ADDR=192.0.2.1 ADDR=192.0.2.2")]
    #[case("PORT=65536")]
    #[case("PROTO=HTTP")]
    #[case("HELO=a+0Ab")]
    #[case("HELO=a+")]
    #[case("HELO=a+zz")]
    #[case("HELO=+FF")]
    fn what_breaks_the_grammar_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<Xclient>(), Err(InvalidXclient), "{text}");
    }

    #[test]
    fn what_is_not_said_is_as_before() {
        let known = || Some(1);
        assert_eq!(Told::Nothing.over(known()), known());
        assert_eq!(Told::Unknown.over(known()), None);
        assert_eq!(Told::Is(2).over(known()), Some(2));
    }
}

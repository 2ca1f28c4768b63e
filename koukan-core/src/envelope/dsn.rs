//! What a sender asks for in notifications: the parameters of RFC 3461.

use crate::path::Parameters;

use super::{Mail, Rcpt, xtext};

/// The longest ENVID, in characters: RFC 3461 section 4.4.
const ENVID_MAX: usize = 100;
/// The longest ORCPT, in characters: RFC 3461 section 4.2.
const ORCPT_MAX: usize = 500;

/// How much of the message a notification of failure returns: RET.
///
/// *Source*: RFC 3461 section 4.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Return {
    /// The whole message.
    Full,
    /// Its header section.
    Headers,
}

/// Which events a sender wants to be notified of, for a recipient: NOTIFY.
///
/// *Source*: RFC 3461 section 4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Notify {
    /// Delivery, or relaying to a host that sends no notifications.
    pub success: bool,
    /// Permanent failure.
    pub failure: bool,
    /// Delay.
    pub delay: bool,
}

/// The recipient as the sender named it: ORCPT.
///
/// *Source*: RFC 3461 section 4.2, RFC 6533 section 3.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OriginalRecipient {
    /// The type of the address as it was written, for example `rfc822`.
    pub kind: String,
    /// The address, decoded. If the type is `utf-8` it may contain any character but control characters.
    pub address: String,
}

/// A parameter of RFC 3461 violates its grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDsnParameter {
    /// RET is neither FULL nor HDRS.
    #[error("RET is neither FULL nor HDRS")]
    Ret,
    /// ENVID is not xtext of printable ASCII, or has more than 100 characters.
    #[error("ENVID is not xtext of printable ASCII, or has more than 100 characters")]
    Envid,
    /// NOTIFY is neither NEVER nor some of SUCCESS, FAILURE and DELAY.
    #[error("NOTIFY is neither NEVER nor some of SUCCESS, FAILURE and DELAY")]
    Notify,
    /// ORCPT is not a type and an address of that type, or has more than 500 characters.
    #[error(
        "ORCPT is not a type, a semicolon and an encoded address, or has more than 500 characters"
    )]
    Orcpt,
}

impl Default for Notify {
    /// Failure and delay. Without NOTIFY, RFC 3461 section 4.1 requires notifications of failure,
    /// and leaves delay to the agent.
    fn default() -> Self {
        Self {
            success: false,
            failure: true,
            delay: true,
        }
    }
}

impl Notify {
    /// No notifications.
    pub const NEVER: Self = Self {
        success: false,
        failure: false,
        delay: false,
    };

    /// Parses a value of NOTIFY.
    ///
    /// # Errors
    ///
    /// [`InvalidDsnParameter::Notify`].
    pub fn parse(value: &str) -> Result<Self, InvalidDsnParameter> {
        if value.eq_ignore_ascii_case("NEVER") {
            return Ok(Self::NEVER);
        }
        let mut notify = Self::NEVER;
        for word in value.split(',') {
            let is = |keyword| word.eq_ignore_ascii_case(keyword);
            if is("SUCCESS") {
                notify.success = true;
            } else if is("FAILURE") {
                notify.failure = true;
            } else if is("DELAY") {
                notify.delay = true;
            } else {
                return Err(InvalidDsnParameter::Notify);
            }
        }
        Ok(notify)
    }
}

impl Return {
    /// Parses a value of RET.
    ///
    /// # Errors
    ///
    /// [`InvalidDsnParameter::Ret`].
    pub fn parse(value: &str) -> Result<Self, InvalidDsnParameter> {
        let is = |keyword| value.eq_ignore_ascii_case(keyword);
        if is("FULL") {
            Ok(Self::Full)
        } else if is("HDRS") {
            Ok(Self::Headers)
        } else {
            Err(InvalidDsnParameter::Ret)
        }
    }
}

impl OriginalRecipient {
    /// The type `utf-8` of RFC 6533.
    const UTF8: &str = "utf-8";

    /// Parses a value of ORCPT.
    ///
    /// *Shape*: an address of type `utf-8` may contain characters beyond ASCII unencoded; sending
    /// those needs SMTPUTF8.
    ///
    /// # Errors
    ///
    /// [`InvalidDsnParameter::Orcpt`].
    pub fn parse(value: &str) -> Result<Self, InvalidDsnParameter> {
        let parse = || {
            let (kind, text) = value.split_once(';')?;
            let is_kind = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
            if value.chars().count() > ORCPT_MAX || kind.is_empty() || !kind.chars().all(is_kind) {
                return None;
            }
            let address = match kind.eq_ignore_ascii_case(Self::UTF8) {
                true => xtext::decode_utf8(text),
                false => xtext::decode(text),
            };
            Some(Self {
                kind: kind.to_owned(),
                address: address.filter(|address| !address.is_empty())?,
            })
        };
        parse().ok_or(InvalidDsnParameter::Orcpt)
    }

    /// Whether the address is of the type `utf-8`.
    pub fn is_utf8(&self) -> bool {
        self.kind.eq_ignore_ascii_case(Self::UTF8)
    }
}

/// Encodes a value of ORCPT in ASCII, for servers without SMTPUTF8. A value in ASCII is unchanged.
///
/// *Source*: RFC 6533 section 3 (`utf-8-addr-xtext`).
pub fn ascii_value(value: &str) -> String {
    xtext::escaped(value, |c| !c.is_ascii())
}

/// Decodes a value of ENVID.
///
/// # Errors
///
/// [`InvalidDsnParameter::Envid`].
pub fn envelope_id(value: &str) -> Result<String, InvalidDsnParameter> {
    let is_short = value.len() <= ENVID_MAX;
    let decoded = is_short.then(|| xtext::decode(value)).flatten();
    decoded.ok_or(InvalidDsnParameter::Envid)
}

impl Mail {
    /// How much of the message a notification returns, where the sender has said so. The content of a message
    /// that must use TLS (REQUIRETLS) is not returned.
    ///
    /// *Source*: RFC 3461 section 4.3, RFC 8689 section 5.
    pub fn to_return(&self) -> Option<Return> {
        if self.parameters.is_requiretls() {
            return Some(Return::Headers);
        }
        let value = self.parameters.get("RET")?.value()?;
        Return::parse(value).ok()
    }

    /// The sender's id of the envelope, decoded.
    pub fn envelope_id(&self) -> Option<String> {
        let value = self.parameters.get("ENVID")?.value()?;
        envelope_id(value).ok()
    }

    /// Checks the parameters RET and ENVID, where they are present.
    ///
    /// # Errors
    ///
    /// [`InvalidDsnParameter`] for the first invalid one.
    pub fn check_dsn(&self) -> Result<(), InvalidDsnParameter> {
        check(&self.parameters, "RET", InvalidDsnParameter::Ret, |value| {
            Return::parse(value).map(drop)
        })?;
        check(
            &self.parameters,
            "ENVID",
            InvalidDsnParameter::Envid,
            |value| envelope_id(value).map(drop),
        )
    }
}

impl Rcpt {
    /// What the sender wants to be notified of; the default where NOTIFY is missing or invalid.
    pub fn notify(&self) -> Notify {
        let value = self.parameters.get("NOTIFY").and_then(|it| it.value());
        let notify = value.and_then(|value| Notify::parse(value).ok());
        notify.unwrap_or_default()
    }

    /// The recipient as the sender named it.
    pub fn original_recipient(&self) -> Option<OriginalRecipient> {
        let value = self.parameters.get("ORCPT")?.value()?;
        OriginalRecipient::parse(value).ok()
    }

    /// Checks the parameters NOTIFY and ORCPT, where they are present.
    ///
    /// # Errors
    ///
    /// [`InvalidDsnParameter`] for the first invalid one.
    pub fn check_dsn(&self) -> Result<(), InvalidDsnParameter> {
        check(
            &self.parameters,
            "NOTIFY",
            InvalidDsnParameter::Notify,
            |value| Notify::parse(value).map(drop),
        )?;
        check(
            &self.parameters,
            "ORCPT",
            InvalidDsnParameter::Orcpt,
            |value| OriginalRecipient::parse(value).map(drop),
        )
    }
}

/// Checks the parameter with this keyword, where it is present. One without a value is invalid.
fn check(
    parameters: &Parameters,
    keyword: &str,
    wrong: InvalidDsnParameter,
    parse: impl FnOnce(&str) -> Result<(), InvalidDsnParameter>,
) -> Result<(), InvalidDsnParameter> {
    match parameters.get(keyword) {
        Some(parameter) => parameter.value().ok_or(wrong).and_then(parse),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notify_names_what_is_wanted() {
        let some = |success, failure, delay| {
            Ok(Notify {
                success,
                failure,
                delay,
            })
        };
        for (value, notify) in [
            ("NEVER", some(false, false, false)),
            ("never", some(false, false, false)),
            ("SUCCESS", some(true, false, false)),
            ("failure,Delay", some(false, true, true)),
            ("SUCCESS,FAILURE,DELAY", some(true, true, true)),
            ("NEVER,SUCCESS", Err(InvalidDsnParameter::Notify)),
            ("SUCCESS,", Err(InvalidDsnParameter::Notify)),
            ("MAYBE", Err(InvalidDsnParameter::Notify)),
            ("", Err(InvalidDsnParameter::Notify)),
        ] {
            assert_eq!(Notify::parse(value), notify, "{value}");
        }
    }

    #[test]
    fn an_original_recipient_has_a_type() {
        let long = format!("rfc822;{}", "a".repeat(ORCPT_MAX));
        for (value, found) in [
            ("rfc822;bob+2Bx@y", Some(("rfc822", "bob+x@y"))),
            (r"utf-8;b\x{F8}b@y", Some(("utf-8", "bøb@y"))),
            ("UTF-8;bøb@y", Some(("UTF-8", "bøb@y"))),
            ("x400;/c=x", None),
            ("rfc822;bøb@y", None),
            ("rfc822;", None),
            (";bob@y", None),
            ("rfc 822;bob@y", None),
            ("bob@y", None),
            (&long, None),
        ] {
            let parsed = OriginalRecipient::parse(value).ok();
            let parsed = parsed
                .as_ref()
                .map(|it| (it.kind.as_str(), it.address.as_str()));
            assert_eq!(parsed, found, "{value}");
        }
        assert_eq!(ascii_value("utf-8;bøb\\x{2B}@y"), r"utf-8;b\x{F8}b\x{2B}@y");
    }

    #[test]
    fn an_envelope_id_is_short_and_printable() {
        assert_eq!(envelope_id("QQ+2B3+20x"), Ok("QQ+3 x".to_owned()));
        assert!(envelope_id(&"a".repeat(ENVID_MAX)).is_ok());
        for wrong in ["a+0D", "a+", &"a".repeat(ENVID_MAX + 1)] {
            assert_eq!(envelope_id(wrong), Err(InvalidDsnParameter::Envid));
        }
    }
}

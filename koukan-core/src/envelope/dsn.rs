//! What a sender asks of notifications: the parameters of RFC 3461.

use crate::path::Parameters;

use super::{Mail, Rcpt, xtext};

/// Characters of ENVID, at most: RFC 3461 section 4.4.
const ENVID_MAX: usize = 100;
/// Characters of ORCPT, at most: RFC 3461 section 4.2.
const ORCPT_MAX: usize = 500;

/// What of the original message comes with a notification of failure: RET.
///
/// *Source*: RFC 3461 section 4.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Return {
    /// All of it.
    Full,
    /// Its header.
    Headers,
}

/// What a sender wants to be told of a recipient: NOTIFY.
///
/// *Source*: RFC 3461 section 4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Notify {
    /// That it was delivered, or went where nobody tells of that.
    pub success: bool,
    /// That it was not delivered, for good.
    pub failure: bool,
    /// That it was not delivered as yet.
    pub delay: bool,
}

/// The recipient as its sender has named it: ORCPT.
///
/// *Source*: RFC 3461 section 4.2, RFC 6533 section 3.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OriginalRecipient {
    /// The type of the address, as in `rfc822`, as it was written.
    pub kind: String,
    /// The address, decoded. Of the type `utf-8` it may hold any character.
    pub address: String,
}

/// A parameter of RFC 3461 breaks its grammar.
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
    /// Failure and delay: where nothing was said, RFC 3461 section 4.1 has senders told of failure,
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
    /// Nothing at all.
    pub const NEVER: Self = Self {
        success: false,
        failure: false,
        delay: false,
    };

    /// What a value of NOTIFY asks for.
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
    /// What a value of RET asks for.
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

    /// What a value of ORCPT names.
    ///
    /// *Shape*: characters beyond ASCII may stand for themselves in an address of type `utf-8`; on the
    /// wire that takes SMTPUTF8.
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

/// A value of ORCPT in ASCII, for servers without SMTPUTF8; what is ASCII stays as it is.
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
    /// What of the message is to come with a notification, where the sender has said so. Of one that is to go
    /// over TLS only (REQUIRETLS), the content does not come back.
    ///
    /// *Source*: RFC 3461 section 4.3, RFC 8689 section 5.
    pub fn to_return(&self) -> Option<Return> {
        if self.parameters.is_requiretls() {
            return Some(Return::Headers);
        }
        let value = self.parameters.get("RET")?.value()?;
        Return::parse(value).ok()
    }

    /// The id of the envelope that the sender has given, decoded.
    pub fn envelope_id(&self) -> Option<String> {
        let value = self.parameters.get("ENVID")?.value()?;
        envelope_id(value).ok()
    }

    /// Checks the parameters RET and ENVID, where they are there.
    ///
    /// # Errors
    ///
    /// [`InvalidDsnParameter`] of the first that is wrong.
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
    /// What the sender wants to be told; what holds where nothing was said, or nothing valid.
    pub fn notify(&self) -> Notify {
        let value = self.parameters.get("NOTIFY").and_then(|it| it.value());
        let notify = value.and_then(|value| Notify::parse(value).ok());
        notify.unwrap_or_default()
    }

    /// The recipient as the sender has named it.
    pub fn original_recipient(&self) -> Option<OriginalRecipient> {
        let value = self.parameters.get("ORCPT")?.value()?;
        OriginalRecipient::parse(value).ok()
    }

    /// Checks the parameters NOTIFY and ORCPT, where they are there.
    ///
    /// # Errors
    ///
    /// [`InvalidDsnParameter`] of the first that is wrong.
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

/// Checks the parameter of that keyword, where it is there; one without a value is wrong.
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

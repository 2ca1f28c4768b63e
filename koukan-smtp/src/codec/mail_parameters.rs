//! Decides which parameters of MAIL go to a server.

use std::fmt;

use koukan_core::path::{Parameter, Parameters, ReversePath};

use super::Capabilities;

/// The parameters of MAIL that suit a server; prints as they stand on the wire, each after a
/// space.
///
/// | parameter | goes to the server |
/// |---|---|
/// | SIZE | where offered: the message's size if known, else what was declared |
/// | BODY | where 8BITMIME (for BINARYMIME: that and CHUNKING) is offered |
/// | SMTPUTF8 | if it was given, or the reverse-path needs it |
/// | RET, ENVID | where DSN is offered |
/// | REQUIRETLS | always |
/// | others | never |
#[derive(Debug, Clone, Copy)]
pub struct MailParameters<'a> {
    given: &'a Parameters,
    capabilities: &'a Capabilities,
    size: Option<u64>,
    is_smtputf8: bool,
}

/// Why a message cannot go to a server as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsendable {
    /// It is larger than the server takes.
    #[error("message is larger than the server takes")]
    TooBig,
    /// It needs SMTPUTF8, which the server does not offer: RFC 6531 section 3.2.
    #[error("server does not offer SMTPUTF8")]
    NeedsSmtputf8,
    /// It holds octets that need 8BITMIME, which the server does not offer: RFC 6152 section 3.
    #[error("server does not offer 8BITMIME")]
    Needs8bitmime,
    /// It needs BINARYMIME, which the server does not offer: RFC 3030 section 3.
    #[error("server does not offer BINARYMIME")]
    NeedsBinarymime,
    /// It needs REQUIRETLS, which the server does not offer: RFC 8689 section 4.2.1.
    #[error("server does not offer REQUIRETLS")]
    NeedsRequiretls,
}

impl<'a> MailParameters<'a> {
    /// Chooses among the `given` parameters; `length` is the message's size in octets where it
    /// is known.
    ///
    /// # Errors
    ///
    /// [`Unsendable`] where the server lacks what the message cannot do without.
    pub fn choose(
        reverse_path: &ReversePath,
        given: &'a Parameters,
        capabilities: &'a Capabilities,
        length: Option<u64>,
    ) -> Result<Self, Unsendable> {
        let size = length.or_else(|| given.size());
        if size.is_some_and(|size| !capabilities.allows_size(size)) {
            return Err(Unsendable::TooBig);
        }
        let is_smtputf8 = given.is_smtputf8() || !reverse_path.as_str().is_ascii();
        if is_smtputf8 && !capabilities.smtputf8 {
            return Err(Unsendable::NeedsSmtputf8);
        }
        if is_binarymime(given) && !(capabilities.binarymime && capabilities.chunking) {
            return Err(Unsendable::NeedsBinarymime);
        }
        if given.contains("REQUIRETLS") && !capabilities.requiretls {
            return Err(Unsendable::NeedsRequiretls);
        }
        Ok(Self {
            given,
            capabilities,
            size,
            is_smtputf8,
        })
    }

    /// Adds SMTPUTF8 where it is offered, for the sake of a forward-path.
    pub fn allow_smtputf8(&mut self) {
        self.is_smtputf8 |= self.capabilities.smtputf8;
    }

    /// Whether SMTPUTF8 is among them, so that forward-paths may hold UTF-8.
    pub fn is_smtputf8(&self) -> bool {
        self.is_smtputf8
    }

    /// Whether BODY=8BITMIME was given and is left out: no octet above 127 may follow.
    pub fn is_7bit_only(&self) -> bool {
        self.given.is_8bitmime() && !self.capabilities.eight_bit_mime
    }

    fn goes_as_given(&self, parameter: &Parameter) -> bool {
        let is = |keyword: &str| parameter.keyword().eq_ignore_ascii_case(keyword);
        (is("BODY") && (self.capabilities.eight_bit_mime || is_binarymime(self.given)))
            || ((is("RET") || is("ENVID")) && self.capabilities.dsn)
            || is("REQUIRETLS")
    }
}

fn is_binarymime(parameters: &Parameters) -> bool {
    let value = parameters.get("BODY").and_then(Parameter::value);
    value.is_some_and(|value| value.eq_ignore_ascii_case("BINARYMIME"))
}

impl fmt::Display for MailParameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(size) = self.size
            && self.capabilities.size.is_some()
        {
            write!(f, " SIZE={size}")?;
        }
        if self.is_smtputf8 {
            f.write_str(" SMTPUTF8")?;
        }
        self.given
            .iter()
            .filter(|parameter| self.goes_as_given(parameter))
            .try_for_each(|parameter| write!(f, " {parameter}"))
    }
}

#[cfg(test)]
mod tests {
    use koukan_core::reply::Reply;
    use rstest::rstest;

    use super::*;

    const ALL: &str = "x\nSIZE 1000\n8BITMIME\nSMTPUTF8\nDSN\nCHUNKING\nBINARYMIME\nREQUIRETLS";

    fn choose(
        path: &str,
        given: &str,
        offered: &str,
        length: Option<u64>,
    ) -> Result<String, Unsendable> {
        let mut parameters = Parameters::default();
        for text in given.split_whitespace() {
            let (keyword, value) = match text.split_once('=') {
                Some((keyword, value)) => (keyword, Some(value)),
                None => (text, None),
            };
            let parameter = Parameter::new(keyword, value).unwrap();
            parameters.push(parameter).unwrap();
        }
        let capabilities = Capabilities::parse(&Reply::ok().with_text(offered.to_owned()));
        let path = path.parse().unwrap();
        MailParameters::choose(&path, &parameters, &capabilities, length)
            .map(|chosen| chosen.to_string())
    }

    #[rstest]
    #[case::nothing("", "", None, "")]
    #[case::all(
        "BODY=8BITMIME RET=HDRS ENVID=x AUTH=<> X-ODD REQUIRETLS",
        ALL,
        Some(5),
        " SIZE=5 BODY=8BITMIME RET=HDRS ENVID=x REQUIRETLS"
    )]
    #[case::none_offered("SIZE=5 BODY=8BITMIME RET=HDRS ENVID=x AUTH=<>", "x", Some(5), "")]
    #[case::declared_size("SIZE=7", ALL, None, " SIZE=7")]
    #[case::known_size_wins("SIZE=7", ALL, Some(9), " SIZE=9")]
    #[case::binary("BODY=BINARYMIME", ALL, None, " BODY=BINARYMIME")]
    fn leaves_out_what_is_not_offered(
        #[case] given: &str,
        #[case] offered: &str,
        #[case] length: Option<u64>,
        #[case] chosen: &str,
    ) {
        assert_eq!(choose("", given, offered, length), Ok(chosen.to_owned()));
    }

    #[rstest]
    #[case::size("", "x\nSIZE 10", Some(11), Unsendable::TooBig)]
    #[case::declared("SIZE=11", "x\nSIZE 10", None, Unsendable::TooBig)]
    #[case::utf8("SMTPUTF8", "x", None, Unsendable::NeedsSmtputf8)]
    #[case::binary(
        "BODY=BINARYMIME",
        "x\n8BITMIME\nBINARYMIME",
        None,
        Unsendable::NeedsBinarymime
    )]
    #[case::tls("REQUIRETLS", "x", None, Unsendable::NeedsRequiretls)]
    fn fails_without_what_is_needed(
        #[case] given: &str,
        #[case] offered: &str,
        #[case] length: Option<u64>,
        #[case] error: Unsendable,
    ) {
        assert_eq!(choose("", given, offered, length), Err(error));
    }

    #[test]
    fn an_address_in_utf8_asks_for_smtputf8() {
        let path = "用户@example.com";
        assert_eq!(choose(path, "", ALL, None).unwrap(), " SMTPUTF8");
        assert_eq!(choose(path, "", "x", None), Err(Unsendable::NeedsSmtputf8));
    }
}

//! Decides which parameters of MAIL go to a server.

use std::fmt;

use koukan_core::path::{Parameter, Parameters, ReversePath};

use super::Capabilities;

/// The parameters of MAIL that suit a server. `Display` writes them as they stand on the wire, each
/// after a space.
///
/// | parameter | goes to the server |
/// |---|---|
/// | SIZE | where offered: the size of the message if known; otherwise the declared size and what was added on the way, but at most the limit of the server |
/// | BODY | where 8BITMIME is offered (for BINARYMIME: BINARYMIME and CHUNKING): as given, and 8BITMIME for a message that is known to hold octets above 127 |
/// | SMTPUTF8 | if an address needs it, or if it was given and the message is not known to be ASCII |
/// | RET, ENVID | where DSN is offered |
/// | REQUIRETLS | always |
/// | others | never |
#[derive(Debug, Clone, Copy)]
pub struct MailParameters<'a> {
    given: &'a Parameters,
    capabilities: &'a Capabilities,
    size: Option<u64>,
    is_smtputf8: bool,
    /// Whether the message is known to hold octets above 127.
    is_8bit: bool,
}

/// What is known of a message when MAIL is written. Nothing is known of a message that is still to come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Foreknowledge {
    /// Its size in octets.
    pub length: Option<u64>,
    /// Whether its header is ASCII.
    pub is_header_ascii: Option<bool>,
    /// Whether all of it is ASCII.
    pub is_ascii: Option<bool>,
}

impl Foreknowledge {
    /// A message of which only the size is known.
    pub fn of_length(octets: u64) -> Self {
        Self {
            length: Some(octets),
            ..Self::default()
        }
    }
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
    /// Chooses which of the `given` parameters to send, by what is known of the message.
    ///
    /// A client that gives SMTPUTF8 does not always need it for its message. Where the server does
    /// not offer SMTPUTF8 and the header is not known yet, [`MailParameters::is_ascii_header_only`]
    /// says that the header must be watched.
    ///
    /// # Errors
    ///
    /// [`Unsendable`] where the server lacks something that the message needs.
    pub fn choose(
        reverse_path: &ReversePath,
        given: &'a Parameters,
        capabilities: &'a Capabilities,
        message: Foreknowledge,
    ) -> Result<Self, Unsendable> {
        // What was added to the declared size is an estimate. The server decides about that when it
        // gets the octets.
        let known = message.length.or_else(|| given.declared_size());
        if known.is_some_and(|size| !capabilities.allows_size(size)) {
            return Err(Unsendable::TooBig);
        }
        let estimate = || Some(capabilities.size_at_most(given.size()?));
        let size = message.length.or_else(estimate);
        let is_given = given.is_smtputf8();
        let is_needed = !reverse_path.as_str().is_ascii()
            || (is_given && message.is_header_ascii == Some(false));
        if is_needed && !capabilities.smtputf8 {
            return Err(Unsendable::NeedsSmtputf8);
        }
        if given.is_binarymime() && !(capabilities.binarymime && capabilities.chunking) {
            return Err(Unsendable::NeedsBinarymime);
        }
        if given.contains("REQUIRETLS") && !capabilities.requiretls {
            return Err(Unsendable::NeedsRequiretls);
        }
        let may_be_needed = is_given && message.is_ascii != Some(true);
        Ok(Self {
            given,
            capabilities,
            size,
            is_smtputf8: is_needed || (may_be_needed && capabilities.smtputf8),
            is_8bit: message.is_ascii == Some(false),
        })
    }

    /// Adds SMTPUTF8 for a forward-path that needs it, if the server offers it.
    pub fn allow_smtputf8(&mut self) {
        self.is_smtputf8 |= self.capabilities.smtputf8;
    }

    /// Leaves out SIZE, for a message that is encoded while it is sent: its length is not known yet.
    pub fn forget_size(&mut self) {
        self.size = None;
    }

    /// Whether SMTPUTF8 is among the parameters, so that forward-paths may hold UTF-8.
    pub fn is_smtputf8(&self) -> bool {
        self.is_smtputf8
    }

    /// Whether SMTPUTF8 was given but is left out: the header must then hold no octets above 127.
    pub fn is_ascii_header_only(&self) -> bool {
        self.given.is_smtputf8() && !self.is_smtputf8
    }

    /// Whether BODY=8BITMIME or SMTPUTF8 was given, but the server takes no octets above 127: the
    /// message must then hold none.
    ///
    /// A server that offers SMTPUTF8 takes such octets: RFC 6531 sections 3.1 and 3.6.
    pub fn is_7bit_only(&self) -> bool {
        let is_given = self.given.is_8bitmime() || self.given.is_smtputf8();
        is_given && !self.capabilities.eight_bit_mime && !self.is_smtputf8
    }

    /// Whether BODY=8BITMIME is added, or replaces what was given.
    fn adds_8bitmime(&self) -> bool {
        self.is_8bit && self.capabilities.eight_bit_mime && !self.given.is_binarymime()
    }

    fn goes_as_given(&self, parameter: &Parameter) -> bool {
        let is = |keyword: &str| parameter.keyword().eq_ignore_ascii_case(keyword);
        if is("BODY") {
            let is_offered = self.capabilities.eight_bit_mime || self.given.is_binarymime();
            return is_offered && !self.adds_8bitmime();
        }
        ((is("RET") || is("ENVID")) && self.capabilities.dsn) || is("REQUIRETLS")
    }
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
        if self.adds_8bitmime() {
            f.write_str(" BODY=8BITMIME")?;
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
        let message = Foreknowledge {
            length,
            ..Foreknowledge::default()
        };
        MailParameters::choose(&path, &parameters, &capabilities, message)
            .map(|chosen| chosen.to_string())
    }

    /// As `choose`, for a message whose first octets are known. Also returns whether the header
    /// must be watched.
    fn choose_for(message: &str, given: &str, offered: &str) -> Result<(String, bool), Unsendable> {
        let mut parameters = Parameters::default();
        for text in given.split_whitespace() {
            let (keyword, value) = text.split_once('=').unwrap_or((text, ""));
            let value = Some(value).filter(|value| !value.is_empty());
            let parameter = Parameter::new(keyword, value).unwrap();
            parameters.push(parameter).unwrap();
        }
        let (header, all) = match message {
            "ascii" => (Some(true), Some(true)),
            "utf8 body" => (Some(true), Some(false)),
            "utf8 header" => (Some(false), Some(false)),
            _ => (None, None),
        };
        let message = Foreknowledge {
            length: None,
            is_header_ascii: header,
            is_ascii: all,
        };
        let capabilities = Capabilities::parse(&Reply::ok().with_text(offered.to_owned()));
        let path = "a@example.com".parse().unwrap();
        MailParameters::choose(&path, &parameters, &capabilities, message)
            .map(|chosen| (chosen.to_string(), chosen.is_ascii_header_only()))
    }

    const BOTH: &str = "SMTPUTF8 BODY=8BITMIME";

    #[rstest]
    #[case::nothing_known("?", BOTH, ALL, " SMTPUTF8 BODY=8BITMIME", false)]
    #[case::not_needed("ascii", "SMTPUTF8", ALL, "", true)]
    #[case::perhaps_in_a_part("utf8 body", BOTH, ALL, " SMTPUTF8 BODY=8BITMIME", false)]
    #[case::needed("utf8 header", BOTH, ALL, " SMTPUTF8 BODY=8BITMIME", false)]
    #[case::not_offered("?", "SMTPUTF8", "x", "", true)]
    #[case::not_offered_for_ascii("ascii", BOTH, "x", "", true)]
    #[case::body_only("utf8 body", BOTH, "x\n8BITMIME", " BODY=8BITMIME", true)]
    #[case::not_given("utf8 header", "", ALL, " BODY=8BITMIME", false)]
    #[case::not_given_nor_offered("utf8 header", "", "x", "", false)]
    #[case::wrongly_given("utf8 body", "BODY=7BIT", ALL, " BODY=8BITMIME", false)]
    #[case::rightly_given("ascii", "BODY=7BIT", ALL, " BODY=7BIT", false)]
    fn what_is_there_decides(
        #[case] message: &str,
        #[case] given: &str,
        #[case] offered: &str,
        #[case] chosen: &str,
        #[case] is_watched: bool,
    ) {
        let found = choose_for(message, given, offered);
        assert_eq!(found, Ok((chosen.to_owned(), is_watched)));
    }

    #[test]
    fn a_header_in_utf8_cannot_do_without_smtputf8() {
        let error = Err(Unsendable::NeedsSmtputf8);
        assert_eq!(choose_for("utf8 header", BOTH, "x\n8BITMIME"), error);
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

    #[rstest]
    #[case::fits_with_the_growth(900, 100, Ok(" SIZE=1000"))]
    #[case::may_fit_with_it(999, 1280, Ok(" SIZE=1000"))]
    #[case::fits_exactly_without(1000, 1280, Ok(" SIZE=1000"))]
    #[case::never_fits(1001, 0, Err(Unsendable::TooBig))]
    fn what_was_added_to_the_declared_size_refuses_nothing(
        #[case] declared: u64,
        #[case] growth: u64,
        #[case] chosen: Result<&str, Unsendable>,
    ) {
        let mut given = Parameters::default();
        let size = Parameter::new("SIZE", Some(&declared.to_string())).unwrap();
        given.push(size).unwrap();
        given.grow_size(growth);
        let capabilities = Capabilities::parse(&Reply::ok().with_text(ALL.to_owned()));
        let unknown = Foreknowledge::default();
        let found = MailParameters::choose(&ReversePath::Null, &given, &capabilities, unknown);
        assert_eq!(
            found.map(|found| found.to_string()),
            chosen.map(str::to_owned)
        );
    }

    #[rstest]
    #[case("", "x", false)]
    #[case("BODY=8BITMIME", "x", true)]
    #[case("SMTPUTF8", "x", true)]
    #[case(BOTH, "x\n8BITMIME", false)]
    #[case("SMTPUTF8", "x\n8BITMIME", false)]
    #[case(BOTH, "x\nSMTPUTF8", false)]
    fn eight_bits_go_only_where_they_are_taken(
        #[case] given: &str,
        #[case] offered: &str,
        #[case] is_7bit_only: bool,
    ) {
        let mut parameters = Parameters::default();
        for text in given.split_whitespace() {
            let (keyword, value) = text.split_once('=').unwrap_or((text, ""));
            let value = Some(value).filter(|value| !value.is_empty());
            let parameter = Parameter::new(keyword, value).unwrap();
            parameters.push(parameter).unwrap();
        }
        let capabilities = Capabilities::parse(&Reply::ok().with_text(offered.to_owned()));
        let unknown = Foreknowledge::default();
        let chosen =
            MailParameters::choose(&ReversePath::Null, &parameters, &capabilities, unknown);
        assert_eq!(chosen.unwrap().is_7bit_only(), is_7bit_only);
    }

    #[test]
    fn an_address_in_utf8_asks_for_smtputf8() {
        let path = "用户@example.com";
        assert_eq!(choose(path, "", ALL, None).unwrap(), " SMTPUTF8");
        assert_eq!(choose(path, "", "x", None), Err(Unsendable::NeedsSmtputf8));
    }
}

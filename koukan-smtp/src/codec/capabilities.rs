//! What a server offers in its reply to EHLO.

use koukan_core::reply::Reply;

/// The service extensions that a server offers.
///
/// [`Capabilities::default`] stands for a server that offers none, such as one greeted with HELO.
///
/// *Source*: RFC 5321 section 4.1.1.1; the keywords are in the IANA registry of mail parameters.
///
/// # Example
///
/// ```
/// use koukan_core::reply::Reply;
/// use koukan_smtp::codec::{Capabilities, SizeLimit};
///
/// let reply = Reply::ok().with_text("mx.example.com\nPIPELINING\nSIZE 1000");
/// let capabilities = Capabilities::parse(&reply);
/// assert!(capabilities.pipelining);
/// assert_eq!(capabilities.size, Some(SizeLimit::Octets(1000)));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// `SIZE`: RFC 1870.
    pub size: Option<SizeLimit>,
    /// `PIPELINING`: RFC 2920.
    pub pipelining: bool,
    /// `CHUNKING`: RFC 3030.
    pub chunking: bool,
    /// `BINARYMIME`: RFC 3030.
    pub binarymime: bool,
    /// `8BITMIME`: RFC 6152.
    pub eight_bit_mime: bool,
    /// `SMTPUTF8`: RFC 6531.
    pub smtputf8: bool,
    /// `ENHANCEDSTATUSCODES`: RFC 2034.
    pub enhanced_status_codes: bool,
    /// `DSN`: RFC 3461.
    pub dsn: bool,
    /// `STARTTLS`: RFC 3207.
    pub starttls: bool,
    /// `REQUIRETLS`: RFC 8689.
    pub requiretls: bool,
    /// The mechanisms of `AUTH` as written: RFC 4954. Also those of `AUTH=`, as old servers write it.
    pub auth: Vec<Box<str>>,
    /// `LIMITS`: RFC 9422.
    pub limits: DeclaredLimits,
}

/// How large a message a server takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeLimit {
    /// The server names no fixed limit.
    Unknown,
    /// A limit of that many octets.
    Octets(u64),
}

/// What a server allows on one connection; `None` where it does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeclaredLimits {
    /// Mail transactions on one connection.
    pub mail_max: Option<u32>,
    /// Recipients in one mail transaction.
    pub rcpt_max: Option<u32>,
    /// Domains among the recipients of one mail transaction.
    pub rcpt_domain_max: Option<u32>,
}

impl Capabilities {
    /// Reads the reply to EHLO and ignores unknown keywords.
    pub fn parse(ehlo_reply: &Reply) -> Self {
        let mut capabilities = Self::default();
        for line in ehlo_reply.text().split('\n').skip(1) {
            capabilities.add(line);
        }
        capabilities
    }

    /// Whether a message of that many octets is within the limit.
    pub fn allows_size(&self, octets: u64) -> bool {
        match self.size {
            Some(SizeLimit::Octets(limit)) => octets <= limit,
            Some(SizeLimit::Unknown) | None => true,
        }
    }

    /// The given size, or the server's limit if that is smaller.
    pub fn size_at_most(&self, octets: u64) -> u64 {
        match self.size {
            Some(SizeLimit::Octets(limit)) => octets.min(limit),
            Some(SizeLimit::Unknown) | None => octets,
        }
    }

    fn add(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        let Some(keyword) = words.next() else { return };
        match keyword.to_ascii_uppercase().as_str() {
            "SIZE" => self.size = Some(SizeLimit::parse(words.next())),
            "PIPELINING" => self.pipelining = true,
            "CHUNKING" => self.chunking = true,
            "BINARYMIME" => self.binarymime = true,
            "8BITMIME" => self.eight_bit_mime = true,
            "SMTPUTF8" => self.smtputf8 = true,
            "ENHANCEDSTATUSCODES" => self.enhanced_status_codes = true,
            "DSN" => self.dsn = true,
            "STARTTLS" => self.starttls = true,
            "REQUIRETLS" => self.requiretls = true,
            "AUTH" => self.auth = words.map(Into::into).collect(),
            "LIMITS" => words.for_each(|limit| self.limits.add(limit)),
            // Some old servers write it like this, most of them beside the keyword.
            old if old.starts_with("AUTH=") && self.auth.is_empty() => {
                let first = &keyword["AUTH=".len()..];
                let mechanisms = std::iter::once(first).chain(words);
                let mechanisms = mechanisms.filter(|mechanism| !mechanism.is_empty());
                self.auth = mechanisms.map(Into::into).collect();
            }
            _ => {}
        }
    }
}

impl SizeLimit {
    /// Zero means that there is no fixed limit: RFC 1870 section 4.
    fn parse(value: Option<&str>) -> Self {
        match value.and_then(|octets| octets.parse().ok()) {
            None | Some(0) => Self::Unknown,
            Some(octets) => Self::Octets(octets),
        }
    }
}

impl DeclaredLimits {
    fn add(&mut self, limit: &str) {
        let Some((name, value)) = limit.split_once('=') else {
            return;
        };
        let value = value.parse().ok().filter(|&value| value > 0);
        match name.to_ascii_uppercase().as_str() {
            "MAILMAX" => self.mail_max = value,
            "RCPTMAX" => self.rcpt_max = value,
            "RCPTDOMAINMAX" => self.rcpt_domain_max = value,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &str) -> Capabilities {
        Capabilities::parse(&Reply::ok().with_text(format!("mx.example.com\n{lines}")))
    }

    #[test]
    fn reads_keywords_in_any_case_and_order() {
        let capabilities =
            parse("pipelining\n8BITMIME\nX-ODD\nSize 10\nAUTH PLAIN LOGIN\nLIMITS RCPTMAX=5 X=1");
        assert!(capabilities.pipelining && capabilities.eight_bit_mime);
        assert!(!capabilities.chunking && !capabilities.smtputf8);
        assert_eq!(*capabilities.auth, ["PLAIN".into(), "LOGIN".into()]);
        assert_eq!(capabilities.limits.rcpt_max, Some(5));
        assert_eq!(capabilities.limits.mail_max, None);
    }

    #[test]
    fn auth_may_be_written_as_old_servers_do() {
        for (lines, expected) in [
            ("AUTH=LOGIN PLAIN", &["LOGIN", "PLAIN"][..]),
            ("auth=login", &["login"]),
            ("AUTH= LOGIN", &["LOGIN"]),
            ("AUTH=", &[]),
            ("AUTH=LOGIN\nAUTH PLAIN LOGIN", &["PLAIN", "LOGIN"]),
            ("AUTH PLAIN LOGIN\nAUTH=LOGIN", &["PLAIN", "LOGIN"]),
        ] {
            let offered: Vec<_> = expected.iter().map(|one| Box::from(*one)).collect();
            assert_eq!(parse(lines).auth, offered, "{lines}");
        }
    }

    #[test]
    fn the_first_line_is_no_keyword() {
        let reply = Reply::ok().with_text("PIPELINING");
        assert_eq!(Capabilities::parse(&reply), Capabilities::default());
    }

    #[test]
    fn knows_the_size_limit() {
        for (line, limit) in [
            ("SIZE", SizeLimit::Unknown),
            ("SIZE 0", SizeLimit::Unknown),
            ("SIZE many", SizeLimit::Unknown),
            ("SIZE 100", SizeLimit::Octets(100)),
        ] {
            assert_eq!(parse(line).size, Some(limit), "{line}");
        }
        assert!(parse("SIZE 100").allows_size(100));
        assert!(!parse("SIZE 100").allows_size(101));
        assert!(parse("SIZE").allows_size(u64::MAX));
    }
}

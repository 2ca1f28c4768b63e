//! Writes the commands of an SMTP client.

use std::fmt::{self, Write};

use bytes::BytesMut;
use koukan_core::{
    path::{ForwardPath, Parameters, ReversePath},
    transaction::dsn::ascii_value,
};

use super::{Capabilities, MailParameters};

/// Appends commands to a buffer, each with its line end.
///
/// No argument can contain a line end: paths and parameters were checked against their grammar when
/// they were made, and a debug build checks each line again.
///
/// *Source*: RFC 5321 section 4.1.1; BDAT by RFC 3030.
///
/// # Example
///
/// ```
/// use bytes::BytesMut;
/// use koukan_core::path::Parameters;
/// use koukan_smtp::codec::{Capabilities, CommandEncoder};
///
/// let mut output = BytesMut::new();
/// let mut encoder = CommandEncoder::new(&mut output);
/// encoder.rcpt(&"a@b".parse()?, &Parameters::default(), &Capabilities::default(), false);
/// encoder.bdat(5, true);
/// assert_eq!(output, "RCPT TO:<a@b>\r\nBDAT 5 LAST\r\n");
/// # Ok::<(), koukan_core::path::InvalidMailbox>(())
/// ```
#[derive(Debug)]
pub struct CommandEncoder<'a> {
    output: &'a mut BytesMut,
}

impl<'a> CommandEncoder<'a> {
    /// Makes an encoder that appends to `output`.
    pub fn new(output: &'a mut BytesMut) -> Self {
        Self { output }
    }

    /// `EHLO` with the client's own name: a domain, or an address literal in brackets.
    pub fn ehlo(&mut self, name: &str) {
        self.line(format_args!("EHLO {name}"));
    }

    /// `LHLO` with the client's own name: RFC 2033.
    pub fn lhlo(&mut self, name: &str) {
        self.line(format_args!("LHLO {name}"));
    }

    /// `STARTTLS`: RFC 3207.
    pub fn starttls(&mut self) {
        self.line(format_args!("STARTTLS"));
    }

    /// `AUTH` with that mechanism and an initial response in base 64: RFC 4954.
    pub fn auth(&mut self, mechanism: &str, initial: Option<&str>) {
        match initial {
            Some(initial) => self.line(format_args!("AUTH {mechanism} {initial}")),
            None => self.line(format_args!("AUTH {mechanism}")),
        }
    }

    /// The response to a challenge, in base 64, or `*` to cancel: RFC 4954.
    pub fn auth_response(&mut self, text: &str) {
        self.line(format_args!("{text}"));
    }

    /// `HELO` with the client's own name.
    pub fn helo(&mut self, name: &str) {
        self.line(format_args!("HELO {name}"));
    }

    /// `MAIL` with the parameters that were chosen for the server.
    pub fn mail(&mut self, reverse_path: &ReversePath, parameters: &MailParameters<'_>) {
        self.line(format_args!("MAIL FROM:<{reverse_path}>{parameters}"));
    }

    /// `RCPT` with those parameters that the server knows. NOTIFY and ORCPT go unchanged to a
    /// server that offers DSN; all others are left out. If MAIL did not ask for SMTPUTF8, an ORCPT
    /// that holds UTF-8 is written in its ASCII form.
    ///
    /// *Source*: RFC 3461 section 5.2.1, RFC 6533 section 3.
    pub fn rcpt(
        &mut self,
        forward_path: &ForwardPath,
        parameters: &Parameters,
        capabilities: &Capabilities,
        is_smtputf8: bool,
    ) {
        self.begin(format_args!("RCPT TO:<{forward_path}>"));
        for parameter in parameters {
            let is = |known| parameter.keyword().eq_ignore_ascii_case(known);
            if !capabilities.dsn || !(is("NOTIFY") || is("ORCPT")) {
                continue;
            }
            match parameter.value() {
                Some(value) if !is_smtputf8 && !value.is_ascii() => {
                    let (keyword, value) = (parameter.keyword(), ascii_value(value));
                    self.begin(format_args!(" {keyword}={value}"));
                }
                _ => self.begin(format_args!(" {parameter}")),
            }
        }
        self.end();
    }

    /// `DATA`.
    pub fn data(&mut self) {
        self.line(format_args!("DATA"));
    }

    /// `BDAT`; that many octets of the message must follow.
    pub fn bdat(&mut self, octets: usize, is_last: bool) {
        let last = if is_last { " LAST" } else { "" };
        self.line(format_args!("BDAT {octets}{last}"));
    }

    /// `RSET`.
    pub fn rset(&mut self) {
        self.line(format_args!("RSET"));
    }

    /// `QUIT`.
    pub fn quit(&mut self) {
        self.line(format_args!("QUIT"));
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        self.begin(line);
        self.end();
    }

    fn begin(&mut self, part: fmt::Arguments<'_>) {
        let start = self.output.len();
        self.output
            .write_fmt(part)
            .expect("a BytesMut grows as needed");
        debug_assert!(
            !self.output[start..]
                .iter()
                .any(|octet| matches!(octet, b'\r' | b'\n' | b'\0')),
            "a line end within a command"
        );
    }

    fn end(&mut self) {
        self.output.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use koukan_core::path::Parameter;

    use super::*;

    fn encode(write: impl FnOnce(&mut CommandEncoder<'_>)) -> String {
        let mut output = BytesMut::new();
        write(&mut CommandEncoder::new(&mut output));
        String::from_utf8(output.to_vec()).unwrap()
    }

    #[test]
    fn writes_plain_commands() {
        assert_eq!(encode(|e| e.ehlo("[127.0.0.1]")), "EHLO [127.0.0.1]\r\n");
        assert_eq!(encode(|e| e.lhlo("a.example")), "LHLO a.example\r\n");
        assert_eq!(encode(|e| e.helo("a.example")), "HELO a.example\r\n");
        assert_eq!(encode(|e| e.data()), "DATA\r\n");
        assert_eq!(encode(|e| e.bdat(0, false)), "BDAT 0\r\n");
        assert_eq!(encode(|e| e.rset()), "RSET\r\n");
        assert_eq!(encode(|e| e.quit()), "QUIT\r\n");
    }

    #[test]
    fn rcpt_has_dsn_parameters_where_offered_and_no_others() {
        let mut parameters = Parameters::default();
        for (keyword, value) in [
            ("Notify", Some("NEVER")),
            ("X-ODD", None),
            ("ORCPT", Some("utf-8;bø\\x{2B}b@y")),
        ] {
            parameters
                .push(Parameter::new(keyword, value).unwrap())
                .unwrap();
        }
        let rcpt = |dsn, is_smtputf8| {
            let capabilities = Capabilities {
                dsn,
                ..Capabilities::default()
            };
            let path = "\"a b\"@example.com".parse().unwrap();
            encode(|e| e.rcpt(&path, &parameters, &capabilities, is_smtputf8))
        };
        assert_eq!(
            rcpt(true, true),
            "RCPT TO:<\"a b\"@example.com> Notify=NEVER ORCPT=utf-8;bø\\x{2B}b@y\r\n"
        );
        assert_eq!(
            rcpt(true, false),
            "RCPT TO:<\"a b\"@example.com> Notify=NEVER ORCPT=utf-8;b\\x{F8}\\x{2B}b@y\r\n"
        );
        for is_smtputf8 in [true, false] {
            assert_eq!(
                rcpt(false, is_smtputf8),
                "RCPT TO:<\"a b\"@example.com>\r\n"
            );
        }
    }

    #[test]
    #[should_panic(expected = "a line end within a command")]
    #[cfg(debug_assertions)]
    fn a_line_end_cannot_get_in() {
        encode(|e| e.ehlo("a\r\nMAIL FROM:<>"));
    }
}

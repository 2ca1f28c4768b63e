//! From a command line to a [`Command`].

use koukan_core::{
    context::ClientName,
    path::{ForwardPath, ReversePath},
    transaction::{Mail, Rcpt},
};

use super::{
    Command, CommandError, OtherProtocol,
    argument::{self, PathArgument},
    chunk,
};

/// The most octets in a client's name: RFC 5321 section 4.5.3.1.2.
const CLIENT_NAME_MAX: usize = 255;

impl Command {
    /// Parses a command line.
    ///
    /// *Shape*: `line` has no CRLF. Verbs, keywords and parameter names are in any case; blanks at
    /// the end of the line are ignored. TABs may stand behind the verb, except behind BDAT.
    ///
    /// # Errors
    ///
    /// [`CommandError`], from which the reply follows.
    pub fn parse(line: &[u8]) -> Result<Self, CommandError> {
        let octets = line;
        let instead_of = |error| CommandError::of_line(octets, error);
        let line = std::str::from_utf8(line).map_err(|_| instead_of(CommandError::NotUtf8))?;
        let line = line.trim_end_matches([' ', '\t']);
        if OtherProtocol::is_request(line) {
            return Err(CommandError::OtherProtocol(OtherProtocol::Http));
        }
        let (verb, argument) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let argument = argument.trim_start_matches([' ', '\t']);
        let bare = |command| match argument {
            "" => Ok(command),
            _ => Err(CommandError::Argument),
        };
        match Verb::of(verb).ok_or_else(|| instead_of(CommandError::UnknownVerb))? {
            Verb::Ehlo => hello(argument, true),
            Verb::Helo => hello(argument, false),
            Verb::Lhlo => client_name(argument, true).map(Self::Lhlo),
            Verb::Mail => mail(argument),
            Verb::Rcpt => rcpt(argument),
            Verb::Data => bare(Self::Data),
            Verb::Bdat => chunk::parse(line, argument),
            Verb::Rset => bare(Self::Rset),
            Verb::Quit => bare(Self::Quit),
            Verb::StartTls => bare(Self::StartTls),
            // The argument of these two commands is optional and ignored.
            Verb::Noop => Ok(Self::Noop),
            Verb::Help => Ok(Self::Help),
            Verb::Vrfy => some(argument).map(|_| Self::Vrfy),
            Verb::Expn => some(argument).map(|_| Self::Expn),
            Verb::Xclient => match argument.parse() {
                Ok(xclient) => Ok(Self::Xclient(Box::new(xclient))),
                Err(_) => Err(CommandError::Argument),
            },
            Verb::Auth => some(argument).map(|text| Self::Auth {
                argument: text.into(),
            }),
        }
    }
}

/// The first word of a command line.
#[derive(Clone, Copy)]
enum Verb {
    Ehlo,
    Helo,
    Lhlo,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Vrfy,
    Expn,
    Help,
    Quit,
    StartTls,
    Auth,
    Xclient,
}

impl Verb {
    const NAMES: [(&str, Self); 16] = [
        ("MAIL", Self::Mail),
        ("RCPT", Self::Rcpt),
        ("DATA", Self::Data),
        ("BDAT", Self::Bdat),
        ("EHLO", Self::Ehlo),
        ("HELO", Self::Helo),
        ("LHLO", Self::Lhlo),
        ("RSET", Self::Rset),
        ("NOOP", Self::Noop),
        ("QUIT", Self::Quit),
        ("VRFY", Self::Vrfy),
        ("EXPN", Self::Expn),
        ("HELP", Self::Help),
        ("AUTH", Self::Auth),
        ("STARTTLS", Self::StartTls),
        ("XCLIENT", Self::Xclient),
    ];

    fn of(word: &str) -> Option<Self> {
        let is_it = |(name, _): &&(&str, Self)| word.eq_ignore_ascii_case(name);
        Self::NAMES.iter().find(is_it).map(|(_, verb)| *verb)
    }
}

fn hello(argument: &str, is_extended: bool) -> Result<Command, CommandError> {
    client_name(argument, is_extended).map(Command::Hello)
}

fn client_name(argument: &str, is_extended: bool) -> Result<ClientName, CommandError> {
    let name = some(argument)?;
    if name.contains([' ', '\t']) || name.len() > CLIENT_NAME_MAX {
        return Err(CommandError::Argument);
    }
    Ok(ClientName {
        name: name.into(),
        is_extended,
    })
}

fn mail(argument: &str) -> Result<Command, CommandError> {
    let PathArgument { path, parameters } = argument::split(argument, "FROM:")?;
    let reverse_path: ReversePath = path.parse().map_err(CommandError::ReversePath)?;
    let parameters = argument::parameters(parameters)?;
    if !path.is_ascii() && !parameters.is_smtputf8() {
        return Err(CommandError::Utf8NotRequested);
    }
    Ok(Command::Mail(Mail {
        reverse_path,
        parameters,
    }))
}

/// Whether a forward-path may be in UTF-8 depends on the MAIL before it, so it is not checked here.
fn rcpt(argument: &str) -> Result<Command, CommandError> {
    let PathArgument { path, parameters } = argument::split(argument, "TO:")?;
    let forward_path: ForwardPath = path.parse().map_err(CommandError::ForwardPath)?;
    Ok(Command::Rcpt(Rcpt {
        forward_path,
        parameters: argument::parameters(parameters)?,
    }))
}

fn some(argument: &str) -> Result<&str, CommandError> {
    match argument {
        "" => Err(CommandError::Argument),
        _ => Ok(argument),
    }
}

#[cfg(test)]
mod tests {
    use koukan_core::path::InvalidMailbox;

    use super::*;

    fn parse(line: &str) -> Result<Command, CommandError> {
        Command::parse(line.as_bytes())
    }

    /// The path and the parameters of MAIL or RCPT.
    fn path(line: &str) -> (String, String) {
        match parse(line).unwrap() {
            Command::Mail(mail) => (
                mail.reverse_path.to_string(),
                format!("{:?}", mail.parameters),
            ),
            Command::Rcpt(rcpt) => (
                rcpt.forward_path.to_string(),
                format!("{:?}", rcpt.parameters),
            ),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn verbs_come_in_any_case() {
        for (line, command) in [
            ("DATA", Command::Data),
            ("data  ", Command::Data),
            ("Rset", Command::Rset),
            ("NOOP", Command::Noop),
            ("NOOP whatever it is", Command::Noop),
            ("VRFY alice", Command::Vrfy),
            ("expn list", Command::Expn),
            ("help", Command::Help),
            ("HELP mail", Command::Help),
            ("quit", Command::Quit),
            ("StartTLS", Command::StartTls),
            ("NOOP\t \tx", Command::Noop),
            ("NOOP HTTP/x", Command::Noop),
            ("NOOP x/1.1", Command::Noop),
            ("NOOP it speaks HTTP/1.1", Command::Noop),
            ("VRFY A HTTP/1.1", Command::Vrfy),
            ("HELP about SMTP/1", Command::Help),
        ] {
            assert_eq!(parse(line), Ok(command), "{line}");
        }
        for line in ["", " ", " NOOP", "DAT", "DATAX", "MAILFROM:<a@b>", "größe"] {
            assert_eq!(parse(line), Err(CommandError::UnknownVerb), "{line}");
        }
        for line in [
            "Host: x",
            "Host:x",
            "Host:",
            "X-Y:z w",
            "*1",
            ".",
            "{\"a\": 1}",
            "äh",
            "<a>",
        ] {
            assert_eq!(parse(line), Err(CommandError::NoVerb), "{line}");
        }
        let http = CommandError::OtherProtocol(OtherProtocol::Http);
        // The method of a request can be any word, also the name of an SMTP verb.
        for line in [
            "GET / HTTP/1.1",
            "HELP / HTTP/1.1",
            "NOOP / HTTP/1.0",
            "EHLO / HTTP/1.1 ",
            "DATA\t/\tHTTP/1.1",
            "QUIT / HTTP/2",
        ] {
            assert_eq!(parse(line), Err(http.clone()), "{line}");
        }
        assert_eq!(Command::parse(b"EHLO \xff"), Err(CommandError::NotUtf8));
    }

    #[test]
    fn arguments_are_where_they_belong() {
        for line in [
            "DATA x",
            "RSET x",
            "QUIT x",
            "STARTTLS x",
            "VRFY",
            "EXPN",
            "AUTH",
            "EHLO",
            "HELO",
            "EHLO a b",
            "EHLO a\tb",
            "MAIL",
            "MAIL FROM",
            "MAIL FROM:",
            "MAIL FROM:a@b",
            "MAIL TO:<a@b>",
            "MAIL FROM:<a@b",
            "MAIL FROM:a@b>",
            "MAIL FROM:<a@b>SIZE=1",
            "RCPT FROM:<a@b>",
            "RCPT TO",
            "MAIL FROM :<a@b>",
            "MAIL FR\u{e4}M:<a@b>",
        ] {
            assert_eq!(parse(line), Err(CommandError::Argument), "{line}");
        }
    }

    #[test]
    fn clients_introduce_themselves() {
        for name in [
            "a.example",
            "[127.0.0.1]",
            "[IPv6:::1]",
            "my_pc",
            "localhost",
        ] {
            for (verb, is_extended) in [("EHLO", true), ("helo", false)] {
                let greeting = ClientName {
                    name: name.into(),
                    is_extended,
                };
                assert_eq!(
                    parse(&format!("{verb} {name}")),
                    Ok(Command::Hello(greeting.clone()))
                );
                assert_eq!(
                    parse(&format!("{verb}\t{name}")),
                    Ok(Command::Hello(greeting))
                );
            }
        }
        assert_eq!(
            parse(&format!("EHLO {}", "a".repeat(256))),
            Err(CommandError::Argument)
        );
    }

    #[test]
    fn paths_are_kept_as_written() {
        for (line, expected, parameters) in [
            ("MAIL FROM:<>", "", "[]"),
            ("MAIL FROM:<a@b>", "a@b", "[]"),
            ("MAIL\tFROM:<a@b>", "a@b", "[]"),
            (
                "mail from: <A@b> size=10  BODY=8BITMIME",
                "A@b",
                "[size=10, BODY=8BITMIME]",
            ),
            (
                "MAIL FROM:<\"x> SIZE=1\"@b> SIZE=2",
                "\"x> SIZE=1\"@b",
                "[SIZE=2]",
            ),
            ("MAIL FROM:<\"a\\\"> b\"@c>", "\"a\\\"> b\"@c", "[]"),
            (
                "MAIL FROM:<a@[IPv6:::1]> AUTH=<>",
                "a@[IPv6:::1]",
                "[AUTH=<>]",
            ),
            ("MAIL FROM:<ä@b> SMTPUTF8", "ä@b", "[SMTPUTF8]"),
            ("MAIL FROM:<@a,@b.c:d@e>", "d@e", "[]"),
            ("RCPT TO:<a@b>", "a@b", "[]"),
            ("RCPT TO:   <ä@b>   X-Y=z  ", "ä@b", "[X-Y=z]"),
            ("RCPT TO:<PostMaster>", "postmaster", "[]"),
            ("RCPT TO:<@a:postmaster@b>", "postmaster@b", "[]"),
        ] {
            assert_eq!(path(line), (expected.into(), parameters.into()), "{line}");
        }
    }

    #[test]
    fn addresses_and_parameters_are_checked() {
        use CommandError::{Argument, ForwardPath, Parameter, ReversePath, Utf8NotRequested};
        use koukan_core::path::InvalidParameter::{Duplicate, Keyword, Value};
        for (line, error) in [
            ("MAIL FROM:<a>", ReversePath(InvalidMailbox::NoAt)),
            ("MAIL FROM:<a b@c>", ReversePath(InvalidMailbox::LocalPart)),
            ("MAIL FROM:<ä@b>", Utf8NotRequested),
            ("MAIL FROM:<@a,b:c@d>", Argument),
            ("MAIL FROM:<@a:>", Argument),
            ("MAIL FROM:<@a c@d>", Argument),
            ("MAIL FROM:<@-:c@d>", Argument),
            ("MAIL FROM:<a@b> =1", Parameter(Keyword)),
            ("MAIL FROM:<a@b> SIZE=", Parameter(Value)),
            ("MAIL FROM:<a@b> SIZE=1 size=2", Parameter(Duplicate)),
            ("MAIL FROM:<a@b>> SIZE=1", Argument),
            ("RCPT TO:<>", ForwardPath(InvalidMailbox::NoAt)),
            ("RCPT TO:<a@b@c>", ForwardPath(InvalidMailbox::Domain)),
            ("RCPT TO:<a@b> NOTIFY=A=B", Parameter(Value)),
        ] {
            assert_eq!(parse(line), Err(error), "{line}");
        }
    }

    #[test]
    fn bdat_says_how_many_octets_follow() {
        for (line, size, is_last) in [
            ("BDAT 0", 0, false),
            ("bdat 86 last", 86, true),
            ("BDAT  5  LAST", 5, true),
            ("BDAT 18446744073709551615", u64::MAX, false),
        ] {
            assert_eq!(parse(line), Ok(Command::Bdat { size, is_last }), "{line}");
        }
        for (line, size) in [
            ("BDAT", None),
            ("BDAT LAST", None),
            ("BDAT -1", None),
            ("BDAT 18446744073709551616", None),
            ("BDAT 1 FIRST", Some(1)),
            ("BDAT 1 LAST 2", Some(1)),
            ("BDAT 1 LAST LAST", Some(1)),
            (" BDAT 1", Some(1)),
            ("BDAT\t1", Some(1)),
            ("BDAT 1\tLAST", Some(1)),
            ("BDAT \t1", Some(1)),
        ] {
            assert_eq!(parse(line), Err(CommandError::Chunk { size }), "{line}");
        }
        let not_utf8 = Command::parse(b"BDAT 1 \xff");
        assert_eq!(not_utf8, Err(CommandError::Chunk { size: Some(1) }));
    }
}

//! Other protocols that reach an SMTP server by mistake, or as an attack that hides commands in the
//! content of a request.

/// A protocol other than SMTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtherProtocol {
    /// HTTP, or a protocol with request lines like those: RFC 9112 section 3.
    Http,
    /// TLS, from its first octet on: RFC 8446 section 5.1.
    Tls,
    /// SSH: RFC 4253 section 4.2.
    Ssh,
    /// The header of a proxy, where none is expected.
    Proxy,
}

/// Methods of RFC 9110 and RFC 5789, and `PRI`, with which an HTTP/2 connection begins (RFC 9113).
const METHODS: [&[u8]; 10] = [
    b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH", b"PRI",
];

/// The type of a TLS record that carries a handshake.
const TLS_HANDSHAKE: u8 = 22;

impl OtherProtocol {
    /// Whether a line is a request as HTTP has it: a method, a target, and a protocol with its version. The method does not
    /// matter: it may have the name of an SMTP verb. Other lines that end with such a word are commands: a client may give an
    /// odd name to EHLO, or any words to NOOP.
    pub(super) fn is_request(line: &str) -> bool {
        // This cheap test already rules out nearly all lines.
        line.ends_with(|last: char| last.is_ascii_digit()) && is_request(line.as_bytes())
    }

    /// The protocol of a line that is not an SMTP command, judged by its beginning and its end.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        if line.first() == Some(&TLS_HANDSHAKE) {
            return Some(Self::Tls);
        }
        let mut words = line
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let first = words.next()?;
        let is_method = |method: &&[u8]| first.eq_ignore_ascii_case(method);
        if METHODS.iter().any(is_method) || is_version(first) || is_request(line) {
            Some(Self::Http)
        } else if first.starts_with(b"SSH-") {
            Some(Self::Ssh)
        } else if first == b"PROXY" {
            Some(Self::Proxy)
        } else {
            None
        }
    }
}

fn is_request(line: &[u8]) -> bool {
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(_), Some(target), Some(version), None) => is_target(target) && is_version(version),
        _ => false,
    }
}

/// Whether a word may be the target of a request: a path, a URI, a host and its port, or `*`.
///
/// *Source*: RFC 9112 section 3.2.
fn is_target(word: &[u8]) -> bool {
    word == b"*" || word.starts_with(b"/") || word.contains(&b':')
}

/// Whether a word is the name of a protocol and its version, as `HTTP/1.1`.
fn is_version(word: &[u8]) -> bool {
    let Some(slash) = word.iter().position(|octet| *octet == b'/') else {
        return false;
    };
    let (name, version) = (&word[..slash], &word[slash + 1..]);
    let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_uppercase);
    let is_version = matches!(version, [b'0'..=b'9'] | [b'0'..=b'9', b'.', b'0'..=b'9']);
    is_name && is_version
}

#[cfg(test)]
mod tests {
    use super::*;
    use OtherProtocol::{Http, Proxy, Ssh, Tls};

    #[test]
    fn a_request_has_a_method_a_target_and_a_version() {
        for (line, is_request) in [
            ("QUIT / HTTP/1.1", true),
            ("RSET\t/x\tHTTP/2", true),
            ("HELP * HTTP/1.1", true),
            ("DATA http://mx.example.com/ HTTP/1.1", true),
            ("NOOP mx.example.com:25 HTTP/1.1", true),
            ("VRFY A HTTP/1.1", false),
            ("NOOP it is HTTP/1.1", false),
            ("NOOP / is HTTP/1.1", false),
            ("EXPN staff X/1", false),
            ("EHLO A/0", false),
            ("HELO  G/3", false),
            ("NOOP HTTP/1.1", false),
            ("EHLO client", false),
        ] {
            assert_eq!(OtherProtocol::is_request(line), is_request, "{line}");
        }
    }

    #[test]
    fn lines_of_other_protocols_are_known() {
        for (line, expected) in [
            (&b"GET / HTTP/1.1"[..], Some(Http)),
            (b"post /x", Some(Http)),
            (b"CONNECT mx.example.com:25 HTTP/1.0", Some(Http)),
            (b"OPTIONS", Some(Http)),
            (b"PRI * HTTP/2.0", Some(Http)),
            (b"PROPFIND /x HTTP/1.1", Some(Http)),
            (b"HTTP/1.1 200 OK", Some(Http)),
            (b"INVITE sip:bob@example.com SIP/2.0", Some(Http)),
            (b"PUT\t/x", Some(Http)),
            (b"FOO / HTTP/2", Some(Http)),
            (b"\x16\x03\x01", Some(Tls)),
            (b"SSH-2.0-OpenSSH_9.6", Some(Ssh)),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25", Some(Proxy)),
            (b"", None),
            (b" ", None),
            (b"HELLO client", None),
            (b"GETTING there", None),
            (b"XYZ a/b", None),
            (b"XYZ /1.1", None),
            (b"XYZ A/1", None),
            (b"XYZ a A/1", None),
        ] {
            assert_eq!(OtherProtocol::of(line), expected, "{}", line.escape_ascii());
        }
    }
}

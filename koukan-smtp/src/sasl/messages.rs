//! The messages of PLAIN and OAUTHBEARER.

use super::{Claim, exchange::Malformed};

/// The separator of key and value pairs in OAUTHBEARER.
const KVSEP: char = '\u{1}';

/// Reads `[authzid] NUL authcid NUL passwd`. A user may not act as another one.
///
/// *Source*: RFC 4616 section 2.
pub(super) fn read_plain(message: &[u8]) -> Result<Claim, Malformed> {
    let text = str::from_utf8(message).map_err(|_| Malformed)?;
    let mut parts = text.split('\0');
    let (Some(acts_as), Some(user), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Malformed);
    };
    let is_itself = acts_as.is_empty() || acts_as == user;
    if user.is_empty() || password.is_empty() || !is_itself {
        return Err(Malformed);
    }
    Ok(Claim::Password {
        user: user.into(),
        password: password.into(),
    })
}

/// Writes the message of PLAIN; `None` where a name or a password holds a NUL.
pub(super) fn write_plain(user: &str, password: &str) -> Option<String> {
    let is_sound = |text: &str| !text.is_empty() && !text.contains('\0');
    (is_sound(user) && is_sound(password)).then(|| format!("\0{user}\0{password}"))
}

/// Reads `n,[a=user],^Aauth=Bearer token^A^A`; other keys may stand between.
///
/// *Source*: RFC 7628 section 3.1.
pub(super) fn read_bearer(message: &[u8]) -> Result<Claim, Malformed> {
    let text = str::from_utf8(message).map_err(|_| Malformed)?;
    let (header, rest) = text.split_once(KVSEP).ok_or(Malformed)?;
    let user = read_header(header)?;
    let pairs = rest.strip_suffix("\u{1}\u{1}").ok_or(Malformed)?;
    let auth = pairs
        .split(KVSEP)
        .find_map(|pair| pair.strip_prefix("auth="))
        .ok_or(Malformed)?;
    let (scheme, token) = auth.split_once(' ').ok_or(Malformed)?;
    let token = token.trim_start_matches(' ');
    if !scheme.eq_ignore_ascii_case("Bearer") || token.is_empty() {
        return Err(Malformed);
    }
    Ok(Claim::Token {
        user,
        token: token.into(),
    })
}

/// Writes the message of OAUTHBEARER.
pub(super) fn write_bearer(user: &str, token: &str) -> String {
    let user = escape(user);
    format!("n,a={user},{KVSEP}auth=Bearer {token}{KVSEP}{KVSEP}")
}

/// Reads `n,[a=user],`: refuses channel binding, and returns the user for whom the client acts.
///
/// *Source*: RFC 5801 section 4.
pub(super) fn read_header(header: &str) -> Result<Option<Box<str>>, Malformed> {
    let header = header
        .strip_prefix("n,")
        .or_else(|| header.strip_prefix("y,"));
    let user = header.and_then(|rest| rest.strip_suffix(','));
    match user.ok_or(Malformed)? {
        "" => Ok(None),
        user => {
            let user = user.strip_prefix("a=").ok_or(Malformed)?;
            Ok(Some(unescape(user)?.into()))
        }
    }
}

/// Writes a name, with `,` and `=` escaped.
///
/// *Source*: RFC 5802 section 5.1, `saslname`.
pub(super) fn escape(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

/// Reads a name in which `,` and `=` are escaped; it must not be empty.
pub(super) fn unescape(name: &str) -> Result<String, Malformed> {
    if name.is_empty() || name.contains([',', '\0']) {
        return Err(Malformed);
    }
    let mut pieces = name.split('=');
    let mut read = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = if let Some(rest) = piece.strip_prefix("2C") {
            read.push(',');
            rest
        } else {
            read.push('=');
            piece.strip_prefix("3D").ok_or(Malformed)?
        };
        read.push_str(rest);
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_has_three_parts_and_nobody_acts_as_another() {
        let claim = read_plain("\0tim\0tanstaaftanstaaf".as_bytes()).unwrap();
        let Claim::Password { user, password } = &claim else {
            panic!("{claim:?}");
        };
        assert_eq!((&**user, password.reveal()), ("tim", "tanstaaftanstaaf"));
        assert!(!format!("{claim:?}").contains("tanstaaf"));
        assert_eq!(read_plain(b"tim\0tim\0tanstaaftanstaaf"), Ok(claim));
        for message in [
            &b""[..],
            b"\0",
            b"tim",
            b"\0tim",
            b"\0tim\0",
            b"\0\0x",
            b"\0tim\0x\0",
            b"root\0tim\0x",
            b"\0\xff\0x",
        ] {
            assert_eq!(read_plain(message), Err(Malformed), "{message:?}");
        }
        let written = write_plain("tim", "x").unwrap();
        assert!(read_plain(written.as_bytes()).is_ok());
        assert_eq!(write_plain("t\0im", "x"), None);
    }

    /// The first is the example of RFC 7628 section 4.1.
    #[test]
    fn a_bearer_shows_a_token() {
        let read = |text: &str| match read_bearer(text.as_bytes()) {
            Ok(Claim::Token { user, token }) => Some((
                user.unwrap_or_default().to_string(),
                token.reveal().to_owned(),
            )),
            _ => None,
        };
        let example = "n,a=user@example.com,\u{1}host=server.example.com\u{1}port=143\u{1}\
                       auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\u{1}\u{1}";
        let (user, token) = read(example).unwrap();
        assert_eq!(user, "user@example.com");
        assert_eq!(token, "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
        let token = read("n,,\u{1}auth=bearer x\u{1}\u{1}");
        assert_eq!(token, Some((String::new(), "x".to_owned())));
        let written = write_bearer("a,b=c", "x");
        assert_eq!(read(&written), Some(("a,b=c".to_owned(), "x".to_owned())));
        for message in [
            "",
            "n,,",
            "n,,\u{1}auth=Bearer x",
            "n,,\u{1}auth=Bearer \u{1}\u{1}",
            "n,,\u{1}auth=Basic x\u{1}\u{1}",
            "n,,\u{1}\u{1}\u{1}",
            "p=x,,\u{1}auth=Bearer x\u{1}\u{1}",
            "n,b=x,\u{1}auth=Bearer x\u{1}\u{1}",
        ] {
            assert_eq!(read(message), None, "{message:?}");
        }
    }

    #[test]
    fn names_are_escaped() {
        for name in ["user", "a,b", "a=b", "=2C", "ä"] {
            assert_eq!(unescape(&escape(name)), Ok(name.to_owned()));
        }
        for name in ["", "a=b", "a=", "=2D", "a,b", "a\0"] {
            assert_eq!(unescape(name), Err(Malformed), "{name}");
        }
    }
}

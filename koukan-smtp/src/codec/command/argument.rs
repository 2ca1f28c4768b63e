//! The arguments of MAIL and RCPT: a path in angle brackets, then parameters.

use koukan_core::path::{Domain, Parameter, Parameters};

use super::CommandError;

/// A path and the text of the parameters behind it.
pub(super) struct PathArgument<'a> {
    /// What stands between `<` and `>`, without a source route.
    pub(super) path: &'a str,
    pub(super) parameters: &'a str,
}

/// Splits the argument of MAIL (`keyword` is `FROM:`) or RCPT (`TO:`).
///
/// Spaces between the colon and the path are tolerated: common clients put one there.
pub(super) fn split<'a>(
    argument: &'a str,
    keyword: &str,
) -> Result<PathArgument<'a>, CommandError> {
    let (head, rest) = argument
        .split_at_checked(keyword.len())
        .ok_or(CommandError::Argument)?;
    if !head.eq_ignore_ascii_case(keyword) {
        return Err(CommandError::Argument);
    }
    let inner = rest
        .trim_start_matches(' ')
        .strip_prefix('<')
        .ok_or(CommandError::Argument)?;
    let end = path_end(inner).ok_or(CommandError::Argument)?;
    let parameters = &inner[end + 1..];
    if !parameters.is_empty() && !parameters.starts_with(' ') {
        return Err(CommandError::Argument);
    }
    Ok(PathArgument {
        path: strip_source_route(&inner[..end])?,
        parameters,
    })
}

/// The position of the `>` that closes the path; a `>` inside a quoted local part does not close it.
fn path_end(inner: &str) -> Option<usize> {
    let first = memchr::memchr2(b'>', b'"', inner.as_bytes())?;
    if inner.as_bytes()[first] == b'>' {
        // The usual case: nothing before it is quoted.
        return Some(first);
    }
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, octet) in inner.bytes().enumerate() {
        match octet {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'>' if !is_quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Removes the source route, `@one,@two:`, from a path: a server must accept it and should ignore it.
///
/// *Source*: RFC 5321 section 4.1.1.3 and appendix C.
fn strip_source_route(path: &str) -> Result<&str, CommandError> {
    if !path.starts_with('@') {
        return Ok(path);
    }
    let (route, mailbox) = path.split_once(':').ok_or(CommandError::Argument)?;
    let is_hop = |hop: &str| {
        hop.strip_prefix('@')
            .is_some_and(|domain| Domain::check(domain).is_ok())
    };
    // The null reverse-path has no destination, so a route to it makes no sense.
    if route.split(',').all(is_hop) && !mailbox.is_empty() {
        Ok(mailbox)
    } else {
        Err(CommandError::Argument)
    }
}

/// Parses `*(SP esmtp-param)`; more than one space between two parameters is tolerated.
pub(super) fn parameters(text: &str) -> Result<Parameters, CommandError> {
    let mut parameters = Parameters::default();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let parameter = match word.split_once('=') {
            Some((keyword, value)) => Parameter::new(keyword, Some(value)),
            None => Parameter::new(word, None),
        };
        parameters.push(parameter?)?;
    }
    Ok(parameters)
}

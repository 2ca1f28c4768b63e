//! The grammar of `Mailbox`: RFC 5321 section 4.1.2, with the UTF-8 of RFC 6531 section 3.3.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest mailbox, in octets: a path has 256 with its `<` and `>` (RFC 5321 section
/// 4.5.3.1.3).
///
/// A local part may use all of that, beyond the 64 octets of section 4.5.3.1.1. Addresses made by
/// programs (SRS, VERP, confirmations of mailing lists) are longer, and section 4.5.3.1 recommends
/// avoiding limits.
const MAILBOX_MAX: usize = 254;
/// Octets in a domain at most: RFC 5321 section 4.5.3.1.2.
const DOMAIN_MAX: usize = 255;
/// Octets in a label at most: RFC 1035 section 2.3.4.
const LABEL_MAX: usize = 63;

/// Why a text is not a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMailbox {
    /// There is no `@` outside quotes.
    #[error("no @ between local part and domain")]
    NoAt,
    /// The local part breaks the grammar.
    #[error("malformed local part")]
    LocalPart,
    /// The mailbox has more than 254 octets.
    #[error("address too long: more than 254 octets")]
    TooLong,
    /// The domain or address literal breaks the grammar.
    #[error("malformed domain")]
    Domain,
    /// The domain has more than 255 octets, or a label more than 63.
    #[error("domain too long: more than 255 octets, or 63 between two dots")]
    DomainTooLong,
}

impl InvalidMailbox {
    /// Whether the text breaks a limit of length.
    pub fn is_too_long(self) -> bool {
        matches!(self, Self::TooLong | Self::DomainTooLong)
    }
}

/// Finds the `@` of a mailbox and checks both sides of it; returns its octet position.
pub(super) fn check_mailbox(text: &str) -> Result<usize, InvalidMailbox> {
    if text.len() > MAILBOX_MAX {
        return Err(InvalidMailbox::TooLong);
    }
    let at = local_part_end(text)?;
    check_domain(&text[at + 1..])?;
    Ok(at)
}

fn local_part_end(text: &str) -> Result<usize, InvalidMailbox> {
    if text.starts_with('"') {
        return quoted_string_end(text);
    }
    let at = text.find('@').ok_or(InvalidMailbox::NoAt)?;
    let is_dot_string = text[..at]
        .split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(is_atext));
    if is_dot_string {
        Ok(at)
    } else {
        Err(InvalidMailbox::LocalPart)
    }
}

/// `Quoted-string = DQUOTE *QcontentSMTP DQUOTE`, then `@`.
fn quoted_string_end(text: &str) -> Result<usize, InvalidMailbox> {
    let mut is_escaped = false;
    for (position, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => {
                if !(' '..='~').contains(&c) {
                    return Err(InvalidMailbox::LocalPart);
                }
                is_escaped = false;
            }
            '\\' => is_escaped = true,
            '"' => {
                let rest = &text[position + 1..];
                return match rest.chars().next() {
                    Some('@') => Ok(position + 1),
                    None => Err(InvalidMailbox::NoAt),
                    Some(_) => Err(InvalidMailbox::LocalPart),
                };
            }
            ' '..='~' => {}
            _ if !c.is_ascii() && !c.is_control() => {}
            _ => return Err(InvalidMailbox::LocalPart),
        }
    }
    Err(InvalidMailbox::LocalPart)
}

/// `atext` of RFC 5322 section 3.2.3 and RFC 6532 section 3.2.
fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~".contains(c)
        || (!c.is_ascii() && !c.is_control() && !c.is_whitespace())
}

/// Checks a `Domain` or `address-literal`.
pub(super) fn check_domain(domain: &str) -> Result<(), InvalidMailbox> {
    if domain.len() > DOMAIN_MAX {
        return Err(InvalidMailbox::DomainTooLong);
    }
    if let Some(literal) = domain.strip_prefix('[') {
        let inner = literal.strip_suffix(']').ok_or(InvalidMailbox::Domain)?;
        return check_literal(inner);
    }
    if domain.is_empty() {
        return Err(InvalidMailbox::Domain);
    }
    domain.split('.').try_for_each(check_label)
}

fn check_label(label: &str) -> Result<(), InvalidMailbox> {
    if label.len() > LABEL_MAX {
        return Err(InvalidMailbox::DomainTooLong);
    }
    let is_let_dig = |c: char| {
        c.is_ascii_alphanumeric() || (!c.is_ascii() && !c.is_control() && !c.is_whitespace())
    };
    // Host names have no underscores, but real mail domains do.
    let is_fine = !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| is_let_dig(c) || c == '-' || c == '_');
    if is_fine {
        Ok(())
    } else {
        Err(InvalidMailbox::Domain)
    }
}

fn check_literal(inner: &str) -> Result<(), InvalidMailbox> {
    let is_general = |tag: &str, content: &str| {
        !tag.is_empty()
            && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !content.is_empty()
            && content.chars().all(|c| matches!(c, '!'..='Z' | '^'..='~'))
    };
    let is_fine = match inner.split_once(':') {
        Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6") => {
            address.parse::<Ipv6Addr>().is_ok()
        }
        Some((tag, content)) => is_general(tag, content),
        None => inner.parse::<Ipv4Addr>().is_ok(),
    };
    if is_fine {
        Ok(())
    } else {
        Err(InvalidMailbox::Domain)
    }
}

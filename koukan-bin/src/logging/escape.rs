//! Texts of others in log lines.

use std::{
    borrow::Cow,
    fmt::{self, Write},
};

/// Writes a value as it stands behind its name: quoted, with escapes, where that is needed to see
/// where it ends and what is in it.
pub(super) fn write_value(to: &mut impl Write, text: &str) -> fmt::Result {
    // Most values.
    let is_simple =
        |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'"' | b'=' | b'{' | b'}');
    if !text.is_empty() && text.bytes().all(is_simple) {
        return to.write_str(text);
    }
    if is_quoted(text) && text.chars().all(is_shown) {
        return to.write_str(text);
    }
    let is_plain = |c: char| is_shown(c) && !matches!(c, ' ' | '"' | '=' | '{' | '}');
    if !text.is_empty() && text.chars().all(is_plain) {
        return to.write_str(text);
    }
    let needs_no_escape = |octet: u8| {
        let is_shown = octet == b' ' || octet.is_ascii_graphic();
        is_shown && !matches!(octet, b'"' | b'\\')
    };
    if text.bytes().all(needs_no_escape) {
        to.write_char('"')?;
        to.write_str(text)?;
        return to.write_char('"');
    }
    write!(to, "{text:?}")
}

/// A text that stands for itself: as it is, but for what does not show.
pub(super) fn message(text: &str) -> Cow<'_, str> {
    let is_plain = |octet: u8| octet == b' ' || octet.is_ascii_graphic();
    if text.bytes().all(is_plain) || text.chars().all(is_shown) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_shown(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_debug());
        }
    }
    shown.into()
}

/// Whether a character shows as itself.
pub(super) fn is_shown(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    // Decided by the standard library's tables: control and format characters, separators and
    // those without a meaning are escaped. Marks that combine with what is before them are escaped
    // only where there is nothing before them.
    let mut octets = [b'x'; 5];
    let len = c.encode_utf8(&mut octets[1..]).len();
    let text = str::from_utf8(&octets[..=len]).unwrap_or_default();
    text.escape_debug().nth(1) == Some(c)
}

/// Whether it is a text in quotes already, with escapes.
fn is_quoted(text: &str) -> bool {
    let Some(inner) = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
    else {
        return false;
    };
    let mut is_escaped = false;
    for c in inner.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return false,
            _ => {}
        }
    }
    !is_escaped
}

//! Texts of others in log lines.

/// Looks at a value that was written to the line from `start` on, behind its name: puts it in quotes,
/// with escapes, where that is needed to see where it ends and what is in it.
pub(super) fn settle_value(line: &mut String, start: usize) {
    let text = &line[start..];
    let is_simple =
        |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'"' | b'=' | b'{' | b'}');
    // Most values. Without a way out, many octets are looked at at a time.
    if !text.is_empty() && text.bytes().fold(true, |is, octet| is & is_simple(octet)) {
        return;
    }
    if is_quoted(text) && text.chars().all(is_shown) {
        return;
    }
    let is_plain = |c: char| is_shown(c) && !matches!(c, ' ' | '"' | '=' | '{' | '}');
    if !text.is_empty() && text.chars().all(is_plain) {
        return;
    }
    let needs_no_escape = |octet: u8| {
        let is_shown = octet == b' ' || octet.is_ascii_graphic();
        is_shown && !matches!(octet, b'"' | b'\\')
    };
    if text.bytes().all(needs_no_escape) {
        line.insert(start, '"');
        line.push('"');
        return;
    }
    let quoted = format!("{text:?}");
    line.truncate(start);
    line.push_str(&quoted);
}

/// Looks at a text that was written to the line from `start` on and stands for itself: what does not
/// show is escaped.
pub(super) fn settle_message(line: &mut String, start: usize) {
    let text = &line[start..];
    let is_plain = |octet: u8| octet == b' ' || octet.is_ascii_graphic();
    if text.bytes().fold(true, |is, octet| is & is_plain(octet)) || text.chars().all(is_shown) {
        return;
    }
    let text = line.split_off(start);
    for c in text.chars() {
        if is_shown(c) {
            line.push(c);
        } else {
            line.extend(c.escape_debug());
        }
    }
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

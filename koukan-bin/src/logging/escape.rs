//! Makes foreign text safe in log lines.

/// Checks a value that was written to the line from `start` on, behind its name. Puts it in quotes,
/// with escapes, if that is needed to see its end and its content.
pub(super) fn settle_value(line: &mut String, start: usize) {
    let text = &line[start..];
    let is_simple =
        |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'"' | b'=' | b'{' | b'}');
    // Most values need nothing. The loop has no early exit, so that many octets are checked at a time.
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

/// Checks a text that was written to the line from `start` on and has no name: escapes invisible characters.
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

/// Whether a character is visible as itself.
pub(super) fn is_shown(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    // The standard library's tables decide: control and format characters, separators and unassigned characters
    // are escaped. Combining marks are only escaped if no character comes before them.
    let mut octets = [b'x'; 5];
    let len = c.encode_utf8(&mut octets[1..]).len();
    let text = str::from_utf8(&octets[..=len]).unwrap_or_default();
    text.escape_debug().nth(1) == Some(c)
}

/// Whether it is already a text in quotes, with escapes.
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

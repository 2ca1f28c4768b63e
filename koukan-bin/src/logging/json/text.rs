//! Text in JSON, safe to be shown on a terminal.

use std::fmt::Write;

use crate::logging::escape::is_shown;

/// Adds what `put` writes as a JSON string, RFC 8259 section 7. All invisible characters are
/// escaped; JSON itself only demands that for control characters below a space.
pub(super) fn put(line: &mut String, put: impl FnOnce(&mut String)) {
    line.push('"');
    let start = line.len();
    put(line);
    escape(line, start);
    line.push('"');
}

/// Escapes what was written from `start` on.
fn escape(line: &mut String, start: usize) {
    let is_plain = |octet: u8| {
        let is_shown = octet == b' ' || octet.is_ascii_graphic();
        is_shown & !matches!(octet, b'"' | b'\\')
    };
    // Most texts need nothing. The loop has no early exit, so that many octets are checked at a time.
    let text = line[start..].bytes();
    if { text }.fold(true, |is, octet| is & is_plain(octet)) {
        return;
    }
    let text = line.split_off(start);
    for c in text.chars() {
        match c {
            '"' | '\\' => line.extend(['\\', c]),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            c if is_shown(c) => line.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(line, "\\u{unit:04x}");
                }
            }
        }
    }
}

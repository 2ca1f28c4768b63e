//! The header field.

const NAME: &[u8] = b"tls-required";

/// Whether a header section has the field, and each of them has the value `No`.
///
/// *Source*: RFC 8689 section 5.
pub(super) fn waives(header: &[u8]) -> bool {
    let mut lines = header.split(|octet| *octet == b'\n').peekable();
    let mut is_found = false;
    while let Some(line) = lines.next() {
        let Some(value) = value(line) else {
            continue;
        };
        let mut text = value.to_vec();
        let is_folded = |line: &&[u8]| matches!(line.first(), Some(b' ' | b'\t'));
        while let Some(more) = lines.next_if(is_folded) {
            text.extend_from_slice(more);
        }
        let end = text.iter().position(|octet| *octet == b'(');
        let word = text[..end.unwrap_or(text.len())].trim_ascii();
        if !word.eq_ignore_ascii_case(b"no") {
            return false;
        }
        is_found = true;
    }
    is_found
}

/// The rest of a line after the field's name.
fn value(line: &[u8]) -> Option<&[u8]> {
    let (name, rest) = line.split_at_checked(NAME.len())?;
    let rest = rest.trim_ascii_start().strip_prefix(b":")?;
    name.eq_ignore_ascii_case(NAME).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_counts_where_it_says_no_and_nothing_else() {
        for (header, expected) in [
            ("TLS-Required: No\r\n\r\n", true),
            ("a: b\r\ntls-required :\r\n no (whatever)\r\n\r\n", true),
            ("TLS-Required: no\nTLS-Required: No\n\n", true),
            ("TLS-Required: No\r\nTLS-Required: Yes\r\n\r\n", false),
            ("TLS-Required: Yes\r\n\r\n", false),
            ("TLS-Required:\r\n\r\n", false),
            ("TLS-Required-By: No\r\n\r\n", false),
            ("Subject: x\r\n TLS-Required: No\r\n\r\n", false),
            ("", false),
        ] {
            assert_eq!(waives(header.as_bytes()), expected, "{header:?}");
        }
    }
}

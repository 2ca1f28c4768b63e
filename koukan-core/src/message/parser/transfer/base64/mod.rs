//! Base64: RFC 2045 section 6.8, and common deviations.
//!
//! The output of correct encoders is decoded in one pass. If there is anything else, each line is
//! judged separately: characters foreign to base64 are left out, but lines of text before or after
//! the encoded text are recognized and kept.

mod around;
mod group;
mod line;

use self::{
    around::Found,
    group::{Group, value},
    line::{Kind, judge},
};

/// Decodes all of a base64 text; characters outside the alphabet are left out.
pub(in super::super) fn decode(text: &[u8]) -> Vec<u8> {
    let mut group = Group::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = &rest[group.add_groups(rest)..];
        let Some((octet, tail)) = rest.split_first() else {
            return group.finish();
        };
        match value(*octet) {
            Some(value) => group.add(value),
            None if *octet == b'=' => drop(group.pad()),
            None => {}
        }
        rest = tail;
    }
}

/// Decodes lines of base64, and finds the text around them; `None` if there is no base64.
pub(super) fn decode_lines(text: &[u8]) -> Option<Found> {
    match clean(text) {
        Some(octets) => (!octets.is_empty()).then(|| Found {
            octets,
            to: text.len(),
            ..Found::default()
        }),
        None => url_safe(text).or_else(|| around::decode(text)),
    }
}

/// Decodes text that only uses base64 with the two alternative characters of RFC 4648 section 5.
fn url_safe(text: &[u8]) -> Option<Found> {
    let has = |these: [u8; 2]| memchr::memchr2(these[0], these[1], text).is_some();
    let first = text
        .trim_ascii_start()
        .split(|octet| *octet == b'\n')
        .next()?;
    let is_text = matches!(judge(first).kind, Kind::Prose | Kind::Marks | Kind::Blank);
    if !has([b'-', b'_']) || has([b'+', b'/']) || is_text {
        return None;
    }
    let octets = text.iter().map(|octet| match octet {
        b'-' => b'+',
        b'_' => b'/',
        octet => *octet,
    });
    let octets = clean(&octets.collect::<Vec<_>>())?;
    Some(Found {
        octets,
        to: text.len(),
        ..Found::default()
    })
}

/// Decodes text that is base64 from its first line to its last, as encoders write it.
fn clean(text: &[u8]) -> Option<Vec<u8>> {
    let mut group = Group::with_capacity(text.len());
    // A blank within a line, or an empty line, may separate base64 from text.
    let (mut has_text, mut is_apart) = (false, false);
    let mut position = 0;
    loop {
        if !is_apart {
            let added = group.add_groups(&text[position..]);
            has_text |= added > 0;
            position += added;
        }
        let Some(octet) = text.get(position).copied() else {
            return (group.pending() == 0).then_some(group.decoded);
        };
        position += 1;
        match value(octet) {
            Some(value) if !is_apart => {
                has_text = true;
                group.add(value);
            }
            None if octet == b'\n' => {
                is_apart = !has_text && !group.is_new();
                has_text = false;
            }
            None if octet.is_ascii_whitespace() => is_apart |= has_text,
            None if octet == b'=' => {
                let mut rest = text[position..].iter();
                let is_end = |octet: &u8| *octet == b'=' || octet.is_ascii_whitespace();
                return (group.pad() && rest.all(is_end)).then_some(group.decoded);
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_as_far_as_it_goes() {
        for (text, expected) in [
            ("", ""),
            ("aGk=", "hi"),
            ("aGk", "hi"),
            ("aG\r\nk=\r\n", "hi"),
            ("aGk=aGk=", "hihi"),
            ("aGlo", "hih"),
            ("a", ""),
            ("=", ""),
            ("aA==", "h"),
            ("\r\n\r\naGlo\r\naGk=\r\n\r\n", "hihhi"),
            ("aGlo\r\n\r\naGlo\r\n", "hihhih"),
        ] {
            let lines = decode_lines(text.as_bytes()).unwrap_or_default();
            assert_eq!(decode(text.as_bytes()), expected.as_bytes(), "{text}");
            assert_eq!(lines.octets, expected.as_bytes(), "{text}");
        }
        assert_eq!(decode(b"a!G-k"), b"hi");
        let found = decode_lines("w7vDv8O-Pz8-Pn5-\r\n".as_bytes()).unwrap();
        assert_eq!(found.octets, "ûÿþ??>>~~".as_bytes());
        for text in ["--------", "____", "well-known-x", "-_-_\r\naGlo"] {
            assert_eq!(url_safe(text.as_bytes()), None, "{text}");
        }
    }
}

//! Encoded words: RFC 2047.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::field::Field;

/// The maximum length of an encoded word, in octets: RFC 2047 section 2.
const WORD: usize = 75;
/// The maximum length of a line with an encoded word, in octets.
const LINE: usize = 76;
/// The octets of `=?utf-8?Q?` and `?=`.
const FRAME: usize = 12;
/// The octets that the longest encoded character takes.
const CHARACTER: usize = 12;

/// Adds a text as encoded words, each with whole characters.
pub(super) fn add(field: &mut Field, text: &str) {
    add_within(field, "", text, "");
}

/// Adds a text as encoded words, with a prefix before the first one and a suffix after the last
/// one.
pub(super) fn add_within(field: &mut Field, before: &str, text: &str, after: &str) {
    let in_q: usize = text.chars().map(q_len).sum();
    let is_q = in_q <= text.len().div_ceil(3) * 4;
    let frame = FRAME + before.len() + after.len();
    let mut before = before;
    let mut rest = text;
    while !rest.is_empty() {
        let mut room = field.room(LINE).min(WORD);
        if room < frame + CHARACTER {
            field.fold();
            room = WORD;
        }
        let (word, tail) = rest.split_at(fitting(rest, room - frame, is_q));
        rest = tail;
        let encoded = if is_q {
            let text: String = word.chars().map(q).collect();
            format!("=?utf-8?Q?{text}?=")
        } else {
            format!("=?utf-8?B?{}?=", STANDARD.encode(word))
        };
        let after = if rest.is_empty() { after } else { "" };
        field.word(&format!("{before}{encoded}{after}"));
        before = "";
    }
}

/// The length in octets of the longest beginning whose encoding fits.
fn fitting(text: &str, room: usize, is_q: bool) -> usize {
    let (mut octets, mut q_octets) = (0, 0);
    for c in text.chars() {
        q_octets += q_len(c);
        let encoded = match is_q {
            true => q_octets,
            false => (octets + c.len_utf8()).div_ceil(3) * 4,
        };
        if encoded > room {
            break;
        }
        octets += c.len_utf8();
    }
    octets
}

/// Whether a character may appear unencoded in a display name: RFC 2047 section 5.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!*+-/".contains(c)
}

fn q_len(c: char) -> usize {
    if is_plain(c) || c == ' ' {
        1
    } else {
        c.len_utf8() * 3
    }
}

fn q(c: char) -> String {
    if is_plain(c) {
        return c.into();
    }
    if c == ' ' {
        return "_".into();
    }
    let mut octets = [0; 4];
    let octets = c.encode_utf8(&mut octets).bytes();
    octets.map(|octet| format!("={octet:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> String {
        let mut field = Field::new("subject");
        add(&mut field, text);
        field.finish()
    }

    #[test]
    fn the_shorter_encoding_is_taken() {
        assert_eq!(
            field("der grüne Wald _"),
            "Subject: =?utf-8?Q?der_gr=C3=BCne_Wald_=5F?=\r\n"
        );
        assert_eq!(field("日本"), "Subject: =?utf-8?B?5pel5pys?=\r\n");
    }

    #[test]
    fn words_are_short_and_of_whole_characters() {
        for text in [
            "ü".repeat(99),
            "日本語".repeat(99),
            "🙂".repeat(99),
            "a🙂".repeat(99),
        ] {
            let field = field(&text);
            for line in field.lines() {
                assert!(line.len() <= LINE, "{line}");
                assert!(line.ends_with("?="), "{line}");
            }
            let value = mail_parser::MessageParser::default();
            let message = value.parse(field.as_bytes()).unwrap();
            assert_eq!(message.subject(), Some(&*text));
        }
    }
}

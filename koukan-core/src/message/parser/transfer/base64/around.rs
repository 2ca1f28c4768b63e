//! Base64 with other text around or within it.

use memchr::memchr;

use super::{
    group::{Group, value},
    line::{Kind, LONG, judge},
};

/// The result of decoding.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Found {
    pub(in super::super) octets: Vec<u8>,
    /// Where the encoded text begins; before it is plain text.
    pub(in super::super) from: usize,
    /// Where it ends; after it is plain text.
    pub(in super::super) to: usize,
    /// Lines of plain text within it.
    pub(in super::super) aside: Vec<u8>,
}

/// The minimum number of characters in a line that continues after padding, if it may be plain
/// text.
const NEXT: usize = 8;
/// The maximum length, in octets, of the rest of a line that may be text after base64.
const REST: usize = 1000;
/// How many of these octets are judged, since a line may have many rests; whole groups of four.
const BEGINNING: usize = 100;

/// Decodes the lines that are base64; `None` if there are none.
///
/// | line | before the first that is base64 | after padding | elsewhere |
/// |---|---|---|---|
/// | surely base64 | begins it | goes on | goes on |
/// | may be base64 | begins it, beside one that is | goes on, if it is next and groups of four | goes on |
/// | a word | is text | ends it | ends it, if no group is open and none is sure to follow |
/// | damaged | is text | ends it | the same, and its foreign characters are left out |
/// | text | is text | ends it | ends it, or is put aside if more is sure to follow |
/// | marks | are text | end it | the same, and they are left out |
pub(super) fn decode(text: &[u8]) -> Option<Found> {
    let (from, last) = bounds(text)?;
    let mut group = Group::with_capacity(text.len() - from);
    let mut found = Found {
        from,
        to: from,
        ..Found::default()
    };
    let (mut was_padded, mut was_blank) = (false, false);
    for (start, line) in lines(text, from) {
        let goes_on = last.is_some_and(|last| last > start);
        let judged = judge(line);
        let is_group = group.pending() > 0
            && (judged.is_padded || (group.pending() + judged.count).is_multiple_of(4));
        match judged.kind {
            Kind::Sure => {}
            Kind::Blank => {
                was_blank = true;
                continue;
            }
            Kind::Maybe
                if was_padded
                    && !was_blank
                    && judged.count >= NEXT
                    && judged.count.is_multiple_of(4) => {}
            _ if was_padded => break,
            Kind::Maybe => {}
            Kind::Word | Kind::Damaged if goes_on || is_group => {}
            Kind::Marks if goes_on || group.pending() > 0 => continue,
            Kind::Prose if goes_on => {
                found.aside.extend_from_slice(line);
                continue;
            }
            Kind::Word | Kind::Damaged | Kind::Marks | Kind::Prose => break,
        }
        let end;
        (end, was_padded) = add(&mut group, line, goes_on);
        was_blank = false;
        found.to = start + end;
        if end < line.len() {
            break;
        }
    }
    found.octets = group.finish();
    (!found.octets.is_empty()).then_some(found)
}

/// The start of the first base64 line, and of the last line that is surely base64, if there is one.
/// Lines that may be base64 count if they precede one that surely is.
fn bounds(text: &[u8]) -> Option<(usize, Option<usize>)> {
    let (mut first, mut last) = (None, None);
    // The start of the preceding lines that may be base64.
    let mut run = None;
    for (start, line) in lines(text, 0) {
        let judged = judge(line);
        match judged.kind {
            Kind::Sure => {
                first.get_or_insert(run.unwrap_or(start));
                last = Some(start);
            }
            Kind::Maybe if judged.count >= LONG || judged.count.is_multiple_of(4) => {
                run.get_or_insert(start);
            }
            Kind::Blank => {}
            _ => run = None,
        }
    }
    let first = first.or_else(|| first_of_unsure(text))?;
    Some((first, last))
}

/// If no line is surely base64, lines that may be must come first and be in groups of four.
fn first_of_unsure(text: &[u8]) -> Option<usize> {
    let mut first = None;
    let (mut count, mut is_padded, mut is_all) = (0, false, true);
    for (start, line) in lines(text, 0) {
        let judged = judge(line);
        match judged.kind {
            Kind::Blank => {}
            Kind::Maybe => {
                first.get_or_insert(start);
                count += judged.count;
                is_padded |= judged.is_padded;
            }
            _ if first.is_none() => return None,
            Kind::Marks => is_all = false,
            _ => {
                is_all = false;
                break;
            }
        }
    }
    let is_cut = is_all && (count % 4 > 1 || count > NEXT);
    first.filter(|_| is_padded || count.is_multiple_of(4) || is_cut)
}

/// Adds the characters of a line. Returns the start of the text after them, or the end of the line,
/// and whether they end with padding. `goes_on` says that more base64 follows the line.
fn add(group: &mut Group, line: &[u8], goes_on: bool) -> (usize, bool) {
    let mut position = 0;
    let mut was_padded = false;
    while let Some(octet) = line.get(position).copied() {
        position += 1;
        match value(octet) {
            Some(value) => {
                group.add(value);
                was_padded = false;
            }
            None if octet == b'=' && group.pad() => {
                was_padded = true;
                let rest = &line[position..];
                let is_padding = |octet: &&u8| **octet == b'=' || octet.is_ascii_whitespace();
                position += rest.iter().take_while(is_padding).count();
                match judge(beginning(&line[position..])).kind {
                    Kind::Sure | Kind::Blank => {}
                    Kind::Marks if goes_on => {}
                    _ => return (position, was_padded),
                }
            }
            None if octet == b' '
                && !goes_on
                && position > 1
                && group.pending() == 0
                && line.len() - position < REST =>
            {
                let kind = judge(beginning(&line[position..])).kind;
                if matches!(kind, Kind::Word | Kind::Prose) {
                    return (position, was_padded);
                }
            }
            None => {}
        }
    }
    (line.len(), was_padded)
}

fn beginning(rest: &[u8]) -> &[u8] {
    &rest[..rest.len().min(BEGINNING)]
}

/// Lines with their ends, and the start of each.
fn lines(text: &[u8], from: usize) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = from;
    std::iter::from_fn(move || {
        let rest = &text[start..];
        let length = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let line = (start, &rest[..length]);
        start += length;
        (length > 0).then_some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "aGhoaGhoaGhoaGhoaGho";

    /// The text before, the decoded octets, the text within, the text after.
    fn decoded(text: &str) -> Option<(&str, String, String, &str)> {
        let found = decode(text.as_bytes())?;
        let [octets, aside] =
            [found.octets, found.aside].map(|octets| String::from_utf8(octets).unwrap());
        let rest = text[found.to..].trim_matches(['\r', '\n']);
        Some((text[..found.from].trim_end(), octets, aside, rest))
    }

    #[test]
    fn what_is_around_base64_is_not_decoded() {
        let long = "h".repeat(15);
        for (text, before, expected, aside, after) in [
            ("aGk= footer", "", "hi", "", "footer"),
            ("aGk=\r\nRegards\r\n", "", "hi", "", "Regards"),
            (
                "aGk=\r\n\r\n-- \r\nfooter\r\n",
                "",
                "hi",
                "",
                "-- \r\nfooter",
            ),
            ("aGlo\r\n_____\r\nfooter", "", "hih", "", "_____\r\nfooter"),
            ("aGlo\r\nsee https://x", "", "hih", "", "see https://x"),
            // Lines that were encoded separately.
            ("aGk=\r\n\r\naGk=\r\nbye", "", "hihi", "", "bye"),
            ("aGk=aGk=", "", "hihi", "", ""),
            // Marks after padding, and marks that end it.
            ("aGk=--\r\naGk= ____\r\nbye", "", "hihi", "", "____\r\nbye"),
            ("aGk= \u{2013}\u{2013}", "", "hi", "", "\u{2013}\u{2013}"),
            ("aGk=\r\n\0\r\naGk=\r\nbye", "", "hihi", "", "bye"),
            // A footer after text without padding.
            (&format!("{LINE}\r\nRegards\r\n"), "", &long, "", "Regards"),
            (
                &format!("{LINE}\r\n\r\ngoodbyes\r\n"),
                "",
                &long,
                "",
                "goodbyes",
            ),
            (
                &format!("{LINE}\r\nCheers,\r\nJoeSmith\r\n"),
                "",
                &long,
                "",
                "Cheers,\r\nJoeSmith",
            ),
            (
                &format!("{LINE}\r\naGlo footer\r\n"),
                "",
                &(long.clone() + "hih"),
                "",
                "footer",
            ),
            // A header.
            (
                &format!("[Ext mail]\r\n\r\n{LINE}"),
                "[Ext mail]",
                &long,
                "",
                "",
            ),
            (&format!("Hi\r\n\r\n{LINE}"), "Hi", &long, "", ""),
            (&format!("EXTERNAL\r\n{LINE}"), "EXTERNAL", &long, "", ""),
            (
                &format!("<p>ext</p>\r\n{LINE}"),
                "<p>ext</p>",
                &long,
                "",
                "",
            ),
            ("Beware!\r\naGk=\r\nbye", "Beware!", "hi", "", "bye"),
            // A line of text within.
            (
                &format!("{LINE}\r\nnow a word\r\n{LINE}\r\n"),
                "",
                &long.repeat(2),
                "now a word\r\n",
                "",
            ),
        ] {
            let expected = (before, expected.to_owned(), aside.to_owned(), after);
            assert_eq!(decoded(text), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn foreign_characters_are_left_out() {
        let long = "h".repeat(15);
        let two = long.repeat(2);
        for (text, expected) in [
            (format!("{LINE}\r\naG!k=\r\n"), format!("{long}hi")),
            (format!("{LINE}\r\naGk!=\r\n"), format!("{long}hi")),
            (format!("{LINE}\0\r\n{LINE}\0\r\n"), two.clone()),
            (
                format!("> {LINE}\r\n> {LINE}\r\n> aGk=\r\n"),
                format!("{two}hi"),
            ),
            ("aGk=\0\r\naGk=\0\r\n".into(), "hihi".into()),
            ("aGk= \0\0aGk=\u{a0}\r\n".into(), "hihi".into()),
            (format!("{LINE}\u{a0}\r\n{LINE}\u{a0}\r\n"), two.clone()),
            (format!("{LINE}-{LINE}\r\n"), two.clone()),
            (format!("{LINE}\r\n?? ??\r\n{LINE}\r\n"), two.clone()),
            (format!("{LINE}.\r\n{LINE}\r\n"), two),
            // A group that continues on the next line.
            ("aG\r\n ?? \r\nlo\r\n".into(), "hih".into()),
            ("aGVs bG8g d29y bGQh\r\n".into(), "hello world!".into()),
            ("aGVsbG8g=\r\nd29ybGQh\r\n".into(), "hello world!".into()),
            ("aGVsbG8=\r\nd29ybGQh\r\n".into(), "helloworld!".into()),
            ("aGVsbG8gd29ybGQhI\r\n".into(), "hello world!".into()),
            (format!("> {LINE}\r\n> aGlo\r\n"), format!("{long}hih")),
            ("aGk".into(), "hi".into()),
            ("aGk====".into(), "hi".into()),
        ] {
            let (before, octets, _, after) = decoded(&text).unwrap();
            assert_eq!((before, &*octets, after), ("", &*expected, ""), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_base64_is_none() {
        for text in [
            "...",
            "a",
            "Hello, this isn't base64.\r\nSecond line.\r\n",
            "Hello Joe how are you\r\n",
            "Hello\r\n",
            "Hi\r\nthis is text.\r\n",
            "Hi!\r\n",
            "unsubscribe\r\n",
            "data:text/plain;base64,aGVsbG8gd29ybGQh\r\n",
        ] {
            assert_eq!(decode(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_long_is_read_in_one_pass() {
        for text in [
            "aGlo ".repeat(50_000),
            "aGk=aGlo=".repeat(50_000),
            "!\n".repeat(100_000),
            "aGk= ".repeat(50_000),
            "aGk=aGlo=aG=".repeat(50_000),
            "aGk=!".repeat(50_000),
            format!("{}aGk\n", "aGlo ".repeat(190)).repeat(300),
        ] {
            let length = decode(text.as_bytes()).map_or(0, |found| found.octets.len());
            assert!(length <= text.len(), "{}", &text[..9]);
        }
    }
}

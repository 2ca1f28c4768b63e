//! Base64 that has something around it, or in it.

use memchr::memchr;

use super::{
    group::{Group, value},
    line::{Judged, Kind, LONG, judge},
};

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Found {
    pub(in super::super) octets: Vec<u8>,
    /// Where the encoded text begins: what stands before it is text.
    pub(in super::super) from: usize,
    /// Where it ends: what follows is text.
    pub(in super::super) to: usize,
    /// Lines of text that were in it.
    pub(in super::super) aside: Vec<u8>,
}

/// Characters of a line that goes on after padding, at least, where it may be something else.
const NEXT: usize = 8;

struct Line {
    start: usize,
    end: usize,
    judged: Judged,
}

impl Line {
    fn kind(&self) -> Kind {
        self.judged.kind
    }
}

/// Decodes the lines that are base64; nothing where there are none.
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
    let lines = lines(text);
    let last = lines.iter().rposition(|line| line.kind() == Kind::Sure);
    let first = first(&lines)?;
    let from = lines[first].start;
    let mut group = Group::with_capacity(text.len() - from);
    let mut found = Found {
        from,
        to: from,
        ..Found::default()
    };
    let (mut was_padded, mut was_blank) = (false, false);
    for (index, line) in lines.iter().enumerate().skip(first) {
        let goes_on = last.is_some_and(|last| last > index);
        let is_group = group.pending() > 0
            && (line.judged.is_padded || (group.pending() + line.judged.count).is_multiple_of(4));
        match line.kind() {
            Kind::Sure => {}
            Kind::Blank => {
                was_blank = true;
                continue;
            }
            Kind::Maybe
                if was_padded
                    && !was_blank
                    && line.judged.count >= NEXT
                    && line.judged.count.is_multiple_of(4) => {}
            _ if was_padded => break,
            Kind::Maybe => {}
            Kind::Word | Kind::Damaged if goes_on || is_group => {}
            Kind::Marks if goes_on || group.pending() > 0 => continue,
            Kind::Prose if goes_on => {
                found.aside.extend_from_slice(&text[line.start..line.end]);
                continue;
            }
            Kind::Word | Kind::Damaged | Kind::Marks | Kind::Prose => break,
        }
        let end;
        (end, was_padded) = add(&mut group, &text[line.start..line.end], goes_on);
        was_blank = false;
        found.to = line.start + end;
        if found.to < line.end {
            break;
        }
    }
    found.octets = group.finish();
    (!found.octets.is_empty()).then_some(found)
}

/// Which line is the first that is base64. Lines that may be are, before one that surely is; where
/// none is, they must be the first, and groups of four.
fn first(lines: &[Line]) -> Option<usize> {
    let is_maybe = |line: &Line| line.kind() == Kind::Maybe;
    let Some(sure) = lines.iter().position(|line| line.kind() == Kind::Sure) else {
        let first = lines.iter().position(|line| line.kind() != Kind::Blank)?;
        let ours = lines[first..]
            .iter()
            .filter(|line| !matches!(line.kind(), Kind::Blank | Kind::Marks));
        let ours: Vec<_> = ours.take_while(|line| is_maybe(line)).collect();
        let count: usize = ours.iter().map(|line| line.judged.count).sum();
        let is_padded = ours.iter().any(|line| line.judged.is_padded);
        let is_all = lines[first..]
            .iter()
            .all(|line| matches!(line.kind(), Kind::Maybe | Kind::Blank));
        let is_base64 =
            is_padded || count.is_multiple_of(4) || is_all && (count % 4 > 1 || count > NEXT);
        return (is_maybe(&lines[first]) && is_base64).then_some(first);
    };
    let mut first = sure;
    for (index, line) in lines[..sure].iter().enumerate().rev() {
        match line.kind() {
            Kind::Maybe if line.judged.count >= LONG || line.judged.count.is_multiple_of(4) => {
                first = index;
            }
            Kind::Blank => {}
            _ => break,
        }
    }
    Some(first)
}

/// Adds the characters of a line. Returns where the text behind them begins, or the end of the line;
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
                let rest = &line[position..];
                if !rest.is_empty() && judge(rest).kind != Kind::Sure {
                    return (position, was_padded);
                }
            }
            None if octet == b' ' && !goes_on && group.pending() == 0 => {
                let is_text = matches!(judge(&line[position..]).kind, Kind::Word | Kind::Prose);
                if is_text && position > 1 {
                    return (position, was_padded);
                }
            }
            None => {}
        }
    }
    (line.len(), was_padded)
}

fn lines(text: &[u8]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let rest = &text[start..];
        let end = start + memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let judged = judge(&text[start..end]);
        lines.push(Line { start, end, judged });
        start = end;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "aGhoaGhoaGhoaGhoaGho";

    /// What comes before, what is decoded, what was put aside, what follows.
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
            // Lines that were encoded one by one.
            ("aGk=\r\n\r\naGk=\r\nbye", "", "hihi", "", "bye"),
            ("aGk=aGk=", "", "hihi", "", ""),
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
            (format!("{LINE}\u{a0}\r\n{LINE}\u{a0}\r\n"), two.clone()),
            (format!("{LINE}-{LINE}\r\n"), two.clone()),
            (format!("{LINE}\r\n?? ??\r\n{LINE}\r\n"), two.clone()),
            (format!("{LINE}.\r\n{LINE}\r\n"), two),
            // A group that goes on in the next line.
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
}

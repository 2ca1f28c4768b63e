//! Classifies a single line: base64, or text around it.

use memchr::memchr;

use super::group::value;

/// The minimum length of a line that is taken for base64 although nothing ends with padding.
pub(super) const LONG: usize = 20;
/// The maximum length of a word that is taken for text although it could be base64.
const WORD: usize = 5;
/// The maximum number of letters in a word.
const LONG_WORD: usize = 24;
/// One in this many characters may be foreign.
const FOREIGN: usize = 10;

/// The kind of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Hardly anything but base64: whole groups of four.
    Sure,
    /// It may be base64.
    Maybe,
    /// It may be base64, and is also a word of text.
    Word,
    /// It is neither base64 nor text.
    Damaged,
    /// Text for people.
    Prose,
    /// It contains no character of base64.
    Marks,
    Blank,
}

/// The findings about a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) kind: Kind,
    /// How many characters of the alphabet it has.
    pub(super) count: usize,
    pub(super) is_padded: bool,
}

/// Judges a line, up to its padding.
///
/// Foreign characters at its ends are ignored: some programs put a mark before each line, or a NUL
/// after it.
pub(super) fn judge(line: &[u8]) -> Judged {
    let whole = line.trim_ascii_end();
    let (line, is_padded) = up_to_padding(whole);
    let is_end = line.len() == whole.len();
    let is_ours = |octet: &u8| value(*octet).is_some() || *octet == b'=';
    let start = line.iter().position(is_ours);
    let end = line.iter().rposition(is_ours);
    let (Some(start), Some(end)) = (start, end) else {
        let is_blank = line.iter().all(is_blank);
        return Judged {
            kind: if is_blank { Kind::Blank } else { Kind::Marks },
            count: 0,
            is_padded: false,
        };
    };
    let text = &line[start..=end];
    let count = text.iter().filter(|octet| value(**octet).is_some()).count();
    if count == 0 {
        let (kind, is_padded) = (Kind::Marks, false);
        return Judged {
            kind,
            count,
            is_padded,
        };
    }
    let blanks = text.iter().filter(|octet| octet.is_ascii_whitespace());
    let blanks = blanks.count();
    let equals = memchr::memchr_iter(b'=', text).count();
    let foreign = text.len() - count - blanks - equals;
    let was_marked =
        start > line.len() - line.trim_ascii_start().len() || end + 1 < line.trim_ascii_end().len();
    let is_clean = foreign == 0 && !was_marked;
    let is_whole = match (count % 4, is_padded) {
        (0, false) => count >= LONG,
        (2 | 3, true) => true,
        _ => false,
    };
    let may_be_foreign = match is_padded && is_end {
        true => count,
        false => (count / FOREIGN).max(1),
    };
    // These characters occur in addresses, fields and tags.
    let is_telling = foreign > 0 && text.iter().any(|octet| b":@<>".contains(octet));
    let is_marred = foreign > may_be_foreign || foreign > 0 && blanks > 0 || is_telling;
    let is_odd = foreign > 0 || blanks > 0 || !is_clean && !is_padded;
    let is_prose = is_prose(text);
    let kind = match () {
        () if is_prose && is_odd => Kind::Prose,
        () if is_prose && !is_padded && count >= WORD => Kind::Word,
        () if is_marred => Kind::Damaged,
        () if is_whole => Kind::Sure,
        () if is_clean || is_padded || count >= LONG => Kind::Maybe,
        () if foreign + blanks == 0 && count.is_multiple_of(4) => Kind::Maybe,
        () => Kind::Damaged,
    };
    Judged {
        kind,
        count,
        is_padded,
    }
}

/// Whether an octet is invisible: blanks, control characters, and the octets of a no-break space.
fn is_blank(octet: &u8) -> bool {
    octet.is_ascii_whitespace() || octet.is_ascii_control() || matches!(octet, 0xc2 | 0xa0)
}

/// A line up to the end of its first padding, and whether that ends a group.
fn up_to_padding(line: &[u8]) -> (&[u8], bool) {
    let Some(first) = memchr(b'=', line) else {
        return (line, false);
    };
    let characters = line[..first]
        .iter()
        .filter(|octet| value(**octet).is_some());
    let is_padded = characters.count() % 4 > 1;
    let rest = &line[first..];
    let length = rest.iter().take_while(|octet| **octet == b'=').count();
    match is_padded {
        true => (&line[..first + length], true),
        false => (line, false),
    }
}

/// Whether each run of letters is written like a word: only the first letter is upper case, or all
/// are.
fn is_prose(text: &[u8]) -> bool {
    let rows = || text.split(|octet| !octet.is_ascii_alphabetic());
    rows().any(|row| row.len() >= 3) && rows().filter(|row| !row.is_empty()).all(is_word)
}

fn is_word(row: &[u8]) -> bool {
    let (first, rest) = (row[0], &row[1..]);
    // Zeros are encoded as a run of `A`.
    let is_varied = row.len() < 3 || rest.iter().any(|octet| *octet != first);
    let is_small = rest.iter().all(u8::is_ascii_lowercase);
    let is_large = row.iter().all(u8::is_ascii_uppercase);
    // `JoeSmith`.
    let is_name = || {
        let mut parts = rest.split(u8::is_ascii_uppercase);
        parts.all(|part| part.len() >= 2)
    };
    row.len() <= LONG_WORD && is_varied && (is_small || is_large || is_name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_told_from_words_and_marks() {
        use Kind::{Blank, Damaged, Marks, Maybe, Prose, Sure, Word};
        for (line, kind) in [
            ("", Blank),
            (" \t\r\n", Blank),
            ("\0\u{a0}\r\n", Blank),
            ("-- \r\n", Marks),
            ("_____", Marks),
            ("?? ??", Marks),
            ("=", Marks),
            ("aGk=\r\n", Sure),
            ("aGk= footer", Sure),
            ("dGV4dC!BvZg==", Sure),
            ("aGhoaGhoaGhoaGhoaGho", Sure),
            ("aGhoaGho!aGhoaGhoaGho", Sure),
            ("> aGhoaGhoaGhoaGhoaGho", Sure),
            ("aGhoaGhoaGhoaGhoaGho\0", Sure),
            ("aGho aGho aGho aGho aGho", Sure),
            ("aGhoaGhoaGhoaGhoaGh", Maybe),
            ("aGho", Maybe),
            ("aGho=", Maybe),
            ("AAAAAAAA", Maybe),
            ("QUFBQUFBQUFBQUFBQUFBQUFBQUFB", Sure),
            ("Best", Maybe),
            ("> YXp5IGRvZy4g", Maybe),
            ("YXp5IGRvZy4g\0", Maybe),
            ("Hi", Maybe),
            ("Regards", Word),
            ("EXTERNAL", Word),
            ("JoeSmith", Word),
            ("unsubscribe\r\n", Word),
            ("Cheers,", Prose),
            ("Hello Joe how are you", Prose),
            ("[External mail]", Prose),
            ("<p>ext</p>", Prose),
            ("This message is from outside. Beware!", Prose),
            ("https://lists.example.org/mailman/listinfo/list", Prose),
            ("joe@example.org", Prose),
            ("<img src=x>", Prose),
            ("> QQ==", Sure),
            ("aGVs!!!bG8=", Sure),
            ("https://x.y/AbC?id=5", Damaged),
            (
                "data:text/plain;base64,aGVsbG8gd29ybGQhaGVsbG8gd29ybGQh",
                Damaged,
            ),
            ("Hi!", Damaged),
            ("aG!lo.gB?", Damaged),
            ("aG!k", Damaged),
        ] {
            assert_eq!(judge(line.as_bytes()).kind, kind, "{line:?}");
        }
    }
}

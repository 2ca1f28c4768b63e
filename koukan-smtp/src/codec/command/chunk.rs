//! BDAT: its line says how many octets of content follow. They must not be read as commands.

use super::{Command, CommandError};

const VERB: &[u8] = b"BDAT";

/// Whether a line is BDAT, or was meant to be.
///
/// In doubt the answer is yes: octets after such a line are not carried out as commands.
pub(super) fn is_bdat(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    line.split_at_checked(VERB.len())
        .is_some_and(|(verb, rest)| {
            verb.eq_ignore_ascii_case(VERB) && !rest.first().is_some_and(u8::is_ascii_alphabetic)
        })
}

/// The size of the chunk, for a line that [`is_bdat`] accepts, if it cannot be misread: decimal
/// digits between blanks. Otherwise `None`.
pub(super) fn size(line: &[u8]) -> Option<u64> {
    let argument = line.trim_ascii_start().get(VERB.len()..)?;
    let mut words = argument.split(|octet| b" \t".contains(octet));
    // The first item is what stands directly behind the verb.
    let is_apart = words.next()?.is_empty();
    let word = words.find(|word| !word.is_empty())?;
    (is_apart && word.iter().all(u8::is_ascii_digit))
        .then(|| std::str::from_utf8(word).ok()?.parse().ok())
        .flatten()
}

/// Parses the argument of BDAT; more than one space between two words is tolerated.
pub(super) fn parse(line: &str, argument: &str) -> Result<Command, CommandError> {
    let size = size(line.as_bytes());
    let malformed = || CommandError::Chunk { size };
    // A proxy before this server may read a TAB in another way.
    if line.contains('\t') {
        return Err(malformed());
    }
    let mut words = argument.split(' ').filter(|word| !word.is_empty());
    let is_last = match (words.next(), words.next(), words.next()) {
        (Some(_), None, _) => false,
        (Some(_), Some(word), None) if word.eq_ignore_ascii_case("LAST") => true,
        _ => return Err(malformed()),
    };
    let size = size.ok_or_else(malformed)?;
    Ok(Command::Bdat { size, is_last })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_read_where_it_cannot_be_misread() {
        for (line, expected) in [
            ("BDAT 5", Some(5)),
            (" bdat 5 FIRST", Some(5)),
            ("BDAT\t5\tLAST", Some(5)),
            ("BDAT  005 LAST LAST", Some(5)),
            ("BDAT 18446744073709551615 x", Some(u64::MAX)),
            ("BDAT 18446744073709551616", None),
            ("BDAT", None),
            ("BDAT LAST 5", None),
            ("BDAT5", None),
            ("BDAT:5", None),
            ("BDAT=5 5", None),
            ("BDAT -5", None),
            ("BDAT +5", None),
            ("BDAT 0x10", None),
            ("BDAT 5,000", None),
            ("BDAT 5LAST", None),
            ("BDAT 5.0", None),
            ("BDAT \u{665}", None),
        ] {
            assert!(is_bdat(line.as_bytes()), "{line}");
            assert_eq!(size(line.as_bytes()), expected, "{line}");
        }
        for line in ["", "BDA", "BDATA 5", "XBDAT 5", "NOOP BDAT 5"] {
            assert!(!is_bdat(line.as_bytes()), "{line}");
        }
    }
}

//! The codec against another implementation; the fuzz targets look further, by the same rules.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/oracle.rs"]
mod oracle;

use proptest::{prelude::*, string::string_regex};

/// Lines that are commands, nearly commands, or neither.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let verb = "(?i:MAIL FROM:|RCPT TO:|MAIL|RCPT|EHLO|HELO|DATA|BDAT|RSET|NOOP|QUIT|VRFY|STARTTLS|[A-Z]{1,9})";
    let path = "(<>|<postmaster>|<[a-z.!+]{0,4}@[a-z.-]{0,5}>|<@[a-z]{1,2},@b:[a-z]{1,2}@c>|<\"[a-z >]{0,3}\"@b>|[ -~]{0,8})";
    let parameters = "( (?i:SIZE=[0-9]{1,4}|BODY=8BITMIME|BODY=7BIT|SMTPUTF8|X=Y)){0,2}";
    let command = string_regex(&format!("{verb} ?{path}{parameters} {{0,2}}")).unwrap();
    prop_oneof![
        8 => command.prop_map(String::into_bytes),
        1 => "(?i:BDAT) {1,2}[0-9]{1,5}( {1,2}LAST)?".prop_map(String::into_bytes),
        1 => "(?i:EHLO|HELO) [ -~]{1,12}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

/// Messages made of what matters at line ends.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => Just("\r\n"),
        3 => Just("."),
        2 => Just("a"),
        1 => Just("\r"),
        1 => Just("\n"),
        1 => Just("\r\n.\r\n"),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn commands_mean_the_same(line in line()) {
        oracle::compare_command(&line);
    }

    #[test]
    fn messages_are_the_same(octets in message(), piece in 1_usize..8) {
        oracle::compare_data(&octets, piece);
    }
}

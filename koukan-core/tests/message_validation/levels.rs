//! The faults of a message, and the resulting level.

use koukan_core::message::validation::Problem;
use proptest::prelude::*;

use super::*;

const DATE: &str = "Date: Fri, 2 Jan 2026 03:04:05 +0000\r\n";
const ID: &str = "Message-ID: <1@x.example>\r\n";
const FROM: &str = "From: a@x.example\r\n";

/// The fields with one of them replaced, and a line of text.
fn with(field: &str, other: &str) -> Vec<u8> {
    assert!(FIELDS.contains(field));
    format!("{}\r\nhello\r\n", FIELDS.replace(field, other)).into()
}

fn after(fields: &str, body: &[u8]) -> Vec<u8> {
    [FIELDS.as_bytes(), fields.as_bytes(), b"\r\n", body].concat()
}

#[test]
fn each_problem_is_told_and_the_worst_of_them_counts() {
    use Problem::*;
    let long = format!("{}\r\n", "x".repeat(998));
    let too_long = format!("{}\r\n", "x".repeat(999));
    let mime = "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n";
    let eight_bit = format!("{mime}Content-Transfer-Encoding: 8bit\r\n");
    for (message, level, problems) in [
        (with(FROM, FROM), Level::High, &[][..]),
        (after("", long.as_bytes()), Level::High, &[]),
        (
            after(&eight_bit, "gr\u{fc}n\r\n".as_bytes()),
            Level::High,
            &[],
        ),
        // Octets that agents may interpret differently.
        (after("", b"a\rb\r\n"), Level::None, &[BareCr]),
        (after("", b"a\r\r\n"), Level::None, &[BareCr]),
        (after("", b"a\nb\r\n"), Level::None, &[BareLf]),
        (after("", b"a\r"), Level::None, &[BareCr, LastLineUnended]),
        (after("", b"a\0b\r\n"), Level::None, &[Nul]),
        (after("no field\r\n", b""), Level::None, &[HeaderMalformed]),
        (after("X\r\n: y\r\n", b""), Level::None, &[HeaderMalformed]),
        (
            [b" folded: x\r\n", &*with(FROM, FROM)].concat(),
            Level::None,
            &[HeaderMalformed],
        ),
        (
            b"hello\r\n".to_vec(),
            Level::None,
            &[HeaderMalformed, FromMissing, DateMissing, MessageIdMissing],
        ),
        (
            b"\r\nhello\r\n".to_vec(),
            Level::Basic,
            &[FromMissing, DateMissing, MessageIdMissing],
        ),
        (
            Vec::new(),
            Level::Basic,
            &[FromMissing, DateMissing, MessageIdMissing],
        ),
        // One message for each fault.
        (with(FROM, ""), Level::Basic, &[FromMissing]),
        (after(FROM, b""), Level::Basic, &[FromRepeated]),
        (
            after("from : b@y.example\r\n", b""),
            Level::Basic,
            &[FromRepeated],
        ),
        (
            with(FROM, "From: somebody here\r\n"),
            Level::Basic,
            &[FromInvalid],
        ),
        (
            with(FROM, "From: a@x.example, root\r\n"),
            Level::Basic,
            &[FromInvalid],
        ),
        (with(FROM, "From:\r\n"), Level::Basic, &[FromInvalid]),
        (with(DATE, ""), Level::Basic, &[DateMissing]),
        (after(DATE, b""), Level::Basic, &[DateRepeated]),
        (
            with(DATE, "Date: yesterday\r\n"),
            Level::Basic,
            &[DateInvalid],
        ),
        (with(ID, ""), Level::Basic, &[MessageIdMissing]),
        (after(ID, b""), Level::Basic, &[MessageIdRepeated]),
        (
            after("Subject: a\r\nSubject: b\r\n", b""),
            Level::Basic,
            &[FieldRepeated],
        ),
        (
            after(&format!("{mime}Content-Type: text/html\r\n"), b""),
            Level::Basic,
            &[FieldRepeated],
        ),
        (after("", too_long.as_bytes()), Level::Basic, &[LineTooLong]),
        (
            after("Subject: gr\u{fc}n\r\n", b""),
            Level::Basic,
            &[EightBitHeader],
        ),
        (
            after("", "gr\u{fc}n\r\n".as_bytes()),
            Level::Basic,
            &[EightBitUndeclared],
        ),
        (
            after(
                "MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\n",
                b"",
            ),
            Level::Basic,
            &[BoundaryInvalid],
        ),
        // As the standards require.
        (
            with(FROM, "From: a@x.example, b@x.example\r\n"),
            Level::Medium,
            &[SenderMissing],
        ),
        (
            with(
                FROM,
                "From: a@x.example, b@x.example\r\nSender: a@x.example\r\n",
            ),
            Level::High,
            &[],
        ),
        (
            after("To: somebody here\r\n", b""),
            Level::Medium,
            &[AddressInvalid],
        ),
        (
            after("To: undisclosed-recipients:;\r\n", b""),
            Level::High,
            &[],
        ),
        (
            with(ID, "Message-ID: 1@x.example\r\n"),
            Level::Medium,
            &[MessageIdInvalid],
        ),
        (
            after("Content-Type: text/plain\r\n", b""),
            Level::Medium,
            &[MimeVersionMissing],
        ),
        (after("", b"a"), Level::Medium, &[LastLineUnended]),
    ] {
        let found = report(&message);
        let told = String::from_utf8_lossy(&message);
        assert_eq!((found.level, &*found.problems), (level, problems), "{told}");
    }
}

#[test]
fn header_sections_may_have_utf8_where_the_message_says_so() {
    for (octets, is_fine) in [("gr\u{fc}n".as_bytes(), true), (b"gr\xfcn", false)] {
        let message = [b"Subject: ", octets, b"\r\n", FIELDS.as_bytes(), b"\r\n"].concat();
        let mut validator = Validator::new().with_utf8(true);
        validator.scan(&message);
        let found = validator.finish();
        assert_eq!(found.level == Level::High, is_fine, "{:?}", found.problems);
    }
}

#[test]
fn a_header_section_without_end_takes_no_more_memory() {
    let message = format!("{FIELDS}X: {}\r\n\r\n", "x".repeat(300 << 10));
    let found = report(&message);
    assert_eq!(found.level, Level::None);
    assert!(found.problems.contains(&Problem::HeaderTooLong));
    assert!(found.has_more_files);
}

/// Pieces of faulty messages.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "\r\n",
        "\r",
        "\n",
        "\r\n\r\n",
        "--b",
        "--b--",
        "--c\r\n",
        " ",
        "x",
        ":",
        "\0",
        "\u{fc}",
        "From: a@x.example\r\n",
        "Date: Fri, 2 Jan 2026 03:04:05 +0000\r\n",
        "Message-ID: <1@x>\r\n",
        "Content-Type: multipart/mixed; boundary=b\r\n",
        "Content-Type: multipart/mixed; boundary=c\r\n\r\n",
        "Content-Type: message/rfc822\r\n",
        "Content-Transfer-Encoding: base64\r\n",
        "QUJD\r\n",
        "Content-Disposition: attachment; filename=x\r\n",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..40)
        .prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn pieces_may_be_cut_anywhere(message in pieces(), cuts in prop::collection::vec(1..9_usize, 1..20)) {
        let mut validator = Validator::new();
        let mut rest = &message[..];
        for cut in cuts.iter().cycle() {
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            validator.scan(piece);
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(validator.finish(), report(&message));
    }

    #[test]
    fn any_octets_have_a_level(message in prop::collection::vec(any::<u8>(), 0..300)) {
        let found = report(&message);
        let levels = found.problems.iter().map(|problem| problem.level());
        prop_assert_eq!(found.level, levels.min().unwrap_or(Level::High));
    }
}

//! The parts of messages.

use koukan_core::message::validation::{File, MAX_DEPTH, MAX_PARTS, Problem};

use super::*;

fn multipart(body: &str) -> String {
    format!("{FIELDS}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{body}")
}

fn file(content_type: &str, name: Option<&str>, octets: u64) -> File {
    File {
        content_type: content_type.into(),
        name: name.map(Into::into),
        octets,
    }
}

#[test]
fn files_are_listed_with_what_they_are() {
    let message = multipart(
        "preamble\r\n--b\r\n\r\ntext\r\n\
         --b\r\nContent-Type: application/pdf\r\n\r\n12345\r\n678\r\n\
         --b\r\nContent-Type: text/plain; name*=utf-8''gr%C3%BCn.txt\r\n\r\nx\r\n\
         --b \r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\nREVG\r\n\
         --b\r\nContent-Type: multipart/alternative; boundary=\"b c\"\r\n\r\n--b c\r\n\r\nx\r\n--b c--\r\n\
         epilogue\r\n--b--\r\nepilogue\r\n",
    );
    let found = report(&message);
    assert_eq!(found.level, Level::High, "{:?}", found.problems);
    assert_eq!((found.parts, found.depth), (6, 2));
    assert_eq!(
        found.files,
        [
            file("application/pdf", None, 10),
            file("text/plain", Some("gr\u{fc}n.txt"), 1),
            file("text/plain", None, 6),
        ]
    );
}

#[test]
fn attached_messages_are_looked_into() {
    let message = multipart(
        "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n\
         --c\r\nContent-Type: image/png; name=x.png\r\n\r\nx\r\n--c--\r\n--b--\r\n",
    );
    let found = report(&message);
    assert_eq!(found.level, Level::High, "{:?}", found.problems);
    assert_eq!((found.parts, found.depth), (2, 3));
    assert_eq!(found.files, [file("image/png", Some("x.png"), 1)]);
}

#[test]
fn what_is_wrong_with_parts() {
    use Problem::*;
    for (body, level, problems) in [
        ("--b\r\n\r\nx\r\n", Level::Medium, &[MultipartUnclosed][..]),
        ("no part\r\n", Level::Medium, &[MultipartUnclosed]),
        (
            "--b\r\nno field\r\n--b--\r\n",
            Level::Medium,
            &[PartHeaderMalformed],
        ),
        (
            "--b\r\nContent-Type: multipart/x; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--b--\r\n",
            Level::Medium,
            &[MultipartUnclosed],
        ),
        (
            "--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--b--\r\n",
            Level::Medium,
            &[MultipartEncoded],
        ),
        (
            "--b\r\n\r\ngr\u{fc}n\r\n--b--\r\n",
            Level::Basic,
            &[EightBitUndeclared],
        ),
        (
            "--b\r\nX: gr\u{fc}n\r\n\r\n\r\n--b--\r\n",
            Level::Basic,
            &[EightBitHeader],
        ),
        (
            "--b\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\n\r\n--b--\r\n",
            Level::Basic,
            &[FieldRepeated],
        ),
        // The header section of a part may be all of it.
        ("--b\r\nX: y\r\n--b--\r\n", Level::High, &[]),
        ("--b\r\n--b--\r\n", Level::High, &[]),
        // A line that only begins like a delimiter is text.
        ("--b\r\n\r\n--bc\r\n--b-\r\n--b--\r\n", Level::High, &[]),
    ] {
        let found = report(multipart(body));
        assert_eq!((found.level, &*found.problems), (level, problems), "{body}");
    }
}

/// Hiding a file from agents that look for it here must not succeed.
#[test]
fn where_parts_were_not_looked_into_there_may_be_files() {
    let long = "x".repeat(201);
    for (header, has_more) in [
        ("Content-Type: message/rfc822".to_owned(), false),
        (
            "Content-Type: multipart/mixed; boundary=c".to_owned(),
            false,
        ),
        ("Content-Type: text/plain; boundary=c".to_owned(), false),
        (
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64".to_owned(),
            true,
        ),
        (
            "Content-Type: multipart/mixed; boundary=c\r\nContent-Transfer-Encoding: base64"
                .to_owned(),
            true,
        ),
        (
            format!("Content-Type: multipart/mixed; boundary={long}"),
            true,
        ),
        ("Content-Type: multipart/mixed".to_owned(), true),
        (
            "Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=c".to_owned(),
            true,
        ),
        (
            "Content-Disposition: inline\r\nContent-Disposition: attachment; filename=x.exe"
                .to_owned(),
            true,
        ),
    ] {
        let found = report(multipart(&format!("--b\r\n{header}\r\n\r\nx\r\n--b--\r\n")));
        assert_eq!(found.has_more_files, has_more, "{header}");
    }
}

#[test]
fn a_delimiter_is_one_whatever_follows_it() {
    let blanks = " ".repeat(300);
    let message = multipart(&format!(
        "--b{blanks}\r\nContent-Type: a/b; name=x.exe\r\n\r\nx\r\n--b--{blanks}\r\n"
    ));
    let found = report(&message);
    assert_eq!(found.files, [file("a/b", Some("x.exe"), 1)]);
    assert_eq!(found.level, Level::High, "{:?}", found.problems);
}

#[test]
fn parts_within_each_other_and_beside_each_other_are_bounded() {
    let mut deep = String::new();
    for depth in 0..=MAX_DEPTH {
        deep += &format!(
            "--b{depth}\r\nContent-Type: multipart/mixed; boundary=b{}\r\n\r\n",
            depth + 1
        );
    }
    let deep = multipart("").replace("=b\r\n", "=b0\r\n") + &deep;
    let found = report(&deep);
    assert_eq!(found.level, Level::None);
    assert!(found.problems.contains(&Problem::TooDeep) && found.has_more_files);
    assert_eq!(found.depth, MAX_DEPTH);

    let many = multipart(&"--b\r\n\r\n".repeat(MAX_PARTS + 1));
    let found = report(&many);
    assert!(found.problems.contains(&Problem::TooManyParts));
    assert_eq!((found.parts, found.level), (MAX_PARTS, Level::None));

    let files = multipart(&"--b\r\nContent-Type: a/b\r\n\r\n".repeat(100));
    let found = report(&files);
    assert_eq!(found.files.len(), 64);
    assert!(found.has_more_files);
    let name = "x".repeat(3000) + ".exe";
    let one = format!("--b\r\nContent-Type: a/b; name={name}\r\n\r\n");
    let found = report(multipart(&one.repeat(10)));
    assert!(found.files.iter().all(|file| {
        let name = file.name.as_deref().unwrap();
        name.len() == 100 && name.ends_with(".exe")
    }));
}

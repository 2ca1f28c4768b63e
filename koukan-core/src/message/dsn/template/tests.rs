use super::{entry::Entry, *};

fn wrong(text: &str) -> (usize, String, String) {
    let error = text.parse::<Template>().unwrap_err();
    let (what, remedy) = (error.what().to_owned(), error.remedy().to_owned());
    (error.line(), what, remedy)
}

fn to(mailbox: &str) -> Mailbox {
    mailbox.parse().unwrap()
}

/// The default in another language, with its texts as they are.
fn as_language(tag: &str) -> String {
    DEFAULT.replace("language: en", &format!("language: {tag}"))
}

#[test]
fn the_default_has_all_texts() {
    let template = Template::default();
    let [english] = &template.languages[..] else {
        panic!("{template:?}");
    };
    assert_eq!(english.tag(), "en");
    for (number, entry) in Entry::ALL.into_iter().enumerate() {
        assert_eq!(entry as usize, number);
        let text = english.line(entry, |slot| slot.name().into());
        assert_eq!(text.is_empty(), entry == Entry::Closing, "{}", entry.name());
        let required = entry.required().iter();
        assert!(required.clone().all(|slot| entry.allowed().contains(slot)));
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_what_to_do() {
    let de = as_language("de");
    let without = |name: &str| {
        let lines = de.lines().filter(|line| !line.starts_with(name));
        lines.collect::<Vec<_>>().join("\n")
    };
    let twice = format!("{de}\nlanguage: DE");
    for (text, line, what, remedy) in [
        ("", 1, "no language in it", "language: en"),
        ("# x\nfrom: a", 2, "before any language", "begin with"),
        ("language: e", 1, "`e` is no language", "de-at"),
        ("language: en us", 1, "`en us` is no language", "de-at"),
        ("language: en\n\nfrom a", 3, "neither a text", "NAME: TEXT"),
        (
            "language: en\n from: a",
            2,
            "no text called ` from`",
            "`subject-failed`",
        ),
        (
            "language: en\nsubject: a",
            2,
            "no text called `subject`",
            "`subject-failed`",
        ),
        (
            "language: en\nfailed: a\nfailed: b",
            3,
            "`failed` is there twice",
            "leave one",
        ),
        (
            "language: en\nfailed:\nclosing:",
            2,
            "`failed` is empty",
            "colon",
        ),
        (
            "language: en\nfailed: a\n {to} b",
            3,
            "`failed` has no place {to}",
            "{agent}, {id}",
        ),
        (
            "language: en\naccepted: {id} {reply}",
            2,
            "no place {id}",
            "{reply}; `{{`",
        ),
        (
            "language: en\ndelayed: a\n b",
            2,
            "`delayed` lacks the place {until}",
            "{until}",
        ),
        (
            "language: en\nopening: {id} {",
            2,
            "`{` stands alone",
            "`{{`",
        ),
        (
            "language: en\nopening: {id}\n }",
            3,
            "`}` stands alone",
            "`}}`",
        ),
        ("language: en\nfailed: a\u{7}b", 2, "U+0007", "leave it out"),
        ("language: en\ndomains: a@b", 2, "`a@b` is no domain", ".at"),
        ("language: en\ndomains: ,", 2, "there is no domain", ".at"),
        (
            "language: en\ndomains: a.example",
            1,
            "none of the `domains`",
            "leave out",
        ),
        (
            &without("refused"),
            4,
            "`de` has no text `refused`",
            "`refused: …`",
        ),
        (
            "language: fr",
            1,
            "`fr` has no text `from`",
            "`subject-failed`, ",
        ),
        (
            &twice,
            de.lines().count() + 2,
            "`de` is there twice",
            "together",
        ),
    ] {
        let found = wrong(text);
        let is_told = found.1.contains(what) && found.2.contains(remedy);
        assert!(found.0 == line && is_told, "{text:?}: {found:?}");
    }
    let error = Template::from_utf8(b"language: en\n\nfailed: gr\xfcn\n").unwrap_err();
    assert_eq!((error.line(), error.what()), (3, "it is not UTF-8"));
    let error = Template::from_utf8(&[b'#'; MAX + 1]).unwrap_err();
    assert!(error.what().contains("more than 65536"), "{error}");
}

#[test]
fn english_may_leave_texts_out_and_paragraphs_stand_apart() {
    let text = "\u{feff}language: en\r\nfrom: Post {{office}}\r\nclosing: Ask  us.\r\n \
                .\r\n\tOr do\r\n not: {id}\r\n";
    let template: Template = text.parse().unwrap();
    let english = &template.languages[0];
    assert_eq!(english.line(Entry::From, |_| "".into()), "Post {office}");
    let closing = english.paragraphs(Entry::Closing, |_| "{agent}".into());
    assert_eq!(closing, "Ask us.\nOr do not: {agent}");
    let default = Template::default();
    assert_eq!(english.texts[3..20], default.languages[0].texts[3..20]);
}

#[test]
fn a_language_is_chosen_by_the_domain_or_all_general_ones_are_told() {
    let text = [
        as_language("en"),
        as_language("de").replace("language: de", "language: de\ndomains: Example.DE, .at"),
        as_language("fr"),
    ];
    let template: Template = text.join("\n").parse().unwrap();
    for (mailbox, tags) in [
        ("a@example.de", &["de"][..]),
        ("a@EXAMPLE.de", &["de"]),
        ("a@x.y.at", &["de"]),
        ("a@x.example.de", &["en", "fr"]),
        ("a@example.com", &["en", "fr"]),
        ("a@[192.0.2.1]", &["en", "fr"]),
    ] {
        let languages = template.languages_for(&to(mailbox));
        let found: Vec<_> = languages.iter().map(|it| it.tag()).collect();
        assert_eq!(found, tags, "{mailbox}");
    }
}

#[test]
fn words_are_shared() {
    let words = Words::default();
    let clone = words.clone();
    let template: Template = "language: en\nfrom: Post office".parse().unwrap();
    words.replace(template.clone());
    assert_eq!(*clone.template(), template);
}

//! The decisions, as tables.

mod parameters;

use super::*;
use crate::{
    sasl::Mechanisms,
    server::{Authentication, greeter::Abilities},
};

fn limits() -> Limits {
    Limits {
        message_size: 1000,
        ..Limits::default()
    }
}

/// The offer on a transport that cannot be upgraded.
fn offer() -> Offer {
    offer_where(false)
}

fn offer_where(is_upgradable: bool) -> Offer {
    let auth = Authentication::Never;
    let abilities = Abilities {
        is_upgradable,
        is_secure: false,
        auth,
        may_xclient: false,
        future_release: None,
    };
    Offer::of(&limits(), abilities)
}

fn rcpt() -> Rcpt {
    Rcpt::new("a@b".parse::<koukan_core::path::ForwardPath>().unwrap())
}

/// States by name, each with the events that led to it.
fn state(name: &str) -> State {
    let mut state = State::new(offer());
    let steps: &[fn(&mut State)] = &[
        |state| state.greeted(true, offer()),
        |state| state.opened(&Parameters::default()),
        |state| state.recipient_handed_on(&rcpt(), &limits()),
        State::recipient_accepted,
        State::chunk_taken,
        |state| state.chunk_failed(Reply::message_too_big()),
    ];
    let count = [
        "new", "greeted", "mail", "refused", "ready", "chunks", "failed",
    ]
    .iter()
    .position(|other| *other == name)
    .unwrap();
    steps[..count].iter().for_each(|step| step(&mut state));
    state
}

/// The action in short: its kind, or the reply.
fn decide(state: &State, line: &str) -> String {
    let command = Command::parse(line.as_bytes());
    match state.decide(command, &limits()) {
        Action::Answer(reply, _) | Action::RefuseMail(reply) => {
            reply.to_string()[..9].trim_end().to_owned()
        }
        Action::Discard { reply, .. } => format!("discard {}", reply.code()),
        Action::Close(reply) => format!("close {}", reply.code()),
        action => {
            let text = format!("{action:?}");
            let end = text.find(|c: char| !c.is_alphanumeric());
            text[..end.unwrap_or(text.len())].to_owned()
        }
    }
}

#[test]
fn every_command_in_every_state() {
    const STATES: [&str; 7] = [
        "new", "greeted", "mail", "refused", "ready", "chunks", "failed",
    ];
    const BAD: &str = "503 5.5.1";
    const NONE: &str = "554 5.5.1";
    let table = [
        ("EHLO a", ["Hello"; 7]),
        ("HELO a", ["Hello"; 7]),
        ("MAIL FROM:<>", [BAD, "Mail", BAD, BAD, BAD, BAD, "Mail"]),
        (
            "RCPT TO:<a@b>",
            [BAD, BAD, "Rcpt", "Rcpt", "Rcpt", BAD, BAD],
        ),
        ("DATA", [BAD, BAD, BAD, NONE, "Data", BAD, BAD]),
        (
            "BDAT 1",
            [
                "discard 503",
                "discard 503",
                "discard 503",
                "discard 554",
                "Bdat",
                "Bdat",
                "discard 552",
            ],
        ),
        ("RSET", ["Reset"; 7]),
        ("NOOP", ["250 2.0.0"; 7]),
        ("VRFY a", ["252 2.5.2"; 7]),
        ("EXPN a", ["502 5.5.1"; 7]),
        ("HELP", ["214 2.0.0"; 7]),
        ("STARTTLS", ["502 5.5.1"; 7]),
        ("AUTH PLAIN", ["502 5.5.1"; 7]),
        ("XCLIENT ADDR=192.0.2.1", ["502 5.5.1"; 7]),
        ("QUIT", ["Quit"; 7]),
    ];
    for (line, expected) in table {
        for (name, expected) in STATES.iter().zip(expected) {
            assert_eq!(decide(&state(name), line), expected, "{line} when {name}");
        }
    }
}

#[test]
fn lmtp_has_a_hello_of_its_own() {
    for name in [
        "new", "greeted", "mail", "refused", "ready", "chunks", "failed",
    ] {
        let smtp = state(name);
        let lmtp = state(name).with_protocol(Protocol::Lmtp);
        assert_eq!(decide(&smtp, "LHLO a"), "500 5.5.1", "{name}");
        assert_eq!(decide(&lmtp, "LHLO a"), "Hello", "{name}");
        for line in ["EHLO a", "HELO a"] {
            assert_eq!(decide(&lmtp, line), "500 5.5.1", "{line} when {name}");
        }
        assert_eq!(decide(&lmtp, "LHLO"), "501 5.5.4", "{name}");
        for line in [
            "MAIL FROM:<>",
            "RCPT TO:<a@b>",
            "DATA",
            "BDAT 1",
            "RSET",
            "NOOP",
            "QUIT",
        ] {
            assert_eq!(
                decide(&lmtp, line),
                decide(&smtp, line),
                "{line} when {name}"
            );
        }
    }
}

#[test]
fn what_is_no_command_in_every_state() {
    const STATES: [&str; 4] = ["new", "greeted", "ready", "failed"];
    let table = [
        ("what", ["500 5.5.1"; 4]),
        ("", ["500 5.5.1"; 4]),
        ("MAIL FROM:<", ["501 5.5.4"; 4]),
        ("BDAT 5 FIRST", ["discard 501"; 4]),
        ("BDAT 1073741824 FIRST", ["discard 501"; 4]),
        ("BDAT 1073741825 FIRST", ["close 501"; 4]),
        ("BDAT 1073741825", ["close 552"; 4]),
        ("BDAT", ["close 501"; 4]),
        ("GET / HTTP/1.1", ["close 421"; 4]),
        (
            "Host: x",
            ["close 421", "500 5.5.1", "500 5.5.1", "500 5.5.1"],
        ),
    ];
    for (line, expected) in table {
        for (name, expected) in STATES.iter().zip(expected) {
            assert_eq!(decide(&state(name), line), expected, "{line} when {name}");
        }
    }
}

#[test]
fn chunks_after_a_failed_one_are_over_with_the_last() {
    let mut state = state("failed");
    state.chunk_discarded(false);
    assert_eq!(decide(&state, "BDAT 1"), "discard 552");
    state.chunk_discarded(true);
    assert_eq!(decide(&state, "BDAT 1"), "discard 503");
}

#[test]
fn starttls_is_for_those_who_said_ehlo_and_have_no_transaction() {
    for (name, expected) in [
        ("new", "503 5.5.1"),
        ("greeted", "StartTls"),
        ("mail", "503 5.5.1"),
        ("ready", "503 5.5.1"),
        ("chunks", "503 5.5.1"),
        ("failed", "StartTls"),
    ] {
        let mut state = state(name);
        state.offer.starttls = true;
        assert_eq!(decide(&state, "STARTTLS"), expected, "{name}");
    }
    let mut state = State::new(offer_where(true));
    state.greeted(false, offer_where(true));
    assert_eq!(decide(&state, "STARTTLS"), "503 5.5.1");
}

#[test]
fn who_speaks_for_others_says_so_between_transactions() {
    for (name, expected) in [
        ("new", "Xclient"),
        ("greeted", "Xclient"),
        ("mail", "503 5.5.1"),
        ("ready", "503 5.5.1"),
        ("chunks", "503 5.5.1"),
        ("failed", "Xclient"),
    ] {
        let mut state = state(name);
        state.offer.xclient = true;
        assert_eq!(decide(&state, "XCLIENT ADDR=192.0.2.1"), expected, "{name}");
        assert_eq!(decide(&state, "XCLIENT ADDR=x"), "501 5.5.4", "{name}");
    }
}

#[test]
fn who_is_turned_away_may_say_quit() {
    let mut state = State::new(offer());
    state.turned_away(Reply::policy_refused());
    for line in [
        "EHLO a",
        "HELO a",
        "MAIL FROM:<>",
        "RCPT TO:<a@b>",
        "DATA",
        "RSET",
        "NOOP",
        "VRFY a",
        "EXPN a",
        "HELP",
        "STARTTLS",
        "AUTH PLAIN",
        "what",
        "MAIL FROM:<",
    ] {
        assert_eq!(decide(&state, line), "550 5.7.1", "{line}");
    }
    assert_eq!(decide(&state, "BDAT 1"), "discard 550");
    assert_eq!(decide(&state, "BDAT 1 LAST"), "discard 550");
    assert_eq!(decide(&state, "BDAT 5 FIRST"), "discard 501");
    assert_eq!(decide(&state, "BDAT 1073741825"), "close 552");
    assert_eq!(decide(&state, "GET / HTTP/1.1"), "close 421");
    assert_eq!(decide(&state, "QUIT"), "Quit");
}

/// How the action counts.
fn tally(state: &State, line: &str) -> Tally {
    match state.decide(Command::parse(line.as_bytes()), &limits()) {
        Action::Answer(_, tally) | Action::Discard { tally, .. } => tally,
        action => panic!("{line}: {action:?}"),
    }
}

#[test]
fn what_follows_a_refused_mail_in_the_pipeline_is_no_error() {
    let mut state = state("greeted");
    for line in [
        "MAIL FROM:<> SIZE=1001",
        "MAIL FROM:<> NO=SUCH",
        "MAIL FROM:<a",
        "MAIL FROM:<ü@b>",
        "MAIL FROM:<> A=B A=B",
    ] {
        let command = Command::parse(line.as_bytes());
        let action = state.decide(command, &limits());
        assert!(
            matches!(action, Action::RefuseMail(_)),
            "{line}: {action:?}"
        );
    }
    for line in ["RCPT TO:<a@b>", "DATA", "BDAT 5", "BDAT 0", "BDAT 5 LAST"] {
        assert_eq!(tally(&state, line), Tally::Error, "{line}");
    }
    state.mail_refused();
    assert!(state.is_idle());
    for line in ["RCPT TO:<a@b>", "DATA", "BDAT 5", "BDAT 0", "BDAT 5 LAST"] {
        assert_eq!(tally(&state, line), Tally::Futile, "{line}");
        let reply = decide(&state, line);
        assert!(reply.contains("503"), "{reply}");
    }
    assert_eq!(decide(&state, "MAIL FROM:<>"), "Mail");
}

#[test]
fn only_so_much_follows_a_refused_mail() {
    use super::super::tally::Tallies;
    let limits = Limits {
        recipients: 3,
        errors: 2,
        ..limits()
    };
    let mut tallies = Tallies::default();
    for _ in 0..2 {
        tallies.mail_refused();
        for _ in 0..4 {
            assert!(tallies.command(Tally::Futile, &limits).is_ok());
        }
    }
    for is_ok in [true, true, false] {
        assert_eq!(tallies.command(Tally::Futile, &limits).is_ok(), is_ok);
    }
}

#[test]
fn who_may_authenticate_himself_and_when() {
    let auth = |state: &State, argument: &str| {
        let argument = argument.into();
        match state.decide(Ok(Command::Auth { argument }), &limits()) {
            Action::Authenticate(mechanism, initial) => format!("{mechanism:?} {initial}"),
            Action::Answer(reply, Tally::Error) => reply.code().to_string(),
            other => panic!("{other:?}"),
        }
    };
    let with = |auth| Offer { auth, ..offer() };
    let by = Authentication::By(Mechanisms::of_passwords());
    let mut state = State::new(with(by)).with_identity_needed(true);
    assert_eq!(auth(&state, "PLAIN x"), "503");
    state.greeted(false, with(by));
    assert_eq!(auth(&state, "PLAIN x"), "503");
    for (offer, expected) in [
        (Authentication::Never, "502"),
        (Authentication::AfterTls, "538"),
        (by, "Plain x"),
    ] {
        state.greeted(true, with(offer));
        assert_eq!(auth(&state, "plain x"), expected);
    }
    assert_eq!(auth(&state, "LOGIN"), "Login ");
    assert_eq!(auth(&state, "OAUTHBEARER"), "504");
    let mail = || Command::parse(b"MAIL FROM:<a@b>").unwrap();
    let refused = state.decide(Ok(mail()), &limits());
    assert_eq!(refused, Action::RefuseMail(Reply::authenticate_first()));
    state.authenticated();
    assert_eq!(auth(&state, "PLAIN x"), "503");
    assert!(matches!(
        state.decide(Ok(mail()), &limits()),
        Action::Mail(_)
    ));
    state.opened(&Parameters::default());
    assert_eq!(auth(&state, "PLAIN x"), "503");
}

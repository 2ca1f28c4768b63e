//! The parameters of MAIL and RCPT.

use super::*;

fn parameters(text: &str) -> Parameters {
    let line = format!("MAIL FROM:<> {text}");
    match Command::parse(line.as_bytes()) {
        Ok(Command::Mail(mail)) => mail.parameters,
        other => panic!("{other:?}"),
    }
}

#[test]
fn parameters_are_checked() {
    for (line, expected) in [
        ("MAIL FROM:<> SIZE=1000", "Mail"),
        ("MAIL FROM:<> size=0 body=7bit", "Mail"),
        ("MAIL FROM:<> BODY=8BITMIME SMTPUTF8", "Mail"),
        ("MAIL FROM:<> SIZE=1001", "552 5.3.4"),
        ("MAIL FROM:<> SIZE=99999999999999999999999", "552 5.3.4"),
        ("MAIL FROM:<> SIZE", "501 5.5.4"),
        ("MAIL FROM:<> SIZE=+1", "501 5.5.4"),
        ("MAIL FROM:<> BODY=BINARYMIME", "Mail"),
        ("MAIL FROM:<> BODY=BINARY", "501 5.5.4"),
        ("MAIL FROM:<> SMTPUTF8=1", "501 5.5.4"),
        ("MAIL FROM:<> RET=FULL ENVID=QQ+2B1", "Mail"),
        ("MAIL FROM:<> ret=hdrs", "Mail"),
        ("MAIL FROM:<> RET=ALL", "501 5.5.4"),
        ("MAIL FROM:<> RET", "501 5.5.4"),
        ("MAIL FROM:<> RET=FULL RET=HDRS", "501 5.5.4"),
        ("MAIL FROM:<> ENVID=a+", "501 5.5.4"),
        ("MAIL FROM:<> ENVID", "501 5.5.4"),
        ("MAIL FROM:<> NOTIFY=NEVER", "555 5.5.4"),
        ("MAIL FROM:<> X-ODD", "555 5.5.4"),
        // Without TLS it cannot be guaranteed.
        ("MAIL FROM:<> REQUIRETLS", "555 5.5.4"),
    ] {
        assert_eq!(decide(&state("greeted"), line), expected, "{line}");
    }
    let mut secure = State::new(offer());
    let requiretls = true;
    let offered = Offer {
        requiretls,
        ..offer()
    };
    secure.greeted(true, offered);
    for (line, expected) in [
        ("MAIL FROM:<> requireTLS", "Mail"),
        ("MAIL FROM:<> REQUIRETLS=1", "501 5.5.4"),
        ("MAIL FROM:<> REQUIRETLS REQUIRETLS", "501 5.5.4"),
    ] {
        assert_eq!(decide(&secure, line), expected, "{line}");
    }
    for (line, expected) in [
        ("RCPT TO:<a@b> NOTIFY=NEVER", "Rcpt"),
        (
            "RCPT TO:<a@b> notify=success,DELAY ORCPT=rfc822;a+2Bx@b",
            "Rcpt",
        ),
        (r"RCPT TO:<a@b> ORCPT=utf-8;\x{E4}@b", "Rcpt"),
        ("RCPT TO:<a@b> ORCPT=utf-8;ä@b", "553 5.6.7"),
        ("RCPT TO:<a@b> NOTIFY=NEVER,SUCCESS", "501 5.5.4"),
        ("RCPT TO:<a@b> NOTIFY=ALWAYS", "501 5.5.4"),
        ("RCPT TO:<a@b> NOTIFY", "501 5.5.4"),
        ("RCPT TO:<a@b> NOTIFY=DELAY NOTIFY=DELAY", "501 5.5.4"),
        ("RCPT TO:<a@b> ORCPT=a@b", "501 5.5.4"),
        ("RCPT TO:<a@b> ORCPT=rfc822;a+4@b", "501 5.5.4"),
        ("RCPT TO:<a@b> ENVID=1", "555 5.5.4"),
        ("RCPT TO:<a@b> X-ODD", "555 5.5.4"),
    ] {
        assert_eq!(decide(&state("mail"), line), expected, "{line}");
    }
    assert_eq!(decide(&state("mail"), "RCPT TO:<ä@b>"), "553 5.6.7");
    let mut utf8 = state("greeted");
    utf8.opened(&parameters("SMTPUTF8"));
    assert_eq!(decide(&utf8, "RCPT TO:<ä@b> ORCPT=utf-8;ä@b"), "Rcpt");
    let mut unoffered = state("mail");
    unoffered.offer.dsn = false;
    let line = "RCPT TO:<a@b> NOTIFY=NEVER";
    assert_eq!(decide(&unoffered, line), "555 5.5.4");
}

#[test]
fn recipients_are_counted() {
    let mut state = state("mail");
    for _ in 0..Limits::default().recipients {
        assert_eq!(decide(&state, "RCPT TO:<a@b>"), "Rcpt");
        state.recipient_handed_on(&rcpt(), &limits());
    }
    assert_eq!(decide(&state, "RCPT TO:<a@b>"), "452 4.5.3");
}

#[test]
fn what_is_not_offered_is_refused() {
    let mut state = state("ready");
    let ready = [
        ("MAIL FROM:<> SMTPUTF8", "Mail"),
        ("MAIL FROM:<> BODY=8BITMIME", "Mail"),
        ("MAIL FROM:<> SIZE=1000", "Mail"),
    ];
    for (line, expected) in ready {
        state.closed();
        assert_eq!(decide(&state, line), expected, "{line}");
    }
    state.offer.smtputf8 = false;
    state.offer.eight_bit_mime = false;
    state.offer.binarymime = false;
    state.offer.size = None;
    for (line, _) in ready {
        assert_eq!(decide(&state, line), "555 5.5.4", "{line}");
    }
    assert_eq!(state.message_size(&limits()), 1000);
    state.offer.chunking = false;
    assert_eq!(decide(&state, "BDAT 1"), "discard 502");
    state.offer.eight_bit_mime = true;
    state.offer.binarymime = true;
    let binary = "MAIL FROM:<> BODY=BINARYMIME";
    assert_eq!(decide(&state, binary), "501 5.5.4");
    state.offer.chunking = true;
    assert_eq!(decide(&state, binary), "Mail");
}

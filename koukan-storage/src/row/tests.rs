//! Values that other versions wrote can be read.

use koukan_core::{
    context::Context,
    path::{ForwardPath, ReversePath},
    reply::{FromUpstream, Handover, RemoteMta, Reply},
    signals::Carried,
    storage::record::{Attempt, Recipient},
    transaction::{Mail, Rcpt},
};

use jiff::Timestamp;

use super::{
    attempt::AttemptRow, context::ContextRow, mail::MailRow, malformed::from_json,
    recipient::RecipientRow,
};

#[test]
fn what_is_left_out_has_a_default() {
    let row: ContextRow<'_> = from_json("", r#"{"sender":"a"}"#).unwrap();
    let (context, signals) = <(Context, Carried)>::try_from(row).unwrap();
    assert_eq!(signals, Carried::default());
    assert_eq!(context.sender.to_string(), "a");
    assert_eq!(context.remote_host, None);
    let row: MailRow<'_> = from_json("", r#"{"reverse_path":""}"#).unwrap();
    assert_eq!(Mail::try_from(row).unwrap(), Mail::new(ReversePath::Null));
    let row: RecipientRow<'_> = from_json("", r#"{"forward_path":"a@b"}"#).unwrap();
    assert_eq!(Recipient::try_from(row).unwrap().settled, None);
    let json = r#"{"started":0,"ended":1,"final_reply":{"code":250}}"#;
    let row: AttemptRow<'_> = from_json("", json).unwrap();
    let attempt = Attempt::try_from(row).unwrap();
    assert_eq!(attempt.final_reply.text(), "");
    assert_eq!(attempt.recipient_replies, []);
    assert_eq!(attempt.final_replies, []);
}

#[test]
fn what_all_recipients_share_takes_no_room() {
    let mut attempt = Attempt::broken_off(Timestamp::UNIX_EPOCH, None, Vec::new());
    let json = |attempt: &Attempt| serde_json::to_string(&AttemptRow::from(attempt)).unwrap();
    assert!(!json(&attempt).contains("final_replies"));
    attempt.final_replies = vec![None, Some(Reply::mailbox_busy())];
    let json = json(&attempt);
    let row: AttemptRow<'_> = from_json("", &json).unwrap();
    assert_eq!(Attempt::try_from(row).unwrap(), attempt);
}

#[test]
fn who_gave_a_reply_is_kept() {
    let remote = RemoteMta {
        host: "mx.example.net".into(),
        address: "192.0.2.1:25".parse().unwrap(),
    };
    let kept = |reply: Reply| {
        let recipient = Recipient {
            rcpt: Rcpt::new("a@b".parse::<ForwardPath>().unwrap()),
            settled: Some(reply),
        };
        let json = serde_json::to_string(&RecipientRow::from(&recipient)).unwrap();
        let row: RecipientRow<'_> = from_json("", &json).unwrap();
        Recipient::try_from(row).unwrap().settled.unwrap()
    };
    let reply = Reply::no_such_user;
    assert_eq!(
        kept(reply().with_extension(remote.clone())).server(),
        Some(&remote)
    );
    let socket = RemoteMta {
        host: "unix:/run/lmtp".into(),
        address: "unix:/run/lmtp".parse().unwrap(),
    };
    let by_socket = kept(reply().with_extension(socket.clone()));
    assert_eq!(by_socket.server(), Some(&socket));
    let unnamed = kept(reply().with_extension(FromUpstream));
    assert!(unnamed.is_from_upstream() && unnamed.server().is_none());
    assert!(!kept(reply()).is_from_upstream());
    for handover in [None, Some(Handover::PassedOn), Some(Handover::Told)] {
        let reply = Reply::message_accepted();
        let reply = match handover {
            Some(handover) => reply.with_extension(handover),
            None => reply,
        };
        assert_eq!(kept(reply).handover(), handover);
    }
    let closing = Reply::service_closing();
    assert_eq!(kept(closing.clone().relayed()).as_said(), closing);
}

#[test]
fn what_is_not_known_is_passed_over() {
    let json = r#"{"sender":"a","new":{"x":[1]},"tls":{"version":"1","cipher":"2","new":3}}"#;
    let row: ContextRow<'_> = from_json("", json).unwrap();
    let (context, _) = <(Context, Carried)>::try_from(row).unwrap();
    assert_eq!(&*context.tls.unwrap().cipher, "2");
}

#[test]
fn escapes_are_understood() {
    let json =
        r#"{"reverse_path":"\"a\\\"b\"@\u4f8b.jp","parameters":[["X","\u00fc"],["Y",null]]}"#;
    let row: MailRow<'_> = from_json("", json).unwrap();
    let mail = Mail::try_from(row).unwrap();
    assert_eq!(mail.reverse_path.as_str(), "\"a\\\"b\"@例.jp");
    assert_eq!(mail.parameters.get("x").unwrap().value(), Some("ü"));
}

#[test]
fn what_makes_no_sense_is_an_error() {
    for json in [
        r#"{"reverse_path":"no address"}"#,
        r#"{"reverse_path":"","parameters":[["A B",null]]}"#,
        r#"{"reverse_path":"","parameters":[["A",null],["a",null]]}"#,
    ] {
        let row: MailRow<'_> = from_json("", json).unwrap();
        assert!(Mail::try_from(row).is_err(), "{json}");
    }
    for json in [
        r#"{"forward_path":"a@b","settled":{"code":99}}"#,
        r#"{"forward_path":"a@b","settled":{"code":250,"enhanced":"9.9"}}"#,
    ] {
        let row: RecipientRow<'_> = from_json("", json).unwrap();
        assert!(Recipient::try_from(row).is_err(), "{json}");
    }
}

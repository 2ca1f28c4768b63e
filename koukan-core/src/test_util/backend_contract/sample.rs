//! Transactions for testing a backend.

use std::sync::Arc;

use bytes::Bytes;
use jiff::{Timestamp, ToSpan};

use crate::{
    blob::BlobId,
    context::{ClientName, Context, Sender, Tls},
    path::{Parameter, Parameters, ReversePath},
    reply::{Encryption, EnhancedCode, RemoteMta, Reply, ReplyCode, TlsVerdict},
    shares::Client,
    signals::Carried,
    storage::{
        Backend,
        record::{
            Attempt, BlobContent, Due, FinalReason, Leased, MessageKey, NewBody, NewTransaction,
            Recipient, SessionId, Settlement, Shown, Standing, Status, Terms, TransactionId, Work,
        },
    },
    transaction::{Mail, Rcpt},
};

/// That many seconds after a time with a fraction.
pub(super) fn time(seconds: i64) -> Timestamp {
    let start = Timestamp::from_microsecond(1_790_000_000_123_456).unwrap();
    start + seconds.seconds()
}

pub(super) fn due(seconds: i64) -> Status {
    Status::Due(Due {
        at: time(seconds),
        work: Work::Attempt,
    })
}

pub(super) fn inline(octets: &'static [u8]) -> NewBody {
    let content = BlobContent::Inline(vec![Bytes::from_static(octets)]);
    NewBody::message(BlobId::random(), octets.len() as u64, content)
}

pub(super) fn stored(blob: BlobId, len: u64) -> NewBody {
    NewBody {
        prefix: Bytes::from_static(b"Received: by here\r\n"),
        ..NewBody::message(blob, len, BlobContent::Stored)
    }
}

pub(super) fn recipient(mailbox: &str) -> Recipient {
    Recipient {
        rcpt: Rcpt {
            forward_path: mailbox.parse().unwrap(),
            parameters: Parameters::default(),
        },
        settled: None,
    }
}

/// Due at `time(0)`, with one recipient and a small body.
pub(super) fn plain() -> NewTransaction {
    NewTransaction {
        id: TransactionId::random(),
        created: time(0),
        context: Arc::new(Context::new(Sender::new("submission"))),
        signals: Carried::default(),
        mail: Mail::new("alice@example.com".parse::<ReversePath>().unwrap()),
        recipients: vec![recipient("bob@example.com")],
        body: Some(inline(b"Subject: hi\r\n\r\nhello\r\n")),
        message_key: None,
        terms: Terms::default(),
        attempts: Vec::new(),
        status: due(0),
        leased_by: None,
        idempotency_key: None,
    }
}

/// A transaction in which every field has a value, and an unusual one where possible.
pub(super) fn rich() -> NewTransaction {
    let mut context =
        Context::new(Sender::new("weiterleitung \u{1f4ee}").with_tag("a/b \"quoted\""));
    context.remote_host = Some("[2001:db8::1]:52525".parse().unwrap());
    context.local_host = Some("192.0.2.1:25".parse().unwrap());
    context.client_name = Some(ClientName {
        name: "[IPv6:2001:db8::1]".into(),
        is_extended: true,
    });
    context.tls = Some(Tls {
        version: "TLSv1.3".into(),
        cipher: "TLS13_AES_256_GCM_SHA384".into(),
        client: None,
    });
    context.identity = Some("用户 'o\"neil".into());
    context.next_hop = Some("[2001:db8::99]:2525".parse().unwrap());
    context.caller = Client::named("用户");
    context.told.remote = Some("mx.example.com:25".parse().unwrap());
    context.told.local = Some("[::1]:25".parse().unwrap());
    NewTransaction {
        context: Arc::new(context),
        signals: signals(),
        mail: Mail {
            reverse_path: "\"a\\\"b> SIZE=1\"@例え.jp".parse().unwrap(),
            parameters: parameters(&[
                ("SMTPUTF8", None),
                ("size", Some("18446744073709551615")),
                ("X-ODD", Some("+41;ü,\"")),
            ]),
        },
        recipients: vec![
            recipient("Postmaster"),
            Recipient {
                rcpt: Rcpt {
                    forward_path: "\"x y\"@[IPv6:::1]".parse().unwrap(),
                    parameters: parameters(&[("NOTIFY", Some("SUCCESS,FAILURE"))]),
                },
                settled: Some(multi_line()),
            },
            recipient("用户@例え.jp"),
        ],
        body: Some(NewBody {
            prefix: Bytes::from_static(b"Received: from\r\n\tthere\r\n"),
            ..inline(b"\r\n\0\xff not UTF-8 \xfe\r\n")
        }),
        message_key: Some(MessageKey::random()),
        terms: Terms {
            retry: true,
            notify: true,
        },
        attempts: vec![attempt(-20), attempt(-10)],
        status: Status::Due(Due {
            at: time(7),
            work: Work::Notify,
        }),
        ..plain()
    }
}

/// The id of another message, and unknown names.
fn signals() -> Carried {
    let json = r#"{"spf \"\u00fc\"": {"a": [1, null, "\u0000"]}, "spf": "pass", "none": null}"#;
    let map = serde_json::from_str(json).unwrap();
    let trace_id = TransactionId::random().into();
    Carried::from_map(map).with_trace_id(Some(trace_id))
}

pub(super) fn attempt(seconds: i64) -> Attempt {
    Attempt {
        started: time(seconds - 3),
        ended: time(seconds),
        mail_reply: Some(Reply::sender_ok().with_text("straße")),
        recipient_replies: vec![Some(Reply::recipient_ok()), None, Some(multi_line())],
        final_reply: Reply::new(ReplyCode::new(459).unwrap(), None, ""),
        final_replies: vec![Some(Reply::message_accepted()), None, Some(multi_line())],
        remote: Some(RemoteMta {
            host: "mx.example.com".into(),
            address: "[2001:db8::25]:25".parse().unwrap(),
        }),
        shown: Some(Box::new(Shown {
            mail: Some(Reply::sender_ok()),
            recipients: vec![None, Some(multi_line())],
            last: Some(Reply::message_accepted()),
        })),
        tls: Some(Box::new(Encryption {
            version: "TLSv1.3".into(),
            cipher: "TLS_AES_128_GCM_SHA256".into(),
            verdict: TlsVerdict::MtaSts,
        })),
        conversation: None,
        suppresses: Vec::new(),
    }
}

/// A settlement of a leased transaction, after an attempt that ended at `time(seconds)`.
pub(super) fn settlement(
    leased: &Leased,
    session: SessionId,
    seconds: i64,
    status: Status,
) -> Settlement {
    Settlement {
        id: leased.transaction.id,
        session,
        fence: leased.fence,
        attempt: Some(attempt(seconds)),
        recipients: leased.transaction.recipients.clone(),
        status,
        notification: None,
        kept: Vec::new(),
        events: Vec::new(),
        together: Vec::new(),
    }
}

pub(super) fn delivered() -> Status {
    Status::Final(FinalReason::Delivered)
}

fn multi_line() -> Reply {
    let enhanced = EnhancedCode::new(5, 7, 999).unwrap();
    Reply::new(
        ReplyCode::new(554).unwrap(),
        Some(enhanced),
        "first\nsecond \"line\"\nžádný",
    )
}

fn parameters(list: &[(&str, Option<&str>)]) -> Parameters {
    let mut parameters = Parameters::default();
    for (keyword, value) in list {
        let parameter = Parameter::new(keyword, *value);
        parameters.push(parameter.unwrap()).unwrap();
    }
    parameters
}

/// Begins a session and leases one transaction at `time(seconds)`.
pub(super) async fn lease_one(backend: &dyn Backend, seconds: i64) -> (SessionId, Leased) {
    let session = SessionId::random();
    backend.open_session(session, time(seconds)).await.unwrap();
    let mut leased = Vec::new();
    for standing in [Standing::Clear, Standing::Suspect] {
        let due = backend.lease_due(session, time(seconds), standing, 10, &[]);
        leased.extend(due.await.unwrap());
    }
    let [leased] = leased.try_into().expect("one transaction is due");
    (session, leased)
}

/// The octets of a finished blob.
pub(super) async fn read(backend: &dyn Backend, blob: BlobId, len: u64) -> Vec<u8> {
    let mut octets = Vec::new();
    while (octets.len() as u64) < len {
        let offset = octets.len() as u64;
        let read = backend.read_blob(blob, offset).await.unwrap();
        assert!(!read.is_empty(), "read no octets at {offset} of {len}");
        octets.extend_from_slice(&read);
    }
    octets
}

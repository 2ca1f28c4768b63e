//! Explanations of what would happen to messages, for operators.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use koukan_core::{
    clock::SystemClock,
    context::Sender,
    reply::Reply,
    resource::{
        Explain, ExplainRequest, ExplainResponse, Explanation, HostWay, Note, NotePhase, Passage,
        PassageOf, Refusal, Role, RuleFound, RuleLook, TlsWay, Way, What,
    },
};
use koukan_rest::{
    auth::{Auth, Token, generate_token},
    server::Server,
};
use serde_json::json;
use tower::{BoxError, service_fn};

use crate::support::{answering, current, json_request, send};

const ASKED: &str = r#"{
    "sender": "in", "tag": "mx", "mail_from": "", "rcpt_to": ["b@x", "c@x"], "ip": "192.0.2.1",
    "identity": "bob", "helo": "there.example", "tls": true, "message": "A: b\r\n\r\n"
}"#;

type Asked = Arc<Mutex<Vec<Explain>>>;

fn with_explanations(
    answer: impl Fn() -> ExplainResponse + Clone + Send + Sync + 'static,
) -> (Server, Asked) {
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let service = service_fn(move |request: ExplainRequest| {
        seen.lock().unwrap().push(request.explain);
        let answer = answer();
        async move { Ok::<_, BoxError>(answer) }
    });
    (answering(current("1")).0.with_explanations(service), asked)
}

fn explained() -> ExplainResponse {
    let note = |phase, what| Note {
        phase,
        filter: None,
        what,
    };
    let rule = RuleLook {
        rule: "r".into(),
        tag: "t".into(),
        found: RuleFound::NotYetKnown,
        asked: Vec::new(),
        action: None,
        reply: None,
    };
    let host = HostWay {
        host: "mx.x:25".parse().unwrap(),
        addresses: vec![("192.0.2.25:25".parse().unwrap(), None)],
        failed: None,
        tls: TlsWay::Dane,
        is_immediate: true,
    };
    let way = Way::Hosts {
        protocol: "smtp",
        domain: Some("x".into()),
        hosts: vec![host],
    };
    let passage = Passage {
        of: PassageOf::Part(0),
        sender: Sender::new("in").with_tag("mx"),
        chain: "c".into(),
        filters: vec!["policy_action".into()],
        notes: vec![
            note(NotePhase::Mail, What::Rule(rule)),
            note(NotePhase::Rcpt("b@x".into()), What::Goes(way)),
        ],
        signals: serde_json::Map::new(),
    };
    ExplainResponse::Explained(Box::new(Explanation {
        passages: vec![passage],
        mail: Reply::sender_ok(),
        recipients: vec![Reply::recipient_ok(), Reply::no_such_user()],
        message: None,
        unasked: Vec::new(),
    }))
}

#[tokio::test]
async fn what_is_asked_is_understood_and_what_is_told_is_written() {
    let (server, asked) = with_explanations(explained);
    let answer = send(server.router(), json_request("POST", "/explain", ASKED)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let told = answer.json();
    assert_eq!(told["recipients"][1]["code"], 550);
    assert!(told.get("message").is_none());
    let passage = &told["passages"][0];
    assert_eq!(
        (&passage["part_of"], &passage["tag"]),
        (&json!(0), &json!("mx"))
    );
    let rule = json!({"name": "r", "tag": "t", "says": "not_yet_known", "asked": []});
    assert_eq!(passage["notes"][0], json!({"phase": "mail", "rule": rule}));
    let host = json!({
        "host": "mx.x:25", "addresses": [{"address": "192.0.2.25:25"}], "tls": "dane",
        "tls_mode": "immediate",
    });
    let goes = json!({"by": "smtp", "domain": "x", "hosts": [host]});
    let expected = json!({"phase": "rcpt", "rcpt_to": "b@x", "goes": goes});
    assert_eq!(passage["notes"][1], expected);

    let asked = asked.lock().unwrap().pop().unwrap();
    assert_eq!(asked.context.sender, Sender::new("in").with_tag("mx"));
    assert_eq!(
        asked.context.remote_host.unwrap().ip().to_string(),
        "192.0.2.1"
    );
    assert_eq!(asked.context.identity.as_deref(), Some("bob"));
    assert!(asked.context.tls.is_some());
    assert!(asked.mail.reverse_path.is_null());
    assert_eq!(asked.recipients.len(), 2);
    assert_eq!(asked.message.as_deref(), Some(&b"A: b\r\n\r\n"[..]));
}

#[tokio::test]
async fn only_who_operates_the_agent_may_ask() {
    let (secret, hash) = generate_token();
    for (role, status) in [
        (Role::Submit, StatusCode::FORBIDDEN),
        (Role::Operate, StatusCode::OK),
    ] {
        let token = Token {
            role,
            ..Token::from_hex("t", &hash).unwrap()
        };
        let (server, asked) = with_explanations(explained);
        let server = server.with_auth(Auth::new([token], Arc::new(SystemClock)));
        let mut request = json_request("POST", "/explain", ASKED);
        let value = format!("Bearer {secret}").parse().unwrap();
        request.headers_mut().insert("authorization", value);
        assert_eq!(send(server.router(), request).await.status, status);
        assert_eq!(
            asked.lock().unwrap().len(),
            usize::from(status == StatusCode::OK)
        );
    }
}

#[tokio::test]
async fn what_cannot_be_explained_is_a_problem() {
    for (asked, field) in [
        (r#"{"mail_from": "", "rcpt_to": ["b@x"]}"#, "sender"),
        (
            r#"{"sender": "in", "mail_from": "a", "rcpt_to": ["b@x"]}"#,
            "mail_from",
        ),
        (
            r#"{"sender": "in", "mail_from": "", "rcpt_to": ["b x"]}"#,
            "rcpt_to[0]",
        ),
        (
            r#"{"sender": "in", "mail_from": "", "rcpt_to": ["b@x"], "to": 1}"#,
            "to",
        ),
        (
            r#"{"sender": "in", "mail_from": "", "rcpt_to": ["b@x"], "ip": "x"}"#,
            "ip",
        ),
    ] {
        let (server, seen) = with_explanations(explained);
        let answer = send(server.router(), json_request("POST", "/explain", asked)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{asked}");
        assert_eq!(answer.json()["field"], field, "{asked}");
        assert!(seen.lock().unwrap().is_empty());
    }
    let refused = || ExplainResponse::Refused(Refusal::not_found("there is no such sender"));
    let server = with_explanations(refused).0;
    let answer = send(server.router(), json_request("POST", "/explain", ASKED)).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let (server, _) = answering(current("1"));
    let answer = send(server.router(), json_request("POST", "/explain", ASKED)).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

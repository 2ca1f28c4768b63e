//! Log lines as they are written.

use std::sync::{Arc, Mutex};

use koukan_core::lists::List;
use tracing_subscriber::layer::SubscriberExt;

use super::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written while `log` runs.
fn written(format: LogFormat, log: impl FnOnce()) -> String {
    let lines = Lines::default();
    let to = lines.clone();
    let layer = super::lines(format, move || to.clone(), false);
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, log);
    let octets = lines.0.lock().unwrap().clone();
    String::from_utf8(octets).unwrap()
}

/// Characters that reverse the writing direction, end a line in some place, control a terminal, or
/// are invisible.
const HOSTILE: &str = "a\u{202e}b\u{2028}c\u{85}d\u{1b}[2Je\u{200b}f\ng\u{7f}h\u{feff}\u{e0041}";

#[test]
fn values_with_spaces_are_quoted_and_others_stand_as_they_are() {
    let line = written(LogFormat::Human, || {
        tracing::info!(
            from = %"a b@example.com",
            to = "bob@example.com",
            reply = %"250 2.0.0 \"ok\" x=1",
            number = 3,
            text = ?"a \"b\"",
            list = ?["127.0.0.1:25"],
            empty = "",
            "all is well"
        );
    });
    let line = line.trim_end();
    let told = concat!(
        "all is well from=\"a b@example.com\" to=bob@example.com ",
        r#"reply="250 2.0.0 \"ok\" x=1" number=3 text="a \"b\"" "#,
        r#"list="[\"127.0.0.1:25\"]" empty="""#,
    );
    assert!(line.ends_with(told), "{line}");
}

#[test]
fn numbers_and_quotes_are_written_as_they_always_were() {
    let line = written(LogFormat::Human, || {
        tracing::info!(
            whole = 2.0,
            part = 0.25,
            negative = -3,
            large = u64::MAX,
            yes = true,
            backslash = "a\\b",
            space_backslash = "a \\b",
            apostrophe = "it's here",
            braces = "{x}",
            accent = "ü ö",
            long = %"x".repeat(10_000),
            "done"
        );
    });
    let told = concat!(
        "done whole=2.0 part=0.25 negative=-3 large=18446744073709551615 yes=true ",
        r#"backslash=a\b space_backslash="a \\b" apostrophe="it's here" "#,
        r#"braces="{x}" accent="ü ö" long=xxxx"#,
    );
    assert!(line.contains(told), "{line}");
}

#[test]
fn a_value_cannot_look_like_another_field() {
    let line = written(LogFormat::Human, || {
        tracing::info!(from = %"\"x\" state=\"delivered\"", "done");
    });
    assert!(
        line.contains(r#"from="\"x\" state=\"delivered\"""#),
        "{line}"
    );
}

#[test]
fn what_does_not_show_is_escaped_for_people() {
    let line = written(LogFormat::Human, || {
        let span = tracing::info_span!("request", path = %HOSTILE);
        let _entered = span.enter();
        tracing::info!(value = %HOSTILE, debug = ?HOSTILE, text = HOSTILE, "said {HOSTILE}");
    });
    assert_eq!(line.lines().count(), 1, "{line}");
    let is_hidden = |c: char| c != '\n' && !escape::is_shown(c);
    assert!(!line.contains(is_hidden), "{line:?}");
    assert_eq!(line.matches("\\u{202e}").count(), 5, "{line}");
    assert_eq!(line.matches("\\u{2028}").count(), 5, "{line}");
}

#[test]
fn what_does_not_show_is_escaped_in_json_and_means_the_same() {
    let line = written(LogFormat::Json, || {
        let span = tracing::info_span!("request", path = %HOSTILE);
        let _entered = span.enter();
        tracing::info!(value = %HOSTILE, "said {HOSTILE}");
    });
    assert_eq!(line.lines().count(), 1, "{line}");
    let is_hidden = |c: char| c != '\n' && !escape::is_shown(c);
    assert!(!line.contains(is_hidden), "{line:?}");
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(json["value"], HOSTILE);
    assert_eq!(json["message"], format!("said {HOSTILE}"));
    assert_eq!(json["span"]["path"], HOSTILE);
}

#[test]
fn json_has_the_fields_and_the_spans() {
    let line = written(LogFormat::Json, || {
        let outer = tracing::info_span!("request", id = 7);
        let _outer = outer.enter();
        let inner = tracing::info_span!("transaction");
        let _inner = inner.enter();
        tracing::warn!(
            target: "koukan::x",
            number = 3,
            signed = -1,
            share = 0.5,
            no_number = f64::NAN,
            truth = true,
            text = "a \"b\"",
            r#type = "t",
            debug = ?Some(1),
            "said"
        );
    });
    let mut json: serde_json::Value = serde_json::from_str(&line).unwrap();
    let timestamp = json["timestamp"].take();
    let timestamp = timestamp.as_str().unwrap().parse::<jiff::Timestamp>();
    assert!(timestamp.is_ok(), "{line}");
    let outer = serde_json::json!({ "name": "request", "id": 7 });
    let inner = serde_json::json!({ "name": "transaction" });
    let expected = serde_json::json!({
        "timestamp": null, "level": "WARN", "target": "koukan::x", "message": "said", "number": 3,
        "signed": -1, "share": 0.5, "no_number": null, "truth": true, "text": "a \"b\"",
        "type": "t", "debug": "Some(1)", "span": inner, "spans": [outer, inner],
    });
    assert_eq!(json, expected);
}

/// Runs a transaction with a recipient that looks like two.
async fn transaction() {
    use koukan_core::{
        middleware::TraceLayer,
        observer::Log,
        reply::Reply,
        test_util::{Script, mail, rcpt, send},
    };
    use tower::Layer;

    let upstream = Script::new().rcpt("no@y", Reply::no_such_user());
    let recipients = [rcpt("\"b c=250\"@y"), rcpt("no@y")];
    let sent = send(
        TraceLayer::new(Log.into()).layer(upstream),
        mail("a@x"),
        recipients,
        "\r\nhi\r\n",
    );
    drop(sent.await);
}

#[test]
fn lists_are_arrays_in_json_and_stand_in_a_row_for_people() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().build().unwrap();
    let log = || {
        runtime.block_on(transaction());
        tracing::info!(
            smtp = List::of(["127.0.0.1:25", "[::1]:25"]).as_field(),
            rest = List::<String>::default().as_field(),
            "listening"
        );
    };
    let lines = written(LogFormat::Json, log);
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let recipients = serde_json::json!(["\"b c=250\"@y=250", "no@y=550"]);
    let named = |message| {
        let mut lines = lines.iter();
        lines.find(|line| line["message"] == message).unwrap()
    };
    let ended = named("transaction ended");
    assert_eq!(ended["recipients"], recipients);
    let refusals = serde_json::json!(["no@y: 550 5.1.1 no such user here"]);
    assert_eq!(ended["refusals"], refusals);
    let addresses = serde_json::json!(["127.0.0.1:25", "[::1]:25"]);
    assert_eq!(named("listening")["smtp"], addresses);
    assert_eq!(named("listening")["rest"], serde_json::json!([]));
    let lines = written(LogFormat::Human, log);
    let recipients = r#"recipients="\"b c=250\"@y=250 no@y=550""#;
    assert!(lines.contains(recipients), "{lines}");
    assert!(lines.contains(r#"smtp="127.0.0.1:25 [::1]:25""#), "{lines}");
}

#[test]
fn a_line_that_is_about_a_message_has_its_id() {
    use koukan_core::{
        middleware::TraceLayer,
        signals::TraceId,
        test_util::{mail, rcpt, send},
        transaction::Transaction,
    };
    use tower::{BoxError, Layer, service_fn};

    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().build().unwrap();
    let id = Mutex::new(None);
    let log = || {
        let looks_up = service_fn(|tx: Transaction| async move {
            tracing::info!(name = "x", "looked up");
            tracing::info!(id = 7, "has another");
            let id = TraceId::of(&tx.signals).to_string();
            Err::<_, BoxError>(
                koukan_core::reply::Rejection::from(
                    koukan_core::reply::Reply::policy_refused().with_text(id),
                )
                .into(),
            )
        });
        let service = TraceLayer::default().layer(looks_up);
        let outcome = runtime.block_on(send(service, mail("a@x"), [rcpt("b@y")], ""));
        *id.lock().unwrap() = Some(outcome.mail.text().to_owned());
        tracing::info!("about none");
    };
    let lines = written(LogFormat::Human, log);
    let of_message = id.lock().unwrap().take().unwrap();
    let lines: Vec<_> = lines.lines().collect();
    assert!(
        lines[0].ends_with(&format!("looked up name=x id={of_message}")),
        "{lines:?}"
    );
    assert!(lines[1].ends_with("has another id=7"), "{lines:?}");
    assert!(lines[2].ends_with("about none"), "{lines:?}");
    let lines = written(LogFormat::Json, log);
    let of_message = id.lock().unwrap().take().unwrap();
    let ids = lines.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["id"].clone()
    });
    assert_eq!(
        ids.collect::<Vec<_>>(),
        [of_message.into(), 7.into(), serde_json::Value::Null]
    );
}

#[test]
fn a_panic_is_a_line_like_others() {
    let line = written(LogFormat::Json, || {
        let here = std::thread::current().id();
        let before = panic::take_hook();
        // Panics of other tests are handled as before.
        panic::set_hook(Box::new(move |panic| {
            if std::thread::current().id() == here {
                panics::tell(panic);
            } else {
                before(panic);
            }
        }));
        let ended = panic::catch_unwind(|| panic!("no {}\nluck", 1));
        drop(panic::take_hook());
        assert!(ended.is_err());
    });
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(json["message"], "panicked: no 1\nluck");
    let place = json["place"].as_str().unwrap();
    assert!(place.contains("logging/tests.rs:"), "{place}");
}

#[test]
fn words_of_all_languages_stay_readable() {
    for text in ["grüße", "メール", "почта", "हिन्दी", "e\u{301}", "😀"] {
        let human = written(LogFormat::Human, || tracing::info!(subject = text, "x"));
        assert!(human.contains(&format!("subject={text}")), "{human}");
        let json = written(LogFormat::Json, || tracing::info!(subject = text, "x"));
        assert!(json.contains(text), "{json}");
    }
}

#[test]
fn an_error_is_told_with_its_causes() {
    let error = crate::StartError::Directory("/d".into(), io::Error::other("no room"));
    let error: &(dyn std::error::Error + 'static) = &error;
    let line = written(LogFormat::Human, || tracing::error!(error, "stopped"));
    assert!(
        line.contains("error=\"cannot use the directory /d: no room\""),
        "{line}"
    );
}

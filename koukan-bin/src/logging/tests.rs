//! Lines as they are written.

use std::sync::{Arc, Mutex};

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

/// Turns writing round, ends a line somewhere, is a control character, shows nothing.
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

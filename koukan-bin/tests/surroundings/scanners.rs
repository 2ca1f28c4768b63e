//! Scanners, with the filters of docs/scanners.md.

use super::*;

const PAGE: &str = include_str!("../../../docs/scanners.md");

/// Like [`connector`], with a clamd that has that finding, and an rspamd with that answer.
fn with_scanners(
    script: &Script,
    clamd: &'static str,
    rspamd: Option<&'static str>,
) -> ScriptedConnector {
    let script = script.clone();
    let of_rspamd = "127.0.0.1:11333".parse().unwrap();
    let connector = ScriptedConnector::new(move |address, mut io| match (address.port(), rspamd) {
        (25, _) => {
            let server = Server::new(script.clone()).with_name("mx.example.net");
            tokio::spawn(server.serve(io, &Connected::default()));
        }
        (3310, _) => {
            tokio::spawn(async move {
                let mut asked = Vec::new();
                while !asked.ends_with(b"hello\r\n\0\0\0\0") {
                    io.read_buf(&mut asked).await.unwrap();
                }
                io.write_all(clamd.as_bytes()).await.unwrap();
            });
        }
        (_, Some(json)) => {
            tokio::spawn(async move {
                let mut asked = Vec::new();
                while !asked.ends_with(b"hello\r\n") {
                    io.read_buf(&mut asked).await.unwrap();
                }
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", json.len());
                io.write_all((head + json).as_bytes()).await.unwrap();
            });
        }
        (_, None) => {}
    });
    match rspamd {
        Some(_) => connector,
        None => connector.with_refused(of_rspamd),
    }
}

async fn answered(clamd: &'static str, rspamd: Option<&'static str>) -> (String, Script) {
    let (_, rest) = PAGE.split_once("<!-- scan -->").unwrap();
    let (_, rest) = rest.split_once("```yaml\nfilter:\n  - ").unwrap();
    let (filters, _) = rest.split_once("```").unwrap();
    let filters = filters.trim_end().replace('\n', "\n            ");
    let script = Script::new();
    let builder = Koukan::builder()
        .resolver(resolver())
        .connector(with_scanners(&script, clamd, rspamd));
    let agent = start(builder, &config(filters)).await;
    let reply = send(&agent, "a@example.org", "b@example.net").await;
    let metrics = agent.metrics();
    agent.stop().await;
    let found = match clamd {
        CLEAN => "clean",
        "" => "unavailable",
        _ => "infected",
    };
    let counted =
        format!("koukan_scanned_messages_total{{scanner=\"clamav\",result=\"{found}\"}} 1\n");
    assert!(metrics.contains(&counted), "{metrics}");
    let outcome = if found == "unavailable" {
        "failed"
    } else {
        "answered"
    };
    let counted = format!(
        "koukan_scanner_questions_total{{scanner=\"clamav\",address=\"127.0.0.1:3310\",outcome=\"{outcome}\"}} 1\n"
    );
    assert!(metrics.contains(&counted), "{metrics}");
    (reply, script)
}

const CLEAN: &str = "stream: OK\0";

#[tokio::test]
async fn what_scanners_say_refuses_messages_or_is_told_to_rules_as_the_page_says() {
    let spam = r#"{"action":"add header","score":7.5,"required_score":15}"#;
    let (reply, script) = answered(CLEAN, Some(spam)).await;
    assert!(reply.starts_with("250 2."), "{reply}");
    assert!(script.only_received().text().ends_with("hello\r\n"));

    let (reply, _) = answered("stream: Eicar FOUND\0", Some(spam)).await;
    assert_eq!(reply.trim_end(), "550 5.7.1 message is infected (Eicar)");
    let (reply, _) = answered(CLEAN, Some(r#"{"action":"reject","score":20}"#)).await;
    assert_eq!(reply.trim_end(), "550 5.7.1 message is refused as spam");
    // If its scanner cannot be asked, one filter defers mail, and the other one lets it pass.
    let (reply, _) = answered(CLEAN, None).await;
    assert!(reply.starts_with("250 2."), "{reply}");
    let (reply, _) = answered("", None).await;
    assert!(reply.starts_with("451 4.7.1 cannot scan"), "{reply}");
}

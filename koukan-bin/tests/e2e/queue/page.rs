//! The commands in docs/operating.md answer the questions beside them, exactly as written there.

use std::{process::Command, time::Duration};

use serde_json::Value;

use crate::{
    client::Client,
    collector::Collector,
    peers::run,
    process::{eventually, free_address},
};

use super::setup::Agent;

const PAGE: &str = include_str!("../../../../docs/operating.md");
const LIMIT: Duration = Duration::from_secs(20);

/// The command beside a question, for the mail that this test sends.
fn command(question: &str, id: &str) -> Vec<String> {
    let line = PAGE.lines().find(|line| line.contains(question));
    let line = line.unwrap_or_else(|| panic!("{question:?} is not on the page"));
    let command = line.split('`').nth(1).unwrap();
    let words = command.strip_prefix("koukan ").unwrap().split(' ');
    let ours = |word: &str| {
        word.replace("example.com", "smtp.example")
            .replace("ID", id)
    };
    words.map(ours).collect()
}

fn koukan(agent: &Agent, words: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
    let url = format!("http://{}", agent.rest);
    command.args(words).args(["--url", &url]);
    command
}

/// Runs the command that the page gives for a question.
fn ask(agent: &Agent, question: &str, id: &str) -> String {
    run(&mut koukan(agent, &command(question, id)))
}

fn json(agent: &Agent, words: &[&str]) -> Value {
    let words: Vec<_> = words.iter().map(ToString::to_string).collect();
    serde_json::from_str(&run(koukan(agent, &words).arg("--json"))).unwrap()
}

fn send(agent: &Agent, to: &[&str]) {
    let mut client = Client::connect(agent.submission).unwrap();
    for to in to {
        let sent = client.send("alice@example.org", &[to], "Subject: hi\r\n\r\nhello\r\n");
        assert!(sent.unwrap().is_accepted());
    }
}

#[test]
fn each_command_of_the_page_does_what_is_asked() {
    let [host, sink_address] = [(); 2].map(|()| free_address());
    let mut agent = Agent::start(host, sink_address);
    send(&agent, &["bob@smtp.example", "carol@smtp.example"]);

    let listed = ask(&agent, "where is this message?", "");
    assert!(listed.contains("alice@example.org"), "{listed}");
    let bobs = ["queue", "list", "--to", "bob@smtp.example"];
    let id = json(&agent, &bobs)["transactions"][0]["id"].clone();
    let id = id.as_str().unwrap();
    eventually(LIMIT, || {
        let shown = ask(&agent, "what did the other side reply?", id);
        shown.contains("attempt 1, ")
    });
    assert!(ask(&agent, "what is in it?", id).ends_with("\r\n\r\nhello\r\n"));
    eventually(LIMIT, || {
        let words = command("send it now", id);
        koukan(&agent, &words).output().unwrap().status.success()
    });
    let shown = ask(&agent, "what is the state of mail for that domain?", "");
    assert!(shown.contains("queued         2\n"), "{shown}");

    let stopped = ask(&agent, "stop everything to that domain", "");
    assert!(stopped.contains("suspended      since "), "{stopped}");
    let (smtp, sink) = (Collector::listen(host), Collector::listen(sink_address));
    send(&agent, &["dave@smtp.example", "erin@example.com"]);
    eventually(LIMIT, || sink.messages("erin@example.com").len() == 1);
    agent.stop(Duration::from_secs(10));
    let mut listed = Command::new(env!("CARGO_BIN_EXE_koukan"));
    listed.args(["destinations", "list", "--config"]);
    let listed = run(listed.arg(agent.config()));
    assert!(listed.contains("smtp.example  suspended  3 "), "{listed}");
    agent.restart();
    let one = json(&agent, &["destinations", "show", "smtp.example"]);
    assert_eq!(
        (&one["state"], &one["queued"]),
        (&"suspended".into(), &3.into())
    );
    let waiting = json(&agent, &bobs);
    assert!(
        waiting["transactions"][0]["suspended"].is_string(),
        "{waiting}"
    );
    for to in ["bob", "carol", "dave"] {
        assert!(smtp.messages(&format!("{to}@smtp.example")).is_empty());
    }
    ask(&agent, "and resume it", "");
    for to in ["bob", "carol", "dave"] {
        eventually(LIMIT, || {
            smtp.messages(&format!("{to}@smtp.example")).len() == 1
        });
    }

    ask(&agent, "stop everything to that domain", "");
    send(&agent, &["frank@smtp.example"]);
    let returned = ask(&agent, "return all of it to the senders", "");
    assert!(returned.starts_with("1 of 1 were changed"), "{returned}");
    eventually(LIMIT, || sink.messages("alice@example.org").len() == 1);
    let notification = sink.only_message("alice@example.org");
    assert!(
        notification.contains("frank@smtp.example"),
        "{notification}"
    );
}

#[test]
fn what_is_no_destination_is_told() {
    let sink = Collector::start();
    let agent = Agent::start(sink.address, sink.address);
    for (words, told) in [
        (&["destinations", "suspend", "a b"][..], "not a domain"),
        (&["destinations", "list", "--limit", "0"], "positive"),
    ] {
        let words: Vec<_> = words.iter().map(ToString::to_string).collect();
        let output = koukan(&agent, &words).output().unwrap();
        assert!(!output.status.success());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains(told), "{error}");
    }
    let suspend = ["destinations", "suspend", "x.example"].map(str::to_owned);
    run(&mut koukan(&agent, &suspend));
    let retry = ["destinations", "retry", "x.example"].map(str::to_owned);
    let output = koukan(&agent, &retry).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("is suspended: resume it"), "{error}");
}

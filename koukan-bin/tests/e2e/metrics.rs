//! The metrics that Prometheus collects.

use std::{
    collections::BTreeSet,
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    agent::Agent,
    client::Client,
    collector::Collector,
    http::Request,
    peers::{peer, run},
    process::eventually,
};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

fn scrape(agent: &Agent) -> String {
    let answer = Request::get("/metrics").send(agent.rest).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.content().to_owned()
}

/// The names of the series, without their values.
fn series(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(series, _)| series)
        .collect()
}

/// Lets Prometheus' own tool read the text and look for unusual things.
fn check(text: &str) {
    let mut promtool: Command = peer("promtool");
    promtool.args(["check", "metrics"]);
    promtool.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut checking = promtool.stderr(Stdio::piped()).spawn().unwrap();
    let mut input = checking.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    let output = checking.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.is_empty(), "{told}\n{text}");
}

#[test]
fn what_happened_is_counted_and_prometheus_reads_it() {
    let sink = Collector::start();
    let agent = Agent::start(sink.address);
    let mut client = Client::connect(agent.ingress).unwrap();
    let mut submitter = Client::connect(agent.submission).unwrap();
    let mut send = |to: &str| client.send("a@example.org", &[to], MESSAGE).unwrap();
    assert!(send("bob@example.com").is_accepted());
    send("550@example.com");
    send("end554@example.com");
    let kept = submitter.send("a@example.org", &["450@example.com"], MESSAGE);
    assert!(kept.unwrap().is_accepted());
    let expected = [
        r#"koukan_connections{protocol="smtp",sender="ingress"} 1"#,
        r#"koukan_connections_opened_total{protocol="smtp",sender="submission"} "#,
        r#"koukan_messages_accepted_total{sender="ingress",custody="upstream"} 1"#,
        r#"koukan_messages_accepted_total{sender="submission",custody="own"} 1"#,
        r#"koukan_transactions_total{sender="ingress",outcome="refused"} 2"#,
        r#"koukan_recipients_refused_total{sender="ingress",reply="5yz"} 1"#,
        r#"koukan_transaction_duration_seconds_count{sender="ingress"} "#,
        "koukan_memory_used_bytes ",
    ];
    eventually(Duration::from_secs(10), || {
        let text = scrape(&agent);
        expected
            .iter()
            .all(|line| text.lines().any(|found| found.starts_with(line)))
    });
    let text = scrape(&agent);
    for line in [
        "koukan_messages_deferred_total{",
        "koukan_recipients_delivered_total{",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    check(&text);
}

#[test]
fn a_thousand_recipients_make_no_more_series() {
    let sink = Collector::start();
    let agent = Agent::start(sink.address);
    let mut client = Client::connect(agent.ingress).unwrap();
    let mut send = |from: usize, name: &str| {
        let to: Vec<_> = (0..100)
            .map(|n| format!("{name}{from}x{n}@example.com"))
            .collect();
        let to: Vec<_> = to.iter().map(String::as_str).collect();
        let from = format!("a{from}@host{from}.example.org");
        client.send_pipelined(&from, &to, MESSAGE).unwrap()
    };
    let is_all_there = |text: &str, count: usize| {
        let delivered = |line: &&str| line.starts_with("koukan_recipients_delivered_total{");
        let count = format!(" {count}");
        text.lines()
            .filter(delivered)
            .any(|line| line.ends_with(&count))
    };
    assert!(send(0, "b").is_accepted());
    eventually(Duration::from_secs(10), || {
        is_all_there(&scrape(&agent), 100)
    });
    let before = scrape(&agent);
    for n in 1..=10 {
        assert!(send(n, "c").is_accepted());
    }
    eventually(Duration::from_secs(10), || {
        is_all_there(&scrape(&agent), 1100)
    });
    let after = scrape(&agent);
    assert_eq!(series(&after), series(&before));
}

#[test]
fn it_is_shown_how_long_certificates_are_valid() {
    let files = crate::tls::Files::new();
    let sink = Collector::start();
    let agent = crate::tls::Agent::start(&files, sink.address);
    let url = format!("https://localhost:{}/metrics", agent.rest.port());
    let mut curl = peer("curl");
    curl.args(["--silent", "--show-error", "--noproxy", "*"])
        .args(["--cacert", &files.shown("ca.pem"), &url]);
    let text = run(&mut curl);
    let name = format!(
        "koukan_certificate_left_seconds{{file=\"{}\"}} ",
        files.shown("mx.pem")
    );
    let left = text.lines().find_map(|line| line.strip_prefix(&*name));
    let left: i64 = left.unwrap_or_else(|| panic!("{text}")).parse().unwrap();
    assert!(left > 14 * 24 * 3600, "{text}");
    check(&text);
}

#[test]
fn what_is_queued_is_counted() {
    let sink = Collector::start();
    let agent = Agent::start(sink.address);
    let mut submitter = Client::connect(agent.submission).unwrap();
    let kept = submitter.send("a@example.org", &["450@example.com"], MESSAGE);
    assert!(kept.unwrap().is_accepted());
    let value = |line: &str| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap();
    // The transaction is by turns due, due later, and running.
    eventually(Duration::from_secs(60), || {
        let text = scrape(&agent);
        let states = text
            .lines()
            .filter(|line| line.starts_with("koukan_queue_transactions{"));
        let states: Vec<_> = states.map(value).collect();
        assert_eq!(states.len(), 4, "{text}");
        let oldest = text
            .lines()
            .find(|line| line.starts_with("koukan_queue_oldest_due_seconds "));
        states.iter().sum::<f64>() == 1.0 && value(oldest.unwrap()) < 60.0
    });
}

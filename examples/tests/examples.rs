//! Each example, run as a user runs it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// An example that listens.
struct Example {
    process: Child,
    address: SocketAddr,
    output: BufReader<std::process::ChildStdout>,
}

impl Example {
    fn start(name: &str, more: &[String]) -> Self {
        // Test programs are in a directory beside that of the examples.
        let this = std::env::current_exe().unwrap();
        let folder = this.parent().and_then(|deps| deps.parent()).unwrap();
        let mut process = Command::new(folder.join("examples").join(name))
            .arg("127.0.0.1:0")
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap();
        Self {
            address: address.parse().unwrap(),
            process,
            output,
        }
    }

    /// Sends a message; returns the first digits of all replies after that to EHLO.
    fn send(&self, from: &str, to: &[&str], text: &str) -> Vec<String> {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let mut stream = BufReader::new(stream);
        reply(&mut stream);
        command(&mut stream, "EHLO client.example");
        let mut replies = vec![command(&mut stream, &format!("MAIL FROM:<{from}>"))];
        for to in to {
            replies.push(command(&mut stream, &format!("RCPT TO:<{to}>")));
        }
        replies.push(command(&mut stream, "DATA"));
        if replies.last().is_some_and(|data| data == "354") {
            let message = format!("Subject: hi\r\n\r\n{text}\r\n.");
            replies.push(command(&mut stream, &message));
        }
        replies
    }

    fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(stream: &mut BufReader<TcpStream>, line: &str) -> String {
    stream
        .get_mut()
        .write_all(format!("{line}\r\n").as_bytes())
        .unwrap();
    reply(stream)
}

fn reply(stream: &mut BufReader<TcpStream>) -> String {
    loop {
        let mut line = String::new();
        assert!(
            stream.read_line(&mut line).unwrap() > 0,
            "the connection was closed"
        );
        if line.as_bytes()[3] != b'-' {
            return line[..3].to_owned();
        }
    }
}

#[test]
fn filter_from_fn_knows_its_users() {
    let example = Example::start("filter_from_fn", &[]);
    let replies = example.send("a@x", &["bob@example.com", "eve@example.com"], "hello");
    assert_eq!(replies, ["250", "250", "550", "354", "250"]);
}

#[test]
fn filter_layer_rejects_a_word_in_the_message() {
    let example = Example::start("filter_layer", &[]);
    let fine = example.send("a@x", &["bob@example.com"], "hello");
    assert_eq!(fine, ["250", "250", "354", "250"]);
    let refused = example.send("a@x", &["bob@example.com"], "you should buy now!");
    assert_eq!(refused, ["250", "250", "354", "554"]);
}

#[test]
fn smtp_to_closure_prints_what_passed_its_layers() {
    let mut example = Example::start("smtp_to_closure", &[]);
    let refused = example.send("", &["bob@example.com"], "hello");
    assert_eq!(refused[0], "550");
    let replies = example.send("a@x", &["bob@example.com"], "hello");
    assert_eq!(replies, ["250", "250", "354", "250"]);
    let printed = [(); 5].map(|()| example.next_line());
    assert_eq!(
        printed,
        [
            "from a@x to bob@example.com",
            "X-Seen-By: an example",
            "Subject: hi",
            "",
            "hello"
        ]
    );
}

#[test]
fn smtp_by_client_refuses_lets_wait_and_chooses() {
    let mut example = Example::start("smtp_by_client", &[]);
    let mut stream = BufReader::new(TcpStream::connect(example.address).unwrap());
    reply(&mut stream);
    assert_eq!(command(&mut stream, "EHLO localhost"), "550");
    assert_eq!(command(&mut stream, "MAIL FROM:<a@x>"), "503");
    assert_eq!(command(&mut stream, "EHLO alone"), "250");
    assert_eq!(command(&mut stream, "MAIL FROM:<a@x>"), "250");
    assert_eq!(command(&mut stream, "RCPT TO:<bob@example.net>"), "550");
    assert_eq!(command(&mut stream, "EHLO neighbour.example"), "250");
    assert_eq!(command(&mut stream, "MAIL FROM:<a@x>"), "250");
    assert_eq!(command(&mut stream, "RCPT TO:<bob@example.net>"), "250");
    assert_eq!(command(&mut stream, "DATA"), "354");
    assert_eq!(command(&mut stream, "Subject: hi\r\n\r\nhello\r\n."), "250");
    assert_eq!(example.next_line(), "a message on behalf of submission");
}

#[test]
fn tower_limits_shed_what_finds_no_room() {
    let example = Example::start("tower_limits", &[]);
    let open = || {
        let mut stream = BufReader::new(TcpStream::connect(example.address).unwrap());
        reply(&mut stream);
        command(&mut stream, "EHLO client.example");
        let mail = command(&mut stream, "MAIL FROM:<a@x>");
        (stream, mail)
    };
    let (_first, mail) = open();
    assert_eq!(mail, "250");
    let (second, mail) = open();
    assert_eq!(mail, "250");
    let (_third, mail) = open();
    assert_eq!(mail, "451");
    drop(second);
}

#[test]
fn embed_queue_relays() {
    let mut upstream = Example::start("smtp_to_closure", &[]);
    let example = Example::start("embed_queue", &[upstream.address.to_string()]);
    let replies = example.send("a@x", &["bob@example.com"], "hello");
    assert_eq!(replies, ["250", "250", "354", "250"]);
    assert_eq!(upstream.next_line(), "from a@x to bob@example.com");
}

/// Sends one HTTP request; returns the status and the body of the answer.
fn http(server: SocketAddr, method: &str, target: &str, kind: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(server).unwrap();
    let limit = Some(Duration::from_secs(30));
    stream.set_read_timeout(limit).unwrap();
    let len = body.len();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {len}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    (status, body.to_owned())
}

#[test]
fn embed_axum_sends_by_its_own_route_and_by_the_api() {
    let mut upstream = Example::start("smtp_to_closure", &[]);
    let more = ["127.0.0.1:0".into(), upstream.address.to_string()];
    let example = Example::start("embed_axum", &more);
    let (status, told) = http(
        example.address,
        "POST",
        "/welcome",
        "text/plain",
        "bob@x.example",
    );
    // The closure refuses the null reverse-path.
    assert_eq!((status, &told[..3]), (200, "550"));
    let (status, _) = http(example.address, "POST", "/welcome", "text/plain", "nobody");
    assert_eq!(status, 400);

    let this = std::env::current_exe().unwrap();
    let folder = this.parent().and_then(|deps| deps.parent()).unwrap();
    let output = Command::new(folder.join("examples/rest_send"))
        .args([&example.address.to_string(), "bob@example.com"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.starts_with(b"250"), "{output:?}");
    let from = "from alice@example.com to bob@example.com";
    while upstream.next_line() != from {}
}

#[test]
fn rest_receiver_prints_what_it_gets() {
    let mut example = Example::start("rest_receiver", &[]);
    let json = "application/json";
    let post = |target: &str, body: &str| http(example.address, "POST", target, json, body);
    let envelope = r#"{"mail_from": {"m": "a@x"}, "rcpt_to": [{"m": "b@y"}]}"#;
    let (status, told) = post("/senders/receiver/transactions", envelope);
    assert_eq!(status, 201, "{told}");
    assert!(told.contains("/transactions/0/message_builder"), "{told}");
    let parsed = r#"{"headers": [["subject", "hi"]], "text_body": [{"content_type": "text/plain",
        "content": {"inline": "hello"}}], "file_attachments": [{"content_type": "image/png",
        "filename": "cat.png", "content": {"create_id": "part1"}}]}"#;
    let (status, told) = post("/transactions/0/message_builder", parsed);
    assert_eq!(status, 200);
    assert!(told.contains("/transactions/0/blob/part1"), "{told}");
    let octets = "application/octet-stream";
    let put = |target: &str, body: &str| http(example.address, "PUT", target, octets, body).0;
    assert_eq!(put("/transactions/0/blob/other", "meow"), 404);
    assert_eq!(put("/transactions/0/blob/part1", "meow"), 200);
    assert_eq!(
        put("/transactions/0/body", "Subject: hi\r\n\r\nhello\r\n"),
        200
    );
    let printed = [(); 4].map(|()| example.next_line());
    assert_eq!(
        printed,
        [
            "from a@x to b@y: 22 octets",
            "  subject: \"hi\"",
            "  text_body: \"text/plain\" -: \"hello\"",
            "  file_attachments: \"image/png\" cat.png: 4 octets"
        ]
    );
}

/// The lines of an example that are neither empty nor a comment.
fn lines_of(example: &str) -> usize {
    let file = format!("{}/examples/{example}.rs", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .count()
}

#[test]
fn what_many_want_takes_few_lines() {
    for (example, most) in [
        ("smtp_to_closure", 45),
        ("embed_queue", 40),
        ("own_agent", 60),
        ("own_rule", 45),
        ("embed_axum", 40),
    ] {
        let lines = lines_of(example);
        assert!(lines <= most, "{example} has {lines} lines");
    }
}

#[test]
fn the_page_that_compares_counts_the_lines_that_there_are() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let counted = Command::new(format!("{root}/scripts/comparison"))
        .arg("lines")
        .output()
        .unwrap();
    let table = String::from_utf8(counted.stdout).unwrap();
    assert_eq!(table.lines().count(), 7, "{table}");
    let page = std::fs::read_to_string(format!("{root}/guides/side-by-side.md")).unwrap();
    assert!(page.contains(&table), "the page is to have this:\n{table}");
}

/// A configuration for `own_agent`.
fn own_config(filter: &str, endpoint: &str) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    let text = format!(
        "hostname: me.example\nlog: {{ format: json }}\nstorage: memory\nnotification: {{ sender: in }}\n\
         smtp_listener: [{{ address: \"127.0.0.1:0\", sender: in }}]\nsender: [{{ name: in, chain: in }}]\n\
         chain:\n  - name: in\n    filter: [{filter}]\n    endpoint: {{ {endpoint} }}\n"
    );
    std::fs::write(file.path(), text).unwrap();
    file
}

fn own_agent() -> Command {
    program("own_agent")
}

fn program(name: &str) -> Command {
    let this = std::env::current_exe().unwrap();
    let folder = this.parent().and_then(|deps| deps.parent()).unwrap();
    Command::new(folder.join("examples").join(name))
}

#[test]
fn own_rule_is_a_rule_among_the_others() {
    for (hosts, told) in [
        ("\"a.example:25\", \"b.example:25\"", ""),
        ("", "`hosts` has none"),
        ("\"a.example\"", "`a.example` is"),
    ] {
        let filter = format!("router: {{ rules: [{{ spread: {{ hosts: [{hosts}] }} }}] }}");
        let file = own_config(&filter, "smtp: {}");
        let mut program = program("own_rule");
        let check = program.arg("check").arg(file.path()).output().unwrap();
        let shown = String::from_utf8(check.stderr).unwrap();
        assert_eq!(check.status.success(), told.is_empty(), "{shown}");
        assert!(shown.contains(told), "{shown}");
    }
}

#[test]
fn own_agent_has_all_commands_with_its_own_parts() {
    let filter = "no_words: { words: [lottery] }";
    let file = own_config(filter, "print: { prefix: \"mail for \" }");
    let check = own_agent().arg("check").arg(file.path()).output().unwrap();
    assert!(check.status.success(), "{check:?}");
    let schema = own_agent().arg("schema").output().unwrap();
    assert!(String::from_utf8_lossy(&schema.stdout).contains("\"print\""));
    for (filter, endpoint, told) in [
        (
            "no_words: { words: [] }",
            "print: { prefix: x }",
            "`words` has none",
        ),
        (filter, "prnt: { prefix: x }", "did you mean `print`?"),
        (filter, "print: {}", "`prefix` is missing"),
    ] {
        let file = own_config(filter, endpoint);
        let check = own_agent().arg("check").arg(file.path()).output().unwrap();
        assert!(!check.status.success());
        let shown = String::from_utf8(check.stderr).unwrap();
        assert!(shown.contains(told), "{shown}");
    }

    let mut process = own_agent()
        .args(["run", "--config"])
        .arg(file.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap());
    let address = loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0);
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        if event["message"] == "listening" {
            break event["smtp"][0].as_str().unwrap().parse().unwrap();
        }
    };
    // The log is small, so it fits into the pipe, and need not be read meanwhile.
    let output = BufReader::new(process.stdout.take().unwrap());
    let mut example = Example {
        process,
        address,
        output,
    };
    let taken = example.send("a@x", &["bob@example.com"], "hello");
    assert_eq!(taken, ["250", "250", "354", "250"]);
    assert_eq!(example.next_line(), "mail for bob@example.com");
    let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
    reply(&mut stream);
    for (line, code) in [
        ("EHLO client.example", "250"),
        ("MAIL FROM:<a@x>", "250"),
        ("RCPT TO:<bob@example.com>", "250"),
        ("DATA", "354"),
        ("Subject: the lottery\r\n\r\nhello\r\n.", "550"),
    ] {
        assert_eq!(command(&mut stream, line), code, "{line}");
    }
}

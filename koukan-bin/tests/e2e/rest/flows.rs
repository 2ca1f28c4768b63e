//! Mail by REST and by SMTP, through agents of each shape.

use std::time::Duration;

use crate::{
    client::Client,
    collector::{Collector, without_trace},
    peers::{peer, run},
    process::{eventually, free_address},
};

use super::{
    python::{python, start_python},
    setup::{Agent, Shape},
};

/// Runs each test with an agent of each shape.
macro_rules! flows {
    ($($name:ident)*) => {
        mod whole {
            $(#[test] fn $name() { super::$name(super::Shape::Whole); })*
        }
        mod on_postgres {
            $(#[test] fn $name() { super::$name(super::Shape::OnPostgres); })*
        }
        mod loopback {
            $(#[test] fn $name() { super::$name(super::Shape::Loopback); })*
        }
        mod split {
            $(#[test] fn $name() { super::$name(super::Shape::Split); })*
        }
    };
}

flows! {
    one_post_sends_a_message_and_hears_of_it
    the_destinations_refusal_comes_with_the_post
    a_message_survives_a_kill_during_the_wait
    a_description_with_an_attachment_becomes_a_message
    a_message_is_uploaded_in_ranges
    an_earlier_body_is_reused
    smtp_clients_hear_the_destinations_replies
    swaks_delivers
    mistakes_are_told
}

fn one_post_sends_a_message_and_hears_of_it(shape: Shape) {
    let sink = Collector::start();
    let agent = Agent::start(shape, sink.address);
    let script = r#"
body = {"inline": "Subject: hi\r\n\r\nhello\r\n"}
status, fields, tx = request("POST", SENDER, {"Prefer": "wait=20"}, {**envelope(), "body": body})
assert status == 201, (status, tx)
assert tx["data_response"]["code"] == 250, tx
assert tx["rcpt_response"][0]["code"] == 250, tx
assert tx["final_attempt_reason"] and tx["attempt_count"] == 1, tx
assert tx["mail_from"] == {} and tx["rcpt_to"] == [{}] and tx["sender"] == {}, tx
assert fields["ETag"] and fields["Location"].startswith(base + "/transactions/"), fields
status, _, again = request("GET", fields["Location"])
assert (status, again["data_response"]) == (200, tx["data_response"]), again
status, _, _ = request("GET", fields["Location"], {"If-None-Match": fields["ETag"]})
assert status == 304, status
"#;
    python(agent.rest, script, &[]);
    let message = sink.only_message("bob@example.com");
    assert_eq!(without_trace(&message), "Subject: hi\r\n\r\nhello\r\n");
}

fn the_destinations_refusal_comes_with_the_post(shape: Shape) {
    let sink = Collector::start();
    let agent = Agent::start(shape, sink.address);
    let script = r#"
for to, field in [("550@example.com", "rcpt_response"), ("end554@example.com", "data_response")]:
    asked = {**envelope(to), "mail_from": {"m": ""}, "body": {"inline": "Subject: hi\r\n\r\nhello\r\n"}}
    status, _, tx = request("POST", SENDER, {"Prefer": "wait=20"}, asked)
    reply = tx[field][0] if field == "rcpt_response" else tx[field]
    assert (status, reply["code"]) == (201, int(to.removeprefix("end")[:3])), tx
    assert "as you asked" in reply["message"], tx
    assert tx["final_attempt_reason"] == "failed", tx
"#;
    python(agent.rest, script, &[]);
}

fn a_message_survives_a_kill_during_the_wait(shape: Shape) {
    // Nobody listens there yet.
    let sink_address = free_address();
    let mut agent = Agent::start(shape, sink_address);
    let create = r#"
body = {"inline": "Subject: hi\r\n\r\nhello\r\n"}
status, fields, tx = request("POST", SENDER, {}, {**envelope(), "body": body})
assert status == 201, (status, tx)
print(fields["Location"])
"#;
    let wait = r#"
body = {"inline": "Subject: hi\r\n\r\nhello\r\n"}
request("POST", SENDER, {"Prefer": "wait=20"}, {**envelope("carol@example.com"), "body": body})
"#;
    let created = python(agent.rest, create, &[]);
    let mut waiting = start_python(agent.rest, wait);
    let both = r#"
status, _, page = request("GET", SENDER)
print(len(page["transactions"]))
"#;
    eventually(Duration::from_secs(30), || {
        python(agent.rest, both, &[]).trim() == "2"
    });
    agent.kill();
    let _ = waiting.wait();
    agent.restart();
    let sink = Collector::listen(sink_address);
    sink.only_message("carol@example.com");
    sink.only_message("bob@example.com");
    let told = r#"
tx = end(args[0])
assert tx["data_response"]["code"] == 250, tx
"#;
    python(agent.rest, told, &[created.trim()]);
}

fn a_description_with_an_attachment_becomes_a_message(shape: Shape) {
    let sink = Collector::start();
    let agent = Agent::start(shape, sink.address);
    let script = r#"
builder = {
    "headers": [["from", [{"display_name": "Älice", "address": "alice@example.com"}]],
                ["subject", "grüße"]],
    "text_body": [{"content_type": "text/plain", "content": {"inline": "hello"}}],
    "file_attachments": [{"content_type": "image/png", "filename": "cat.png",
                          "content": {"create_id": "cat"}}]}
status, fields, tx = request("POST", SENDER, {}, {**envelope(), "body": {"message_builder": builder}})
assert status == 201, (status, tx)
uri = tx["body"]["message_builder"]["blob_status"]["cat"]["uri"]
status, _, answer = request("PUT", uri, {"Content-Type": "image/png"}, bytes(range(256)) * 1000)
assert status == 200, (status, answer)
tx = end(fields["Location"])
assert tx["data_response"]["code"] == 250, tx
assert tx["body"]["message_builder"]["blob_status"]["cat"]["finalized"], tx
"#;
    python(agent.rest, script, &[]);
    let message = sink.only_message("bob@example.com");
    let check = r#"
import email, email.policy
message = email.message_from_string(args[0], policy=email.policy.default)
assert message["Subject"] == "grüße", message["Subject"]
assert message["From"].addresses[0].display_name == "Älice"
assert message["Date"] and message["Message-ID"]
text, cat = message.iter_parts()
assert text.get_content().strip() == "hello"
assert cat.get_filename() == "cat.png"
assert cat.get_content() == bytes(range(256)) * 1000
"#
    .replace("args[0]", "open(args[0], newline='').read()");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), message).unwrap();
    python(agent.rest, &check, &[file.path().to_str().unwrap()]);
}

fn a_message_is_uploaded_in_ranges(shape: Shape) {
    let sink = Collector::start();
    let agent = Agent::start(shape, sink.address);
    let script = r#"
message = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 64 * 1024 + b"\r\n"
status, fields, tx = request("POST", SENDER, {}, envelope())
body = tx["body"]["blob_status"]["uri"]
assert not tx["body"]["blob_status"].get("finalized"), tx
piece, at = 300_000, 0
while at < len(message):
    octets = message[at:at + piece]
    last = at + len(octets)
    total = len(message) if last == len(message) else "*"
    status, answer, _ = request("PUT", body, {"Content-Range": f"bytes {at}-{last - 1}/{total}"}, octets)
    assert status == 200, status
    if at == piece:
        # Too far: told where to go on.
        status, answer, problem = request("PUT", body, {"Content-Range": f"bytes {last + 5}-{last + 5}/*"}, b"x")
        assert status == 416 and answer["Content-Range"] == f"bytes */{last}", (status, answer["Content-Range"])
        assert "application/problem+json" in answer["Content-Type"] and str(last) in problem["detail"], problem
    at = last
tx = end(fields["Location"])
assert tx["data_response"]["code"] == 250, tx
status, _, _ = request("PUT", body, {}, b"again")
assert status in (409, 416), status
"#;
    python(agent.rest, script, &[]);
    let message = sink.only_message("bob@example.com");
    assert_eq!(without_trace(&message).len(), 18 + (1 << 20) + 2);
}

fn an_earlier_body_is_reused(shape: Shape) {
    let sink = Collector::start();
    let agent = Agent::start(shape, sink.address);
    let script = r#"
body = {"inline": "Subject: hi\n\nhello\n"}
status, fields, tx = request("POST", SENDER, {"request-timeout": "20"}, {**envelope(), "body": body})
assert status == 201, (status, tx)
body = {"reuse_uri": fields["Location"] + "/body"}
status, fields, tx = request("POST", SENDER, {"request-timeout": "20"}, {**envelope("carol@example.com"), "body": body})
assert tx["data_response"]["code"] == 250, tx
key = {"Idempotency-Key": "k1", "request-timeout": "20"}
asked = {**envelope("dave@example.com"), "body": body}
first = request("POST", SENDER, key, asked)
second = request("POST", SENDER, key, asked)
assert first[1]["Location"] == second[1]["Location"], (first, second)
"#;
    python(agent.rest, script, &[]);
    for to in ["bob", "carol", "dave"] {
        let message = sink.only_message(&format!("{to}@example.com"));
        assert_eq!(without_trace(&message), "Subject: hi\r\n\r\nhello\r\n");
    }
}

fn smtp_clients_hear_the_destinations_replies(shape: Shape) {
    let sink = Collector::start();
    let agent = Agent::start(shape, sink.address);
    let message = "Subject: hi\r\n\r\nhello\r\n";
    let mut client = Client::connect(agent.ingress).unwrap();
    let mut send = |to: &[&str]| client.send("a@example.org", to, message).unwrap();
    assert_eq!(send(&["550@example.com"]).rcpts, ["550 5.0.0 as you asked"]);
    assert_eq!(send(&["450@example.com"]).rcpts, ["450 4.0.0 as you asked"]);
    let refused = send(&["end554@example.com"]);
    assert_eq!(refused.message.as_deref(), Some("554 5.0.0 as you asked"));
    let sent = send(&["bob@example.com", "550@example.com", "carol@example.com"]);
    assert!(sent.is_accepted(), "{sent:?}");
    assert!(sent.rcpts[1].starts_with("550"), "{sent:?}");
    for to in ["bob@example.com", "carol@example.com"] {
        assert_eq!(without_trace(&sink.only_message(to)), message);
    }
}

fn swaks_delivers(shape: Shape) {
    let sink = Collector::start();
    let agent = Agent::start(shape, sink.address);
    let server = agent.submission.to_string();
    let arguments = [
        "--to",
        "bob@example.com",
        "--from",
        "a@example.org",
        "--server",
    ];
    run(peer("swaks").args(arguments).arg(&server));
    sink.only_message("bob@example.com");
}

fn mistakes_are_told(shape: Shape) {
    let sink = Collector::start();
    let agent = Agent::start(shape, sink.address);
    let script = r#"
def refused(status, method, url, headers={}, body=None, detail=""):
    got, fields, problem = request(method, url, headers, body)
    assert got == status, (method, url, body, got, problem)
    assert "application/problem+json" in fields["Content-Type"], fields
    assert problem["status"] == status and detail in problem["detail"], problem
json_type = {"Content-Type": "application/json"}
refused(400, "POST", SENDER, json_type, b"{", "")
refused(400, "POST", SENDER, {}, {"rcpt_to": [{"m": "b@c"}]}, "mail_from")
refused(400, "POST", SENDER, {}, {**envelope(), "rcpt_to": []}, "rcpt_to")
refused(400, "POST", SENDER, {}, {**envelope("not an address")}, "rcpt_to[0].m")
refused(400, "POST", SENDER, {}, {**envelope(), "unknown": 1}, "unknown")
refused(400, "POST", SENDER, {}, {**envelope(), "mail_from": None}, "mail_from")
refused(400, "POST", SENDER, {}, {**envelope(), "body": {"message_builder": {"headers": [["subject", 1]]}}}, "headers[0][1]")
refused(415, "POST", SENDER, {"Content-Type": "text/plain"}, b"{}")
refused(404, "POST", "/senders/nobody/transactions", {}, envelope())
refused(404, "GET", "/transactions/nonsense")
refused(404, "GET", "/nowhere")
refused(405, "DELETE", "/transactions/nonsense")
status, fields, tx = request("POST", SENDER, {}, envelope())
at = fields["Location"]
refused(400, "PATCH", at, {"If-Match": fields["ETag"]}, {"rcpt_to": [{"m": "c@d"}]})
refused(404, "PUT", at + "/blob/unknown", {}, b"x")
refused(400, "PUT", at + "/body", {"Content-Range": "nonsense"}, b"x")
status, _, tx = request("POST", at + "/cancel", {}, b"")
assert (status, tx.get("cancelled")) == (200, True), (status, tx)
refused(409, "PUT", at + "/body", {}, b"x")
"#;
    python(agent.rest, script, &[]);
    assert_eq!(sink.count(), 0);
}

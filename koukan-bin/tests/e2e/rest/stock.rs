//! Clients that know only the documented fields, and follow the documentation exactly.

use crate::collector::{Collector, without_trace};

use super::{
    python::python,
    setup::{Agent, Shape},
};

fn run(shape: Shape, script: &str) -> (Collector, Agent) {
    let sink = Collector::start();
    let agent = Agent::start(shape, sink.address);
    let script = format!("{}\n{script}", include_str!("stock.py"));
    python(agent.rest, &script, &[]);
    (sink, agent)
}

#[test]
fn a_message_in_parts_goes_to_many_by_what_was_uploaded_once() {
    let script = r#"
spec = {
    "headers": [["from", [{"address": "alice@example.com"}]], ["subject", "hi"]],
    "text_body": [{"content_type": "text/html", "content": {"create_id": "html"}},
                  {"content_type": "text/plain", "content": {"create_id": "plain"}}],
    "file_attachments": [{"content_type": "image/png", "content": {"create_id": "cat"}, "filename": "cat.png"}],
}
files = {"html": b"<b>hello</b>\r\n", "plain": b"hello\r\n", "cat": bytes(range(256)) * 400}
send_message("submission", ["bob@example.com", "carol@example.com", "dave@example.com"], spec, files)
"#;
    let (sink, _agent) = run(Shape::Split, script);
    for to in ["bob", "carol", "dave"] {
        let message = sink.only_message(&format!("{to}@example.com"));
        // The parts are in the order in which they were given, and readable.
        let html = message.find("<b>hello</b>").unwrap();
        let plain = message.find("\r\nhello\r\n").unwrap();
        assert!(html < plain, "{message}");
    }
}

#[test]
fn what_is_uploaded_for_a_recipient_that_is_refused_goes_to_the_others() {
    let script = r#"
spec = {
    "headers": [["from", [{"address": "alice@example.com"}]], ["subject", "hi"]],
    "text_body": [{"content_type": "text/plain", "content": {"create_id": "plain"}}],
    "file_attachments": [{"content_type": "image/png", "content": {"create_id": "cat"}, "filename": "cat.png"}],
}
files = {"plain": b"hello\r\n", "cat": bytes(range(256)) * 4000}
rcpts = ["550@example.com", "bob@example.com", "carol@example.com"]
send_message("submission", rcpts, spec, files, refused=rcpts[:1])
"#;
    let (sink, _agent) = run(Shape::Split, script);
    for to in ["bob", "carol"] {
        let message = sink.only_message(&format!("{to}@example.com"));
        assert!(message.contains("\r\nhello\r\n"), "{message}");
    }
}

#[test]
fn a_tag_alone_selects_the_chain() {
    let script = r#"
asked = {"sender": {"tag": "smtp-msa"}, **envelope()}
tx = Strict(asked)
tx.create(SENDER, asked)
tx.wait(lambda view: "rcpt_response" in view)
tx.put(b"Subject: hi\r\n\r\nhello\r\n")
view = tx.wait(lambda view: "data_response" in view)
assert view["data_response"]["code"] == 250, view
"#;
    let (sink, _agent) = run(Shape::Split, script);
    let message = sink.only_message("bob@example.com");
    assert_eq!(without_trace(&message), "Subject: hi\r\n\r\nhello\r\n");
}

#[test]
fn a_gateway_hands_on_one_recipient_and_five() {
    let script = r#"
message = b"Subject: hi\r\n\r\nhello\r\n"
for sender, tag in [("ingress", "smtp-mx"), ("submission", "smtp-msa")]:
    tx, codes = smtp_session(sender, tag, [f"one-{sender}@example.com"], message)
    assert codes == [250] and tx.known["data_response"]["code"] == 250, tx.known
    five = [f"{count}-{sender}@example.com" for count in range(5)]
    tx, codes = smtp_session(sender, tag, five, message)
    assert codes == [250] * 5 and tx.known["data_response"]["code"] == 250, tx.known
"#;
    let (sink, _agent) = run(Shape::Split, script);
    for sender in ["ingress", "submission"] {
        for name in ["one", "0", "1", "2", "3", "4"] {
            sink.only_message(&format!("{name}-{sender}@example.com"));
        }
    }
}

#[test]
fn a_gateway_hears_refusals_and_deferrals() {
    let script = r#"
message = b"Subject: hi\r\n\r\nhello\r\n"
for rcpts, wanted, final in [
    (["550@example.com"], [550], None),
    (["450@example.com"], [450], None),
    (["end554@example.com"], [250], 554),
    (["end450@example.com"], [250], 450),
    (["bob@example.com", "550@example.com", "carol@example.com"], [250, 550, 250], 250),
]:
    tx, codes = smtp_session("ingress", "smtp-mx", rcpts, message)
    assert codes == wanted, (rcpts, codes)
    if final:
        assert tx.known["data_response"]["code"] == final, (rcpts, tx.known)
"#;
    let (sink, _agent) = run(Shape::Split, script);
    for to in ["bob", "carol"] {
        sink.only_message(&format!("{to}@example.com"));
    }
    assert_eq!(sink.count(), 2);
}

#[test]
fn a_gateway_takes_a_transaction_back() {
    let script = r#"
tx, codes = smtp_session("ingress", "smtp-mx", ["bob@example.com", "carol@example.com"], None)
assert codes == [250, 250], codes
import http.client
host, path = tx.url.removeprefix("http://").split("/", 1)
connection = http.client.HTTPConnection(host)
connection.request("POST", "/" + path + "/cancel")
answer = connection.getresponse()
assert answer.status == 200, answer.status
view = tx.take(answer.headers, json.loads(answer.read()))
assert view["cancelled"] and "data_response" not in view, view
status, fields, view = request("GET", tx.url)
again = tx.take(fields, view)
"#;
    let (sink, _agent) = run(Shape::Split, script);
    assert_eq!(sink.count(), 0);
}

#[test]
fn a_gateway_hands_on_ten_mebibytes() {
    let script = r#"
message = b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * (10 * 1024 * 1024 // 72)
tx, codes = smtp_session("ingress", "smtp-mx", ["bob@example.com"], message)
assert tx.known["data_response"]["code"] == 250, tx.known
"#;
    let (sink, _agent) = run(Shape::Split, script);
    let message = sink.only_message("bob@example.com");
    assert_eq!(
        without_trace(&message).len(),
        18 + 72 * (10 * 1024 * 1024 / 72)
    );
}

#[test]
fn who_asks_for_the_full_view_gets_it() {
    let script = r#"
body = {"inline": "Subject: hi\r\n\r\nhello\r\n"}
prefer = {"Prefer": "wait=20, view=full"}
status, fields, tx = request("POST", SENDER, prefer, {**envelope(), "body": body})
assert status == 201, (status, tx)
assert fields["Location"] == tx["uri"] and tx["uri"].endswith(tx["id"]), tx
recipient = tx["recipients"][0]
assert recipient["address"] == "bob@example.com" and recipient["state"] == "delivered", tx
assert recipient["reply"]["code"] == 250, tx
status, fields, stock = request("GET", fields["Location"])
assert set(stock) <= KNOWN, stock
status, fields, full = request("GET", fields.get("Location", tx["uri"]) + "?view=full")
assert full == tx, (full, tx)
status, fields, page = request("GET", SENDER)
item = page["transactions"][0]
assert item["mail_from"] == {"m": "alice@example.com"}, item
assert item["rcpt_to"] == [{"m": "bob@example.com"}], item
assert item["sender"]["name"] == "submission", item
"#;
    let (sink, _agent) = run(Shape::Split, script);
    sink.only_message("bob@example.com");
}

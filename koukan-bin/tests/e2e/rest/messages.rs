//! Messages with a transaction for each recipient, through agents of each shape.

use crate::{
    collector::{Collector, without_trace},
    process::free_address,
};

use super::{
    python::python,
    setup::{Agent, Shape},
};

const GUIDE: &str = include_str!("../../../../docs/rest.md");

/// What the command in the guide sends.
fn example() -> &'static str {
    let command = GUIDE
        .split("/senders/submission/messages \\")
        .nth(1)
        .unwrap();
    let content = command.split("-d '").nth(1).unwrap();
    content.split('\'').next().unwrap()
}

#[test]
fn one_request_sends_a_message_to_all_of_its_recipients_and_hears_of_each() {
    for shape in [Shape::Whole, Shape::Split] {
        let sink = Collector::start();
        let agent = Agent::start(shape, sink.address);
        let script = r#"
asked = json.loads(args[0])
MESSAGES = "/senders/submission/messages"
status, fields, message = request("POST", MESSAGES, {"Prefer": "wait=20"}, asked)
assert status == 201, (status, message)
assert fields["Location"] == message["uri"] == f"{base}/messages/{message['id']}", fields
states = {it["address"]: it["state"] for it in message["recipients"]}
assert states == {it: "delivered" for it in ["bob@example.com", "carol@example.com", "dave@example.com"]}, message
assert message["finished"] and len(message["transactions"]) == 3, message
for shown, transaction in zip(message["recipients"], message["transactions"]):
    assert shown["transaction"] == transaction["uri"], message
    status, _, alone = request("GET", transaction["uri"])
    assert (status, alone["final_attempt_reason"]) == (200, "delivered"), alone
status, again, read = request("GET", message["uri"])
assert (status, read) == (200, message), read
status, _, _ = request("GET", message["uri"], {"If-None-Match": again["ETag"]})
assert status == 304, status

# One that the destination refuses says nothing of the others.
mixed = {"from": "alice@example.com", "to": ["550@example.com", "erin@example.com"], "text": "x"}
status, _, message = request("POST", MESSAGES, {"Prefer": "wait=20"}, mixed)
assert [it["state"] for it in message["recipients"]] == ["failed", "delivered"], message
assert message["recipients"][0]["reply"]["code"] == 550, message

# What is repeated is sent once.
once = {"from": "alice@example.com", "to": "once@example.com", "subject": "once", "text": "x"}
key = {"Idempotency-Key": "k", "Prefer": "wait=20"}
status, fields, first = request("POST", MESSAGES, key, once)
assert status == 201 and "Idempotency-Replayed" not in fields, first
status, fields, again = request("POST", MESSAGES, key, once)
assert (status, fields["Idempotency-Replayed"], again["id"]) == (201, "true", first["id"]), again
status, _, problem = request("POST", MESSAGES, key, {**once, "text": "y"})
assert status == 422, problem

# Many at once, each by itself.
batch = {"messages": [{**once, "to": f"many{number}@example.com"} for number in range(50)]}
batch["messages"][7]["to"] = "nobody"
known = set()
for turn in range(2):
    status, _, made = request("POST", MESSAGES + "/batch", {"Idempotency-Key": "batch"}, batch)
    assert status == 200, made
    assert [it["status"] for it in made["results"]] == [400 if it == 7 else 201 for it in range(50)], made
    assert made["results"][7]["problem"]["field"] == "to", made
    known |= {it["message"]["id"] for it in made["results"] if "message" in it}
    assert len(known) == 49, made
for number, result in enumerate(made["results"]):
    if number != 7:
        url = result["message"]["uri"]
        status, _, message = request("GET", url, {"request-timeout": "20"})
        assert message["recipients"][0]["state"] == "delivered", message

# What is sent later can be given up.
later = {**mixed, "to": ["bob@example.com", "erin@example.com"], "send_at": int(time.time()) + 3600}
status, _, message = request("POST", MESSAGES, {}, later)
assert status == 201 and not message["finished"], message
status, _, message = request("POST", message["uri"] + "/cancel", {}, b"")
assert [it["state"] for it in message["recipients"]] == ["cancelled"] * 2, message
"#;
        python(agent.rest, script, &[example()]);
        let texts = ["bob", "carol", "dave"].map(|user| {
            let message = sink.only_message(&format!("{user}@example.com"));
            without_trace(&message).to_owned()
        });
        assert_eq!(texts[0], texts[2]);
        assert_eq!(texts[0], texts[1]);
        assert!(texts[0].contains("Subject: hello\r\n"), "{}", texts[0]);
        assert!(texts[0].contains("cat.png"), "{}", texts[0]);
        assert!(!texts[0].contains("dave@example.com"), "{}", texts[0]);
        sink.only_message("once@example.com");
        sink.only_message("many49@example.com");
    }
}

#[test]
fn all_of_them_survive_a_kill() {
    // Nobody listens there yet.
    let sink = free_address();
    let mut agent = Agent::start(Shape::Whole, sink);
    let create = r#"
to = [f"user{number}@example.com" for number in range(20)]
status, fields, message = request("POST", "/senders/submission/messages", {},
    {"from": "alice@example.com", "bcc": to, "subject": "hi", "html": "<p>hi"})
assert status == 201, message
print(fields["Location"].removeprefix(base))
"#;
    let uri = python(agent.rest, create, &[]);
    agent.kill();
    let sink = Collector::listen(sink);
    agent.restart();
    let told = r#"
for _ in range(60):
    status, _, message = request("GET", args[0], {"request-timeout": "10"})
    assert status == 200, message
    if message["finished"]:
        break
assert {it["state"] for it in message["recipients"]} == {"delivered"}, message
assert [it["address"] for it in message["recipients"]] == [f"user{number}@example.com" for number in range(20)]
"#;
    python(agent.rest, told, &[uri.trim()]);
    for number in 0..20 {
        sink.only_message(&format!("user{number}@example.com"));
    }
}

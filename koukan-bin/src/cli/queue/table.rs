//! The JSON of the REST API as tables for people.

use std::fmt::Write;

use serde_json::Value;

use super::conversation;
use crate::cli::table::{aligned, array, distance, reply, text, time, until};

/// Transactions, one in each line.
pub(super) fn list(listed: &Value) -> String {
    let transactions = array(&listed["transactions"]);
    if transactions.is_empty() {
        return "there is none".into();
    }
    let head = ["ID", "STATE", "AGE", "FROM", "TO", "NEXT", "LAST REPLY"];
    let head = head.map(str::to_owned);
    let rows: Vec<_> = transactions.iter().map(row).collect();
    let mut text = aligned(std::iter::once(&head).chain(&rows));
    if listed["next_cursor"].is_string() {
        text.push_str("… and more: --limit says how many are listed\n");
    }
    text
}

/// A transaction in one line.
pub(super) fn line(transaction: &Value) -> String {
    aligned([&row(transaction)])
}

fn row(transaction: &Value) -> [String; 7] {
    let recipients = array(&transaction["recipients"]);
    let to = match recipients {
        [] => String::new(),
        [one] => text(&one["address"]).into(),
        [first, others @ ..] => format!("{} (+{})", text(&first["address"]), others.len()),
    };
    let negative = |recipient: &&Value| recipient["reply"]["code"].as_u64() >= Some(400);
    let deciding = recipients.iter().find(negative).or(recipients.first());
    [
        text(&transaction["id"]).into(),
        text(&transaction["state"]).into(),
        distance(&transaction["created"]).unwrap_or_default(),
        mailbox(&transaction["mail_from"]),
        to,
        match text(&transaction["final_attempt_reason"]) {
            "" => next(transaction),
            reason => reason.into(),
        },
        deciding
            .map(|recipient| reply(&recipient["reply"]))
            .unwrap_or_default(),
    ]
}

/// Everything that is known of a transaction.
pub(super) fn show(shown: &Value) -> String {
    let mut out = String::new();
    let mut tell = |name: &str, value: String| {
        if !value.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{name:<12} {value}");
        }
    };
    tell("id", text(&shown["id"]).into());
    tell("state", text(&shown["state"]).into());
    tell("ended", text(&shown["final_attempt_reason"]).into());
    if shown["held"].is_string() {
        let held = time(&shown["held"]);
        tell("held since", format!("{held}, until it is released"));
    }
    if shown["suspended"].is_string() {
        let suspended = time(&shown["suspended"]);
        tell(
            "suspended",
            format!("{suspended}, until it is resumed or its time is over"),
        );
    }
    if let Some(crashes) = shown["crashes"].as_u64() {
        tell("crashes", format!("{crashes}, so it is attempted alone"));
    }
    tell("came", time(&shown["created"]));
    tell("sender", sender(&shown["sender"]));
    tell("from", mailbox(&shown["mail_from"]));
    for recipient in array(&shown["recipients"]) {
        let (address, state) = (text(&recipient["address"]), text(&recipient["state"]));
        let reply = reply(&recipient["reply"]);
        tell(
            "to",
            format!("{address}  {state}  {reply}").trim_end().into(),
        );
    }
    tell("destination", text(&shown["destination"]).into());
    tell("next attempt", time(&shown["next_attempt"]));
    for attempt in array(&shown["attempts"]) {
        let number = &attempt["number"];
        let host = [&attempt["host"], &attempt["address"]].map(text).join(" ");
        let _ = writeln!(
            out,
            "\nattempt {number}, {}{}",
            time(&attempt["started"]),
            match host.trim() {
                "" => String::new(),
                host => format!(", {host}"),
            }
        );
        let mut said = |to: &str, value: &Value| {
            let reply = reply(value);
            if !reply.is_empty() {
                let _ = writeln!(out, "  {to}: {reply}");
            }
        };
        said("MAIL", &attempt["mail_response"]);
        for recipient in array(&attempt["recipients"]) {
            let address = text(&recipient["address"]);
            said(&format!("RCPT {address}"), &recipient["rcpt_response"]);
            said(&format!("end for {address}"), &recipient["data_response"]);
        }
        said("end", &attempt["data_response"]);
        out.push_str(&conversation::told(attempt));
    }
    out
}

/// The result of changing many transactions.
pub(super) fn changed(changed: &Value, of: &str) -> String {
    let mut out = format!("{} of {} {of}\n", changed["changed"], changed["matched"]);
    // Agents of earlier versions do not tell.
    if let Some(recipients) = changed["recipients"].as_u64()
        && changed["changed"].as_u64() != Some(recipients)
    {
        let _ = writeln!(
            out,
            "some have several recipients: {recipients} recipients {of}"
        );
    }
    for (reason, count) in changed["skipped"].as_object().into_iter().flatten() {
        let reason = match &**reason {
            "active" => "an attempt is under way",
            "held" => "held",
            "not_held" => "not held",
            "draft" => "the message is still to come",
            "notifying" => "over but for the notification",
            "finished" => "over",
            "suspended" => "the destination is suspended",
            other => other,
        };
        let _ = writeln!(out, "{count} stay as they are: {reason}");
    }
    out
}

fn next(transaction: &Value) -> String {
    if transaction["suspended"].is_string() {
        return "suspended".into();
    }
    until(&transaction["next_attempt"])
}

fn sender(sender: &Value) -> String {
    match text(&sender["tag"]) {
        "" => text(&sender["name"]).into(),
        tag => format!("{}/{tag}", text(&sender["name"])),
    }
}

/// An address; `<>` for the null reverse-path.
fn mailbox(mailbox: &Value) -> String {
    match mailbox["m"].as_str() {
        None => String::new(),
        Some("") => "<>".into(),
        Some(mailbox) => mailbox.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_transaction_is_a_line_and_all_of_it_some() {
        let shown = json!({
            "id": "T", "state": "waiting", "created": "2000-01-01T00:00:00.5Z",
            "sender": {"name": "out", "tag": "mx"}, "mail_from": {"m": ""},
            "next_attempt": "2000-01-01T01:00:00Z", "destination": "x.example", "crashes": 2,
            "recipients": [
                {"address": "a@x.example", "state": "delivered", "reply": {"code": 250, "message": "ok"}},
                {"address": "b@x.example", "state": "deferred",
                 "reply": {"code": 450, "message": "4.2.1 busy\ntry later"}},
            ],
            "attempts": [{
                "number": 2, "started": "2000-01-01T00:00:01Z", "host": "mx.x.example",
                "address": "192.0.2.1:25", "mail_response": {"code": 250, "message": "ok"},
                "recipients": [{"address": "b@x.example", "rcpt_response": {"code": 450, "message": "busy"}}],
            }],
        });
        let line = line(&shown);
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words[..2], ["T", "waiting"]);
        assert!(
            line.contains("<>  a@x.example (+1)  due  450 4.2.1 busy try later"),
            "{line}"
        );
        let told = show(&shown);
        for expected in [
            "sender       out/mx\n",
            "came         2000-01-01T00:00:00Z\n",
            "crashes      2, so it is attempted alone\n",
            "to           b@x.example  deferred  450 4.2.1 busy try later\n",
            "attempt 2, 2000-01-01T00:00:01Z, mx.x.example 192.0.2.1:25\n  MAIL: 250 ok\n  RCPT b@x.example: 450 busy\n",
        ] {
            assert!(told.contains(expected), "{expected:?} in {told}");
        }
        assert_eq!(list(&json!({"transactions": []})), "there is none");
    }

    #[test]
    fn what_stays_as_it_is_is_told_with_the_reason() {
        let json = json!({"matched": 3, "changed": 2, "skipped": {"active": 1}});
        let told = changed(&json, "were changed");
        let expected = "2 of 3 were changed\n1 stay as they are: an attempt is under way\n";
        assert_eq!(told, expected);
    }

    #[test]
    fn more_recipients_than_transactions_are_told() {
        let json = |recipients| json!({"matched": 2, "changed": 2, "recipients": recipients, "skipped": {}});
        let told = changed(&json(3), "would be changed");
        let expected = "2 of 2 would be changed\n\
                        some have several recipients: 3 recipients would be changed\n";
        assert_eq!(told, expected);
        assert_eq!(changed(&json(2), "were changed"), "2 of 2 were changed\n");
    }
}

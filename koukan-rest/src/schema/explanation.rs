//! Explanations of what would happen to a message, as JSON.

use std::net::SocketAddr;

use koukan_core::{
    context::{ClientName, Context, Sender, Tls},
    path::{ForwardPath, ReversePath},
    reply::Reply,
    resource::{
        Explain, Explanation, HostWay, MatcherFound, Note, NotePhase, Passage, PassageOf, Refusal,
        RuleFound, Way, What,
    },
    transaction::{Mail, Rcpt},
};
use serde_json::{Value, json};

use super::{reader::Field, reply_to_json};

/// The most recipients in one request.
const RECIPIENTS_MAX: usize = 100;

/// Reads a request for an explanation.
///
/// # Errors
///
/// The refusal of the first thing that cannot be understood.
pub fn explain_from_json(value: &Value) -> Result<Explain, Refusal> {
    let root = Field::root(value);
    let asked = root.object(&[
        "sender",
        "tag",
        "mail_from",
        "rcpt_to",
        "ip",
        "identity",
        "helo",
        "tls",
        "message",
    ])?;
    let text = |name| asked.get(name).map(|field| field.text()).transpose();
    let sender = Sender::new(asked.require("sender")?.text()?);
    let mut context = Context::new(match text("tag")? {
        Some(tag) => sender.with_tag(tag),
        None => sender,
    });
    if let Some(field) = asked.get("ip") {
        let ip = field.text()?.parse();
        let ip = ip.map_err(|_| field.refuse("must be an IP address, as in 192.0.2.1"))?;
        context.remote_host = Some(SocketAddr::new(ip, 0));
    }
    context.identity = text("identity")?.map(Into::into);
    context.client_name = text("helo")?.map(|name| ClientName {
        name: name.into(),
        is_extended: true,
    });
    if asked.get("tls").map(|field| field.flag()).transpose()? == Some(true) {
        context.tls = Some(Tls {
            version: "TLSv1.3".into(),
            cipher: "TLS13_AES_256_GCM_SHA384".into(),
            client: None,
        });
    }
    let from = asked.require("mail_from")?;
    let reverse_path = from.text()?.parse::<ReversePath>();
    let reverse_path = reverse_path.map_err(|error| from.refuse(error.to_string()))?;
    let to = asked.require("rcpt_to")?;
    let fields = to.list()?;
    if fields.len() > RECIPIENTS_MAX {
        return Err(to.refuse(format!("has {RECIPIENTS_MAX} recipients at most")));
    }
    let recipients = fields.iter().map(|field| {
        let path = field.text()?.parse::<ForwardPath>();
        let path = path.map_err(|error| field.refuse(error.to_string()))?;
        Ok(Rcpt::new(path))
    });
    let recipients = recipients.collect::<Result<_, Refusal>>()?;
    Ok(Explain {
        context,
        mail: Mail::new(reverse_path),
        recipients,
        message: text("message")?.map(|message| message.to_owned().into()),
    })
}

/// Writes an explanation.
pub fn explanation_to_json(explanation: &Explanation) -> Value {
    let passages: Vec<_> = explanation.passages.iter().map(passage).collect();
    let recipients: Vec<_> = explanation.recipients.iter().map(reply_to_json).collect();
    let mut json = json!({
        "mail": reply_to_json(&explanation.mail),
        "recipients": recipients,
        "passages": passages,
    });
    if let Some(reply) = &explanation.message {
        json["message"] = reply_to_json(reply);
    }
    if !explanation.unasked.is_empty() {
        let unasked = explanation.unasked.iter().map(ToString::to_string);
        json["not_connected"] = json!(unasked.collect::<Vec<_>>());
    }
    json
}

fn passage(passage: &Passage) -> Value {
    let notes: Vec<_> = passage.notes.iter().map(|of| note(passage, of)).collect();
    let mut json = json!({
        "sender": &*passage.sender.name,
        "chain": passage.chain,
        "filters": passage.filters,
        "notes": notes,
        "filter_output": passage.signals,
    });
    if let Some(tag) = &passage.sender.tag {
        json["tag"] = json!(&**tag);
    }
    match passage.of {
        PassageOf::Client => {}
        PassageOf::Part(whole) => json["part_of"] = json!(whole),
        PassageOf::Copy(original) => json["copy_of"] = json!(original),
    }
    json
}

fn note(passage: &Passage, note: &Note) -> Value {
    let (kind, value) = what(&note.what);
    let mut json = json!({
        "phase": match note.phase {
            NotePhase::Mail => "mail",
            NotePhase::Rcpt(_) => "rcpt",
            NotePhase::Header => "header",
            NotePhase::End => "end",
        },
        kind: value,
    });
    if let NotePhase::Rcpt(to) = &note.phase {
        json["rcpt_to"] = json!(to);
    }
    if let Some(filter) = note.filter.and_then(|filter| passage.filters.get(filter)) {
        json["filter"] = json!(filter);
    }
    json
}

/// The name of a step in an explanation, and its value.
fn what(what: &What) -> (&'static str, Value) {
    let replied = reply_to_json as fn(&Reply) -> Value;
    match what {
        What::Rule(look) => {
            let asked = look.asked.iter().map(|(matcher, found)| {
                let found = match found {
                    MatcherFound::Yes => "match",
                    MatcherFound::No => "no_match",
                    MatcherFound::NotYetKnown => "not_yet_known",
                };
                json!({"matcher": matcher, "says": found})
            });
            let mut rule = json!({
                "name": look.rule,
                "tag": look.tag,
                "says": match look.found {
                    RuleFound::Match => "match",
                    RuleFound::NoMatch => "no_match",
                    RuleFound::NotYetKnown => "not_yet_known",
                    RuleFound::Waits => "waits",
                    RuleFound::PassedOver => "passed_over",
                },
                "asked": asked.collect::<Vec<_>>(),
            });
            if let Some(action) = look.action {
                rule["action"] = json!(action);
            }
            if let Some(reply) = &look.reply {
                rule["reply"] = reply_to_json(reply);
            }
            ("rule", rule)
        }
        What::Signal { name, value } => ("signal", json!({"name": name, "value": value})),
        What::ReversePath(path) => ("reverse_path", json!(path)),
        What::ForwardPath(path) => ("forward_path", json!(path)),
        What::Refused(reply) => ("refused", replied(reply)),
        What::Answered(reply) => ("answered", replied(reply)),
        What::Added(names) => ("added", json!(names)),
        What::Removed(names) => ("removed", json!(names)),
        What::WouldAsk(whom) => ("would_ask", json!(whom)),
        What::Goes(way) => ("goes", goes(way)),
        What::GoesNowhere(reply) => ("goes_nowhere", replied(reply)),
        What::Kept(reply) => ("kept", replied(reply)),
    }
}

fn goes(way: &Way) -> Value {
    match way {
        Way::Http { kind, url } => json!({"by": kind, "url": url}),
        Way::Hosts {
            protocol,
            domain,
            hosts,
        } => {
            let hosts: Vec<_> = hosts.iter().map(host).collect();
            let mut json = json!({"by": protocol, "hosts": hosts});
            if let Some(domain) = domain {
                json["domain"] = json!(domain);
            }
            json
        }
    }
}

fn host(way: &HostWay) -> Value {
    let addresses = way.addresses.iter().map(|(address, refused)| {
        let mut json = json!({"address": address.to_string()});
        if let Some(reply) = refused {
            json["refused"] = reply_to_json(reply);
        }
        json
    });
    let mut json = json!({
        "host": way.host.to_string(),
        "addresses": addresses.collect::<Vec<_>>(),
        "tls": way.tls.as_str(),
    });
    if way.is_immediate {
        json["tls_mode"] = json!("immediate");
    }
    if let Some(reply) = &way.failed {
        json["failed"] = reply_to_json(reply);
    }
    json
}

//! What a notification tells people.

use super::{
    fields::{Lines, date},
    form::Form,
    notice::Report,
    reported::{Action, Reported},
};

/// The subject: of the gravest that is told.
pub(super) fn subject(recipients: &[Reported<'_>]) -> &'static str {
    match kinds(recipients).next() {
        Some(Action::Delayed(_)) => "Delayed mail: delivery is still being tried",
        Some(Action::Relayed) => "Your mail was handed on",
        Some(Action::Delivered) => "Your mail was delivered",
        Some(Action::Expanded) => "Your mail was sent on",
        _ => "Undelivered mail returned to sender",
    }
}

/// The text: for each kind what has happened, and to whom.
pub(super) fn text(report: &Report<'_>) -> String {
    let host = report.reporting_mta;
    // Encoded as a whole.
    let mut lines = Lines::new(Form::Utf8);
    let mut kinds = kinds(report.recipients);
    let first = kinds.next().unwrap_or(Action::Failed);
    lines.paragraph(&format!(
        "This is the mail system at {host}. {} Its id here is {}.",
        happened(first),
        report.id
    ));
    of_kind(&mut lines, report, first);
    for kind in kinds {
        lines.paragraph(&happened(kind));
        of_kind(&mut lines, report, kind);
    }
    lines.into_string()
}

/// The kinds that are told, the gravest first.
fn kinds(recipients: &[Reported<'_>]) -> impl Iterator<Item = Action> {
    let mut kinds: Vec<Action> = Vec::new();
    for recipient in recipients {
        if !kinds.contains(&recipient.action) {
            kinds.push(recipient.action);
        }
    }
    kinds.sort_by_key(|kind| match kind {
        Action::Failed => 0,
        Action::Delayed(_) => 1,
        Action::Relayed => 2,
        Action::Delivered => 3,
        Action::Expanded => 4,
    });
    kinds.into_iter()
}

fn happened(kind: Action) -> String {
    match kind {
        Action::Failed => "Your message could not be delivered to the recipients below, and will \
                           not be tried again."
            .into(),
        Action::Delayed(until) => format!(
            "Your message could not be delivered as yet to the recipients below. You need not send \
             it again: delivery is tried until {}.",
            date(until)
        ),
        Action::Relayed => "Your message was handed on to the recipients below, by way of servers \
                            that may not tell you when it is delivered."
            .into(),
        Action::Delivered => "Your message was delivered to the recipients below.".into(),
        Action::Expanded => "Your message was sent on to all that the recipients below stand for. \
                             You may not be told what becomes of it there."
            .into(),
    }
}

fn of_kind(lines: &mut Lines, report: &Report<'_>, kind: Action) {
    for recipient in report.recipients.iter().filter(|it| it.action == kind) {
        let to = &recipient.rcpt.forward_path;
        let reply = recipient.reply.as_said();
        let who = who(recipient);
        lines.paragraph(&format!("<{to}>: {who} {reply}"));
    }
}

/// Who has said the reply that is told of a recipient.
fn who(recipient: &Reported<'_>) -> String {
    let reply = recipient.reply;
    let last = match recipient.action {
        Action::Failed if reply.is_transient() => "delivery was given up; ",
        _ => "",
    };
    match (recipient.remote(), reply.is_from_upstream()) {
        (Some(remote), _) if reply.is_transient() => format!("{last}{} said last:", remote.host),
        (Some(remote), _) => format!("{} said:", remote.host),
        (None, true) => format!("{last}the receiving server said:"),
        (None, false) if reply.is_transient() => format!("{last}the last attempt ended with:"),
        (None, false) if reply.is_positive() => "it was accepted with:".into(),
        (None, false) => "this mail system does not deliver it:".into(),
    }
}

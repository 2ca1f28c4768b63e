//! The text of a notification for people, from a template.

use std::borrow::Cow;

use super::{
    fields::{Lines, clean, date},
    form::Form,
    notice::Report,
    reported::{Action, Reported},
    template::{Entry, Language, Slot},
};

/// The separator between the texts in two languages.
const BETWEEN: &str = "* * *";

/// The name of the author.
pub(super) fn from(report: &Report<'_>, languages: &[&Language]) -> String {
    let first = languages.first();
    first.map_or_else(String::new, |it| {
        it.line(Entry::From, |slot| of_all(report, slot))
    })
}

/// The subject, for the most serious action that is reported.
pub(super) fn subject(report: &Report<'_>, languages: &[&Language]) -> String {
    let entry = match kinds(report.recipients).next() {
        Some(Action::Delayed(_)) => Entry::SubjectDelayed,
        Some(Action::Relayed) => Entry::SubjectRelayed,
        Some(Action::Delivered) => Entry::SubjectDelivered,
        Some(Action::Expanded) => Entry::SubjectExpanded,
        _ => Entry::SubjectFailed,
    };
    let first = languages.first();
    first.map_or_else(String::new, |it| {
        it.line(entry, |slot| of_all(report, slot))
    })
}

/// The text: for each kind of action, what happened and to which recipients; in each language.
pub(super) fn text(report: &Report<'_>, languages: &[&Language]) -> String {
    // The text is encoded as a whole.
    let mut lines = Lines::new(Form::Utf8);
    for (number, language) in languages.iter().enumerate() {
        if number > 0 {
            lines.paragraphs(BETWEEN);
        }
        in_language(&mut lines, report, language);
    }
    lines.into_string()
}

fn in_language(lines: &mut Lines, report: &Report<'_>, language: &Language) {
    let mut kinds = kinds(report.recipients);
    let first = kinds.next().unwrap_or(Action::Failed);
    let opening = language.paragraphs(Entry::Opening, |slot| match slot {
        Slot::Happened => happened(report, language, first).into(),
        slot => of_all(report, slot),
    });
    lines.paragraphs(&opening);
    of_kind(lines, report, language, first);
    for kind in kinds {
        lines.paragraphs(&happened(report, language, kind));
        of_kind(lines, report, language, kind);
    }
    let closing = language.paragraphs(Entry::Closing, |slot| of_all(report, slot));
    if !closing.is_empty() {
        lines.paragraphs(&closing);
    }
}

/// The kinds of action that are reported, most serious first.
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

fn happened(report: &Report<'_>, language: &Language, kind: Action) -> String {
    let entry = match kind {
        Action::Failed => Entry::Failed,
        Action::Delayed(_) => Entry::Delayed,
        Action::Relayed => Entry::Relayed,
        Action::Delivered => Entry::Delivered,
        Action::Expanded => Entry::Expanded,
    };
    language.paragraphs(entry, |slot| match (slot, kind) {
        (Slot::Until, Action::Delayed(until)) => date(until).into(),
        (slot, _) => of_all(report, slot),
    })
}

fn of_kind(lines: &mut Lines, report: &Report<'_>, language: &Language, kind: Action) {
    for recipient in report.recipients.iter().filter(|it| it.action == kind) {
        let to = clean(recipient.rcpt.forward_path.as_str());
        let text = language.paragraphs(Entry::Recipient, |slot| match slot {
            Slot::To => Cow::Borrowed(&*to),
            Slot::Said => said(language, recipient).into(),
            slot => of_all(report, slot),
        });
        lines.paragraphs(&text);
    }
}

/// The reply for a recipient, and who gave it.
fn said(language: &Language, recipient: &Reported<'_>) -> String {
    let reply = recipient.reply;
    let is_given_up = recipient.action == Action::Failed && reply.is_transient();
    let entry = match (recipient.remote(), reply.is_from_upstream()) {
        (Some(_), _) if reply.is_transient() => Entry::HostSaidLast,
        (Some(_), _) => Entry::HostSaid,
        (None, true) => Entry::ServerSaid,
        (None, false) if reply.is_transient() => Entry::AttemptEnded,
        (None, false) if reply.is_positive() => Entry::Accepted,
        (None, false) => Entry::Refused,
    };
    let said = language.paragraphs(entry, |slot| match (slot, recipient.remote()) {
        (Slot::Host, Some(remote)) => clean(&remote.host),
        (Slot::Reply, _) => clean(&reply.as_said().to_string()).into_owned().into(),
        _ => "".into(),
    });
    match is_given_up {
        true => language.paragraphs(Entry::GivenUp, |_| Cow::Borrowed(&*said)),
        false => said,
    }
}

/// The values of placeholders that all texts have.
fn of_all<'a>(report: &'a Report<'_>, slot: Slot) -> Cow<'a, str> {
    match slot {
        Slot::Agent => clean(report.reporting_mta),
        Slot::Id => clean(report.id),
        _ => "".into(),
    }
}
